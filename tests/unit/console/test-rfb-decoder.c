/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The RFB conversation, whole and in single bytes; and everything a server must not say. */
#include "console/rfb-decoder.h"

#include "console/rfb-message.h"
#include "rfb-script.h"

typedef struct
{
  InnRfbDecoder *decoder;
  GByteArray *script; /* from the server */
  GByteArray *sent;   /* to the server */
  GString *events;
  InnPixelBuffer *pixels; /* of the last frame */
  InnPixelBuffer *cursor;
  gsize piece; /* fed so many bytes at a time; 0: all */
} Fixture;

static void
on_send (const guint8 *data, gsize length, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_byte_array_append (fixture->sent, data, (guint)length);
}

static void
on_frame (InnPixelBuffer *pixels, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_clear_pointer (&fixture->pixels, inn_pixel_buffer_unref);
  fixture->pixels = inn_pixel_buffer_ref (pixels);
  g_string_append_printf (fixture->events, "frame %dx%d\n", pixels->width, pixels->height);
}

static void
on_damage (int x, int y, int width, int height, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append_printf (fixture->events, "damage %d,%d %dx%d\n", x, y, width, height);
}

static void
on_cursor (InnPixelBuffer *image, int hot_x, int hot_y, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_clear_pointer (&fixture->cursor, inn_pixel_buffer_unref);
  if (image != NULL)
    fixture->cursor = inn_pixel_buffer_ref (image);
  g_string_append_printf (fixture->events, "cursor %d,%d\n", hot_x, hot_y);
}

static void
on_leds (guint leds, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append_printf (fixture->events, "leds %u\n", leds);
}

static const InnRfbEvents events = { on_send, on_frame, on_damage, on_cursor, on_leds };

static void
set_up (Fixture *fixture, gconstpointer piece)
{
  fixture->decoder = inn_rfb_decoder_new (&events, fixture);
  fixture->script = g_byte_array_new ();
  fixture->sent = g_byte_array_new ();
  fixture->events = g_string_new (NULL);
  fixture->piece = GPOINTER_TO_SIZE (piece);
}

static void
tear_down (Fixture *fixture, gconstpointer piece)
{
  inn_rfb_decoder_free (fixture->decoder);
  g_byte_array_unref (fixture->script);
  g_byte_array_unref (fixture->sent);
  g_string_free (fixture->events, TRUE);
  g_clear_pointer (&fixture->pixels, inn_pixel_buffer_unref);
  g_clear_pointer (&fixture->cursor, inn_pixel_buffer_unref);
}

/* Feeds the script and forgets it. FALSE: the decoder has had enough. */
static gboolean
play (Fixture *fixture, GError **error)
{
  const guint8 *data = fixture->script->data;
  gsize left = fixture->script->len;

  while (left > 0)
    {
      gsize length = fixture->piece > 0 ? MIN (left, fixture->piece) : left;
      gssize used = inn_rfb_decoder_feed (fixture->decoder, data, length, error);

      if (used < 0)
        return FALSE;
      g_assert_cmpint (used, >, 0);
      g_assert_cmpint (used, <=, (gssize)length);
      data += used;
      left -= (gsize)used;
    }
  g_byte_array_set_size (fixture->script, 0);
  return TRUE;
}

static void
assert_plays (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  play (fixture, &error);
  g_assert_no_error (error);
}

static void
assert_refused (Fixture *fixture, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (play (fixture, &error));
  g_assert_error (error, G_IO_ERROR, code);
}

static void
assert_events (Fixture *fixture, const char *expected)
{
  g_assert_cmpstr (fixture->events->str, ==, expected);
  g_string_truncate (fixture->events, 0);
}

/* A connection with a 64 × 48 screen of one colour. */
static void
go_live (Fixture *fixture)
{
  rfb_script_handshake (fixture->script, 64, 48);
  rfb_script_update (fixture->script, 1);
  rfb_script_raw (fixture->script, 0, 0, 64, 48, 0x102030);
  assert_plays (fixture);
  assert_events (fixture, "frame 64x48\n");
  g_byte_array_set_size (fixture->sent, 0);
}

static guint32
pixel (InnPixelBuffer *pixels, int x, int y)
{
  const guint8 *bytes = pixels->data + (gsize)y * pixels->stride + (gsize)x * 4;

  return (guint32)bytes[2] << 16 | (guint32)bytes[1] << 8 | bytes[0];
}

static void
test_handshake (Fixture *fixture, gconstpointer piece)
{
  static const guint8 request[] = { 3, 0, 0, 0, 0, 0, 0, 64, 0, 48 };
  gsize size;

  rfb_script_handshake (fixture->script, 64, 48);
  assert_plays (fixture);
  size = fixture->sent->len;
  g_assert_cmpmem (fixture->sent->data, 12, "RFB 003.008\n", 12);
  g_assert_cmpuint (fixture->sent->data[12], ==, 1); /* no password */
  g_assert_cmpuint (fixture->sent->data[13], ==, 1); /* shared */
  g_assert_cmpuint (fixture->sent->data[14], ==, 0); /* set pixel format */
  g_assert_cmpuint (fixture->sent->data[34], ==, 2); /* set encodings */
  g_assert_cmpmem (fixture->sent->data + size - sizeof request, sizeof request, request,
                   sizeof request);
  assert_events (fixture, ""); /* no picture yet */
}

static void
test_old_versions (Fixture *fixture, gconstpointer piece)
{
  rfb_script_bytes (fixture->script, "RFB 003.003\n", 12);
  rfb_script_u32 (fixture->script, 1);
  assert_plays (fixture);
  /* No choice to make: its version back, then at once "shared". */
  g_assert_cmpmem (fixture->sent->data, fixture->sent->len, "RFB 003.003\n\1", 13);
}

static void
test_raw (Fixture *fixture, gconstpointer piece)
{
  static const guint8 request[] = { 3, 1, 0, 0, 0, 0, 0, 64, 0, 48 };

  go_live (fixture);
  rfb_script_update (fixture->script, 2);
  rfb_script_raw (fixture->script, 10, 20, 3, 2, 0xaabbcc);
  rfb_script_raw (fixture->script, 63, 47, 1, 1, 0x010203);
  assert_plays (fixture);
  assert_events (fixture, "damage 10,20 3x2\ndamage 63,47 1x1\n");
  g_assert_cmphex (pixel (fixture->pixels, 12, 21), ==, 0xaabbcc);
  g_assert_cmphex (pixel (fixture->pixels, 13, 21), ==, 0x102030);
  g_assert_cmphex (pixel (fixture->pixels, 63, 47), ==, 0x010203);
  g_assert_cmpmem (fixture->sent->data, fixture->sent->len, request, sizeof request);
}

static void
test_copy (Fixture *fixture, gconstpointer piece)
{
  go_live (fixture);
  rfb_script_update (fixture->script, 4);
  for (int row = 0; row < 3; row++)
    rfb_script_raw (fixture->script, 0, row, 64, 1, 0x100u + (guint32)row);
  /* Three rows down by one, overlapping. */
  rfb_script_rectangle (fixture->script, 0, 1, 64, 3, INN_RFB_ENCODING_COPY_RECT);
  rfb_script_u32 (fixture->script, 0);
  assert_plays (fixture);
  g_assert_cmphex (pixel (fixture->pixels, 5, 0), ==, 0x100);
  g_assert_cmphex (pixel (fixture->pixels, 5, 1), ==, 0x100);
  g_assert_cmphex (pixel (fixture->pixels, 5, 2), ==, 0x101);
  g_assert_cmphex (pixel (fixture->pixels, 5, 3), ==, 0x102);

  /* And up again. */
  rfb_script_update (fixture->script, 1);
  rfb_script_rectangle (fixture->script, 0, 0, 64, 3, INN_RFB_ENCODING_COPY_RECT);
  rfb_script_u16 (fixture->script, 0);
  rfb_script_u16 (fixture->script, 1);
  assert_plays (fixture);
  g_assert_cmphex (pixel (fixture->pixels, 5, 2), ==, 0x102);
  g_assert_cmphex (pixel (fixture->pixels, 5, 0), ==, 0x100);
}

/* 20 × 17: tiles of 16 × 16, 4 × 16, 16 × 1 and 4 × 1. */
static void
test_hextile (Fixture *fixture, gconstpointer piece)
{
  go_live (fixture);
  rfb_script_update (fixture->script, 1);
  rfb_script_rectangle (fixture->script, 2, 3, 20, 17, INN_RFB_ENCODING_HEXTILE);
  rfb_script_u8 (fixture->script, 2 | 4 | 8); /* background, foreground, subrectangles */
  rfb_script_pixel (fixture->script, 0x00ff00);
  rfb_script_pixel (fixture->script, 0xff0000);
  rfb_script_u8 (fixture->script, 1);
  rfb_script_u16 (fixture->script, 0x1221); /* at 1,2: 3 × 2 */
  rfb_script_u8 (fixture->script, 8 | 16);  /* same background, coloured subrectangles */
  rfb_script_u8 (fixture->script, 2);
  rfb_script_pixel (fixture->script, 0x0000ff);
  rfb_script_u16 (fixture->script, 0x0000); /* one pixel */
  rfb_script_pixel (fixture->script, 0x123456);
  rfb_script_u16 (fixture->script, 0x30ff); /* sticks out of its 4 pixel wide tile */
  rfb_script_u8 (fixture->script, 1);       /* raw */
  for (int i = 0; i < 16; i++)
    rfb_script_pixel (fixture->script, 0xa00000u + (guint32)i);
  rfb_script_u8 (fixture->script, 0); /* same background */
  assert_plays (fixture);
  assert_events (fixture, "damage 2,3 20x17\n");

  g_assert_cmphex (pixel (fixture->pixels, 2, 3), ==, 0x00ff00);
  g_assert_cmphex (pixel (fixture->pixels, 3, 5), ==, 0xff0000);
  g_assert_cmphex (pixel (fixture->pixels, 5, 6), ==, 0xff0000);
  g_assert_cmphex (pixel (fixture->pixels, 6, 6), ==, 0x00ff00);
  g_assert_cmphex (pixel (fixture->pixels, 18, 3), ==, 0x0000ff);
  g_assert_cmphex (pixel (fixture->pixels, 21, 18), ==, 0x123456);
  g_assert_cmphex (pixel (fixture->pixels, 22, 3), ==, 0x102030); /* not beyond the rectangle */
  g_assert_cmphex (pixel (fixture->pixels, 17, 19), ==, 0xa0000f);
  g_assert_cmphex (pixel (fixture->pixels, 18, 19), ==, 0x00ff00);
}

static void
script_screens (Fixture *fixture, int width, int height)
{
  rfb_script_rectangle (fixture->script, 0, 0, width, height,
                        INN_RFB_ENCODING_EXTENDED_DESKTOP_SIZE);
  rfb_script_u32 (fixture->script, 0x01000000); /* one screen */
  rfb_script_u32 (fixture->script, 77);
  rfb_script_u32 (fixture->script, 0);
  rfb_script_u16 (fixture->script, (guint)width);
  rfb_script_u16 (fixture->script, (guint)height);
  rfb_script_u32 (fixture->script, 99);
}

static void
test_resize (Fixture *fixture, gconstpointer piece)
{
  static const guint8 request[] = { 3, 0, 0, 0, 0, 0, 0, 32, 0, 16 };
  InnPixelBuffer *before;
  guint32 id, flags;

  go_live (fixture);
  before = fixture->pixels;
  g_assert_false (inn_rfb_decoder_can_resize (fixture->decoder, &id, &flags));

  /* The size it has: nothing happens to the picture. */
  rfb_script_update (fixture->script, 1);
  script_screens (fixture, 64, 48);
  assert_plays (fixture);
  assert_events (fixture, "");
  g_assert_true (fixture->pixels == before);
  g_assert_true (inn_rfb_decoder_can_resize (fixture->decoder, &id, &flags));
  g_assert_cmpuint (id, ==, 77);
  g_assert_cmpuint (flags, ==, 99);
  g_assert_cmpuint (fixture->sent->data[1], ==, 1); /* still incremental */
  g_byte_array_set_size (fixture->sent, 0);

  /* Another one: all of it is asked for, and shown when it is there. */
  rfb_script_update (fixture->script, 1);
  rfb_script_rectangle (fixture->script, 0, 0, 32, 16, INN_RFB_ENCODING_DESKTOP_SIZE);
  assert_plays (fixture);
  assert_events (fixture, "");
  g_assert_cmpmem (fixture->sent->data, fixture->sent->len, request, sizeof request);
  rfb_script_update (fixture->script, 1);
  rfb_script_raw (fixture->script, 0, 0, 32, 16, 0x445566);
  assert_plays (fixture);
  assert_events (fixture, "frame 32x16\n");
  g_assert_cmphex (pixel (fixture->pixels, 31, 15), ==, 0x445566);
}

static void
test_cursor (Fixture *fixture, gconstpointer piece)
{
  go_live (fixture);
  rfb_script_update (fixture->script, 1);
  rfb_script_rectangle (fixture->script, 1, 9, 2, 2, INN_RFB_ENCODING_CURSOR);
  for (int i = 0; i < 4; i++)
    rfb_script_pixel (fixture->script, 0xff2020);
  rfb_script_u16 (fixture->script, 0x8040); /* the mask: a diagonal */
  assert_plays (fixture);
  assert_events (fixture, "cursor 1,1\n"); /* moved inside */
  g_assert_cmpmem (fixture->cursor->data, 4, "\x20\x20\xff\xff", 4);
  g_assert_cmpmem (fixture->cursor->data + 4, 4, "\0\0\0\0", 4);

  rfb_script_update (fixture->script, 2);
  rfb_script_rectangle (fixture->script, 0, 0, 1, 1, INN_RFB_ENCODING_ALPHA_CURSOR);
  rfb_script_u32 (fixture->script, 0);
  rfb_script_bytes (fixture->script, "\x10\x20\x40\x80", 4);
  rfb_script_rectangle (fixture->script, 0, 0, 0, 0, INN_RFB_ENCODING_CURSOR);
  assert_plays (fixture);
  assert_events (fixture, "cursor 0,0\ncursor 0,0\n");
  g_assert_null (fixture->cursor); /* hidden at last */
}

static void
test_other_messages (Fixture *fixture, gconstpointer piece)
{
  go_live (fixture);
  rfb_script_u8 (fixture->script, INN_RFB_BELL);
  rfb_script_u32 (fixture->script, INN_RFB_SERVER_CUT_TEXT << 24);
  rfb_script_u32 (fixture->script, 5);
  rfb_script_bytes (fixture->script, "hello", 5);
  rfb_script_u16 (fixture->script, INN_RFB_SET_COLOUR_MAP_ENTRIES << 8);
  rfb_script_u16 (fixture->script, 0);
  rfb_script_u16 (fixture->script, 2);
  rfb_script_bytes (fixture->script, "rrggbbRRGGBB", 12);
  rfb_script_update (fixture->script, 3);
  rfb_script_rectangle (fixture->script, 0, 0, 0, 0, INN_RFB_ENCODING_EXTENDED_KEY);
  rfb_script_rectangle (fixture->script, 0, 0, 0, 0, INN_RFB_ENCODING_LED_STATE);
  rfb_script_u8 (fixture->script, INN_RFB_LED_CAPS_LOCK);
  rfb_script_raw (fixture->script, 0, 0, 1, 1, 0);
  rfb_script_update (fixture->script, 0xffff);
  rfb_script_raw (fixture->script, 2, 2, 1, 1, 0);
  rfb_script_rectangle (fixture->script, 0, 0, 0, 0, INN_RFB_ENCODING_LAST_RECT);
  rfb_script_update (fixture->script, 0);

  g_assert_false (inn_rfb_decoder_wants_key_codes (fixture->decoder));
  assert_plays (fixture);
  assert_events (fixture, "leds 4\ndamage 0,0 1x1\ndamage 2,2 1x1\n");
  g_assert_true (inn_rfb_decoder_wants_key_codes (fixture->decoder));
}

static void
test_password (Fixture *fixture, gconstpointer piece)
{
  rfb_script_bytes (fixture->script, "RFB 003.008\n\2\2\x13", 15);
  assert_refused (fixture, G_IO_ERROR_PERMISSION_DENIED);
}

static void
test_refusal (Fixture *fixture, gconstpointer piece)
{
  g_autoptr (GError) error = NULL;

  rfb_script_bytes (fixture->script, "RFB 003.008\n\0", 13);
  rfb_script_u32 (fixture->script, 9);
  rfb_script_bytes (fixture->script, "too \xff many", 10);
  g_assert_false (play (fixture, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_nonnull (strstr (error->message, "too"));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

/* Many security types once were a way into clients' stacks. */
static void
test_many_security_types (Fixture *fixture, gconstpointer piece)
{
  rfb_script_bytes (fixture->script, "RFB 003.008\n\xff", 13);
  for (int i = 0; i < 254; i++)
    rfb_script_u8 (fixture->script, 0x41);
  rfb_script_u8 (fixture->script, INN_RFB_SECURITY_NONE);
  assert_plays (fixture);
  g_assert_cmpuint (fixture->sent->data[12], ==, INN_RFB_SECURITY_NONE);
}

/* Each case is what comes after go_live(). */
static void
test_lies (Fixture *fixture, gconstpointer piece)
{
  const struct
  {
    int x, y, width, height;
    gint32 encoding;
  } lies[] = {
    { 0, 0, 65, 48, INN_RFB_ENCODING_RAW },
    { 64, 48, 1, 1, INN_RFB_ENCODING_RAW },
    { 65535, 65535, 65535, 65535, INN_RFB_ENCODING_RAW },
    { 1, 0, 64, 48, INN_RFB_ENCODING_HEXTILE },
    { 0, 1, 64, 48, INN_RFB_ENCODING_COPY_RECT },
    { 0, 0, 0, 48, INN_RFB_ENCODING_DESKTOP_SIZE },
    { 0, 0, 65535, 65535, INN_RFB_ENCODING_DESKTOP_SIZE },
    { 0, 0, 16384, 16384, INN_RFB_ENCODING_DESKTOP_SIZE },
    { 0, 0, 32768, 32768, INN_RFB_ENCODING_CURSOR },
    { 0, 0, 513, 1, INN_RFB_ENCODING_ALPHA_CURSOR },
    { 0, 0, 1, 1, 16 },         /* ZRLE, not offered */
    { 0, 0, 1, 1, 7 },          /* Tight, not offered */
    { 0, 0, 8, 8, 0x574d5669 }, /* WMVi: another pixel format */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      go_live (fixture);
      rfb_script_update (fixture->script, 1);
      rfb_script_rectangle (fixture->script, lies[i].x, lies[i].y, lies[i].width, lies[i].height,
                            lies[i].encoding);
      assert_refused (fixture, G_IO_ERROR_INVALID_DATA);
      tear_down (fixture, piece);
      *fixture = (Fixture){ 0 };
      set_up (fixture, piece);
    }
}

static void
test_copy_from_outside (Fixture *fixture, gconstpointer piece)
{
  go_live (fixture);
  rfb_script_update (fixture->script, 1);
  rfb_script_rectangle (fixture->script, 0, 0, 64, 48, INN_RFB_ENCODING_COPY_RECT);
  rfb_script_u32 (fixture->script, 0xffffffff);
  assert_refused (fixture, G_IO_ERROR_INVALID_DATA);
}

static void
test_no_rfb (Fixture *fixture, gconstpointer piece)
{
  rfb_script_bytes (fixture->script, "HTTP/1.1 400 Bad Request", 24);
  assert_refused (fixture, G_IO_ERROR_INVALID_DATA);
}

/* Copying a large screen costs its sender 16 bytes: others must get a turn in between. */
static void
test_yields (Fixture *fixture, gconstpointer piece)
{
  g_autoptr (GError) error = NULL;
  gssize used;

  rfb_script_handshake (fixture->script, 4096, 4096);
  rfb_script_update (fixture->script, 100);
  for (int i = 0; i < 100; i++)
    {
      rfb_script_rectangle (fixture->script, 0, 0, 4096, 4096, INN_RFB_ENCODING_COPY_RECT);
      rfb_script_u32 (fixture->script, 0);
    }
  used = inn_rfb_decoder_feed (fixture->decoder, fixture->script->data, fixture->script->len,
                               &error);
  g_assert_no_error (error);
  g_assert_cmpint (used, >, 0);
  g_assert_cmpint (used, <, (gssize)fixture->script->len - 98 * 16);
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *name;
    void (*function) (Fixture *, gconstpointer);
  } tests[] = {
    { "handshake", test_handshake },
    { "old-versions", test_old_versions },
    { "raw", test_raw },
    { "copy", test_copy },
    { "hextile", test_hextile },
    { "resize", test_resize },
    { "cursor", test_cursor },
    { "other-messages", test_other_messages },
    { "password", test_password },
    { "refusal", test_refusal },
    { "many-security-types", test_many_security_types },
    { "lies", test_lies },
    { "copy-from-outside", test_copy_from_outside },
    { "no-rfb", test_no_rfb },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    for (gsize piece = 0; piece <= 7; piece += piece == 0 ? 1 : 6)
      {
        g_autofree char *path
            = g_strdup_printf ("/rfb-decoder/%s/%" G_GSIZE_FORMAT, tests[i].name, piece);

        g_test_add (path, Fixture, GSIZE_TO_POINTER (piece), set_up, tests[i].function, tear_down);
      }
  g_test_add ("/rfb-decoder/yields", Fixture, NULL, set_up, test_yields, tear_down);
  return g_test_run ();
}
