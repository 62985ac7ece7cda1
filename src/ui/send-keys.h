/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key combinations that the keyboard of this computer would keep for itself. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The keys of @name ("ctrl-alt-delete", "vt3") as evdev codes, zero-terminated; NULL for another
 * name. */
const guint *inn_send_keys_lookup (const char *name);

G_END_DECLS
