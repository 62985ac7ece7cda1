/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Q35 host bridge: configuration space by ports 0xCF8/0xCFC and by MMCONFIG (PCI Express),
 * bus 0 with the functions on it, and the address windows their BARs are placed in.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct address_space;
struct interrupt_controller;
struct pci_host_bridge;

enum {
	PCI_MMCONFIG_BASE_DEFAULT = 0xB0000000, /* one bus decoded, 1 MiB */
};

/* Places function 00:00.0 and 00:1f.0 (LPC) and claims the ports and MMCONFIG. */
int pci_host_bridge_create(struct address_space *ports, struct address_space *mmio,
			   struct interrupt_controller *interrupts,
			   struct pci_host_bridge **ret_bridge);
void pci_host_bridge_destroy(struct pci_host_bridge *bridge);

/*
 * For a boot without firmware: gives every BAR an address inside the 32-bit window
 * [mmio_base, mmio_base + mmio_size) or, if 64-bit and it does not fit, from mmio64_base on, and
 * turns decoding on, as firmware would have. 0 or -ENOSPC.
 */
int pci_host_bridge_assign(struct pci_host_bridge *bridge, uint64_t mmio_base, uint64_t mmio_size,
			   uint64_t mmio64_base);

/* Every function back to its power-on state. */
void pci_host_bridge_reset(struct pci_host_bridge *bridge);
