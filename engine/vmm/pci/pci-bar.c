/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory BARs: see pci-bar.h.
 */
#include "pci/pci-bar.h"

#include <assert.h>
#include <linux/pci_regs.h>

#include "bus/address-space.h"
#include "pci/pci-config-space.h"

static unsigned int register_offset(const struct pci_bar *bar)
{
	return PCI_BASE_ADDRESS_0 + 4 * bar->index;
}

void pci_bar_init(struct pci_bar *bar, struct pci_config_space *config, unsigned int index,
		  enum pci_bar_kind kind, uint64_t size, const struct address_range_ops *ops,
		  void *device)
{
	uint64_t writable = ~(size - 1);

	assert(index + (kind == PCI_BAR_MEMORY_64) < PCI_BAR_COUNT);
	assert(size >= 16 && (size & (size - 1)) == 0);
	*bar = (struct pci_bar){
		.kind = kind, .index = index, .size = size, .ops = ops, .device = device};
	if (kind == PCI_BAR_MEMORY_64) {
		pci_config_space_define(config, register_offset(bar), 4,
					PCI_BASE_ADDRESS_MEM_TYPE_64, (uint32_t)writable);
		pci_config_space_define(config, register_offset(bar) + 4, 4, 0,
					(uint32_t)(writable >> 32));
	} else {
		pci_config_space_define(config, register_offset(bar), 4,
					PCI_BASE_ADDRESS_MEM_TYPE_32, (uint32_t)writable);
	}
}

uint64_t pci_bar_address(const struct pci_bar *bar, const struct pci_config_space *config)
{
	unsigned int size = bar->kind == PCI_BAR_MEMORY_64 ? 8 : 4;

	return pci_config_space_read(config, register_offset(bar), size) & ~(bar->size - 1);
}

void pci_bar_set_address(const struct pci_bar *bar, struct pci_config_space *config,
			 uint64_t address)
{
	unsigned int size = bar->kind == PCI_BAR_MEMORY_64 ? 8 : 4;

	pci_config_space_write(config, register_offset(bar), size, address);
}

void pci_bar_unmap(struct pci_bar *bar, struct address_space *mmio)
{
	if (bar->mapped)
		address_space_remove(mmio, bar->mapped);
	bar->mapped = 0;
}

bool pci_bar_update(struct pci_bar *bar, const struct pci_config_space *config,
		    struct address_space *mmio)
{
	uint64_t before = bar->mapped;
	uint64_t address = 0;

	if (bar->kind == PCI_BAR_ABSENT)
		return false;
	if (pci_config_space_read(config, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY)
		address = pci_bar_address(bar, config);
	if (address == before)
		return false;
	pci_bar_unmap(bar, mmio);
	if (address && address_space_add(mmio, address, bar->size, bar->ops, bar->device) == 0)
		bar->mapped = address;
	return bar->mapped != before;
}
