/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnDisplay: its event controllers; keys, buttons, wheel and pointer for the guest. */
#include "console/display-private.h"

#include <linux/input-event-codes.h>

#include "console/keyboard-grab.h"
#include "console/keymap.h"

/* Keys. */

static void
send_key (InnDisplay *self, guint evdev, guint keysym, gboolean pressed)
{
  if (self->source != NULL)
    inn_console_source_send_key (self->source, evdev, keysym, pressed);
}

static void
tap_key (InnDisplay *self, guint evdev)
{
  send_key (self, evdev, 0, TRUE);
  send_key (self, evdev, 0, FALSE);
}

static gboolean
on_key_pressed (InnDisplay *self, guint keyval, guint keycode, GdkModifierType modifiers)
{
  guint evdev = inn_keymap_evdev_from_hardware (keycode);

  if (self->source == NULL || (!self->grabbed && inn_keyboard_grab_stays_here (keyval, modifiers)))
    return GDK_EVENT_PROPAGATE;

  /* Repeats are sent on: PC keyboards repeat by themselves, so guests count on it. */
  g_hash_table_insert (self->held_keys, GUINT_TO_POINTER (evdev), GUINT_TO_POINTER (keyval));
  send_key (self, evdev, keyval, TRUE);
  return GDK_EVENT_STOP;
}

static void
on_key_released (InnDisplay *self, guint keyval, guint keycode)
{
  gpointer evdev = GUINT_TO_POINTER (inn_keymap_evdev_from_hardware (keycode));
  gpointer pressed_as;

  /* Modifiers may have changed what the key means; it goes up as what it went down. */
  if (g_hash_table_steal_extended (self->held_keys, evdev, NULL, &pressed_as))
    send_key (self, GPOINTER_TO_UINT (evdev), GPOINTER_TO_UINT (pressed_as), FALSE);
}

static void
release_keys (InnDisplay *self)
{
  GHashTableIter iter;
  gpointer evdev, keysym;

  g_hash_table_iter_init (&iter, self->held_keys);
  while (g_hash_table_iter_next (&iter, &evdev, &keysym))
    send_key (self, GPOINTER_TO_UINT (evdev), GPOINTER_TO_UINT (keysym), FALSE);
  g_hash_table_remove_all (self->held_keys);
}

/* Caps Lock and Num Lock may have been pressed while somebody else had the focus. */
static void
synchronize_locks (InnDisplay *self)
{
  GdkSeat *seat = gdk_display_get_default_seat (gtk_widget_get_display (GTK_WIDGET (self)));
  GdkDevice *keyboard = seat != NULL ? gdk_seat_get_keyboard (seat) : NULL;
  InnLeds leds;

  if (keyboard == NULL || self->source == NULL
      || !inn_console_source_get_leds (self->source, &leds))
    return;

  if (gdk_device_get_caps_lock_state (keyboard) != ((leds & INN_LED_CAPS_LOCK) != 0))
    tap_key (self, KEY_CAPSLOCK);
  if (gdk_device_get_num_lock_state (keyboard) != ((leds & INN_LED_NUM_LOCK) != 0))
    tap_key (self, KEY_NUMLOCK);
}

void
inn_display_send_keys (InnDisplay *self, const guint *evdev_codes)
{
  guint n_keys = 0;

  g_return_if_fail (INN_IS_DISPLAY (self));

  for (; evdev_codes[n_keys] != 0; n_keys++)
    send_key (self, evdev_codes[n_keys], 0, TRUE);
  while (n_keys > 0)
    send_key (self, evdev_codes[--n_keys], 0, FALSE);
}

/* Pointer. */

static void
send_pointer (InnDisplay *self)
{
  /* Without a picture there is no place on it. */
  if (self->source != NULL && inn_framebuffer_get_pixels (self->framebuffer) != NULL)
    inn_console_source_send_pointer (self->source, self->pointer_x, self->pointer_y, self->buttons);
}

static void
on_motion (InnDisplay *self, double x, double y)
{
  InnDisplayGeometry geometry;

  if (!inn_display_get_geometry (self, &geometry))
    return;

  inn_display_geometry_unmap (&geometry, x, y, &self->pointer_x, &self->pointer_y);
  send_pointer (self);
}

static InnPointerButtons
button_bit (guint button)
{
  switch (button)
    {
    case GDK_BUTTON_PRIMARY:
      return INN_POINTER_LEFT;
    case GDK_BUTTON_MIDDLE:
      return INN_POINTER_MIDDLE;
    case GDK_BUTTON_SECONDARY:
      return INN_POINTER_RIGHT;
    default:
      return 0;
    }
}

/* A click gesture knows one button at a time; guests want any number of them together. */
static gboolean
on_event (InnDisplay *self, GdkEvent *event)
{
  GdkEventType type = gdk_event_get_event_type (event);

  if (type == GDK_BUTTON_PRESS)
    {
      gtk_widget_grab_focus (GTK_WIDGET (self));
      self->buttons |= button_bit (gdk_button_event_get_button (event));
    }
  else if (type == GDK_BUTTON_RELEASE)
    {
      self->buttons &= ~button_bit (gdk_button_event_get_button (event));
    }
  else
    {
      return GDK_EVENT_PROPAGATE;
    }
  send_pointer (self);
  return GDK_EVENT_STOP;
}

static void
send_scroll (InnDisplay *self, InnScrollDirection direction)
{
  inn_console_source_send_scroll (self->source, self->pointer_x, self->pointer_y, self->buttons,
                                  direction);
}

static gboolean
on_scroll (InnDisplay *self, double dx, double dy)
{
  if (self->source == NULL)
    return GDK_EVENT_PROPAGATE;

  if (dy != 0)
    send_scroll (self, dy < 0 ? INN_SCROLL_UP : INN_SCROLL_DOWN);
  if (dx != 0)
    send_scroll (self, dx < 0 ? INN_SCROLL_LEFT : INN_SCROLL_RIGHT);
  return GDK_EVENT_STOP;
}

void
inn_display_release_all (InnDisplay *self)
{
  release_keys (self);
  if (self->buttons != 0)
    {
      self->buttons = 0;
      send_pointer (self);
    }
}

/* Controllers. */

static void
add_controller (InnDisplay *self, GtkEventController *controller)
{
  gtk_widget_add_controller (GTK_WIDGET (self), controller);
}

void
inn_display_init_input (InnDisplay *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *buttons = gtk_event_controller_legacy_new ();
  GtkEventController *wheel = gtk_event_controller_scroll_new (
      GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES | GTK_EVENT_CONTROLLER_SCROLL_DISCRETE);

  self->held_keys = g_hash_table_new (NULL, NULL);
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (on_key_pressed), self);
  g_signal_connect_swapped (keys, "key-released", G_CALLBACK (on_key_released), self);
  g_signal_connect_swapped (focus, "enter", G_CALLBACK (synchronize_locks), self);
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (release_keys), self);
  g_signal_connect_swapped (motion, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (buttons, "event", G_CALLBACK (on_event), self);
  g_signal_connect_swapped (wheel, "scroll", G_CALLBACK (on_scroll), self);
  add_controller (self, keys);
  add_controller (self, focus);
  add_controller (self, motion);
  add_controller (self, buttons);
  add_controller (self, wheel);
}
