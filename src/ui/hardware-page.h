/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnHardwarePage: what a machine is made of, to look at and to change. A change is stored as it is
 * made; what waits for the next start is summed up on top.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_HARDWARE_PAGE (inn_hardware_page_get_type ())
G_DECLARE_FINAL_TYPE (InnHardwarePage, inn_hardware_page, INN, HARDWARE_PAGE, GtkWidget)

/* Once. */
void inn_hardware_page_set_machine (InnHardwarePage *self, InnMachine *machine);
void inn_hardware_page_set_narrow (InnHardwarePage *self, gboolean narrow);

G_END_DECLS
