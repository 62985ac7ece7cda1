/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnKeyboardGrab: a capture-phase controller on the window around a console. */
#include "console/keyboard-grab.h"

#include "console/keymap.h"
#include "console/release-chord.h"

struct _InnKeyboardGrab
{
  GObject parent_instance;

  GtkWidget *host;
  GtkWidget *target;
  GtkWindow *window;              /* weak */
  GtkEventController *controller; /* on the window */
  InnReleaseChord chord;
  InnKeyboardState state;
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_RELEASED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (InnKeyboardGrab, inn_keyboard_grab, G_TYPE_OBJECT)

gboolean
inn_keyboard_grab_stays_here (guint keyval, GdkModifierType modifiers)
{
  GdkModifierType held = modifiers
                         & (GDK_CONTROL_MASK | GDK_SHIFT_MASK | GDK_ALT_MASK | GDK_SUPER_MASK
                            | GDK_META_MASK | GDK_HYPER_MASK);

  if (keyval == GDK_KEY_F11)
    return held == 0;
  return held == (GDK_CONTROL_MASK | GDK_SHIFT_MASK)
         && g_unichar_isalpha (gdk_keyval_to_unicode (keyval));
}

/* Best effort: the desktop may refuse, or ask the user first. */
static void
inhibit_system_shortcuts (InnKeyboardGrab *self, gboolean inhibit)
{
  GdkSurface *surface
      = self->window != NULL ? gtk_native_get_surface (GTK_NATIVE (self->window)) : NULL;

  if (surface == NULL)
    return;
  if (inhibit)
    gdk_toplevel_inhibit_system_shortcuts (GDK_TOPLEVEL (surface), NULL);
  else
    gdk_toplevel_restore_system_shortcuts (GDK_TOPLEVEL (surface));
}

static void
set_state (InnKeyboardGrab *self, InnKeyboardState state)
{
  InnKeyboardState old = self->state;

  if (old == state)
    return;

  self->state = state;
  if (old == INN_KEYBOARD_GRABBED || state == INN_KEYBOARD_GRABBED)
    inhibit_system_shortcuts (self, state == INN_KEYBOARD_GRABBED);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static gboolean
target_has_focus (InnKeyboardGrab *self)
{
  return self->target != NULL && self->window != NULL && gtk_window_is_active (self->window)
         && gtk_window_get_focus (self->window) == self->target;
}

static void
update_state (InnKeyboardGrab *self)
{
  if (!target_has_focus (self))
    set_state (self, INN_KEYBOARD_RELEASED);
  else if (self->state == INN_KEYBOARD_RELEASED)
    set_state (self, INN_KEYBOARD_FOCUSED);
}

static void
on_active_changed (InnKeyboardGrab *self)
{
  /* Keys that went up in another window were not seen here. */
  inn_release_chord_reset (&self->chord);
  update_state (self);
}

static void
chord_completed (InnKeyboardGrab *self)
{
  if (self->state != INN_KEYBOARD_RELEASED)
    {
      gtk_window_set_focus (self->window, NULL);
      update_state (self);
      g_signal_emit (self, signals[SIGNAL_RELEASED], 0);
    }
  else if (self->target != NULL && gtk_widget_get_mapped (self->target)
           && gtk_widget_grab_focus (self->target))
    {
      set_state (self, INN_KEYBOARD_GRABBED);
    }
}

static gboolean
on_key_pressed (InnKeyboardGrab *self,
                guint keyval,
                guint keycode,
                GdkModifierType modifiers,
                GtkEventControllerKey *controller)
{
  inn_release_chord_key (&self->chord, inn_keymap_evdev_from_hardware (keycode), TRUE);

  if (self->state == INN_KEYBOARD_RELEASED)
    return GDK_EVENT_PROPAGATE;
  if (self->state == INN_KEYBOARD_FOCUSED && inn_keyboard_grab_stays_here (keyval, modifiers))
    return GDK_EVENT_PROPAGATE;

  /* Ends here even if the console has no use for it: Tab must not move the focus. */
  gtk_event_controller_key_forward (controller, self->target);
  return GDK_EVENT_STOP;
}

/* GTK ends a release where its press ended, so that it needs the same help. */
static void
on_key_released (InnKeyboardGrab *self,
                 guint keyval,
                 guint keycode,
                 GdkModifierType modifiers,
                 GtkEventControllerKey *controller)
{
  if (inn_release_chord_key (&self->chord, inn_keymap_evdev_from_hardware (keycode), FALSE))
    chord_completed (self);
  else if (self->state != INN_KEYBOARD_RELEASED)
    gtk_event_controller_key_forward (controller, self->target);
}

static void
leave_window (InnKeyboardGrab *self)
{
  if (self->window == NULL)
    return;

  inhibit_system_shortcuts (self, FALSE);
  gtk_widget_remove_controller (GTK_WIDGET (self->window), self->controller);
  self->controller = NULL;
  g_signal_handlers_disconnect_by_data (self->window, self);
  g_clear_weak_pointer (&self->window);
}

static void
enter_window (InnKeyboardGrab *self, GtkWindow *window)
{
  g_set_weak_pointer (&self->window, window);
  /* Not a GSignalGroup: one that dies while its target is being disposed of leaves a dangling weak
   * reference behind (GLib 2.74), and here the window often takes us with it. */
  g_signal_connect_object (window, "notify::focus-widget", G_CALLBACK (update_state), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (window, "notify::is-active", G_CALLBACK (on_active_changed), self,
                           G_CONNECT_SWAPPED);

  self->controller = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (self->controller, GTK_PHASE_CAPTURE);
  g_signal_connect_object (self->controller, "key-pressed", G_CALLBACK (on_key_pressed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->controller, "key-released", G_CALLBACK (on_key_released), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (window), self->controller);
}

static void
on_root_changed (InnKeyboardGrab *self)
{
  GtkRoot *root = gtk_widget_get_root (self->host);

  leave_window (self);
  if (GTK_IS_WINDOW (root))
    enter_window (self, GTK_WINDOW (root));
  inn_release_chord_reset (&self->chord);
  update_state (self);
}

static void
inn_keyboard_grab_dispose (GObject *object)
{
  InnKeyboardGrab *self = INN_KEYBOARD_GRAB (object);

  leave_window (self);

  G_OBJECT_CLASS (inn_keyboard_grab_parent_class)->dispose (object);
}

static void
inn_keyboard_grab_class_init (InnKeyboardGrabClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_keyboard_grab_dispose;

  signals[SIGNAL_CHANGED]
      = g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_RELEASED]
      = g_signal_new ("released", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
inn_keyboard_grab_init (InnKeyboardGrab *self)
{
}

InnKeyboardGrab *
inn_keyboard_grab_new (GtkWidget *host)
{
  InnKeyboardGrab *self = g_object_new (INN_TYPE_KEYBOARD_GRAB, NULL);

  self->host = host;
  g_signal_connect_object (host, "notify::root", G_CALLBACK (on_root_changed), self,
                           G_CONNECT_SWAPPED);
  on_root_changed (self);
  return self;
}

void
inn_keyboard_grab_set_target (InnKeyboardGrab *self, GtkWidget *target)
{
  g_return_if_fail (INN_IS_KEYBOARD_GRAB (self));

  self->target = target;
  update_state (self);
}

InnKeyboardState
inn_keyboard_grab_get_state (InnKeyboardGrab *self)
{
  g_return_val_if_fail (INN_IS_KEYBOARD_GRAB (self), INN_KEYBOARD_RELEASED);

  return self->state;
}
