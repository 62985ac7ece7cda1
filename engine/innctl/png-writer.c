/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "png-writer.h"

#include <png.h>

enum
{
  SOURCE_BYTES_PER_PIXEL = 4,
  BYTES_PER_PIXEL = 3,
  BITS_PER_SAMPLE = 8,
  FAST = 1, /* zlib's level: a screen packs well at any */
};

static void
on_write (png_structp png, png_bytep data, size_t length)
{
  g_byte_array_append (png_get_io_ptr (png), data, (guint)length);
}

static void
on_flush (png_structp png)
{
}

/* Each byte is read once, for the guest may change it. */
static void
convert_row (const guint8 *source, enum screen_format format, guint width, guint8 *row)
{
  const guint red = format == SCREEN_FORMAT_RGBX ? 0 : 2;

  for (guint i = 0; i < width; i++, source += SOURCE_BYTES_PER_PIXEL, row += BYTES_PER_PIXEL)
    {
      row[0] = source[red];
      row[1] = source[1];
      row[2] = source[2 - red];
    }
}

/* FALSE: libpng has given up, which it does by jumping here. */
static gboolean
write_image (png_structp png,
             png_infop info,
             const struct screen_mode *mode,
             const guint8 *first,
             guint8 *row)
{
  if (setjmp (png_jmpbuf (png)))
    return FALSE;

  png_set_compression_level (png, FAST);
  png_set_IHDR (png, info, mode->width, mode->height, BITS_PER_SAMPLE, PNG_COLOR_TYPE_RGB,
                PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info (png, info);
  for (guint y = 0; y < mode->height; y++)
    {
      convert_row (first + (gsize)y * mode->stride, mode->format, mode->width, row);
      png_write_row (png, row);
    }
  png_write_end (png, info);
  return TRUE;
}

GBytes *
innctl_png_pack (const struct screen_mode *mode, GBytes *pixels)
{
  const guint8 *first = (const guint8 *)g_bytes_get_data (pixels, NULL) + mode->offset;
  g_autofree guint8 *row = g_malloc_n (mode->width, BYTES_PER_PIXEL);
  GByteArray *packed = g_byte_array_new ();
  png_structp png = png_create_write_struct (PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png != NULL ? png_create_info_struct (png) : NULL;
  gboolean done = FALSE;

  if (info != NULL)
    {
      png_set_write_fn (png, packed, on_write, on_flush);
      done = write_image (png, info, mode, first, row);
    }
  png_destroy_write_struct (&png, &info);
  if (done)
    return g_byte_array_free_to_bytes (packed);

  g_byte_array_unref (packed);
  return NULL;
}
