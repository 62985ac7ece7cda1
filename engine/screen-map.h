/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VMM's screen (protocol/screen-protocol.h) mapped read-only. The maps outlive the VMM.
 */
#pragma once

#include <glib.h>

#include "protocol/screen-protocol.h"

G_BEGIN_DECLS

typedef struct _InnScreenMap InnScreenMap;

/* Maps the screen page and the pixel file (borrowed descriptors). Errors:
 * G_IO_ERROR_NOT_SUPPORTED for another version of the page, G_IO_ERROR_INVALID_DATA for files that
 * are not sealed, not of the right size or not of the right form, and what mmap(2) says. */
InnScreenMap *inn_screen_map_new (int page_fd, int pixels_fd, GError **error);
void inn_screen_map_free (InnScreenMap *self);

/* As screen_copy(). */
int inn_screen_map_read (InnScreenMap *self, struct screen_page *page);
/* The whole pixel file; borrowed. It changes at any time, and stays mapped while it is referenced.
 */
GBytes *inn_screen_map_get_pixels (InnScreenMap *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnScreenMap, inn_screen_map_free)

G_END_DECLS
