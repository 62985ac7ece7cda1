/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnAddHardwareWindow: what can be added to a machine. What cannot stays in the list, with the
 * reason.
 */
#pragma once

#include <adwaita.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_ADD_HARDWARE_WINDOW (inn_add_hardware_window_get_type ())
G_DECLARE_FINAL_TYPE (InnAddHardwareWindow,
                      inn_add_hardware_window,
                      INN,
                      ADD_HARDWARE_WINDOW,
                      AdwWindow)

/* @widget: where it was asked for. */
void inn_add_hardware_window_present (InnMachine *machine, GtkWidget *widget);

G_END_DECLS
