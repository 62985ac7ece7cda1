/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PCI function: see pci-device.h. Header registers: PCI Local Bus 3.0, section 6.2.
 */
#include "pci/pci-device.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "bus/interrupt.h"
#include "pci/pci-host-bridge.h"
#include "pci/pci-msix.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	COMMAND_WRITABLE = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
			   PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE,
};

int pci_device_init(struct pci_device *device, struct pci_host_bridge *bridge, uint8_t devfn,
		    const struct pci_device_identity *identity, const struct pci_device_ops *ops)
{
	struct pci_config_space *config = &device->config;

	memset(device, 0, sizeof(*device));
	device->ops = ops;
	device->devfn = devfn;
	pci_config_space_init(config);
	pci_config_space_define(config, PCI_VENDOR_ID, 2, identity->vendor, 0);
	pci_config_space_define(config, PCI_DEVICE_ID, 2, identity->device, 0);
	pci_config_space_define(config, PCI_COMMAND, 2, 0, COMMAND_WRITABLE);
	pci_config_space_define(config, PCI_CLASS_REVISION, 4,
				identity->class_code << 8 | identity->revision, 0);
	pci_config_space_define(config, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
	pci_config_space_define(config, PCI_SUBSYSTEM_VENDOR_ID, 2, identity->subsystem_vendor, 0);
	pci_config_space_define(config, PCI_SUBSYSTEM_ID, 2, identity->subsystem, 0);
	return pci_host_bridge_add(bridge, device);
}

void pci_device_finish(struct pci_device *device)
{
	if (!device->bridge)
		return;
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		pci_bar_unmap(&device->bars[i], pci_host_bridge_mmio(device->bridge));
	pci_device_set_intx(device, false);
	pci_msix_destroy(device->msix);
	pci_host_bridge_remove(device->bridge, device);
}

void pci_device_add_bar(struct pci_device *device, unsigned int index, enum pci_bar_kind kind,
			uint64_t size, const struct address_range_ops *ops, void *range_device)
{
	pci_bar_init(&device->bars[index], &device->config, index, kind, size, ops, range_device);
}

void pci_device_add_memory_bar(struct pci_device *device, unsigned int index,
			       enum pci_bar_kind kind, struct memory_slot *slot)
{
	pci_bar_init_memory(&device->bars[index], &device->config, index, kind, slot);
}

int pci_device_add_msix(struct pci_device *device, unsigned int vectors, unsigned int bar)
{
	int r = pci_msix_create(&device->config, pci_host_bridge_interrupts(device->bridge),
				vectors, bar, &device->msix);

	if (r < 0)
		return r;
	pci_device_add_bar(device, bar, PCI_BAR_MEMORY_32, PCI_MSIX_BAR_SIZE, &pci_msix_range_ops,
			   device->msix);
	return 0;
}

void pci_device_add_pin(struct pci_device *device)
{
	pci_config_space_define(&device->config, PCI_INTERRUPT_PIN, 1, /* INTA# */ 1, 0);
	pci_config_space_define(&device->config, PCI_INTERRUPT_LINE, 1, 0, 0xff);
}

static void update_line(struct pci_device *device)
{
	uint64_t command = pci_config_space_read(&device->config, PCI_COMMAND, 2);
	uint64_t status = pci_config_space_read(&device->config, PCI_STATUS, 2);
	bool usable = !device->msix || !pci_msix_enabled(device->msix);
	bool asserted = device->intx && usable;
	bool line = asserted && !(command & PCI_COMMAND_INTX_DISABLE);

	status &= ~(uint64_t)PCI_STATUS_INTERRUPT;
	if (asserted)
		status |= PCI_STATUS_INTERRUPT;
	pci_config_space_set(&device->config, PCI_STATUS, 2, (uint32_t)status);
	if (line != device->line) {
		device->line = line;
		pci_host_bridge_set_pin(device->bridge, device->devfn, line);
	}
}

void pci_device_set_intx(struct pci_device *device, bool level)
{
	device->intx = level;
	update_line(device);
}

uint64_t pci_device_config_read(struct pci_device *device, unsigned int offset, unsigned int size)
{
	if (device->ops && device->ops->config_reading)
		device->ops->config_reading(device, offset, size);
	return pci_config_space_read(&device->config, offset, size);
}

static void tell_moved(struct pci_device *device, unsigned int index)
{
	if (device->ops && device->ops->bar_moved)
		device->ops->bar_moved(device, index);
}

static void update_bar(struct pci_device *device, unsigned int index)
{
	if (pci_bar_update(&device->bars[index], &device->config,
			   pci_host_bridge_mmio(device->bridge)))
		tell_moved(device, index);
}

void pci_device_update_bars(struct pci_device *device)
{
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		update_bar(device, i);
}

void pci_device_unmap_bars(struct pci_device *device)
{
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		if (!device->bars[i].mapped)
			continue;
		pci_bar_unmap(&device->bars[i], pci_host_bridge_mmio(device->bridge));
		tell_moved(device, i);
	}
}

bool pci_device_config_write(struct pci_device *device, unsigned int offset, unsigned int size,
			     uint64_t value)
{
	bool decoding = pci_config_space_overlaps(offset, size, PCI_COMMAND, 2) ||
			pci_config_space_overlaps(offset, size, PCI_BASE_ADDRESS_0,
						  4 * PCI_BAR_REGISTERS) ||
			pci_config_space_overlaps(offset, size, PCI_ROM_ADDRESS, 4);

	pci_config_space_write(&device->config, offset, size, value);
	if (decoding)
		pci_device_update_bars(device);
	if (device->msix)
		pci_msix_update(device->msix);
	update_line(device);
	if (device->ops && device->ops->config_written)
		device->ops->config_written(device, offset, size);
	return decoding;
}

void pci_device_reset(struct pci_device *device)
{
	pci_config_space_reset(&device->config);
	pci_device_update_bars(device);
	if (device->msix)
		pci_msix_reset(device->msix);
	pci_device_set_intx(device, false);
	if (device->ops && device->ops->reset)
		device->ops->reset(device);
}

void pci_device_save(const struct pci_device *device, struct state_writer *writer)
{
	pci_config_space_save(&device->config, writer);
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		state_writer_put_bool(writer, device->bars[i].mapped);
	if (device->msix)
		pci_msix_save(device->msix, writer);
	state_writer_put_bool(writer, device->intx);
}

static void load_bars(struct pci_device *device, struct state_reader *reader)
{
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		bool mapped = state_reader_get_bool(reader);

		if (!mapped || state_reader_result(reader) < 0)
			continue;
		update_bar(device, i);
		state_reader_check(reader, device->bars[i].mapped,
				   "a PCI function cannot be where it was");
	}
}

void pci_device_load(struct pci_device *device, struct state_reader *reader)
{
	bool intx;

	pci_config_space_load(&device->config, reader);
	load_bars(device, reader);
	if (device->msix)
		pci_msix_load(device->msix, reader);
	intx = state_reader_get_bool(reader);
	if (state_reader_result(reader) == 0)
		pci_device_set_intx(device, intx);
}
