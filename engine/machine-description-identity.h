/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What in a machine's description tells it from all others.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

/*
 * Makes a copy of a machine's description one of another machine: a new UUID, that name, no
 * snapshots, new addresses for network cards that others can see, and no ports of this computer,
 * which can lead to one machine only. Cards for user networking keep their address, for nobody else
 * sees it and the guest knows its card by it.
 */
void inn_machine_description_set_new_identity (InnMachineDescription *self, const char *name);

G_END_DECLS
