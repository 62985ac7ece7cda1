/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hardware of a machine.
 */
#include "config.h"

#include "ui/hardware-page.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "ui/add-hardware-window.h"
#include "ui/banner.h"
#include "ui/device-row.h"
#include "ui/hardware-edit.h"
#include "ui/hardware-text.h"
#include "ui/machine-restart.h"
#include "ui/message.h"
#include "ui/order-row.h"
#include "ui/setting-row.h"

#define WIDE_MARGIN   18
#define NARROW_MARGIN 12

struct _InnHardwarePage
{
  GtkWidget parent_instance;

  InnBanner *banner;
  GtkWidget *clamp;
  GtkWidget *add_button;
  GtkLabel *refusal_label;
  GtkWidget *system_heading, *storage_heading, *network_heading, *display_heading;
  GtkListBox *system_list, *storage_list, *network_list, *display_list;

  InnMachine *machine;
  InnHardware *hardware;
  gboolean narrow;
};

G_DEFINE_FINAL_TYPE (InnHardwarePage, inn_hardware_page, GTK_TYPE_WIDGET)

/* ---- rows ---- */

static void
set_row_narrow (GtkWidget *row, gboolean narrow)
{
  if (INN_IS_SETTING_ROW (row))
    inn_setting_row_set_narrow (INN_SETTING_ROW (row), narrow);
  else if (INN_IS_ORDER_ROW (row))
    inn_order_row_set_narrow (INN_ORDER_ROW (row), narrow);
  else
    inn_device_row_set_narrow (INN_DEVICE_ROW (row), narrow);
}

static GtkWidget *
create_row (gpointer item, gpointer user_data)
{
  InnHardwarePage *self = user_data;
  InnDevice *device = item;
  GtkWidget *row;

  switch (inn_device_get_kind (device))
    {
    case INN_DEVICE_MEMORY:
      row = inn_setting_row_new (self->hardware, device, INN_SETTING_MEMORY, /* whole= */ TRUE);
      break;
    case INN_DEVICE_PROCESSORS:
      row = inn_setting_row_new (self->hardware, device, INN_SETTING_PROCESSORS,
                                 /* whole= */ TRUE);
      break;
    case INN_DEVICE_FIRMWARE:
      row = inn_setting_row_new (self->hardware, device, INN_SETTING_FIRMWARE, /* whole= */ TRUE);
      break;
    case INN_DEVICE_BOOT:
      row = inn_order_row_new (self->hardware, device);
      break;
    case INN_DEVICE_DISK:
    case INN_DEVICE_CDROM:
    case INN_DEVICE_NETWORK:
    case INN_DEVICE_DISPLAY:
    case INN_DEVICE_SECOND_SCREEN:
    case INN_DEVICE_SHARED_FOLDER:
    case INN_DEVICE_USB:
    case INN_DEVICE_TPM:
    case INN_DEVICE_PCI:
    case INN_DEVICE_N:
    default:
      row = inn_device_row_new (self->hardware, device);
    }
  set_row_narrow (row, self->narrow);
  return row;
}

static gboolean
is_system (gpointer item, gpointer user_data)
{
  return inn_device_get_kind (item) <= INN_DEVICE_BOOT;
}

static gboolean
is_storage (gpointer item, gpointer user_data)
{
  const InnDeviceKind kind = inn_device_get_kind (item);

  return kind == INN_DEVICE_DISK || kind == INN_DEVICE_CDROM;
}

static gboolean
is_network (gpointer item, gpointer user_data)
{
  return inn_device_get_kind (item) == INN_DEVICE_NETWORK;
}

static gboolean
is_display (gpointer item, gpointer user_data)
{
  return inn_device_get_kind (item) == INN_DEVICE_DISPLAY;
}

static void
bind_list (InnHardwarePage *self, GtkListBox *list, GtkCustomFilterFunc belongs)
{
  GtkFilter *filter = GTK_FILTER (gtk_custom_filter_new (belongs, NULL, NULL));
  g_autoptr (GtkFilterListModel) model
      = gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (self->hardware)), filter);

  gtk_list_box_bind_model (list, G_LIST_MODEL (model), create_row, self, NULL);
}

/* A group is there while there is something in it. */
static void
show_group (GtkListBox *list, GtkWidget *heading)
{
  const gboolean any = gtk_list_box_get_row_at_index (list, 0) != NULL;

  gtk_widget_set_visible (heading, any);
  gtk_widget_set_visible (GTK_WIDGET (list), any);
}

/* ---- what waits ---- */

static const char *
get_undo_label (guint n)
{
  if (n == 1)
    return _ ("Undo");

  return n == 2 ? _ ("Undo Both") : _ ("Undo All");
}

static void
update_banner (InnHardwarePage *self)
{
  const guint n = inn_hardware_get_pending (self->hardware)->len;
  g_autofree char *title = NULL;
  g_autofree char *text = NULL;

  if (n == 0)
    {
      inn_banner_dismiss (self->banner);
      return;
    }

  title = inn_hardware_text_count_pending (self->hardware);
  text = inn_hardware_text_list_pending (self->hardware);
  inn_banner_present (self->banner, INN_BANNER_INFO, title, text, _ ("Restart Now…"),
                      /* closable= */ FALSE);
  inn_banner_offer (self->banner, get_undo_label (n));
}

static void
update (InnHardwarePage *self)
{
  const char *refusal = inn_hardware_get_refusal (self->hardware);

  gtk_widget_set_sensitive (self->add_button, refusal == NULL);
  gtk_widget_set_tooltip_text (self->add_button, refusal);
  gtk_label_set_label (self->refusal_label, refusal != NULL ? refusal : "");
  gtk_widget_set_visible (GTK_WIDGET (self->refusal_label), refusal != NULL);
  show_group (self->system_list, self->system_heading);
  show_group (self->storage_list, self->storage_heading);
  show_group (self->network_list, self->network_heading);
  show_group (self->display_list, self->display_heading);
  update_banner (self);
}

static void
on_undone (GtkWidget *widget, const char *problem)
{
  if (problem != NULL)
    inn_message_toast (widget, problem);
}

static void
on_undo_clicked (InnHardwarePage *self)
{
  inn_hardware_edit_run (self->hardware, inn_hardware_change_new_revert (), GTK_WIDGET (self),
                         on_undone);
}

static void
on_restarted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (InnHardwarePage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *heading = NULL;

  if (inn_machine_restart_run_finish (INN_MACHINE (source), result, &error))
    return;

  heading
      = g_strdup_printf (_ ("“%s” did not restart"), inn_machine_get_name (INN_MACHINE (source)));
  inn_message_show_error (GTK_WIDGET (self), heading, error);
}

static void
restart (gpointer user_data)
{
  InnHardwarePage *self = user_data;

  inn_machine_restart_run_async (self->machine, NULL, on_restarted, g_object_ref (self));
}

static void
on_restart_clicked (InnHardwarePage *self)
{
  g_autofree char *heading
      = g_strdup_printf (_ ("Restart “%s” Now?"), inn_machine_get_name (self->machine));

  inn_message_confirm (GTK_WIDGET (self), heading,
                       _ ("The guest is asked to shut down, as by its power button, and is then "
                          "started with the changes. Save what is open in it first."),
                       _ ("Restart"), restart, G_OBJECT (self));
}

static void
on_add_clicked (InnHardwarePage *self)
{
  inn_add_hardware_window_present (self->machine, GTK_WIDGET (self));
}

static void
inn_hardware_page_dispose (GObject *object)
{
  InnHardwarePage *self = INN_HARDWARE_PAGE (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_HARDWARE_PAGE);
  g_clear_object (&self->hardware);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_hardware_page_parent_class)->dispose (object);
}

static void
inn_hardware_page_class_init (InnHardwarePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_hardware_page_dispose;

  g_type_ensure (INN_TYPE_BANNER);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/hardware-page.ui");
  gtk_widget_class_bind_template_child_full (widget_class, "scroller", FALSE, 0);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, banner);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, clamp);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, add_button);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, refusal_label);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, system_heading);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, system_list);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, storage_heading);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, storage_list);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, network_heading);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, network_list);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, display_heading);
  gtk_widget_class_bind_template_child (widget_class, InnHardwarePage, display_list);
  gtk_widget_class_bind_template_callback (widget_class, on_add_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_restart_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_undo_clicked);
}

static void
inn_hardware_page_init (InnHardwarePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

void
inn_hardware_page_set_machine (InnHardwarePage *self, InnMachine *machine)
{
  g_return_if_fail (INN_IS_HARDWARE_PAGE (self));
  g_return_if_fail (self->machine == NULL);

  self->machine = g_object_ref (machine);
  self->hardware = g_object_ref (inn_machine_get_hardware (machine));
  bind_list (self, self->system_list, is_system);
  bind_list (self, self->storage_list, is_storage);
  bind_list (self, self->network_list, is_network);
  bind_list (self, self->display_list, is_display);
  g_signal_connect_object (self->hardware, "updated", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}

static void
set_list_narrow (GtkListBox *list, gboolean narrow)
{
  GtkListBoxRow *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (list, i)) != NULL; i++)
    set_row_narrow (GTK_WIDGET (row), narrow);
}

void
inn_hardware_page_set_narrow (InnHardwarePage *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_HARDWARE_PAGE (self));

  self->narrow = narrow;
  gtk_widget_set_margin_start (self->clamp, narrow ? NARROW_MARGIN : WIDE_MARGIN);
  gtk_widget_set_margin_end (self->clamp, narrow ? NARROW_MARGIN : WIDE_MARGIN);
  inn_banner_set_narrow (self->banner, narrow);
  set_list_narrow (self->system_list, narrow);
  set_list_narrow (self->storage_list, narrow);
  set_list_narrow (self->network_list, narrow);
  set_list_narrow (self->display_list, narrow);
}
