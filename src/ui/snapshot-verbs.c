/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done with snapshots.
 */
#include "config.h"

#include "ui/snapshot-verbs.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "ui/message.h"
#include "ui/snapshot-text.h"

/* Where it was asked for, and about what. */
typedef struct
{
  GWeakRef widget;
  InnSnapshot *snapshot; /* NULL while it is being taken */
} Request;

static Request *
request_new (GtkWidget *widget, InnSnapshot *snapshot)
{
  Request *request = g_new0 (Request, 1);

  g_weak_ref_init (&request->widget, widget);
  g_set_object (&request->snapshot, snapshot);
  return request;
}

/* Returns the widget, transfer full; NULL: it is gone. */
static GtkWidget *
request_end (Request *request)
{
  GtkWidget *widget = g_weak_ref_get (&request->widget);

  g_weak_ref_clear (&request->widget);
  g_clear_object (&request->snapshot);
  g_free (request);
  return widget;
}

static void
tell_trouble (GtkWidget *widget,
              InnSnapshotOperation operation,
              InnSnapshot *snapshot,
              const GError *error)
{
  g_autofree char *heading
      = inn_snapshot_text_get_trouble (operation,
                                       snapshot != NULL ? inn_snapshot_get_name (snapshot) : NULL);

  inn_message_show_error (widget, heading, error);
}

/* ---- take ---- */

/* The snapshot that a note is about; it knows where it belongs. */
typedef struct
{
  InnSnapshots *snapshots;
  InnSnapshot *snapshot;
  GWeakRef widget;
} Taken;

static void
taken_free (gpointer data, GClosure *closure)
{
  Taken *taken = data;

  g_object_unref (taken->snapshots);
  g_object_unref (taken->snapshot);
  g_weak_ref_clear (&taken->widget);
  g_free (taken);
}

static void
on_rename_clicked (AdwToast *toast, gpointer user_data)
{
  Taken *taken = user_data;
  g_autoptr (GtkWidget) widget = g_weak_ref_get (&taken->widget);

  if (widget != NULL)
    inn_snapshot_verbs_rename (taken->snapshots, taken->snapshot, widget);
}

static void
tell_taken (InnSnapshots *snapshots, InnSnapshot *snapshot, guint64 pause_us, GtkWidget *widget)
{
  g_autofree char *text = inn_snapshot_text_get_taken (pause_us);
  AdwToast *toast = inn_message_offer (widget, text, _ ("Rename"));
  Taken *taken;

  if (toast == NULL)
    return;

  taken = g_new0 (Taken, 1);
  taken->snapshots = g_object_ref (snapshots);
  taken->snapshot = g_object_ref (snapshot);
  g_weak_ref_init (&taken->widget, widget);
  g_signal_connect_data (toast, "button-clicked", G_CALLBACK (on_rename_clicked), taken, taken_free,
                         0);
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnSnapshots *snapshots = INN_SNAPSHOTS (source);
  g_autoptr (GtkWidget) widget = request_end (user_data);
  g_autoptr (GError) error = NULL;
  guint64 pause_us = 0;
  g_autoptr (InnSnapshot) snapshot
      = inn_snapshots_take_finish (snapshots, result, &pause_us, &error);

  if (widget == NULL)
    return;
  if (snapshot != NULL)
    tell_taken (snapshots, snapshot, pause_us, widget);
  else
    tell_trouble (widget, INN_SNAPSHOT_TAKE, NULL, error);
}

void
inn_snapshot_verbs_take (InnSnapshots *snapshots, GtkWidget *widget)
{
  const char *refusal;

  g_return_if_fail (INN_IS_SNAPSHOTS (snapshots));
  g_return_if_fail (GTK_IS_WIDGET (widget));

  refusal = inn_snapshots_get_refusal (snapshots, INN_SNAPSHOT_TAKE, NULL);
  if (refusal != NULL)
    inn_message_toast (widget, refusal);
  else
    inn_snapshots_take_async (snapshots, NULL, NULL, NULL, on_taken, request_new (widget, NULL));
}

/* ---- restore ---- */

static void
on_restored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (InnSnapshot) snapshot = g_object_ref (request->snapshot);
  g_autoptr (GtkWidget) widget = request_end (request);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  const gboolean done = inn_snapshots_restore_finish (INN_SNAPSHOTS (source), result, &error);

  if (widget == NULL)
    return;
  if (!done)
    {
      tell_trouble (widget, INN_SNAPSHOT_RESTORE, snapshot, error);
      return;
    }

  text = g_strdup_printf (_ ("“%s” restored"), inn_snapshot_get_name (snapshot));
  inn_message_toast (widget, text);
}

void
inn_snapshot_verbs_restore (InnSnapshots *snapshots, InnSnapshot *snapshot, GtkWidget *widget)
{
  g_return_if_fail (INN_IS_SNAPSHOTS (snapshots));
  g_return_if_fail (INN_IS_SNAPSHOT (snapshot));
  g_return_if_fail (GTK_IS_WIDGET (widget));

  inn_snapshots_restore_async (snapshots, snapshot, /* keep_present= */ TRUE, NULL, on_restored,
                               request_new (widget, snapshot));
}

/* ---- rename ---- */

typedef struct
{
  InnSnapshots *snapshots;
  InnSnapshot *snapshot;
  GWeakRef widget;
  AdwMessageDialog *dialog;
  GtkEditable *name_row;
  GtkEditable *note_row;
} Question;

static void
question_free (gpointer data, GClosure *closure)
{
  Question *question = data;

  g_object_unref (question->snapshots);
  g_object_unref (question->snapshot);
  g_weak_ref_clear (&question->widget);
  g_free (question);
}

static void
on_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (InnSnapshot) snapshot = g_object_ref (request->snapshot);
  g_autoptr (GtkWidget) widget = request_end (request);
  g_autoptr (GError) error = NULL;

  if (!inn_snapshots_change_finish (INN_SNAPSHOTS (source), result, &error) && widget != NULL)
    tell_trouble (widget, INN_SNAPSHOT_CHANGE, snapshot, error);
}

static char *
get_name (Question *question)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (question->name_row)));
}

static void
on_response (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (GtkWidget) widget = g_weak_ref_get (&question->widget);
  g_autofree char *name = get_name (question);

  if (g_str_equal (response, "rename"))
    inn_snapshots_change_async (question->snapshots, question->snapshot, name,
                                gtk_editable_get_text (question->note_row), NULL, on_changed,
                                request_new (widget, question->snapshot));
}

static void
on_edited (Question *question)
{
  g_autofree char *name = get_name (question);

  adw_message_dialog_set_response_enabled (question->dialog, "rename", *name != '\0');
}

static void
on_entry_activated (Question *question)
{
  g_autofree char *name = get_name (question);

  if (*name != '\0')
    adw_message_dialog_response (question->dialog, "rename");
  if (*name != '\0')
    gtk_window_close (GTK_WINDOW (question->dialog));
}

static GtkEditable *
add_entry (GtkWidget *list, const char *title, const char *text)
{
  GtkWidget *row = adw_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  gtk_editable_set_text (GTK_EDITABLE (row), text);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
  return GTK_EDITABLE (row);
}

static GtkWidget *
make_entries (Question *question)
{
  const InnSnapshotFacts *facts = inn_snapshot_get_facts (question->snapshot);
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_widget_set_size_request (list, 340, -1);
  question->name_row = add_entry (list, _ ("Name"), facts->name);
  question->note_row = add_entry (list, _ ("Note"), facts->note);
  g_signal_connect_swapped (question->name_row, "changed", G_CALLBACK (on_edited), question);
  g_signal_connect_swapped (question->name_row, "entry-activated", G_CALLBACK (on_entry_activated),
                            question);
  g_signal_connect_swapped (question->note_row, "entry-activated", G_CALLBACK (on_entry_activated),
                            question);
  return list;
}

void
inn_snapshot_verbs_rename (InnSnapshots *snapshots, InnSnapshot *snapshot, GtkWidget *widget)
{
  Question *question;
  GtkWidget *dialog;

  g_return_if_fail (INN_IS_SNAPSHOTS (snapshots));
  g_return_if_fail (INN_IS_SNAPSHOT (snapshot));
  g_return_if_fail (GTK_IS_WIDGET (widget));

  dialog = adw_message_dialog_new (inn_message_get_window (widget), _ ("Rename Snapshot"), NULL);
  question = g_new0 (Question, 1);
  question->snapshots = g_object_ref (snapshots);
  question->snapshot = g_object_ref (snapshot);
  question->dialog = ADW_MESSAGE_DIALOG (dialog);
  g_weak_ref_init (&question->widget, widget);
  adw_message_dialog_set_extra_child (question->dialog, make_entries (question));
  adw_message_dialog_add_responses (question->dialog, "cancel", _ ("Cancel"), "rename",
                                    _ ("Rename"), NULL);
  adw_message_dialog_set_response_appearance (question->dialog, "rename", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (question->dialog, "rename");
  adw_message_dialog_set_close_response (question->dialog, "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), question, question_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (GTK_WIDGET (question->name_row));
}
