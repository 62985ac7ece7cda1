/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/pci-host-bridge.h"

#include <errno.h>
#include <glib.h>
#include <linux/pci_regs.h>

#include "bus/address-space.h"
#include "fake-interrupts.h"
#include "pci/pci-device.h"
#include "state-block.h"

struct fixture {
	struct address_space *ports, *mmio;
	struct fake_interrupts interrupts;
	struct pci_host_bridge *bridge;
	unsigned int resets;
};

static void set_up(struct fixture *fixture)
{
	*fixture = (struct fixture){0};
	fake_interrupts_init(&fixture->interrupts);
	g_assert_cmpint(address_space_create(0x10000, &fixture->ports), ==, 0);
	g_assert_cmpint(address_space_create(0, &fixture->mmio), ==, 0);
	g_assert_cmpint(pci_host_bridge_create(fixture->ports, fixture->mmio,
					       &fixture->interrupts.controller, &fixture->bridge),
			==, 0);
	g_assert_cmphex(address_space_read(fixture->mmio, PCI_MMCONFIG_BASE_DEFAULT, 4), ==,
			0xffffffff);
	g_assert_cmpint(pci_host_bridge_assign(fixture->bridge, 0xC0000000, 0x1000000, 1ULL << 32),
			==, 0);
}

static void tear_down(struct fixture *fixture)
{
	pci_host_bridge_destroy(fixture->bridge);
	/* Everything claimed has been given back. */
	g_assert_cmphex(address_space_read(fixture->ports, 0xCF8, 4), ==, 0xffffffff);
	g_assert_cmphex(address_space_read(fixture->mmio, PCI_MMCONFIG_BASE_DEFAULT, 4), ==,
			0xffffffff);
	address_space_destroy(fixture->mmio);
	address_space_destroy(fixture->ports);
}

static void point_at(struct fixture *fixture, unsigned int bus, unsigned int devfn,
		     unsigned int offset)
{
	address_space_write(fixture->ports, 0xCF8, 4,
			    0x80000000u | bus << 16 | devfn << 8 | (offset & 0xfc));
}

static uint64_t port_read(struct fixture *fixture, unsigned int devfn, unsigned int offset,
			  unsigned int size)
{
	point_at(fixture, 0, devfn, offset);
	return address_space_read(fixture->ports, 0xCFC + offset % 4, size);
}

static void port_write(struct fixture *fixture, unsigned int devfn, unsigned int offset,
		       unsigned int size, uint64_t value)
{
	point_at(fixture, 0, devfn, offset);
	address_space_write(fixture->ports, 0xCFC + offset % 4, size, value);
}

static uint64_t mmconfig(unsigned int devfn, unsigned int offset)
{
	return PCI_MMCONFIG_BASE_DEFAULT + devfn * 0x1000 + offset;
}

static uint64_t read_nothing(void *device, uint64_t offset, unsigned int size)
{
	return 0;
}

static void write_nothing(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
}

static const struct address_range_ops range_ops = {.read = read_nothing, .write = write_nothing};

static const struct pci_device_identity identity = {
	.vendor = 0x1234,
	.device = 0x5678,
	.subsystem_vendor = 0x9abc,
	.subsystem = 0xdef0,
	.class_code = 0x018000,
	.revision = 7,
};

/* A function with a 64-bit BAR 0 and a 32-bit BAR 2 and a pin. */
static void place(struct fixture *fixture, struct pci_device *device, uint8_t devfn, uint64_t size)
{
	g_assert_cmpint(pci_device_init(device, fixture->bridge, devfn, &identity, NULL), ==, 0);
	pci_device_add_bar(device, 0, PCI_BAR_MEMORY_64, size, &range_ops, NULL);
	pci_device_add_bar(device, 2, PCI_BAR_MEMORY_32, 0x1000, &range_ops, NULL);
	pci_device_add_pin(device);
}

static void test_identities(void)
{
	struct fixture fixture;

	set_up(&fixture);
	g_assert_cmphex(port_read(&fixture, 0, PCI_VENDOR_ID, 4), ==, 0x29C08086);
	g_assert_cmphex(port_read(&fixture, 0, PCI_SUBSYSTEM_VENDOR_ID, 4), ==, 0x11001AF4);
	g_assert_cmphex(port_read(&fixture, 0, PCI_CLASS_REVISION + 2, 2), ==, 0x0600);
	g_assert_cmphex(port_read(&fixture, 0xf8, PCI_VENDOR_ID, 4), ==, 0x29188086);
	g_assert_cmphex(port_read(&fixture, 0xf8, PCI_CLASS_REVISION + 2, 2), ==, 0x0601);
	g_assert_cmphex(port_read(&fixture, 0xf8, PCI_HEADER_TYPE, 1), ==, 0x80);
	/* The ACPI block is where it is, and says it is on. */
	port_write(&fixture, 0xf8, 0x40, 4, 0x0b01);
	g_assert_cmphex(port_read(&fixture, 0xf8, 0x40, 4), ==, 0x601);
	g_assert_cmphex(port_read(&fixture, 0xf8, 0x44, 1), ==, 0x80);
	port_write(&fixture, 0xf8, 0x60, 4, 0x0b0b0a0a);
	g_assert_cmphex(port_read(&fixture, 0xf8, 0x60, 4), ==, 0x0b0b0a0a);
	/* Extended TSEG: the query is answered "not there". */
	port_write(&fixture, 0, 0x50, 2, 0xffff);
	g_assert_cmphex(port_read(&fixture, 0, 0x50, 2), ==, 0);
	tear_down(&fixture);
}

static void test_absent(void)
{
	struct fixture fixture;

	set_up(&fixture);
	for (unsigned int devfn = 1; devfn < 256; devfn++) {
		if (devfn == 0xf8)
			continue;
		g_assert_cmphex(port_read(&fixture, devfn, 0, 4), ==, 0xffffffff);
		g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(devfn, 0), 4), ==,
				0xffffffff);
		port_write(&fixture, devfn, 0, 4, 0);
	}
	/* Another bus, and the port switched off. */
	point_at(&fixture, 1, 0, 0);
	g_assert_cmphex(address_space_read(fixture.ports, 0xCFC, 4), ==, 0xffffffff);
	address_space_write(fixture.ports, 0xCF8, 4, 0);
	g_assert_cmphex(address_space_read(fixture.ports, 0xCFC, 4), ==, 0xffffffff);
	g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(256, 0), 4), ==, 0xffffffff);
	tear_down(&fixture);
}

static void test_widths(void)
{
	struct pci_device device;
	struct fixture fixture;

	set_up(&fixture);
	place(&fixture, &device, 0x10, 0x4000);
	for (unsigned int offset = 0; offset < 256; offset++) {
		uint64_t byte = pci_config_space_read(&device.config, offset, 1);

		g_assert_cmphex(port_read(&fixture, 0x10, offset, 1), ==, byte);
		g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(0x10, offset), 1), ==,
				byte);
	}
	g_assert_cmphex(port_read(&fixture, 0x10, PCI_DEVICE_ID, 2), ==, 0x5678);
	g_assert_cmphex(port_read(&fixture, 0x10, 1, 2), ==, 0x7812);
	g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(0x10, 0), 8), ==, 0x56781234);
	g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(0x10, 1), 4), ==, 0x00567812);
	g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(0x10, 0x100), 4), ==, 0);
	g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(0x10, 0xffc), 4), ==, 0);
	/* The address port only takes whole dwords, and keeps its reserved bits clear. */
	address_space_write(fixture.ports, 0xCF8, 4, 0xffffffff);
	g_assert_cmphex(address_space_read(fixture.ports, 0xCF8, 4), ==, 0x80fffffc);
	address_space_write(fixture.ports, 0xCF8, 1, 0);
	address_space_write(fixture.ports, 0xCFA, 2, 0);
	g_assert_cmphex(address_space_read(fixture.ports, 0xCF8, 4), ==, 0x80fffffc);
	pci_device_finish(&device);
	tear_down(&fixture);
}

static void test_mmconfig_moves(void)
{
	const uint64_t moved = 0xE0000000;
	struct fixture fixture;

	set_up(&fixture);
	g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(0, 0), 4), ==, 0x29C08086);
	port_write(&fixture, 0, 0x60, 4, moved | 1);
	g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(0, 0), 4), ==, 0xffffffff);
	g_assert_cmphex(address_space_read(fixture.mmio, moved + 0xf8000, 4), ==, 0x29188086);
	/* Moved by a write through itself. */
	address_space_write(fixture.mmio, moved + 0x60, 4, PCI_MMCONFIG_BASE_DEFAULT | 1);
	g_assert_cmphex(address_space_read(fixture.mmio, mmconfig(0, 0), 4), ==, 0x29C08086);
	/* 64 MiB large, so aligned to that; above 4 GiB; off; reserved size. */
	port_write(&fixture, 0, 0x60, 4, 0xE4000000 | 2 << 1 | 1);
	port_write(&fixture, 0, 0x64, 4, 0xff);
	g_assert_cmphex(address_space_read(fixture.mmio, 0xFE4000000, 4), ==, 0x29C08086);
	port_write(&fixture, 0, 0x60, 4, 0xE4000000 | 3 << 1 | 1);
	g_assert_cmphex(address_space_read(fixture.mmio, 0xFE4000000, 4), ==, 0xffffffff);
	port_write(&fixture, 0, 0x60, 4, moved);
	port_write(&fixture, 0, 0x64, 4, 0);
	g_assert_cmphex(address_space_read(fixture.mmio, moved, 4), ==, 0xffffffff);
	port_write(&fixture, 0, 0x60, 4, moved | 1);
	pci_host_bridge_reset(fixture.bridge);
	g_assert_cmphex(address_space_read(fixture.mmio, moved, 4), ==, 0xffffffff);
	tear_down(&fixture);
}

static void test_assign(void)
{
	struct pci_device small, large;
	struct fixture fixture;

	set_up(&fixture);
	place(&fixture, &small, 0x10, 0x4000);
	place(&fixture, &large, 0x18, 1ULL << 30);
	g_assert_cmpint(
		pci_device_init(&(struct pci_device){0}, fixture.bridge, 0x10, &identity, NULL), ==,
		-EEXIST);
	g_assert_cmpint(pci_host_bridge_assign(fixture.bridge, 0xC0001000, 0x100000, 0x240000000),
			==, 0);
	g_assert_cmphex(small.bars[0].mapped, ==, 0xC0004000);
	g_assert_cmphex(small.bars[2].mapped, ==, 0xC0008000);
	/* Does not fit low: high, and aligned to its size. */
	g_assert_cmphex(large.bars[0].mapped, ==, 0x240000000);
	g_assert_cmphex(large.bars[2].mapped, ==, 0xC0009000);
	g_assert_cmphex(port_read(&fixture, 0x18, PCI_INTERRUPT_LINE, 1), ==, 16 + 3);
	/* No place for a 32-bit BAR. */
	g_assert_cmpint(pci_host_bridge_assign(fixture.bridge, 0xC0000000, 0x4000, 0x240000000), ==,
			-ENOSPC);
	pci_host_bridge_reset(fixture.bridge);
	g_assert_cmphex(small.bars[0].mapped, ==, 0);
	g_assert_cmphex(port_read(&fixture, 0x10, PCI_COMMAND, 2), ==, 0);
	pci_device_finish(&small);
	pci_device_finish(&large);
	tear_down(&fixture);
}

/* One function moves onto another's place, which then leaves. */
static void test_swap(void)
{
	struct pci_device first, second;
	struct fixture fixture;

	set_up(&fixture);
	place(&fixture, &first, 0x10, 0x4000);
	place(&fixture, &second, 0x18, 0x4000);
	g_assert_cmpint(pci_host_bridge_assign(fixture.bridge, 0xC0000000, 0x100000, 1ULL << 32),
			==, 0);
	port_write(&fixture, 0x10, PCI_BASE_ADDRESS_0, 4, second.bars[0].mapped);
	g_assert_cmphex(first.bars[0].mapped, ==, 0);
	port_write(&fixture, 0x18, PCI_BASE_ADDRESS_0, 4, 0xD0000000);
	g_assert_cmphex(second.bars[0].mapped, ==, 0xD0000000);
	g_assert_cmphex(first.bars[0].mapped, ==, pci_bar_address(&first.bars[0], &first.config));
	pci_device_finish(&first);
	pci_device_finish(&second);
	tear_down(&fixture);
}

static void test_pins(void)
{
	struct pci_device first, second;
	struct fixture fixture;

	set_up(&fixture);
	place(&fixture, &first, 1 << 3, 0x4000);
	place(&fixture, &second, 5 << 3, 0x4000);
	/* Slots 1 and 5 share a line: it is down when both are. */
	pci_device_set_intx(&first, true);
	pci_device_set_intx(&second, true);
	pci_device_set_intx(&second, true);
	g_assert_true(fixture.interrupts.lines[17]);
	pci_device_set_intx(&first, false);
	g_assert_true(fixture.interrupts.lines[17]);
	g_assert_cmphex(port_read(&fixture, 5 << 3, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, !=, 0);
	/* Disabled, the pin is silent and the status still says what is. */
	port_write(&fixture, 5 << 3, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	g_assert_false(fixture.interrupts.lines[17]);
	g_assert_cmphex(port_read(&fixture, 5 << 3, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, !=, 0);
	port_write(&fixture, 5 << 3, PCI_COMMAND, 2, 0);
	g_assert_true(fixture.interrupts.lines[17]);
	pci_host_bridge_reset(fixture.bridge);
	g_assert_false(fixture.interrupts.lines[17]);
	pci_device_finish(&first);
	pci_device_finish(&second);
	tear_down(&fixture);
}

static void count_reset(void *data)
{
	(*(unsigned int *)data)++;
}

static void test_reset_register(void)
{
	struct fixture fixture;

	set_up(&fixture);
	pci_host_bridge_set_reset_handler(fixture.bridge, count_reset, &fixture.resets);
	/* Part of a configuration address, not the register. */
	address_space_write(fixture.ports, 0xCF8, 4, 0x80000600);
	g_assert_cmpuint(fixture.resets, ==, 0);
	address_space_write(fixture.ports, 0xCF9, 1, 0x02);
	g_assert_cmphex(address_space_read(fixture.ports, 0xCF9, 1), ==, 0x02);
	g_assert_cmpuint(fixture.resets, ==, 0);
	address_space_write(fixture.ports, 0xCF9, 1, 0x06);
	g_assert_cmpuint(fixture.resets, ==, 1);
	address_space_write(fixture.ports, 0xCF9, 1, 0x0e);
	g_assert_cmpuint(fixture.resets, ==, 1);
	pci_host_bridge_reset(fixture.bridge);
	address_space_write(fixture.ports, 0xCF9, 1, 0x0f);
	g_assert_cmpuint(fixture.resets, ==, 2);
	tear_down(&fixture);
}

/* Chipset slots are not rotated, and the PICs see a line where firmware has routed it. */
static void test_pic_routes(void)
{
	struct pci_device first, chipset;
	struct fixture fixture;

	set_up(&fixture);
	place(&fixture, &first, 2 << 3, 0x4000);
	place(&fixture, &chipset, 0x1f << 3 | 2, 0x4000);
	pci_device_set_intx(&chipset, true);
	g_assert_true(fixture.interrupts.lines[16]);
	g_assert_false(fixture.interrupts.lines[10]);
	port_write(&fixture, 0xf8, 0x60, 4, 0x0b0b0a0a);
	g_assert_true(fixture.interrupts.lines[10]);
	pci_device_set_intx(&first, true);
	g_assert_true(fixture.interrupts.lines[11]);
	/* both on one; one goes, one stays */
	port_write(&fixture, 0xf8, 0x60, 4, 0x0b0a0a0a);
	g_assert_false(fixture.interrupts.lines[11]);
	pci_device_set_intx(&first, false);
	g_assert_true(fixture.interrupts.lines[10]);
	/* not the timer's, and off */
	port_write(&fixture, 0xf8, 0x60, 1, 0x00);
	g_assert_false(fixture.interrupts.lines[0]);
	g_assert_false(fixture.interrupts.lines[10]);
	port_write(&fixture, 0xf8, 0x60, 1, 0x0a);
	pci_host_bridge_reset(fixture.bridge);
	g_assert_false(fixture.interrupts.lines[10]);
	pci_device_finish(&chipset);
	pci_device_finish(&first);
	tear_down(&fixture);
}

static void save_bus(struct fixture *fixture, struct pci_device *devices, struct state_block *block)
{
	struct state_writer *writer = state_block_write(block);

	pci_host_bridge_save(fixture->bridge, writer);
	pci_device_save(&devices[0], writer);
	pci_device_save(&devices[1], writer);
	state_block_written(block);
}

static int load_bus(struct fixture *fixture, struct pci_device *devices, struct state_block *block)
{
	struct state_reader *reader = state_block_read(block);
	int r = pci_host_bridge_load(fixture->bridge, reader);

	if (r < 0)
		return r;
	pci_device_load(&devices[0], reader);
	pci_device_load(&devices[1], reader);
	return state_reader_result(reader);
}

static void set_up_pair(struct fixture *fixture, struct pci_device *devices)
{
	set_up(fixture);
	place(fixture, &devices[0], 0x10, 0x4000);
	place(fixture, &devices[1], 0x18, 0x4000);
}

static void tear_down_pair(struct fixture *fixture, struct pci_device *devices)
{
	pci_device_finish(&devices[0]);
	pci_device_finish(&devices[1]);
	tear_down(fixture);
}

/*
 * MMCONFIG moved, a BAR in the place of another that waits for it, a pin up that is routed to the
 * PICs, and the port in the middle of something.
 */
static void test_state(void)
{
	static struct state_block block;
	struct pci_device devices[2], others[2];
	struct fixture fixture, other;

	set_up_pair(&fixture, devices);
	port_write(&fixture, 0, 0x60, 4, 0xe0000001);
	port_write(&fixture, 0xf8, 0x62, 1, 0x0b); /* PIRQC: slot 2 */
	port_write(&fixture, 0x18, PCI_BASE_ADDRESS_2, 4, 0xc1000000);
	port_write(&fixture, 0x18, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	port_write(&fixture, 0x10, PCI_BASE_ADDRESS_2, 4, 0xc1000000);
	port_write(&fixture, 0x10, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	g_assert_cmphex(devices[0].bars[2].mapped, ==, 0);
	pci_device_set_intx(&devices[0], true);
	point_at(&fixture, 0, 0x18, PCI_BASE_ADDRESS_2);
	save_bus(&fixture, devices, &block);
	tear_down_pair(&fixture, devices);

	set_up_pair(&other, others);
	state_block_loaded(&block, load_bus(&other, others, &block));
	g_assert_cmphex(address_space_read(other.ports, 0xCFC, 4), ==, 0xc1000000);
	g_assert_cmphex(address_space_read(other.mmio, 0xe0010000, 4), ==, 0x56781234);
	g_assert_cmphex(others[1].bars[2].mapped, ==, 0xc1000000);
	g_assert_cmphex(others[0].bars[2].mapped, ==, 0);
	g_assert_true(other.interrupts.lines[18]);
	g_assert_true(other.interrupts.lines[11]);
	pci_device_set_intx(&others[0], false);
	g_assert_false(other.interrupts.lines[18]);
	g_assert_false(other.interrupts.lines[11]);
	port_write(&other, 0x18, PCI_COMMAND, 2, 0); /* what waited takes the place */
	g_assert_cmphex(others[0].bars[2].mapped, ==, 0xc1000000);
	port_write(&other, 0, 0x60, 4, 0xb0000001); /* where tear_down() looks */
	tear_down_pair(&other, others);
}

/* Another function, a BAR that says it answers where it cannot, and less than all. */
static void test_bad_state(void)
{
	static struct state_block block;
	struct pci_device devices[2];
	struct fixture fixture;
	size_t function;

	set_up_pair(&fixture, devices);
	save_bus(&fixture, devices, &block);
	/* after the registers of the bridge and two functions of 256 bytes, 7 BARs and a pin */
	function = 6 + 2 * (256 + 7 + 1);
	state_block_patch(&block, function + PCI_DEVICE_ID, 0x79);
	g_assert_cmpint(load_bus(&fixture, devices, &block), ==, -EPROTO);
	g_assert_cmpstr(block.reader.problem, ==, "another PCI function is in this place");
	state_block_patch(&block, function + PCI_DEVICE_ID, 0x78);
	state_block_patch(&block, function + 256 + 2, 1);
	g_assert_cmpint(load_bus(&fixture, devices, &block), ==, -EPROTO);
	g_assert_cmpstr(block.reader.problem, ==, "a PCI function cannot be where it was");
	tear_down_pair(&fixture, devices);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pci-host-bridge/identities", test_identities);
	g_test_add_func("/pci-host-bridge/absent", test_absent);
	g_test_add_func("/pci-host-bridge/widths", test_widths);
	g_test_add_func("/pci-host-bridge/mmconfig-moves", test_mmconfig_moves);
	g_test_add_func("/pci-host-bridge/assign", test_assign);
	g_test_add_func("/pci-host-bridge/swap", test_swap);
	g_test_add_func("/pci-host-bridge/pins", test_pins);
	g_test_add_func("/pci-host-bridge/reset-register", test_reset_register);
	g_test_add_func("/pci-host-bridge/pic-routes", test_pic_routes);
	g_test_add_func("/pci-host-bridge/state", test_state);
	g_test_add_func("/pci-host-bridge/bad-state", test_bad_state);
	return g_test_run();
}
