/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnRfbDecoder: the conversation from greeting to updates (RFC 6143, sections 7.1 to 7.6). */
#include "console/rfb-decoder-private.h"

#include <glib/gi18n.h>
#include <string.h>

#define VERSION_SIZE     12
#define SERVER_INIT_SIZE 24

/* A refusal's reason is shown to a person: longer ones are no reasons. */
#define MAX_REASON 1024

/* Pixels written before others get a turn: a copy of a whole screen costs the server 16 bytes. */
#define WORK_PER_CALL (4 * 1024 * 1024)

void
inn_rfb_decoder_expect (InnRfbDecoder *self, gsize length, InnRfbStep step)
{
  self->expected = length;
  self->step = step;
}

gboolean
inn_rfb_decoder_refuse (const char *detail, GError **error)
{
  g_debug ("RFB: %s", detail);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       _ ("The screen was closed: it sent data that makes no sense. Nothing was "
                          "changed in the guest. Open the console again to reconnect."));
  return FALSE;
}

static void
send_bytes (InnRfbDecoder *self, GByteArray *bytes)
{
  self->events->send (bytes->data, bytes->len, self->user_data);
}

static void
request_update (InnRfbDecoder *self, gboolean incremental)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();

  inn_rfb_put_update_request (out, incremental, self->pixels->width, self->pixels->height);
  send_bytes (self, out);
}

gboolean
inn_rfb_decoder_resize (InnRfbDecoder *self, int width, int height, GError **error)
{
  InnPixelBuffer *pixels;

  /* Servers repeat the size they have; taking that for a change would wipe the picture. */
  if (self->pixels != NULL && self->pixels->width == width && self->pixels->height == height)
    return TRUE;

  pixels = inn_pixel_buffer_new (width, height);
  if (pixels == NULL)
    return inn_rfb_decoder_refuse ("picture size not allowed", error);

  g_clear_pointer (&self->pixels, inn_pixel_buffer_unref);
  self->pixels = pixels;
  self->announced = FALSE;
  self->drawn = FALSE;
  self->resized = TRUE;
  return TRUE;
}

/* Messages of the running connection. */

static gboolean read_message_type (InnRfbDecoder *self, const guint8 *bytes, GError **error);

static void
expect_message (InnRfbDecoder *self)
{
  inn_rfb_decoder_expect (self, 1, read_message_type);
}

void
inn_rfb_decoder_update_finished (InnRfbDecoder *self)
{
  if (self->drawn && !self->announced)
    {
      self->announced = TRUE;
      self->events->frame (self->pixels, self->user_data);
    }
  request_update (self, /* incremental= */ !self->resized);
  self->resized = FALSE;
  expect_message (self);
}

static gboolean
read_update_header (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  self->rectangles_left = inn_rfb_get_u16 (bytes + 1);
  if (self->rectangles_left == 0)
    inn_rfb_decoder_update_finished (self);
  else
    inn_rfb_decoder_expect (self, INN_RFB_RECTANGLE_HEADER_SIZE, inn_rfb_rectangle_read_header);
  return TRUE;
}

static gboolean
read_colour_map_header (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  /* The pixel format asked for has no colour map, but a server may still tell of one. */
  self->skip = 6 * (guint64)inn_rfb_get_u16 (bytes + 3);
  expect_message (self);
  return TRUE;
}

static gboolean
read_cut_text_header (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  self->skip = inn_rfb_get_u32 (bytes + 3);
  expect_message (self);
  return TRUE;
}

static gboolean
read_message_type (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  switch (bytes[0])
    {
    case INN_RFB_FRAMEBUFFER_UPDATE:
      inn_rfb_decoder_expect (self, 3, read_update_header);
      return TRUE;
    case INN_RFB_SET_COLOUR_MAP_ENTRIES:
      inn_rfb_decoder_expect (self, 5, read_colour_map_header);
      return TRUE;
    case INN_RFB_BELL:
      return TRUE;
    case INN_RFB_SERVER_CUT_TEXT:
      inn_rfb_decoder_expect (self, 7, read_cut_text_header);
      return TRUE;
    default:
      return inn_rfb_decoder_refuse ("unknown message", error);
    }
}

/* The handshake. */

static gboolean
read_server_init (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();

  if (!inn_rfb_decoder_resize (self, (int)inn_rfb_get_u16 (bytes), (int)inn_rfb_get_u16 (bytes + 2),
                               error))
    return FALSE;

  self->skip = inn_rfb_get_u32 (bytes + 20); /* the name */
  inn_rfb_put_pixel_format (out);
  inn_rfb_put_encodings (out);
  send_bytes (self, out);
  request_update (self, /* incremental= */ FALSE);
  self->resized = FALSE;
  expect_message (self);
  return TRUE;
}

static void
send_client_init (InnRfbDecoder *self)
{
  static const guint8 shared[] = { TRUE };

  self->events->send (shared, sizeof shared, self->user_data);
  inn_rfb_decoder_expect (self, SERVER_INIT_SIZE, read_server_init);
}

static gboolean
read_refusal (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  g_autofree char *reason = g_utf8_make_valid ((const char *)bytes, (gssize)self->expected);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED,
               _ ("The screen was not opened; its server says: “%s”. Nothing was changed in the "
                  "guest. Open the console again to retry."),
               reason);
  return FALSE;
}

static gboolean
read_refusal_length (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  guint32 length = inn_rfb_get_u32 (bytes);

  if (length > MAX_REASON)
    return inn_rfb_decoder_refuse ("reason too long", error);

  inn_rfb_decoder_expect (self, length, read_refusal);
  return TRUE;
}

static gboolean
refuse_security (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                       _ ("The screen was not opened: it asks for a password. Nothing was changed "
                          "in the guest. Take the password off its screen, then open the console "
                          "again."));
  return FALSE;
}

static gboolean
read_security_result (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  if (inn_rfb_get_u32 (bytes) == 0)
    send_client_init (self);
  else
    inn_rfb_decoder_expect (self, 4, read_refusal_length);
  return TRUE;
}

static gboolean
read_security_types (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  static const guint8 none[] = { INN_RFB_SECURITY_NONE };

  if (memchr (bytes, INN_RFB_SECURITY_NONE, self->expected) == NULL)
    return refuse_security (error);

  self->events->send (none, sizeof none, self->user_data);
  if (self->minor >= 8)
    inn_rfb_decoder_expect (self, 4, read_security_result);
  else
    send_client_init (self); /* 3.7 has no result for "none" */
  return TRUE;
}

static gboolean
read_security_count (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  if (bytes[0] == 0)
    inn_rfb_decoder_expect (self, 4, read_refusal_length);
  else
    inn_rfb_decoder_expect (self, bytes[0], read_security_types);
  return TRUE;
}

/* Before 3.7 the server alone decides. */
static gboolean
read_security_choice (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  guint32 type = inn_rfb_get_u32 (bytes);

  if (type == 0)
    inn_rfb_decoder_expect (self, 4, read_refusal_length);
  else if (type == INN_RFB_SECURITY_NONE)
    send_client_init (self);
  else
    return refuse_security (error);
  return TRUE;
}

static gboolean
read_version (InnRfbDecoder *self, const guint8 *bytes, GError **error)
{
  static const char *const replies[] = {
    [3] = "RFB 003.003\n",
    [7] = "RFB 003.007\n",
    [8] = "RFB 003.008\n",
  };
  guint minor;

  if (memcmp (bytes, "RFB 003.", 8) != 0 || !g_ascii_isdigit (bytes[8])
      || !g_ascii_isdigit (bytes[9]) || !g_ascii_isdigit (bytes[10]) || bytes[11] != '\n')
    return inn_rfb_decoder_refuse ("not RFB 3", error);

  minor = (bytes[8] - '0') * 100u + (bytes[9] - '0') * 10u + (bytes[10] - '0');
  /* Everything that is not one of the three published versions is to be taken as 3.3, but later
   * ones are supersets of 3.8 in practice (RFC 6143, section 7.1.1). */
  self->minor = minor >= 8 ? 8 : minor == 7 ? 7 : 3;
  self->events->send ((const guint8 *)replies[self->minor], VERSION_SIZE, self->user_data);
  if (self->minor == 3)
    inn_rfb_decoder_expect (self, 4, read_security_choice);
  else
    inn_rfb_decoder_expect (self, 1, read_security_count);
  return TRUE;
}

/* The stream. */

InnRfbDecoder *
inn_rfb_decoder_new (const InnRfbEvents *events, gpointer user_data)
{
  InnRfbDecoder *self = g_new0 (InnRfbDecoder, 1);

  self->events = events;
  self->user_data = user_data;
  self->partial = g_byte_array_new ();
  inn_rfb_decoder_expect (self, VERSION_SIZE, read_version);
  return self;
}

void
inn_rfb_decoder_free (InnRfbDecoder *self)
{
  g_byte_array_unref (self->partial);
  g_clear_pointer (&self->pixels, inn_pixel_buffer_unref);
  g_free (self);
}

/*
 * Gives the next unit to its step if all of it is there: straight from @data when it is in one
 * piece, else collected in self->partial. Returns the bytes used; *@complete tells whether there
 * was a whole unit and *@valid whether the step liked it.
 */
static gsize
feed_unit (InnRfbDecoder *self,
           const guint8 *data,
           gsize length,
           gboolean *complete,
           gboolean *valid,
           GError **error)
{
  gsize missing = self->expected - self->partial->len;
  gsize used = MIN (missing, length);

  *complete = used == missing;
  *valid = TRUE;
  if (!*complete)
    {
      g_byte_array_append (self->partial, data, (guint)used);
    }
  else if (self->partial->len == 0)
    {
      *valid = self->step (self, data, error);
    }
  else
    {
      g_byte_array_append (self->partial, data, (guint)used);
      *valid = self->step (self, self->partial->data, error);
      g_byte_array_set_size (self->partial, 0);
    }
  return used;
}

gssize
inn_rfb_decoder_feed (InnRfbDecoder *self, const guint8 *data, gsize length, GError **error)
{
  gboolean complete = TRUE, valid = TRUE;
  gsize used = 0;

  self->work = 0;
  while (complete && self->work < WORK_PER_CALL)
    {
      gsize skipped = (gsize)MIN (self->skip, (guint64)(length - used));

      self->skip -= skipped;
      used += skipped;
      if (self->skip > 0)
        break;

      used += feed_unit (self, data + used, length - used, &complete, &valid, error);
      if (!valid)
        return -1;
    }
  return (gssize)used;
}

gboolean
inn_rfb_decoder_wants_key_codes (InnRfbDecoder *self)
{
  return self->wants_key_codes;
}

gboolean
inn_rfb_decoder_can_resize (InnRfbDecoder *self, guint32 *screen_id, guint32 *screen_flags)
{
  *screen_id = self->screen_id;
  *screen_flags = self->screen_flags;
  return self->can_resize;
}
