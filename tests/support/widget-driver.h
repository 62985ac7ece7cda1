/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts one widget in a window, sends it real key and button events through the X server, and reads
 * back what it draws. */
#pragma once

#include <gtk/gtk.h>

#include "console/pixel-buffer.h"

G_BEGIN_DECLS

/* Runs the main loop until @condition holds, at most five seconds. FALSE: it never did. */
gboolean widget_driver_wait (gboolean (*condition) (gpointer), gpointer user_data);
void widget_driver_run_for (guint milliseconds);

/* Presents @child in an undecorated window of that size at the top left and waits for it. */
GtkWindow *widget_driver_present (GtkWidget *child, int width, int height);
/* Runs xdotool with the words of @command. The X server has handled it when this returns. */
void widget_driver_xdotool (const char *command);
/* What the widget looks like, in device pixels. */
InnPixelBuffer *widget_driver_render (GtkWidget *widget);
/* 0xRRGGBB. */
guint32 widget_driver_get_pixel (const InnPixelBuffer *pixels, int x, int y);

G_END_DECLS
