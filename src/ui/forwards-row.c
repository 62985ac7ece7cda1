/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ports that lead to a guest.
 */
#include "config.h"

#include "ui/forwards-row.h"

#include <glib/gi18n.h>

#include "ui/hardware-edit.h"
#include "ui/hardware-text.h"
#include "ui/timing-pill.h"

struct _InnForwardsRow
{
  AdwPreferencesRow parent_instance;

  GtkLabel *title_label;
  InnTimingPill *pill;
  GtkBox *list;
  GtkWidget *fields;
  GtkDropDown *protocol;
  GtkEditable *here_entry;
  GtkEditable *there_entry;
  GtkWidget *add_button;
  GtkLabel *problem_label;

  InnHardware *hardware;
  InnDevice *device;
  GVariant *shown;
  gboolean adding; /* what is in the fields is under way */
};

G_DEFINE_FINAL_TYPE (InnForwardsRow, inn_forwards_row, ADW_TYPE_PREFERENCES_ROW)

static const InnSetting *
get_setting (InnForwardsRow *self)
{
  return self->device != NULL ? inn_device_get_setting (self->device, INN_SETTING_FORWARDS) : NULL;
}

static void
set_problem (InnForwardsRow *self, const char *problem)
{
  gtk_label_set_label (self->problem_label, problem != NULL ? problem : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem_label), problem != NULL);
}

static void
on_done (GtkWidget *widget, const char *problem)
{
  InnForwardsRow *self = INN_FORWARDS_ROW (widget);

  set_problem (self, problem);
  if (self->adding && problem == NULL)
    {
      gtk_editable_set_text (self->here_entry, "");
      gtk_editable_set_text (self->there_entry, "");
    }
  self->adding = FALSE;
}

/* Without the one at @left_out, and with @added (may be NULL). */
static void
store (InnForwardsRow *self, guint left_out, const char *added)
{
  g_autofree const char **texts = g_variant_get_strv (get_setting (self)->value, NULL);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; texts[i] != NULL; i++)
    if (i != left_out)
      g_variant_builder_add (&builder, "s", texts[i]);
  if (added != NULL)
    g_variant_builder_add (&builder, "s", added);
  inn_hardware_edit_run (self->hardware,
                         inn_hardware_change_new_set (inn_device_get_id (self->device),
                                                      INN_SETTING_FORWARDS,
                                                      g_variant_builder_end (&builder)),
                         GTK_WIDGET (self), on_done);
}

static gboolean
parse_port (GtkEditable *entry, guint *port)
{
  g_autofree char *text = g_strdup (gtk_editable_get_text (entry));
  guint64 number;

  if (!g_ascii_string_to_unsigned (g_strstrip (text), 10, 1, G_MAXUINT16, &number, NULL))
    return FALSE;

  *port = (guint)number;
  return TRUE;
}

static gboolean
has_forward (InnForwardsRow *self, const char *forward)
{
  g_autofree const char **texts = g_variant_get_strv (get_setting (self)->value, NULL);

  return g_strv_contains (texts, forward);
}

static void
on_add_clicked (InnForwardsRow *self)
{
  const char *protocol = gtk_drop_down_get_selected (self->protocol) == 1 ? "udp" : "tcp";
  g_autofree char *forward = NULL;
  guint here, there;

  if (!parse_port (self->here_entry, &here) || !parse_port (self->there_entry, &there))
    {
      set_problem (self, _ ("A port is a number from 1 to 65535."));
      return;
    }

  forward = g_strdup_printf ("%s:%u:%u", protocol, here, there);
  if (has_forward (self, forward))
    {
      set_problem (self, _ ("That port leads there already."));
      return;
    }
  self->adding = TRUE;
  store (self, G_MAXUINT, forward);
}

static void
on_remove_clicked (InnForwardsRow *self, GtkWidget *button)
{
  const guint index = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "index"));

  gtk_widget_grab_focus (GTK_WIDGET (self->here_entry));
  store (self, index, NULL);
}

static GtkWidget *
create_line (InnForwardsRow *self, const char *text, guint index)
{
  const char *const one[] = { text };
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_strv (one, 1));
  g_autofree char *words
      = inn_hardware_text_format_value (self->hardware, INN_SETTING_FORWARDS, value);
  g_autofree char *name = g_strdup_printf (_ ("No Longer Forward %s"), words);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = gtk_label_new (words);
  GtkWidget *button = gtk_button_new_from_icon_name ("list-remove-symbolic");

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_add_css_class (label, "numeric");
  gtk_widget_add_css_class (label, "dim-label");
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_object_set_data (G_OBJECT (button), "index", GUINT_TO_POINTER (index));
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_remove_clicked), self,
                           G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (line), label);
  gtk_box_append (GTK_BOX (line), button);
  return line;
}

static void
show_list (InnForwardsRow *self, GVariant *value)
{
  g_autofree const char **texts = g_variant_get_strv (value, NULL);
  GtkWidget *child;

  if (self->shown != NULL && g_variant_equal (self->shown, value))
    return;

  g_clear_pointer (&self->shown, g_variant_unref);
  self->shown = g_variant_ref (value);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->list))) != NULL)
    gtk_box_remove (self->list, child);
  for (guint i = 0; texts[i] != NULL; i++)
    gtk_box_append (self->list, create_line (self, texts[i], i));
}

static void
update (InnForwardsRow *self)
{
  const InnSetting *setting = get_setting (self);
  const gboolean running = inn_hardware_is_running (self->hardware);

  if (setting == NULL)
    return;

  show_list (self, setting->value);
  inn_timing_pill_set_timing (self->pill, running ? setting->timing : INN_TIMING_NEVER);
  gtk_widget_set_sensitive (self->fields, setting->timing != INN_TIMING_NEVER);
  gtk_widget_set_sensitive (GTK_WIDGET (self->list), setting->timing != INN_TIMING_NEVER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  running ? inn_hardware_text_get_timing (setting->timing) : "",
                                  -1);
}

static void
inn_forwards_row_dispose (GObject *object)
{
  InnForwardsRow *self = INN_FORWARDS_ROW (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_FORWARDS_ROW);
  g_clear_object (&self->hardware);
  g_clear_object (&self->device);

  G_OBJECT_CLASS (inn_forwards_row_parent_class)->dispose (object);
}

static void
inn_forwards_row_finalize (GObject *object)
{
  g_clear_pointer (&INN_FORWARDS_ROW (object)->shown, g_variant_unref);

  G_OBJECT_CLASS (inn_forwards_row_parent_class)->finalize (object);
}

static void
inn_forwards_row_class_init (InnForwardsRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_forwards_row_dispose;
  G_OBJECT_CLASS (klass)->finalize = inn_forwards_row_finalize;

  g_type_ensure (INN_TYPE_TIMING_PILL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/forwards-row.ui");
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, title_label);
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, pill);
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, list);
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, fields);
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, protocol);
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, here_entry);
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, there_entry);
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, add_button);
  gtk_widget_class_bind_template_child (widget_class, InnForwardsRow, problem_label);
  gtk_widget_class_bind_template_callback (widget_class, on_add_clicked);
}

static void
inn_forwards_row_init (InnForwardsRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
inn_forwards_row_new (InnHardware *hardware, InnDevice *device)
{
  InnForwardsRow *self = g_object_new (INN_TYPE_FORWARDS_ROW, NULL);
  const char *title = inn_hardware_text_get_setting_title (INN_SETTING_FORWARDS);

  self->hardware = g_object_ref (hardware);
  self->device = g_object_ref (device);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), title);
  gtk_label_set_label (self->title_label, title);
  g_signal_connect_object (hardware, "updated", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);

  return GTK_WIDGET (self);
}

void
inn_forwards_row_set_narrow (InnForwardsRow *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_FORWARDS_ROW (self));

  inn_timing_pill_set_narrow (self->pill, narrow);
}
