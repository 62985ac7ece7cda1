/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key codes. Inside Innkeeper a key is its Linux evdev code (linux/input-event-codes.h), which
 * names a place on the keyboard, not a letter. Sources translate to what their protocol wants.
 * Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Key codes of the windowing system (X11, Wayland) are evdev codes plus 8. 0: no such key. */
guint inn_keymap_evdev_from_hardware (guint keycode);

/* The PC/XT set 1 code as RFB's extended key event wants it: keys with an E0 prefix have bit 7
 * set. 0: the key has none. */
guint inn_keymap_qnum_from_evdev (guint evdev);

/* The X11 keysym that the key has on a US keyboard without modifiers. 0: none. */
guint inn_keymap_keysym_from_evdev (guint evdev);

G_END_DECLS
