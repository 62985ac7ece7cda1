/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The snapshots of a machine.
 */
#include "config.h"

#include "ui/snapshots-page.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/clone-window.h"
#include "ui/message.h"
#include "ui/snapshot-pane.h"
#include "ui/snapshot-row.h"
#include "ui/snapshot-text.h"
#include "ui/snapshot-tree.h"
#include "ui/snapshot-verbs.h"
#include "ui/stack.h"

#define ACTIVITY_DELAY_MS 300

/* A snapshot that looks deleted, and is when its note has gone. */
typedef struct
{
  InnSnapshotsPage *page;
  InnSnapshot *snapshot;
  AdwToast *toast;
} Deletion;

struct _InnSnapshotsPage
{
  GtkWidget parent_instance;

  GtkStack *stack;
  AdwStatusPage *empty_page;
  GtkWidget *first_button;
  AdwFlap *flap;
  GtkBox *bar;
  GtkWidget *take_button;
  GtkWidget *usage_box;
  GtkLabel *used_label;
  GtkLabel *free_label;
  GtkProgressBar *usage_bar;
  GtkWidget *activity_box;
  GtkSpinner *spinner;
  GtkLabel *activity_label;
  GtkListView *list_view;
  InnSnapshotPane *pane;

  InnMachine *machine;
  InnSnapshots *snapshots;
  InnSnapshotTree *tree;
  GtkSingleSelection *selection;
  InnSnapshot *selected;
  char *current;        /* the id when it was last looked at */
  GPtrArray *deletions; /* of Deletion */
  guint activity_delay; /* 0: none */
};

G_DEFINE_FINAL_TYPE (InnSnapshotsPage, inn_snapshots_page, GTK_TYPE_WIDGET)

/* ---- what is selected ---- */

static void
update_actions (InnSnapshotsPage *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  InnSnapshot *selected = self->selected;

  gtk_widget_action_set_enabled (widget, "snapshot.restore",
                                 selected != NULL
                                     && inn_snapshots_get_refusal (self->snapshots,
                                                                   INN_SNAPSHOT_RESTORE, selected)
                                            == NULL);
  gtk_widget_action_set_enabled (widget, "snapshot.rename",
                                 selected != NULL
                                     && inn_snapshots_get_refusal (self->snapshots,
                                                                   INN_SNAPSHOT_CHANGE, selected)
                                            == NULL);
  gtk_widget_action_set_enabled (widget, "snapshot.delete",
                                 selected != NULL
                                     && inn_snapshots_get_refusal (self->snapshots,
                                                                   INN_SNAPSHOT_DELETE, selected)
                                            == NULL);
  gtk_widget_action_set_enabled (widget, "snapshot.open", selected != NULL);
}

static void
show_selected (InnSnapshotsPage *self)
{
  inn_snapshot_pane_set_snapshot (self->pane, self->selected);
  update_actions (self);
}

static void
select_snapshot (InnSnapshotsPage *self, InnSnapshot *snapshot)
{
  const guint position = inn_snapshot_tree_find (self->tree, snapshot);

  if (position != G_MAXUINT)
    gtk_single_selection_set_selected (self->selection, position);
}

static void
on_selection_changed (InnSnapshotsPage *self)
{
  InnSnapshotNode *node = gtk_single_selection_get_selected_item (self->selection);
  InnSnapshot *snapshot = node != NULL ? inn_snapshot_node_get_snapshot (node) : NULL;

  if (snapshot == NULL)
    return;

  g_set_object (&self->selected, snapshot);
  show_selected (self);
}

/* Whether one was taken or restored since. */
static gboolean
has_moved (InnSnapshotsPage *self)
{
  const char *current = inn_snapshots_get_current (self->snapshots);

  if (g_strcmp0 (self->current, current) == 0)
    return FALSE;

  g_free (self->current);
  self->current = g_strdup (current);
  return TRUE;
}

/* The one that is selected, unless the present has moved to another; when it has gone, the one that
 * the present derives from; else the newest. */
static void
keep_selection (InnSnapshotsPage *self)
{
  const char *id = inn_snapshots_get_current (self->snapshots);
  InnSnapshot *current = inn_snapshots_find (self->snapshots, id);
  g_autoptr (InnSnapshotNode) newest = g_list_model_get_item (G_LIST_MODEL (self->tree), 1);
  const gboolean moved = has_moved (self);

  if (!moved && self->selected != NULL
      && inn_snapshot_tree_find (self->tree, self->selected) != G_MAXUINT)
    {
      show_selected (self);
      return;
    }

  if (current != NULL && inn_snapshot_tree_find (self->tree, current) != G_MAXUINT)
    select_snapshot (self, current);
  else if (newest != NULL)
    select_snapshot (self, inn_snapshot_node_get_snapshot (newest));
  else
    g_clear_object (&self->selected);
  show_selected (self);
}

/* ---- what there is ---- */

static void
update_usage (InnSnapshotsPage *self)
{
  const InnSnapshotSpace *space = inn_snapshots_get_space (self->snapshots);
  g_autofree char *used = inn_format_memory (space->used);
  g_autofree char *room = inn_format_memory (space->free);
  g_autofree char *used_text = g_strdup_printf (_ ("Snapshots use %s"), used);
  g_autofree char *free_text = g_strdup_printf (_ ("%s free"), room);

  gtk_widget_set_visible (self->usage_box, space->used > 0);
  gtk_label_set_label (self->used_label, used_text);
  gtk_label_set_label (self->free_label, free_text);
  gtk_widget_set_visible (GTK_WIDGET (self->free_label), space->free > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->usage_bar), space->free > 0);
  if (space->free > 0)
    gtk_progress_bar_set_fraction (self->usage_bar,
                                   (double)space->used / (double)(space->used + space->free));
}

static void
refuse (GtkWidget *button, const char *refusal)
{
  gtk_widget_set_sensitive (button, refusal == NULL);
  gtk_widget_set_tooltip_text (button,
                               refusal != NULL ? refusal : _ ("Take Snapshot (Ctrl+Shift+S)"));
  if (refusal != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                    refusal, -1);
  else
    gtk_accessible_reset_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION);
}

static void
update_taking (InnSnapshotsPage *self)
{
  const char *refusal = inn_snapshots_get_refusal (self->snapshots, INN_SNAPSHOT_TAKE, NULL);

  refuse (self->take_button, refusal);
  refuse (self->first_button, refusal);
  adw_status_page_set_description (
      self->empty_page, refusal != NULL
                            ? refusal
                            : _ ("A snapshot keeps this moment of the machine, so that you can go "
                                 "back to it. A guest runs on meanwhile."));
}

static void
update (InnSnapshotsPage *self)
{
  const gboolean any = g_list_model_get_n_items (G_LIST_MODEL (self->tree)) > 0;

  inn_stack_show_only_name (self->stack, any ? "tree" : "empty");
  update_usage (self);
  update_taking (self);
  keep_selection (self);
}

/* ---- what is under way ---- */

static void
hide_activity (InnSnapshotsPage *self)
{
  g_clear_handle_id (&self->activity_delay, g_source_remove);
  gtk_widget_hide (self->activity_box);
  gtk_spinner_stop (self->spinner);
}

static gboolean
on_activity_delay (gpointer user_data)
{
  InnSnapshotsPage *self = user_data;

  self->activity_delay = 0;
  gtk_widget_show (self->activity_box);
  gtk_spinner_start (self->spinner);
  return G_SOURCE_REMOVE;
}

/* What is over at once is not worth a word. */
static void
on_activity (InnSnapshotsPage *self)
{
  InnSnapshotOperation operation;
  InnSnapshot *snapshot = NULL;
  g_autofree char *text = NULL;

  if (!inn_snapshots_get_activity (self->snapshots, &operation, &snapshot))
    {
      hide_activity (self);
      return;
    }

  text
      = inn_snapshot_text_get_activity (operation,
                                        snapshot != NULL ? inn_snapshot_get_name (snapshot) : NULL);
  gtk_label_set_label (self->activity_label, text);
  if (self->activity_delay == 0 && !gtk_widget_get_visible (self->activity_box))
    self->activity_delay = g_timeout_add (ACTIVITY_DELAY_MS, on_activity_delay, self);
}

static void
on_cancel_clicked (InnSnapshotsPage *self)
{
  inn_snapshots_cancel (self->snapshots);
}

/* ---- deleting ---- */

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Deletion *deletion = user_data;
  InnSnapshotsPage *self = deletion->page;
  g_autoptr (GError) error = NULL;

  if (!inn_snapshots_delete_finish (INN_SNAPSHOTS (source), result, &error)
      && gtk_widget_get_root (GTK_WIDGET (self)) != NULL)
    {
      g_autofree char *heading
          = inn_snapshot_text_get_trouble (INN_SNAPSHOT_DELETE,
                                           inn_snapshot_get_name (deletion->snapshot));

      inn_message_show_error (GTK_WIDGET (self), heading, error);
    }

  /* Gone, or there as before. */
  if (self->tree != NULL)
    {
      inn_snapshot_tree_set_hidden (self->tree, deletion->snapshot, FALSE);
      update (self);
    }
  g_object_unref (deletion->snapshot);
  g_object_unref (self);
  g_free (deletion);
  g_application_release (g_application_get_default ());
}

/* Now it is really deleted. The program stays until it is, though its window may be closed. */
static void
carry_out (Deletion *deletion)
{
  InnSnapshotsPage *self = deletion->page;

  g_ptr_array_remove (self->deletions, deletion);
  g_signal_handlers_disconnect_by_data (deletion->toast, deletion);
  g_clear_object (&deletion->toast);
  g_object_ref (self);
  g_application_hold (g_application_get_default ());
  inn_snapshots_delete_async (self->snapshots, deletion->snapshot, NULL, on_deleted, deletion);
}

static void
on_note_gone (AdwToast *toast, gpointer user_data)
{
  carry_out (user_data);
}

static void
on_undo_clicked (AdwToast *toast, gpointer user_data)
{
  Deletion *deletion = user_data;
  InnSnapshotsPage *self = deletion->page;
  g_autoptr (InnSnapshot) snapshot = deletion->snapshot;

  g_ptr_array_remove (self->deletions, deletion);
  g_signal_handlers_disconnect_by_data (toast, deletion);
  g_object_unref (deletion->toast);
  g_free (deletion);
  inn_snapshot_tree_set_hidden (self->tree, snapshot, FALSE);
  update (self);
  select_snapshot (self, snapshot);
}

/* What is below it is selected next, so that one can go on. */
static void
select_neighbour (InnSnapshotsPage *self, guint position)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->tree));

  if (n > 1)
    gtk_single_selection_set_selected (self->selection, MIN (position, n - 1));
}

static void
delete_selected (GtkWidget *widget, const char *action, GVariant *parameter)
{
  InnSnapshotsPage *self = INN_SNAPSHOTS_PAGE (widget);
  const guint position = inn_snapshot_tree_find (self->tree, self->selected);
  g_autofree char *text
      = g_strdup_printf (_ ("“%s” deleted"), inn_snapshot_get_name (self->selected));
  Deletion *deletion = g_new0 (Deletion, 1);

  deletion->page = self;
  deletion->snapshot = g_object_ref (self->selected);
  deletion->toast = g_object_ref (inn_message_offer (widget, text, _ ("Undo")));
  g_ptr_array_add (self->deletions, deletion);
  g_signal_connect (deletion->toast, "button-clicked", G_CALLBACK (on_undo_clicked), deletion);
  g_signal_connect (deletion->toast, "dismissed", G_CALLBACK (on_note_gone), deletion);
  inn_snapshot_tree_set_hidden (self->tree, deletion->snapshot, TRUE);
  adw_flap_set_reveal_flap (self->flap, !adw_flap_get_folded (self->flap));
  select_neighbour (self, position);
  update (self);
}

/* ---- actions ---- */

static void
restore_selected (GtkWidget *widget, const char *action, GVariant *parameter)
{
  InnSnapshotsPage *self = INN_SNAPSHOTS_PAGE (widget);

  inn_snapshot_verbs_restore (self->snapshots, self->selected, widget);
}

static void
rename_selected (GtkWidget *widget, const char *action, GVariant *parameter)
{
  InnSnapshotsPage *self = INN_SNAPSHOTS_PAGE (widget);

  inn_snapshot_verbs_rename (self->snapshots, self->selected, widget);
}

static void
open_selected (GtkWidget *widget, const char *action, GVariant *parameter)
{
  InnSnapshotsPage *self = INN_SNAPSHOTS_PAGE (widget);

  inn_clone_window_present (self->machine, self->selected, widget);
}

static void
on_take_clicked (InnSnapshotsPage *self)
{
  inn_snapshot_verbs_take (self->snapshots, GTK_WIDGET (self));
}

/* ---- the list ---- */

static void
reveal_pane (InnSnapshotsPage *self)
{
  if (adw_flap_get_folded (self->flap) && self->selected != NULL)
    adw_flap_set_reveal_flap (self->flap, TRUE);
}

static void
on_row_clicked (InnSnapshotsPage *self, int n_press, double x, double y, GtkGesture *gesture)
{
  GtkWidget *row = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (gesture));

  if (g_object_get_data (G_OBJECT (row), "present") == NULL)
    reveal_pane (self);
}

static void
on_bind (InnSnapshotsPage *self, GtkListItem *item)
{
  InnSnapshotNode *node = gtk_list_item_get_item (item);
  const gboolean present = inn_snapshot_node_get_snapshot (node) == NULL;
  GtkWidget *row = inn_snapshot_row_new (node, self->machine);
  GtkGesture *click = gtk_gesture_click_new ();

  inn_snapshot_row_set_narrow (INN_SNAPSHOT_ROW (row), adw_flap_get_folded (self->flap));
  if (present)
    g_object_set_data (G_OBJECT (row), "present", GINT_TO_POINTER (TRUE));
  g_signal_connect_object (click, "released", G_CALLBACK (on_row_clicked), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (row, GTK_EVENT_CONTROLLER (click));
  gtk_list_item_set_selectable (item, !present);
  gtk_list_item_set_activatable (item, !present);
  gtk_list_item_set_child (item, row);
}

static void
on_unbind (InnSnapshotsPage *self, GtkListItem *item)
{
  gtk_list_item_set_child (item, NULL);
}

static void
set_rows_narrow (InnSnapshotsPage *self, gboolean narrow)
{
  for (GtkWidget *item = gtk_widget_get_first_child (GTK_WIDGET (self->list_view)); item != NULL;
       item = gtk_widget_get_next_sibling (item))
    {
      GtkWidget *row = gtk_widget_get_first_child (item);

      if (INN_IS_SNAPSHOT_ROW (row))
        inn_snapshot_row_set_narrow (INN_SNAPSHOT_ROW (row), narrow);
    }
}

static void
on_folded (InnSnapshotsPage *self)
{
  const gboolean folded = adw_flap_get_folded (self->flap);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->bar),
                                  folded ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
  inn_snapshot_pane_set_folded (self->pane, folded);
  set_rows_narrow (self, folded);
}

static void
on_revealed (InnSnapshotsPage *self)
{
  inn_snapshot_pane_set_shown (self->pane, adw_flap_get_reveal_flap (self->flap)
                                               || adw_flap_get_reveal_progress (self->flap) > 0);
}

static void
on_pane_closed (InnSnapshotsPage *self)
{
  adw_flap_set_reveal_flap (self->flap, FALSE);
  gtk_widget_grab_focus (GTK_WIDGET (self->list_view));
}

static void
inn_snapshots_page_dispose (GObject *object)
{
  InnSnapshotsPage *self = INN_SNAPSHOTS_PAGE (object);

  g_clear_handle_id (&self->activity_delay, g_source_remove);
  while (self->deletions->len > 0)
    carry_out (g_ptr_array_index (self->deletions, 0));
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_SNAPSHOTS_PAGE);
  g_clear_object (&self->selection);
  g_clear_object (&self->tree);
  g_clear_object (&self->selected);
  g_clear_object (&self->snapshots);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_snapshots_page_parent_class)->dispose (object);
}

static void
inn_snapshots_page_finalize (GObject *object)
{
  g_ptr_array_unref (INN_SNAPSHOTS_PAGE (object)->deletions);
  g_free (INN_SNAPSHOTS_PAGE (object)->current);

  G_OBJECT_CLASS (inn_snapshots_page_parent_class)->finalize (object);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/snapshots-page.ui");
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, stack);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, empty_page);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, first_button);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, flap);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, bar);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, take_button);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, usage_box);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, used_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, free_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, usage_bar);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, activity_box);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, spinner);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, activity_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, list_view);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotsPage, pane);
  gtk_widget_class_bind_template_callback (widget_class, on_take_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_bind);
  gtk_widget_class_bind_template_callback (widget_class, on_unbind);
  gtk_widget_class_bind_template_callback (widget_class, reveal_pane);
  gtk_widget_class_bind_template_callback (widget_class, on_folded);
  gtk_widget_class_bind_template_callback (widget_class, on_revealed);
  gtk_widget_class_bind_template_callback (widget_class, on_pane_closed);
}

static void
inn_snapshots_page_class_init (InnSnapshotsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_snapshots_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = inn_snapshots_page_finalize;

  g_type_ensure (INN_TYPE_SNAPSHOT_PANE);
  bind_template (widget_class);
  gtk_widget_class_install_action (widget_class, "snapshot.restore", NULL, restore_selected);
  gtk_widget_class_install_action (widget_class, "snapshot.open", NULL, open_selected);
  gtk_widget_class_install_action (widget_class, "snapshot.rename", NULL, rename_selected);
  gtk_widget_class_install_action (widget_class, "snapshot.delete", NULL, delete_selected);
}

static void
inn_snapshots_page_init (InnSnapshotsPage *self)
{
  self->deletions = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

void
inn_snapshots_page_set_machine (InnSnapshotsPage *self, InnMachine *machine)
{
  g_return_if_fail (INN_IS_SNAPSHOTS_PAGE (self));
  g_return_if_fail (self->machine == NULL);

  self->machine = g_object_ref (machine);
  self->snapshots = g_object_ref (inn_machine_get_snapshots (machine));
  self->tree = inn_snapshot_tree_new (self->snapshots);
  self->selection = g_object_new (GTK_TYPE_SINGLE_SELECTION, "autoselect", FALSE, "can-unselect",
                                  TRUE, "model", self->tree, NULL);
  inn_snapshot_pane_set_snapshots (self->pane, self->snapshots);
  gtk_list_view_set_model (self->list_view, GTK_SELECTION_MODEL (self->selection));
  g_signal_connect_object (self->selection, "notify::selected-item",
                           G_CALLBACK (on_selection_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->snapshots, "updated", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_object (self->snapshots, "activity", G_CALLBACK (on_activity), self,
                           G_CONNECT_SWAPPED);
  /* What can be done may depend on it. */
  g_signal_connect_object (machine, "notify::state", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (machine, "notify::kind", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  on_revealed (self);
  update (self);
  on_activity (self);
}
