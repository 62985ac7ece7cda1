/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See acpi-loader.h. Commands of 128 bytes: a number, then its operands, names in 56 bytes.
 * A pointer holds an offset into the file it points to, a checksum 0, until the firmware mends it.
 */
#include "boot/acpi-loader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "boot/acpi-tables.h"
#include "devices/fw-cfg.h"
#include "devices/vmgenid.h"

#define RSDP_FILE   "etc/acpi/rsdp"
#define TABLES_FILE "etc/acpi/tables"
#define SCRIPT_FILE "etc/table-loader"

enum {
	COMMAND_SIZE = 128,
	MAX_COMMANDS = 3 + 2 + 2 + 1 + ACPI_MAX_FIXUPS,
	NAME_SIZE = 56,

	ALLOCATE = 1,
	ADD_POINTER = 2,
	ADD_CHECKSUM = 3,
	WRITE_POINTER = 4,

	ZONE_HIGH = 1,
	ZONE_FSEG = 2, /* below 1 MiB, where systems look for the RSDP */
	RSDP_ALIGNMENT = 16,
	TABLE_CHECKSUM = 9, /* in a table */
};

struct script {
	uint8_t bytes[MAX_COMMANDS * COMMAND_SIZE];
	size_t size;
};

static uint8_t *new_command(struct script *script, uint32_t number, const char *file)
{
	uint8_t *command = script->bytes + script->size;

	assert(script->size + COMMAND_SIZE <= sizeof(script->bytes) && strlen(file) < NAME_SIZE);
	script->size += COMMAND_SIZE;
	store_le32(command, number);
	strcpy((char *)command + 4, file);
	return command;
}

static void allocate(struct script *script, const char *file, uint32_t alignment, uint8_t zone)
{
	uint8_t *command = new_command(script, ALLOCATE, file);

	store_le32(command + 60, alignment);
	command[64] = zone;
}

static void add_pointer(struct script *script, const char *file, uint32_t offset, uint32_t size,
			const char *target)
{
	uint8_t *command = new_command(script, ADD_POINTER, file);

	strcpy((char *)command + 60, target);
	store_le32(command + 116, offset);
	command[120] = (uint8_t)size;
}

static void add_checksum(struct script *script, const char *file, uint32_t at, uint32_t start,
			 uint32_t length)
{
	uint8_t *command = new_command(script, ADD_CHECKSUM, file);

	store_le32(command + 60, at);
	store_le32(command + 64, start);
	store_le32(command + 68, length);
}

/* Into a file that is ours: where so many bytes into the target are. */
static void write_pointer(struct script *script, const char *file, uint8_t size, const char *target,
			  uint32_t offset)
{
	uint8_t *command = new_command(script, WRITE_POINTER, file);

	strcpy((char *)command + 60, target);
	store_le32(command + 120, offset);
	command[124] = size;
}

/* Pointers first: checksums are over them. */
static void mend_tables(struct script *script, struct acpi_tables *tables)
{
	for (unsigned int i = 0; i < tables->fixup_count; i++) {
		const struct acpi_fixup *fixup = &tables->fixups[i];

		if (fixup->kind == ACPI_FIXUP_POINTER)
			add_pointer(script, TABLES_FILE, fixup->offset, fixup->length, TABLES_FILE);
		else if (fixup->kind == ACPI_FIXUP_GENERATION)
			add_pointer(script, TABLES_FILE, fixup->offset, fixup->length,
				    VMGENID_PAGE_FILE);
	}
	for (unsigned int i = 0; i < tables->fixup_count; i++) {
		const struct acpi_fixup *fixup = &tables->fixups[i];

		if (fixup->kind != ACPI_FIXUP_CHECKSUM)
			continue;
		tables->bytes[fixup->offset + TABLE_CHECKSUM] = 0;
		add_checksum(script, TABLES_FILE, fixup->offset + TABLE_CHECKSUM, fixup->offset,
			     fixup->length);
	}
}

static void mend_rsdp(struct script *script, uint8_t rsdp[ACPI_RSDP_SIZE])
{
	rsdp[ACPI_RSDP_CHECKSUM] = rsdp[ACPI_RSDP_EXTENDED_CHECKSUM] = 0;
	add_pointer(script, RSDP_FILE, ACPI_RSDP_RSDT, 4, TABLES_FILE);
	add_pointer(script, RSDP_FILE, ACPI_RSDP_XSDT, 8, TABLES_FILE);
	add_checksum(script, RSDP_FILE, ACPI_RSDP_CHECKSUM, 0, ACPI_RSDP_V1_SIZE);
	add_checksum(script, RSDP_FILE, ACPI_RSDP_EXTENDED_CHECKSUM, 0, ACPI_RSDP_SIZE);
}

static int add_files(struct fw_cfg *config, const struct script *script,
		     const struct acpi_tables *tables)
{
	int r = fw_cfg_add_file(config, RSDP_FILE, tables->rsdp, sizeof(tables->rsdp));

	if (r == 0)
		r = fw_cfg_add_file(config, TABLES_FILE, tables->bytes, tables->size);
	return r == 0 ? fw_cfg_add_file(config, SCRIPT_FILE, script->bytes, script->size) : r;
}

int acpi_loader_add(struct fw_cfg *config, const struct acpi_machine *machine)
{
	struct acpi_tables *tables = malloc(sizeof(*tables));
	struct script *script = calloc(1, sizeof(*script));
	int r = -ENOMEM;

	if (tables && script) {
		acpi_tables_build(machine, 0, tables);
		allocate(script, RSDP_FILE, RSDP_ALIGNMENT, ZONE_FSEG);
		allocate(script, TABLES_FILE, ACPI_TABLES_ALIGNMENT, ZONE_HIGH);
		allocate(script, VMGENID_PAGE_FILE, VMGENID_PAGE_SIZE, ZONE_HIGH);
		mend_tables(script, tables);
		mend_rsdp(script, tables->rsdp);
		write_pointer(script, VMGENID_ADDRESS_FILE, 8, VMGENID_PAGE_FILE, VMGENID_OFFSET);
		r = add_files(config, script, tables);
	}
	free(script);
	free(tables);
	return r;
}
