/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's pointer as a pointer of this computer, so that it moves without waiting for the
 * guest. */
#pragma once

#include <gdk/gdk.h>

#include "console/pixel-buffer.h"

G_BEGIN_DECLS

/* @image: as in InnConsoleSource's "cursor"; NULL for a hidden pointer. Transfer full. */
GdkCursor *inn_guest_cursor_new (const InnPixelBuffer *image, int hot_x, int hot_y);

G_END_DECLS
