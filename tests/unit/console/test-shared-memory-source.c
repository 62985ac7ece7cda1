/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames, damage and cursors out of a screen page, and input into events. */
#include "console/shared-memory-source.h"

#include <linux/input-event-codes.h>

#include "fake-screen.h"

#define PIXEL_BYTES (1 << 20)

typedef struct
{
  FakeScreen *screen;
  InnConsoleSource *source;
  GString *told; /* one line per signal */
  InnPixelBuffer *cursor;
} Fixture;

static void
on_frame (Fixture *fixture)
{
  const InnPixelBuffer *pixels = inn_console_source_get_pixels (fixture->source);

  g_string_append_printf (fixture->told, "frame %dx%d\n", pixels->width, pixels->height);
}

static void
on_damage (Fixture *fixture, int x, int y, int width, int height)
{
  g_string_append_printf (fixture->told, "damage %d %d %dx%d\n", x, y, width, height);
}

static void
on_cursor (Fixture *fixture, InnPixelBuffer *image, int hot_x, int hot_y)
{
  g_clear_pointer (&fixture->cursor, inn_pixel_buffer_unref);
  if (image != NULL)
    {
      fixture->cursor = inn_pixel_buffer_ref (image);
      g_string_append_printf (fixture->told, "cursor %dx%d at %d %d\n", image->width, image->height,
                              hot_x, hot_y);
    }
  else
    {
      g_string_append (fixture->told, "cursor hidden\n");
    }
}

static void
on_ended (Fixture *fixture, const char *reason)
{
  g_string_append_printf (fixture->told, "ended %s\n", reason);
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
assert_told (Fixture *fixture, const char *expected)
{
  settle ();
  g_assert_cmpstr (fixture->told->str, ==, expected);
  g_string_truncate (fixture->told, 0);
}

static void
assert_asked (Fixture *fixture, const char *expected)
{
  g_autofree char *log = fake_screen_take_log (fixture->screen);

  g_assert_cmpstr (log, ==, expected);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->told = g_string_new (NULL);
  fixture->screen = fake_screen_new (PIXEL_BYTES);
  fake_screen_set_size (fixture->screen, 200, 100);
  fixture->source = inn_shared_memory_source_new (INN_SHARED_SCREEN (fixture->screen));
  g_signal_connect_swapped (fixture->source, "frame", G_CALLBACK (on_frame), fixture);
  g_signal_connect_swapped (fixture->source, "damage", G_CALLBACK (on_damage), fixture);
  g_signal_connect_swapped (fixture->source, "cursor", G_CALLBACK (on_cursor), fixture);
  g_signal_connect_swapped (fixture->source, "ended", G_CALLBACK (on_ended), fixture);
  assert_told (fixture, "frame 200x100\n");
  assert_asked (fixture, "refresh"); /* what it shows, before anybody can see it */
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  settle ();
  g_assert_finalize_object (fixture->source);
  g_assert_finalize_object (fixture->screen);
  g_clear_pointer (&fixture->cursor, inn_pixel_buffer_unref);
  g_string_free (fixture->told, TRUE);
}

static void
show (Fixture *fixture)
{
  inn_console_source_set_shown (fixture->source, TRUE);
  settle ();
  assert_asked (fixture, "watch\nrefresh");
}

static void
test_damage (Fixture *fixture, gconstpointer data)
{
  const InnPixelBuffer *pixels = inn_console_source_get_pixels (fixture->source);

  /* The picture is the screen's memory itself. */
  g_assert_true (pixels->data == fake_screen_get_pixels (fixture->screen));

  show (fixture);
  fake_screen_fill (fixture->screen, 10, 20, 30, 40, 0x3584e4);
  fake_screen_fill (fixture->screen, 0, 0, 1, 1, 0);
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "damage 10 20 30x40\ndamage 0 0 1x1\n");
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "");

  /* More than the page can tell. */
  for (int i = 0; i <= SCREEN_DAMAGE_SLOTS; i++)
    fake_screen_fill (fixture->screen, 0, 0, 1, 1, 0);
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "damage 0 0 200x100\n");

  /* Being written: what is missed is told with the next. */
  fake_screen_set_busy (fixture->screen, TRUE);
  fake_screen_fill (fixture->screen, 1, 2, 3, 4, 0);
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "");
  fake_screen_set_busy (fixture->screen, FALSE);
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "damage 1 2 3x4\n");
}

/* Who is not in sight asks for nothing, and for all it has missed when it is again. */
static void
test_shown (Fixture *fixture, gconstpointer data)
{
  show (fixture);
  inn_console_source_set_shown (fixture->source, TRUE);
  assert_asked (fixture, "");
  inn_console_source_set_shown (fixture->source, FALSE);
  assert_asked (fixture, "unwatch");
  fake_screen_fill (fixture->screen, 1, 2, 3, 4, 0);
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "");
  show (fixture);
  assert_told (fixture, "damage 1 2 3x4\n");
  inn_console_source_close (fixture->source);
  assert_asked (fixture, "unwatch");
}

static void
test_modes (Fixture *fixture, gconstpointer data)
{
  struct screen_page *page = fake_screen_get_page (fixture->screen);
  const InnPixelBuffer *pixels;
  guint8 copy[4];

  show (fixture);
  fake_screen_set_size (fixture->screen, 64, 32);
  page->mode.stride = 512;
  page->mode.offset = 4096;
  page->mode.format = SCREEN_FORMAT_RGBX;
  fake_screen_fill (fixture->screen, 5, 7, 1, 1, 0x112233); /* which draws BGR */
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "frame 64x32\n");
  pixels = inn_console_source_get_pixels (fixture->source);
  inn_pixel_buffer_copy (pixels, 5, 7, 1, 1, 1, copy, sizeof copy);
  g_assert_cmpmem (copy, 4, ((const guint8[]){ 0x11, 0x22, 0x33, 0xff }), 4);

  /* Nothing is shown: black, and of the same size so that nothing jumps. */
  page->mode = (struct screen_mode){ .generation = page->mode.generation + 1 };
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "frame 64x32\n");
  pixels = inn_console_source_get_pixels (fixture->source);
  inn_pixel_buffer_copy (pixels, 5, 7, 1, 1, 1, copy, sizeof copy);
  g_assert_cmpmem (copy, 4, ((const guint8[]){ 0, 0, 0, 0xff }), 4);
}

/* A mode that does not lie in the pixels is not shown, whatever else the page says. */
static void
test_lies (Fixture *fixture, gconstpointer data)
{
  struct screen_page *page = fake_screen_get_page (fixture->screen);

  show (fixture);
  fake_screen_set_size (fixture->screen, 64, 32);
  page->mode.offset = PIXEL_BYTES;
  fake_screen_tell (fixture->screen);
  fake_screen_set_size (fixture->screen, 8192, 8192);
  fake_screen_tell (fixture->screen);
  fake_screen_set_size (fixture->screen, 64, 32);
  page->cursor.width = 65;
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "");
}

static void
test_cursor (Fixture *fixture, gconstpointer data)
{
  struct screen_page *page = fake_screen_get_page (fixture->screen);

  show (fixture);
  page->cursor = (struct screen_cursor){
    .generation = 1, .visible = 1, .width = 2, .height = 3, .hot_x = 1, .hot_y = 2
  };
  page->cursor.image[5] = 0x80402010;
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "cursor 2x3 at 1 2\n");
  g_assert_cmpmem (fixture->cursor->data + 5 * 4, 4, &page->cursor.image[5], 4);
  page->cursor.x = 7; /* moving is the host's pointer's business */
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "");
  page->cursor.generation = 2;
  page->cursor.visible = 0;
  fake_screen_tell (fixture->screen);
  assert_told (fixture, "cursor hidden\n");
}

static void
test_keys (Fixture *fixture, gconstpointer data)
{
  inn_console_source_send_key (fixture->source, KEY_A, 0, TRUE);
  inn_console_source_send_key (fixture->source, KEY_A, 0, FALSE);
  assert_asked (fixture, "key 30 1\nkey 30 0");

  /* What is no key of a guest is not sent: it would cost the connection. */
  inn_console_source_send_key (fixture->source, 0, 0, TRUE);
  inn_console_source_send_key (fixture->source, BTN_LEFT, 0, TRUE);
  inn_console_source_send_key (fixture->source, 0x300, 0, TRUE);
  inn_console_source_send_key (fixture->source, 0x10000 + KEY_A, 0, TRUE);
  assert_asked (fixture, "");
}

static void
test_pointer (Fixture *fixture, gconstpointer data)
{
  inn_console_source_send_pointer (fixture->source, 0, 0, 0);
  inn_console_source_send_pointer (fixture->source, 199, 99, INN_POINTER_LEFT);
  assert_asked (fixture, "position 0 0\nposition 32767 32767\nbutton 272 1");
  inn_console_source_send_pointer (fixture->source, 199, 99,
                                   INN_POINTER_RIGHT | INN_POINTER_MIDDLE);
  assert_asked (fixture, "button 272 0\nbutton 274 1\nbutton 273 1");
  inn_console_source_send_scroll (fixture->source, 100, 0, 0, INN_SCROLL_DOWN);
  assert_asked (fixture, "position 16466 0\nbutton 274 0\nbutton 273 0\nwheel 0 -1");
  inn_console_source_send_scroll (fixture->source, 100, 0, 0, INN_SCROLL_UP);
  inn_console_source_send_scroll (fixture->source, 100, 0, 0, INN_SCROLL_LEFT);
  inn_console_source_send_scroll (fixture->source, 100, 0, 0, INN_SCROLL_RIGHT);
  assert_asked (fixture, "wheel 0 1\nwheel -1 0\nwheel 1 0");
}

static void
test_size (Fixture *fixture, gconstpointer data)
{
  inn_console_source_request_size (fixture->source, 1280, 800);
  assert_asked (fixture, "size 1280x800");
}

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *done = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_true (inn_console_source_refresh_finish (INN_CONSOLE_SOURCE (source), result, &error));
  g_assert_no_error (error);
  *done = TRUE;
}

/* The picture is what it is now when that is done, and not before. */
static void
test_refresh (Fixture *fixture, gconstpointer data)
{
  gboolean done = FALSE;

  fake_screen_fill (fixture->screen, 1, 2, 3, 4, 0);
  inn_console_source_refresh_async (fixture->source, NULL, on_refreshed, &done);
  g_assert_cmpstr (fixture->told->str, ==, "");
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  assert_told (fixture, "damage 1 2 3x4\n");

  /* Closed, it is as current as it will ever be. */
  inn_console_source_close (fixture->source);
  done = FALSE;
  inn_console_source_refresh_async (fixture->source, NULL, on_refreshed, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

/* The last picture outlives the screen. */
static void
test_end (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnPixelBuffer) pixels = NULL;

  show (fixture);
  fake_screen_fill (fixture->screen, 0, 0, 200, 100, 0x112233);
  pixels = inn_pixel_buffer_ref (inn_console_source_get_pixels (fixture->source));
  inn_console_source_refresh_async (fixture->source, NULL, NULL, NULL); /* comes too late */
  fake_screen_end (fixture->screen, "It has ended.");
  assert_told (fixture, "ended It has ended.\n");
  g_assert_finalize_object (g_steal_pointer (&fixture->source));
  g_assert_finalize_object (g_steal_pointer (&fixture->screen));
  g_assert_cmpuint (pixels->data[199 * 4 + 2], ==, 0x11);
}

static void
tear_down_ended (Fixture *fixture, gconstpointer data)
{
  g_string_free (fixture->told, TRUE);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/shared-memory-source/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("damage", test_damage);
  ADD ("shown", test_shown);
  ADD ("modes", test_modes);
  ADD ("lies", test_lies);
  ADD ("cursor", test_cursor);
  ADD ("keys", test_keys);
  ADD ("pointer", test_pointer);
  ADD ("size", test_size);
  ADD ("refresh", test_refresh);
  g_test_add ("/shared-memory-source/end", Fixture, NULL, set_up, test_end, tear_down_ended);
  return g_test_run ();
}
