/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMachinePage: one machine beside the sidebar: its verbs, its pages, and what is the matter with
 * it. It keeps the machine's console connected as long as it exists.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_MACHINE_PAGE (inn_machine_page_get_type ())
G_DECLARE_FINAL_TYPE (InnMachinePage, inn_machine_page, INN, MACHINE_PAGE, GtkWidget)

GtkWidget *inn_machine_page_new (InnMachine *machine);

/* The operations on the machine, and those on its console. Borrowed. */
GActionGroup *inn_machine_page_get_machine_actions (InnMachinePage *self);
GActionGroup *inn_machine_page_get_console_actions (InnMachinePage *self);

/* @page: 0 is the console; nothing happens when there are not so many. */
void inn_machine_page_show_page (InnMachinePage *self, guint page);
void inn_machine_page_focus_console (InnMachinePage *self);
/* Alone in a narrow window. */
void inn_machine_page_set_folded (InnMachinePage *self, gboolean folded);
/* Only the guest, and a bar that comes when the pointer touches the top edge. */
void inn_machine_page_set_fullscreen (InnMachinePage *self, gboolean fullscreen);

G_END_DECLS
