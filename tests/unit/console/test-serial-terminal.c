/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A serial terminal whose other end floods, babbles, stops reading and goes away. */
#include "console/serial-terminal.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "widget-driver.h"

typedef struct
{
  GtkWidget *terminal;
  GtkWindow *window;
  int guest;
  char *reason;
} Fixture;

static void
on_ended (Fixture *fixture, const char *reason)
{
  g_assert_null (fixture->reason);
  fixture->reason = g_strdup (reason);
}

static void
connect_guest (Fixture *fixture)
{
  int fds[2];

  if (fixture->guest >= 0)
    close (fixture->guest);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->guest = fds[1];
  inn_serial_terminal_connect (INN_SERIAL_TERMINAL (fixture->terminal), fds[0]);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->guest = -1;
  fixture->terminal = inn_serial_terminal_new ();
  g_signal_connect_swapped (fixture->terminal, "ended", G_CALLBACK (on_ended), fixture);
  connect_guest (fixture);
  fixture->window = widget_driver_present (fixture->terminal, 700, 400);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (fixture->window);
  if (fixture->guest >= 0)
    close (fixture->guest);
  g_free (fixture->reason);
}

static void
say_bytes (Fixture *fixture, const char *text, gsize length)
{
  g_assert_cmpint (send (fixture->guest, text, length, MSG_NOSIGNAL), ==, (gssize)length);
}

static void
say (Fixture *fixture, const char *text)
{
  say_bytes (fixture, text, strlen (text));
}

static char *
get_text (Fixture *fixture)
{
  return inn_serial_terminal_get_text (INN_SERIAL_TERMINAL (fixture->terminal));
}

typedef struct
{
  Fixture *fixture;
  const char *text;
} Search;

static gboolean
shows (gpointer user_data)
{
  Search *search = user_data;
  g_autofree char *text = get_text (search->fixture);

  return strstr (text, search->text) != NULL;
}

static void
assert_shows (Fixture *fixture, const char *text)
{
  Search search = { fixture, text };
  gboolean found;

  found = widget_driver_wait (shows, &search);
  if (!found)
    g_error ("Not shown: “%s”, but: “%s”", text, get_text (fixture));
}

static gboolean
has_ended (gpointer user_data)
{
  return ((Fixture *)user_data)->reason != NULL;
}

/* What the guest has read so far. */
static char *
listen_to_terminal (Fixture *fixture)
{
  char buffer[4096];
  ssize_t n = recv (fixture->guest, buffer, sizeof buffer, MSG_DONTWAIT);

  return g_strndup (buffer, n > 0 ? (gsize)n : 0);
}

static void
test_text (Fixture *fixture, gconstpointer data)
{
  say (fixture, "Debian GNU/Linux\r\nguest login: ");
  assert_shows (fixture, "Debian GNU/Linux\nguest login:");
}

static gboolean
is_described (gpointer user_data)
{
  char *difference
      = gtk_test_accessible_check_property (GTK_ACCESSIBLE (((Fixture *)user_data)->terminal),
                                            GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Welcome\nlogin:");
  gboolean same = difference == NULL;

  g_free (difference);
  return same;
}

/* A screen reader gets the last lines. */
static void
test_description (Fixture *fixture, gconstpointer data)
{
  say (fixture, "Welcome\r\nlogin: ");
  g_assert_true (widget_driver_wait (is_described, fixture));
}

static void
test_typing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *typed = NULL;

  widget_driver_xdotool ("mousemove 100 100");
  gtk_widget_grab_focus (fixture->terminal);
  widget_driver_xdotool ("type hello");
  widget_driver_xdotool ("key Return");
  widget_driver_xdotool ("key ctrl+c");
  typed = listen_to_terminal (fixture);
  g_assert_cmpstr (typed, ==, "hello\r\x03");
}

static void
test_partial_utf8 (Fixture *fixture, gconstpointer data)
{
  say (fixture, "\xe4\xb8");
  widget_driver_run_for (50);
  say (fixture, "\xad\xe6");
  widget_driver_run_for (50);
  say (fixture, "\x96\x87.");
  assert_shows (fixture, "中文.");
}

static void
test_binary (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  char noise[16384];

  for (int i = 0; i < 20; i++)
    {
      for (gsize k = 0; k < sizeof noise; k++)
        noise[k] = (char)g_rand_int_range (random, 0, 256);
      say_bytes (fixture, noise, sizeof noise);
      widget_driver_run_for (20);
    }
  /* Out of any sequence, to a fresh screen: it is still a terminal. */
  say (fixture, "\x18\033c\033[2Jstill here");
  assert_shows (fixture, "still here");
}

/* Sequences by which a guest would reach out of its terminal. */
static void
test_hostile_sequences (Fixture *fixture, gconstpointer data)
{
  VteTerminal *terminal = VTE_TERMINAL (fixture->terminal);
  glong columns = vte_terminal_get_column_count (terminal);

  g_assert_false (vte_terminal_get_allow_hyperlink (terminal));
  gtk_window_set_title (fixture->window, "Innkeeper");
  say (fixture, "\033]0;another title\007"
                "\033[8;10;20t" /* resize the window */
                "\033]8;;file:///etc/passwd\033\\link\033]8;;\033\\"
                "\033]52;c;aGFja2Vk\007" /* set the clipboard */
                "done");
  assert_shows (fixture, "linkdone");
  g_assert_cmpstr (gtk_window_get_title (fixture->window), ==, "Innkeeper");
  g_assert_cmpint (vte_terminal_get_column_count (terminal), ==, columns);
  g_assert_null (gdk_clipboard_get_content (gtk_widget_get_clipboard (fixture->terminal)));
}

static gboolean
on_beat (gpointer user_data)
{
  (*(guint *)user_data)++;
  return G_SOURCE_CONTINUE;
}

/* The window must go on living, and no more be taken in than can be shown. */
static void
test_flood (Fixture *fixture, gconstpointer data)
{
  g_autofree char *block = g_strnfill (65536, 'x');
  gint64 start = g_get_monotonic_time ();
  guint n_beats = 0, beat_id = g_timeout_add (10, on_beat, &n_beats);
  gsize sent = 0;

  for (gsize i = 79; i < 65536; i += 80)
    block[i] = '\n';
  while (g_get_monotonic_time () - start < G_TIME_SPAN_SECOND)
    {
      ssize_t n = send (fixture->guest, block, 65536, MSG_DONTWAIT | MSG_NOSIGNAL);

      sent += n > 0 ? (gsize)n : 0;
      g_main_context_iteration (NULL, FALSE);
    }
  g_source_remove (beat_id);
  g_assert_cmpuint (n_beats, >, 20);
  g_assert_cmpuint (sent, <, 8 * 1024 * 1024);
  /* The last of it is still on its way. */
  widget_driver_run_for (200);
  say (fixture, "\r\nat last");
  assert_shows (fixture, "at last");
}

/* A guest that asks for answers but never reads them. */
static void
test_never_reads (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 200; i++)
    {
      g_autofree char *queries = g_strnfill (4096, '\033');

      for (gsize k = 0; k + 4 <= 4096; k += 4)
        memcpy (queries + k, "\033[6n", 4);
      (void)!send (fixture->guest, queries, 4096, MSG_DONTWAIT | MSG_NOSIGNAL);
      widget_driver_run_for (5);
    }
  g_assert_null (fixture->reason);
}

static void
test_guest_gone (Fixture *fixture, gconstpointer data)
{
  say (fixture, "reboot: Power down\r\n");
  close (fixture->guest);
  fixture->guest = -1;
  g_assert_true (widget_driver_wait (has_ended, fixture));
  assert_shows (fixture, "reboot: Power down");

  /* Typing into the void is no error, and another guest continues the text. */
  vte_terminal_feed_child (VTE_TERMINAL (fixture->terminal), "x", 1);
  connect_guest (fixture);
  say (fixture, "Linux version\r\n");
  assert_shows (fixture, "Linux version");
  inn_serial_terminal_clear (INN_SERIAL_TERMINAL (fixture->terminal));
  {
    g_autofree char *text = get_text (fixture);

    g_assert_null (strstr (text, "Linux"));
    g_assert_null (strstr (text, "reboot"));
  }
}

static void
test_copy_and_paste (Fixture *fixture, gconstpointer data)
{
  g_autofree char *typed = NULL;

  widget_driver_xdotool ("mousemove 100 100");
  gtk_widget_grab_focus (fixture->terminal);
  say (fixture, "copy me");
  assert_shows (fixture, "copy me");
  vte_terminal_select_all (VTE_TERMINAL (fixture->terminal));
  widget_driver_xdotool ("key ctrl+shift+c");
  vte_terminal_unselect_all (VTE_TERMINAL (fixture->terminal));
  widget_driver_xdotool ("key ctrl+shift+v");
  widget_driver_run_for (200);
  typed = listen_to_terminal (fixture);
  g_assert_true (g_str_has_prefix (typed, "copy me"));
}

static void
test_history_in_text (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 200; i++)
    {
      g_autofree char *line = g_strdup_printf ("line %d.\r\n", i);

      say (fixture, line);
    }
  assert_shows (fixture, "line 199.");
  assert_shows (fixture, "line 0.");
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *name;
    void (*function) (Fixture *, gconstpointer);
  } tests[] = {
    { "text", test_text },
    { "description", test_description },
    { "typing", test_typing },
    { "partial-utf8", test_partial_utf8 },
    { "binary", test_binary },
    { "hostile-sequences", test_hostile_sequences },
    { "flood", test_flood },
    { "never-reads", test_never_reads },
    { "guest-gone", test_guest_gone },
    { "copy-and-paste", test_copy_and_paste },
    { "history-in-text", test_history_in_text },
  };

  g_test_init (&argc, &argv, NULL);
  gtk_init ();
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/serial-terminal/", tests[i].name, NULL);

      g_test_add (path, Fixture, NULL, set_up, tests[i].function, tear_down);
    }
  return g_test_run ();
}
