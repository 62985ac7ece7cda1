/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a window remembers from one run to the next: its size and the machine it showed. Where the
 * settings schema is not installed nothing is remembered.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void inn_window_state_restore (GtkWindow *window);
/* Saves the size as it is and @machine_id (NULL: none was shown). */
void inn_window_state_save (GtkWindow *window, const char *machine_id);
/* Transfer full; NULL for none. */
char *inn_window_state_get_machine_id (void);

G_END_DECLS
