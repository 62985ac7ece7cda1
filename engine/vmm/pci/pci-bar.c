/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory BARs: see pci-bar.h.
 */
#include "pci/pci-bar.h"

#include <assert.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "bus/address-space.h"
#include "bus/memory-slot.h"
#include "pci/pci-config-space.h"

static unsigned int register_offset(const struct pci_bar *bar)
{
	return bar->kind == PCI_BAR_EXPANSION_ROM ? PCI_ROM_ADDRESS
						  : PCI_BASE_ADDRESS_0 + 4 * bar->index;
}

void pci_bar_init(struct pci_bar *bar, struct pci_config_space *config, unsigned int index,
		  enum pci_bar_kind kind, uint64_t size, const struct address_range_ops *ops,
		  void *device)
{
	uint64_t writable = ~(size - 1);

	assert((kind == PCI_BAR_EXPANSION_ROM) == (index == PCI_BAR_ROM));
	assert(index == PCI_BAR_ROM || index + (kind == PCI_BAR_MEMORY_64) < PCI_BAR_REGISTERS);
	assert(size >= 16 && (size & (size - 1)) == 0);
	*bar = (struct pci_bar){
		.kind = kind, .index = index, .size = size, .ops = ops, .device = device};
	switch (kind) {
	case PCI_BAR_ABSENT:
		break;
	case PCI_BAR_MEMORY_32:
		pci_config_space_define(config, register_offset(bar), 4,
					PCI_BASE_ADDRESS_MEM_TYPE_32, (uint32_t)writable);
		break;
	case PCI_BAR_MEMORY_64:
		pci_config_space_define(config, register_offset(bar), 4,
					PCI_BASE_ADDRESS_MEM_TYPE_64, (uint32_t)writable);
		pci_config_space_define(config, register_offset(bar) + 4, 4, 0,
					(uint32_t)(writable >> 32));
		break;
	case PCI_BAR_EXPANSION_ROM:
		pci_config_space_define(config, register_offset(bar), 4, 0,
					(uint32_t)writable | PCI_ROM_ADDRESS_ENABLE);
		break;
	}
}

/* For whoever does not get past us to the memory: the guest's writes to a ROM, and tests. */
static uint64_t slot_read(void *device, uint64_t offset, unsigned int size)
{
	const struct memory_slot *slot = device;
	uint64_t value = 0;

	memcpy(&value, (const char *)slot->host + offset, size);
	return value;
}

static void slot_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	const struct memory_slot *slot = device;

	if (!(slot->flags & MEMORY_SLOT_READ_ONLY))
		memcpy((char *)slot->host + offset, &value, size);
}

static const struct address_range_ops slot_ops = {.read = slot_read, .write = slot_write};

void pci_bar_init_memory(struct pci_bar *bar, struct pci_config_space *config, unsigned int index,
			 enum pci_bar_kind kind, struct memory_slot *slot)
{
	uint32_t low;

	pci_bar_init(bar, config, index, kind, slot->size, &slot_ops, slot);
	bar->slot = slot;
	if (kind == PCI_BAR_EXPANSION_ROM)
		return;
	/* memory has no side effects */
	low = (uint32_t)pci_config_space_read(config, register_offset(bar), 4);
	pci_config_space_define(config, register_offset(bar), 4,
				low | PCI_BASE_ADDRESS_MEM_PREFETCH, (uint32_t) ~(slot->size - 1));
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
	if (bar->mapped && bar->slot)
		memory_slot_unmap(bar->slot);
	if (bar->mapped)
		address_space_remove(mmio, bar->mapped);
	bar->mapped = 0;
}

/* The range is claimed for memory too: no two BARs answer at one address. */
static bool map(struct pci_bar *bar, struct address_space *mmio, uint64_t address)
{
	if (address_space_add(mmio, address, bar->size, bar->ops, bar->device) < 0)
		return false;
	if (bar->slot && memory_slot_map(bar->slot, address) < 0) {
		address_space_remove(mmio, address);
		return false;
	}
	bar->mapped = address;
	return true;
}

static bool decoding(const struct pci_bar *bar, const struct pci_config_space *config)
{
	if (bar->kind == PCI_BAR_EXPANSION_ROM &&
	    !(pci_config_space_read(config, PCI_ROM_ADDRESS, 4) & PCI_ROM_ADDRESS_ENABLE))
		return false;
	return pci_config_space_read(config, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
}

bool pci_bar_update(struct pci_bar *bar, const struct pci_config_space *config,
		    struct address_space *mmio)
{
	uint64_t before = bar->mapped;
	uint64_t address = 0;

	if (bar->kind == PCI_BAR_ABSENT)
		return false;
	if (decoding(bar, config))
		address = pci_bar_address(bar, config);
	if (address == before)
		return false;
	pci_bar_unmap(bar, mmio);
	if (address)
		(void)map(bar, mmio, address);
	return bar->mapped != before;
}
