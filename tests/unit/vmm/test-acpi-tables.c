/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/acpi-tables.h"

#include <glib.h>
#include <string.h>

#include "base/byte-order.h"

#define GPA 0xe0040ULL

static struct acpi_tables tables;

static uint8_t sum(const uint8_t *bytes, size_t length)
{
	uint8_t total = 0;

	while (length-- > 0)
		total += *bytes++;
	return total;
}

static const uint8_t *at(uint64_t address)
{
	g_assert_cmphex(address, >=, GPA);
	g_assert_cmphex(address, <, GPA + tables.size);
	return tables.bytes + (address - GPA);
}

/* The table of that signature, found as a system does: RSDP, XSDT. */
static const uint8_t *find(const char *signature)
{
	const uint8_t *xsdt = at(load_le64(tables.rsdp + 24));
	size_t count = (load_le32(xsdt + 4) - 36) / 8;

	g_assert_cmpmem(xsdt, 4, "XSDT", 4);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *table = at(load_le64(xsdt + 36 + 8 * i));

		g_assert_cmphex(sum(table, load_le32(table + 4)), ==, 0);
		if (memcmp(table, signature, 4) == 0)
			return table;
	}
	g_assert_not_reached();
}

static void build(unsigned int vcpus)
{
	const struct acpi_machine machine = {
		.vcpus = vcpus,
		.window64_first = 0x123456780000,
		.window64_last = 0x3fffffffffff,
		.generation_page = 0xef000,
	};

	acpi_tables_build(&machine, GPA, &tables);
}

static void test_root(void)
{
	const uint8_t *xsdt;

	build(1);
	g_assert_cmpmem(tables.rsdp, 8, "RSD PTR ", 8);
	g_assert_cmphex(sum(tables.rsdp, 20), ==, 0);
	g_assert_cmphex(sum(tables.rsdp, 36), ==, 0);
	xsdt = at(load_le64(tables.rsdp + 24));
	g_assert_cmphex(sum(xsdt, load_le32(xsdt + 4)), ==, 0);
	(void)find("WAET");
}

/* GRUB turns a BIOS machine off by what it finds from here. */
static void test_old_root(void)
{
	const uint8_t *rsdt, *xsdt;

	build(1);
	rsdt = at(load_le32(tables.rsdp + 16));
	xsdt = at(load_le64(tables.rsdp + 24));
	g_assert_cmpmem(rsdt, 4, "RSDT", 4);
	g_assert_cmphex(sum(rsdt, load_le32(rsdt + 4)), ==, 0);
	g_assert_cmpuint((load_le32(rsdt + 4) - 36) * 2, ==, load_le32(xsdt + 4) - 36);
	for (uint32_t at = 36; at < load_le32(rsdt + 4); at += 4)
		g_assert_cmphex(load_le32(rsdt + at), ==, load_le64(xsdt + 36 + (at - 36) * 2));
}

/* Simple readers get no further than the first name they do not understand. */
static void test_power_off_first(void)
{
	const uint8_t *dsdt;

	build(1);
	dsdt = at(load_le32(find("FACP") + 40));
	g_assert_cmpmem(dsdt + 36, 6, "\x08_S5_\x12", 6); /* a package */
}

static void test_fadt(void)
{
	const uint8_t *fadt, *dsdt, *facs;

	build(1);
	fadt = find("FACP");
	g_assert_cmpuint(load_le16(fadt + 46), ==, 9);
	g_assert_cmphex(load_le32(fadt + 48), ==, 0); /* no SMI command port */
	g_assert_cmphex(load_le32(fadt + 64), ==, 0x604);
	g_assert_cmphex(load_le64(fadt + 120), ==, 0xcf9);
	g_assert_cmphex(fadt[128], ==, 0x0f);
	g_assert_cmphex(load_le16(fadt + 109) & 2, ==, 0);       /* no 8042 */
	g_assert_cmphex(load_le32(fadt + 112) & 1 << 10, !=, 0); /* reset register */
	g_assert_cmphex(load_le32(fadt + 112) & 1 << 4, ==, 0);  /* fixed power button */
	g_assert_cmphex(load_le32(fadt + 112) & 1 << 20, ==, 0); /* not hardware-reduced */
	dsdt = at(load_le32(fadt + 40));
	g_assert_cmphex(load_le64(fadt + 140), ==, load_le32(fadt + 40));
	g_assert_cmpmem(dsdt, 4, "DSDT", 4);
	g_assert_cmphex(sum(dsdt, load_le32(dsdt + 4)), ==, 0);
	facs = at(load_le32(fadt + 36));
	g_assert_cmpmem(facs, 4, "FACS", 4);
	g_assert_cmphex(load_le32(fadt + 36) % 64, ==, 0);
}

static unsigned int count_entries(const uint8_t *madt, uint8_t type)
{
	unsigned int count = 0;
	uint32_t length = load_le32(madt + 4), offset = 44;

	while (offset < length) {
		count += madt[offset] == type;
		g_assert_cmpuint(madt[offset + 1], >=, 2);
		offset += madt[offset + 1];
	}
	g_assert_cmpuint(offset, ==, length);
	return count;
}

static void test_madt(void)
{
	build(4);
	g_assert_cmpuint(count_entries(find("APIC"), 0), ==, 4);
	g_assert_cmpuint(count_entries(find("APIC"), 1), ==, 1);
	g_assert_cmpuint(count_entries(find("APIC"), 2), ==, 2);
	build(255);
	g_assert_cmpuint(count_entries(find("APIC"), 0), ==, 255);
}

static void test_mcfg(void)
{
	const uint8_t *mcfg;

	build(1);
	mcfg = find("MCFG");
	g_assert_cmphex(load_le64(mcfg + 44), ==, 0xb0000000);
	g_assert_cmpuint(mcfg[54], ==, 0); /* first and last bus */
	g_assert_cmpuint(mcfg[55], ==, 0);
}

static void assert_name(const uint8_t *dsdt, const char *name, uint64_t value)
{
	const uint8_t *found = memmem(dsdt, load_le32(dsdt + 4), name, 4);

	g_assert_nonnull(found);
	g_assert_cmphex(found[4], ==, 0x0e); /* an integer of 64 bits */
	g_assert_cmphex(load_le64(found + 5), ==, value);
}

/* What is only known of the machine at hand. */
static void test_machine(void)
{
	struct acpi_machine machine = {.vcpus = 1};
	const uint8_t *fadt, *dsdt;

	build(1);
	dsdt = at(load_le32(find("FACP") + 40));
	assert_name(dsdt, "M64B", 0x123456780000);
	assert_name(dsdt, "M64E", 0x3fffffffffff);
	assert_name(dsdt, "FWCP", 0);
	assert_name(dsdt, "KBDP", 0);
	assert_name(dsdt, "VGIA", 0xef000);
	machine.has_fw_cfg = machine.has_keyboard = machine.has_vga = true;
	acpi_tables_build(&machine, GPA, &tables);
	fadt = find("FACP");
	dsdt = at(load_le32(fadt + 40));
	assert_name(dsdt, "FWCP", 0xf);
	assert_name(dsdt, "KBDP", 0xf);
	g_assert_cmphex(load_le16(fadt + 109) & 6, ==, 2); /* 8042, VGA */
	g_assert_cmphex(sum(dsdt, load_le32(dsdt + 4)), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/acpi-tables/root", test_root);
	g_test_add_func("/acpi-tables/old-root", test_old_root);
	g_test_add_func("/acpi-tables/power-off-first", test_power_off_first);
	g_test_add_func("/acpi-tables/fadt", test_fadt);
	g_test_add_func("/acpi-tables/madt", test_madt);
	g_test_add_func("/acpi-tables/mcfg", test_mcfg);
	g_test_add_func("/acpi-tables/machine", test_machine);
	return g_test_run();
}
