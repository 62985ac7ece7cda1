/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnThumbnail: a small, live GdkPaintable of a guest's screen. Guest pixels are averaged, not
 * skipped, so that text stays grey instead of sparkling. It announces changes at most ten times a
 * second and works only when somebody draws it.
 */
#pragma once

#include <gdk/gdk.h>

#include "console/damage-map.h"
#include "console/pixel-buffer.h"

G_BEGIN_DECLS

#define INN_TYPE_THUMBNAIL (inn_thumbnail_get_type ())
G_DECLARE_FINAL_TYPE (InnThumbnail, inn_thumbnail, INN, THUMBNAIL, GObject)

InnThumbnail *inn_thumbnail_new (void);

void inn_thumbnail_set_pixels (InnThumbnail *self, InnPixelBuffer *pixels);
/* A rectangle changed; it may lie anywhere. */
void inn_thumbnail_damage (InnThumbnail *self, const InnRectangle *rectangle);

G_END_DECLS
