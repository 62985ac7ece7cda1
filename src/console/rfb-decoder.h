/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnRfbDecoder: the client's side of an RFB connection without the connection (RFC 6143). Bytes
 * from the server go in, calls of InnRfbEvents and bytes for the server come out. Pure: no I/O, no
 * clock, no toolkit.
 *
 * The server is hostile: each unit is bounded before it is waited for, rectangles outside the
 * picture, sizes an InnPixelBuffer refuses and anything that was not offered end the connection.
 */
#pragma once

#include <gio/gio.h>

#include "console/pixel-buffer.h"

G_BEGIN_DECLS

/* Bits of leds, as in rfbproto's LED state. */
enum
{
  INN_RFB_LED_SCROLL_LOCK = 1 << 0,
  INN_RFB_LED_NUM_LOCK = 1 << 1,
  INN_RFB_LED_CAPS_LOCK = 1 << 2,
};

typedef struct
{
  /* Bytes for the server. */
  void (*send) (const guint8 *data, gsize length, gpointer user_data);
  /* A picture in a new buffer is complete: at the start and whenever its size changes. */
  void (*frame) (InnPixelBuffer *pixels, gpointer user_data);
  /* A part of the last frame's buffer, inside it, has changed. */
  void (*damage) (int x, int y, int width, int height, gpointer user_data);
  /* The guest's pointer: the unused byte of @image is premultiplied alpha; NULL hides it. The hot
   * spot is inside. */
  void (*cursor) (InnPixelBuffer *image, int hot_x, int hot_y, gpointer user_data);
  void (*leds) (guint leds, gpointer user_data);
} InnRfbEvents;

typedef struct _InnRfbDecoder InnRfbDecoder;

/* @events must outlive the decoder. */
InnRfbDecoder *inn_rfb_decoder_new (const InnRfbEvents *events, gpointer user_data);
void inn_rfb_decoder_free (InnRfbDecoder *self);

/*
 * Decodes and returns how many of the @length bytes were used. That can be fewer than @length when
 * they mean much work; call again with the rest, after letting others work. -1: the connection
 * cannot go on, @error is a sentence for a person (INVALID_DATA, PERMISSION_DENIED or
 * CONNECTION_REFUSED of G_IO_ERROR); do not call again.
 */
gssize inn_rfb_decoder_feed (InnRfbDecoder *self, const guint8 *data, gsize length, GError **error);

/* Whether the server wants evdev-like codes beside keysyms. */
gboolean inn_rfb_decoder_wants_key_codes (InnRfbDecoder *self);
/* Whether the server takes requests for another size; then the screen to name in them. */
gboolean
inn_rfb_decoder_can_resize (InnRfbDecoder *self, guint32 *screen_id, guint32 *screen_flags);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnRfbDecoder, inn_rfb_decoder_free)

G_END_DECLS
