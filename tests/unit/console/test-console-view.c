/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The view as the window uses it: pages, words, keyboard, and what it says when a console ends. */
#include "console/console-view.h"

#include <linux/input-event-codes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "console/display.h"
#include "console/serial-terminal.h"
#include "rfb-script.h"
#include "widget-driver.h"

typedef struct
{
  InnConsoleView *view;
  GtkWidget *entry;
  GtkWindow *window;
  int guest;
  GString *signals;
} Fixture;

static void
on_disconnected (Fixture *fixture, const char *reason)
{
  g_string_append_printf (fixture->signals, "disconnected: %s\n", reason);
}

static void
on_released (Fixture *fixture)
{
  g_string_append (fixture->signals, "released\n");
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  fixture->guest = -1;
  fixture->signals = g_string_new (NULL);
  fixture->view = INN_CONSOLE_VIEW (inn_console_view_new ());
  g_signal_connect_swapped (fixture->view, "disconnected", G_CALLBACK (on_disconnected), fixture);
  g_signal_connect_swapped (fixture->view, "released", G_CALLBACK (on_released), fixture);
  inn_console_view_set_machine_name (fixture->view, "Debian 13");
  fixture->entry = gtk_entry_new ();
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (fixture->view));
  gtk_box_append (GTK_BOX (box), fixture->entry);
  fixture->window = widget_driver_present (box, 300, 300);
  widget_driver_xdotool ("mousemove 100 100");
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (fixture->window);
  if (fixture->guest >= 0)
    close (fixture->guest);
  g_string_free (fixture->signals, TRUE);
}

static void
connect_guest (Fixture *fixture, InnConsoleKind kind)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  if (fixture->guest >= 0)
    close (fixture->guest);
  fixture->guest = fds[1];
  inn_console_view_connect (fixture->view, inn_console_endpoint_new_stream (kind, fds[0]));
}

static void
say (Fixture *fixture, const void *bytes, gsize length)
{
  g_assert_cmpint (send (fixture->guest, bytes, length, MSG_NOSIGNAL), ==, (gssize)length);
}

static gboolean
is_connected (gpointer user_data)
{
  gboolean connected;

  g_object_get (user_data, "connected", &connected, NULL);
  return connected;
}

static gboolean
is_not_connected (gpointer user_data)
{
  return !is_connected (user_data);
}

/* A screen of one colour. */
static void
show_screen (Fixture *fixture, int width, int height, guint32 rgb)
{
  g_autoptr (GByteArray) script = g_byte_array_new ();

  rfb_script_handshake (script, width, height);
  rfb_script_update (script, 1);
  rfb_script_raw (script, 0, 0, width, height, rgb);
  say (fixture, script->data, script->len);
  g_assert_true (widget_driver_wait (is_connected, fixture->view));
}

static void
assert_property (Fixture *fixture, const char *name, const char *expected)
{
  g_autofree char *value = NULL;

  g_object_get (fixture->view, name, &value, NULL);
  g_assert_cmpstr (value, ==, expected);
}

static guint32
colour_in_the_middle (Fixture *fixture)
{
  g_autoptr (InnPixelBuffer) drawn = widget_driver_render (GTK_WIDGET (fixture->view));

  return widget_driver_get_pixel (drawn, drawn->width / 2, drawn->height / 2);
}

static void
test_screen (Fixture *fixture, gconstpointer data)
{
  g_assert_null (inn_console_view_get_paintable (fixture->view));
  assert_property (fixture, "status", NULL);
  connect_guest (fixture, INN_CONSOLE_VNC);
  g_assert_false (is_connected (fixture->view)); /* not before there is a picture */

  show_screen (fixture, 200, 120, 0x3584e4);
  assert_property (fixture, "size-text", "200 × 120");
  g_assert_cmphex (colour_in_the_middle (fixture), ==, 0x3584e4);
  g_assert_nonnull (inn_console_view_get_paintable (fixture->view));
  g_assert_null (inn_console_view_get_text (fixture->view));
}

static void
test_keyboard_words (Fixture *fixture, gconstpointer data)
{
  gboolean grabbed;

  connect_guest (fixture, INN_CONSOLE_VNC);
  show_screen (fixture, 200, 120, 0);
  gtk_widget_grab_focus (fixture->entry);
  assert_property (fixture, "status", "Left Ctrl+Alt sends all keys to the guest");

  gtk_widget_grab_focus (GTK_WIDGET (fixture->view));
  assert_property (fixture, "status", "Left Ctrl+Alt releases the keyboard");
  widget_driver_xdotool ("key Control_L+Alt_L");
  g_assert_cmpstr (fixture->signals->str, ==, "released\n");
  assert_property (fixture, "status", "Left Ctrl+Alt sends all keys to the guest");

  widget_driver_xdotool ("key Control_L+Alt_L");
  assert_property (fixture, "status", "All keys go to the guest");
  g_object_get (fixture->view, "grabbed", &grabbed, NULL);
  g_assert_true (grabbed);
  gtk_widget_grab_focus (fixture->entry);
  g_object_get (fixture->view, "grabbed", &grabbed, NULL);
  g_assert_false (grabbed);
}

static void
test_screen_ends (Fixture *fixture, gconstpointer data)
{
  connect_guest (fixture, INN_CONSOLE_VNC);
  show_screen (fixture, 200, 120, 0xff0000);
  gtk_widget_grab_focus (GTK_WIDGET (fixture->view));
  close (fixture->guest);
  fixture->guest = -1;
  g_assert_true (widget_driver_wait (is_not_connected, fixture->view));
  g_assert_nonnull (strstr (fixture->signals->str, "connection to the screen has ended"));
  assert_property (fixture, "status", NULL);
  assert_property (fixture, "size-text", NULL);

  /* The last picture stays, grey and darker. */
  {
    guint32 rgb = colour_in_the_middle (fixture);

    g_assert_cmphex (rgb, !=, 0);
    g_assert_cmphex (rgb & 0xff, ==, rgb >> 8 & 0xff);
    g_assert_cmphex (rgb & 0xff, ==, rgb >> 16);
  }
  /* Tab is the window's again. */
  widget_driver_xdotool ("key Tab");
  g_assert_true (gtk_widget_is_ancestor (gtk_window_get_focus (fixture->window), fixture->entry));

  /* A new connection takes over when it has a picture. */
  connect_guest (fixture, INN_CONSOLE_VNC);
  show_screen (fixture, 100, 100, 0x00ff00);
  g_assert_cmphex (colour_in_the_middle (fixture), ==, 0x00ff00);
}

static void
test_no_screen (Fixture *fixture, gconstpointer data)
{
  connect_guest (fixture, INN_CONSOLE_VNC);
  say (fixture, "RFB 003.008\n\1\2", 14); /* password only */
  widget_driver_run_for (100);
  g_assert_nonnull (strstr (fixture->signals->str, "asks for a password"));
  g_assert_null (inn_console_view_get_paintable (fixture->view));
}

static void
test_paused (Fixture *fixture, gconstpointer data)
{
  connect_guest (fixture, INN_CONSOLE_VNC);
  show_screen (fixture, 200, 120, 0x00ff00);
  inn_console_view_set_paused (fixture->view, TRUE);
  g_assert_cmphex (colour_in_the_middle (fixture), !=, 0x00ff00);
  inn_console_view_set_paused (fixture->view, FALSE);
  g_assert_cmphex (colour_in_the_middle (fixture), ==, 0x00ff00);
}

static void
test_disconnect (Fixture *fixture, gconstpointer data)
{
  connect_guest (fixture, INN_CONSOLE_VNC);
  show_screen (fixture, 200, 120, 0x00ff00);
  inn_console_view_disconnect (fixture->view, /* clear= */ FALSE);
  g_assert_nonnull (inn_console_view_get_paintable (fixture->view));
  inn_console_view_disconnect (fixture->view, /* clear= */ TRUE);
  g_assert_null (inn_console_view_get_paintable (fixture->view));
  g_assert_cmphex (colour_in_the_middle (fixture), ==, 0x161618);
  /* Letting go is no event. */
  widget_driver_run_for (50);
  g_assert_cmpstr (fixture->signals->str, ==, "");
}

static void
test_connecting (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnPixelBuffer) at_once = NULL, later = NULL;
  guint n_light = 0, n_light_later = 0;

  inn_console_view_set_connecting (fixture->view);
  at_once = widget_driver_render (GTK_WIDGET (fixture->view));
  widget_driver_run_for (600);
  later = widget_driver_render (GTK_WIDGET (fixture->view));
  for (int y = 0; y < at_once->height; y++)
    for (int x = 0; x < at_once->width; x++)
      {
        n_light += widget_driver_get_pixel (at_once, x, y) != 0x161618 ? 1 : 0;
        n_light_later += widget_driver_get_pixel (later, x, y) != 0x161618 ? 1 : 0;
      }
  g_assert_cmpuint (n_light, ==, 0);
  g_assert_cmpuint (n_light_later, >, 100);
}

static void
test_send_keys (Fixture *fixture, gconstpointer data)
{
  const guint keys[] = { KEY_LEFTALT, KEY_F4, 0 };
  guint8 buffer[4096];
  ssize_t n;

  connect_guest (fixture, INN_CONSOLE_VNC);
  show_screen (fixture, 200, 120, 0);
  widget_driver_run_for (50);
  while (recv (fixture->guest, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
    continue;
  inn_console_view_send_keys (fixture->view, keys);
  n = recv (fixture->guest, buffer, sizeof buffer, MSG_DONTWAIT);
  /* Plain key events with the keysyms Alt_L and F4, in and out. */
  g_assert_cmpmem (buffer, (gsize)n,
                   "\4\1\0\0\0\0\xff\xe9\4\1\0\0\0\0\xff\xc1"
                   "\4\0\0\0\0\0\xff\xc1\4\0\0\0\0\0\xff\xe9",
                   32);
}

static gboolean
shows_login (gpointer user_data)
{
  g_autofree char *text = inn_console_view_get_text (user_data);

  return text != NULL && strstr (text, "login:") != NULL;
}

static void
test_serial (Fixture *fixture, gconstpointer data)
{
  char buffer[64];
  ssize_t n;

  connect_guest (fixture, INN_CONSOLE_SERIAL);
  g_assert_true (is_connected (fixture->view));
  say (fixture, "guest login: ", 13);
  g_assert_true (widget_driver_wait (shows_login, fixture->view));
  g_assert_null (inn_console_view_get_paintable (fixture->view));

  /* Tab completes in the guest, it does not leave the terminal. */
  gtk_widget_grab_focus (GTK_WIDGET (fixture->view));
  assert_property (fixture, "status", "Left Ctrl+Alt releases the keyboard");
  widget_driver_xdotool ("key a");
  widget_driver_xdotool ("key Tab");
  n = recv (fixture->guest, buffer, sizeof buffer, MSG_DONTWAIT);
  g_assert_cmpmem (buffer, (gsize)MAX (n, 0), "a\t", 2);

  widget_driver_xdotool ("key Control_L+Alt_L");
  g_assert_cmpstr (fixture->signals->str, ==, "released\n");
  close (fixture->guest);
  fixture->guest = -1;
  g_assert_true (widget_driver_wait (is_not_connected, fixture->view));
  g_assert_nonnull (strstr (fixture->signals->str, "The serial line has ended"));
  g_assert_true (shows_login (fixture->view));
}

static GtkWidget *
find_child (GtkWidget *widget, GType type)
{
  GtkWidget *found = G_TYPE_CHECK_INSTANCE_TYPE (widget, type) ? widget : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_child (child, type);
  return found;
}

static void
test_accessible (Fixture *fixture, gconstpointer data)
{
  GtkWidget *view = GTK_WIDGET (fixture->view);
  GtkAccessible *screen = GTK_ACCESSIBLE (find_child (view, INN_TYPE_DISPLAY));
  GtkAccessible *serial = GTK_ACCESSIBLE (find_child (view, INN_TYPE_SERIAL_TERMINAL));

  gtk_test_accessible_assert_property (screen, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Screen of Debian 13");
  gtk_test_accessible_assert_property (screen, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "Press left Ctrl and Alt together to leave");
  gtk_test_accessible_assert_property (serial, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Serial console of Debian 13");
}

static void
test_closed_while_open (Fixture *fixture, gconstpointer data)
{
  connect_guest (fixture, INN_CONSOLE_VNC);
  show_screen (fixture, 200, 120, 0);
  gtk_widget_grab_focus (GTK_WIDGET (fixture->view));
  widget_driver_xdotool ("key Control_L+Alt_L");
  inn_console_view_set_connecting (fixture->view);
  /* tear_down() destroys the window with everything in flight. */
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *name;
    void (*function) (Fixture *, gconstpointer);
  } tests[] = {
    { "screen", test_screen },
    { "keyboard-words", test_keyboard_words },
    { "screen-ends", test_screen_ends },
    { "no-screen", test_no_screen },
    { "paused", test_paused },
    { "disconnect", test_disconnect },
    { "connecting", test_connecting },
    { "send-keys", test_send_keys },
    { "serial", test_serial },
    { "accessible", test_accessible },
    { "closed-while-open", test_closed_while_open },
  };

  g_test_init (&argc, &argv, NULL);
  gtk_init ();
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/console-view/", tests[i].name, NULL);

      g_test_add (path, Fixture, NULL, set_up, tests[i].function, tear_down);
    }
  return g_test_run ();
}
