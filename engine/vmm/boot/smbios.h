/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The SMBIOS tables of the machine (DSP0134, version 2.8): who made it, its UUID, its processors
 * and memory, as systems and their tools show them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fw_cfg;
struct guest_memory;

enum {
	SMBIOS_ANCHOR_SIZE = 31,
	SMBIOS_CAPACITY = 32 << 10,
	SMBIOS_UUID_SIZE = 16,
};

struct smbios_machine {
	uint8_t uuid[SMBIOS_UUID_SIZE]; /* in the order it is written in */
	const char *version;            /* of the product */
	unsigned int vcpus;             /* 1 to 255 */
};

struct smbios_tables {
	uint8_t anchor[SMBIOS_ANCHOR_SIZE];
	uint8_t bytes[SMBIOS_CAPACITY];
	size_t size;
};

/* As they are when bytes lies at gpa, below 4 GiB. Pure. */
void smbios_build(const struct smbios_machine *machine, const struct guest_memory *memory,
		  uint32_t gpa, struct smbios_tables *ret_tables);

/* For a kernel that starts directly: at LAYOUT_SMBIOS. 0 or negative errno. */
int smbios_install(struct guest_memory *memory, const struct smbios_machine *machine);
/* For firmware, which places them itself. */
int smbios_add(struct fw_cfg *config, const struct smbios_machine *machine,
	       const struct guest_memory *memory);
