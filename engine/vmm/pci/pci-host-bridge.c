/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Q35 host bridge (Intel 3 Series Express Chipset data sheet, MCH registers) and the ICH9 LPC
 * bridge (Intel ICH9 data sheet), as far as firmware and kernels look at them.
 */
#include "pci/pci-host-bridge.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "bus/address-space.h"
#include "bus/interrupt.h"
#include "pci/pci-device.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	PORT_BASE = 0xCF8,
	PORT_COUNT = 8,
	RESET_OFFSET = 1, /* port 0xCF9 */
	DATA_OFFSET = 4,  /* ports 0xCFC-0xCFF */
	MMCONFIG_BUS_SIZE = 1 << 20,
	DEVFN_COUNT = 256,
	LPC_DEVFN = 0x1f << 3,
	FIRST_CHIPSET_SLOT = 25,

	/* host bridge registers */
	PCIEXBAR = 0x60,
	PCIEXBAR_ENABLE = 1,
	PAM0 = 0x90,
	PAM_COUNT = 7,
	SMRAM = 0x9D,

	/* LPC registers */
	PMBASE = 0x40,
	ACPI_CNTL = 0x44,
	PIRQA_ROUT = 0x60, /* four routes, and four more at 0x68 */
	PIRQE_ROUT = 0x68,
	PIRQ_ROUT_OFF = 0x80, /* not to the PICs */
	PIRQ_ROUT_IRQ = 0x0f,
	GEN_PMCON_1 = 0xA0,
	RCBA = 0xF0,

	/* reset register */
	RST_CPU = 1 << 2, /* rising: reset */
	RST_WRITABLE = 0x0e,
};

static const uint32_t config_address_writable = 0x80fffffc;

struct pci_host_bridge {
	struct address_space *ports;
	struct address_space *mmio;
	struct interrupt_controller *interrupts;
	uint32_t config_address;
	uint8_t reset_register;
	void (*reset)(void *data);
	void *reset_data;
	uint64_t mmconfig;               /* address it answers at, 0: none */
	unsigned int pins[PCI_PIN_GSIS]; /* functions that hold the line up */
	unsigned int isa_lines;          /* a bit for each interrupt of the PICs held up */
	struct pci_device *functions[DEVFN_COUNT];
	struct pci_device host;
	struct pci_device lpc;
};

static const struct pci_device_identity host_identity = {
	.vendor = 0x8086,
	.device = 0x29C0,
	.subsystem_vendor = 0x1AF4,
	.subsystem = 0x1100,
	.class_code = 0x060000,
};
static const struct pci_device_identity lpc_identity = {
	.vendor = 0x8086,
	.device = 0x2918,
	.subsystem_vendor = 0x1AF4,
	.subsystem = 0x1100,
	.class_code = 0x060100,
	.revision = 2,
};

/* What nobody answers reads as. */
static uint64_t all_ones(unsigned int size)
{
	return ~0ULL >> (64 - 8 * size);
}

static uint64_t config_read(struct pci_host_bridge *bridge, unsigned int devfn, unsigned int offset,
			    unsigned int size)
{
	struct pci_device *device = bridge->functions[devfn];

	return device ? pci_device_config_read(device, offset, size) : all_ones(size);
}

static void config_write(struct pci_host_bridge *bridge, unsigned int devfn, unsigned int offset,
			 unsigned int size, uint64_t value)
{
	struct pci_device *device = bridge->functions[devfn];

	if (!device || !pci_device_config_write(device, offset, size, value))
		return;
	/* What this function has left may be what another has been waiting for. */
	for (unsigned int i = 0; i < DEVFN_COUNT; i++) {
		if (bridge->functions[i])
			pci_device_update_bars(bridge->functions[i]);
	}
}

static uint64_t mmconfig_read(void *device, uint64_t offset, unsigned int size)
{
	unsigned int at = offset % PCI_CONFIG_SPACE_EXTENDED_SIZE;

	return config_read(device, (unsigned int)(offset / PCI_CONFIG_SPACE_EXTENDED_SIZE), at,
			   size);
}

static void mmconfig_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	unsigned int at = offset % PCI_CONFIG_SPACE_EXTENDED_SIZE;

	config_write(device, (unsigned int)(offset / PCI_CONFIG_SPACE_EXTENDED_SIZE), at, size,
		     value);
}

static const struct address_range_ops mmconfig_ops = {
	.read = mmconfig_read,
	.write = mmconfig_write,
};

/* PCIEXBAR, data sheet section 5.1.16: bits 2:1 are the size, 256, 128 or 64 MiB, which aligns. */
static uint64_t mmconfig_wanted(struct pci_host_bridge *bridge)
{
	uint64_t value = pci_config_space_read(&bridge->host.config, PCIEXBAR, 8);
	unsigned int size = (value >> 1) & 3;

	if (!(value & PCIEXBAR_ENABLE) || size == 3)
		return 0;
	return value & ~((0x10000000ULL >> size) - 1);
}

static void set_mmconfig(struct pci_host_bridge *bridge, uint64_t wanted)
{
	if (wanted == bridge->mmconfig)
		return;
	if (bridge->mmconfig)
		address_space_remove(bridge->mmio, bridge->mmconfig);
	bridge->mmconfig = 0;
	if (wanted &&
	    address_space_add(bridge->mmio, wanted, MMCONFIG_BUS_SIZE, &mmconfig_ops, bridge) == 0)
		bridge->mmconfig = wanted;
}

static void update_mmconfig(struct pci_host_bridge *bridge)
{
	set_mmconfig(bridge, mmconfig_wanted(bridge));
}

static void host_config_written(struct pci_device *device, unsigned int offset, unsigned int size)
{
	if (pci_config_space_overlaps(offset, size, PCIEXBAR, 8))
		update_mmconfig(device->bridge);
}

static void host_reset(struct pci_device *device)
{
	update_mmconfig(device->bridge);
}

static const struct pci_device_ops host_ops = {
	.config_written = host_config_written,
	.reset = host_reset,
};

/* Only bus 0 exists, and address bits below the dword come from the port (section 3.2.2.3.2). */
static bool data_target(const struct pci_host_bridge *bridge, uint64_t port, unsigned int *devfn,
			unsigned int *offset)
{
	uint32_t address = bridge->config_address;

	*devfn = (address >> 8) & 0xff;
	*offset = (address & 0xfc) + (unsigned int)(port - DATA_OFFSET);
	return (address & 0x80000000) && ((address >> 16) & 0xff) == 0;
}

static uint64_t port_read(void *device, uint64_t offset, unsigned int size)
{
	struct pci_host_bridge *bridge = device;
	unsigned int devfn, at;

	if (offset == 0 && size == 4)
		return bridge->config_address;
	if (offset == RESET_OFFSET && size == 1)
		return bridge->reset_register;
	if (offset < DATA_OFFSET || !data_target(bridge, offset, &devfn, &at))
		return all_ones(size);
	return config_read(bridge, devfn, at, size);
}

/* ICH9 data sheet, section 13.7.5: a rising RST_CPU resets. */
static void write_reset_register(struct pci_host_bridge *bridge, uint8_t value)
{
	bool rising = (value & RST_CPU) && !(bridge->reset_register & RST_CPU);

	bridge->reset_register = value & RST_WRITABLE;
	if (rising && bridge->reset)
		bridge->reset(bridge->reset_data);
}

static void port_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pci_host_bridge *bridge = device;
	unsigned int devfn, at;

	if (offset == 0 && size == 4)
		bridge->config_address = (uint32_t)value & config_address_writable;
	else if (offset == RESET_OFFSET && size == 1)
		write_reset_register(bridge, (uint8_t)value);
	else if (offset >= DATA_OFFSET && data_target(bridge, offset, &devfn, &at))
		config_write(bridge, devfn, at, size, value);
}

static const struct address_range_ops port_ops = {
	.read = port_read,
	.write = port_write,
};

/* What a pin may drive at the PICs (ICH9 data sheet, PIRQ[n]_ROUT): not the board's own. */
static const unsigned int routable_irqs = 0xdef8;

/* A pin drives the IOAPIC and, if firmware has routed it there, an interrupt of the PICs too. */
static void update_isa_lines(struct pci_host_bridge *bridge)
{
	unsigned int wanted = 0, changed;

	for (unsigned int i = 0; i < PCI_PIN_GSIS; i++) {
		uint64_t route = pci_config_space_read(&bridge->lpc.config, PIRQA_ROUT + i, 1);

		if (bridge->pins[i] > 0 && !(route & PIRQ_ROUT_OFF))
			wanted |= 1u << (route & PIRQ_ROUT_IRQ);
	}
	wanted &= routable_irqs;
	changed = wanted ^ bridge->isa_lines;
	bridge->isa_lines = wanted;
	for (unsigned int irq = 0; changed >> irq; irq++) {
		if (changed >> irq & 1)
			interrupt_line_set(bridge->interrupts, irq, wanted >> irq & 1);
	}
}

static void lpc_config_written(struct pci_device *device, unsigned int offset, unsigned int size)
{
	if (pci_config_space_overlaps(offset, size, PIRQA_ROUT, PCI_PIN_GSIS))
		update_isa_lines(device->bridge);
}

static void lpc_reset(struct pci_device *device)
{
	update_isa_lines(device->bridge);
}

static const struct pci_device_ops lpc_ops = {
	.config_written = lpc_config_written,
	.reset = lpc_reset,
};

static int create_host(struct pci_host_bridge *bridge)
{
	struct pci_config_space *config = &bridge->host.config;
	int r = pci_device_init(&bridge->host, bridge, 0, &host_identity, &host_ops);

	if (r < 0)
		return r;
	pci_config_space_define(config, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	/* Off at power-on: firmware, or pci_host_bridge_assign(), says where. */
	pci_config_space_define(config, PCIEXBAR, 4, 0, 0xfc000007);
	pci_config_space_define(config, PCIEXBAR + 4, 4, 0, 0xf);
	/* Shadowing is not modelled (0xC0000-0xFFFFF is RAM), but what is written is read back. */
	for (unsigned int i = 0; i < PAM_COUNT; i++)
		pci_config_space_define(config, PAM0 + i, 1, 0, 0x33);
	pci_config_space_define(config, SMRAM, 1, 0x02, 0x78);
	return 0;
}

static int create_lpc(struct pci_host_bridge *bridge)
{
	struct pci_config_space *config = &bridge->lpc.config;
	int r = pci_device_init(&bridge->lpc, bridge, LPC_DEVFN, &lpc_identity, &lpc_ops);

	if (r < 0)
		return r;
	pci_config_space_define(config, PCI_COMMAND, 2,
				PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	pci_config_space_define(config, PCI_HEADER_TYPE, 1, 0x80 /* multifunction */, 0);
	/* The ACPI block stays where it is: ports 0x600-0x67F, decoded. */
	pci_config_space_define(config, PMBASE, 4, 0x601, 0);
	pci_config_space_define(config, ACPI_CNTL, 1, 0x80, 0);
	for (unsigned int i = 0; i < 4; i++) {
		pci_config_space_define(config, PIRQA_ROUT + i, 1, PIRQ_ROUT_OFF, 0x8f);
		pci_config_space_define(config, PIRQE_ROUT + i, 1, PIRQ_ROUT_OFF, 0x8f);
	}
	pci_config_space_define(config, GEN_PMCON_1, 2, 0, 0xffff);
	pci_config_space_define(config, RCBA, 4, 0, 0xffffc001);
	return 0;
}

int pci_host_bridge_create(struct address_space *ports, struct address_space *mmio,
			   struct interrupt_controller *interrupts,
			   struct pci_host_bridge **ret_bridge)
{
	struct pci_host_bridge *bridge = calloc(1, sizeof(*bridge));
	int r;

	if (!bridge)
		return -ENOMEM;
	bridge->ports = ports;
	bridge->mmio = mmio;
	bridge->interrupts = interrupts;
	r = address_space_add(ports, PORT_BASE, PORT_COUNT, &port_ops, bridge);
	if (r < 0)
		goto free_bridge;
	r = create_host(bridge);
	if (r < 0)
		goto remove_ports;
	r = create_lpc(bridge);
	if (r < 0)
		goto remove_ports;
	*ret_bridge = bridge;
	return 0;

remove_ports:
	address_space_remove(ports, PORT_BASE);
free_bridge:
	free(bridge);
	return r;
}

void pci_host_bridge_destroy(struct pci_host_bridge *bridge)
{
	if (!bridge)
		return;
	pci_device_finish(&bridge->lpc);
	pci_device_finish(&bridge->host);
	if (bridge->mmconfig)
		address_space_remove(bridge->mmio, bridge->mmconfig);
	address_space_remove(bridge->ports, PORT_BASE);
	free(bridge);
}

/* Takes an aligned piece from [*at, end); false when there is none. */
static bool take(uint64_t *at, uint64_t end, uint64_t size, uint64_t *ret_address)
{
	uint64_t address;

	if (*at > UINT64_MAX - (size - 1))
		return false;
	address = (*at + size - 1) & ~(size - 1);
	if (address > end || size > end - address)
		return false;
	*at = address + size;
	*ret_address = address;
	return true;
}

/*
 * Which of the four lines INTA# of a function is on. Slots from 25 on, those of the chipset, are
 * not rotated: firmware counts on that.
 */
static unsigned int pin_line(unsigned int devfn)
{
	unsigned int slot = devfn >> 3;

	return slot < FIRST_CHIPSET_SLOT ? slot % PCI_PIN_GSIS : 0;
}

int pci_host_bridge_assign(struct pci_host_bridge *bridge, uint64_t mmio_base, uint64_t mmio_size,
			   uint64_t mmio64_base)
{
	uint64_t mmio_end = mmio_base + mmio_size;
	uint64_t address;

	config_write(bridge, 0, PCIEXBAR, 8, PCI_MMCONFIG_BASE_DEFAULT | PCIEXBAR_ENABLE);
	for (unsigned int devfn = 0; devfn < DEVFN_COUNT; devfn++) {
		struct pci_device *device = bridge->functions[devfn];

		if (!device)
			continue;
		for (unsigned int i = 0; i < PCI_BAR_REGISTERS; i++) {
			struct pci_bar *bar = &device->bars[i];

			if (bar->kind == PCI_BAR_ABSENT)
				continue;
			if (!take(&mmio_base, mmio_end, bar->size, &address) &&
			    (bar->kind != PCI_BAR_MEMORY_64 ||
			     !take(&mmio64_base, UINT64_MAX, bar->size, &address)))
				return -ENOSPC;
			pci_bar_set_address(bar, &device->config, address);
		}
		config_write(bridge, devfn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		config_write(bridge, devfn, PCI_INTERRUPT_LINE, 1,
			     PCI_PIN_FIRST_GSI + pin_line(devfn));
	}
	return 0;
}

void pci_host_bridge_reset(struct pci_host_bridge *bridge)
{
	bridge->config_address = 0;
	bridge->reset_register = 0;
	for (unsigned int i = 0; i < DEVFN_COUNT; i++) {
		if (bridge->functions[i])
			pci_device_reset(bridge->functions[i]);
	}
}

void pci_host_bridge_set_reset_handler(struct pci_host_bridge *bridge, void (*reset)(void *data),
				       void *data)
{
	bridge->reset = reset;
	bridge->reset_data = data;
}

int pci_host_bridge_add(struct pci_host_bridge *bridge, struct pci_device *device)
{
	if (bridge->functions[device->devfn])
		return -EEXIST;
	bridge->functions[device->devfn] = device;
	device->bridge = bridge;
	return 0;
}

void pci_host_bridge_remove(struct pci_host_bridge *bridge, struct pci_device *device)
{
	bridge->functions[device->devfn] = NULL;
	device->bridge = NULL;
}

struct address_space *pci_host_bridge_mmio(struct pci_host_bridge *bridge)
{
	return bridge->mmio;
}

struct interrupt_controller *pci_host_bridge_interrupts(struct pci_host_bridge *bridge)
{
	return bridge->interrupts;
}

void pci_host_bridge_set_pin(struct pci_host_bridge *bridge, uint8_t devfn, bool level)
{
	unsigned int line = pin_line(devfn);
	unsigned int before = bridge->pins[line];

	bridge->pins[line] = level ? before + 1 : before - 1;
	if ((before == 0) == (bridge->pins[line] == 0))
		return;
	interrupt_line_set(bridge->interrupts, PCI_PIN_FIRST_GSI + line, level);
	update_isa_lines(bridge);
}

void pci_host_bridge_save(const struct pci_host_bridge *bridge, struct state_writer *writer)
{
	state_writer_put32(writer, bridge->config_address);
	state_writer_put8(writer, bridge->reset_register);
	state_writer_put_bool(writer, bridge->mmconfig);
	pci_device_save(&bridge->host, writer);
	pci_device_save(&bridge->lpc, writer);
}

int pci_host_bridge_load(struct pci_host_bridge *bridge, struct state_reader *reader)
{
	bool mmconfig;

	bridge->config_address = state_reader_get32(reader) & config_address_writable;
	bridge->reset_register = state_reader_get8(reader) & RST_WRITABLE;
	mmconfig = state_reader_get_bool(reader);
	/* All make room before the first takes its place. */
	set_mmconfig(bridge, 0);
	for (unsigned int i = 0; i < DEVFN_COUNT; i++) {
		if (bridge->functions[i])
			pci_device_unmap_bars(bridge->functions[i]);
	}
	pci_device_load(&bridge->host, reader);
	pci_device_load(&bridge->lpc, reader);
	if (state_reader_result(reader) < 0)
		return state_reader_result(reader);
	update_isa_lines(bridge);
	if (mmconfig)
		update_mmconfig(bridge);
	state_reader_check(reader, !mmconfig || bridge->mmconfig,
			   "PCI configuration space cannot be where it was");
	return state_reader_result(reader);
}
