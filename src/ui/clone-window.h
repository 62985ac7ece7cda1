/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnCloneWindow: asks how a machine, or a snapshot of it, is to be cloned, and has it done. A
 * clone that is there at once is shown; one that took a while is offered.
 */
#pragma once

#include <adwaita.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_CLONE_WINDOW (inn_clone_window_get_type ())
G_DECLARE_FINAL_TYPE (InnCloneWindow, inn_clone_window, INN, CLONE_WINDOW, AdwWindow)

/* @snapshot: what is cloned; NULL: the present. @widget: where it was asked for. */
void inn_clone_window_present (InnMachine *machine, InnSnapshot *snapshot, GtkWidget *widget);

G_END_DECLS
