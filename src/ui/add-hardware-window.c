/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adding hardware.
 */
#include "config.h"

#include "ui/add-hardware-window.h"

#include <glib/gi18n.h>

#include "ui/hardware-edit.h"
#include "ui/hardware-text.h"
#include "ui/message.h"
#include "ui/size-entry.h"
#include "ui/stack.h"
#include "ui/timing-pill.h"

#define GIB        (G_GUINT64_CONSTANT (1) << 30)
#define LEAST_DISK (GIB / 1024)
#define MOST_DISK  (64 * 1024 * GIB)
#define USUAL_DISK (20 * GIB)

struct _InnAddHardwareWindow
{
  AdwWindow parent_instance;

  AdwWindowTitle *title;
  GtkWidget *cancel_button;
  GtkWidget *back_button;
  GtkStack *stack;
  GtkEditable *search_entry;
  GtkListBox *usual_list;
  GtkListBox *other_list;
  GtkCheckButton *new_check;
  GtkCheckButton *existing_check;
  InnSizeEntry *size_entry;
  AdwActionRow *existing_row;
  GtkWidget *add_button;
  GtkLabel *problem_label;

  InnMachine *machine;
  InnHardware *hardware;
  char *path;                    /* of the existing image, or NULL */
  GtkFileChooserNative *chooser; /* while open */
  gboolean adding;
};

G_DEFINE_FINAL_TYPE (InnAddHardwareWindow, inn_add_hardware_window, ADW_TYPE_WINDOW)

/* What each is good for. */
static const struct
{
  InnDeviceKind kind;
  gboolean usual;
  const char *title;
  const char *purpose;
} offers[] = {
  { INN_DEVICE_DISK, TRUE, N_ ("Disk"), N_ ("New, or an existing image") },
  { INN_DEVICE_CDROM, TRUE, N_ ("CD drive"), N_ ("Empty at first") },
  { INN_DEVICE_NETWORK, TRUE, N_ ("Network adapter"), N_ ("Reaches out, needs no permission") },
  { INN_DEVICE_USB, TRUE, N_ ("USB device of this computer"), N_ ("Given to the guest") },
  { INN_DEVICE_SHARED_FOLDER, FALSE, N_ ("Shared folder"),
    N_ ("Appears in the guest as a disk of files") },
  { INN_DEVICE_SECOND_SCREEN, FALSE, N_ ("Second screen"), N_ ("Opens in a window of its own") },
  { INN_DEVICE_TPM, FALSE, N_ ("TPM"), N_ ("Windows 11 and disk encryption ask for it") },
  { INN_DEVICE_PCI, FALSE, N_ ("PCI device of this computer"), N_ ("Belongs to the guest alone") },
};

static void
set_problem (InnAddHardwareWindow *self, const char *problem)
{
  gtk_label_set_label (self->problem_label, problem != NULL ? problem : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem_label), problem != NULL);
}

/* ---- adding ---- */

static void
update (InnAddHardwareWindow *self)
{
  const gboolean fresh = gtk_check_button_get_active (self->new_check);
  const char *problem = fresh ? inn_size_entry_get_problem (self->size_entry) : NULL;

  set_problem (self, problem);
  gtk_widget_set_sensitive (self->add_button,
                            !self->adding && (fresh ? problem == NULL : self->path != NULL));
}

static void
on_size_changed (InnAddHardwareWindow *self)
{
  gtk_check_button_set_active (self->new_check, TRUE);
  update (self);
}

static void
on_added (GtkWidget *widget, const char *problem)
{
  InnAddHardwareWindow *self = INN_ADD_HARDWARE_WINDOW (widget);

  self->adding = FALSE;
  if (problem == NULL)
    {
      gtk_window_destroy (GTK_WINDOW (self));
      return;
    }

  update (self);
  set_problem (self, problem);
}

static void
add (InnAddHardwareWindow *self, InnDeviceKind kind, const char *path, guint64 size)
{
  self->adding = TRUE;
  update (self);
  inn_hardware_edit_run (self->hardware, inn_hardware_change_new_add (kind, path, size),
                         GTK_WIDGET (self), on_added);
}

static void
on_add_clicked (InnAddHardwareWindow *self)
{
  if (gtk_check_button_get_active (self->new_check))
    add (self, INN_DEVICE_DISK, NULL, inn_size_entry_get_value (self->size_entry));
  else
    add (self, INN_DEVICE_DISK, self->path, 0);
}

static void
on_image_chosen (InnAddHardwareWindow *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GFile) file = NULL;
  g_autofree char *name = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
  gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (chooser));
  if (file == NULL || g_file_peek_path (file) == NULL)
    return;

  g_free (self->path);
  self->path = g_file_get_path (file);
  name = g_filename_display_basename (self->path);
  adw_action_row_set_subtitle (self->existing_row, name);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->existing_row), self->path);
  gtk_check_button_set_active (self->existing_check, TRUE);
  update (self);
}

static void
on_choose_clicked (InnAddHardwareWindow *self)
{
  if (self->chooser != NULL)
    return;

  self->chooser
      = gtk_file_chooser_native_new (_ ("Choose a Disk"), GTK_WINDOW (self),
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Choose"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (on_image_chosen), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

/* ---- picking ---- */

static void
show_page (InnAddHardwareWindow *self, const char *name)
{
  const gboolean pick = g_str_equal (name, "pick");

  inn_stack_show_only_name (self->stack, name);
  gtk_widget_set_visible (self->cancel_button, pick);
  gtk_widget_set_visible (self->back_button, !pick);
  adw_window_title_set_title (self->title, pick ? _ ("Add Hardware") : _ ("Add a Disk"));
  set_problem (self, NULL);
}

static void
show_pick (InnAddHardwareWindow *self)
{
  show_page (self, "pick");
  gtk_widget_grab_focus (GTK_WIDGET (self->search_entry));
}

static void
on_row_activated (InnAddHardwareWindow *self, GtkListBoxRow *row)
{
  const InnDeviceKind kind
      = (InnDeviceKind)GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (row), "kind"));

  if (self->adding)
    return;
  if (kind != INN_DEVICE_DISK)
    {
      add (self, kind, NULL, 0);
      return;
    }

  show_page (self, "disk");
  update (self);
  gtk_widget_grab_focus (self->add_button);
}

static GtkWidget *
create_row (InnAddHardwareWindow *self, guint index)
{
  const InnDeviceKind kind = offers[index].kind;
  InnTiming timing;
  const char *refusal = inn_hardware_get_addition_refusal (self->hardware, kind, &timing);
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *pill = inn_timing_pill_new ();
  GtkWidget *arrow = gtk_image_new_from_icon_name ("go-next-symbolic");
  const gboolean running = inn_hardware_is_running (self->hardware);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ (offers[index].title));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row),
                               refusal != NULL ? refusal : _ (offers[index].purpose));
  adw_action_row_set_icon_name (ADW_ACTION_ROW (row), inn_hardware_text_get_icon (kind));
  inn_timing_pill_set_timing (INN_TIMING_PILL (pill), running ? timing : INN_TIMING_NEVER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), pill);
  gtk_widget_add_css_class (arrow, "dim-label");
  gtk_widget_set_visible (arrow, refusal == NULL);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), arrow);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), refusal == NULL);
  if (refusal != NULL)
    gtk_widget_add_css_class (row, "refused");
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  refusal != NULL ? refusal
                                  : running       ? inn_hardware_text_get_timing (timing)
                                                  : "",
                                  -1);
  g_object_set_data (G_OBJECT (row), "kind", GUINT_TO_POINTER (kind));
  return row;
}

static gboolean
matches_search (GtkListBoxRow *row, gpointer user_data)
{
  InnAddHardwareWindow *self = user_data;
  g_autofree char *search = g_utf8_casefold (gtk_editable_get_text (self->search_entry), -1);
  g_autofree char *title
      = g_utf8_casefold (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)), -1);
  g_autofree char *subtitle
      = g_utf8_casefold (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), -1);

  return strstr (title, search) != NULL || strstr (subtitle, search) != NULL;
}

static gboolean
has_match (GtkListBox *list)
{
  GtkListBoxRow *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (list, i)) != NULL; i++)
    if (gtk_widget_get_child_visible (GTK_WIDGET (row)))
      return TRUE;
  return FALSE;
}

static void
on_search_changed (InnAddHardwareWindow *self)
{
  gtk_list_box_invalidate_filter (self->usual_list);
  gtk_list_box_invalidate_filter (self->other_list);
  gtk_widget_set_visible (GTK_WIDGET (self->usual_list), has_match (self->usual_list));
  gtk_widget_set_visible (GTK_WIDGET (self->other_list), has_match (self->other_list));
}

static void
inn_add_hardware_window_dispose (GObject *object)
{
  InnAddHardwareWindow *self = INN_ADD_HARDWARE_WINDOW (object);

  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_clear_object (&self->hardware);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_add_hardware_window_parent_class)->dispose (object);
}

static void
inn_add_hardware_window_finalize (GObject *object)
{
  g_free (INN_ADD_HARDWARE_WINDOW (object)->path);

  G_OBJECT_CLASS (inn_add_hardware_window_parent_class)->finalize (object);
}

static void
inn_add_hardware_window_class_init (InnAddHardwareWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_add_hardware_window_dispose;
  G_OBJECT_CLASS (klass)->finalize = inn_add_hardware_window_finalize;

  g_type_ensure (INN_TYPE_SIZE_ENTRY);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/innkeeper/Innkeeper/ui/add-hardware-window.ui");
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, title);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, back_button);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, search_entry);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, usual_list);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, other_list);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, new_check);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, existing_check);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, size_entry);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, existing_row);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, add_button);
  gtk_widget_class_bind_template_child (widget_class, InnAddHardwareWindow, problem_label);
  gtk_widget_class_bind_template_callback (widget_class, show_pick);
  gtk_widget_class_bind_template_callback (widget_class, on_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
  gtk_widget_class_bind_template_callback (widget_class, update);
  gtk_widget_class_bind_template_callback (widget_class, on_size_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_choose_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_add_clicked);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
inn_add_hardware_window_init (InnAddHardwareWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  inn_size_entry_set_title (self->size_entry, _ ("Disk Size"));
  inn_size_entry_set_bounds (self->size_entry, LEAST_DISK, MOST_DISK,
                             _ ("A disk cannot be smaller than 1 MiB."),
                             _ ("A disk cannot be larger than 64 TiB."), NULL);
  inn_size_entry_set_value (self->size_entry, USUAL_DISK);
}

void
inn_add_hardware_window_present (InnMachine *machine, GtkWidget *widget)
{
  InnAddHardwareWindow *self;

  g_return_if_fail (INN_IS_MACHINE (machine));

  self = g_object_new (INN_TYPE_ADD_HARDWARE_WINDOW, "transient-for",
                       inn_message_get_window (widget), NULL);
  self->machine = g_object_ref (machine);
  self->hardware = g_object_ref (inn_machine_get_hardware (machine));
  adw_window_title_set_subtitle (self->title, inn_machine_get_name (machine));
  for (guint i = 0; i < G_N_ELEMENTS (offers); i++)
    gtk_list_box_append (offers[i].usual ? self->usual_list : self->other_list,
                         create_row (self, i));
  gtk_list_box_set_filter_func (self->usual_list, matches_search, self, NULL);
  gtk_list_box_set_filter_func (self->other_list, matches_search, self, NULL);
  show_pick (self);
  gtk_window_present (GTK_WINDOW (self));
}
