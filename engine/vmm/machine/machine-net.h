/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network cards of a machine with what they are connected to on this computer. Main thread.
 */
#pragma once

#include <stdbool.h>

#include "pci/pci-rom.h"

struct machine;
struct net_backend;
struct net_passt;
struct virtio_device;
struct virtio_host;

struct machine_nic {
	struct net_backend *backend;
	struct net_passt *passt; /* NULL: nothing keeps it connected */
	struct virtio_device *device;
	struct pci_rom boot_rom; /* firmware starts from the card with it */
};

/*
 * Before the process is confined, since it may start the keeper of user networking. What stands in
 * the way is logged. 0 or negative errno.
 */
int machine_net_create(struct machine *machine, const struct virtio_host *host, unsigned int slot);
/* Half-built ones are accepted. */
void machine_net_destroy(struct machine *machine);

void machine_net_pause(struct machine *machine);
void machine_net_resume(struct machine *machine);
/* Brings the cards' statistics up to date. */
void machine_net_count(struct machine *machine);
/* The cable of a card in or out. 0; -ENODEV when there is no such card. */
int machine_net_set_link(struct machine *machine, unsigned int nic, bool up);
