/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFB: the messages of a client (RFC 6143, section 7.5, and rfbproto). All numbers big-endian. */
#include "console/rfb-message.h"

#include <string.h>

enum
{
  SET_PIXEL_FORMAT = 0,
  SET_ENCODINGS = 2,
  FRAMEBUFFER_UPDATE_REQUEST = 3,
  KEY_EVENT = 4,
  POINTER_EVENT = 5,
  SET_DESKTOP_SIZE = 251,
  QEMU_CLIENT_MESSAGE = 255,
};

#define QEMU_EXTENDED_KEY 0

static void
put_u8 (GByteArray *out, guint value)
{
  guint8 byte = (guint8)value;

  g_byte_array_append (out, &byte, sizeof byte);
}

static void
put_u16 (GByteArray *out, guint value)
{
  guint16 number = GUINT16_TO_BE ((guint16)value);

  g_byte_array_append (out, (const guint8 *)&number, sizeof number);
}

static void
put_u32 (GByteArray *out, guint32 value)
{
  guint32 number = GUINT32_TO_BE (value);

  g_byte_array_append (out, (const guint8 *)&number, sizeof number);
}

void
inn_rfb_put_pixel_format (GByteArray *out)
{
  static const guint8 padding[3];

  put_u8 (out, SET_PIXEL_FORMAT);
  g_byte_array_append (out, padding, sizeof padding);
  put_u8 (out, 32);    /* bits per pixel */
  put_u8 (out, 24);    /* depth */
  put_u8 (out, FALSE); /* big-endian */
  put_u8 (out, TRUE);  /* true colour */
  put_u16 (out, 255);  /* greatest red, green, blue */
  put_u16 (out, 255);
  put_u16 (out, 255);
  put_u8 (out, 16); /* shift of red, green, blue */
  put_u8 (out, 8);
  put_u8 (out, 0);
  g_byte_array_append (out, padding, sizeof padding);
}

void
inn_rfb_put_encodings (GByteArray *out)
{
  /* Servers here are on this computer or one hop away: few bytes matter less than little work. */
  static const InnRfbEncoding encodings[] = {
    INN_RFB_ENCODING_HEXTILE,
    INN_RFB_ENCODING_COPY_RECT,
    INN_RFB_ENCODING_RAW,
    INN_RFB_ENCODING_DESKTOP_SIZE,
    INN_RFB_ENCODING_EXTENDED_DESKTOP_SIZE,
    INN_RFB_ENCODING_LAST_RECT,
    INN_RFB_ENCODING_ALPHA_CURSOR,
    INN_RFB_ENCODING_CURSOR,
    INN_RFB_ENCODING_EXTENDED_KEY,
    INN_RFB_ENCODING_LED_STATE,
  };

  put_u8 (out, SET_ENCODINGS);
  put_u8 (out, 0);
  put_u16 (out, G_N_ELEMENTS (encodings));
  for (gsize i = 0; i < G_N_ELEMENTS (encodings); i++)
    put_u32 (out, (guint32)encodings[i]);
}

void
inn_rfb_put_update_request (GByteArray *out, gboolean incremental, int width, int height)
{
  put_u8 (out, FRAMEBUFFER_UPDATE_REQUEST);
  put_u8 (out, incremental);
  put_u16 (out, 0);
  put_u16 (out, 0);
  put_u16 (out, (guint)width);
  put_u16 (out, (guint)height);
}

void
inn_rfb_put_key (GByteArray *out, gboolean pressed, guint keysym)
{
  put_u8 (out, KEY_EVENT);
  put_u8 (out, pressed);
  put_u16 (out, 0);
  put_u32 (out, keysym);
}

void
inn_rfb_put_extended_key (GByteArray *out, gboolean pressed, guint keysym, guint qnum)
{
  put_u8 (out, QEMU_CLIENT_MESSAGE);
  put_u8 (out, QEMU_EXTENDED_KEY);
  put_u16 (out, pressed);
  put_u32 (out, keysym);
  put_u32 (out, qnum);
}

void
inn_rfb_put_pointer (GByteArray *out, guint buttons, int x, int y)
{
  put_u8 (out, POINTER_EVENT);
  put_u8 (out, buttons);
  put_u16 (out, (guint)x);
  put_u16 (out, (guint)y);
}

void
inn_rfb_put_desktop_size (GByteArray *out,
                          int width,
                          int height,
                          guint32 screen_id,
                          guint32 screen_flags)
{
  put_u8 (out, SET_DESKTOP_SIZE);
  put_u8 (out, 0);
  put_u16 (out, (guint)width);
  put_u16 (out, (guint)height);
  put_u8 (out, 1); /* number of screens */
  put_u8 (out, 0);
  put_u32 (out, screen_id);
  put_u16 (out, 0);
  put_u16 (out, 0);
  put_u16 (out, (guint)width);
  put_u16 (out, (guint)height);
  put_u32 (out, screen_flags);
}
