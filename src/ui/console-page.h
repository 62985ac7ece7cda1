/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnConsolePage: the screen or serial line of one machine, what takes its place while it is off or
 * after a crash, and the strip below. Signal "released": the keyboard came back from the guest and
 * wants another place.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_CONSOLE_PAGE (inn_console_page_get_type ())
G_DECLARE_FINAL_TYPE (InnConsolePage, inn_console_page, INN, CONSOLE_PAGE, GtkWidget)

/* Called once. */
void inn_console_page_set_machine (InnConsolePage *self, InnMachine *machine);
/* The actions on the console: send-keys (a name of send-keys.h), screenshot,
 * kind ("screen", "serial").
 * Borrowed. */
GActionGroup *inn_console_page_get_actions (InnConsolePage *self);
/* In a narrow window the strip carries the verbs instead of the status. */
void inn_console_page_set_narrow (InnConsolePage *self, gboolean narrow);
/* Nothing but the guest. */
void inn_console_page_set_fullscreen (InnConsolePage *self, gboolean fullscreen);
void inn_console_page_focus (InnConsolePage *self);

G_END_DECLS
