/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A memory base address register (PCI Local Bus 3.0, section 6.2.5.1) or the expansion ROM's
 * (section 6.2.5.2): where the guest puts it, the device's range appears in the address space, or
 * its memory in the guest's.
 *
 * The size-mask answer to a write of all ones needs no code: the address bits below the size are
 * not writable. A range that would cover what another device has claimed (a guest moving several
 * BARs passes through such states) stays off until pci_bar_update() finds its place free.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address_range_ops;
struct address_space;
struct memory_slot;
struct pci_config_space;

enum {
	PCI_BAR_REGISTERS = 6,
	PCI_BAR_ROM = PCI_BAR_REGISTERS, /* the index of the expansion ROM */
	PCI_BAR_COUNT,
};

enum pci_bar_kind {
	PCI_BAR_ABSENT,
	PCI_BAR_MEMORY_32,
	PCI_BAR_MEMORY_64, /* takes the next register as well */
	PCI_BAR_EXPANSION_ROM,
};

struct pci_bar {
	enum pci_bar_kind kind;
	unsigned int index;
	uint64_t size;
	const struct address_range_ops *ops;
	void *device;
	struct memory_slot *slot; /* NULL: the device answers each access */
	uint64_t mapped;          /* address it answers at, 0: none */
};

/* size: a power of two, at least 16. Defines the register(s). */
void pci_bar_init(struct pci_bar *bar, struct pci_config_space *config, unsigned int index,
		  enum pci_bar_kind kind, uint64_t size, const struct address_range_ops *ops,
		  void *device);

/*
 * A BAR that is memory, which the guest reaches without asking us, as long as the slot, which stays
 * the caller's; prefetchable. For a ROM the index is PCI_BAR_ROM and the slot read-only.
 */
void pci_bar_init_memory(struct pci_bar *bar, struct pci_config_space *config, unsigned int index,
			 enum pci_bar_kind kind, struct memory_slot *slot);

/* What the register holds. */
uint64_t pci_bar_address(const struct pci_bar *bar, const struct pci_config_space *config);
void pci_bar_set_address(const struct pci_bar *bar, struct pci_config_space *config,
			 uint64_t address);

/*
 * Makes the address space agree with the register and with the command register's memory bit.
 * Whether bar->mapped has changed.
 */
bool pci_bar_update(struct pci_bar *bar, const struct pci_config_space *config,
		    struct address_space *mmio);
/* Answers nowhere any more. */
void pci_bar_unmap(struct pci_bar *bar, struct address_space *mmio);
