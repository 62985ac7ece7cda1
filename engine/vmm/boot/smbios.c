/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See smbios.h. Section and offset numbers: DSP0134 3.4.0. A structure is its formatted part, then
 * its strings, which fields name by their number from 1 on, then a zero.
 */
#include "boot/smbios.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "devices/fw-cfg.h"
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"

enum {
	/* 7.1, the types that are made, and their lengths */
	TYPE_FIRMWARE = 0,
	FIRMWARE_LENGTH = 0x18,
	TYPE_SYSTEM = 1,
	SYSTEM_LENGTH = 0x1b,
	TYPE_CHASSIS = 3,
	CHASSIS_LENGTH = 0x16,
	TYPE_PROCESSOR = 4,
	PROCESSOR_LENGTH = 0x2a,
	TYPE_MEMORY_ARRAY = 16,
	MEMORY_ARRAY_LENGTH = 0x17,
	TYPE_MEMORY_DEVICE = 17,
	MEMORY_DEVICE_LENGTH = 0x28,
	TYPE_ARRAY_ADDRESS = 19,
	ARRAY_ADDRESS_LENGTH = 0x1f,
	TYPE_BOOT = 32,
	BOOT_LENGTH = 0x0b,
	TYPE_END = 127,
	END_LENGTH = 4,

	/* handles, as others number them: the type, then a count */
	HANDLE_SHIFT = 8,
	HANDLE_MEMORY_ARRAY = TYPE_MEMORY_ARRAY << HANDLE_SHIFT,
	HANDLE_NONE = 0xfffe, /* not provided */

	UNKNOWN = 2,
	OTHER = 1,
	STATE_SAFE = 3,
	WAKE_POWER_SWITCH = 6,
	PROCESSOR_CENTRAL = 3,
	PROCESSOR_POPULATED_ENABLED = 0x41,
	MEMORY_SYSTEM_BOARD = 3,
	MEMORY_SYSTEM = 3,
	MEMORY_NO_CORRECTION = 3,
	FORM_DIMM = 9,
	MEMORY_RAM = 7,
	SIZE_EXTENDED = 0x7fff, /* the size is in a field of its own */
	FIRMWARE_NO_CHARACTERISTICS = 1 << 3,
	FIRMWARE_ACPI = 1 << 0,
	FIRMWARE_VIRTUAL_MACHINE = 1 << 4, /* extension byte 2 */

	ANCHOR_INTERMEDIATE = 16,
};

#define CAPACITY_EXTENDED 0x80000000u /* KiB: the capacity is in a field of its own */

struct builder {
	struct smbios_tables *tables;
	unsigned int count;
	uint16_t longest; /* structure, with its strings */
	size_t begin;     /* of the structure under way */
	uint8_t strings;  /* it has so far */
};

static uint8_t *append(struct builder *builder, size_t length)
{
	struct smbios_tables *tables = builder->tables;
	uint8_t *at = tables->bytes + tables->size;

	assert(length <= sizeof(tables->bytes) - tables->size);
	tables->size += length;
	return at;
}

/* Begins a structure; the part of it behind the header is zeros. */
static uint8_t *begin(struct builder *builder, uint8_t type, uint8_t length, unsigned int number)
{
	uint8_t *structure;

	builder->begin = builder->tables->size;
	builder->strings = 0;
	structure = append(builder, length);
	structure[0] = type;
	structure[1] = length;
	store_le16(structure + 2, (uint16_t)(type << HANDLE_SHIFT | number));
	return structure;
}

/* The number of a string that is appended to the structure under way. */
static uint8_t string(struct builder *builder, const char *text)
{
	size_t length = strlen(text) + 1;

	memcpy(append(builder, length), text, length);
	return ++builder->strings;
}

static void end(struct builder *builder)
{
	size_t size;

	(void)append(builder, builder->strings == 0 ? 2 : 1); /* zeros */
	size = builder->tables->size - builder->begin;
	if (size > builder->longest)
		builder->longest = (uint16_t)size;
	builder->count++;
}

static void add_firmware(struct builder *builder, const char *version)
{
	uint8_t *structure = begin(builder, TYPE_FIRMWARE, FIRMWARE_LENGTH, 0);

	structure[0x04] = string(builder, "Innkeeper");
	structure[0x05] = string(builder, version);
	store_le16(structure + 0x06, LAYOUT_OPTION_ROMS >> 4); /* segment it begins at */
	structure[0x08] = string(builder, "01/01/2024");
	store_le64(structure + 0x0a, FIRMWARE_NO_CHARACTERISTICS);
	structure[0x12] = FIRMWARE_ACPI;
	structure[0x13] = FIRMWARE_VIRTUAL_MACHINE;
	structure[0x14] = structure[0x15] = 0;
	structure[0x16] = structure[0x17] = 0xff; /* no embedded controller */
	end(builder);
}

static void add_system(struct builder *builder, const struct smbios_machine *machine)
{
	uint8_t *structure = begin(builder, TYPE_SYSTEM, SYSTEM_LENGTH, 0);

	structure[0x04] = string(builder, "Innkeeper");
	structure[0x05] = string(builder, "Virtual Machine");
	structure[0x06] = string(builder, machine->version);
	store_uuid_le(structure + 0x08, machine->uuid); /* section 7.2.1 */
	structure[0x18] = WAKE_POWER_SWITCH;
	end(builder);
}

static void add_chassis(struct builder *builder, const char *version)
{
	uint8_t *structure = begin(builder, TYPE_CHASSIS, CHASSIS_LENGTH, 0);

	structure[0x04] = string(builder, "Innkeeper");
	structure[0x05] = OTHER;
	structure[0x06] = string(builder, version);
	structure[0x09] = structure[0x0a] = structure[0x0b] = STATE_SAFE;
	structure[0x0c] = UNKNOWN;
	end(builder);
}

static void add_processor(struct builder *builder, unsigned int number)
{
	uint8_t *structure = begin(builder, TYPE_PROCESSOR, PROCESSOR_LENGTH, number);
	char name[16];

	snprintf(name, sizeof(name), "CPU %u", number);
	structure[0x04] = string(builder, name);
	structure[0x05] = PROCESSOR_CENTRAL;
	structure[0x06] = OTHER;
	structure[0x07] = string(builder, "Innkeeper");
	structure[0x10] = string(builder, "Virtual CPU");
	structure[0x18] = PROCESSOR_POPULATED_ENABLED;
	structure[0x19] = OTHER;                                 /* socket */
	memset(structure + 0x1a, 0xff, 6);                       /* no caches are described */
	structure[0x23] = structure[0x24] = structure[0x25] = 1; /* cores, enabled, threads */
	store_le16(structure + 0x26, UNKNOWN);
	store_le16(structure + 0x28, OTHER);
	end(builder);
}

static void add_memory_array(struct builder *builder, uint64_t kib)
{
	uint8_t *structure = begin(builder, TYPE_MEMORY_ARRAY, MEMORY_ARRAY_LENGTH, 0);

	structure[0x04] = MEMORY_SYSTEM_BOARD;
	structure[0x05] = MEMORY_SYSTEM;
	structure[0x06] = MEMORY_NO_CORRECTION;
	store_le32(structure + 0x07, kib < CAPACITY_EXTENDED ? (uint32_t)kib : CAPACITY_EXTENDED);
	store_le16(structure + 0x0b, HANDLE_NONE);
	store_le16(structure + 0x0d, 1); /* device */
	store_le64(structure + 0x0f, kib < CAPACITY_EXTENDED ? 0 : kib << 10);
	end(builder);
}

static void add_memory_device(struct builder *builder, uint64_t mib)
{
	uint8_t *structure = begin(builder, TYPE_MEMORY_DEVICE, MEMORY_DEVICE_LENGTH, 0);

	store_le16(structure + 0x04, HANDLE_MEMORY_ARRAY);
	store_le16(structure + 0x06, HANDLE_NONE);
	store_le16(structure + 0x08, 0xffff); /* width unknown */
	store_le16(structure + 0x0a, 0xffff);
	store_le16(structure + 0x0c, mib < SIZE_EXTENDED ? (uint16_t)mib : SIZE_EXTENDED);
	structure[0x0e] = FORM_DIMM;
	structure[0x10] = string(builder, "DIMM 0");
	structure[0x12] = MEMORY_RAM;
	store_le16(structure + 0x13, 1 << OTHER);
	structure[0x17] = string(builder, "Innkeeper");
	store_le32(structure + 0x1c, mib < SIZE_EXTENDED ? 0 : (uint32_t)mib);
	end(builder);
}

static void add_array_address(struct builder *builder, unsigned int number,
			      const struct guest_memory_region *region)
{
	uint8_t *structure = begin(builder, TYPE_ARRAY_ADDRESS, ARRAY_ADDRESS_LENGTH, number);
	uint64_t last = region->gpa + region->size - 1;
	bool extended = last >> 10 >= UINT32_MAX;

	store_le32(structure + 0x04, extended ? UINT32_MAX : (uint32_t)(region->gpa >> 10));
	store_le32(structure + 0x08, extended ? UINT32_MAX : (uint32_t)(last >> 10));
	store_le16(structure + 0x0c, HANDLE_MEMORY_ARRAY);
	structure[0x0e] = 1; /* devices in a row */
	store_le64(structure + 0x0f, extended ? region->gpa : 0);
	store_le64(structure + 0x17, extended ? last : 0);
	end(builder);
}

static void add_memory(struct builder *builder, const struct guest_memory *memory)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	size_t count = guest_memory_regions(memory, regions);

	add_memory_array(builder, guest_memory_size(memory) >> 10);
	add_memory_device(builder, guest_memory_size(memory) >> 20);
	for (unsigned int i = 0; i < count; i++)
		add_array_address(builder, i, &regions[i]);
}

static uint8_t checksum(const uint8_t *bytes, size_t length)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += bytes[i];
	return (uint8_t)-sum;
}

/* 5.2.1. */
static void fill_anchor(const struct builder *builder, uint32_t gpa)
{
	uint8_t *anchor = builder->tables->anchor;

	memcpy(anchor, "_SM_", 4);
	anchor[5] = SMBIOS_ANCHOR_SIZE;
	anchor[6] = 2; /* version */
	anchor[7] = 8;
	store_le16(anchor + 8, builder->longest);
	memcpy(anchor + ANCHOR_INTERMEDIATE, "_DMI_", 5);
	store_le16(anchor + 0x16, (uint16_t)builder->tables->size);
	store_le32(anchor + 0x18, gpa);
	store_le16(anchor + 0x1c, (uint16_t)builder->count);
	anchor[0x1e] = 0x28;
	anchor[0x15] =
		checksum(anchor + ANCHOR_INTERMEDIATE, SMBIOS_ANCHOR_SIZE - ANCHOR_INTERMEDIATE);
	anchor[4] = checksum(anchor, SMBIOS_ANCHOR_SIZE);
}

void smbios_build(const struct smbios_machine *machine, const struct guest_memory *memory,
		  uint32_t gpa, struct smbios_tables *ret_tables)
{
	struct builder builder = {.tables = ret_tables};

	memset(ret_tables, 0, sizeof(*ret_tables));
	add_firmware(&builder, machine->version);
	add_system(&builder, machine);
	add_chassis(&builder, machine->version);
	for (unsigned int i = 0; i < machine->vcpus; i++)
		add_processor(&builder, i);
	add_memory(&builder, memory);
	(void)begin(&builder, TYPE_BOOT, BOOT_LENGTH, 0); /* status 0: no errors */
	end(&builder);
	(void)begin(&builder, TYPE_END, END_LENGTH, 0);
	end(&builder);
	fill_anchor(&builder, gpa);
}

int smbios_install(struct guest_memory *memory, const struct smbios_machine *machine)
{
	const uint64_t offset = 32; /* of the tables behind their anchor */
	uint8_t *place = guest_memory_at(memory, LAYOUT_SMBIOS, LAYOUT_SMBIOS_SIZE);
	struct smbios_tables *tables = malloc(sizeof(*tables));

	if (!place || !tables) {
		free(tables);
		return place ? -ENOMEM : -EFAULT;
	}
	memset(place, 0, LAYOUT_SMBIOS_SIZE); /* at a reset a guest has been here */
	smbios_build(machine, memory, (uint32_t)(LAYOUT_SMBIOS + offset), tables);
	memcpy(place, tables->anchor, sizeof(tables->anchor));
	memcpy(place + offset, tables->bytes, tables->size);
	free(tables);
	return 0;
}

int smbios_add(struct fw_cfg *config, const struct smbios_machine *machine,
	       const struct guest_memory *memory)
{
	struct smbios_tables *tables = malloc(sizeof(*tables));
	int r;

	if (!tables)
		return -ENOMEM;
	smbios_build(machine, memory, 0, tables);
	r = fw_cfg_add_file(config, "etc/smbios/smbios-anchor", tables->anchor,
			    sizeof(tables->anchor));
	if (r == 0)
		r = fw_cfg_add_file(config, "etc/smbios/smbios-tables", tables->bytes,
				    tables->size);
	free(tables);
	return r;
}
