/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question before a machine is deleted.
 */
#include "config.h"

#include "ui/delete-dialog.h"

#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/machine-deletion.h"
#include "ui/message.h"
#include "ui/state-text.h"

struct _InnDeleteDialog
{
  AdwMessageDialog parent_instance;

  GtkLabel *goes_label;
  GtkListBox *goes_list;

  InnMachine *machine;
  GWeakRef widget;
  guint64 total;
};

G_DEFINE_FINAL_TYPE (InnDeleteDialog, inn_delete_dialog, ADW_TYPE_MESSAGE_DIALOG)

static void
add_row (InnDeleteDialog *self,
         const char *icon,
         const char *title,
         const char *subtitle,
         GtkWidget *suffix)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  adw_action_row_set_icon_name (ADW_ACTION_ROW (row), icon);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  if (suffix != NULL)
    {
      gtk_widget_add_css_class (suffix, "dim-label");
      adw_action_row_add_suffix (ADW_ACTION_ROW (row), suffix);
    }
  gtk_list_box_append (self->goes_list, row);
}

static void
update_total (InnDeleteDialog *self)
{
  g_autofree char *size = inn_format_memory (self->total);
  /* Translators: heading of what is deleted, with its size */
  g_autofree char *text = g_strdup_printf (_ ("Goes · %s"), size);

  gtk_label_set_label (self->goes_label, self->total > 0 ? text : _ ("Goes"));
}

typedef struct
{
  InnDeleteDialog *dialog;
  GtkLabel *label;
} Measure;

static void
on_size_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Measure *measure = user_data;
  g_autoptr (GFileInfo) info = g_file_query_info_finish (G_FILE (source), result, NULL);

  if (info != NULL)
    {
      /* What it takes on the disk: images grow as they fill. */
      guint64 size
          = g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_STANDARD_ALLOCATED_SIZE);
      g_autofree char *text = inn_format_memory (size);

      gtk_label_set_label (measure->label, text);
      measure->dialog->total += size;
      update_total (measure->dialog);
    }

  g_object_unref (measure->label);
  g_object_unref (measure->dialog);
  g_free (measure);
}

static void
add_disk (InnDeleteDialog *self, const char *path, gboolean only_one)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autofree char *name = g_path_get_basename (path);
  GtkWidget *label = gtk_label_new (NULL);
  Measure *measure = g_new0 (Measure, 1);

  measure->dialog = g_object_ref (self);
  measure->label = g_object_ref_sink (GTK_LABEL (label));
  add_row (self, "drive-harddisk-symbolic", only_one ? _ ("Main disk") : name,
           only_one ? name : NULL, label);
  g_file_query_info_async (file, G_FILE_ATTRIBUTE_STANDARD_ALLOCATED_SIZE, G_FILE_QUERY_INFO_NONE,
                           G_PRIORITY_DEFAULT, NULL, on_size_known, measure);
}

static void
add_snapshots (InnDeleteDialog *self)
{
  InnSnapshots *snapshots = inn_machine_get_snapshots (self->machine);
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (snapshots));
  const guint64 used = inn_snapshots_get_space (snapshots)->used;
  g_autofree char *title = NULL;
  g_autofree char *size = NULL;

  if (n == 0)
    return;

  title = g_strdup_printf (ngettext ("%u snapshot", "%u snapshots", n), n);
  size = inn_format_memory (used);
  add_row (self, "innkeeper-branch-symbolic", title, NULL, used > 0 ? gtk_label_new (size) : NULL);
  self->total += used;
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnMachine *machine = INN_MACHINE (source);
  GWeakRef *reference = user_data;
  g_autoptr (GtkWidget) widget = g_weak_ref_get (reference);
  g_autoptr (GError) error = NULL;
  const char *name = inn_machine_get_name (machine);
  gboolean deleted = inn_machine_deletion_run_finish (machine, result, &error);

  g_weak_ref_clear (reference);
  g_free (reference);
  if (widget == NULL)
    return;

  if (deleted)
    {
      g_autofree char *text = g_strdup_printf (_ ("“%s” deleted"), name);

      inn_message_toast (widget, text);
    }
  else
    {
      g_autofree char *heading = inn_state_text_get_trouble (INN_OPERATION_DELETE, name);

      inn_message_show_error (widget, heading, error);
    }
}

static void
inn_delete_dialog_response (AdwMessageDialog *dialog, const char *response)
{
  InnDeleteDialog *self = INN_DELETE_DIALOG (dialog);
  g_autoptr (GtkWidget) widget = g_weak_ref_get (&self->widget);
  GWeakRef *reference;

  if (!g_str_equal (response, "delete"))
    return;

  /* A row of the list disappears with its machine, its window does not. */
  reference = g_new0 (GWeakRef, 1);
  g_weak_ref_init (reference, widget != NULL ? gtk_widget_get_root (widget) : NULL);
  inn_machine_deletion_run_async (self->machine, NULL, on_deleted, reference);
}

static void
inn_delete_dialog_dispose (GObject *object)
{
  InnDeleteDialog *self = INN_DELETE_DIALOG (object);

  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_delete_dialog_parent_class)->dispose (object);
}

static void
inn_delete_dialog_finalize (GObject *object)
{
  g_weak_ref_clear (&INN_DELETE_DIALOG (object)->widget);

  G_OBJECT_CLASS (inn_delete_dialog_parent_class)->finalize (object);
}

static void
inn_delete_dialog_class_init (InnDeleteDialogClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = inn_delete_dialog_dispose;
  object_class->finalize = inn_delete_dialog_finalize;
  ADW_MESSAGE_DIALOG_CLASS (klass)->response = inn_delete_dialog_response;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/delete-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, InnDeleteDialog, goes_label);
  gtk_widget_class_bind_template_child (widget_class, InnDeleteDialog, goes_list);
}

static void
inn_delete_dialog_init (InnDeleteDialog *self)
{
  g_weak_ref_init (&self->widget, NULL);
  gtk_widget_init_template (GTK_WIDGET (self));
}

static void
fill (InnDeleteDialog *self)
{
  const char *name = inn_machine_get_name (self->machine);
  gboolean active = inn_machine_state_is_active (inn_machine_get_state (self->machine));
  g_autofree char *heading = g_strdup_printf (_ ("Delete “%s”?"), name);
  g_auto (GStrv) files = inn_machine_list_storage (self->machine);
  guint n_files = g_strv_length (files);

  adw_message_dialog_set_heading (ADW_MESSAGE_DIALOG (self), heading);
  adw_message_dialog_set_body (
      ADW_MESSAGE_DIALOG (self),
      active ? _ ("It is running and will be switched off first. This cannot be undone.")
             : _ ("This cannot be undone."));
  for (guint i = 0; i < n_files; i++)
    add_disk (self, files[i], n_files == 1);
  add_snapshots (self);
  add_row (self, "emblem-system-symbolic", _ ("Settings and history"), NULL, NULL);
  update_total (self);
}

void
inn_delete_dialog_present (InnMachine *machine, GtkWidget *widget)
{
  InnDeleteDialog *self;

  g_return_if_fail (INN_IS_MACHINE (machine));

  self = g_object_new (INN_TYPE_DELETE_DIALOG, "transient-for", inn_message_get_window (widget),
                       NULL);
  self->machine = g_object_ref (machine);
  g_weak_ref_set (&self->widget, widget);
  fill (self);
  gtk_window_present (GTK_WINDOW (self));
}
