/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rfb-decoder.c (the conversation) and rfb-rectangle.c (the pictures in it) share. */
#pragma once

#include "console/damage-map.h"
#include "console/rfb-decoder.h"
#include "console/rfb-message.h"

G_BEGIN_DECLS

/* Handles one unit of exactly the bytes it was expected with; sets what to expect next. */
typedef gboolean (*InnRfbStep) (InnRfbDecoder *self, const guint8 *bytes, GError **error);

struct _InnRfbDecoder
{
  const InnRfbEvents *events;
  gpointer user_data;

  InnRfbStep step;
  gsize expected;      /* bytes of the next unit */
  GByteArray *partial; /* the beginning of a unit that came in pieces */
  guint64 skip;        /* bytes to drop before the next unit */
  gsize work;          /* pixels written in this call of feed() */

  guint minor; /* protocol version 3.minor */
  gboolean wants_key_codes;
  gboolean can_resize;
  guint32 screen_id;
  guint32 screen_flags;

  InnPixelBuffer *pixels;
  gboolean announced; /* frame() was called for @pixels */
  gboolean drawn;     /* a rectangle went into @pixels */
  gboolean resized;   /* in this update */

  guint rectangles_left; /* of this update, including the current one */
  InnRectangle rectangle;
  int row; /* raw: the row that comes next */

  InnRectangle tile; /* hextile */
  guint tile_flags;
  guint8 background[4];
  guint8 foreground[4];
};

static inline guint
inn_rfb_get_u16 (const guint8 *bytes)
{
  return (guint)bytes[0] << 8 | bytes[1];
}

static inline guint32
inn_rfb_get_u32 (const guint8 *bytes)
{
  return (guint32)inn_rfb_get_u16 (bytes) << 16 | inn_rfb_get_u16 (bytes + 2);
}

/* Waits for @length bytes, then calls @step. */
void inn_rfb_decoder_expect (InnRfbDecoder *self, gsize length, InnRfbStep step);
/* Sets the error for data that makes no sense; @detail is for the log. Returns FALSE. */
gboolean inn_rfb_decoder_refuse (const char *detail, GError **error);
/* Takes a new picture size, or the one it has. FALSE: not allowed. */
gboolean inn_rfb_decoder_resize (InnRfbDecoder *self, int width, int height, GError **error);
void inn_rfb_decoder_update_finished (InnRfbDecoder *self);

/* Step for the 12 bytes at the head of a rectangle. */
gboolean inn_rfb_rectangle_read_header (InnRfbDecoder *self, const guint8 *bytes, GError **error);

#define INN_RFB_RECTANGLE_HEADER_SIZE 12

G_END_DECLS
