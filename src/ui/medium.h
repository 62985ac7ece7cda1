/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMedium: a file a machine can start from, and what is known about the system on it, or the
 * network. Immutable; an object, so that it can be in lists.
 */
#pragma once

#include <gio/gio.h>

#include "model/medium-info.h"

G_BEGIN_DECLS

#define INN_TYPE_MEDIUM (inn_medium_get_type ())
G_DECLARE_FINAL_TYPE (InnMedium, inn_medium, INN, MEDIUM, GObject)

/* Finds out what @path is without blocking. INN_ERROR with a sentence when it is nothing a machine
 * can start from. */
void inn_medium_identify_async (const char *path,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
InnMedium *inn_medium_identify_finish (GAsyncResult *result, GError **error);

/* Not a file, but the network. */
InnMedium *inn_medium_new_network (void);

/* NULL for the network. */
const char *inn_medium_get_path (InnMedium *self);
/* Bytes of the file; 0 when unknown. */
guint64 inn_medium_get_size (InnMedium *self);
/* Borrowed. */
const InnMediumInfo *inn_medium_get_info (InnMedium *self);
/* What to call it in a list: the system, or the file where the system is not known. */
const char *inn_medium_get_name (InnMedium *self);

G_END_DECLS
