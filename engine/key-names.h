/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys by name and by what a US keyboard has printed on them. Key codes are Linux input event
 * codes, as in protocol/input-protocol.h. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The key of a name: Linux' own (KEY_LEFTCTRL), the same without KEY_, or a short one (ctrl); the
 * case does not matter. 0: there is no such key. */
guint16 inn_key_from_name (const char *name);

/* Linux' name of a key that inn_key_from_name() has given. */
const char *inn_key_to_name (guint16 key);

/* The key that types a character on a US keyboard, and whether shift has to be held. A newline is
 * the enter key. FALSE: there is none. */
gboolean inn_key_from_character (gunichar character, guint16 *ret_key, gboolean *ret_shift);

G_END_DECLS
