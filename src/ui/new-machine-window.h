/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnNewMachineWindow: makes a machine in two steps on one page: pick a medium, Create. Everything
 * else is filled in, each value with its reason, and can be changed.
 *
 * Signal "created" (InnMachine): it exists and is off; the window closes by itself.
 */
#pragma once

#include <adwaita.h>

#include "model/machine.h"
#include "ui/found-media.h"

G_BEGIN_DECLS

#define INN_TYPE_NEW_MACHINE_WINDOW (inn_new_machine_window_get_type ())
G_DECLARE_FINAL_TYPE (InnNewMachineWindow,
                      inn_new_machine_window,
                      INN,
                      NEW_MACHINE_WINDOW,
                      AdwWindow)

/* @places: a GListModel of InnConnection. */
GtkWidget *inn_new_machine_window_new (GtkWindow *parent, GListModel *places, InnFoundMedia *found);

/* Picks a file as if it had been dropped. */
void inn_new_machine_window_pick_file (InnNewMachineWindow *self, GFile *file);
/* Opens the file chooser at once. */
void inn_new_machine_window_choose_file (InnNewMachineWindow *self);

G_END_DECLS
