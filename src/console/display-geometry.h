/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnDisplayGeometry: where a guest's picture lies in the area of its widget. Pure.
 *
 * Three kinds of pixels: guest pixels; device pixels, of the monitor; logical pixels, of GTK, each
 * scale_factor device pixels wide. The picture and every tile edge are on whole device pixels:
 * fractional edges would show as lines between tiles.
 */
#pragma once

#include <glib.h>
#include <graphene.h>

#include "console/damage-map.h"

G_BEGIN_DECLS

typedef struct
{
  int guest_width;
  int guest_height;
  int scale_factor;
  int x; /* of the picture, in device pixels of the area */
  int y;
  int width;
  int height;
} InnDisplayGeometry;

/*
 * Fits a guest of @guest_width × @guest_height into @area_width × @area_height logical pixels,
 * keeping its aspect: shrunk when it is larger; one guest pixel to one device pixel while that
 * leaves only a narrow border; enlarged beyond.
 */
void inn_display_geometry_init (InnDisplayGeometry *self,
                                int guest_width,
                                int guest_height,
                                int area_width,
                                int area_height,
                                int scale_factor);

/* Whether both draw the same picture in the same place. */
gboolean inn_display_geometry_equal (const InnDisplayGeometry *a, const InnDisplayGeometry *b);

/* How often to repeat a guest pixel before a linear filter scales it, so that edges stay crisp
 * between whole-number scales: 1 when shrunk or exact. */
int inn_display_geometry_get_repeat (const InnDisplayGeometry *self);

/* The logical rectangle that shows the guest's @rectangle. Neighbours share their edges. */
graphene_rect_t inn_display_geometry_map (const InnDisplayGeometry *self,
                                          const InnRectangle *rectangle);

/* The guest pixel under the logical point, moved to the nearest one when outside. */
void inn_display_geometry_unmap (const InnDisplayGeometry *self,
                                 double x,
                                 double y,
                                 int *guest_x,
                                 int *guest_y);

/* The mode to ask a guest for that fills the area: whole groups of eight pixels wide, which is
 * what guests' drivers round to (VESA CVT). FALSE: the area is too small to be worth it. */
gboolean inn_display_geometry_get_wanted_mode (int area_width,
                                               int area_height,
                                               int scale_factor,
                                               int *width,
                                               int *height);

G_END_DECLS
