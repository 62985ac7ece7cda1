/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/acpi-tables.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/byte-order.h"
#include "boot/dsdt.hex" /* dsdt_aml_code[] */
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"

enum {
	HEADER_SIZE = 36,
	HEADER_CHECKSUM = 9,
	RSDP_SIZE = 36,
	RSDP_V1_SIZE = 20,
	FADT_SIZE = 244, /* revision 3 */
	FACS_SIZE = 64,
	TABLE_ALIGNMENT = 64, /* the FACS needs it */

	/* the power management block (devices/acpi-pm.c) */
	PM1_EVENT = 0x600,
	PM1_CONTROL = 0x604,
	PM_TIMER = 0x608,
	GPE0 = 0x620,
	SCI = 9,
	RESET_PORT = 0xcf9,
	RESET_VALUE = 0x0f,
	CENTURY_REGISTER = 0x32,

	/* FADT flags (table 5.10) */
	FADT_WBINVD = 1 << 0,
	FADT_PROC_C1 = 1 << 2,
	FADT_SLP_BUTTON = 1 << 5, /* not fixed hardware; the power button is (bit 4 clear) */
	FADT_FIX_RTC = 1 << 6,    /* the clock does not wake through fixed hardware */
	FADT_RESET_REG_SUP = 1 << 10,
	FADT_PLATFORM_CLOCK = 1 << 15,
	/* boot architecture flags (table 5.11): no 8042, no VGA, leave ASPM alone */
	BOOT_ARCH_NO_VGA = 1 << 2,
	BOOT_ARCH_NO_ASPM = 1 << 4,
	UNSUPPORTED_C2 = 101,
	UNSUPPORTED_C3 = 1001,

	GAS_SYSTEM_IO = 1,

	MADT_PCAT_COMPAT = 1 << 0, /* there are 8259 PICs too */
	MADT_LOCAL_APIC = 0,
	MADT_IO_APIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LOCAL_APIC_NMI = 4,
	MADT_ENABLED = 1 << 0,
	MPS_LEVEL_HIGH = 0xd,
	MPS_CONFORMING = 0,
	ALL_PROCESSORS = 0xff,

	TIMER_IRQ = 0,
	TIMER_PIN = 2,
};

struct builder {
	uint8_t *bytes;
	size_t capacity, used;
	uint64_t gpa;
	bool overflow;
};

/* Room for size bytes at the next aligned place; NULL, for good, once the capacity is used up. */
static uint8_t *reserve(struct builder *builder, size_t size, size_t alignment)
{
	size_t at = (builder->used + alignment - 1) & ~(alignment - 1);

	if (builder->overflow || at > builder->capacity || size > builder->capacity - at) {
		builder->overflow = true;
		return NULL;
	}
	builder->used = at + size;
	return builder->bytes + at;
}

static uint64_t address_of(const struct builder *builder, const uint8_t *table)
{
	return table ? builder->gpa + (uint64_t)(table - builder->bytes) : 0;
}

static uint8_t checksum(const uint8_t *bytes, size_t length)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += bytes[i];
	return (uint8_t)-sum;
}

static uint8_t *new_table(struct builder *builder, const char *signature, uint8_t revision,
			  size_t size)
{
	uint8_t *table = reserve(builder, size, TABLE_ALIGNMENT);

	if (!table)
		return NULL;
	memcpy(table, signature, 4);
	store_le32(table + 4, (uint32_t)size);
	table[8] = revision;
	memcpy(table + 10, "INNKPR", 6);
	memcpy(table + 16, "INNKEEPR", 8);
	store_le32(table + 24, 1);
	memcpy(table + 28, "INNK", 4);
	store_le32(table + 32, 1);
	return table;
}

/* The contents of a table are complete. Returns its address. */
static uint64_t finish_table(const struct builder *builder, uint8_t *table)
{
	if (table)
		table[HEADER_CHECKSUM] = checksum(table, load_le32(table + 4));
	return address_of(builder, table);
}

static uint64_t add_dsdt(struct builder *builder)
{
	uint8_t *table = reserve(builder, sizeof(dsdt_aml_code), TABLE_ALIGNMENT);

	if (table)
		memcpy(table, dsdt_aml_code, sizeof(dsdt_aml_code));
	return address_of(builder, table);
}

static uint64_t add_facs(struct builder *builder)
{
	uint8_t *table = reserve(builder, FACS_SIZE, TABLE_ALIGNMENT);

	if (table) {
		memcpy(table, "FACS", 4);
		store_le32(table + 4, FACS_SIZE);
		table[32] = 2; /* version */
	}
	return address_of(builder, table);
}

/* A generic address structure for an I/O port (section 5.2.3.2). */
static void store_port(uint8_t *at, uint8_t bits, uint64_t port)
{
	at[0] = GAS_SYSTEM_IO;
	at[1] = bits;
	store_le64(at + 4, port);
}

/* Offsets: table 5.9. */
static uint64_t add_fadt(struct builder *builder, uint64_t dsdt, uint64_t facs)
{
	uint8_t *table = new_table(builder, "FACP", 3, FADT_SIZE);

	if (!table)
		return 0;
	store_le32(table + 36, (uint32_t)facs);
	store_le32(table + 40, (uint32_t)dsdt);
	store_le16(table + 46, SCI);
	/* SMI_CMD (48) is 0: the machine is always in ACPI mode */
	store_le32(table + 56, PM1_EVENT);
	store_le32(table + 64, PM1_CONTROL);
	store_le32(table + 76, PM_TIMER);
	store_le32(table + 80, GPE0);
	table[88] = 4; /* lengths of PM1 event, PM1 control, timer, GPE0 */
	table[89] = 2;
	table[91] = 4;
	table[92] = 16;
	store_le16(table + 96, UNSUPPORTED_C2);
	store_le16(table + 98, UNSUPPORTED_C3);
	table[108] = CENTURY_REGISTER;
	store_le16(table + 109, BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_ASPM);
	store_le32(table + 112, FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_FIX_RTC |
					FADT_RESET_REG_SUP | FADT_PLATFORM_CLOCK);
	store_port(table + 116, 8, RESET_PORT);
	table[128] = RESET_VALUE;
	store_le64(table + 140, dsdt);
	store_port(table + 148, 32, PM1_EVENT);
	store_port(table + 172, 16, PM1_CONTROL);
	store_port(table + 208, 32, PM_TIMER);
	store_port(table + 220, 128, GPE0);
	return finish_table(builder, table);
}

static uint8_t *add_local_apic(uint8_t *at, unsigned int vcpu)
{
	at[0] = MADT_LOCAL_APIC;
	at[1] = 8;
	at[2] = at[3] = (uint8_t)vcpu; /* processor UID, APIC id */
	store_le32(at + 4, MADT_ENABLED);
	return at + 8;
}

static uint8_t *add_override(uint8_t *at, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	at[0] = MADT_OVERRIDE;
	at[1] = 10;
	at[3] = irq;
	store_le32(at + 4, gsi);
	store_le16(at + 8, flags);
	return at + 10;
}

static uint64_t add_madt(struct builder *builder, unsigned int vcpus)
{
	const size_t size = HEADER_SIZE + 8 + 8 * (size_t)vcpus + 12 + 10 + 10 + 6;
	uint8_t *table = new_table(builder, "APIC", 4, size);
	uint8_t *at;

	if (!table)
		return 0;
	store_le32(table + 36, (uint32_t)LAYOUT_LOCAL_APIC);
	store_le32(table + 40, MADT_PCAT_COMPAT);
	at = table + 44;
	for (unsigned int i = 0; i < vcpus; i++)
		at = add_local_apic(at, i);
	at[0] = MADT_IO_APIC;
	at[1] = 12;
	store_le32(at + 4, (uint32_t)LAYOUT_IOAPIC);
	at = add_override(at + 12, TIMER_IRQ, TIMER_PIN, MPS_CONFORMING);
	at = add_override(at, SCI, SCI, MPS_LEVEL_HIGH);
	at[0] = MADT_LOCAL_APIC_NMI;
	at[1] = 6;
	at[2] = ALL_PROCESSORS;
	at[5] = 1; /* LINT1 */
	return finish_table(builder, table);
}

/* PCI Firmware 3.2, section 4.1.2: bus 0 only. */
static uint64_t add_mcfg(struct builder *builder)
{
	uint8_t *table = new_table(builder, "MCFG", 1, HEADER_SIZE + 8 + 16);

	if (table)
		store_le64(table + 44, LAYOUT_MMCONFIG);
	return finish_table(builder, table);
}

static uint64_t add_xsdt(struct builder *builder, const uint64_t *tables, size_t count)
{
	uint8_t *table = new_table(builder, "XSDT", 1, HEADER_SIZE + 8 * count);

	for (size_t i = 0; table && i < count; i++)
		store_le64(table + HEADER_SIZE + 8 * i, tables[i]);
	return finish_table(builder, table);
}

static void fill_rsdp(uint8_t *rsdp, uint64_t xsdt)
{
	memcpy(rsdp, "RSD PTR ", 8);
	memcpy(rsdp + 9, "INNKPR", 6);
	rsdp[15] = 2; /* revision */
	store_le32(rsdp + 20, RSDP_SIZE);
	store_le64(rsdp + 24, xsdt);
	rsdp[8] = checksum(rsdp, RSDP_V1_SIZE);
	rsdp[32] = checksum(rsdp, RSDP_SIZE);
}

size_t acpi_tables_build(uint8_t *buffer, size_t capacity, uint64_t gpa, unsigned int vcpus)
{
	struct builder builder = {.bytes = buffer, .capacity = capacity, .gpa = gpa};
	uint8_t *rsdp = reserve(&builder, RSDP_SIZE, TABLE_ALIGNMENT);
	uint64_t dsdt = add_dsdt(&builder), facs = add_facs(&builder), xsdt;
	const uint64_t tables[] = {
		add_fadt(&builder, dsdt, facs),
		add_madt(&builder, vcpus),
		add_mcfg(&builder),
	};

	xsdt = add_xsdt(&builder, tables, sizeof(tables) / sizeof(tables[0]));
	if (builder.overflow)
		return 0;
	fill_rsdp(rsdp, xsdt);
	return builder.used;
}

int acpi_tables_install(struct guest_memory *memory, unsigned int vcpus, uint64_t *ret_rsdp)
{
	uint8_t *tables = guest_memory_at(memory, LAYOUT_ACPI_TABLES, LAYOUT_ACPI_TABLES_SIZE);

	if (!tables)
		return -EFAULT;
	memset(tables, 0, LAYOUT_ACPI_TABLES_SIZE); /* at a reset a guest has been here */
	if (acpi_tables_build(tables, LAYOUT_ACPI_TABLES_SIZE, LAYOUT_ACPI_TABLES, vcpus) == 0)
		return -ENOSPC;
	*ret_rsdp = LAYOUT_ACPI_TABLES;
	return 0;
}
