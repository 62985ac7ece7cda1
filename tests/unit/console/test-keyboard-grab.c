/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gets a key: in a window full of accelerators and mnemonics, on a real X server. */
#include "console/keyboard-grab.h"

#include "console/display.h"
#include "fake-source.h"
#include "widget-driver.h"

typedef struct
{
  GtkApplication *application; /* borrowed: a process has one */
  FakeSource *source;
  GtkWidget *box;
  GtkWidget *entry;
  GtkWidget *display;
  GtkWindow *window;
  InnKeyboardGrab *grab;
  GString *fired; /* what the application did */
} Fixture;

static void
on_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_string_append_printf (user_data, "%s ", g_action_get_name (G_ACTION (action)));
}

static void
on_clicked (GtkButton *button, gpointer user_data)
{
  g_string_append (user_data, "button ");
}

static void
on_released (gpointer user_data)
{
  g_string_append (user_data, "released ");
}

static void
add_action (Fixture *fixture, const char *name, const char *accelerator)
{
  g_autoptr (GSimpleAction) action = g_simple_action_new (name, NULL);
  g_autofree char *detailed = g_strconcat ("app.", name, NULL);

  g_signal_connect (action, "activate", G_CALLBACK (on_action), fixture->fired);
  g_action_map_add_action (G_ACTION_MAP (fixture->application), G_ACTION (action));
  gtk_application_set_accels_for_action (fixture->application, detailed,
                                         (const char *[]){ accelerator, NULL });
}

static void
set_up (Fixture *fixture, gconstpointer application)
{
  GtkWidget *button = gtk_button_new_with_mnemonic ("_File");

  fixture->fired = g_string_new (NULL);
  fixture->application = (gpointer)application;
  add_action (fixture, "quit", "<Ctrl>q");
  add_action (fixture, "snapshot", "<Ctrl><Shift>s");
  add_action (fixture, "fullscreen", "F11");
  g_signal_connect (button, "clicked", G_CALLBACK (on_clicked), fixture->fired);

  fixture->source = fake_source_new ();
  fixture->display = inn_display_new ();
  inn_display_set_source (INN_DISPLAY (fixture->display), INN_CONSOLE_SOURCE (fixture->source));
  gtk_widget_set_vexpand (fixture->display, TRUE);
  fixture->entry = gtk_entry_new ();
  fixture->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append (GTK_BOX (fixture->box), button);
  gtk_box_append (GTK_BOX (fixture->box), fixture->display);
  gtk_box_append (GTK_BOX (fixture->box), fixture->entry);

  fixture->grab = inn_keyboard_grab_new (fixture->box);
  inn_keyboard_grab_set_target (fixture->grab, fixture->display);
  g_signal_connect_swapped (fixture->grab, "released", G_CALLBACK (on_released), fixture->fired);
  fixture->window = widget_driver_present (fixture->box, 300, 200);
  gtk_window_set_application (fixture->window, fixture->application);
  widget_driver_xdotool ("mousemove 100 100");
  g_free (fake_source_take_log (fixture->source));
}

static void
tear_down (Fixture *fixture, gconstpointer application)
{
  g_clear_object (&fixture->grab);
  gtk_window_destroy (fixture->window);
  g_clear_object (&fixture->source);
  g_string_free (fixture->fired, TRUE);
}

/* Presses a key combination; checks what the guest noted and what the application did. */
static void
assert_key (Fixture *fixture, const char *key, const char *guest, const char *fired)
{
  g_autofree char *command = g_strconcat ("key ", key, NULL);
  g_autofree char *log = NULL;

  widget_driver_xdotool (command);
  if (g_str_has_prefix (key, "alt"))
    widget_driver_run_for (300); /* a button shows that it is pressed before it acts */
  log = fake_source_take_log (fixture->source);
  g_assert_cmpstr (log, ==, guest);
  g_assert_cmpstr (fixture->fired->str, ==, fired);
  g_string_truncate (fixture->fired, 0);
}

static void
assert_state (Fixture *fixture, InnKeyboardState state)
{
  g_assert_cmpint (inn_keyboard_grab_get_state (fixture->grab), ==, state);
}

static void
focus_console (Fixture *fixture)
{
  gtk_widget_grab_focus (fixture->display);
  assert_state (fixture, INN_KEYBOARD_FOCUSED);
}

#define CHORD "key 29 down\nkey 56 down\n"

static void
test_released (Fixture *fixture, gconstpointer application)
{
  gtk_widget_grab_focus (fixture->entry);
  assert_state (fixture, INN_KEYBOARD_RELEASED);
  assert_key (fixture, "ctrl+q", "", "quit ");
  assert_key (fixture, "alt+f", "", "button ");
  assert_key (fixture, "F11", "", "fullscreen ");
}

static void
test_focused (Fixture *fixture, gconstpointer application)
{
  focus_console (fixture);
  assert_key (fixture, "ctrl+q", "key 29 down\nkey 16 down\nkey 29 up\nkey 16 up", "");
  assert_key (fixture, "alt+f", "key 56 down\nkey 33 down\nkey 56 up\nkey 33 up", "");
  assert_key (fixture, "Tab", "key 15 down\nkey 15 up", "");
  assert_key (fixture, "shift+Tab", "key 42 down\nkey 15 down\nkey 42 up\nkey 15 up", "");
  assert_key (fixture, "F10", "key 68 down\nkey 68 up", "");
  assert_key (fixture, "Escape", "key 1 down\nkey 1 up", "");
  assert_key (fixture, "ctrl+shift+Delete",
              "key 29 down\nkey 42 down\nkey 111 down\nkey 42 up\nkey 29 up\nkey 111 up", "");
  g_assert_true (gtk_widget_has_focus (fixture->display));
}

static void
test_stays_here (Fixture *fixture, gconstpointer application)
{
  focus_console (fixture);
  assert_key (fixture, "F11", "", "fullscreen ");
  assert_key (fixture, "shift+F11", "key 42 down\nkey 87 down\nkey 42 up\nkey 87 up", "");
  assert_key (fixture, "ctrl+shift+s", "key 29 down\nkey 42 down\nkey 42 up\nkey 29 up",
              "snapshot ");
  /* Nobody wants this one, yet it is not the guest's. */
  assert_key (fixture, "ctrl+shift+x", "key 29 down\nkey 42 down\nkey 42 up\nkey 29 up", "");
}

static void
test_grabbed (Fixture *fixture, gconstpointer application)
{
  gtk_widget_grab_focus (fixture->entry);
  assert_key (fixture, "Control_L+Alt_L", "", "");
  assert_state (fixture, INN_KEYBOARD_GRABBED);
  inn_display_set_grabbed (INN_DISPLAY (fixture->display), TRUE);
  g_assert_true (gtk_widget_has_focus (fixture->display));

  assert_key (fixture, "F11", "key 87 down\nkey 87 up", "");
  assert_key (fixture, "ctrl+shift+s",
              "key 29 down\nkey 42 down\nkey 31 down\nkey 42 up\nkey 29 up\nkey 31 up", "");
}

static void
test_chord_releases (Fixture *fixture, gconstpointer application)
{
  focus_console (fixture);
  assert_key (fixture, "Control_L+Alt_L+Delete",
              CHORD "key 111 down\nkey 29 up\nkey 56 up\nkey 111 up", "");
  assert_state (fixture, INN_KEYBOARD_FOCUSED);

  /* Everything the guest saw go down goes up. */
  widget_driver_xdotool ("key Control_L+Alt_L");
  assert_state (fixture, INN_KEYBOARD_RELEASED);
  g_assert_null (gtk_window_get_focus (fixture->window));
  g_assert_cmpstr (fixture->fired->str, ==, "released ");
  g_string_truncate (fixture->fired, 0);
  {
    g_autofree char *log = fake_source_take_log (fixture->source);

    g_assert_true (g_str_has_prefix (log, CHORD));
    g_assert_nonnull (strstr (log, "key 29 up"));
    g_assert_nonnull (strstr (log, "key 56 up"));
  }
  assert_key (fixture, "ctrl+q", "", "quit ");
}

static void
test_no_target (Fixture *fixture, gconstpointer application)
{
  focus_console (fixture);
  inn_keyboard_grab_set_target (fixture->grab, NULL);
  inn_display_set_source (INN_DISPLAY (fixture->display), NULL);
  assert_state (fixture, INN_KEYBOARD_RELEASED);
  widget_driver_xdotool ("key Tab");
  g_assert_false (gtk_widget_has_focus (fixture->display));
}

static void
test_other_window (Fixture *fixture, gconstpointer application)
{
  g_object_ref (fixture->box);
  focus_console (fixture);
  gtk_window_set_child (fixture->window, NULL);
  assert_state (fixture, INN_KEYBOARD_RELEASED);
  gtk_window_destroy (fixture->window);

  fixture->window = widget_driver_present (fixture->box, 300, 200);
  gtk_window_set_application (fixture->window, fixture->application);
  g_object_unref (fixture->box);
  focus_console (fixture);
  g_free (fake_source_take_log (fixture->source));
  assert_key (fixture, "Tab", "key 15 down\nkey 15 up", "");
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *name;
    void (*function) (Fixture *, gconstpointer);
  } tests[] = {
    { "released", test_released },
    { "focused", test_focused },
    { "stays-here", test_stays_here },
    { "grabbed", test_grabbed },
    { "chord-releases", test_chord_releases },
    { "no-target", test_no_target },
    { "other-window", test_other_window },
  };

  g_autoptr (GtkApplication) application = NULL;

  g_test_init (&argc, &argv, NULL);
  application = gtk_application_new ("org.innkeeper.Test", G_APPLICATION_NON_UNIQUE);
  g_application_register (G_APPLICATION (application), NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/keyboard-grab/", tests[i].name, NULL);

      g_test_add (path, Fixture, application, set_up, tests[i].function, tear_down);
    }
  return g_test_run ();
}
