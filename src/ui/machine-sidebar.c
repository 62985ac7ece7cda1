/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sidebar: a tree of places and their machines, flattened into a list view.
 */
#include "config.h"

#include "ui/machine-sidebar.h"

#include <adwaita.h>

#include "model/connection.h"
#include "model/machine-list.h"
#include "ui/host-footer.h"
#include "ui/machine-row.h"
#include "ui/place-row.h"
#include "ui/stack.h"

struct _InnMachineSidebar
{
  GtkWidget parent_instance;

  AdwHeaderBar *header;
  GtkSearchBar *search_bar;
  GtkSearchEntry *search_entry;
  GtkStack *stack;
  GtkListView *list_view;

  GListModel *places;
  GHashTable *lists; /* InnConnection (borrowed from places) → its InnMachineList */
  GtkFilter *filter; /* of places: those with something to show */
  GtkSingleSelection *selection;
  InnMachine *selected;
  gboolean folded;
};

G_DEFINE_FINAL_TYPE (InnMachineSidebar, inn_machine_sidebar, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_SELECTED,
  N_PROPERTIES
};

enum
{
  ACTIVATED,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

static const char *
get_search (InnMachineSidebar *self)
{
  return gtk_editable_get_text (GTK_EDITABLE (self->search_entry));
}

/* Places out of reach are shown too, so that one can see why their machines are not. */
static gboolean
is_place_shown (gpointer item, gpointer user_data)
{
  InnMachineSidebar *self = user_data;
  GListModel *list = g_hash_table_lookup (self->lists, item);

  if (list != NULL && g_list_model_get_n_items (list) > 0)
    return TRUE;

  return *get_search (self) == '\0'
         && inn_connection_get_state (INN_CONNECTION (item)) == INN_CONNECTION_BROKEN;
}

static InnMachine *
get_machine_at (InnMachineSidebar *self, guint position)
{
  g_autoptr (GtkTreeListRow) row = g_list_model_get_item (G_LIST_MODEL (self->selection), position);
  g_autoptr (GObject) item = row != NULL ? gtk_tree_list_row_get_item (row) : NULL;

  /* Its place keeps it, so it may be borrowed. */
  return INN_IS_MACHINE (item) ? INN_MACHINE (item) : NULL;
}

/* Puts the mark on the row of the selected machine, when it has one. */
static void
sync_selection (InnMachineSidebar *self)
{
  guint n_rows = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  guint position = GTK_INVALID_LIST_POSITION;

  for (guint i = 0; self->selected != NULL && i < n_rows; i++)
    if (get_machine_at (self, i) == self->selected)
      position = i;

  if (self->folded)
    position = GTK_INVALID_LIST_POSITION;
  gtk_single_selection_set_selected (self->selection, position);
}

static void
update_rows (InnMachineSidebar *self)
{
  gboolean found;

  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
  found = g_list_model_get_n_items (G_LIST_MODEL (self->selection)) > 0;
  inn_stack_show_only_name (self->stack, found || *get_search (self) == '\0' ? "list" : "nothing");
  sync_selection (self);
}

static void
on_selection_changed (InnMachineSidebar *self)
{
  InnMachine *machine = get_machine_at (self, gtk_single_selection_get_selected (self->selection));

  /* A row that goes away takes the mark with it, not the choice. */
  if (machine != NULL)
    inn_machine_sidebar_set_selected (self, machine);
}

static void
on_search_changed (InnMachineSidebar *self)
{
  GHashTableIter iter;
  gpointer list;

  g_hash_table_iter_init (&iter, self->lists);
  while (g_hash_table_iter_next (&iter, NULL, &list))
    inn_machine_list_set_filter (list, get_search (self));
  update_rows (self);
}

/* Enter in the search takes the first machine found. */
static void
on_search_activated (InnMachineSidebar *self)
{
  guint n_rows = g_list_model_get_n_items (G_LIST_MODEL (self->selection));

  for (guint i = 0; i < n_rows; i++)
    if (get_machine_at (self, i) != NULL)
      {
        inn_machine_sidebar_set_selected (self, get_machine_at (self, i));
        gtk_search_bar_set_search_mode (self->search_bar, FALSE);
        return;
      }
}

static void
on_bind (InnMachineSidebar *self, GtkListItem *list_item)
{
  GtkTreeListRow *row = gtk_list_item_get_item (list_item);
  g_autoptr (GObject) item = gtk_tree_list_row_get_item (row);
  gboolean is_machine = INN_IS_MACHINE (item);

  gtk_list_item_set_selectable (list_item, is_machine);
  gtk_list_item_set_activatable (list_item, TRUE);
  gtk_list_item_set_child (list_item, is_machine ? inn_machine_row_new (INN_MACHINE (item))
                                                 : inn_place_row_new (row));
}

static void
on_unbind (InnMachineSidebar *self, GtkListItem *list_item)
{
  gtk_list_item_set_child (list_item, NULL);
}

static void
on_activate (InnMachineSidebar *self, guint position)
{
  g_autoptr (GtkTreeListRow) row = g_list_model_get_item (G_LIST_MODEL (self->selection), position);
  InnMachine *machine = get_machine_at (self, position);

  if (machine == NULL)
    gtk_tree_list_row_set_expanded (row, !gtk_tree_list_row_get_expanded (row));
  else
    g_signal_emit (self, signals[ACTIVATED], 0, machine);
}

static GListModel *
create_machines (gpointer item, gpointer user_data)
{
  InnMachineSidebar *self = user_data;
  GListModel *list = INN_IS_CONNECTION (item) ? g_hash_table_lookup (self->lists, item) : NULL;

  return list != NULL ? g_object_ref (list) : NULL;
}

static void
add_place (InnMachineSidebar *self, InnConnection *place)
{
  g_autoptr (GListStore) alone = g_list_store_new (INN_TYPE_CONNECTION);
  InnMachineList *list;

  g_list_store_append (alone, place);
  list = inn_machine_list_new (G_LIST_MODEL (alone));
  g_hash_table_insert (self->lists, place, list);
  g_signal_connect_object (list, "items-changed", G_CALLBACK (update_rows), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_object (place, "notify::state", G_CALLBACK (update_rows), self,
                           G_CONNECT_SWAPPED);
}

/* GTK 4.8 cannot be told which row of a list view gets the focus; its item widget can take it. */
static gboolean
focus_selected_row (InnMachineSidebar *self)
{
  for (GtkWidget *item = gtk_widget_get_first_child (GTK_WIDGET (self->list_view)); item != NULL;
       item = gtk_widget_get_next_sibling (item))
    {
      GtkWidget *row = gtk_widget_get_first_child (item);

      if (INN_IS_MACHINE_ROW (row)
          && inn_machine_row_get_machine (INN_MACHINE_ROW (row)) == self->selected)
        return gtk_widget_grab_focus (item);
    }

  return FALSE;
}

static gboolean
on_laid_out (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  focus_selected_row (INN_MACHINE_SIDEBAR (widget));
  return G_SOURCE_REMOVE;
}

/* The rows of a list that has just been filled exist only after the next layout. */
static gboolean
inn_machine_sidebar_grab_focus (GtkWidget *widget)
{
  if (!focus_selected_row (INN_MACHINE_SIDEBAR (widget)))
    gtk_widget_add_tick_callback (widget, on_laid_out, NULL, NULL);

  return TRUE;
}

static void
inn_machine_sidebar_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SELECTED)
    g_value_set_object (value, INN_MACHINE_SIDEBAR (object)->selected);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
inn_machine_sidebar_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SELECTED)
    inn_machine_sidebar_set_selected (INN_MACHINE_SIDEBAR (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
inn_machine_sidebar_dispose (GObject *object)
{
  InnMachineSidebar *self = INN_MACHINE_SIDEBAR (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_MACHINE_SIDEBAR);
  g_clear_object (&self->selection);
  g_clear_object (&self->filter);
  g_clear_pointer (&self->lists, g_hash_table_unref);
  g_clear_object (&self->places);
  g_clear_object (&self->selected);

  G_OBJECT_CLASS (inn_machine_sidebar_parent_class)->dispose (object);
}

static void
inn_machine_sidebar_class_init (InnMachineSidebarClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = inn_machine_sidebar_get_property;
  object_class->set_property = inn_machine_sidebar_set_property;
  object_class->dispose = inn_machine_sidebar_dispose;
  widget_class->grab_focus = inn_machine_sidebar_grab_focus;

  properties[PROP_SELECTED]
      = g_param_spec_object ("selected", NULL, NULL, INN_TYPE_MACHINE,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  signals[ACTIVATED] = g_signal_new ("activated", INN_TYPE_MACHINE_SIDEBAR, G_SIGNAL_RUN_LAST, 0,
                                     NULL, NULL, NULL, G_TYPE_NONE, 1, INN_TYPE_MACHINE);

  g_type_ensure (INN_TYPE_HOST_FOOTER);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/machine-sidebar.ui");
  gtk_widget_class_bind_template_child_full (widget_class, "footer", FALSE, 0);
  gtk_widget_class_bind_template_child (widget_class, InnMachineSidebar, header);
  gtk_widget_class_bind_template_child (widget_class, InnMachineSidebar, search_bar);
  gtk_widget_class_bind_template_child (widget_class, InnMachineSidebar, search_entry);
  gtk_widget_class_bind_template_child (widget_class, InnMachineSidebar, stack);
  gtk_widget_class_bind_template_child (widget_class, InnMachineSidebar, list_view);
  gtk_widget_class_bind_template_callback (widget_class, on_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_search_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_bind);
  gtk_widget_class_bind_template_callback (widget_class, on_unbind);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
}

static void
inn_machine_sidebar_init (InnMachineSidebar *self)
{
  self->lists = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_search_bar_connect_entry (self->search_bar, GTK_EDITABLE (self->search_entry));
  gtk_search_bar_set_key_capture_widget (self->search_bar, GTK_WIDGET (self->list_view));
}

void
inn_machine_sidebar_set_places (InnMachineSidebar *self, GListModel *places)
{
  GtkFilterListModel *shown;
  GtkTreeListModel *tree;

  g_return_if_fail (INN_IS_MACHINE_SIDEBAR (self));
  g_return_if_fail (self->places == NULL);

  self->places = g_object_ref (places);
  for (guint i = 0; i < g_list_model_get_n_items (places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (places, i);

      add_place (self, place);
    }

  self->filter = GTK_FILTER (gtk_custom_filter_new (is_place_shown, self, NULL));
  shown = gtk_filter_list_model_new (g_object_ref (places), g_object_ref (self->filter));
  tree = gtk_tree_list_model_new (G_LIST_MODEL (shown), /* passthrough= */ FALSE,
                                  /* autoexpand= */ TRUE, create_machines, self, NULL);
  self->selection = g_object_new (GTK_TYPE_SINGLE_SELECTION, "autoselect", FALSE, "can-unselect",
                                  TRUE, "model", tree, NULL);
  g_object_unref (tree);
  gtk_list_view_set_model (self->list_view, GTK_SELECTION_MODEL (self->selection));
  g_signal_connect_object (self->selection, "notify::selected", G_CALLBACK (on_selection_changed),
                           self, G_CONNECT_SWAPPED);
  update_rows (self);
}

void
inn_machine_sidebar_set_selected (InnMachineSidebar *self, InnMachine *machine)
{
  g_return_if_fail (INN_IS_MACHINE_SIDEBAR (self));
  g_return_if_fail (machine == NULL || INN_IS_MACHINE (machine));

  if (!g_set_object (&self->selected, machine))
    {
      /* Choosing the shown one again is a choice too: a folded window then turns to it. */
      if (self->folded && machine != NULL)
        {
          sync_selection (self);
          g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
        }
      return;
    }

  sync_selection (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

InnMachine *
inn_machine_sidebar_get_selected (InnMachineSidebar *self)
{
  g_return_val_if_fail (INN_IS_MACHINE_SIDEBAR (self), NULL);

  return self->selected;
}

void
inn_machine_sidebar_start_search (InnMachineSidebar *self)
{
  g_return_if_fail (INN_IS_MACHINE_SIDEBAR (self));

  gtk_search_bar_set_search_mode (self->search_bar, TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (self->search_entry));
}

void
inn_machine_sidebar_set_folded (InnMachineSidebar *self, gboolean folded)
{
  g_return_if_fail (INN_IS_MACHINE_SIDEBAR (self));

  self->folded = folded;
  adw_header_bar_set_show_end_title_buttons (self->header, folded);
  if (self->selection != NULL)
    sync_selection (self);
}
