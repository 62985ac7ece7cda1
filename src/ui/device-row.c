/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A device with its settings.
 */
#include "config.h"

#include "ui/device-row.h"

#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/device-removal.h"
#include "ui/disk-growth.h"
#include "ui/forwards-row.h"
#include "ui/hardware-edit.h"
#include "ui/hardware-text.h"
#include "ui/message.h"
#include "ui/setting-row.h"
#include "ui/timing-pill.h"

struct _InnDeviceRow
{
  AdwExpanderRow parent_instance;

  InnTimingPill *pill;
  GtkWidget *insert_button; /* of a drive; else NULL */
  GtkWidget *eject_button;
  GtkWidget *file_row; /* of a disk or drive; else NULL */
  GtkWidget *size_row; /* of a disk; else NULL */
  GPtrArray *rows;     /* the rows for settings: what can be narrow */

  InnHardware *hardware;
  InnDevice *device;
  GtkFileChooserNative *chooser; /* while open */
  char *problem;
};

G_DEFINE_FINAL_TYPE (InnDeviceRow, inn_device_row, ADW_TYPE_EXPANDER_ROW)

/* ---- showing ---- */

/* Something of it waits for the next start. */
static gboolean
is_pending (InnDeviceRow *self)
{
  GPtrArray *settings = inn_device_get_settings (self->device);

  if (inn_device_is_added (self->device))
    return TRUE;
  for (guint i = 0; i < settings->len; i++)
    {
      const InnSetting *setting = g_ptr_array_index (settings, i);

      if (setting->running != NULL)
        return TRUE;
    }
  return FALSE;
}

/* A drive tells of its medium, since that has a button here; else only what waits is told, for
 * each setting inside says when it changes. */
static InnTiming
get_timing (InnDeviceRow *self)
{
  const InnSetting *medium = inn_device_get_setting (self->device, INN_SETTING_MEDIUM);
  const InnSetting *link = inn_device_get_setting (self->device, INN_SETTING_LINK);

  if (!inn_hardware_is_running (self->hardware))
    return INN_TIMING_NEVER;
  if (is_pending (self))
    return INN_TIMING_NEXT_START;
  if (medium != NULL)
    return medium->timing;

  return link != NULL ? link->timing : INN_TIMING_NEVER;
}

static void
update_drive (InnDeviceRow *self)
{
  const InnSetting *medium = inn_device_get_setting (self->device, INN_SETTING_MEDIUM);
  const gboolean full = *g_variant_get_string (medium->value, NULL) != '\0';
  const gboolean fixed = medium->timing == INN_TIMING_NEVER;

  gtk_widget_set_visible (self->insert_button, !full && !fixed);
  gtk_widget_set_visible (self->eject_button, full && !fixed);
}

static void
update_file (InnDeviceRow *self)
{
  const char *path = inn_device_get_path (self->device);
  g_autofree char *name = path != NULL ? g_filename_display_name (path) : g_strdup ("");

  gtk_widget_set_visible (self->file_row, path != NULL);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->file_row), name);
}

static void
update_size (InnDeviceRow *self)
{
  g_autofree char *size = inn_format_memory (inn_device_get_size (self->device));

  gtk_widget_set_visible (self->size_row, inn_device_get_growth (self->device) != INN_TIMING_NEVER);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->size_row), size);
}

static void
update (InnDeviceRow *self)
{
  const InnTiming timing = get_timing (self);
  const char *words = inn_hardware_text_get_timing (timing);
  g_autofree char *text = inn_hardware_text_describe (self->hardware, self->device);

  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self),
                                 self->problem != NULL ? self->problem : text);
  if (self->problem != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self), "problem");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "problem");
  inn_timing_pill_set_timing (self->pill, timing);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  words != NULL ? words : "", -1);
  if (self->insert_button != NULL)
    update_drive (self);
  if (self->file_row != NULL)
    update_file (self);
  if (self->size_row != NULL)
    update_size (self);
}

static void
on_done (GtkWidget *widget, const char *problem)
{
  InnDeviceRow *self = INN_DEVICE_ROW (widget);

  g_free (self->problem);
  self->problem = g_strdup (problem);
  update (self);
}

/* ---- media ---- */

static void
store_medium (InnDeviceRow *self, const char *path)
{
  inn_hardware_edit_run (self->hardware,
                         inn_hardware_change_new_set (inn_device_get_id (self->device),
                                                      INN_SETTING_MEDIUM,
                                                      g_variant_new_string (path)),
                         GTK_WIDGET (self), on_done);
}

static void
on_eject_clicked (InnDeviceRow *self)
{
  store_medium (self, "");
}

static void
on_medium_chosen (InnDeviceRow *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
  gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (chooser));
  if (file != NULL && g_file_peek_path (file) != NULL)
    store_medium (self, g_file_peek_path (file));
}

static void
on_insert_clicked (InnDeviceRow *self)
{
  if (self->chooser != NULL)
    return;

  self->chooser
      = gtk_file_chooser_native_new (_ ("Choose a CD Image"),
                                     inn_message_get_window (GTK_WIDGET (self)),
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Insert"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (on_medium_chosen), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

/* Takes over @name. */
static void
set_name (GtkWidget *button, char *name)
{
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_free (name);
}

/* An expander row has its actions in the order from the end. */
static void
add_drive_buttons (InnDeviceRow *self)
{
  self->insert_button = gtk_button_new_with_label (_ ("Insert…"));
  gtk_widget_set_valign (self->insert_button, GTK_ALIGN_CENTER);
  set_name (self->insert_button,
            g_strdup_printf (_ ("Insert a Medium into %s"), inn_device_get_title (self->device)));
  g_signal_connect_object (self->insert_button, "clicked", G_CALLBACK (on_insert_clicked), self,
                           G_CONNECT_SWAPPED);
  adw_expander_row_add_action (ADW_EXPANDER_ROW (self), self->insert_button);

  self->eject_button = gtk_button_new_from_icon_name ("media-eject-symbolic");
  gtk_widget_set_valign (self->eject_button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->eject_button, "flat");
  set_name (self->eject_button,
            g_strdup_printf (_ ("Eject the Medium of %s"), inn_device_get_title (self->device)));
  g_signal_connect_object (self->eject_button, "clicked", G_CALLBACK (on_eject_clicked), self,
                           G_CONNECT_SWAPPED);
  adw_expander_row_add_action (ADW_EXPANDER_ROW (self), self->eject_button);
}

/* ---- rows ---- */

static void
add_file_row (InnDeviceRow *self)
{
  self->file_row = adw_action_row_new ();
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self->file_row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->file_row), _ ("File"));
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), self->file_row);
}

static void
on_grow_clicked (InnDeviceRow *self)
{
  inn_disk_growth_ask (self->hardware, self->device, GTK_WIDGET (self), on_done);
}

static void
add_size_row (InnDeviceRow *self)
{
  GtkWidget *button;

  self->size_row = adw_action_row_new ();
  button = gtk_button_new_with_label (_ ("Make Larger…"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->size_row), C_ ("disk", "Size"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  set_name (button, g_strdup_printf (_ ("Make %s Larger"), inn_device_get_title (self->device)));
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_grow_clicked), self,
                           G_CONNECT_SWAPPED);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self->size_row), button);
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), self->size_row);
}

static void
add_setting_rows (InnDeviceRow *self)
{
  GPtrArray *settings = inn_device_get_settings (self->device);

  for (guint i = 0; i < settings->len; i++)
    {
      const InnSetting *setting = g_ptr_array_index (settings, i);
      GtkWidget *row;

      if (setting->id == INN_SETTING_MEDIUM)
        continue;
      row = setting->id == INN_SETTING_FORWARDS
                ? inn_forwards_row_new (self->hardware, self->device)
                : inn_setting_row_new (self->hardware, self->device, setting->id,
                                       /* whole= */ FALSE);
      g_ptr_array_add (self->rows, row);
      adw_expander_row_add_row (ADW_EXPANDER_ROW (self), row);
    }
}

static void
on_remove_clicked (InnDeviceRow *self)
{
  inn_device_removal_ask (self->hardware, self->device, GTK_WIDGET (self), on_done);
}

static void
add_removal_row (InnDeviceRow *self)
{
  GtkWidget *row, *button;

  if (inn_device_get_removal (self->device) == INN_TIMING_NEVER)
    return;

  row = adw_action_row_new ();
  button = gtk_button_new_with_label (_ ("Remove…"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ ("Remove from this machine"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  set_name (button, g_strdup_printf (_ ("Remove %s"), inn_device_get_title (self->device)));
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_remove_clicked), self,
                           G_CONNECT_SWAPPED);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), row);
}

static void
inn_device_row_dispose (GObject *object)
{
  InnDeviceRow *self = INN_DEVICE_ROW (object);

  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_ptr_array_set_size (self->rows, 0);
  g_clear_object (&self->hardware);
  g_clear_object (&self->device);

  G_OBJECT_CLASS (inn_device_row_parent_class)->dispose (object);
}

static void
inn_device_row_finalize (GObject *object)
{
  InnDeviceRow *self = INN_DEVICE_ROW (object);

  g_ptr_array_unref (self->rows);
  g_free (self->problem);

  G_OBJECT_CLASS (inn_device_row_parent_class)->finalize (object);
}

static void
inn_device_row_class_init (InnDeviceRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = inn_device_row_dispose;
  G_OBJECT_CLASS (klass)->finalize = inn_device_row_finalize;
}

static void
inn_device_row_init (InnDeviceRow *self)
{
  self->rows = g_ptr_array_new ();
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self), FALSE);
}

GtkWidget *
inn_device_row_new (InnHardware *hardware, InnDevice *device)
{
  InnDeviceRow *self = g_object_new (INN_TYPE_DEVICE_ROW, NULL);
  const InnDeviceKind kind = inn_device_get_kind (device);
  GtkWidget *pill = inn_timing_pill_new ();

  self->hardware = g_object_ref (hardware);
  self->device = g_object_ref (device);
  self->pill = INN_TIMING_PILL (pill);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), inn_device_get_title (device));
  adw_expander_row_set_icon_name (ADW_EXPANDER_ROW (self), inn_hardware_text_get_icon (kind));
  if (kind == INN_DEVICE_CDROM)
    add_drive_buttons (self);
  adw_expander_row_add_action (ADW_EXPANDER_ROW (self), pill);
  if (kind == INN_DEVICE_DISK || kind == INN_DEVICE_CDROM)
    add_file_row (self);
  if (kind == INN_DEVICE_DISK)
    add_size_row (self);
  add_setting_rows (self);
  add_removal_row (self);
  g_signal_connect_object (hardware, "updated", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);

  return GTK_WIDGET (self);
}

void
inn_device_row_set_narrow (InnDeviceRow *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_DEVICE_ROW (self));

  inn_timing_pill_set_narrow (self->pill, narrow);
  for (guint i = 0; i < self->rows->len; i++)
    {
      GtkWidget *row = g_ptr_array_index (self->rows, i);

      if (INN_IS_SETTING_ROW (row))
        inn_setting_row_set_narrow (INN_SETTING_ROW (row), narrow);
      else
        inn_forwards_row_set_narrow (INN_FORWARDS_ROW (row), narrow);
    }
}
