/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One setting.
 */
#include "config.h"

#include "ui/setting-row.h"

#include <glib/gi18n.h>

#include "ui/hardware-edit.h"
#include "ui/hardware-text.h"
#include "ui/size-entry.h"
#include "ui/timing-pill.h"

struct _InnSettingRow
{
  AdwActionRow parent_instance;

  InnTimingPill *pill;
  GtkWidget *control;

  InnHardware *hardware;
  InnDevice *device;
  InnSettingId id;
  gboolean whole;
  GVariant *shown;  /* what the control was last set to */
  char *problem;    /* why the last change was refused, or NULL */
  gboolean setting; /* the control is being set, not used */
};

G_DEFINE_FINAL_TYPE (InnSettingRow, inn_setting_row, ADW_TYPE_ACTION_ROW)

/* NULL when the row is about to go. */
static const InnSetting *
get_setting (InnSettingRow *self)
{
  return self->device != NULL ? inn_device_get_setting (self->device, self->id) : NULL;
}

/* ---- showing ---- */

static char *
get_subtitle (InnSettingRow *self, const InnSetting *setting)
{
  char *text = NULL;

  if (self->problem != NULL)
    return g_strdup (self->problem);
  if (setting->timing != INN_TIMING_NEVER)
    text = inn_hardware_text_describe_setting (self->hardware, setting);
  if (text == NULL && self->whole)
    text = inn_hardware_text_describe (self->hardware, self->device);

  return text != NULL ? text : g_strdup ("");
}

static void
describe (InnSettingRow *self, const InnSetting *setting)
{
  const gboolean running = inn_hardware_is_running (self->hardware);
  const InnTiming timing = running ? setting->timing : INN_TIMING_NEVER;
  const char *words = inn_hardware_text_get_timing (timing);
  g_autofree char *subtitle = get_subtitle (self, setting);
  g_autofree char *description
      = words != NULL ? g_strdup_printf ("%s. %s", subtitle, words) : g_strdup (subtitle);

  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), subtitle);
  if (self->problem != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self), "problem");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "problem");
  inn_timing_pill_set_timing (self->pill, timing);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  setting->refusal != NULL ? setting->refusal : description, -1);
  gtk_widget_set_sensitive (self->control, setting->timing != INN_TIMING_NEVER);
  gtk_widget_set_tooltip_text (self->control, setting->refusal);
}

/* What is chosen from; a value that is only shown has no choice. */
static GtkStringList *
list_choices (const InnSetting *setting, guint *selected)
{
  const char *word = g_variant_get_string (setting->value, NULL);
  GtkStringList *names = gtk_string_list_new (NULL);

  *selected = setting->choices == NULL ? 0 : GTK_INVALID_LIST_POSITION;
  if (setting->choices == NULL)
    gtk_string_list_take (names, inn_hardware_text_get_choice (word));
  for (guint i = 0; setting->choices != NULL && setting->choices[i] != NULL; i++)
    {
      gtk_string_list_take (names, inn_hardware_text_get_choice (setting->choices[i]));
      if (g_str_equal (setting->choices[i], word))
        *selected = i;
    }
  return names;
}

static gboolean
is_same_list (GListModel *left, GListModel *right)
{
  const guint n = left != NULL ? g_list_model_get_n_items (left) : 0;

  if (left == NULL || n != g_list_model_get_n_items (right))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!g_str_equal (gtk_string_list_get_string (GTK_STRING_LIST (left), i),
                      gtk_string_list_get_string (GTK_STRING_LIST (right), i)))
      return FALSE;
  return TRUE;
}

/* The list is not replaced without need: it may be in use right now, for this very change. */
static void
set_choice (InnSettingRow *self, const InnSetting *setting)
{
  GtkDropDown *drop_down = GTK_DROP_DOWN (self->control);
  guint selected;
  g_autoptr (GtkStringList) names = list_choices (setting, &selected);

  if (!is_same_list (gtk_drop_down_get_model (drop_down), G_LIST_MODEL (names)))
    gtk_drop_down_set_model (drop_down, G_LIST_MODEL (names));
  gtk_drop_down_set_selected (drop_down, selected);
}

static void
set_control (InnSettingRow *self, const InnSetting *setting)
{
  self->setting = TRUE;
  if (INN_IS_SIZE_ENTRY (self->control))
    inn_size_entry_set_value (INN_SIZE_ENTRY (self->control),
                              g_variant_get_uint64 (setting->value));
  else if (GTK_IS_SWITCH (self->control))
    gtk_switch_set_active (GTK_SWITCH (self->control), g_variant_get_boolean (setting->value));
  else if (GTK_IS_DROP_DOWN (self->control))
    set_choice (self, setting);
  else
    gtk_editable_set_text (GTK_EDITABLE (self->control),
                           g_variant_get_string (setting->value, NULL));
  self->setting = FALSE;
}

/* What somebody is about to type is left alone, unless what is stored has changed meanwhile. */
static void
update (InnSettingRow *self)
{
  const InnSetting *setting = get_setting (self);

  if (setting == NULL)
    return;

  if (self->shown == NULL || !g_variant_equal (self->shown, setting->value))
    {
      g_clear_pointer (&self->shown, g_variant_unref);
      self->shown = g_variant_ref (setting->value);
      g_clear_pointer (&self->problem, g_free);
      set_control (self, setting);
    }
  describe (self, setting);
}

static void
set_problem (InnSettingRow *self, const char *problem)
{
  g_free (self->problem);
  self->problem = g_strdup (problem);
  if (get_setting (self) != NULL)
    describe (self, get_setting (self));
}

/* ---- changing ---- */

/* What was typed can be put right; a switch says what is. */
static void
on_done (GtkWidget *widget, const char *problem)
{
  InnSettingRow *self = INN_SETTING_ROW (widget);

  set_problem (self, problem);
  if (problem != NULL && get_setting (self) != NULL
      && (GTK_IS_SWITCH (self->control) || GTK_IS_DROP_DOWN (self->control)))
    set_control (self, get_setting (self));
}

static void
store (InnSettingRow *self, GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  const InnSetting *setting = get_setting (self);

  if (self->setting || setting == NULL)
    return;
  if (g_variant_equal (setting->value, owned))
    {
      set_problem (self, NULL);
      return;
    }

  inn_hardware_edit_run (self->hardware,
                         inn_hardware_change_new_set (inn_device_get_id (self->device), self->id,
                                                      owned),
                         GTK_WIDGET (self), on_done);
}

static void
on_size_committed (InnSettingRow *self)
{
  store (self, g_variant_new_uint64 (inn_size_entry_get_value (INN_SIZE_ENTRY (self->control))));
}

static void
on_size_valid (InnSettingRow *self)
{
  set_problem (self, inn_size_entry_get_problem (INN_SIZE_ENTRY (self->control)));
}

static void
on_switched (InnSettingRow *self)
{
  store (self, g_variant_new_boolean (gtk_switch_get_active (GTK_SWITCH (self->control))));
}

static void
on_chosen (InnSettingRow *self)
{
  const guint selected = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->control));
  const InnSetting *setting = get_setting (self);

  if (self->setting || setting == NULL || setting->choices == NULL
      || selected >= g_strv_length (setting->choices))
    return;

  store (self, g_variant_new_string (setting->choices[selected]));
}

static void
on_text_done (InnSettingRow *self)
{
  g_autofree char *text = g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->control)));

  store (self, g_variant_new_string (g_strstrip (text)));
}

/* The whole row is the switch's. */
static void
inn_setting_row_activate (AdwActionRow *row)
{
  InnSettingRow *self = INN_SETTING_ROW (row);

  if (GTK_IS_SWITCH (self->control) && gtk_widget_get_sensitive (self->control))
    gtk_switch_set_active (GTK_SWITCH (self->control),
                           !gtk_switch_get_active (GTK_SWITCH (self->control)));
}

/* ---- making ---- */

static GtkWidget *
create_size_entry (InnSettingRow *self, const InnSetting *setting)
{
  GtkWidget *entry = inn_size_entry_new ();
  const gboolean memory = self->id == INN_SETTING_MEMORY;

  inn_size_entry_set_counts (INN_SIZE_ENTRY (entry), !memory);
  inn_size_entry_set_title (INN_SIZE_ENTRY (entry), inn_device_get_title (self->device));
  inn_size_entry_set_bounds (INN_SIZE_ENTRY (entry), setting->least, setting->most,
                             memory ? _ ("A machine needs at least 64 MiB of memory.")
                                    : _ ("A machine needs at least one processor."),
                             memory ? _ ("That is more memory than this computer has.")
                                    : _ ("That is more processors than this computer has."),
                             NULL);
  g_signal_connect_swapped (entry, "committed", G_CALLBACK (on_size_committed), self);
  g_signal_connect_swapped (entry, "notify::valid", G_CALLBACK (on_size_valid), self);
  return entry;
}

static GtkWidget *
create_text_entry (InnSettingRow *self)
{
  GtkWidget *entry = gtk_entry_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();

  gtk_editable_set_width_chars (GTK_EDITABLE (entry), 14);
  gtk_editable_set_max_width_chars (GTK_EDITABLE (entry), 17);
  g_signal_connect_swapped (entry, "activate", G_CALLBACK (on_text_done), self);
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (on_text_done), self);
  gtk_widget_add_controller (entry, focus);
  return entry;
}

static GtkWidget *
create_drop_down (InnSettingRow *self)
{
  GtkWidget *drop_down = gtk_drop_down_new (NULL, NULL);

  gtk_widget_add_css_class (drop_down, "flat");
  g_signal_connect_swapped (drop_down, "notify::selected", G_CALLBACK (on_chosen), self);
  return drop_down;
}

static GtkWidget *
create_control (InnSettingRow *self)
{
  const InnSetting *setting = get_setting (self);
  GtkWidget *control;

  if (g_variant_is_of_type (setting->value, G_VARIANT_TYPE_UINT64))
    control = create_size_entry (self, setting);
  else if (g_variant_is_of_type (setting->value, G_VARIANT_TYPE_BOOLEAN))
    {
      control = gtk_switch_new ();
      g_signal_connect_swapped (control, "notify::active", G_CALLBACK (on_switched), self);
      gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), TRUE);
    }
  else if (self->id == INN_SETTING_SERIAL || self->id == INN_SETTING_MAC)
    control = create_text_entry (self);
  else
    control = create_drop_down (self);

  gtk_widget_set_valign (control, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (control, FALSE); /* nor what is in it */
  return control;
}

static void
name_control (InnSettingRow *self)
{
  const char *device = inn_device_get_title (self->device);
  const char *title = inn_hardware_text_get_setting_title (self->id);
  g_autofree char *name = NULL;

  if (INN_IS_SIZE_ENTRY (self->control))
    return;

  /* Translators: what is set, and of what: "Read only, Disk 2" */
  name = self->whole ? g_strdup (device) : g_strdup_printf (_ ("%s, %s"), title, device);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->control), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
}

static void
inn_setting_row_dispose (GObject *object)
{
  InnSettingRow *self = INN_SETTING_ROW (object);

  if (self->control != NULL)
    g_signal_handlers_disconnect_by_data (self->control, self);
  g_clear_object (&self->hardware);
  g_clear_object (&self->device);

  G_OBJECT_CLASS (inn_setting_row_parent_class)->dispose (object);
}

static void
inn_setting_row_finalize (GObject *object)
{
  InnSettingRow *self = INN_SETTING_ROW (object);

  g_clear_pointer (&self->shown, g_variant_unref);
  g_free (self->problem);

  G_OBJECT_CLASS (inn_setting_row_parent_class)->finalize (object);
}

static void
inn_setting_row_class_init (InnSettingRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = inn_setting_row_dispose;
  G_OBJECT_CLASS (klass)->finalize = inn_setting_row_finalize;
  ADW_ACTION_ROW_CLASS (klass)->activate = inn_setting_row_activate;
}

static void
inn_setting_row_init (InnSettingRow *self)
{
  GtkWidget *pill = inn_timing_pill_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self), FALSE);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
  self->pill = INN_TIMING_PILL (pill);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), pill);
}

GtkWidget *
inn_setting_row_new (InnHardware *hardware, InnDevice *device, InnSettingId id, gboolean whole)
{
  InnSettingRow *self = g_object_new (INN_TYPE_SETTING_ROW, NULL);

  self->hardware = g_object_ref (hardware);
  self->device = g_object_ref (device);
  self->id = id;
  self->whole = whole;
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self),
                                 whole ? inn_device_get_title (device)
                                       : inn_hardware_text_get_setting_title (id));
  if (whole)
    adw_action_row_set_icon_name (ADW_ACTION_ROW (self),
                                  inn_hardware_text_get_icon (inn_device_get_kind (device)));
  self->control = create_control (self);
  name_control (self);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->control);
  g_signal_connect_object (hardware, "updated", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);

  return GTK_WIDGET (self);
}

void
inn_setting_row_set_narrow (InnSettingRow *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_SETTING_ROW (self));

  inn_timing_pill_set_narrow (self->pill, narrow);
}
