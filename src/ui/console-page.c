/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The console of a machine.
 */
#include "config.h"

#include "ui/console-page.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "console/console-view.h"
#include "ui/console-connector.h"
#include "ui/crash-page.h"
#include "ui/message.h"
#include "ui/screen.h"
#include "ui/screenshot.h"
#include "ui/send-keys.h"
#include "ui/stack.h"
#include "ui/state-text.h"

struct _InnConsolePage
{
  GtkWidget parent_instance;

  GtkStack *stack;
  InnConsoleView *view;
  GtkWidget *off_box;
  GtkActionable *wake_button;
  AdwButtonContent *wake_content;
  InnCrashPage *crash_page;
  GtkWidget *strip;
  GtkWidget *status_box;
  GtkLabel *status_label;
  GtkLabel *size_label;
  GtkWidget *verbs_box;
  GtkButton *go_button;
  GtkWidget *power_button;

  InnMachine *machine;
  InnConsoleConnector *connector;
  GSimpleActionGroup *actions;
  gboolean was_connected; /* there is a last picture */
  gboolean narrow;
  gboolean fullscreen;
};

G_DEFINE_FINAL_TYPE (InnConsolePage, inn_console_page, GTK_TYPE_WIDGET)

enum
{
  RELEASED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static gboolean
has_any_console (InnConsolePage *self)
{
  InnConsoleKind screen;

  return inn_machine_get_screen_kind (self->machine, &screen)
         || inn_machine_has_console (self->machine, INN_CONSOLE_SERIAL);
}

static const char *
get_page_name (InnConsolePage *self)
{
  if (inn_machine_get_state (self->machine) == INN_MACHINE_CRASHED)
    return "crash";

  return has_any_console (self) ? "view" : "none";
}

static char *
get_status (InnConsolePage *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);
  g_autofree char *status = NULL;

  if (state == INN_MACHINE_PAUSED || state == INN_MACHINE_NO_SPACE)
    return g_strdup (_ ("Nothing is sent while paused"));
  if (inn_machine_get_kind (self->machine) == INN_MACHINE_TEMPLATE)
    return g_strdup (_ ("A template is cloned, and not started itself"));
  if (state == INN_MACHINE_SAVED)
    return g_strdup (_ ("The machine is saved"));
  if (!inn_machine_state_is_active (state))
    return g_strdup (_ ("The machine is off"));
  if (inn_console_connector_get_message (self->connector) != NULL)
    return g_strdup (inn_console_connector_get_message (self->connector));

  g_object_get (self->view, "status", &status, NULL);
  return g_steal_pointer (&status);
}

static void
update_strip (InnConsolePage *self)
{
  gboolean shows_guest = g_str_equal (get_page_name (self), "view");
  g_autofree char *status = NULL;
  g_autofree char *size = NULL;
  gboolean grabbed = FALSE;

  if (self->connector == NULL)
    return;

  g_object_get (self->view, "grabbed", &grabbed, NULL);
  if (grabbed)
    gtk_widget_add_css_class (self->status_box, "grabbed");
  else
    gtk_widget_remove_css_class (self->status_box, "grabbed");
  status = get_status (self);
  g_object_get (self->view, "size-text", &size, NULL);
  gtk_label_set_label (self->status_label, status != NULL ? status : "");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->status_label), status);
  gtk_label_set_label (self->size_label, size != NULL ? size : "");
  gtk_widget_set_visible (GTK_WIDGET (self->size_label), size != NULL);
  gtk_widget_set_visible (self->strip, shows_guest && !self->fullscreen);
  gtk_widget_set_visible (self->status_box, !self->narrow);
  gtk_widget_set_visible (self->verbs_box, self->narrow);
}

/* In the strip one button stands for start, resume and pause. */
static void
update_go_button (InnConsolePage *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);
  InnOperation operation = INN_OPERATION_PAUSE;
  const char *verb;

  if (state == INN_MACHINE_PAUSED || state == INN_MACHINE_NO_SPACE || state == INN_MACHINE_SAVED)
    operation = INN_OPERATION_RESUME;
  else if (!inn_machine_state_is_active (state))
    operation = INN_OPERATION_START;

  verb = inn_state_text_get_verb (operation);
  gtk_button_set_icon_name (self->go_button, operation == INN_OPERATION_PAUSE
                                                 ? "media-playback-pause-symbolic"
                                                 : "media-playback-start-symbolic");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->go_button),
                                  operation == INN_OPERATION_START    ? "machine.start"
                                  : operation == INN_OPERATION_RESUME ? "machine.resume"
                                                                      : "machine.pause");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->go_button), verb);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->go_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  verb, -1);
  gtk_widget_set_sensitive (self->power_button, inn_machine_state_is_active (state));
}

/* Over the picture of a machine that is off. A template is never woken. */
static void
update_wake_button (InnConsolePage *self)
{
  const gboolean is_template = inn_machine_get_kind (self->machine) == INN_MACHINE_TEMPLATE;
  const InnMachineState state = inn_machine_get_state (self->machine);
  const gboolean saved = state == INN_MACHINE_SAVED;

  gtk_widget_set_visible (self->off_box, saved || state == INN_MACHINE_OFF);
  gtk_actionable_set_action_name (self->wake_button, is_template ? "machine.clone"
                                                     : saved     ? "machine.resume"
                                                                 : "machine.start");
  adw_button_content_set_icon_name (self->wake_content, is_template
                                                            ? "edit-copy-symbolic"
                                                            : "media-playback-start-symbolic");
  adw_button_content_set_label (self->wake_content, is_template ? _ ("Clone…")
                                                                : inn_state_text_get_verb (
                                                                    saved ? INN_OPERATION_RESUME
                                                                          : INN_OPERATION_START));
}

static GSimpleAction *
find_action (InnConsolePage *self, const char *name)
{
  return G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self->actions), name));
}

static void
update_actions (InnConsolePage *self)
{
  gboolean serial = inn_console_connector_get_kind (self->connector) == INN_CONSOLE_SERIAL;
  gboolean connected = FALSE;
  InnConsoleKind screen;

  g_object_get (self->view, "connected", &connected, NULL);
  g_simple_action_set_enabled (find_action (self, "send-keys"), !serial && connected);
  g_simple_action_set_enabled (find_action (self, "screenshot"), !serial && connected);
  g_simple_action_set_enabled (find_action (self, "kind"),
                               inn_machine_get_screen_kind (self->machine, &screen)
                                   && inn_machine_has_console (self->machine, INN_CONSOLE_SERIAL));
  g_simple_action_set_state (find_action (self, "kind"),
                             g_variant_new_string (serial ? "serial" : "screen"));
}

static void
report_crash (InnConsolePage *self)
{
  g_autofree char *output = inn_console_view_get_text (self->view);

  inn_crash_page_set_report (self->crash_page, inn_machine_get_status_text (self->machine), output);
}

static void
on_machine_changed (InnConsolePage *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);

  if (state == INN_MACHINE_CRASHED)
    report_crash (self);
  inn_stack_show_only_name (self->stack, get_page_name (self));
  update_wake_button (self);
  update_go_button (self);
  update_strip (self);
}

/* What thumbnails show: the guest's screen, or else the view itself, of which the last picture is
 * kept when it is out of sight. */
static void
update_screen (InnConsolePage *self)
{
  InnScreen *screen = inn_screen_of (self->machine);
  GdkPaintable *picture = inn_console_view_get_paintable (self->view);
  g_autoptr (GdkPaintable) view = NULL;

  /* Its thumbnail follows the screen by itself, whatever is shown here. */
  if (inn_machine_has_console (self->machine, INN_CONSOLE_SCREEN))
    return;

  if (picture != NULL)
    inn_screen_set_paintable (screen, picture);
  else if (self->was_connected && gtk_widget_get_mapped (GTK_WIDGET (self->view)))
    {
      view = gtk_widget_paintable_new (GTK_WIDGET (self->view));
      inn_screen_set_paintable (screen, view);
    }
}

static void
keep_screen (InnConsolePage *self)
{
  GdkPaintable *shown = inn_screen_get_paintable (inn_screen_of (self->machine));
  g_autoptr (GdkPaintable) picture = NULL;

  if (!GTK_IS_WIDGET_PAINTABLE (shown))
    return;

  picture = gdk_paintable_get_current_image (shown);
  inn_screen_set_paintable (inn_screen_of (self->machine), picture);
}

static void
on_view_changed (InnConsolePage *self)
{
  gboolean connected = FALSE;

  if (self->connector == NULL)
    return;

  g_object_get (self->view, "connected", &connected, NULL);
  if (connected && !self->was_connected)
    {
      self->was_connected = TRUE;
      /* From now on there is a picture to see behind it. */
      gtk_widget_add_css_class (self->off_box, "over-picture");
    }
  update_screen (self);
  update_actions (self);
  update_strip (self);
  if (inn_machine_get_state (self->machine) == INN_MACHINE_CRASHED)
    report_crash (self);
}

static void
on_send_keys (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  InnConsolePage *self = user_data;
  const guint *codes = inn_send_keys_lookup (g_variant_get_string (parameter, NULL));

  if (codes != NULL)
    inn_console_view_send_keys (self->view, codes);
}

static void
on_screenshot_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (InnConsolePage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = inn_screenshot_take_finish (INN_CONSOLE_VIEW (source), result, &error);
  g_autofree char *note = NULL;

  if (path == NULL)
    {
      inn_message_show_error (GTK_WIDGET (self), _ ("No Screenshot Was Taken"), error);
      return;
    }

  note = g_strdup_printf (_ ("Screenshot saved as %s"), path);
  inn_message_toast (GTK_WIDGET (self), note);
}

static void
on_screenshot (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  InnConsolePage *self = user_data;

  inn_screenshot_take_async (self->view, inn_machine_get_name (self->machine), on_screenshot_saved,
                             g_object_ref (self));
}

static void
on_change_kind (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  InnConsolePage *self = user_data;
  InnConsoleKind kind = INN_CONSOLE_SERIAL;

  if (g_str_equal (g_variant_get_string (value, NULL), "screen"))
    inn_machine_get_screen_kind (self->machine, &kind);
  inn_console_connector_set_kind (self->connector, kind);
  on_view_changed (self);
}

static void
on_released (InnConsolePage *self)
{
  g_signal_emit (self, signals[RELEASED], 0);
}

static const GActionEntry action_entries[] = {
  { "send-keys", on_send_keys, "s", NULL, NULL, { 0 } },
  { "screenshot", on_screenshot, NULL, NULL, NULL, { 0 } },
  { "kind", NULL, "s", "'screen'", on_change_kind, { 0 } },
};

static void
inn_console_page_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (inn_console_page_parent_class)->map (widget);
  update_screen (INN_CONSOLE_PAGE (widget));
}

static void
inn_console_page_unmap (GtkWidget *widget)
{
  keep_screen (INN_CONSOLE_PAGE (widget));
  GTK_WIDGET_CLASS (inn_console_page_parent_class)->unmap (widget);
}

static void
inn_console_page_dispose (GObject *object)
{
  InnConsolePage *self = INN_CONSOLE_PAGE (object);

  if (self->connector != NULL)
    g_object_run_dispose (G_OBJECT (self->connector));
  g_clear_object (&self->connector);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_CONSOLE_PAGE);
  g_clear_object (&self->actions);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_console_page_parent_class)->dispose (object);
}

static void
inn_console_page_class_init (InnConsolePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_console_page_dispose;
  widget_class->map = inn_console_page_map;
  widget_class->unmap = inn_console_page_unmap;

  signals[RELEASED] = g_signal_new ("released", INN_TYPE_CONSOLE_PAGE, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 0);

  g_type_ensure (INN_TYPE_CONSOLE_VIEW);
  g_type_ensure (INN_TYPE_CRASH_PAGE);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/console-page.ui");
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, stack);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, view);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, off_box);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, wake_button);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, wake_content);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, crash_page);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, strip);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, status_box);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, status_label);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, size_label);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, verbs_box);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, go_button);
  gtk_widget_class_bind_template_child (widget_class, InnConsolePage, power_button);
  gtk_widget_class_bind_template_callback (widget_class, on_view_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_released);
  gtk_widget_class_bind_template_callback (widget_class, update_strip);
}

static void
inn_console_page_init (InnConsolePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), action_entries,
                                   G_N_ELEMENTS (action_entries), self);
}

void
inn_console_page_set_machine (InnConsolePage *self, InnMachine *machine)
{
  g_return_if_fail (INN_IS_CONSOLE_PAGE (self));
  g_return_if_fail (INN_IS_MACHINE (machine));
  g_return_if_fail (self->machine == NULL);

  self->machine = g_object_ref (machine);
  inn_console_view_set_machine_name (self->view, inn_machine_get_name (machine));
  self->connector = inn_console_connector_new (machine, self->view);
  /* The connector's handler comes first: what is shown then is what it made of the state. */
  g_signal_connect_object (machine, "notify::kind", G_CALLBACK (on_machine_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (machine, "notify::state", G_CALLBACK (on_machine_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (machine, "notify::status-text", G_CALLBACK (on_machine_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->connector, "notify::message", G_CALLBACK (update_strip), self,
                           G_CONNECT_SWAPPED);
  on_machine_changed (self);
  on_view_changed (self);
}

GActionGroup *
inn_console_page_get_actions (InnConsolePage *self)
{
  g_return_val_if_fail (INN_IS_CONSOLE_PAGE (self), NULL);

  return G_ACTION_GROUP (self->actions);
}

void
inn_console_page_set_narrow (InnConsolePage *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_CONSOLE_PAGE (self));

  self->narrow = narrow;
  update_strip (self);
}

void
inn_console_page_set_fullscreen (InnConsolePage *self, gboolean fullscreen)
{
  g_return_if_fail (INN_IS_CONSOLE_PAGE (self));

  self->fullscreen = fullscreen;
  update_strip (self);
}

void
inn_console_page_focus (InnConsolePage *self)
{
  g_return_if_fail (INN_IS_CONSOLE_PAGE (self));

  gtk_widget_grab_focus (GTK_WIDGET (self->view));
}
