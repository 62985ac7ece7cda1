/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnKeyboardGrab: decides whether keys go to a guest. Accelerators and mnemonics of the window see
 * keys before any widget does, so it listens on the window and hands keys to the console first:
 *
 *  released  the console has no focus; keys are the application's
 *  focused   the console has it: all keys but F11 and Ctrl+Shift+letter are the guest's
 *  grabbed   so are those, and the desktop's own shortcuts where the desktop allows it
 *
 * Left Ctrl+Alt, pressed and let go, releases; while released, it grabs.
 * Signals: "changed": another state. "released": by the chord; the window has no focus now, put it
 * where it is useful.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  INN_KEYBOARD_RELEASED,
  INN_KEYBOARD_FOCUSED,
  INN_KEYBOARD_GRABBED,
} InnKeyboardState;

#define INN_TYPE_KEYBOARD_GRAB (inn_keyboard_grab_get_type ())
G_DECLARE_FINAL_TYPE (InnKeyboardGrab, inn_keyboard_grab, INN, KEYBOARD_GRAB, GObject)

/* Works in whatever window @host is; @host is borrowed and outlives the grab. */
InnKeyboardGrab *inn_keyboard_grab_new (GtkWidget *host);

/* The widget that takes keys for the guest, inside the host, or NULL. Borrowed. */
void inn_keyboard_grab_set_target (InnKeyboardGrab *self, GtkWidget *target);
InnKeyboardState inn_keyboard_grab_get_state (InnKeyboardGrab *self);

/* Whether the key is the application's while the console is focused but not grabbed. Pure. */
gboolean inn_keyboard_grab_stays_here (guint keyval, GdkModifierType modifiers);

G_END_DECLS
