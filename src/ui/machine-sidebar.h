/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMachineSidebar: the machines of all places, under a heading for each, with search; and how
 * busy this computer is.
 *
 * Property "selected" (InnMachine, notifying): the machine shown beside it; it stays when a search
 * or a folded place hides its row. Signal "activated" (InnMachine): Enter or a double click.
 * It takes the focus for its list.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_MACHINE_SIDEBAR (inn_machine_sidebar_get_type ())
G_DECLARE_FINAL_TYPE (InnMachineSidebar, inn_machine_sidebar, INN, MACHINE_SIDEBAR, GtkWidget)

/* @places: a GListModel of InnConnection. Called once. */
void inn_machine_sidebar_set_places (InnMachineSidebar *self, GListModel *places);
void inn_machine_sidebar_set_selected (InnMachineSidebar *self, InnMachine *machine);
InnMachine *inn_machine_sidebar_get_selected (InnMachineSidebar *self);
void inn_machine_sidebar_start_search (InnMachineSidebar *self);
/* Alone in the window: carries the window's buttons, and no row stays selected. */
void inn_machine_sidebar_set_folded (InnMachineSidebar *self, gboolean folded);

G_END_DECLS
