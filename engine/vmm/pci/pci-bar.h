/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A memory base address register (PCI Local Bus 3.0, section 6.2.5.1): where the guest puts it, the
 * device's range appears in the address space.
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
struct pci_config_space;

enum { PCI_BAR_COUNT = 6 };

enum pci_bar_kind {
	PCI_BAR_ABSENT,
	PCI_BAR_MEMORY_32,
	PCI_BAR_MEMORY_64, /* takes the next register as well */
};

struct pci_bar {
	enum pci_bar_kind kind;
	unsigned int index;
	uint64_t size;
	const struct address_range_ops *ops;
	void *device;
	uint64_t mapped; /* address it answers at, 0: none */
};

/* size: a power of two, at least 16. Defines the register(s). */
void pci_bar_init(struct pci_bar *bar, struct pci_config_space *config, unsigned int index,
		  enum pci_bar_kind kind, uint64_t size, const struct address_range_ops *ops,
		  void *device);

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
