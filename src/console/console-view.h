/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnConsoleView: shows one console of a guest and sends it input: its screen or its serial line,
 * with pages for "connecting" and "disconnected".
 *
 * Properties, all readable and notifying: "status" (translated text for the strip, e.g. how to
 * release the keyboard; NULL while not connected), "size-text" ("1280 × 800" or NULL), "connected",
 * "grabbed" (all keys go to the guest). Signals:
 *  "disconnected" (const char *reason): the stream ended by itself, the reason is a sentence; the
 *                 last picture stays, greyed
 *  "released" ():  left Ctrl+Alt took the keyboard from the guest; no widget of the window has the
 *                 focus now, give it to one that is useful
 * gtk_widget_grab_focus() gives the keyboard to the guest.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/console-endpoint.h"

G_BEGIN_DECLS

#define INN_TYPE_CONSOLE_VIEW (inn_console_view_get_type ())
G_DECLARE_FINAL_TYPE (InnConsoleView, inn_console_view, INN, CONSOLE_VIEW, GtkWidget)

GtkWidget *inn_console_view_new (void);

/* Starts showing a console. Takes over @endpoint. */
void inn_console_view_connect (InnConsoleView *self, InnConsoleEndpoint *endpoint);
/* Shows "connecting", with a spinner after 300 ms. */
void inn_console_view_set_connecting (InnConsoleView *self);
/* Lets go of the console. The last picture stays, greyed, unless @clear. */
void inn_console_view_disconnect (InnConsoleView *self, gboolean clear);

/* The name of the machine, for accessible names. */
void inn_console_view_set_machine_name (InnConsoleView *self, const char *name);
/* Dims the picture and shows the pill "Paused". */
void inn_console_view_set_paused (InnConsoleView *self, gboolean paused);

/* Presses the keys (evdev codes, zero-terminated) in order, then releases them in reverse. A serial
 * line has no keys: nothing happens. */
void inn_console_view_send_keys (InnConsoleView *self, const guint *evdev_codes);
/* A picture of the guest's screen for thumbnails, or NULL. It changes as the guest draws. */
GdkPaintable *inn_console_view_get_paintable (InnConsoleView *self);
/* A full-size picture of the guest's screen as it is now, also while it is paused. */
void inn_console_view_take_picture_async (InnConsoleView *self,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
/* Transfer full; NULL where there is no screen to be seen. */
GdkTexture *
inn_console_view_take_picture_finish (InnConsoleView *self, GAsyncResult *result, GError **error);
/* The text of the serial terminal, or NULL for a screen (transfer full). For tests and copying. */
char *inn_console_view_get_text (InnConsoleView *self);

G_END_DECLS
