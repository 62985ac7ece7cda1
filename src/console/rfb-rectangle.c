/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnRfbDecoder: the rectangles of an update (RFC 6143, sections 7.6.1, 7.7 and 7.8) and those
 * that only look like one: sizes, pointers, keyboard lights (rfbproto, "pseudo-encodings").
 */
#include "console/rfb-decoder-private.h"

#include <string.h>

#define BYTES_PER_PIXEL 4
#define HEXTILE_SIDE    16

/* Guests' pointers are 64 pixels wide, a few 256; a larger one is an attempt at our memory. */
#define MAX_CURSOR_SIDE 512

enum
{
  HEXTILE_RAW = 1 << 0,
  HEXTILE_BACKGROUND = 1 << 1,
  HEXTILE_FOREGROUND = 1 << 2,
  HEXTILE_ANY_SUBRECTS = 1 << 3,
  HEXTILE_SUBRECTS_COLOURED = 1 << 4,
};

static guint8 *
pixel_at (InnRfbDecoder *self, int x, int y)
{
  return self->pixels->data + (gsize)y * self->pixels->stride + (gsize)x * BYTES_PER_PIXEL;
}

static gboolean
is_inside (InnRfbDecoder *self, const InnRectangle *rectangle)
{
  return rectangle->x <= self->pixels->width && rectangle->y <= self->pixels->height
         && rectangle->width <= self->pixels->width - rectangle->x
         && rectangle->height <= self->pixels->height - rectangle->y;
}

static gboolean
next_rectangle (InnRfbDecoder *self)
{
  self->rectangles_left--;
  if (self->rectangles_left == 0)
    inn_rfb_decoder_update_finished (self);
  else
    inn_rfb_decoder_expect (self, INN_RFB_RECTANGLE_HEADER_SIZE, inn_rfb_rectangle_read_header);
  return TRUE;
}

static gboolean
picture_finished (InnRfbDecoder *self)
{
  const InnRectangle *rectangle = &self->rectangle;

  self->drawn = TRUE;
  if (self->announced && rectangle->width > 0 && rectangle->height > 0)
    self->events->damage (rectangle->x, rectangle->y, rectangle->width, rectangle->height,
                          self->user_data);
  return next_rectangle (self);
}

static void
store_rows (InnRfbDecoder *self, const InnRectangle *rectangle, const guint8 *bytes)
{
  gsize row_size = (gsize)rectangle->width * BYTES_PER_PIXEL;

  for (int row = 0; row < rectangle->height; row++)
    memcpy (pixel_at (self, rectangle->x, rectangle->y + row), bytes + (gsize)row * row_size,
            row_size);
  self->work += (gsize)rectangle->width * (gsize)rectangle->height;
}

static void
fill (InnRfbDecoder *self, const InnRectangle *rectangle, const guint8 pixel[4])
{
  for (int row = 0; row < rectangle->height; row++)
    {
      guint8 *target = pixel_at (self, rectangle->x, rectangle->y + row);

      for (int column = 0; column < rectangle->width; column++, target += BYTES_PER_PIXEL)
        memcpy (target, pixel, BYTES_PER_PIXEL);
    }
  self->work += (gsize)rectangle->width * (gsize)rectangle->height;
}

/* Raw. */

static gboolean
read_raw_row (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  InnRectangle row = self->rectangle;

  row.y += self->row;
  row.height = 1;
  store_rows (self, &row, bytes);
  self->row++;
  return self->row < self->rectangle.height ? TRUE : picture_finished (self);
}

static gboolean
begin_raw (InnRfbDecoder *self)
{
  if (self->rectangle.width == 0 || self->rectangle.height == 0)
    return picture_finished (self);

  self->row = 0;
  inn_rfb_decoder_expect (self, (gsize)self->rectangle.width * BYTES_PER_PIXEL, read_raw_row);
  return TRUE;
}

/* CopyRect. */

static gboolean
read_copy_source (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  const InnRectangle *to = &self->rectangle;
  InnRectangle from = *to;
  gsize row_size = (gsize)to->width * BYTES_PER_PIXEL;

  from.x = (int)inn_rfb_get_u16 (bytes);
  from.y = (int)inn_rfb_get_u16 (bytes + 2);
  if (!is_inside (self, &from))
    return inn_rfb_decoder_refuse ("copy from outside the picture", error);

  for (int i = 0; i < to->height; i++)
    {
      /* Downwards from the last row, lest a row is overwritten before it is copied. */
      int row = from.y < to->y ? to->height - 1 - i : i;

      memmove (pixel_at (self, to->x, to->y + row), pixel_at (self, from.x, from.y + row),
               row_size);
    }
  self->work += (gsize)to->width * (gsize)to->height;
  return picture_finished (self);
}

/* Hextile. */

static gboolean read_tile_flags (InnRfbDecoder *self, const guint8 *bytes, GError **error);

/* Goes on to the tile right of, or below, the current one. */
static gboolean
next_tile (InnRfbDecoder *self)
{
  const InnRectangle *all = &self->rectangle;
  InnRectangle *tile = &self->tile;

  tile->x += HEXTILE_SIDE;
  if (tile->x >= all->x + all->width)
    {
      tile->x = all->x;
      tile->y += HEXTILE_SIDE;
    }
  if (tile->y >= all->y + all->height)
    return picture_finished (self);

  tile->width = MIN (HEXTILE_SIDE, all->x + all->width - tile->x);
  tile->height = MIN (HEXTILE_SIDE, all->y + all->height - tile->y);
  inn_rfb_decoder_expect (self, 1, read_tile_flags);
  return TRUE;
}

static gboolean
read_raw_tile (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  store_rows (self, &self->tile, bytes);
  return next_tile (self);
}

static gboolean
read_subrects (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  gboolean coloured = (self->tile_flags & HEXTILE_SUBRECTS_COLOURED) != 0;
  const guint8 *end = bytes + self->expected;

  while (bytes < end)
    {
      InnRectangle part;

      if (coloured)
        {
          memcpy (self->foreground, bytes, BYTES_PER_PIXEL);
          bytes += BYTES_PER_PIXEL;
        }
      part.x = bytes[0] >> 4;
      part.y = bytes[0] & 15;
      part.width = (bytes[1] >> 4) + 1;
      part.height = (bytes[1] & 15) + 1;
      bytes += 2;
      if (!inn_rectangle_clip (&part, self->tile.width, self->tile.height))
        continue;
      part.x += self->tile.x;
      part.y += self->tile.y;
      fill (self, &part, self->foreground);
    }
  return next_tile (self);
}

static gboolean
read_tile_colours (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  gsize subrect_size = (self->tile_flags & HEXTILE_SUBRECTS_COLOURED) ? 2 + BYTES_PER_PIXEL : 2;
  guint n_subrects;

  if (self->tile_flags & HEXTILE_BACKGROUND)
    {
      memcpy (self->background, bytes, BYTES_PER_PIXEL);
      bytes += BYTES_PER_PIXEL;
    }
  if (self->tile_flags & HEXTILE_FOREGROUND)
    {
      memcpy (self->foreground, bytes, BYTES_PER_PIXEL);
      bytes += BYTES_PER_PIXEL;
    }
  fill (self, &self->tile, self->background);

  n_subrects = (self->tile_flags & HEXTILE_ANY_SUBRECTS) ? bytes[0] : 0;
  if (n_subrects == 0)
    return next_tile (self);

  inn_rfb_decoder_expect (self, n_subrects * subrect_size, read_subrects);
  return TRUE;
}

static gboolean
read_tile_flags (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  gsize size = 0;

  self->tile_flags = bytes[0];
  if (self->tile_flags & HEXTILE_RAW)
    {
      size = (gsize)self->tile.width * (gsize)self->tile.height * BYTES_PER_PIXEL;
      inn_rfb_decoder_expect (self, size, read_raw_tile);
      return TRUE;
    }

  if (self->tile_flags & HEXTILE_BACKGROUND)
    size += BYTES_PER_PIXEL;
  if (self->tile_flags & HEXTILE_FOREGROUND)
    size += BYTES_PER_PIXEL;
  if (self->tile_flags & HEXTILE_ANY_SUBRECTS)
    size += 1;
  inn_rfb_decoder_expect (self, size, read_tile_colours);
  return TRUE;
}

static gboolean
begin_hextile (InnRfbDecoder *self)
{
  if (self->rectangle.width == 0 || self->rectangle.height == 0)
    return picture_finished (self);

  /* One tile before the first: next_tile() steps onto it. */
  self->tile = self->rectangle;
  self->tile.x -= HEXTILE_SIDE;
  memset (self->background, 0, sizeof self->background);
  memset (self->foreground, 0, sizeof self->foreground);
  return next_tile (self);
}

/* Pointers. */

static void
cursor_finished (InnRfbDecoder *self, InnPixelBuffer *image)
{
  /* Some servers have the hot spot outside; the nearest edge is what they mean. */
  int hot_x = CLAMP (self->rectangle.x, 0, image->width - 1);
  int hot_y = CLAMP (self->rectangle.y, 0, image->height - 1);

  self->events->cursor (image, hot_x, hot_y, self->user_data);
}

static gboolean
read_cursor (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  g_autoptr (InnPixelBuffer) image
      = inn_pixel_buffer_new (self->rectangle.width, self->rectangle.height);
  gsize mask_stride = ((gsize)self->rectangle.width + 7) / 8;
  const guint8 *mask = bytes + image->stride * (gsize)image->height;

  for (int y = 0; y < image->height; y++)
    for (int x = 0; x < image->width; x++)
      {
        gsize at = (gsize)y * image->stride + (gsize)x * BYTES_PER_PIXEL;

        if (!(mask[(gsize)y * mask_stride + (gsize)x / 8] & (0x80 >> (x % 8))))
          continue; /* stays transparent */
        memcpy (image->data + at, bytes + at, 3);
        image->data[at + 3] = 0xff;
      }
  cursor_finished (self, image);
  return next_rectangle (self);
}

/* QEMU sends the bytes of its own 32-bit pixels, blue first; no other server is met here. */
static gboolean
read_alpha_cursor (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  g_autoptr (InnPixelBuffer) image
      = inn_pixel_buffer_new (self->rectangle.width, self->rectangle.height);

  memcpy (image->data, bytes, image->stride * (gsize)image->height);
  cursor_finished (self, image);
  return next_rectangle (self);
}

static gboolean
hide_cursor (InnRfbDecoder *self)
{
  self->events->cursor (NULL, 0, 0, self->user_data);
  return next_rectangle (self);
}

static gboolean
read_alpha_cursor_encoding (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  gsize area = (gsize)self->rectangle.width * (gsize)self->rectangle.height;

  if ((gint32)inn_rfb_get_u32 (bytes) != INN_RFB_ENCODING_RAW)
    return inn_rfb_decoder_refuse ("pointer not in raw encoding", error);
  if (area == 0)
    return hide_cursor (self);

  inn_rfb_decoder_expect (self, area * BYTES_PER_PIXEL, read_alpha_cursor);
  return TRUE;
}

static gboolean
begin_cursor (InnRfbDecoder *self, gboolean has_alpha, GError **error)
{
  gsize width = (gsize)self->rectangle.width, height = (gsize)self->rectangle.height;

  if (width > MAX_CURSOR_SIDE || height > MAX_CURSOR_SIDE)
    return inn_rfb_decoder_refuse ("pointer too large", error);

  if (has_alpha)
    inn_rfb_decoder_expect (self, 4, read_alpha_cursor_encoding);
  else if (width == 0 || height == 0)
    return hide_cursor (self);
  else
    inn_rfb_decoder_expect (self, (width * BYTES_PER_PIXEL + (width + 7) / 8) * height,
                            read_cursor);
  return TRUE;
}

/* Size of the desktop and lights of the keyboard. */

static gboolean
finish_desktop_size (InnRfbDecoder *self, GError **error)
{
  return inn_rfb_decoder_resize (self, self->rectangle.width, self->rectangle.height, error)
         && next_rectangle (self);
}

static gboolean
read_screens (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  self->can_resize = TRUE;
  self->screen_id = inn_rfb_get_u32 (bytes);
  self->screen_flags = inn_rfb_get_u32 (bytes + 12);
  return finish_desktop_size (self, error);
}

static gboolean
read_screen_count (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  /* A refusal of what another client asked for (y is its status) repeats the old size, so that it
   * needs no case of its own. */
  if (bytes[0] == 0)
    return finish_desktop_size (self, error);

  inn_rfb_decoder_expect (self, (gsize)bytes[0] * 16, read_screens);
  return TRUE;
}

static gboolean
read_leds (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  self->events->leds (bytes[0], self->user_data);
  return next_rectangle (self);
}

static gboolean
begin_picture (InnRfbDecoder *self, gint32 encoding, GError **error)
{
  if (!is_inside (self, &self->rectangle))
    return inn_rfb_decoder_refuse ("rectangle outside the picture", error);
  if (encoding == INN_RFB_ENCODING_RAW)
    return begin_raw (self);
  if (encoding == INN_RFB_ENCODING_HEXTILE)
    return begin_hextile (self);

  inn_rfb_decoder_expect (self, 4, read_copy_source);
  return TRUE;
}

gboolean
inn_rfb_rectangle_read_header (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  gint32 encoding = (gint32)inn_rfb_get_u32 (bytes + 8);

  self->rectangle.x = (int)inn_rfb_get_u16 (bytes);
  self->rectangle.y = (int)inn_rfb_get_u16 (bytes + 2);
  self->rectangle.width = (int)inn_rfb_get_u16 (bytes + 4);
  self->rectangle.height = (int)inn_rfb_get_u16 (bytes + 6);

  switch (encoding)
    {
    case INN_RFB_ENCODING_RAW:
    case INN_RFB_ENCODING_COPY_RECT:
    case INN_RFB_ENCODING_HEXTILE:
      return begin_picture (self, encoding, error);
    case INN_RFB_ENCODING_DESKTOP_SIZE:
      return finish_desktop_size (self, error);
    case INN_RFB_ENCODING_EXTENDED_DESKTOP_SIZE:
      inn_rfb_decoder_expect (self, 4, read_screen_count);
      return TRUE;
    case INN_RFB_ENCODING_LAST_RECT:
      inn_rfb_decoder_update_finished (self);
      return TRUE;
    case INN_RFB_ENCODING_CURSOR:
      return begin_cursor (self, /* has_alpha= */ FALSE, error);
    case INN_RFB_ENCODING_ALPHA_CURSOR:
      return begin_cursor (self, /* has_alpha= */ TRUE, error);
    case INN_RFB_ENCODING_EXTENDED_KEY:
      self->wants_key_codes = TRUE;
      return next_rectangle (self);
    case INN_RFB_ENCODING_LED_STATE:
      inn_rfb_decoder_expect (self, 1, read_leds);
      return TRUE;
    default:
      return inn_rfb_decoder_refuse ("encoding that was not offered", error);
    }
}
