/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One machine.
 */
#include "config.h"

#include "ui/machine-page.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "model/connection.h"
#include "ui/banner.h"
#include "ui/console-page.h"
#include "ui/hardware-page.h"
#include "ui/hover-bar.h"
#include "ui/machine-actions.h"
#include "ui/machine-verbs.h"
#include "ui/message.h"
#include "ui/performance-page.h"
#include "ui/snapshot-text.h"
#include "ui/snapshots-page.h"
#include "ui/state-text.h"

#define SUBTITLE_SECONDS 20
#define CLONE_DELAY_MS   300

struct _InnMachinePage
{
  GtkWidget parent_instance;

  GtkWidget *bars;
  AdwHeaderBar *header;
  AdwWindowTitle *title;
  GtkWidget *back_button;
  InnMachineVerbs *verbs;
  GtkWidget *menu_button;
  GtkWidget *snapshot_button;
  GtkWidget *fullscreen_button;
  GtkWidget *tabs;
  InnBanner *banner;
  AdwViewStack *stack;
  InnConsolePage *console_page;
  InnPerformancePage *performance_page;
  InnHardwarePage *hardware_page;
  InnSnapshotsPage *snapshots_page;
  AdwViewSwitcherBar *switcher_bar;
  InnHoverBar *hover_bar;

  InnMachine *machine;
  InnConnection *place;
  GActionGroup *machine_actions;
  gboolean slowness_read; /* the warning was closed */
  gboolean folded;
  gboolean fullscreen;
  gint64 clone_began; /* g_get_monotonic_time(); 0: none is under way */
  guint clone_delay;
  guint timeout; /* while mapped */
};

G_DEFINE_FINAL_TYPE (InnMachinePage, inn_machine_page, GTK_TYPE_WIDGET)

static void
update_title (InnMachinePage *self)
{
  const char *name = inn_machine_get_name (self->machine);
  g_autofree char *subtitle
      = inn_state_text_get_subtitle (inn_machine_get_state (self->machine),
                                     inn_machine_get_kind (self->machine),
                                     inn_machine_is_emulated (self->machine),
                                     inn_machine_get_changed_time (self->machine),
                                     g_get_real_time ());

  adw_window_title_set_title (self->title, name);
  adw_window_title_set_subtitle (self->title, subtitle);
  inn_hover_bar_set_title (self->hover_bar, name);
}

static void
present_no_space (InnMachinePage *self)
{
  const char *status = inn_machine_get_status_text (self->machine);
  g_autofree char *title = g_strdup_printf (_ ("%s is paused: the disk of this computer is full"),
                                            inn_machine_get_name (self->machine));

  inn_banner_present (self->banner, INN_BANNER_ERROR, title,
                      status != NULL ? status
                                     : _ ("Nothing is lost. Free some space, then press Resume."),
                      _ ("Free Up Space…"), /* closable= */ FALSE);
}

static void
present_broken (InnMachinePage *self)
{
  g_autofree char *title
      = g_strdup_printf (_ ("%s is out of reach"), inn_connection_get_title (self->place));

  inn_banner_present (self->banner, INN_BANNER_ERROR, title,
                      inn_connection_get_message (self->place), _ ("Reconnect"),
                      /* closable= */ FALSE);
}

static void
present_slow (InnMachinePage *self)
{
  inn_banner_present (self->banner, INN_BANNER_WARNING,
                      _ ("Machines run in software here and are slow"),
                      inn_connection_get_speed_text (self->place), NULL, /* closable= */ TRUE);
}

static void
present_cloning (InnMachinePage *self)
{
  const double fraction
      = inn_snapshots_get_clone_progress (inn_machine_get_snapshots (self->machine));
  const double seconds = (double)(g_get_monotonic_time () - self->clone_began) / G_USEC_PER_SEC;
  g_autofree char *text = inn_snapshot_text_get_clone_progress (fraction, seconds);

  inn_banner_present (self->banner, INN_BANNER_COPY, _ ("This machine is being cloned"), text,
                      _ ("Cancel"), /* closable= */ FALSE);
}

static void
present_disposable (InnMachinePage *self)
{
  inn_banner_present (self->banner, INN_BANNER_DISPOSABLE,
                      _ ("What this machine changes is thrown away when it ends"),
                      _ ("Its disks, and what was saved, stay as they were when it was started."),
                      NULL, /* closable= */ FALSE);
}

/* What is over at once is not worth a word. */
static gboolean
is_cloning (InnMachinePage *self)
{
  return self->clone_began != 0 && self->clone_delay == 0;
}

static gboolean
is_broken (InnMachinePage *self)
{
  return inn_connection_get_state (self->place) == INN_CONNECTION_BROKEN;
}

/* One message at a time, the gravest first. */
static void
update_banner (InnMachinePage *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);

  if (is_broken (self))
    present_broken (self);
  else if (state == INN_MACHINE_NO_SPACE)
    present_no_space (self);
  else if (is_cloning (self))
    present_cloning (self);
  else if (inn_machine_get_kind (self->machine) == INN_MACHINE_DISPOSABLE)
    present_disposable (self);
  else if (inn_machine_is_emulated (self->machine) && inn_machine_state_is_active (state)
           && !self->slowness_read)
    present_slow (self);
  else
    inn_banner_dismiss (self->banner);
}

static gboolean
on_clone_delay (gpointer user_data)
{
  InnMachinePage *self = user_data;

  self->clone_delay = 0;
  update_banner (self);
  return G_SOURCE_REMOVE;
}

static void
on_clone_activity (InnMachinePage *self)
{
  const gboolean cloning
      = inn_snapshots_get_clone_progress (inn_machine_get_snapshots (self->machine)) >= 0;

  if (cloning && self->clone_began == 0)
    {
      self->clone_began = g_get_monotonic_time ();
      self->clone_delay = g_timeout_add (CLONE_DELAY_MS, on_clone_delay, self);
    }
  if (!cloning)
    {
      self->clone_began = 0;
      g_clear_handle_id (&self->clone_delay, g_source_remove);
    }
  update_banner (self);
}

static void
on_banner_clicked (InnMachinePage *self)
{
  g_autoptr (GFile) home = NULL;
  g_autofree char *uri = NULL;

  if (is_broken (self))
    {
      inn_connection_open (self->place);
      return;
    }
  if (inn_machine_get_state (self->machine) != INN_MACHINE_NO_SPACE)
    {
      inn_snapshots_cancel_clone (inn_machine_get_snapshots (self->machine));
      return;
    }

  home = g_file_new_for_path (g_get_home_dir ());
  uri = g_file_get_uri (home);
  gtk_show_uri (inn_message_get_window (GTK_WIDGET (self)), uri, GDK_CURRENT_TIME);
}

static void
on_banner_closed (InnMachinePage *self)
{
  self->slowness_read = TRUE;
}

static void
on_machine_changed (InnMachinePage *self)
{
  update_title (self);
  update_banner (self);
}

static gboolean
on_timeout (gpointer user_data)
{
  update_title (user_data);
  return G_SOURCE_CONTINUE;
}

static void
update_layout (InnMachinePage *self)
{
  gtk_widget_set_visible (self->bars, !self->fullscreen);
  gtk_widget_set_visible (self->back_button, self->folded);
  gtk_widget_set_visible (GTK_WIDGET (self->verbs), !self->folded);
  gtk_widget_set_visible (self->snapshot_button, !self->folded);
  gtk_widget_set_visible (self->fullscreen_button, !self->folded);
  gtk_widget_set_visible (self->tabs, !self->folded);
  adw_view_switcher_bar_set_reveal (self->switcher_bar, self->folded && !self->fullscreen);
  adw_header_bar_set_show_end_title_buttons (self->header, !self->folded);
  gtk_widget_set_visible (GTK_WIDGET (self->banner), !self->fullscreen);
}

/* The keyboard goes to where special keys can be sent from, or the way out of fullscreen is. */
static void
on_released (InnMachinePage *self)
{
  if (self->fullscreen)
    inn_hover_bar_set_active (self->hover_bar, TRUE);
  else
    gtk_widget_grab_focus (self->menu_button);
}

static void
on_motion (InnMachinePage *self, double x, double y)
{
  if (self->fullscreen)
    inn_hover_bar_track_pointer (self->hover_bar, y);
}

static void
inn_machine_page_map (GtkWidget *widget)
{
  InnMachinePage *self = INN_MACHINE_PAGE (widget);

  GTK_WIDGET_CLASS (inn_machine_page_parent_class)->map (widget);
  update_title (self);
  self->timeout = g_timeout_add_seconds (SUBTITLE_SECONDS, on_timeout, self);
}

static void
inn_machine_page_unmap (GtkWidget *widget)
{
  g_clear_handle_id (&INN_MACHINE_PAGE (widget)->timeout, g_source_remove);
  GTK_WIDGET_CLASS (inn_machine_page_parent_class)->unmap (widget);
}

static void
inn_machine_page_dispose (GObject *object)
{
  InnMachinePage *self = INN_MACHINE_PAGE (object);

  g_clear_handle_id (&self->timeout, g_source_remove);
  g_clear_handle_id (&self->clone_delay, g_source_remove);
  /* Before its pages go: what they begin then is nothing to show any more. */
  if (self->machine != NULL)
    g_signal_handlers_disconnect_by_data (inn_machine_get_snapshots (self->machine), self);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_MACHINE_PAGE);
  g_clear_object (&self->machine_actions);
  g_clear_object (&self->place);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_machine_page_parent_class)->dispose (object);
}

static void
inn_machine_page_class_init (InnMachinePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_machine_page_dispose;
  widget_class->map = inn_machine_page_map;
  widget_class->unmap = inn_machine_page_unmap;

  g_type_ensure (INN_TYPE_BANNER);
  g_type_ensure (INN_TYPE_CONSOLE_PAGE);
  g_type_ensure (INN_TYPE_HARDWARE_PAGE);
  g_type_ensure (INN_TYPE_HOVER_BAR);
  g_type_ensure (INN_TYPE_MACHINE_VERBS);
  g_type_ensure (INN_TYPE_PERFORMANCE_PAGE);
  g_type_ensure (INN_TYPE_SNAPSHOTS_PAGE);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/machine-page.ui");
  gtk_widget_class_bind_template_child_full (widget_class, "overlay", FALSE, 0);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, bars);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, header);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, title);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, back_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, verbs);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, menu_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, snapshot_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, fullscreen_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, tabs);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, banner);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, stack);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, console_page);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, performance_page);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, hardware_page);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, snapshots_page);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, switcher_bar);
  gtk_widget_class_bind_template_child (widget_class, InnMachinePage, hover_bar);
  gtk_widget_class_bind_template_callback (widget_class, on_banner_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_banner_closed);
  gtk_widget_class_bind_template_callback (widget_class, on_released);
}

static void
inn_machine_page_init (InnMachinePage *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_event_controller_set_propagation_phase (motion, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (on_motion), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);
}

GtkWidget *
inn_machine_page_new (InnMachine *machine)
{
  InnMachinePage *self = g_object_new (INN_TYPE_MACHINE_PAGE, NULL);

  self->machine = g_object_ref (machine);
  self->place = g_object_ref (inn_machine_get_connection (machine));
  self->machine_actions = inn_machine_actions_new (machine, GTK_WIDGET (self));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "machine", self->machine_actions);
  inn_machine_verbs_set_machine (self->verbs, machine);
  inn_console_page_set_machine (self->console_page, machine);
  inn_performance_page_set_machine (self->performance_page, machine);
  inn_hardware_page_set_machine (self->hardware_page, machine);
  inn_snapshots_page_set_machine (self->snapshots_page, machine);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "console",
                                  inn_console_page_get_actions (self->console_page));

  g_signal_connect_object (machine, "notify", G_CALLBACK (on_machine_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->place, "notify", G_CALLBACK (update_banner), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (inn_machine_get_snapshots (machine), "activity",
                           G_CALLBACK (on_clone_activity), self, G_CONNECT_SWAPPED);
  update_layout (self);
  on_clone_activity (self);
  on_machine_changed (self);

  return GTK_WIDGET (self);
}

GActionGroup *
inn_machine_page_get_machine_actions (InnMachinePage *self)
{
  g_return_val_if_fail (INN_IS_MACHINE_PAGE (self), NULL);

  return self->machine_actions;
}

GActionGroup *
inn_machine_page_get_console_actions (InnMachinePage *self)
{
  g_return_val_if_fail (INN_IS_MACHINE_PAGE (self), NULL);

  return inn_console_page_get_actions (self->console_page);
}

void
inn_machine_page_show_page (InnMachinePage *self, guint page)
{
  g_autoptr (GtkSelectionModel) pages = NULL;

  g_return_if_fail (INN_IS_MACHINE_PAGE (self));

  pages = adw_view_stack_get_pages (self->stack);
  if (page < g_list_model_get_n_items (G_LIST_MODEL (pages)))
    gtk_selection_model_select_item (pages, page, /* unselect_rest= */ TRUE);
}

void
inn_machine_page_focus_console (InnMachinePage *self)
{
  g_return_if_fail (INN_IS_MACHINE_PAGE (self));

  adw_view_stack_set_visible_child_name (self->stack, "console");
  inn_console_page_focus (self->console_page);
}

void
inn_machine_page_set_folded (InnMachinePage *self, gboolean folded)
{
  g_return_if_fail (INN_IS_MACHINE_PAGE (self));

  self->folded = folded;
  update_layout (self);
  inn_banner_set_narrow (self->banner, folded);
  inn_console_page_set_narrow (self->console_page, folded);
  inn_performance_page_set_narrow (self->performance_page, folded);
  inn_hardware_page_set_narrow (self->hardware_page, folded);
}

void
inn_machine_page_set_fullscreen (InnMachinePage *self, gboolean fullscreen)
{
  g_return_if_fail (INN_IS_MACHINE_PAGE (self));

  self->fullscreen = fullscreen;
  if (fullscreen)
    inn_machine_page_focus_console (self);
  update_layout (self);
  inn_console_page_set_fullscreen (self->console_page, fullscreen);
  inn_hover_bar_set_active (self->hover_bar, fullscreen);
}
