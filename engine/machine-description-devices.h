/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine's description has for the programs of its guest: the memory balloon, named ports
 * (channels), the vsock device; and whether Windows finds the interface of its own hypervisor.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

/* Ports with names, the guest's first virtio console ("hvc0") among them. */
#define INN_MACHINE_MAX_PORTS  7
#define INN_MACHINE_AGENT_PORT "org.qemu.guest_agent.0"

gboolean inn_machine_description_has_balloon (const InnMachineDescription *self);
/* The names, in order. Transfer full. */
GStrv inn_machine_description_list_ports (const InnMachineDescription *self);
/* The guest's address, 3 where any will do; 0: no such device. */
guint inn_machine_description_get_vsock_cid (const InnMachineDescription *self);
gboolean inn_machine_description_get_hyperv (const InnMachineDescription *self);

/* What a new machine has: a balloon, and a port for the agent. */
void inn_machine_description_add_guest_devices (InnMachineDescription *self);

G_END_DECLS
