/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMachineVerbs: the buttons of what can be done with a machine in its present state. They
 * activate the "machine" actions of a widget above.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_MACHINE_VERBS (inn_machine_verbs_get_type ())
G_DECLARE_FINAL_TYPE (InnMachineVerbs, inn_machine_verbs, INN, MACHINE_VERBS, GtkWidget)

/* Called once. */
void inn_machine_verbs_set_machine (InnMachineVerbs *self, InnMachine *machine);

G_END_DECLS
