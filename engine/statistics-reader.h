/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the statistics page of a VMM (protocol/statistics-protocol.h) through a read-only map,
 * which outlives the VMM.
 */
#pragma once

#include <glib.h>

#include "protocol/statistics-protocol.h"

G_BEGIN_DECLS

typedef struct _InnStatisticsReader InnStatisticsReader;

/* Maps the statistics file at @fd (borrowed). Errors: G_IO_ERROR_NOT_SUPPORTED for another version
 * of the page, G_IO_ERROR_INVALID_DATA for a file that is not sealed or not of the right form. */
InnStatisticsReader *inn_statistics_reader_new (int fd, GError **error);
void inn_statistics_reader_free (InnStatisticsReader *self);

/* As inn_control_channel_read_statistics(). */
gboolean inn_statistics_reader_read (InnStatisticsReader *self, struct statistics_page *page);
/* As inn_control_channel_read_history(). */
gboolean inn_statistics_reader_read_history (InnStatisticsReader *self,
                                             struct statistics_history *history);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnStatisticsReader, inn_statistics_reader_free)

G_END_DECLS
