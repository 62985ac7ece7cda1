/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Removing a device.
 */
#include "config.h"

#include "ui/device-removal.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "ui/message.h"

typedef struct
{
  InnHardware *hardware;
  InnDevice *device;
  GWeakRef widget;
  InnHardwareEditDone done;
  GtkCheckButton *delete_check; /* NULL: there is no file to ask about */
} Question;

static void
question_free (gpointer data, GClosure *closure)
{
  Question *question = data;

  g_object_unref (question->hardware);
  g_object_unref (question->device);
  g_weak_ref_clear (&question->widget);
  g_free (question);
}

static void
on_response (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (GtkWidget) widget = g_weak_ref_get (&question->widget);
  const gboolean delete_file
      = question->delete_check != NULL && gtk_check_button_get_active (question->delete_check);

  if (g_str_equal (response, "remove") && widget != NULL)
    inn_hardware_edit_run (question->hardware,
                           inn_hardware_change_new_remove (inn_device_get_id (question->device),
                                                           delete_file),
                           widget, question->done);
}

/* While a guest uses the file it cannot be deleted. */
static gboolean
can_delete_file (InnHardware *hardware, InnDevice *device)
{
  return inn_device_is_made (device)
         && (!inn_hardware_is_running (hardware) || inn_device_is_added (device));
}

static const char *
get_body (InnHardware *hardware, InnDevice *device)
{
  const gboolean running = inn_hardware_is_running (hardware) && !inn_device_is_added (device);

  if (inn_device_get_kind (device) != INN_DEVICE_DISK)
    return running ? _ ("The guest keeps it until the next start.")
                   : _ ("It can be added again at any time.");

  return running ? _ ("The guest keeps it until the next start. Its file stays.")
                 : _ ("Its file stays, unless you say otherwise.");
}

void
inn_device_removal_ask (InnHardware *hardware,
                        InnDevice *device,
                        GtkWidget *widget,
                        InnHardwareEditDone done)
{
  g_autofree char *heading = g_strdup_printf (_ ("Remove “%s”?"), inn_device_get_title (device));
  GtkWidget *dialog = adw_message_dialog_new (inn_message_get_window (widget), heading,
                                              get_body (hardware, device));
  Question *question = g_new0 (Question, 1);

  question->hardware = g_object_ref (hardware);
  question->device = g_object_ref (device);
  question->done = done;
  g_weak_ref_init (&question->widget, widget);
  if (can_delete_file (hardware, device))
    {
      GtkWidget *check = gtk_check_button_new_with_label (_ ("Delete its file for good"));

      question->delete_check = GTK_CHECK_BUTTON (check);
      adw_message_dialog_set_extra_child (ADW_MESSAGE_DIALOG (dialog), check);
    }
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("Cancel"), "remove",
                                    _ ("Remove"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "remove",
                                              ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), question, question_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}
