/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window, xdotool, and a renderer. */
#include "widget-driver.h"

#define TIMEOUT_MS 5000

static gboolean
on_timeout (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
widget_driver_wait (gboolean (*condition) (gpointer), gpointer user_data)
{
  gboolean expired = FALSE;
  guint timeout_id = g_timeout_add (TIMEOUT_MS, on_timeout, &expired);
  gboolean holds;

  while (!(holds = condition (user_data)) && !expired)
    g_main_context_iteration (NULL, TRUE);
  if (!expired)
    g_source_remove (timeout_id);
  return holds;
}

void
widget_driver_run_for (guint milliseconds)
{
  gboolean expired = FALSE;

  g_timeout_add (milliseconds, on_timeout, &expired);
  while (!expired)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
is_placed (gpointer user_data)
{
  return gtk_widget_get_mapped (user_data) && gtk_widget_get_width (user_data) > 0;
}

GtkWindow *
widget_driver_present (GtkWidget *child, int width, int height)
{
  GtkWindow *window = GTK_WINDOW (gtk_window_new ());

  gtk_window_set_decorated (window, FALSE);
  gtk_window_set_default_size (window, width, height);
  gtk_window_set_child (window, child);
  gtk_window_present (window);
  g_assert_true (widget_driver_wait (is_placed, child));
  widget_driver_run_for (50); /* the X server shows it and gives it the focus */
  return window;
}

static void
on_exited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_wait_check_finish (G_SUBPROCESS (source), result, &error);
  g_assert_no_error (error);
  *(gboolean *)user_data = TRUE;
}

static gboolean
is_true (gpointer user_data)
{
  return *(gboolean *)user_data;
}

void
widget_driver_xdotool (const char *command)
{
  g_autofree char *line = g_strconcat ("xdotool ", command, NULL);
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process
      = g_subprocess_newv ((const char *const *)words, G_SUBPROCESS_FLAGS_NONE, &error);
  gboolean exited = FALSE;

  g_assert_no_error (error);
  g_subprocess_wait_async (process, NULL, on_exited, &exited);
  g_assert_true (widget_driver_wait (is_true, &exited));
  gdk_display_sync (gdk_display_get_default ());
  widget_driver_run_for (50);
}

InnPixelBuffer *
widget_driver_render (GtkWidget *widget)
{
  g_autoptr (GdkPaintable) paintable = NULL;
  int scale = gtk_widget_get_scale_factor (widget);
  int width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  GskRenderer *renderer = gtk_native_get_renderer (gtk_widget_get_native (widget));
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  InnPixelBuffer *pixels = inn_pixel_buffer_new (width * scale, height * scale);

  widget_driver_run_for (150); /* the paintable is the last frame: let there be a new one */
  paintable = gtk_widget_paintable_new (widget);
  gtk_snapshot_scale (snapshot, (float)scale, (float)scale);
  gdk_paintable_snapshot (paintable, snapshot, width, height);
  node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL)
    return pixels; /* draws nothing: black */

  texture = gsk_renderer_render_texture (renderer, node,
                                         &GRAPHENE_RECT_INIT (0, 0, (float)(width * scale),
                                                              (float)(height * scale)));
  gdk_texture_download (texture, pixels->data, pixels->stride);
  return pixels;
}

guint32
widget_driver_get_pixel (const InnPixelBuffer *pixels, int x, int y)
{
  const guint8 *pixel = pixels->data + (gsize)y * pixels->stride + (gsize)x * 4;

  return (guint32)pixel[2] << 16 | (guint32)pixel[1] << 8 | pixel[0];
}
