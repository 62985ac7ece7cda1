/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making a disk larger.
 */
#include "config.h"

#include "ui/disk-growth.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/message.h"
#include "ui/size-entry.h"

#define MOST_DISK ((guint64)64 << 40)

typedef struct
{
  InnHardware *hardware;
  InnDevice *device;
  GWeakRef widget;
  InnHardwareEditDone done;
  AdwMessageDialog *dialog;
  InnSizeEntry *entry;
  GtkLabel *problem;
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

  if (g_str_equal (response, "grow") && widget != NULL)
    inn_hardware_edit_run (question->hardware,
                           inn_hardware_change_new_grow (inn_device_get_id (question->device),
                                                         inn_size_entry_get_value (
                                                             question->entry)),
                           widget, question->done);
}

static void
update (Question *question)
{
  const char *problem = inn_size_entry_get_problem (question->entry);
  const gboolean larger
      = inn_size_entry_get_value (question->entry) > inn_device_get_size (question->device);

  gtk_label_set_label (question->problem, problem != NULL ? problem : "");
  gtk_widget_set_visible (GTK_WIDGET (question->problem), problem != NULL);
  adw_message_dialog_set_response_enabled (question->dialog, "grow", problem == NULL && larger);
}

static char *
make_body (InnHardware *hardware, InnDevice *device)
{
  const gboolean waits = inn_hardware_is_running (hardware)
                         && inn_device_get_growth (device) == INN_TIMING_NEXT_START;
  g_autofree char *size = inn_format_memory (inn_device_get_size (device));

  return g_strdup_printf (
      waits ? _ ("It has %s now and cannot become smaller again. The guest finds the new room at "
                 "its next start; its partitions are grown in there.")
            : _ ("It has %s now and cannot become smaller again. Partitions are grown in the "
                 "guest."),
      size);
}

static GtkWidget *
make_entry (Question *question)
{
  const guint64 size = inn_device_get_size (question->device);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  question->entry = INN_SIZE_ENTRY (inn_size_entry_new ());
  question->problem = GTK_LABEL (gtk_label_new (NULL));
  inn_size_entry_set_title (question->entry, _ ("New Size"));
  inn_size_entry_set_bounds (question->entry, size, MAX (size, MOST_DISK),
                             _ ("A disk cannot become smaller."),
                             _ ("A disk cannot be larger than 64 TiB."), NULL);
  inn_size_entry_set_value (question->entry, size);
  gtk_widget_set_halign (GTK_WIDGET (question->entry), GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (GTK_WIDGET (question->problem), "error");
  gtk_label_set_wrap (question->problem, TRUE);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (question->entry));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (question->problem));
  return box;
}

void
inn_disk_growth_ask (InnHardware *hardware,
                     InnDevice *device,
                     GtkWidget *widget,
                     InnHardwareEditDone done)
{
  g_autofree char *heading
      = g_strdup_printf (_ ("Make “%s” Larger"), inn_device_get_title (device));
  g_autofree char *body = make_body (hardware, device);
  GtkWidget *dialog = adw_message_dialog_new (inn_message_get_window (widget), heading, body);
  Question *question = g_new0 (Question, 1);

  question->hardware = g_object_ref (hardware);
  question->device = g_object_ref (device);
  question->done = done;
  question->dialog = ADW_MESSAGE_DIALOG (dialog);
  g_weak_ref_init (&question->widget, widget);
  adw_message_dialog_set_extra_child (question->dialog, make_entry (question));
  adw_message_dialog_add_responses (question->dialog, "cancel", _ ("Cancel"), "grow",
                                    _ ("Make Larger"), NULL);
  adw_message_dialog_set_response_appearance (question->dialog, "grow", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (question->dialog, "grow");
  adw_message_dialog_set_close_response (question->dialog, "cancel");
  g_signal_connect_swapped (question->entry, "notify::value", G_CALLBACK (update), question);
  g_signal_connect_swapped (question->entry, "notify::valid", G_CALLBACK (update), question);
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), question, question_free, 0);
  update (question);
  gtk_window_present (GTK_WINDOW (dialog));
}
