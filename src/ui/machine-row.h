/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMachineRow: a machine in the sidebar: its screen, name, state and processor use, with a menu
 * of what can be done with it.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_MACHINE_ROW (inn_machine_row_get_type ())
G_DECLARE_FINAL_TYPE (InnMachineRow, inn_machine_row, INN, MACHINE_ROW, GtkWidget)

GtkWidget *inn_machine_row_new (InnMachine *machine);
InnMachine *inn_machine_row_get_machine (InnMachineRow *self);

G_END_DECLS
