/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnPixelBuffer: allocation, and copies out of it that are opaque, enlarged or shrunk. */
#include "console/pixel-buffer.h"

#include <string.h>

#define BYTES_PER_PIXEL 4

/* The unused byte is the fourth one in memory whatever the byte order of this computer. */
#define OPAQUE_PIXEL GUINT32_TO_LE (0xff000000u)

static gboolean
size_allowed (int width, int height)
{
  return width > 0 && height > 0 && width <= INN_PIXEL_BUFFER_MAX_SIDE
         && height <= INN_PIXEL_BUFFER_MAX_SIDE && height <= INN_PIXEL_BUFFER_MAX_AREA / width;
}

InnPixelBuffer *
inn_pixel_buffer_new (int width, int height)
{
  InnPixelBuffer *self;
  guint8 *data;

  if (!size_allowed (width, height))
    return NULL;

  data = g_try_malloc0_n ((gsize)width * height, BYTES_PER_PIXEL);
  if (data == NULL)
    return NULL;

  self = g_rc_box_new0 (InnPixelBuffer);
  self->width = width;
  self->height = height;
  self->stride = (gsize)width * BYTES_PER_PIXEL;
  self->data = data;
  return self;
}

InnPixelBuffer *
inn_pixel_buffer_new_for_bytes (GBytes *bytes,
                                guint64 offset,
                                int width,
                                int height,
                                gsize stride,
                                InnPixelOrder order)
{
  gsize size = g_bytes_get_size (bytes);
  InnPixelBuffer *self;

  if (!size_allowed (width, height) || stride / BYTES_PER_PIXEL < (gsize)width || offset > size
      || (size - offset) / stride < (gsize)height)
    return NULL;

  self = g_rc_box_new0 (InnPixelBuffer);
  self->width = width;
  self->height = height;
  self->stride = stride;
  self->order = order;
  self->bytes = g_bytes_ref (bytes);
  self->data = (guint8 *)g_bytes_get_data (bytes, NULL) + offset;
  return self;
}

InnPixelBuffer *
inn_pixel_buffer_ref (InnPixelBuffer *self)
{
  return g_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  InnPixelBuffer *self = data;

  if (self->bytes != NULL)
    g_bytes_unref (self->bytes);
  else
    g_free (self->data);
}

void
inn_pixel_buffer_unref (InnPixelBuffer *self)
{
  g_rc_box_release_full (self, clear);
}

static gboolean
contains (const InnPixelBuffer *self, int x, int y, int width, int height)
{
  return x >= 0 && y >= 0 && width >= 0 && height >= 0 && x <= self->width && y <= self->height
         && width <= self->width - x && height <= self->height - y;
}

static inline guint32
load_pixel (const guint8 *source)
{
  guint32 pixel;

  memcpy (&pixel, source, sizeof pixel);
  return pixel | OPAQUE_PIXEL;
}

static void
copy_row (const guint8 *source, int width, guint8 *target)
{
  for (int i = 0; i < width; i++)
    {
      guint32 pixel = load_pixel (source + (gsize)i * BYTES_PER_PIXEL);

      memcpy (target + (gsize)i * BYTES_PER_PIXEL, &pixel, sizeof pixel);
    }
}

/* Between the two orders, either way. */
static void
swap_row (guint8 *row, int width)
{
  for (int i = 0; i < width; i++, row += BYTES_PER_PIXEL)
    {
      guint8 first = row[0];

      row[0] = row[2];
      row[2] = first;
    }
}

static void
copy_row_enlarged (const guint8 *source, int width, int repeat, guint8 *target)
{
  for (int i = 0; i < width; i++)
    {
      guint32 pixel = load_pixel (source + (gsize)i * BYTES_PER_PIXEL);

      for (int k = 0; k < repeat; k++, target += sizeof pixel)
        memcpy (target, &pixel, sizeof pixel);
    }
}

void
inn_pixel_buffer_copy (const InnPixelBuffer *self,
                       int x,
                       int y,
                       int width,
                       int height,
                       int repeat,
                       guint8 *target,
                       gsize target_stride)
{
  const guint8 *source = self->data + (gsize)y * self->stride + (gsize)x * BYTES_PER_PIXEL;

  g_assert (contains (self, x, y, width, height) && repeat >= 1);

  for (int row = 0; row < height; row++, source += self->stride)
    {
      const guint8 *first = target;

      if (repeat == 1)
        copy_row (source, width, target);
      else
        copy_row_enlarged (source, width, repeat, target);
      if (self->order == INN_PIXEL_ORDER_RGBX)
        swap_row (target, width * repeat);
      target += target_stride;
      for (int k = 1; k < repeat; k++, target += target_stride)
        memcpy (target, first, (gsize)width * repeat * BYTES_PER_PIXEL);
    }
}

static void
average_block (const InnPixelBuffer *self, int x, int y, int width, int height, guint8 *target)
{
  guint32 blue = 0, green = 0, red = 0;
  guint32 count = (guint32)width * (guint32)height;

  for (int row = y; row < y + height; row++)
    {
      const guint8 *source = self->data + (gsize)row * self->stride + (gsize)x * BYTES_PER_PIXEL;

      for (int i = 0; i < width; i++, source += BYTES_PER_PIXEL)
        {
          blue += source[0];
          green += source[1];
          red += source[2];
        }
    }
  target[0] = (guint8)(blue / count);
  target[1] = (guint8)(green / count);
  target[2] = (guint8)(red / count);
  target[3] = 0xff;
  if (self->order == INN_PIXEL_ORDER_RGBX)
    swap_row (target, 1);
}

void
inn_pixel_buffer_shrink (const InnPixelBuffer *self,
                         int x,
                         int y,
                         int width,
                         int height,
                         int divisor,
                         guint8 *target,
                         gsize target_stride)
{
  g_assert (contains (self, x, y, width, height) && divisor >= 1);

  for (int row = 0; row < height; row += divisor, target += target_stride)
    for (int column = 0; column < width; column += divisor)
      average_block (self, x + column, y + row, MIN (divisor, width - column),
                     MIN (divisor, height - row),
                     target + (gsize)(column / divisor) * BYTES_PER_PIXEL);
}
