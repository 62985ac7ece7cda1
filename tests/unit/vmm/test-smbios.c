/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/smbios.h"

#include <glib.h>
#include <string.h>

#include "base/byte-order.h"
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"

static const struct smbios_machine one = {
	.uuid = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
		 0xee, 0xff},
	.version = "1.2",
	.vcpus = 1,
};

static struct smbios_tables tables;

static uint8_t sum(const uint8_t *bytes, size_t length)
{
	uint8_t total = 0;

	while (length-- > 0)
		total += *bytes++;
	return total;
}

/* Behind the strings of a structure. */
static const uint8_t *next(const uint8_t *structure)
{
	const uint8_t *at = structure + structure[1];

	while (at[0] != 0 || at[1] != 0)
		at++;
	return at + 2;
}

static const uint8_t *find(uint8_t type)
{
	for (const uint8_t *at = tables.bytes; at < tables.bytes + tables.size; at = next(at)) {
		if (at[0] == type)
			return at;
	}
	g_error("there is no structure of type %u", type);
}

static const char *string(const uint8_t *structure, unsigned int field)
{
	const char *text = (const char *)structure + structure[1];

	for (uint8_t number = structure[field]; number > 1; number--)
		text += strlen(text) + 1;
	return text;
}

static void build(const struct smbios_machine *machine, uint64_t memory_size)
{
	struct guest_memory *memory;

	g_assert_cmpint(guest_memory_create(memory_size, &memory), ==, 0);
	smbios_build(machine, memory, 0xf0020, &tables);
	guest_memory_destroy(memory);
}

static void test_anchor(void)
{
	unsigned int count = 0;
	const uint8_t *at = tables.bytes;

	build(&one, 64 << 20);
	g_assert_cmpmem(tables.anchor, 4, "_SM_", 4);
	g_assert_cmphex(sum(tables.anchor, 31), ==, 0);
	g_assert_cmphex(sum(tables.anchor + 16, 15), ==, 0);
	g_assert_cmphex(load_le32(tables.anchor + 0x18), ==, 0xf0020);
	g_assert_cmpuint(load_le16(tables.anchor + 0x16), ==, tables.size);
	for (; at < tables.bytes + tables.size; at = next(at)) {
		g_assert_cmpuint(next(at) - at, <=, load_le16(tables.anchor + 8));
		count++;
	}
	g_assert_true(at == tables.bytes + tables.size);
	g_assert_cmpuint(count, ==, load_le16(tables.anchor + 0x1c));
	(void)find(32);
	(void)find(127);
}

static void test_system(void)
{
	static const uint8_t uuid[] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
				       0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	const uint8_t *system;

	build(&one, 64 << 20);
	system = find(1);
	g_assert_cmpstr(string(system, 4), ==, "Innkeeper");
	g_assert_cmpstr(string(system, 6), ==, "1.2");
	g_assert_cmpmem(system + 8, 16, uuid, 16);
	g_assert_cmpstr(string(find(0), 4), ==, "Innkeeper");
	g_assert_cmpstr(string(find(3), 4), ==, "Innkeeper");
}

static void test_memory(void)
{
	const uint8_t *address;

	build(&one, 64 << 20);
	g_assert_cmpuint(load_le16(find(17) + 0x0c), ==, 64);
	g_assert_cmpuint(load_le32(find(16) + 7), ==, 64 << 10);
	/* more than 16 bits of MiB, in two regions */
	build(&one, 64ULL << 30);
	g_assert_cmpuint(load_le16(find(17) + 0x0c), ==, 0x7fff);
	g_assert_cmpuint(load_le32(find(17) + 0x1c), ==, 64 << 10);
	address = find(19);
	g_assert_cmpuint(load_le32(address + 4), ==, 0);
	g_assert_cmpuint(load_le32(address + 8), ==, (2U << 20) - 1);
	address = next(address);
	g_assert_cmpuint(load_le32(address + 4), ==, 4U << 20);
	g_assert_cmpuint(load_le32(address + 8), ==, (66U << 20) - 1);
}

static void test_most_processors(void)
{
	struct smbios_machine machine = one;

	machine.vcpus = 255;
	build(&machine, 64 << 20);
	g_assert_cmpuint(tables.size, <, SMBIOS_CAPACITY);
	g_assert_cmpuint(load_le16(tables.anchor + 0x1c), ==, 3 + 255 + 5);
}

static void test_install(void)
{
	struct guest_memory *memory;
	const uint8_t *place;

	g_assert_cmpint(guest_memory_create(64 << 20, &memory), ==, 0);
	place = guest_memory_at(memory, LAYOUT_SMBIOS, LAYOUT_SMBIOS_SIZE);
	g_assert_cmpint(smbios_install(memory, &one), ==, 0);
	g_assert_cmpmem(place, 4, "_SM_", 4);
	g_assert_cmphex(load_le32(place + 0x18), ==, LAYOUT_SMBIOS + 32);
	g_assert_cmpuint(place[32], ==, 0);
	g_assert_cmpuint(place[33], ==, 0x18);
	guest_memory_destroy(memory);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/smbios/anchor", test_anchor);
	g_test_add_func("/smbios/system", test_system);
	g_test_add_func("/smbios/memory", test_memory);
	g_test_add_func("/smbios/most-processors", test_most_processors);
	g_test_add_func("/smbios/install", test_install);
	return g_test_run();
}
