/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The disks of a machine that runs, on their way into new layers: what a snapshot and a clone of it
 * have in common. @running: what its VMM was started with. These block; any thread.
 */
#pragma once

#include "control-channel.h"
#include "frozen-disks.h"

G_BEGIN_DECLS

/*
 * Held from before the definition names new layers until the VMM is known to write them or not: two
 * who did that at once could tell it in another order than the definition says. A descriptor, or
 * -1. @wait: some seconds for another one.
 */
int inn_live_disks_lock (InnMachineStore *machines,
                         const InnMachineDescription *running,
                         gboolean wait,
                         GError **error);

/* With the store's lock: whether the machine's definition is what runs, for both will be one. */
gboolean inn_live_disks_check_as_started (InnMachineStore *machines,
                                          const InnMachineDescription *running,
                                          GError **error);
/* Of InnControlLayer, for its VMM, which has not frozen them yet; they are closed with the array.
 * Transfer full, NULL on error. @disks: of InnFrozenDisk. */
GArray *
inn_live_disks_open (const GPtrArray *disks, const InnMachineDescription *running, GError **error);
/* What the guest has written and is not on the disk yet has to be there before the disk is frozen.
 * It is brought there while the guest runs, so that hardly any is left when it has to wait. */
void inn_live_disks_store (const GPtrArray *disks);
/* The VMM writes them: what the machine was started with follows its disks. */
void inn_live_disks_record (InnMachineStore *machines,
                            InnMachineDescription *running,
                            const GPtrArray *disks);

G_END_DECLS
