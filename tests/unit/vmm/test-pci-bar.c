/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/pci-bar.h"

#include <errno.h>
#include <glib.h>
#include <linux/pci_regs.h>

#include "bus/address-space.h"
#include "fake-memory-slots.h"
#include "pci/pci-config-space.h"

struct fixture {
	struct pci_config_space config;
	struct pci_bar bar;
	struct address_space *mmio;
	uint64_t last_offset;
};

static uint64_t read_range(void *device, uint64_t offset, unsigned int size)
{
	return 0x5a00 + offset;
}

static void write_range(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	*(uint64_t *)device = offset;
}

static const struct address_range_ops ops = {.read = read_range, .write = write_range};

static void set_up(struct fixture *fixture, enum pci_bar_kind kind, uint64_t size)
{
	g_assert_cmpint(address_space_create(0, &fixture->mmio), ==, 0);
	pci_config_space_init(&fixture->config);
	pci_config_space_define(&fixture->config, PCI_COMMAND, 2, 0, PCI_COMMAND_MEMORY);
	pci_bar_init(&fixture->bar, &fixture->config, 2, kind, size, &ops, &fixture->last_offset);
}

static void tear_down(struct fixture *fixture)
{
	pci_bar_unmap(&fixture->bar, fixture->mmio);
	address_space_destroy(fixture->mmio);
}

static bool set(struct fixture *fixture, unsigned int offset, unsigned int size, uint64_t value)
{
	pci_config_space_write(&fixture->config, offset, size, value);
	return pci_bar_update(&fixture->bar, &fixture->config, fixture->mmio);
}

static uint64_t get(struct fixture *fixture, unsigned int offset, unsigned int size)
{
	return pci_config_space_read(&fixture->config, offset, size);
}

static void test_sizing(void)
{
	struct fixture fixture;

	set_up(&fixture, PCI_BAR_MEMORY_32, 0x1000);
	g_assert_cmphex(get(&fixture, PCI_BASE_ADDRESS_2, 4), ==, PCI_BASE_ADDRESS_MEM_TYPE_32);
	set(&fixture, PCI_BASE_ADDRESS_2, 4, 0xffffffff);
	g_assert_cmphex(get(&fixture, PCI_BASE_ADDRESS_2, 4), ==, 0xfffff000);
	g_assert_cmphex(get(&fixture, PCI_BASE_ADDRESS_3, 4), ==, 0);
	/* Byte by byte comes to the same. */
	set(&fixture, PCI_BASE_ADDRESS_2, 4, 0);
	for (unsigned int i = 0; i < 4; i++)
		set(&fixture, PCI_BASE_ADDRESS_2 + i, 1, 0xff);
	g_assert_cmphex(get(&fixture, PCI_BASE_ADDRESS_2, 4), ==, 0xfffff000);
	tear_down(&fixture);

	set_up(&fixture, PCI_BAR_MEMORY_64, 0x4000);
	set(&fixture, PCI_BASE_ADDRESS_2, 4, 0xffffffff);
	set(&fixture, PCI_BASE_ADDRESS_3, 4, 0xffffffff);
	g_assert_cmphex(get(&fixture, PCI_BASE_ADDRESS_2, 8), ==, 0xffffffffffffc004);
	tear_down(&fixture);

	set_up(&fixture, PCI_BAR_MEMORY_64, 1ULL << 33);
	set(&fixture, PCI_BASE_ADDRESS_2, 8, ~0ULL);
	g_assert_cmphex(get(&fixture, PCI_BASE_ADDRESS_2, 8), ==, 0xfffffffe00000004);
	tear_down(&fixture);
}

static void test_mapping(void)
{
	const uint64_t low = 0xE0000000, high = 0x380000000000;
	struct fixture fixture;

	set_up(&fixture, PCI_BAR_MEMORY_64, 0x4000);
	/* Without decoding it answers nowhere. */
	g_assert_false(set(&fixture, PCI_BASE_ADDRESS_2, 8, low));
	g_assert_cmphex(address_space_read(fixture.mmio, low, 4), ==, 0xffffffff);
	g_assert_true(set(&fixture, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
	g_assert_cmphex(address_space_read(fixture.mmio, low + 0x10, 4), ==, 0x5a10);
	address_space_write(fixture.mmio, low + 0x3ffc, 4, 1);
	g_assert_cmphex(fixture.last_offset, ==, 0x3ffc);
	g_assert_cmphex(address_space_read(fixture.mmio, low + 0x4000, 4), ==, 0xffffffff);

	/* Moved, the low half first: it passes through an address of neither. */
	g_assert_true(set(&fixture, PCI_BASE_ADDRESS_2, 4, 0x1000000));
	g_assert_true(set(&fixture, PCI_BASE_ADDRESS_3, 4, high >> 32));
	g_assert_cmphex(fixture.bar.mapped, ==, high + 0x1000000);
	g_assert_cmphex(address_space_read(fixture.mmio, low, 4), ==, 0xffffffff);
	g_assert_cmphex(address_space_read(fixture.mmio, high + 0x1000000, 4), ==, 0x5a00);
	g_assert_false(set(&fixture, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));

	g_assert_true(set(&fixture, PCI_COMMAND, 2, 0));
	g_assert_cmphex(address_space_read(fixture.mmio, high + 0x1000000, 4), ==, 0xffffffff);
	tear_down(&fixture);
}

static void test_nowhere(void)
{
	struct fixture fixture;

	set_up(&fixture, PCI_BAR_MEMORY_64, 0x4000);
	set(&fixture, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	g_assert_cmphex(fixture.bar.mapped, ==, 0);
	/* Sized while decoding, as careless firmware does: no harm. */
	set(&fixture, PCI_BASE_ADDRESS_2, 8, ~0ULL);
	set(&fixture, PCI_BASE_ADDRESS_2, 8, 0xD0000000);
	g_assert_cmphex(fixture.bar.mapped, ==, 0xD0000000);
	tear_down(&fixture);
}

/* A place that another device has is taken as soon as it is free. */
static void test_conflict(void)
{
	struct fixture fixture;
	uint64_t other;

	set_up(&fixture, PCI_BAR_MEMORY_32, 0x1000);
	g_assert_cmpint(address_space_add(fixture.mmio, 0xD0000800, 0x100, &ops, &other), ==, 0);
	set(&fixture, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	g_assert_false(set(&fixture, PCI_BASE_ADDRESS_2, 4, 0xD0000000));
	g_assert_cmphex(fixture.bar.mapped, ==, 0);
	address_space_remove(fixture.mmio, 0xD0000800);
	g_assert_true(pci_bar_update(&fixture.bar, &fixture.config, fixture.mmio));
	g_assert_cmphex(fixture.bar.mapped, ==, 0xD0000000);
	tear_down(&fixture);
}

struct slot_fixture {
	struct fixture bar;
	struct fake_memory_slots slots;
	struct memory_slot *slot;
	void *host;
};

static void set_up_slot(struct slot_fixture *fixture, unsigned int index, enum pci_bar_kind kind,
			unsigned int flags)
{
	const size_t size = 2 * MEMORY_SLOT_PAGE_SIZE;

	fake_memory_slots_init(&fixture->slots);
	fixture->host = g_aligned_alloc0(1, size, MEMORY_SLOT_PAGE_SIZE);
	g_assert_cmpint(memory_slot_create(&fixture->slots.registry, fixture->host, size, flags,
					   &fixture->slot),
			==, 0);
	g_assert_cmpint(address_space_create(0, &fixture->bar.mmio), ==, 0);
	pci_config_space_init(&fixture->bar.config);
	pci_config_space_define(&fixture->bar.config, PCI_COMMAND, 2, 0, PCI_COMMAND_MEMORY);
	pci_bar_init_memory(&fixture->bar.bar, &fixture->bar.config, index, kind, fixture->slot);
}

static void tear_down_slot(struct slot_fixture *fixture)
{
	tear_down(&fixture->bar);
	g_assert_false(fixture->slot->mapped);
	memory_slot_destroy(fixture->slot);
	g_assert_cmpuint(fixture->slots.count, ==, 0);
	g_aligned_free(fixture->host);
}

static void test_memory(void)
{
	struct slot_fixture fixture;
	struct fixture *bar = &fixture.bar;

	set_up_slot(&fixture, 0, PCI_BAR_MEMORY_32, 0);
	set(bar, PCI_BASE_ADDRESS_0, 4, 0xD0000000);
	g_assert_false(fixture.slot->mapped);
	g_assert_true(set(bar, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
	g_assert_cmphex(fixture.slot->gpa, ==, 0xD0000000);
	address_space_write(bar->mmio, 0xD0000010, 4, 0x12345678);
	g_assert_cmphex(address_space_read(bar->mmio, 0xD0000012, 2), ==, 0x1234);

	/* KVM may refuse a place: then nobody answers there, and nothing else is claimed. */
	fixture.slots.map_error = -EEXIST;
	g_assert_true(set(bar, PCI_BASE_ADDRESS_0, 4, 0x100000));
	g_assert_cmphex(bar->bar.mapped, ==, 0);
	g_assert_cmpint(address_space_add(bar->mmio, 0x100000, 0x1000, &ops, bar), ==, 0);
	fixture.slots.map_error = 0;
	g_assert_true(set(bar, PCI_BASE_ADDRESS_0, 4, 0xE0000000));
	g_assert_cmphex(fixture.slot->gpa, ==, 0xE0000000);
	tear_down_slot(&fixture);
}

static void test_rom(void)
{
	struct slot_fixture fixture;
	struct fixture *bar = &fixture.bar;

	set_up_slot(&fixture, PCI_BAR_ROM, PCI_BAR_EXPANSION_ROM, MEMORY_SLOT_READ_ONLY);
	set(bar, PCI_ROM_ADDRESS, 4, 0xfffffffe);
	g_assert_cmphex(get(bar, PCI_ROM_ADDRESS, 4), ==, 0xffffe000);
	set(bar, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	g_assert_false(set(bar, PCI_ROM_ADDRESS, 4, 0xD0000000));
	g_assert_true(set(bar, PCI_ROM_ADDRESS, 4, 0xD0000000 | PCI_ROM_ADDRESS_ENABLE));
	g_assert_cmphex(fixture.slot->gpa, ==, 0xD0000000);
	address_space_write(bar->mmio, 0xD0000000, 1, 0x55);
	g_assert_cmphex(address_space_read(bar->mmio, 0xD0000000, 1), ==, 0);
	g_assert_true(set(bar, PCI_COMMAND, 2, 0));
	tear_down_slot(&fixture);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pci-bar/sizing", test_sizing);
	g_test_add_func("/pci-bar/mapping", test_mapping);
	g_test_add_func("/pci-bar/nowhere", test_nowhere);
	g_test_add_func("/pci-bar/conflict", test_conflict);
	g_test_add_func("/pci-bar/memory", test_memory);
	g_test_add_func("/pci-bar/rom", test_rom);
	return g_test_run();
}
