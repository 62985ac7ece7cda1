/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main window.
 */
#include "config.h"

#include "ui/window.h"

#include <glib/gi18n.h>

#include "model/connection.h"
#include "model/machine-list.h"
#include "ui/empty-page.h"
#include "ui/found-media.h"
#include "ui/machine-actions.h"
#include "ui/machine-page.h"
#include "ui/machine-sidebar.h"
#include "ui/medium.h"
#include "ui/new-machine-window.h"
#include "ui/stack.h"
#include "ui/window-state.h"

#define TOAST_SECONDS 5

struct _InnWindow
{
  AdwApplicationWindow parent_instance;

  AdwToastOverlay *toasts;
  GtkStack *stack;
  InnEmptyPage *empty_page;
  AdwLeaflet *leaflet;
  InnMachineSidebar *sidebar;
  GtkWidget *separator;
  GtkStack *pages;

  GListModel *places;
  InnMachineList *machines; /* of all places */
  InnFoundMedia *found;
  GHashTable *page_of;  /* InnMachine → its InnMachinePage, borrowed from the stack */
  char *wanted_machine; /* the id of the one shown last time, until it is there */
};

G_DEFINE_FINAL_TYPE (InnWindow, inn_window, ADW_TYPE_APPLICATION_WINDOW)

static InnMachinePage *
get_current_page (InnWindow *self)
{
  GtkWidget *page = gtk_stack_get_visible_child (self->pages);

  return INN_IS_MACHINE_PAGE (page) ? INN_MACHINE_PAGE (page) : NULL;
}

static InnMachinePage *
ensure_page (InnWindow *self, InnMachine *machine)
{
  GtkWidget *page = g_hash_table_lookup (self->page_of, machine);

  if (page == NULL)
    {
      page = inn_machine_page_new (machine);
      inn_machine_page_set_folded (INN_MACHINE_PAGE (page), adw_leaflet_get_folded (self->leaflet));
      gtk_stack_add_child (self->pages, page);
      g_hash_table_insert (self->page_of, machine, page);
    }

  return INN_MACHINE_PAGE (page);
}

/* The shown machine's actions are the window's, so that keys work wherever the focus is. */
static void
show_machine (InnWindow *self, InnMachine *machine)
{
  InnMachinePage *page = ensure_page (self, machine);

  inn_stack_show_only (self->pages, GTK_WIDGET (page));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "machine",
                                  inn_machine_page_get_machine_actions (page));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "console",
                                  inn_machine_page_get_console_actions (page));
  gtk_window_set_title (GTK_WINDOW (self), inn_machine_get_name (machine));
}

static void
on_selected (InnWindow *self)
{
  InnMachine *machine = inn_machine_sidebar_get_selected (self->sidebar);

  if (machine == NULL)
    return;

  g_clear_pointer (&self->wanted_machine, g_free);
  show_machine (self, machine);
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->pages));
}

/* Enter: start what is off, otherwise go to the guest. */
static void
on_activated (InnWindow *self, InnMachine *machine)
{
  inn_machine_sidebar_set_selected (self->sidebar, machine);
  if (inn_machine_can (machine, INN_OPERATION_START, NULL))
    gtk_widget_activate_action (GTK_WIDGET (self),
                                inn_machine_get_state (machine) == INN_MACHINE_SAVED
                                    ? "machine.resume"
                                    : "machine.start",
                                NULL);
  inn_machine_page_focus_console (ensure_page (self, machine));
}

static gboolean
is_listed (InnWindow *self, InnMachine *machine)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->machines)); i++)
    {
      g_autoptr (InnMachine) listed = g_list_model_get_item (G_LIST_MODEL (self->machines), i);

      if (listed == machine)
        return TRUE;
    }

  return FALSE;
}

static void
drop_pages_of_gone (InnWindow *self)
{
  GHashTableIter iter;
  gpointer machine, page;

  g_hash_table_iter_init (&iter, self->page_of);
  while (g_hash_table_iter_next (&iter, &machine, &page))
    if (!is_listed (self, machine))
      {
        g_hash_table_iter_remove (&iter);
        gtk_stack_remove (self->pages, page);
      }
}

/* The one shown last time if it is there, else the first; a folded window shows the list. */
static void
select_something (InnWindow *self)
{
  g_autoptr (InnMachine) machine = NULL;
  g_autofree char *wanted = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->machines)); i++)
    {
      g_autoptr (InnMachine) listed = g_list_model_get_item (G_LIST_MODEL (self->machines), i);

      if (machine == NULL || g_strcmp0 (inn_machine_get_id (listed), self->wanted_machine) == 0)
        g_set_object (&machine, listed);
    }
  if (machine == NULL)
    return;

  if (adw_leaflet_get_folded (self->leaflet))
    {
      show_machine (self, machine);
      return;
    }
  /* It was not the user's choice: what was shown last may still turn up. */
  wanted = g_steal_pointer (&self->wanted_machine);
  inn_machine_sidebar_set_selected (self->sidebar, machine);
  if (g_strcmp0 (inn_machine_get_id (machine), wanted) != 0)
    self->wanted_machine = g_steal_pointer (&wanted);
  gtk_widget_grab_focus (GTK_WIDGET (self->sidebar));
}

static void
on_machines_changed (InnWindow *self)
{
  InnMachine *selected = inn_machine_sidebar_get_selected (self->sidebar);
  gboolean any = g_list_model_get_n_items (G_LIST_MODEL (self->machines)) > 0;
  gboolean gone = selected != NULL && !is_listed (self, selected);

  inn_stack_show_only_name (self->stack, any ? "machines" : "empty");
  if (gone)
    {
      inn_machine_sidebar_set_selected (self->sidebar, NULL);
      adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->sidebar));
    }
  drop_pages_of_gone (self);
  if (inn_machine_sidebar_get_selected (self->sidebar) == NULL || self->wanted_machine != NULL)
    select_something (self);
}

static void
on_turned (InnWindow *self)
{
  gboolean at_list = adw_leaflet_get_visible_child (self->leaflet) == GTK_WIDGET (self->sidebar);

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.back",
                                 !at_list && adw_leaflet_get_folded (self->leaflet));
}

static void
on_folded (InnWindow *self)
{
  gboolean folded = adw_leaflet_get_folded (self->leaflet);
  GHashTableIter iter;
  gpointer page;

  inn_machine_sidebar_set_folded (self->sidebar, folded);
  gtk_widget_set_hexpand (GTK_WIDGET (self->sidebar), folded);
  g_hash_table_iter_init (&iter, self->page_of);
  while (g_hash_table_iter_next (&iter, NULL, &page))
    inn_machine_page_set_folded (page, folded);
  on_turned (self);
}

static void
on_machine_created (InnWindow *self, InnMachine *machine)
{
  inn_machine_sidebar_set_selected (self->sidebar, machine);
  gtk_widget_activate_action (GTK_WIDGET (self), "machine.start", NULL);
  inn_machine_page_focus_console (ensure_page (self, machine));
}

static InnNewMachineWindow *
open_wizard (InnWindow *self)
{
  GtkWidget *wizard = inn_new_machine_window_new (GTK_WINDOW (self), self->places, self->found);

  g_signal_connect_object (wizard, "created", G_CALLBACK (on_machine_created), self,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (wizard));

  return INN_NEW_MACHINE_WINDOW (wizard);
}

void
inn_window_make_machine (InnWindow *self, GFile *file)
{
  InnNewMachineWindow *wizard;

  g_return_if_fail (INN_IS_WINDOW (self));

  wizard = open_wizard (self);
  if (file != NULL)
    inn_new_machine_window_pick_file (wizard, file);
}

static void
on_medium_picked (InnWindow *self, InnMedium *medium)
{
  g_autoptr (GFile) file = g_file_new_for_path (inn_medium_get_path (medium));

  inn_window_make_machine (self, file);
}

static void
new_machine (GtkWidget *widget, const char *action, GVariant *parameter)
{
  inn_window_make_machine (INN_WINDOW (widget), NULL);
}

static void
open_file (GtkWidget *widget, const char *action, GVariant *parameter)
{
  inn_new_machine_window_choose_file (open_wizard (INN_WINDOW (widget)));
}

static void
search (GtkWidget *widget, const char *action, GVariant *parameter)
{
  InnWindow *self = INN_WINDOW (widget);

  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->sidebar));
  gtk_widget_show (GTK_WIDGET (self->sidebar));
  inn_machine_sidebar_start_search (self->sidebar);
}

static void
go_back (GtkWidget *widget, const char *action, GVariant *parameter)
{
  adw_leaflet_navigate (INN_WINDOW (widget)->leaflet, ADW_NAVIGATION_DIRECTION_BACK);
}

static void
toggle_sidebar (GtkWidget *widget, const char *action, GVariant *parameter)
{
  InnWindow *self = INN_WINDOW (widget);
  gboolean shown = gtk_widget_get_visible (GTK_WIDGET (self->sidebar));

  if (adw_leaflet_get_folded (self->leaflet))
    {
      adw_leaflet_set_visible_child (self->leaflet, adw_leaflet_get_visible_child (self->leaflet)
                                                            == GTK_WIDGET (self->sidebar)
                                                        ? GTK_WIDGET (self->pages)
                                                        : GTK_WIDGET (self->sidebar));
      return;
    }

  gtk_widget_set_visible (GTK_WIDGET (self->sidebar), !shown);
  gtk_widget_set_visible (self->separator, !shown);
}

static void
show_page (GtkWidget *widget, const char *action, GVariant *parameter)
{
  InnMachinePage *page = get_current_page (INN_WINDOW (widget));

  if (page != NULL)
    inn_machine_page_show_page (page, (guint)g_variant_get_int32 (parameter));
}

static void
toggle_fullscreen (GtkWidget *widget, const char *action, GVariant *parameter)
{
  if (gtk_window_is_fullscreen (GTK_WINDOW (widget)))
    gtk_window_unfullscreen (GTK_WINDOW (widget));
  else if (get_current_page (INN_WINDOW (widget)) != NULL)
    gtk_window_fullscreen (GTK_WINDOW (widget));
}

static void
on_fullscreened (InnWindow *self)
{
  gboolean fullscreen = gtk_window_is_fullscreen (GTK_WINDOW (self));
  InnMachinePage *page = get_current_page (self);

  gtk_widget_set_visible (GTK_WIDGET (self->sidebar), !fullscreen);
  gtk_widget_set_visible (self->separator, !fullscreen);
  if (page != NULL)
    inn_machine_page_set_fullscreen (page, fullscreen);
}

static InnMachine *
find_machine (InnWindow *self, const char *id)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->machines)); i++)
    {
      g_autoptr (InnMachine) listed = g_list_model_get_item (G_LIST_MODEL (self->machines), i);

      if (g_str_equal (inn_machine_get_id (listed), id))
        return listed; /* its place keeps it */
    }
  return NULL;
}

/* One that its place does not tell of yet is shown when it does. */
static void
show_machine_of_id (GtkWidget *widget, const char *action, GVariant *parameter)
{
  InnWindow *self = INN_WINDOW (widget);
  const char *id = g_variant_get_string (parameter, NULL);
  InnMachine *machine = find_machine (self, id);

  if (machine != NULL)
    {
      inn_machine_sidebar_set_selected (self->sidebar, machine);
      return;
    }
  g_free (self->wanted_machine);
  self->wanted_machine = g_strdup (id);
}

static void
toast (GtkWidget *widget, const char *action, GVariant *parameter)
{
  /* The title of a toast is markup. */
  g_autofree char *plain = g_markup_escape_text (g_variant_get_string (parameter, NULL), -1);
  AdwToast *note = adw_toast_new (plain);

  adw_toast_set_timeout (note, TOAST_SECONDS);
  adw_toast_overlay_add_toast (INN_WINDOW (widget)->toasts, note);
}

static gboolean
inn_window_close_request (GtkWindow *window)
{
  InnMachine *shown = inn_machine_sidebar_get_selected (INN_WINDOW (window)->sidebar);

  inn_window_state_save (window, shown != NULL ? inn_machine_get_id (shown) : NULL);
  return GTK_WINDOW_CLASS (inn_window_parent_class)->close_request (window);
}

static void
inn_window_dispose (GObject *object)
{
  InnWindow *self = INN_WINDOW (object);

  /* Before its children go: they tell of that, too. */
  if (self->machines != NULL)
    g_signal_handlers_disconnect_by_data (self->machines, self);
  if (self->leaflet != NULL)
    g_signal_handlers_disconnect_by_data (self->leaflet, self);
  g_clear_object (&self->machines);
  g_hash_table_remove_all (self->page_of);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_WINDOW);
  g_clear_object (&self->found);
  g_clear_object (&self->places);

  G_OBJECT_CLASS (inn_window_parent_class)->dispose (object);
}

static void
inn_window_finalize (GObject *object)
{
  InnWindow *self = INN_WINDOW (object);

  g_hash_table_unref (self->page_of);
  g_free (self->wanted_machine);

  G_OBJECT_CLASS (inn_window_parent_class)->finalize (object);
}

static void
inn_window_class_init (InnWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = inn_window_dispose;
  object_class->finalize = inn_window_finalize;
  GTK_WINDOW_CLASS (klass)->close_request = inn_window_close_request;

  g_type_ensure (INN_TYPE_EMPTY_PAGE);
  g_type_ensure (INN_TYPE_MACHINE_SIDEBAR);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/window.ui");
  gtk_widget_class_bind_template_child (widget_class, InnWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, InnWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, InnWindow, empty_page);
  gtk_widget_class_bind_template_child (widget_class, InnWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, InnWindow, sidebar);
  gtk_widget_class_bind_template_child (widget_class, InnWindow, separator);
  gtk_widget_class_bind_template_child (widget_class, InnWindow, pages);
  gtk_widget_class_bind_template_callback (widget_class, on_medium_picked);
  gtk_widget_class_bind_template_callback (widget_class, on_folded);
  gtk_widget_class_bind_template_callback (widget_class, on_turned);
  gtk_widget_class_bind_template_callback (widget_class, on_selected);
  gtk_widget_class_bind_template_callback (widget_class, on_activated);

  gtk_widget_class_install_action (widget_class, "win.new-machine", NULL, new_machine);
  gtk_widget_class_install_action (widget_class, "win.open-file", NULL, open_file);
  gtk_widget_class_install_action (widget_class, "win.search", NULL, search);
  gtk_widget_class_install_action (widget_class, "win.back", NULL, go_back);
  gtk_widget_class_install_action (widget_class, "win.toggle-sidebar", NULL, toggle_sidebar);
  gtk_widget_class_install_action (widget_class, "win.show-page", "i", show_page);
  gtk_widget_class_install_action (widget_class, "win.fullscreen", NULL, toggle_fullscreen);
  gtk_widget_class_install_action (widget_class, "win.show-machine", "s", show_machine_of_id);
  gtk_widget_class_install_action (widget_class, "win.toast", "s", toast);
}

static void
inn_window_init (InnWindow *self)
{
  self->page_of = g_hash_table_new (NULL, NULL);
  self->found = inn_found_media_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect (self, "notify::fullscreened", G_CALLBACK (on_fullscreened), NULL);
}

GtkWidget *
inn_window_new (AdwApplication *application, GListModel *places)
{
  InnWindow *self = g_object_new (INN_TYPE_WINDOW, "application", application, NULL);

  self->places = g_object_ref (places);
  self->machines = inn_machine_list_new (places);
  self->wanted_machine = inn_window_state_get_machine_id ();
  inn_window_state_restore (GTK_WINDOW (self));

  inn_found_media_refresh (self->found);
  inn_empty_page_set_models (self->empty_page, places, self->found);
  inn_machine_sidebar_set_places (self->sidebar, places);
  g_signal_connect_object (self->machines, "items-changed", G_CALLBACK (on_machines_changed), self,
                           G_CONNECT_SWAPPED);
  on_machines_changed (self);
  on_folded (self);

  return GTK_WIDGET (self);
}
