/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages that need an answer, or at least to be read.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Says what did not happen (@heading) and what @error says about it. @widget: where it was asked
 * for. A cancelled operation is not worth a message. */
void inn_message_show_error (GtkWidget *widget, const char *heading, const GError *error);

/* Asks before something that cannot be undone. When the answer is yes, @confirmed is called with
 * @user_data, unless that has been disposed of by then. @verb: the label of the button. */
typedef void (*InnMessageConfirmed) (gpointer user_data);
void inn_message_confirm (GtkWidget *widget,
                          const char *heading,
                          const char *body,
                          const char *verb,
                          InnMessageConfirmed confirmed,
                          GObject *user_data);

/* The window @widget is in, or NULL. */
GtkWindow *inn_message_get_window (GtkWidget *widget);

/* A passing note at the foot of the window that @widget is in. */
void inn_message_toast (GtkWidget *widget, const char *text);
/* The same with a button, before any other note: connect to its signals "button-clicked" and
 * "dismissed", of which the latter comes in any case. Borrowed; NULL: the window is gone. */
AdwToast *inn_message_offer (GtkWidget *widget, const char *text, const char *button);

G_END_DECLS
