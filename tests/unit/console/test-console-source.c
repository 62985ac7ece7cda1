/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The abstract source: input reaches the subclass while live, nothing happens after the end. */
#include "console/console-source.h"

#include <linux/input-event-codes.h>

#include "fake-source.h"

static void
count (gpointer user_data)
{
  (*(guint *)user_data)++;
}

static void
assert_log (FakeSource *fake, const char *expected)
{
  g_autofree char *log = fake_source_take_log (fake);

  g_assert_cmpstr (log, ==, expected);
}

static void
send_all (InnConsoleSource *source)
{
  inn_console_source_send_key (source, KEY_A, 0, TRUE);
  inn_console_source_send_pointer (source, 1, 2, INN_POINTER_LEFT);
  inn_console_source_send_scroll (source, 1, 2, 0, INN_SCROLL_DOWN);
  inn_console_source_request_size (source, 800, 600);
}

static void
test_input (void)
{
  g_autoptr (FakeSource) fake = fake_source_new ();
  InnConsoleSource *source = INN_CONSOLE_SOURCE (fake);

  send_all (source);
  assert_log (fake, "key 30 down\npointer 1 2 buttons 1\nscroll 1 2 down\nsize 800x600");
  inn_console_source_close (source);
  inn_console_source_close (source);
  send_all (source);
  assert_log (fake, "");
}

static void
test_picture (void)
{
  g_autoptr (FakeSource) fake = fake_source_new ();
  InnConsoleSource *source = INN_CONSOLE_SOURCE (fake);
  guint n_frames = 0, n_damages = 0;

  g_signal_connect_swapped (source, "frame", G_CALLBACK (count), &n_frames);
  g_signal_connect_swapped (source, "damage", G_CALLBACK (count), &n_damages);
  g_assert_null (inn_console_source_get_pixels (source));
  fake_source_set_size (fake, 64, 48);
  fake_source_fill (fake, 0, 0, 10, 10, 0);
  g_assert_cmpuint (n_frames, ==, 1);
  g_assert_cmpuint (n_damages, ==, 1);

  /* The last picture stays, but no longer changes. */
  inn_console_source_close (source);
  fake_source_set_size (fake, 10, 10);
  fake_source_fill (fake, 0, 0, 5, 5, 0);
  g_assert_cmpint (inn_console_source_get_pixels (source)->width, ==, 64);
  g_assert_cmpuint (n_frames, ==, 1);
  g_assert_cmpuint (n_damages, ==, 1);
}

static void
test_end (void)
{
  g_autoptr (FakeSource) fake = fake_source_new ();
  InnConsoleSource *source = INN_CONSOLE_SOURCE (fake);
  guint n_ends = 0;

  g_signal_connect_swapped (source, "ended", G_CALLBACK (count), &n_ends);
  inn_console_source_end (source, "It is over.");
  inn_console_source_end (source, "It is over again.");
  g_assert_cmpuint (n_ends, ==, 1);
}

static void
test_leds (void)
{
  g_autoptr (FakeSource) fake = fake_source_new ();
  InnConsoleSource *source = INN_CONSOLE_SOURCE (fake);
  InnLeds leds;

  g_assert_false (inn_console_source_get_leds (source, &leds));
  inn_console_source_set_leds (source, INN_LED_CAPS_LOCK);
  g_assert_true (inn_console_source_get_leds (source, &leds));
  g_assert_cmpuint (leds, ==, INN_LED_CAPS_LOCK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-source/input", test_input);
  g_test_add_func ("/console-source/picture", test_picture);
  g_test_add_func ("/console-source/end", test_end);
  g_test_add_func ("/console-source/leds", test_leds);
  return g_test_run ();
}
