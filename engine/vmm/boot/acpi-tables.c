/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/acpi-tables.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "boot/dsdt.hex" /* dsdt_aml_code[] */
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"

enum {
	HEADER_SIZE = 36,
	HEADER_CHECKSUM = 9,
	FADT_SIZE = 244, /* revision 3 */
	FACS_SIZE = 64,
	TABLE_ALIGNMENT = ACPI_TABLES_ALIGNMENT,

	AML_NAME = 0x08,
	AML_QWORD = 0x0e,
	DEVICE_PRESENT = 0xf, /* _STA: present, decoding, shown, working */

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
	/* boot architecture flags (table 5.11) */
	BOOT_ARCH_8042 = 1 << 1,
	BOOT_ARCH_NO_VGA = 1 << 2,
	BOOT_ARCH_NO_ASPM = 1 << 4, /* leave ASPM alone */
	UNSUPPORTED_C2 = 101,
	UNSUPPORTED_C3 = 1001,

	GAS_SYSTEM_IO = 1,
	WAET_PM_TIMER_GOOD = 1 << 1,

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

	TABLES = 4, /* that the RSDT and the XSDT point to */
};

static_assert(sizeof(dsdt_aml_code) + 8 * ACPI_MAX_VCPUS + 2048 <= ACPI_TABLES_CAPACITY,
	      "all tables and the gaps between them have room");
static_assert(ACPI_TABLES_CAPACITY + TABLE_ALIGNMENT <= LAYOUT_ACPI_TABLES_SIZE,
	      "they have room in memory too");

struct builder {
	const struct acpi_machine *machine;
	struct acpi_tables *tables;
	uint64_t gpa; /* of tables->bytes */
};

/*
 * Room for size bytes at the next aligned place. There always is: the parts that vary are bounded,
 * and ACPI_TABLES_CAPACITY is measured for them.
 */
static uint8_t *reserve(struct builder *builder, size_t size)
{
	struct acpi_tables *tables = builder->tables;
	size_t at = (tables->size + TABLE_ALIGNMENT - 1) & ~(size_t)(TABLE_ALIGNMENT - 1);

	assert(at <= sizeof(tables->bytes) && size <= sizeof(tables->bytes) - at);
	tables->size = at + size;
	return tables->bytes + at;
}

static uint64_t address_of(const struct builder *builder, const uint8_t *table)
{
	return builder->gpa + (uint64_t)(table - builder->tables->bytes);
}

static void note_fixup(struct builder *builder, enum acpi_fixup_kind kind, const uint8_t *at,
		       uint32_t length)
{
	struct acpi_tables *tables = builder->tables;

	assert(tables->fixup_count < ACPI_MAX_FIXUPS);
	tables->fixups[tables->fixup_count++] = (struct acpi_fixup){
		.kind = kind,
		.offset = (uint32_t)(at - tables->bytes),
		.length = length,
	};
}

static void store_pointer32(struct builder *builder, uint8_t *at, uint64_t address)
{
	store_le32(at, (uint32_t)address);
	note_fixup(builder, ACPI_FIXUP_POINTER, at, 4);
}

static void store_pointer64(struct builder *builder, uint8_t *at, uint64_t address)
{
	store_le64(at, address);
	note_fixup(builder, ACPI_FIXUP_POINTER, at, 8);
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
	uint8_t *table = reserve(builder, size);

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
	table[HEADER_CHECKSUM] = checksum(table, load_le32(table + 4));
	return address_of(builder, table);
}

/* The same for one with pointers in it: its checksum changes when it is moved. */
static uint64_t finish_table_with_pointers(struct builder *builder, uint8_t *table)
{
	note_fixup(builder, ACPI_FIXUP_CHECKSUM, table, load_le32(table + 4));
	return finish_table(builder, table);
}

/*
 * Gives a name of dsdt.asl its value: NameOp, the name, QWordPrefix, eight bytes, which are where
 * it returns.
 */
static uint8_t *set_dsdt_name(uint8_t *dsdt, const char *name, uint64_t value)
{
	uint8_t pattern[6] = {AML_NAME, 0, 0, 0, 0, AML_QWORD};
	uint8_t *found;

	memcpy(pattern + 1, name, 4);
	found = memmem(dsdt, sizeof(dsdt_aml_code), pattern, sizeof(pattern));
	assert(found);
	store_le64(found + sizeof(pattern), value);
	return found + sizeof(pattern);
}

static uint64_t add_dsdt(struct builder *builder)
{
	const struct acpi_machine *machine = builder->machine;
	uint8_t *table = reserve(builder, sizeof(dsdt_aml_code));

	memcpy(table, dsdt_aml_code, sizeof(dsdt_aml_code));
	(void)set_dsdt_name(table, "M64B", machine->window64_first);
	(void)set_dsdt_name(table, "M64E", machine->window64_last);
	(void)set_dsdt_name(table, "FWCP", machine->has_fw_cfg ? DEVICE_PRESENT : 0);
	(void)set_dsdt_name(table, "KBDP", machine->has_keyboard ? DEVICE_PRESENT : 0);
	note_fixup(builder, ACPI_FIXUP_GENERATION,
		   set_dsdt_name(table, "VGIA", machine->generation_page), 8);
	table[HEADER_CHECKSUM] = 0;
	return finish_table_with_pointers(builder, table);
}

static uint64_t add_facs(struct builder *builder)
{
	uint8_t *table = reserve(builder, FACS_SIZE);

	memcpy(table, "FACS", 4);
	store_le32(table + 4, FACS_SIZE);
	table[32] = 2; /* version */
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
	const struct acpi_machine *machine = builder->machine;
	uint8_t *table = new_table(builder, "FACP", 3, FADT_SIZE);

	store_pointer32(builder, table + 36, facs);
	store_pointer32(builder, table + 40, dsdt);
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
	store_le16(table + 109, BOOT_ARCH_NO_ASPM | (machine->has_keyboard ? BOOT_ARCH_8042 : 0) |
					(machine->has_vga ? 0 : BOOT_ARCH_NO_VGA));
	store_le32(table + 112, FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_FIX_RTC |
					FADT_RESET_REG_SUP | FADT_PLATFORM_CLOCK);
	store_port(table + 116, 8, RESET_PORT);
	table[128] = RESET_VALUE;
	store_pointer64(builder, table + 140, dsdt);
	store_port(table + 148, 32, PM1_EVENT);
	store_port(table + 172, 16, PM1_CONTROL);
	store_port(table + 208, 32, PM_TIMER);
	store_port(table + 220, 128, GPE0);
	return finish_table_with_pointers(builder, table);
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

static uint64_t add_madt(struct builder *builder)
{
	const unsigned int vcpus = builder->machine->vcpus;
	const size_t size = HEADER_SIZE + 8 + 8 * (size_t)vcpus + 12 + 10 + 10 + 6;
	uint8_t *table = new_table(builder, "APIC", 4, size);
	uint8_t *at;

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

	store_le64(table + 44, LAYOUT_MMCONFIG);
	return finish_table(builder, table);
}

/* Windows ACPI Emulated Devices Table: the timer needs to be read only once. */
static uint64_t add_waet(struct builder *builder)
{
	uint8_t *table = new_table(builder, "WAET", 1, HEADER_SIZE + 4);

	store_le32(table + HEADER_SIZE, WAET_PM_TIMER_GOOD);
	return finish_table(builder, table);
}

/* The same as the XSDT, for those that know ACPI 1.0 only: boot loaders among others. */
static uint64_t add_rsdt(struct builder *builder, const uint64_t *tables, size_t count)
{
	uint8_t *table = new_table(builder, "RSDT", 1, HEADER_SIZE + 4 * count);

	for (size_t i = 0; i < count; i++)
		store_pointer32(builder, table + HEADER_SIZE + 4 * i, tables[i]);
	return finish_table_with_pointers(builder, table);
}

static uint64_t add_xsdt(struct builder *builder, const uint64_t *tables, size_t count)
{
	uint8_t *table = new_table(builder, "XSDT", 1, HEADER_SIZE + 8 * count);

	for (size_t i = 0; i < count; i++)
		store_pointer64(builder, table + HEADER_SIZE + 8 * i, tables[i]);
	return finish_table_with_pointers(builder, table);
}

static void fill_rsdp(uint8_t *rsdp, uint64_t rsdt, uint64_t xsdt)
{
	memcpy(rsdp, "RSD PTR ", 8);
	memcpy(rsdp + 9, "INNKPR", 6);
	rsdp[15] = 2; /* revision */
	store_le32(rsdp + ACPI_RSDP_RSDT, (uint32_t)rsdt);
	store_le32(rsdp + 20, ACPI_RSDP_SIZE);
	store_le64(rsdp + ACPI_RSDP_XSDT, xsdt);
	rsdp[ACPI_RSDP_CHECKSUM] = checksum(rsdp, ACPI_RSDP_V1_SIZE);
	rsdp[ACPI_RSDP_EXTENDED_CHECKSUM] = checksum(rsdp, ACPI_RSDP_SIZE);
}

void acpi_tables_build(const struct acpi_machine *machine, uint64_t gpa,
		       struct acpi_tables *ret_tables)
{
	struct builder builder = {.machine = machine, .tables = ret_tables, .gpa = gpa};
	uint64_t dsdt, facs, rsdt, tables[TABLES];

	memset(ret_tables, 0, sizeof(*ret_tables));
	dsdt = add_dsdt(&builder);
	facs = add_facs(&builder);
	tables[0] = add_fadt(&builder, dsdt, facs);
	tables[1] = add_madt(&builder);
	tables[2] = add_mcfg(&builder);
	tables[3] = add_waet(&builder);
	rsdt = add_rsdt(&builder, tables, TABLES);
	fill_rsdp(ret_tables->rsdp, rsdt, add_xsdt(&builder, tables, TABLES));
}

int acpi_tables_install(struct guest_memory *memory, const struct acpi_machine *machine,
			uint64_t *ret_rsdp)
{
	uint8_t *place = guest_memory_at(memory, LAYOUT_ACPI_TABLES, LAYOUT_ACPI_TABLES_SIZE);
	struct acpi_tables *tables = malloc(sizeof(*tables));

	if (!place || !tables) {
		free(tables);
		return place ? -ENOMEM : -EFAULT;
	}
	memset(place, 0, LAYOUT_ACPI_TABLES_SIZE); /* at a reset a guest has been here */
	acpi_tables_build(machine, LAYOUT_ACPI_TABLES + TABLE_ALIGNMENT, tables);
	memcpy(place, tables->rsdp, sizeof(tables->rsdp));
	memcpy(place + TABLE_ALIGNMENT, tables->bytes, tables->size);
	free(tables);
	*ret_rsdp = LAYOUT_ACPI_TABLES;
	return 0;
}
