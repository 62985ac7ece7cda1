/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The wizard.
 */
#include "config.h"

#include "ui/new-machine-window.h"

#include <glib/gi18n.h>

#include "model/connection.h"
#include "model/format.h"
#include "model/host-load.h"
#include "ui/medium-row.h"
#include "ui/size-row.h"
#include "ui/stack.h"
#include "ui/system-tile.h"

#define MIB            (G_GUINT64_CONSTANT (1) << 20)
#define GIB            (G_GUINT64_CONSTANT (1) << 30)
#define TIB            (G_GUINT64_CONSTANT (1) << 40)
#define LEAST_MEMORY   (64 * MIB)
#define LEAST_DISK     (1 * GIB)
#define MOST_DISK      (64 * TIB)
#define KERNEL_CMDLINE "console=ttyS0"
#define WIDE_WIDTH     420
#define NARROW_WIDTH   340

struct _InnNewMachineWindow
{
  AdwWindow parent_instance;

  AdwLeaflet *leaflet;
  GtkWidget *media_pane;
  AdwHeaderBar *media_header;
  GtkEditable *search_entry;
  GtkListBox *media_list;
  GtkLabel *placeholder;
  GtkWidget *separator;
  GtkWidget *summary_pane;
  GtkWidget *back_button;
  GtkStack *summary_stack;
  InnSystemTile *tile;
  GtkLabel *medium_label;
  GtkLabel *description_label;
  GtkEditable *name_row;
  AdwActionRow *initrd_row;
  GtkWidget *cmdline_row;
  InnSizeRow *memory_row;
  InnSizeRow *vcpus_row;
  InnSizeRow *disk_row;
  AdwComboRow *firmware_row;
  AdwComboRow *place_row;
  GtkLabel *problem_label;
  GtkWidget *create_button;
  GtkStack *create_stack;
  GtkSpinner *create_spinner;
  GtkWidget *progress_box;
  GtkProgressBar *progress_bar;

  GListModel *places;
  InnFoundMedia *found;
  GtkFilter *filter;
  guint64 memory_total; /* of this computer, bytes */
  guint processors;
  InnMedium *medium;
  char *initrd;
  char *refusal; /* what was wrong with the file or the last attempt; NULL: nothing */
  GSimpleActionGroup *actions;
  GCancellable *cancellable;
  GtkFileChooserNative *chooser; /* while open */
  gboolean creating;
  GCancellable *creation; /* of what is created */
};

G_DEFINE_FINAL_TYPE (InnNewMachineWindow, inn_new_machine_window, ADW_TYPE_WINDOW)

enum
{
  CREATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static InnMediumKind
get_kind (InnNewMachineWindow *self)
{
  return inn_medium_get_info (self->medium)->kind;
}

static void
enable (InnNewMachineWindow *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

/* A kernel started directly is an ordinary system from the first instruction. */
static gboolean
is_fast_enough (InnSpeed speed, InnMediumKind kind)
{
  return speed > INN_SPEED_PARTIAL || (speed == INN_SPEED_PARTIAL && kind != INN_MEDIUM_KERNEL);
}

static gboolean
accepts (InnConnection *place, InnMediumKind kind)
{
  return inn_connection_get_state (place) == INN_CONNECTION_OPEN
         && is_fast_enough (inn_connection_get_speed (place), kind)
         && inn_connection_get_medium_refusal (place, kind) == NULL;
}

/* Whether some place has not said yet what it takes. */
static gboolean
is_looking (InnNewMachineWindow *self)
{
  for (guint i = 0; i < g_list_model_get_n_items (self->places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (self->places, i);

      if (inn_connection_get_state (place) == INN_CONNECTION_OPENING)
        return TRUE;
    }

  return FALSE;
}

static gboolean
any_place_accepts (InnNewMachineWindow *self, InnMediumKind kind)
{
  for (guint i = 0; i < g_list_model_get_n_items (self->places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (self->places, i);

      if (accepts (place, kind))
        return TRUE;
    }

  return FALSE;
}

/* Why no place takes the medium: what the fastest of them says, when all have been asked. */
static const char *
get_place_problem (InnNewMachineWindow *self, InnMediumKind kind)
{
  const char *problem = NULL;
  InnSpeed speed = INN_SPEED_NONE;

  if (is_looking (self))
    return _ ("Looking at what this computer can run…");

  for (guint i = 0; i < g_list_model_get_n_items (self->places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (self->places, i);
      const char *refusal;

      if (inn_connection_get_state (place) != INN_CONNECTION_OPEN)
        continue;
      refusal = inn_connection_get_medium_refusal (place, kind);
      if (problem == NULL || inn_connection_get_speed (place) > speed)
        {
          problem = refusal != NULL ? refusal : inn_connection_get_speed_text (place);
          speed = inn_connection_get_speed (place);
        }
    }

  return problem != NULL ? problem : _ ("No place on this computer can run machines now.");
}

static InnConnection *
get_place (InnNewMachineWindow *self)
{
  return adw_combo_row_get_selected_item (self->place_row);
}

/* The first thing that keeps Create from working; NULL: nothing. */
static char *
get_problem (InnNewMachineWindow *self)
{
  InnSizeRow *rows[] = { self->memory_row, self->vcpus_row, self->disk_row };
  g_autoptr (GError) error = NULL;

  if (self->refusal != NULL)
    return g_strdup (self->refusal);
  if (self->medium == NULL)
    return NULL;
  if (get_place (self) == NULL)
    return g_strdup (get_place_problem (self, get_kind (self)));
  if (!inn_new_machine_check_name (gtk_editable_get_text (self->name_row), &error))
    return g_strdup (error->message);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (gtk_widget_get_visible (GTK_WIDGET (rows[i])) && inn_size_row_get_problem (rows[i]) != NULL)
      return g_strdup (inn_size_row_get_problem (rows[i]));

  return NULL;
}

static void
show_problem (InnNewMachineWindow *self)
{
  g_autofree char *problem = get_problem (self);
  gboolean waits;

  gtk_label_set_label (self->problem_label, problem != NULL ? problem : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem_label), problem != NULL);
  /* Having to wait is nothing wrong. */
  waits = self->refusal == NULL && self->medium != NULL && get_place (self) == NULL
          && is_looking (self);
  gtk_widget_remove_css_class (GTK_WIDGET (self->problem_label), waits ? "error" : "dim-label");
  gtk_widget_add_css_class (GTK_WIDGET (self->problem_label), waits ? "dim-label" : "error");
  enable (self, "create", self->medium != NULL && problem == NULL && !self->creating);
}

/* Something was changed, so what was said about the last attempt no longer holds. */
static void
update_create (InnNewMachineWindow *self)
{
  g_clear_pointer (&self->refusal, g_free);
  show_problem (self);
}

static void
refuse (InnNewMachineWindow *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  g_free (self->refusal);
  self->refusal = g_strdup (error->message);
  show_problem (self);
}

static const char *
describe_place (InnConnection *place)
{
  if (place == NULL)
    return "";

  return inn_connection_get_speed (place) == INN_SPEED_PARTIAL
             ? _ ("Ordinary systems do not survive here. Boot loaders and memory tests run.")
             : inn_connection_get_speed_text (place);
}

static void
on_place_changed (InnNewMachineWindow *self)
{
  InnConnection *place = get_place (self);

  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->place_row), describe_place (place));
  update_create (self);
}

static int
compare_speed (gconstpointer a, gconstpointer b, gpointer user_data)
{
  InnSpeed left = inn_connection_get_speed ((InnConnection *)a);
  InnSpeed right = inn_connection_get_speed ((InnConnection *)b);

  return (left < right) - (left > right);
}

/* Those that take the medium, the fastest first, which is what is proposed. */
static void
propose_place (InnNewMachineWindow *self, InnMediumKind kind)
{
  g_autoptr (GListStore) accepting = g_list_store_new (INN_TYPE_CONNECTION);

  for (guint i = 0; i < g_list_model_get_n_items (self->places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (self->places, i);

      if (accepts (place, kind))
        g_list_store_append (accepting, place);
    }
  g_list_store_sort (accepting, compare_speed, NULL);
  adw_combo_row_set_model (self->place_row, G_LIST_MODEL (accepting));
  /* A place where most guests end is proposed only when it is known to be the best there is. */
  if (get_place (self) != NULL && inn_connection_get_speed (get_place (self)) == INN_SPEED_PARTIAL
      && is_looking (self))
    adw_combo_row_set_selected (self->place_row, GTK_INVALID_LIST_POSITION);
  on_place_changed (self);
}

/* A place was opened or closed, perhaps while somebody thinks about another. */
static void
on_places_changed (InnNewMachineWindow *self)
{
  g_autoptr (InnConnection) chosen = NULL;
  GListModel *model;

  enable (self, "choose-kernel", any_place_accepts (self, INN_MEDIUM_KERNEL));
  enable (self, "choose-disk",
          any_place_accepts (self, INN_MEDIUM_DISK) || any_place_accepts (self, INN_MEDIUM_QCOW2)
              || any_place_accepts (self, INN_MEDIUM_FOREIGN));
  enable (self, "boot-network", any_place_accepts (self, INN_MEDIUM_NETWORK));
  if (self->medium == NULL || self->creating)
    return;

  /* What was only proposed gives way to a faster place. */
  if (get_place (self) != NULL && adw_combo_row_get_selected (self->place_row) > 0)
    g_set_object (&chosen, get_place (self));
  propose_place (self, get_kind (self));
  model = adw_combo_row_get_model (self->place_row);
  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (model, i);

      if (place == chosen)
        adw_combo_row_set_selected (self->place_row, i);
    }
}

static gboolean
is_name_taken (InnNewMachineWindow *self, const char *name)
{
  for (guint i = 0; i < g_list_model_get_n_items (self->places); i++)
    {
      g_autoptr (GListModel) place = g_list_model_get_item (self->places, i);

      for (guint j = 0; j < g_list_model_get_n_items (place); j++)
        {
          g_autoptr (InnMachine) machine = g_list_model_get_item (place, j);

          if (g_str_equal (inn_machine_get_name (machine), name))
            return TRUE;
        }
    }

  return FALSE;
}

static void
propose_name (InnNewMachineWindow *self)
{
  g_autofree char *base
      = g_strdelimit (g_strdup (inn_medium_get_info (self->medium)->name), "/", '-');
  g_autofree char *name = g_strdup (base);

  for (guint i = 2; is_name_taken (self, name); i++)
    {
      g_free (name);
      name = g_strdup_printf ("%s %u", base, i);
    }
  gtk_editable_set_text (self->name_row, name);
}

static void
propose_sizes (InnNewMachineWindow *self)
{
  const InnMediumInfo *info = inn_medium_get_info (self->medium);

  inn_size_row_set_bounds (self->memory_row, LEAST_MEMORY, MAX (self->memory_total, LEAST_MEMORY),
                           _ ("A machine needs at least 64 MiB of memory."),
                           _ ("That is more memory than this computer has."), NULL);
  inn_size_row_propose (self->memory_row, info->memory, info->memory_reason);

  inn_size_row_set_bounds (self->vcpus_row, 1, MAX (self->processors, 1),
                           _ ("A machine needs at least one processor."),
                           _ ("That is more processors than this computer has."), NULL);
  inn_size_row_propose (self->vcpus_row, info->vcpus, info->vcpus_reason);

  gtk_widget_set_visible (GTK_WIDGET (self->disk_row), !inn_medium_kind_is_disk (info->kind));
  inn_size_row_set_bounds (self->disk_row, LEAST_DISK, MOST_DISK,
                           _ ("A disk cannot be smaller than 1 GiB."),
                           _ ("A disk cannot be larger than 64 TiB."),
                           /* Translators: no disk */
                           info->kind == INN_MEDIUM_KERNEL ? C_ ("disk", "None") : NULL);
  inn_size_row_propose (self->disk_row, info->disk_size, info->disk_reason);
}

/* @path: NULL for none. */
static void
set_initrd (InnNewMachineWindow *self, const char *path)
{
  g_autofree char *name = path != NULL ? g_filename_display_basename (path) : NULL;

  g_free (self->initrd);
  self->initrd = g_strdup (path);
  adw_action_row_set_subtitle (self->initrd_row,
                               name != NULL ? name : _ ("None chosen; many kernels need one"));
}

static void
propose_boot (InnNewMachineWindow *self)
{
  const InnMediumInfo *info = inn_medium_get_info (self->medium);
  const gboolean kernel = info->kind == INN_MEDIUM_KERNEL;

  gtk_widget_set_visible (GTK_WIDGET (self->initrd_row), kernel);
  gtk_widget_set_visible (self->cmdline_row, kernel);
  gtk_widget_set_visible (GTK_WIDGET (self->firmware_row), !kernel);
  adw_combo_row_set_selected (self->firmware_row, (guint)info->firmware);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->firmware_row), info->firmware_reason);
  gtk_editable_set_text (GTK_EDITABLE (self->cmdline_row), KERNEL_CMDLINE);
  set_initrd (self, info->initrd_path);
}

static void
mark_picked_row (InnNewMachineWindow *self)
{
  GtkListBoxRow *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (self->media_list, i)) != NULL; i++)
    inn_medium_row_set_picked (INN_MEDIUM_ROW (row),
                               inn_medium_row_get_medium (INN_MEDIUM_ROW (row)) == self->medium);
}

static gboolean
is_cut_off (InnMedium *medium)
{
  const guint64 size = inn_medium_get_size (medium); /* 0 of a drive */

  return size > 0 && inn_medium_get_info (medium)->whole_size > size;
}

/* "Installation image · 2.3 GB" */
static char *
describe (InnMedium *medium)
{
  g_autofree char *size = inn_format_file_size (inn_medium_get_size (medium));
  const char *kind = NULL;

  switch (inn_medium_get_info (medium)->kind)
    {
    case INN_MEDIUM_ISO:
      kind = _ ("Installation image");
      break;
    case INN_MEDIUM_KERNEL:
      kind = _ ("Linux kernel");
      break;
    case INN_MEDIUM_DISK:
      kind = _ ("Disk, used where it is");
      break;
    case INN_MEDIUM_QCOW2:
      kind = _ ("Disk image");
      break;
    case INN_MEDIUM_FOREIGN:
      kind = _ ("Disk of another program, copied");
      break;
    case INN_MEDIUM_NETWORK:
      return g_strdup (_ ("A server there says what to start"));
    case INN_MEDIUM_NONE:
    case INN_MEDIUM_N:
    default:
      g_return_val_if_reached (NULL);
    }

  if (is_cut_off (medium))
    {
      g_autofree char *whole = inn_format_file_size (inn_medium_get_info (medium)->whole_size);

      return g_strdup_printf (_ ("Cut off: %s of %s. Get it again."), size, whole);
    }
  return g_strdup_printf ("%s · %s", kind, size);
}

static void
pick (InnNewMachineWindow *self, InnMedium *medium)
{
  const gboolean cut_off = is_cut_off (medium);
  g_autofree char *description = NULL;

  g_set_object (&self->medium, medium);
  g_clear_pointer (&self->refusal, g_free);

  inn_system_tile_set_name (self->tile, inn_medium_get_name (medium));
  gtk_label_set_label (self->medium_label, inn_medium_get_name (medium));
  description = describe (medium);
  gtk_label_set_label (self->description_label, description);
  gtk_widget_add_css_class (GTK_WIDGET (self->description_label), cut_off ? "error" : "dim-label");
  gtk_widget_remove_css_class (GTK_WIDGET (self->description_label),
                               cut_off ? "dim-label" : "error");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->description_label), inn_medium_get_path (medium));
  propose_boot (self);
  propose_name (self);
  propose_sizes (self);
  propose_place (self, get_kind (self));
  mark_picked_row (self);

  inn_stack_show_only_name (self->summary_stack, "chosen");
  adw_leaflet_set_visible_child (self->leaflet, self->summary_pane);
  gtk_widget_grab_focus (self->create_button);
  /* The name had the focus for a moment, which selects it. */
  gtk_editable_select_region (self->name_row, 0, 0);
}

static void
on_row_activated (InnNewMachineWindow *self, GtkListBoxRow *row)
{
  if (!self->creating)
    pick (self, inn_medium_row_get_medium (INN_MEDIUM_ROW (row)));
}

static void
on_identified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (InnNewMachineWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnMedium) medium = inn_medium_identify_finish (result, &error);

  if (medium != NULL)
    pick (self, medium);
  else
    refuse (self, error);
}

void
inn_new_machine_window_pick_file (InnNewMachineWindow *self, GFile *file)
{
  g_autofree char *path = g_file_get_path (file);

  g_return_if_fail (INN_IS_NEW_MACHINE_WINDOW (self));

  if (path == NULL)
    {
      g_free (self->refusal);
      self->refusal = g_strdup (_ ("That file is not on this computer. Copy it here first."));
      show_problem (self);
      return;
    }
  if (!self->creating)
    inn_medium_identify_async (path, self->cancellable, on_identified, g_object_ref (self));
}

/* The chosen file, or NULL; the chooser is gone afterwards. Transfer full. */
static GFile *
close_chooser (InnNewMachineWindow *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  GFile *file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
  gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (chooser));

  return file;
}

static void
on_medium_response (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  g_autoptr (GFile) file = close_chooser (user_data, response);

  if (file != NULL)
    inn_new_machine_window_pick_file (user_data, file);
}

static void
on_initrd_response (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  InnNewMachineWindow *self = user_data;
  g_autoptr (GFile) file = close_chooser (self, response);

  if (file == NULL)
    return;

  set_initrd (self, g_file_peek_path (file));
  update_create (self);
}

static void
choose (InnNewMachineWindow *self, const char *title, GCallback on_response)
{
  if (self->chooser != NULL)
    return;

  self->chooser
      = gtk_file_chooser_native_new (title, GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_OPEN,
                                     _ ("_Choose"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  g_signal_connect_object (self->chooser, "response", on_response, self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

void
inn_new_machine_window_choose_file (InnNewMachineWindow *self)
{
  g_return_if_fail (INN_IS_NEW_MACHINE_WINDOW (self));

  choose (self, _ ("Choose an Image or Disk"), G_CALLBACK (on_medium_response));
}

static void
on_choose_file (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  inn_new_machine_window_choose_file (user_data);
}

static void
on_choose_kernel (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  choose (user_data, _ ("Choose a Linux Kernel"), G_CALLBACK (on_medium_response));
}

static void
on_choose_disk (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  choose (user_data, _ ("Choose a Disk"), G_CALLBACK (on_medium_response));
}

static void
on_choose_initrd (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  choose (user_data, _ ("Choose an Initial Ramdisk"), G_CALLBACK (on_initrd_response));
}

static void
on_boot_network (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  InnNewMachineWindow *self = user_data;
  g_autoptr (InnMedium) network = inn_medium_new_network ();

  if (!self->creating)
    pick (self, network);
}

static void
set_creating (InnNewMachineWindow *self, gboolean creating)
{
  self->creating = creating;
  /* An entry that loses the focus by becoming insensitive does not notice (GTK 4.8). */
  if (creating)
    gtk_window_set_focus (GTK_WINDOW (self), NULL);
  gtk_widget_set_sensitive (GTK_WIDGET (self->summary_stack), !creating);
  gtk_stack_set_visible_child_name (self->create_stack, creating ? "spinner" : "label");
  gtk_spinner_set_spinning (self->create_spinner, creating);
  show_problem (self);
}

/* Only copying a disk takes long enough to tell. */
static void
on_progress (double fraction, gpointer user_data)
{
  InnNewMachineWindow *self = user_data;

  gtk_progress_bar_set_fraction (self->progress_bar, fraction);
  gtk_widget_set_visible (self->progress_box, TRUE);
}

static void
on_cancel (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  InnNewMachineWindow *self = user_data;

  g_cancellable_cancel (self->creation);
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (InnNewMachineWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  InnMachine *machine = inn_connection_create_finish (INN_CONNECTION (source), result, &error);

  set_creating (self, FALSE);
  if (machine == NULL)
    {
      gtk_widget_set_visible (self->progress_box, FALSE);
      refuse (self, error);
      return;
    }

  g_signal_emit (self, signals[CREATED], 0, machine);
  g_object_unref (machine);
  gtk_window_destroy (GTK_WINDOW (self));
}

static InnNewMachine *
collect (InnNewMachineWindow *self)
{
  InnNewMachine *machine = inn_new_machine_new ();
  InnMediumKind kind = get_kind (self);

  machine->name = g_strdup (gtk_editable_get_text (self->name_row));
  machine->medium = kind;
  machine->medium_path = g_strdup (inn_medium_get_path (self->medium));
  machine->memory = inn_size_row_get_value (self->memory_row);
  machine->vcpus = (guint)inn_size_row_get_value (self->vcpus_row);
  if (!inn_medium_kind_is_disk (kind))
    machine->disk_size = inn_size_row_get_value (self->disk_row);
  if (kind == INN_MEDIUM_KERNEL)
    {
      machine->initrd_path = g_strdup (self->initrd);
      machine->cmdline = g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->cmdline_row)));
    }
  else
    machine->firmware = (InnMachineFirmware)adw_combo_row_get_selected (self->firmware_row);

  return machine;
}

static void
on_create (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  InnNewMachineWindow *self = user_data;
  g_autoptr (InnNewMachine) machine = collect (self);

  machine->progress = on_progress;
  machine->progress_data = self;
  g_clear_object (&self->creation);
  self->creation = g_cancellable_new ();
  set_creating (self, TRUE);
  inn_connection_create_async (get_place (self), machine, self->creation, on_created,
                               g_object_ref (self));
}

static gboolean
on_drop (GtkDropTarget *target, const GValue *value, double x, double y, gpointer user_data)
{
  GFile *file = g_value_get_object (value);

  if (file == NULL)
    return FALSE;

  inn_new_machine_window_pick_file (user_data, file);
  return TRUE;
}

static void
on_search_changed (InnNewMachineWindow *self)
{
  gboolean searching = *gtk_editable_get_text (self->search_entry) != '\0';

  gtk_label_set_label (self->placeholder, searching ? _ ("No image has that in its name")
                                                    : _ ("No installation image in Downloads"));
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
  mark_picked_row (self);
}

static gboolean
contains (const char *text, const char *folded_search)
{
  g_autofree char *folded = g_utf8_casefold (text, -1);

  return strstr (folded, folded_search) != NULL;
}

static gboolean
matches_search (gpointer item, gpointer user_data)
{
  InnNewMachineWindow *self = user_data;
  g_autofree char *search = g_utf8_casefold (gtk_editable_get_text (self->search_entry), -1);
  g_autofree char *file = g_path_get_basename (inn_medium_get_path (item));

  return contains (inn_medium_get_name (item), search) || contains (file, search);
}

static GtkWidget *
create_row (gpointer item, gpointer user_data)
{
  return inn_medium_row_new (item, /* brief= */ FALSE);
}

static void
on_folded (InnNewMachineWindow *self)
{
  gboolean folded = adw_leaflet_get_folded (self->leaflet);

  adw_header_bar_set_show_end_title_buttons (self->media_header, folded);
  gtk_widget_set_visible (self->back_button, folded);
  gtk_widget_set_hexpand (self->summary_pane, folded);
  /* Alone, the pane may be narrower; what it gives up goes to the separator, which is out of sight
   * then, so that the width at which the window unfolds stays the same. */
  gtk_widget_set_size_request (self->summary_pane, folded ? NARROW_WIDTH : WIDE_WIDTH, -1);
  gtk_widget_set_size_request (self->separator, folded ? WIDE_WIDTH - NARROW_WIDTH : -1, -1);
}

static void
on_back_clicked (InnNewMachineWindow *self)
{
  adw_leaflet_set_visible_child (self->leaflet, self->media_pane);
}

static const GActionEntry action_entries[] = {
  { "choose-file", on_choose_file, NULL, NULL, NULL, { 0 } },
  { "choose-kernel", on_choose_kernel, NULL, NULL, NULL, { 0 } },
  { "choose-disk", on_choose_disk, NULL, NULL, NULL, { 0 } },
  { "boot-network", on_boot_network, NULL, NULL, NULL, { 0 } },
  { "choose-initrd", on_choose_initrd, NULL, NULL, NULL, { 0 } },
  { "create", on_create, NULL, NULL, NULL, { 0 } },
  { "cancel", on_cancel, NULL, NULL, NULL, { 0 } },
};

static void
inn_new_machine_window_dispose (GObject *object)
{
  InnNewMachineWindow *self = INN_NEW_MACHINE_WINDOW (object);

  g_cancellable_cancel (self->cancellable);
  g_cancellable_cancel (self->creation);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_clear_object (&self->medium);
  g_clear_object (&self->filter);
  g_clear_object (&self->found);
  g_clear_object (&self->places);
  g_clear_object (&self->actions);

  G_OBJECT_CLASS (inn_new_machine_window_parent_class)->dispose (object);
}

static void
inn_new_machine_window_finalize (GObject *object)
{
  InnNewMachineWindow *self = INN_NEW_MACHINE_WINDOW (object);

  g_clear_object (&self->cancellable);
  g_clear_object (&self->creation);
  g_free (self->initrd);
  g_free (self->refusal);

  G_OBJECT_CLASS (inn_new_machine_window_parent_class)->finalize (object);
}

static void
inn_new_machine_window_class_init (InnNewMachineWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = inn_new_machine_window_dispose;
  object_class->finalize = inn_new_machine_window_finalize;

  signals[CREATED] = g_signal_new ("created", INN_TYPE_NEW_MACHINE_WINDOW, G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 1, INN_TYPE_MACHINE);

  g_type_ensure (INN_TYPE_SIZE_ROW);
  g_type_ensure (INN_TYPE_SYSTEM_TILE);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/new-machine-window.ui");
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, media_pane);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, media_header);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, search_entry);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, media_list);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, placeholder);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, separator);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, summary_pane);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, back_button);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, summary_stack);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, tile);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, medium_label);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, description_label);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, name_row);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, initrd_row);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, cmdline_row);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, memory_row);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, vcpus_row);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, disk_row);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, firmware_row);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, place_row);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, problem_label);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, create_button);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, create_stack);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, create_spinner);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, progress_box);
  gtk_widget_class_bind_template_child (widget_class, InnNewMachineWindow, progress_bar);
  gtk_widget_class_bind_template_callback (widget_class, on_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_place_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_folded);
  gtk_widget_class_bind_template_callback (widget_class, on_back_clicked);
  gtk_widget_class_bind_template_callback (widget_class, update_create);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
inn_new_machine_window_init (InnNewMachineWindow *self)
{
  GtkDropTarget *drop = gtk_drop_target_new (G_TYPE_FILE, GDK_ACTION_COPY);
  GtkExpression *title;

  self->cancellable = g_cancellable_new ();
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), action_entries,
                                   G_N_ELEMENTS (action_entries), self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "wizard", G_ACTION_GROUP (self->actions));
  gtk_widget_init_template (GTK_WIDGET (self));

  title = gtk_property_expression_new (INN_TYPE_CONNECTION, NULL, "title");
  adw_combo_row_set_expression (self->place_row, title);
  gtk_expression_unref (title);
  g_signal_connect (drop, "drop", G_CALLBACK (on_drop), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drop));
}

static void
watch_places (InnNewMachineWindow *self)
{
  for (guint i = 0; i < g_list_model_get_n_items (self->places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (self->places, i);

      g_signal_connect_object (place, "notify::state", G_CALLBACK (on_places_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (place, "notify::speed-text", G_CALLBACK (on_places_changed), self,
                               G_CONNECT_SWAPPED);
    }
}

GtkWidget *
inn_new_machine_window_new (GtkWindow *parent, GListModel *places, InnFoundMedia *found)
{
  InnNewMachineWindow *self
      = g_object_new (INN_TYPE_NEW_MACHINE_WINDOW, "transient-for", parent, NULL);
  g_autoptr (GtkFilterListModel) shown = NULL;

  self->places = g_object_ref (places);
  self->found = g_object_ref (found);
  self->filter = GTK_FILTER (gtk_custom_filter_new (matches_search, self, NULL));
  shown = gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (found)),
                                     g_object_ref (self->filter));
  gtk_list_box_bind_model (self->media_list, G_LIST_MODEL (shown), create_row, NULL, NULL);
  inn_stack_show_only_name (self->summary_stack, "pick");
  inn_found_media_refresh (found);
  self->memory_total = inn_host_get_memory ();
  self->processors = inn_host_get_processors ();
  watch_places (self);
  on_places_changed (self);
  show_problem (self);

  return GTK_WIDGET (self);
}
