/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * console-demo: shows one console by hand, for looking and measuring.
 *   console-demo --vnc PATH | --serial PATH | --pattern WxH [--memory] [--frames N] | --nothing
 * --vnc and --serial take Unix sockets. --pattern shows a test pattern in the bare display widget
 * with an 80 × 80 box that moves in each frame; after N frames it prints the CPU time per frame.
 * With --memory the same picture comes out of shared memory.
 */
#include <sys/resource.h>

#include <gio/gunixsocketaddress.h>
#include <gtk/gtk.h>
#include <unistd.h>

#include "console/console-view.h"
#include "console/display.h"
#include "console/shared-memory-source.h"
#include "fake-screen.h"
#include "fake-source.h"

#define BOX 80

typedef struct
{
  FakeSource *source; /* one of the two */
  FakeScreen *screen;
  int width;
  int height;
  int frames;
  int frame;
  double start; /* CPU seconds */
} Animation;

static double
cpu_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
draw_box (Animation *animation, int x, int y)
{
  if (animation->source != NULL)
    {
      fake_source_fill (animation->source, x, y, BOX, BOX, 0x3584e4);
      return;
    }

  fake_screen_fill (animation->screen, (guint)x, (guint)y, BOX, BOX, 0x3584e4);
  fake_screen_tell (animation->screen);
}

static gboolean
on_frame (gpointer user_data)
{
  Animation *animation = user_data;
  int x = animation->frame * 7 % (animation->width - BOX);
  int y = animation->frame * 5 % (animation->height - BOX);

  if (animation->frame == 30)
    animation->start = cpu_seconds (); /* the window is up and drawn */
  draw_box (animation, x, y);
  animation->frame++;
  if (animation->frames == 0 || animation->frame < animation->frames + 30)
    return G_SOURCE_CONTINUE;

  g_print ("%.3f ms of CPU per frame\n",
           (cpu_seconds () - animation->start) * 1000 / animation->frames);
  exit (0);
}

static int
connect_to (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_DEFAULT, &error);

  if (socket == NULL || !g_socket_connect (socket, address, NULL, &error))
    g_error ("%s: %s", path, error->message);
  return dup (g_socket_get_fd (socket));
}

static InnConsoleSource *
create_memory_source (Animation *animation)
{
  const guint width = (guint)animation->width, height = (guint)animation->height;

  animation->screen = fake_screen_new ((gsize)width * height * 4);
  fake_screen_set_size (animation->screen, width, height);
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      fake_screen_fill (animation->screen, x, y, 1, 1, fake_source_pattern ((int)x, (int)y));
  return inn_shared_memory_source_new (INN_SHARED_SCREEN (animation->screen));
}

static InnConsoleSource *
create_source (Animation *animation)
{
  animation->source = fake_source_new ();
  fake_source_set_size (animation->source, animation->width, animation->height);
  return INN_CONSOLE_SOURCE (animation->source);
}

static GtkWidget *
create_pattern (const char *size, gboolean memory, int frames)
{
  GtkWidget *display = inn_display_new ();
  Animation *animation = g_new0 (Animation, 1);

  animation->frames = frames;
  if (sscanf (size, "%dx%d", &animation->width, &animation->height) != 2)
    g_error ("%s: not a size", size);
  inn_display_set_source (INN_DISPLAY (display),
                          memory ? create_memory_source (animation) : create_source (animation));
  g_timeout_add (16, on_frame, animation);
  return display;
}

int
main (int argc, char **argv)
{
  g_autofree char *vnc = NULL, *serial = NULL, *pattern = NULL, *geometry = NULL;
  gboolean memory = FALSE, connecting = FALSE, paused = FALSE;
  int frames = 0, width = 800, height = 600;
  const GOptionEntry entries[] = {
    { "vnc", 0, 0, G_OPTION_ARG_FILENAME, &vnc, "Socket of a VNC server", "PATH" },
    { "serial", 0, 0, G_OPTION_ARG_FILENAME, &serial, "Socket of a serial line", "PATH" },
    { "pattern", 0, 0, G_OPTION_ARG_STRING, &pattern, "A test pattern", "WxH" },
    { "memory", 0, 0, G_OPTION_ARG_NONE, &memory, "Out of shared memory", NULL },
    { "frames", 0, 0, G_OPTION_ARG_INT, &frames, "Measure so many frames, then end", "N" },
    { "connecting", 0, 0, G_OPTION_ARG_NONE, &connecting, "A console still to come", NULL },
    { "paused", 0, 0, G_OPTION_ARG_NONE, &paused, "As a paused guest", NULL },
    { "size", 0, 0, G_OPTION_ARG_STRING, &geometry, "Size of the window", "WxH" },
    { NULL },
  };
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  GtkWidget *window, *view;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    g_error ("%s", error->message);
  if (geometry != NULL)
    sscanf (geometry, "%dx%d", &width, &height);

  gtk_init ();
  window = gtk_window_new ();
  gtk_window_set_default_size (GTK_WINDOW (window), width, height);
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  view = pattern != NULL ? create_pattern (pattern, memory, frames) : inn_console_view_new ();
  gtk_window_set_child (GTK_WINDOW (window), view);
  if (vnc != NULL)
    inn_console_view_connect (INN_CONSOLE_VIEW (view),
                              inn_console_endpoint_new_stream (INN_CONSOLE_VNC, connect_to (vnc)));
  if (serial != NULL)
    inn_console_view_connect (INN_CONSOLE_VIEW (view),
                              inn_console_endpoint_new_stream (INN_CONSOLE_SERIAL,
                                                               connect_to (serial)));
  if (connecting)
    inn_console_view_set_connecting (INN_CONSOLE_VIEW (view));
  if (paused)
    inn_console_view_set_paused (INN_CONSOLE_VIEW (view), TRUE);
  gtk_window_present (GTK_WINDOW (window));
  while (gtk_window_get_child (GTK_WINDOW (window)) != NULL)
    g_main_context_iteration (NULL, TRUE);
  return 0;
}
