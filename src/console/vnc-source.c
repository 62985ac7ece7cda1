/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnVncSource: a socket, an RFB decoder, and input turned into RFB messages. */
#include "console/vnc-source.h"

#include <glib/gi18n.h>

#include "console/byte-stream.h"
#include "console/keymap.h"
#include "console/rfb-decoder.h"
#include "console/rfb-message.h"

struct _InnVncSource
{
  InnConsoleSource parent_instance;

  InnByteStream *stream;
  InnRfbDecoder *decoder;
};

G_DEFINE_FINAL_TYPE (InnVncSource, inn_vnc_source, INN_TYPE_CONSOLE_SOURCE)

/* From the decoder. */

static void
on_decoder_send (const guint8 *data, gsize length, gpointer user_data)
{
  InnVncSource *self = user_data;

  /* Lost only when a server has left a mebibyte unread; what it then misses is its own fault. */
  (void)inn_byte_stream_send (self->stream, data, length);
}

static void
on_decoder_frame (InnPixelBuffer *pixels, gpointer user_data)
{
  inn_console_source_set_pixels (user_data, pixels);
}

static void
on_decoder_damage (int x, int y, int width, int height, gpointer user_data)
{
  inn_console_source_damage (user_data, x, y, width, height);
}

static void
on_decoder_cursor (InnPixelBuffer *image, int hot_x, int hot_y, gpointer user_data)
{
  inn_console_source_set_cursor (user_data, image, hot_x, hot_y);
}

static void
on_decoder_leds (guint rfb_leds, gpointer user_data)
{
  InnLeds leds = 0;

  if (rfb_leds & INN_RFB_LED_CAPS_LOCK)
    leds |= INN_LED_CAPS_LOCK;
  if (rfb_leds & INN_RFB_LED_NUM_LOCK)
    leds |= INN_LED_NUM_LOCK;
  inn_console_source_set_leds (user_data, leds);
}

static const InnRfbEvents decoder_events = {
  .send = on_decoder_send,
  .frame = on_decoder_frame,
  .damage = on_decoder_damage,
  .cursor = on_decoder_cursor,
  .leds = on_decoder_leds,
};

/* From the socket. */

static gsize
on_stream_received (const guint8 *data, gsize length, gpointer user_data)
{
  g_autoptr (InnVncSource) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;
  gssize used = inn_rfb_decoder_feed (self->decoder, data, length, &error);

  if (used >= 0)
    return (gsize)used;

  inn_console_source_end (INN_CONSOLE_SOURCE (self), error->message);
  return length;
}

static void
on_stream_ended (int error, gpointer user_data)
{
  inn_console_source_end (user_data, _ ("The connection to the screen has ended. Nothing was "
                                        "changed in the guest. Open the console again to "
                                        "reconnect."));
}

static const InnByteStreamEvents stream_events = {
  .received = on_stream_received,
  .ended = on_stream_ended,
};

/* To the guest. */

static void
send_message (InnVncSource *self, GByteArray *message)
{
  /* See on_decoder_send(). */
  (void)inn_byte_stream_send (self->stream, message->data, message->len);
}

static void
inn_vnc_source_close (InnConsoleSource *source)
{
  InnVncSource *self = INN_VNC_SOURCE (source);

  inn_byte_stream_close (self->stream);
}

static void
inn_vnc_source_send_key (InnConsoleSource *source, guint evdev, guint keysym, gboolean pressed)
{
  InnVncSource *self = INN_VNC_SOURCE (source);
  guint qnum = inn_keymap_qnum_from_evdev (evdev);
  g_autoptr (GByteArray) message = g_byte_array_new ();

  if (inn_rfb_decoder_wants_key_codes (self->decoder) && qnum != 0)
    inn_rfb_put_extended_key (message, pressed, keysym, qnum);
  else if (keysym != 0)
    inn_rfb_put_key (message, pressed, keysym);
  send_message (self, message);
}

static void
inn_vnc_source_send_pointer (InnConsoleSource *source, int x, int y, InnPointerButtons buttons)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();

  inn_rfb_put_pointer (message, buttons, x, y);
  send_message (INN_VNC_SOURCE (source), message);
}

static void
inn_vnc_source_send_scroll (InnConsoleSource *source,
                            int x,
                            int y,
                            InnPointerButtons buttons,
                            InnScrollDirection to)
{
  /* RFB has the wheel where its fourth to seventh button would be. */
  static const guint wheel[] = {
    [INN_SCROLL_UP] = 1 << 3,
    [INN_SCROLL_DOWN] = 1 << 4,
    [INN_SCROLL_LEFT] = 1 << 5,
    [INN_SCROLL_RIGHT] = 1 << 6,
  };
  g_autoptr (GByteArray) message = g_byte_array_new ();

  inn_rfb_put_pointer (message, buttons | wheel[to], x, y);
  inn_rfb_put_pointer (message, buttons, x, y);
  send_message (INN_VNC_SOURCE (source), message);
}

static void
inn_vnc_source_request_size (InnConsoleSource *source, int width, int height)
{
  InnVncSource *self = INN_VNC_SOURCE (source);
  g_autoptr (GByteArray) message = g_byte_array_new ();
  guint32 screen_id, screen_flags;

  if (!inn_rfb_decoder_can_resize (self->decoder, &screen_id, &screen_flags))
    return;

  inn_rfb_put_desktop_size (message, width, height, screen_id, screen_flags);
  send_message (self, message);
}

static void
inn_vnc_source_finalize (GObject *object)
{
  InnVncSource *self = INN_VNC_SOURCE (object);

  g_clear_object (&self->stream);
  g_clear_pointer (&self->decoder, inn_rfb_decoder_free);

  G_OBJECT_CLASS (inn_vnc_source_parent_class)->finalize (object);
}

static void
inn_vnc_source_class_init (InnVncSourceClass *klass)
{
  InnConsoleSourceClass *source_class = INN_CONSOLE_SOURCE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = inn_vnc_source_finalize;

  source_class->close = inn_vnc_source_close;
  source_class->send_key = inn_vnc_source_send_key;
  source_class->send_pointer = inn_vnc_source_send_pointer;
  source_class->send_scroll = inn_vnc_source_send_scroll;
  source_class->request_size = inn_vnc_source_request_size;
}

static void
inn_vnc_source_init (InnVncSource *self)
{
}

InnConsoleSource *
inn_vnc_source_new (int fd)
{
  InnVncSource *self = g_object_new (INN_TYPE_VNC_SOURCE, NULL);

  self->decoder = inn_rfb_decoder_new (&decoder_events, self);
  self->stream = inn_byte_stream_new (fd, /* rest_ms= */ 0, &stream_events, self);
  return INN_CONSOLE_SOURCE (self);
}
