/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An RFB server's side, written down (RFC 6143). */
#include "rfb-script.h"

void
rfb_script_bytes (GByteArray *out, const void *bytes, gsize length)
{
  g_byte_array_append (out, bytes, (guint)length);
}

void
rfb_script_u8 (GByteArray *out, guint value)
{
  guint8 byte = (guint8)value;

  rfb_script_bytes (out, &byte, 1);
}

void
rfb_script_u16 (GByteArray *out, guint value)
{
  rfb_script_u8 (out, value >> 8);
  rfb_script_u8 (out, value);
}

void
rfb_script_u32 (GByteArray *out, guint32 value)
{
  rfb_script_u16 (out, value >> 16);
  rfb_script_u16 (out, value);
}

void
rfb_script_handshake (GByteArray *out, int width, int height)
{
  static const guint8 pixel_format[16] = { 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0 };

  rfb_script_bytes (out, "RFB 003.008\n", 12);
  rfb_script_bytes (out, "\1\1", 2); /* one security type: none */
  rfb_script_u32 (out, 0);
  rfb_script_u16 (out, (guint)width);
  rfb_script_u16 (out, (guint)height);
  rfb_script_bytes (out, pixel_format, sizeof pixel_format);
  rfb_script_u32 (out, 5);
  rfb_script_bytes (out, "guest", 5);
}

void
rfb_script_update (GByteArray *out, guint n_rectangles)
{
  rfb_script_u16 (out, 0);
  rfb_script_u16 (out, n_rectangles);
}

void
rfb_script_rectangle (GByteArray *out, int x, int y, int width, int height, gint32 encoding)
{
  rfb_script_u16 (out, (guint)x);
  rfb_script_u16 (out, (guint)y);
  rfb_script_u16 (out, (guint)width);
  rfb_script_u16 (out, (guint)height);
  rfb_script_u32 (out, (guint32)encoding);
}

void
rfb_script_pixel (GByteArray *out, guint32 rgb)
{
  rfb_script_u8 (out, rgb);
  rfb_script_u8 (out, rgb >> 8);
  rfb_script_u8 (out, rgb >> 16);
  rfb_script_u8 (out, 0x5a); /* means nothing */
}

void
rfb_script_raw (GByteArray *out, int x, int y, int width, int height, guint32 rgb)
{
  rfb_script_rectangle (out, x, y, width, height, /* encoding= */ 0);
  for (int i = 0; i < width * height; i++)
    rfb_script_pixel (out, rgb);
}
