/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnDisplayGeometry: placing, mapping and unmapping in whole device pixels. */
#include "console/display-geometry.h"

#include <math.h>

#include "console/pixel-buffer.h"

/* Up to here a border around the exact picture is nicer than a picture slightly enlarged. */
#define EXACT_UP_TO 1.25
#define MAX_REPEAT  4

#define CVT_GRANULE     8
#define MIN_MODE_WIDTH  320
#define MIN_MODE_HEIGHT 200

void
inn_display_geometry_init (InnDisplayGeometry *self,
                           int guest_width,
                           int guest_height,
                           int area_width,
                           int area_height,
                           int scale_factor)
{
  int device_width = MAX (area_width, 1) * scale_factor;
  int device_height = MAX (area_height, 1) * scale_factor;
  double zoom = MIN ((double)device_width / guest_width, (double)device_height / guest_height);

  if (zoom >= 1.0 && zoom < EXACT_UP_TO)
    zoom = 1.0;

  self->guest_width = guest_width;
  self->guest_height = guest_height;
  self->scale_factor = scale_factor;
  self->width = CLAMP ((int)round (guest_width * zoom), 1, device_width);
  self->height = CLAMP ((int)round (guest_height * zoom), 1, device_height);
  self->x = (device_width - self->width) / 2;
  self->y = (device_height - self->height) / 2;
}

gboolean
inn_display_geometry_equal (const InnDisplayGeometry *a, const InnDisplayGeometry *b)
{
  return a->guest_width == b->guest_width && a->guest_height == b->guest_height
         && a->scale_factor == b->scale_factor && a->x == b->x && a->y == b->y
         && a->width == b->width && a->height == b->height;
}

int
inn_display_geometry_get_repeat (const InnDisplayGeometry *self)
{
  int repeat = (self->width + self->guest_width - 1) / self->guest_width;

  return CLAMP (repeat, 1, MAX_REPEAT);
}

/* The device pixel at which guest pixel @position starts. */
static int
map_edge (int position, int guest_length, int start, int length)
{
  return start + (int)(((gint64)position * length + guest_length / 2) / guest_length);
}

graphene_rect_t
inn_display_geometry_map (const InnDisplayGeometry *self, const InnRectangle *rectangle)
{
  int left = map_edge (rectangle->x, self->guest_width, self->x, self->width);
  int right = map_edge (rectangle->x + rectangle->width, self->guest_width, self->x, self->width);
  int top = map_edge (rectangle->y, self->guest_height, self->y, self->height);
  int bottom
      = map_edge (rectangle->y + rectangle->height, self->guest_height, self->y, self->height);
  float scale = (float)self->scale_factor;

  return GRAPHENE_RECT_INIT ((float)left / scale, (float)top / scale, (float)(right - left) / scale,
                             (float)(bottom - top) / scale);
}

static int
unmap_coordinate (double position, int scale_factor, int start, int length, int guest_length)
{
  double guest = floor ((position * scale_factor - start) * guest_length / length);

  return (int)CLAMP (guest, 0.0, (double)(guest_length - 1));
}

void
inn_display_geometry_unmap (const InnDisplayGeometry *self,
                            double x,
                            double y,
                            int *guest_x,
                            int *guest_y)
{
  *guest_x = unmap_coordinate (x, self->scale_factor, self->x, self->width, self->guest_width);
  *guest_y = unmap_coordinate (y, self->scale_factor, self->y, self->height, self->guest_height);
}

gboolean
inn_display_geometry_get_wanted_mode (int area_width,
                                      int area_height,
                                      int scale_factor,
                                      int *width,
                                      int *height)
{
  int mode_width = MIN (area_width * scale_factor, INN_PIXEL_BUFFER_MAX_SIDE);
  int mode_height = MIN (area_height * scale_factor, INN_PIXEL_BUFFER_MAX_SIDE);

  mode_width -= mode_width % CVT_GRANULE;
  if (mode_width < MIN_MODE_WIDTH || mode_height < MIN_MODE_HEIGHT)
    return FALSE;

  *width = mode_width;
  *height = mode_height;
  return TRUE;
}
