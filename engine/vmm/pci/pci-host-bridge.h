/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Q35 host bridge: configuration space by ports 0xCF8/0xCFC and by MMCONFIG (PCI Express),
 * bus 0 with the functions on it, and the address windows their BARs are placed in.
 *
 * Interrupt pins go to the IOAPIC: pin INTA# + n of a slot drives global system interrupt
 * 16 + ((slot + n) & 3), from slot 25 on 16 + n, level-triggered, shared. It drives the PICs too,
 * at the interrupt that firmware has chosen for it (PIRQ[A-D]_ROUT). The DSDT's _PRT says the same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_space;
struct interrupt_controller;
struct pci_device;
struct pci_host_bridge;
struct state_reader;
struct state_writer;

#define PCI_MMCONFIG_BASE_DEFAULT 0xB0000000u /* one bus decoded, 1 MiB */

enum {
	PCI_PIN_FIRST_GSI = 16,
	PCI_PIN_GSIS = 4,
};

/*
 * Places function 00:00.0 and 00:1f.0 (LPC) and claims the ports 0xCF8-0xCFF. The chipset's reset
 * register at 0xCF9 is inside: see pci_host_bridge_set_reset_handler().
 */
int pci_host_bridge_create(struct address_space *ports, struct address_space *mmio,
			   struct interrupt_controller *interrupts,
			   struct pci_host_bridge **ret_bridge);
/* Every other function must be gone. NULL is accepted. */
void pci_host_bridge_destroy(struct pci_host_bridge *bridge);

/*
 * For a boot without firmware: gives every BAR an address inside the 32-bit window
 * [mmio_base, mmio_base + mmio_size) or, if 64-bit and it does not fit, from mmio64_base on, and
 * turns decoding and MMCONFIG on, as firmware would have. 0 or -ENOSPC.
 */
int pci_host_bridge_assign(struct pci_host_bridge *bridge, uint64_t mmio_base, uint64_t mmio_size,
			   uint64_t mmio64_base);

/*
 * Every function back to its power-on state. On the main thread with every vCPU stopped: a device
 * waits here for the input and output it has under way.
 */
void pci_host_bridge_reset(struct pci_host_bridge *bridge);

/* Called, with the device lock held, when the guest asks for a reset through port 0xCF9. */
void pci_host_bridge_set_reset_handler(struct pci_host_bridge *bridge, void (*reset)(void *data),
				       void *data);

/*
 * To and from a machine's state: the chipset's own functions. Loading comes before that of every
 * other function, which is off the bus until then, and is for a bridge whose pins are all low.
 * 0, or -EPROTO with the reason in the reader.
 */
enum { PCI_HOST_BRIDGE_STATE_VERSION = 1 };
void pci_host_bridge_save(const struct pci_host_bridge *bridge, struct state_writer *writer);
int pci_host_bridge_load(struct pci_host_bridge *bridge, struct state_reader *reader);

/* For pci-device.c. */
int pci_host_bridge_add(struct pci_host_bridge *bridge, struct pci_device *device);
void pci_host_bridge_remove(struct pci_host_bridge *bridge, struct pci_device *device);
struct address_space *pci_host_bridge_mmio(struct pci_host_bridge *bridge);
struct interrupt_controller *pci_host_bridge_interrupts(struct pci_host_bridge *bridge);
/* INTA# of a function rises or falls; several functions share a line. */
void pci_host_bridge_set_pin(struct pci_host_bridge *bridge, uint8_t devfn, bool level);
