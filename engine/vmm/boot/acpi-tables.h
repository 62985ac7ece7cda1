/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ACPI tables of the machine (ACPI 6.4, section 5.2): RSDP, RSDT, XSDT, FADT, FACS, MADT, MCFG,
 * WAET and the DSDT compiled from dsdt.asl. Full ACPI, not hardware-reduced. They are written into
 * memory for a kernel that starts directly; firmware places them itself (acpi-loader.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_memory;

enum {
	ACPI_MAX_VCPUS = 255,
	ACPI_TABLES_CAPACITY = 16 << 10,
	ACPI_TABLES_ALIGNMENT = 64, /* the FACS needs it */
	ACPI_MAX_FIXUPS = 24,

	ACPI_RSDP_SIZE = 36,
	ACPI_RSDP_V1_SIZE = 20,
	ACPI_RSDP_CHECKSUM = 8, /* of the first 20 bytes */
	ACPI_RSDP_RSDT = 16,
	ACPI_RSDP_XSDT = 24,
	ACPI_RSDP_EXTENDED_CHECKSUM = 32,
};

/* What the tables say of the machine at hand. */
struct acpi_machine {
	unsigned int vcpus;                     /* 1 to ACPI_MAX_VCPUS */
	uint64_t window64_first, window64_last; /* addresses for PCI above RAM */
	uint64_t generation_page; /* devices/vmgenid.h; 0 for firmware, to be mended */
	bool has_fw_cfg, has_keyboard, has_vga;
};

/* What changes when the tables are moved. Offsets: into acpi_tables.bytes. */
enum acpi_fixup_kind {
	ACPI_FIXUP_POINTER,    /* offset: of a pointer of so many bytes into bytes */
	ACPI_FIXUP_GENERATION, /* offset: of a pointer of so many bytes to the generation ID's page
				*/
	ACPI_FIXUP_CHECKSUM, /* offset: of a table of so many bytes, whose tenth is its checksum */
};
struct acpi_fixup {
	enum acpi_fixup_kind kind;
	uint32_t offset, length;
};

struct acpi_tables {
	uint8_t rsdp[ACPI_RSDP_SIZE];
	uint8_t bytes[ACPI_TABLES_CAPACITY];
	size_t size; /* bytes used */
	struct acpi_fixup fixups[ACPI_MAX_FIXUPS];
	unsigned int fixup_count;
};

/* As they are when bytes lies at gpa, a multiple of 64. Pure. */
void acpi_tables_build(const struct acpi_machine *machine, uint64_t gpa,
		       struct acpi_tables *ret_tables);

/* Puts them into guest memory at LAYOUT_ACPI_TABLES. 0 or negative errno. */
int acpi_tables_install(struct guest_memory *memory, const struct acpi_machine *machine,
			uint64_t *ret_rsdp);
