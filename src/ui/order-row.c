/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order to start from.
 */
#include "config.h"

#include "ui/order-row.h"

#include <glib/gi18n.h>

#include "ui/hardware-edit.h"
#include "ui/hardware-text.h"
#include "ui/setting-row.h"
#include "ui/timing-pill.h"

/* One place in the order; which device has it changes. */
typedef struct
{
  GtkWidget *row;
  GtkWidget *earlier;
  GtkWidget *later;
} Place;

struct _InnOrderRow
{
  AdwExpanderRow parent_instance;

  InnTimingPill *pill;
  GArray *places; /* of Place */
  GtkWidget *menu_row;

  InnHardware *hardware;
  InnDevice *device;
  char *problem;
};

G_DEFINE_FINAL_TYPE (InnOrderRow, inn_order_row, ADW_TYPE_EXPANDER_ROW)

static const InnSetting *
get_setting (InnOrderRow *self)
{
  return self->device != NULL ? inn_device_get_setting (self->device, INN_SETTING_BOOT_ORDER)
                              : NULL;
}

static void on_earlier (InnOrderRow *self, GtkWidget *button);
static void on_later (InnOrderRow *self, GtkWidget *button);

static GtkWidget *
create_button (InnOrderRow *self, GtkWidget *row, const char *icon, GCallback on_clicked)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_object (button, "clicked", on_clicked, self, G_CONNECT_SWAPPED);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  return button;
}

static void
add_place (InnOrderRow *self)
{
  Place place = { .row = adw_action_row_new () };

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (place.row), FALSE);
  place.earlier = create_button (self, place.row, "go-up-symbolic", G_CALLBACK (on_earlier));
  place.later = create_button (self, place.row, "go-down-symbolic", G_CALLBACK (on_later));
  g_array_append_val (self->places, place);
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), place.row);
}

/* The menu's row stays the last. */
static void
fit_places (InnOrderRow *self, guint n)
{
  if (self->places->len == n)
    return;

  if (self->menu_row != NULL)
    adw_expander_row_remove (ADW_EXPANDER_ROW (self), self->menu_row);
  while (self->places->len > n)
    {
      adw_expander_row_remove (ADW_EXPANDER_ROW (self),
                               g_array_index (self->places, Place, self->places->len - 1).row);
      g_array_set_size (self->places, self->places->len - 1);
    }
  while (self->places->len < n)
    add_place (self);
  self->menu_row = inn_setting_row_new (self->hardware, self->device, INN_SETTING_BOOT_MENU,
                                        /* whole= */ FALSE);
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), self->menu_row);
}

/* Takes over @name. */
static void
name_button (GtkWidget *button, char *name)
{
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_free (name);
}

static void
show_place (InnOrderRow *self, guint index, const char *id, gboolean movable)
{
  const Place *place = &g_array_index (self->places, Place, index);
  InnDevice *device = inn_hardware_find (self->hardware, id);
  const char *title = device != NULL ? inn_device_get_title (device) : id;
  g_autofree char *description
      = device != NULL ? inn_hardware_text_describe (self->hardware, device) : g_strdup ("");

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (place->row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (place->row), description);
  gtk_widget_set_sensitive (place->earlier, movable && index > 0);
  gtk_widget_set_sensitive (place->later, movable && index + 1 < self->places->len);
  name_button (place->earlier, g_strdup_printf (_ ("Start from %s Earlier"), title));
  name_button (place->later, g_strdup_printf (_ ("Start from %s Later"), title));
}

static void
describe (InnOrderRow *self, const InnSetting *setting)
{
  const gboolean running = inn_hardware_is_running (self->hardware);
  g_autofree char *text = inn_hardware_text_describe (self->hardware, self->device);

  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self),
                                 self->problem != NULL ? self->problem : text);
  if (self->problem != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self), "problem");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "problem");
  inn_timing_pill_set_timing (self->pill, running ? setting->timing : INN_TIMING_NEVER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  running ? inn_hardware_text_get_timing (setting->timing) : "",
                                  -1);
}

static void
update (InnOrderRow *self)
{
  const InnSetting *setting = get_setting (self);
  g_autofree const char **ids = NULL;
  gsize n;

  if (setting == NULL)
    return;

  ids = g_variant_get_strv (setting->value, &n);
  fit_places (self, (guint)n);
  for (guint i = 0; i < n; i++)
    show_place (self, i, ids[i], setting->timing != INN_TIMING_NEVER);
  describe (self, setting);
}

static void
on_done (GtkWidget *widget, const char *problem)
{
  InnOrderRow *self = INN_ORDER_ROW (widget);

  g_free (self->problem);
  self->problem = g_strdup (problem);
  update (self);
}

/* The focus goes with the device that moves. */
static void
focus (InnOrderRow *self, guint index, gboolean earlier)
{
  const Place *place = &g_array_index (self->places, Place, index);
  const gboolean at_end = earlier ? index == 0 : index + 1 == self->places->len;

  gtk_widget_grab_focus (earlier != at_end ? place->earlier : place->later);
}

static void
swap (InnOrderRow *self, guint index)
{
  g_autofree const char **ids = g_variant_get_strv (get_setting (self)->value, NULL);
  const char *first = ids[index];

  ids[index] = ids[index + 1];
  ids[index + 1] = first;
  inn_hardware_edit_run (self->hardware,
                         inn_hardware_change_new_set (inn_device_get_id (self->device),
                                                      INN_SETTING_BOOT_ORDER,
                                                      g_variant_new_strv (ids, -1)),
                         GTK_WIDGET (self), on_done);
}

static void
on_earlier (InnOrderRow *self, GtkWidget *button)
{
  for (guint i = 1; i < self->places->len; i++)
    if (g_array_index (self->places, Place, i).earlier == button)
      {
        focus (self, i - 1, /* earlier= */ TRUE);
        swap (self, i - 1);
        return;
      }
}

static void
on_later (InnOrderRow *self, GtkWidget *button)
{
  for (guint i = 0; i + 1 < self->places->len; i++)
    if (g_array_index (self->places, Place, i).later == button)
      {
        focus (self, i + 1, /* earlier= */ FALSE);
        swap (self, i);
        return;
      }
}

static void
inn_order_row_dispose (GObject *object)
{
  InnOrderRow *self = INN_ORDER_ROW (object);

  g_clear_object (&self->hardware);
  g_clear_object (&self->device);

  G_OBJECT_CLASS (inn_order_row_parent_class)->dispose (object);
}

static void
inn_order_row_finalize (GObject *object)
{
  InnOrderRow *self = INN_ORDER_ROW (object);

  g_array_unref (self->places);
  g_free (self->problem);

  G_OBJECT_CLASS (inn_order_row_parent_class)->finalize (object);
}

static void
inn_order_row_class_init (InnOrderRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = inn_order_row_dispose;
  G_OBJECT_CLASS (klass)->finalize = inn_order_row_finalize;
}

static void
inn_order_row_init (InnOrderRow *self)
{
  GtkWidget *pill = inn_timing_pill_new ();

  self->places = g_array_new (FALSE, TRUE, sizeof (Place));
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self), FALSE);
  self->pill = INN_TIMING_PILL (pill);
  adw_expander_row_add_action (ADW_EXPANDER_ROW (self), pill);
}

GtkWidget *
inn_order_row_new (InnHardware *hardware, InnDevice *device)
{
  InnOrderRow *self = g_object_new (INN_TYPE_ORDER_ROW, NULL);

  self->hardware = g_object_ref (hardware);
  self->device = g_object_ref (device);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), inn_device_get_title (device));
  adw_expander_row_set_icon_name (ADW_EXPANDER_ROW (self),
                                  inn_hardware_text_get_icon (inn_device_get_kind (device)));
  g_signal_connect_object (hardware, "updated", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);

  return GTK_WIDGET (self);
}

void
inn_order_row_set_narrow (InnOrderRow *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_ORDER_ROW (self));

  inn_timing_pill_set_narrow (self->pill, narrow);
  if (self->menu_row != NULL)
    inn_setting_row_set_narrow (INN_SETTING_ROW (self->menu_row), narrow);
}
