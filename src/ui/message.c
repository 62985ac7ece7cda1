/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Message dialogs and toasts.
 */
#include "config.h"

#include "ui/message.h"

#include <glib/gi18n.h>

#define OFFER_SECONDS 10

GtkWindow *
inn_message_get_window (GtkWidget *widget)
{
  GtkRoot *root = gtk_widget_get_root (widget);

  return GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL;
}

void
inn_message_show_error (GtkWidget *widget, const char *heading, const GError *error)
{
  GtkWidget *dialog;

  g_return_if_fail (GTK_IS_WIDGET (widget));
  g_return_if_fail (error != NULL);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  dialog = adw_message_dialog_new (inn_message_get_window (widget), heading, error->message);
  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("Close"));
  gtk_window_present (GTK_WINDOW (dialog));
}

typedef struct
{
  InnMessageConfirmed confirmed;
  GWeakRef user_data;
} Question;

static void
question_free (gpointer data, GClosure *closure)
{
  Question *question = data;

  g_weak_ref_clear (&question->user_data);
  g_free (question);
}

static void
on_response (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  Question *question = data;
  g_autoptr (GObject) user_data = g_weak_ref_get (&question->user_data);

  if (g_str_equal (response, "confirm") && user_data != NULL)
    question->confirmed (user_data);
}

void
inn_message_confirm (GtkWidget *widget,
                     const char *heading,
                     const char *body,
                     const char *verb,
                     InnMessageConfirmed confirmed,
                     GObject *user_data)
{
  GtkWidget *dialog = adw_message_dialog_new (inn_message_get_window (widget), heading, body);
  Question *question = g_new0 (Question, 1);

  question->confirmed = confirmed;
  g_weak_ref_init (&question->user_data, user_data);

  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("Cancel"), "confirm",
                                    verb, NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "confirm",
                                              ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), question, question_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
inn_message_toast (GtkWidget *widget, const char *text)
{
  g_return_if_fail (GTK_IS_WIDGET (widget));

  /* The window owns the overlay; whoever has a note need not know which window it is. */
  gtk_widget_activate_action (widget, "win.toast", "s", text);
}

AdwToast *
inn_message_offer (GtkWidget *widget, const char *text, const char *button)
{
  GtkWidget *overlay;
  g_autofree char *plain = NULL;
  AdwToast *toast;

  g_return_val_if_fail (GTK_IS_WIDGET (widget), NULL);

  overlay = gtk_widget_get_ancestor (widget, ADW_TYPE_TOAST_OVERLAY);
  if (overlay == NULL)
    return NULL;

  /* The title of a toast is markup. */
  plain = g_markup_escape_text (text, -1);
  toast = adw_toast_new (plain);
  adw_toast_set_button_label (toast, button);
  adw_toast_set_timeout (toast, OFFER_SECONDS);
  adw_toast_set_priority (toast, ADW_TOAST_PRIORITY_HIGH);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
  return toast;
}
