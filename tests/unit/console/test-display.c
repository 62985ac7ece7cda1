/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display widget on a real X server: every pixel, every event, and when it draws. */
#include "console/display.h"

#include <linux/input-event-codes.h>

#include "console/display-geometry.h"
#include "fake-source.h"
#include "widget-driver.h"

typedef struct
{
  FakeSource *source;
  GtkWidget *display;
  GtkWindow *window;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->source = fake_source_new ();
  fixture->display = inn_display_new ();
  inn_display_set_source (INN_DISPLAY (fixture->display), INN_CONSOLE_SOURCE (fixture->source));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->window, gtk_window_destroy);
  g_clear_object (&fixture->source);
}

static void
present (Fixture *fixture, int width, int height)
{
  fixture->window = widget_driver_present (fixture->display, width, height);
}

static void
assert_log (Fixture *fixture, const char *expected)
{
  g_autofree char *log = fake_source_take_log (fixture->source);

  g_assert_cmpstr (log, ==, expected);
}

static void
forget_log (Fixture *fixture)
{
  g_free (fake_source_take_log (fixture->source));
}

/* Painting. These run on monitors of several scale factors; sizes here are device pixels. */

static int
scale_factor (void)
{
  const char *scale = g_getenv ("GDK_SCALE");

  return scale != NULL ? atoi (scale) : 1;
}

static void
test_exact (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnPixelBuffer) drawn = NULL;

  fake_source_set_size (fixture->source, 600, 300);
  present (fixture, 640 / scale_factor (), 332 / scale_factor ());
  drawn = widget_driver_render (fixture->display);
  for (int y = 0; y < 300; y++)
    for (int x = 0; x < 600; x++)
      g_assert_cmphex (widget_driver_get_pixel (drawn, x + 20, y + 16), ==,
                       fake_source_pattern (x, y));
  g_assert_cmphex (widget_driver_get_pixel (drawn, 19, 16), ==, 0);
  g_assert_cmphex (widget_driver_get_pixel (drawn, 620, 100), ==, 0);
}

static void
test_twice_as_large (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnPixelBuffer) drawn = NULL;

  fake_source_set_size (fixture->source, 300, 150);
  present (fixture, 600 / scale_factor (), 300 / scale_factor ());
  drawn = widget_driver_render (fixture->display);
  for (int y = 0; y < 300; y++)
    for (int x = 0; x < 600; x++)
      g_assert_cmphex (widget_driver_get_pixel (drawn, x, y), ==,
                       fake_source_pattern (x / 2, y / 2));
}

/* One colour, scaled by an odd factor: tile edges would show as other colours. */
static void
test_no_seams (Fixture *fixture, gconstpointer data)
{
  const struct
  {
    int width, height;
  } areas[] = { { 601, 401 }, { 333, 479 }, { 789, 611 } };

  fake_source_set_size (fixture->source, 900, 620);
  fake_source_fill (fixture->source, 0, 0, 900, 620, 0x3584e4);
  for (gsize i = 0; i < G_N_ELEMENTS (areas); i++)
    {
      g_autoptr (InnPixelBuffer) drawn = NULL;
      guint n_other = 0, n_blue = 0;
      InnDisplayGeometry geometry;

      g_object_ref (fixture->display);
      present (fixture, areas[i].width, areas[i].height);
      drawn = widget_driver_render (fixture->display);
      for (int y = 0; y < drawn->height; y++)
        for (int x = 0; x < drawn->width; x++)
          {
            guint32 rgb = widget_driver_get_pixel (drawn, x, y);

            n_blue += rgb == 0x3584e4 ? 1 : 0;
            n_other += rgb != 0x3584e4 && rgb != 0 ? 1 : 0;
          }
      g_assert_cmpuint (n_other, ==, 0);
      inn_display_geometry_init (&geometry, 900, 620, areas[i].width, areas[i].height,
                                 scale_factor ());
      g_assert_cmpuint (n_blue, ==, (guint)(geometry.width * geometry.height));
      gtk_window_set_child (fixture->window, NULL);
      g_clear_pointer (&fixture->window, gtk_window_destroy);
    }
  fixture->window = widget_driver_present (fixture->display, 100, 100);
  g_object_unref (fixture->display);
}

static void
test_damage (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnPixelBuffer) drawn = NULL;

  fake_source_set_size (fixture->source, 600, 300);
  present (fixture, 600, 300);
  fake_source_fill (fixture->source, 250, 250, 20, 20, 0xff00ff);
  inn_console_source_damage (INN_CONSOLE_SOURCE (fixture->source), -9, -9, G_MAXINT, 5);
  drawn = widget_driver_render (fixture->display);
  g_assert_cmphex (widget_driver_get_pixel (drawn, 250, 250), ==, 0xff00ff);
  g_assert_cmphex (widget_driver_get_pixel (drawn, 269, 269), ==, 0xff00ff);
  g_assert_cmphex (widget_driver_get_pixel (drawn, 270, 269), ==, fake_source_pattern (270, 269));
}

static void
test_smaller_screen (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnPixelBuffer) drawn = NULL;

  fake_source_set_size (fixture->source, 600, 300);
  present (fixture, 600, 300);
  fake_source_set_size (fixture->source, 500, 260);
  drawn = widget_driver_render (fixture->display);
  g_assert_cmphex (widget_driver_get_pixel (drawn, 50, 20), ==, fake_source_pattern (0, 0));
  g_assert_cmphex (widget_driver_get_pixel (drawn, 49, 20), ==, 0);
}

/* The last picture stays when the source goes, and goes when told to. */
static void
test_last_picture (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnPixelBuffer) drawn = NULL, cleared = NULL;

  fake_source_set_size (fixture->source, 300, 200);
  present (fixture, 300, 200);
  inn_display_set_source (INN_DISPLAY (fixture->display), NULL);
  g_clear_object (&fixture->source);
  drawn = widget_driver_render (fixture->display);
  g_assert_cmphex (widget_driver_get_pixel (drawn, 7, 9), ==, fake_source_pattern (7, 9));
  g_assert_nonnull (inn_display_get_thumbnail (INN_DISPLAY (fixture->display)));

  inn_display_clear (INN_DISPLAY (fixture->display));
  cleared = widget_driver_render (fixture->display);
  g_assert_cmphex (widget_driver_get_pixel (cleared, 7, 9), ==, 0);
  g_assert_null (inn_display_get_thumbnail (INN_DISPLAY (fixture->display)));
}

static gboolean
on_busy (gpointer user_data)
{
  fake_source_fill (user_data, 0, 0, 4, 4, 0x123456);
  return G_SOURCE_CONTINUE;
}

static gint64
frames_in_a_second (Fixture *fixture)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (fixture->display);
  gint64 before = gdk_frame_clock_get_frame_counter (clock);

  widget_driver_run_for (1000);
  return gdk_frame_clock_get_frame_counter (clock) - before;
}

/* A source that is never idle still gets its ten frames a second, but not all the time there is. */
static void
test_busy_source (Fixture *fixture, gconstpointer data)
{
  guint busy_id;
  gint64 frames;

  fake_source_set_size (fixture->source, 300, 200);
  present (fixture, 300, 200);
  busy_id = g_idle_add (on_busy, fixture->source);
  frames = frames_in_a_second (fixture);
  g_source_remove (busy_id);
  g_assert_cmpint (frames, >=, 4);
  g_assert_cmpint (frames, <=, 15);
}

static void
test_quiet_source (Fixture *fixture, gconstpointer data)
{
  fake_source_set_size (fixture->source, 300, 200);
  present (fixture, 300, 200);
  widget_driver_run_for (200);
  g_assert_cmpint (frames_in_a_second (fixture), <=, 1);
}

static void
test_thumbnail (Fixture *fixture, gconstpointer data)
{
  GdkPaintable *thumbnail;
  GtkWidget *picture;
  g_autoptr (InnPixelBuffer) drawn = NULL;

  g_assert_null (inn_display_get_thumbnail (INN_DISPLAY (fixture->display)));
  fake_source_set_size (fixture->source, 1600, 1000);
  fake_source_fill (fixture->source, 0, 0, 1600, 1000, 0x204060);
  thumbnail = inn_display_get_thumbnail (INN_DISPLAY (fixture->display));
  g_assert_cmpint (gdk_paintable_get_intrinsic_width (thumbnail), ==, 400);
  g_assert_cmpint (gdk_paintable_get_intrinsic_height (thumbnail), ==, 250);

  g_object_ref_sink (fixture->display);
  picture = gtk_picture_new_for_paintable (thumbnail);
  fixture->window = widget_driver_present (picture, 160, 100);
  drawn = widget_driver_render (picture);
  g_assert_cmphex (widget_driver_get_pixel (drawn, 80, 50), ==, 0x204060);
  g_clear_pointer (&drawn, inn_pixel_buffer_unref);

  fake_source_fill (fixture->source, 0, 0, 1600, 1000, 0xffffff);
  widget_driver_run_for (200);
  drawn = widget_driver_render (picture);
  g_assert_cmphex (widget_driver_get_pixel (drawn, 80, 50), ==, 0xffffff);
  g_object_unref (fixture->display);
}

/* Pointer. The areas are too small for a guest's screen, so that no size is asked for. */

static void
test_click (Fixture *fixture, gconstpointer data)
{
  fake_source_set_size (fixture->source, 600, 300);
  present (fixture, 300, 150);
  widget_driver_xdotool ("mousemove 100 50");
  forget_log (fixture);
  widget_driver_xdotool ("mousemove 150 75");
  assert_log (fixture, "pointer 300 150 buttons 0");
  widget_driver_xdotool ("mousedown 1");
  widget_driver_xdotool ("mousedown 3");
  widget_driver_xdotool ("mouseup 1");
  widget_driver_xdotool ("mouseup 3");
  assert_log (fixture, "pointer 300 150 buttons 1\npointer 300 150 buttons 5\n"
                       "pointer 300 150 buttons 4\npointer 300 150 buttons 0");
  g_assert_true (gtk_widget_has_focus (fixture->display));
}

static void
test_drag_out (Fixture *fixture, gconstpointer data)
{
  fake_source_set_size (fixture->source, 300, 150);
  present (fixture, 300, 150);
  widget_driver_xdotool ("mousemove 290 140");
  widget_driver_xdotool ("mousedown 1");
  forget_log (fixture);
  widget_driver_xdotool ("mousemove 400 300");
  assert_log (fixture, "pointer 299 149 buttons 1");
  widget_driver_xdotool ("mouseup 1");
  assert_log (fixture, "pointer 299 149 buttons 0");
}

static void
test_wheel (Fixture *fixture, gconstpointer data)
{
  fake_source_set_size (fixture->source, 300, 150);
  present (fixture, 300, 150);
  widget_driver_xdotool ("mousemove 10 20");
  forget_log (fixture);
  widget_driver_xdotool ("click 4");
  widget_driver_xdotool ("click 5");
  widget_driver_xdotool ("click 7");
  assert_log (fixture, "scroll 10 20 up\nscroll 10 20 down\nscroll 10 20 right");
}

static void
test_cursor (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnPixelBuffer) image = inn_pixel_buffer_new (24, 16);
  InnConsoleSource *source = INN_CONSOLE_SOURCE (fixture->source);
  g_autofree guint8 *bytes = g_malloc (image->stride * 16);
  GdkCursor *cursor;

  memcpy (image->data, "\x20\x20\xff\xff", 4); /* red, opaque */
  present (fixture, 100, 100);
  inn_console_source_set_cursor (source, image, 3, 4);
  cursor = gtk_widget_get_cursor (fixture->display);
  g_assert_cmpint (gdk_cursor_get_hotspot_x (cursor), ==, 3);
  g_assert_cmpint (gdk_cursor_get_hotspot_y (cursor), ==, 4);
  gdk_texture_download (gdk_cursor_get_texture (cursor), bytes, image->stride);
  g_assert_cmpmem (bytes, 4, "\x20\x20\xff\xff", 4);

  inn_console_source_set_cursor (source, NULL, 0, 0);
  g_assert_cmpstr (gdk_cursor_get_name (gtk_widget_get_cursor (fixture->display)), ==, "none");
  inn_display_set_source (INN_DISPLAY (fixture->display), NULL);
  g_assert_null (gtk_widget_get_cursor (fixture->display));
}

/* Keys. */

static void
test_keys (Fixture *fixture, gconstpointer data)
{
  present (fixture, 300, 200);
  widget_driver_xdotool ("mousemove 10 20");
  gtk_widget_grab_focus (fixture->display);
  forget_log (fixture);
  widget_driver_xdotool ("key a");
  widget_driver_xdotool ("key shift+Delete");
  assert_log (fixture, "key 30 down\nkey 30 up\n"
                       "key 42 down\nkey 111 down\nkey 42 up\nkey 111 up");
}

static void
test_send_keys (Fixture *fixture, gconstpointer data)
{
  const guint reboot[] = { KEY_LEFTCTRL, KEY_LEFTALT, KEY_DELETE, 0 };

  inn_display_send_keys (INN_DISPLAY (fixture->display), reboot);
  assert_log (fixture, "key 29 down\nkey 56 down\nkey 111 down\n"
                       "key 111 up\nkey 56 up\nkey 29 up");
  fixture->window = widget_driver_present (fixture->display, 10, 10);
}

/* A guest must not be left with Ctrl held because the user went elsewhere. */
static void
test_held_keys (Fixture *fixture, gconstpointer data)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *entry = gtk_entry_new ();

  fake_source_set_size (fixture->source, 1, 1); /* any click is at 0,0 */
  gtk_widget_set_vexpand (fixture->display, TRUE);
  gtk_box_append (GTK_BOX (box), fixture->display);
  gtk_box_append (GTK_BOX (box), entry);
  fixture->window = widget_driver_present (box, 300, 200);
  widget_driver_xdotool ("mousemove 10 20");
  gtk_widget_grab_focus (fixture->display);
  widget_driver_xdotool ("keydown Control_L");
  forget_log (fixture);
  gtk_widget_grab_focus (entry);
  assert_log (fixture, "key 29 up");
  widget_driver_xdotool ("keyup Control_L");
  assert_log (fixture, "");

  gtk_widget_grab_focus (fixture->display);
  widget_driver_xdotool ("keydown b");
  widget_driver_xdotool ("mousedown 1");
  forget_log (fixture);
  gtk_widget_set_visible (fixture->display, FALSE);
  assert_log (fixture, "key 48 up\npointer 0 0 buttons 0");
  widget_driver_xdotool ("mouseup 1");
  widget_driver_xdotool ("keyup b");
}

/* Caps Lock is off here; the guest thinks it is on. */
static void
test_locks (Fixture *fixture, gconstpointer data)
{
  inn_console_source_set_leds (INN_CONSOLE_SOURCE (fixture->source), INN_LED_CAPS_LOCK);
  present (fixture, 300, 200);
  gtk_window_set_focus (fixture->window, NULL);
  widget_driver_xdotool ("mousemove 10 20");
  forget_log (fixture);
  gtk_widget_grab_focus (fixture->display);
  assert_log (fixture, "key 58 down\nkey 58 up");
}

/* The guest's size follows ours. */

static void
resize (Fixture *fixture, int width, int height)
{
  gtk_window_set_default_size (fixture->window, width, height);
  widget_driver_run_for (100);
}

static void
test_guest_resizes (Fixture *fixture, gconstpointer data)
{
  widget_driver_xdotool ("mousemove 1200 1000"); /* out of the way */
  fake_source_set_size (fixture->source, 640, 480);
  present (fixture, 500, 300);
  widget_driver_run_for (600);
  assert_log (fixture, "size 496x300");

  /* Only where it comes to rest. */
  resize (fixture, 600, 300);
  resize (fixture, 700, 400);
  assert_log (fixture, "");
  widget_driver_run_for (600);
  assert_log (fixture, "size 696x400");

  /* Not while nobody looks. */
  gtk_widget_set_visible (fixture->display, FALSE);
  inn_display_set_source (INN_DISPLAY (fixture->display), NULL);
  inn_display_set_source (INN_DISPLAY (fixture->display), INN_CONSOLE_SOURCE (fixture->source));
  widget_driver_run_for (600);
  assert_log (fixture, "");
  gtk_widget_set_visible (fixture->display, TRUE);
  widget_driver_run_for (600);
  assert_log (fixture, "size 696x400");

  /* A guest that goes its own way is not argued with. */
  fake_source_set_size (fixture->source, 320, 200);
  fake_source_set_size (fixture->source, 640, 480);
  widget_driver_run_for (600);
  assert_log (fixture, "");
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *name;
    void (*function) (Fixture *, gconstpointer);
  } tests[] = {
    { "exact", test_exact },
    { "twice-as-large", test_twice_as_large },
    { "no-seams", test_no_seams },
    { "damage", test_damage },
    { "smaller-screen", test_smaller_screen },
    { "last-picture", test_last_picture },
    { "busy-source", test_busy_source },
    { "quiet-source", test_quiet_source },
    { "thumbnail", test_thumbnail },
    { "click", test_click },
    { "drag-out", test_drag_out },
    { "wheel", test_wheel },
    { "cursor", test_cursor },
    { "keys", test_keys },
    { "send-keys", test_send_keys },
    { "held-keys", test_held_keys },
    { "locks", test_locks },
    { "guest-resizes", test_guest_resizes },
  };

  g_test_init (&argc, &argv, NULL);
  gtk_init ();
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/display/", tests[i].name, NULL);

      g_test_add (path, Fixture, NULL, set_up, tests[i].function, tear_down);
    }
  return g_test_run ();
}
