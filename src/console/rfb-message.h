/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RFB, the protocol of VNC (RFC 6143 and the community's rfbproto for extensions): its numbers, and
 * the messages a client sends. Each inn_rfb_put_*() appends one message to @out. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

enum
{
  INN_RFB_SECURITY_NONE = 1,
};

/* Server to client. */
enum
{
  INN_RFB_FRAMEBUFFER_UPDATE = 0,
  INN_RFB_SET_COLOUR_MAP_ENTRIES = 1,
  INN_RFB_BELL = 2,
  INN_RFB_SERVER_CUT_TEXT = 3,
};

typedef enum
{
  INN_RFB_ENCODING_RAW = 0,
  INN_RFB_ENCODING_COPY_RECT = 1,
  INN_RFB_ENCODING_HEXTILE = 5,
  INN_RFB_ENCODING_DESKTOP_SIZE = -223,
  INN_RFB_ENCODING_LAST_RECT = -224,
  INN_RFB_ENCODING_CURSOR = -239,
  INN_RFB_ENCODING_EXTENDED_KEY = -258,
  INN_RFB_ENCODING_LED_STATE = -261,
  INN_RFB_ENCODING_EXTENDED_DESKTOP_SIZE = -308,
  INN_RFB_ENCODING_ALPHA_CURSOR = -314,
} InnRfbEncoding;

/* Asks for the pixels of InnPixelBuffer: 32 bits, blue first. */
void inn_rfb_put_pixel_format (GByteArray *out);
/* Offers all encodings above, the preferred one first. */
void inn_rfb_put_encodings (GByteArray *out);
void inn_rfb_put_update_request (GByteArray *out, gboolean incremental, int width, int height);
void inn_rfb_put_key (GByteArray *out, gboolean pressed, guint keysym);
/* Only after the server agreed to INN_RFB_ENCODING_EXTENDED_KEY. */
void inn_rfb_put_extended_key (GByteArray *out, gboolean pressed, guint keysym, guint qnum);
/* Bits of @buttons: left, middle, right, wheel up, down, left, right. */
void inn_rfb_put_pointer (GByteArray *out, guint buttons, int x, int y);
/* One screen of that size; its id and flags as the server gave them. */
void inn_rfb_put_desktop_size (GByteArray *out,
                               int width,
                               int height,
                               guint32 screen_id,
                               guint32 screen_flags);

G_END_DECLS
