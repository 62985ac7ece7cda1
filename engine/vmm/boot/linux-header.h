/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The setup header of a Linux kernel file (bzImage): Documentation/arch/x86/boot.rst. The file is
 * hostile: every field is checked against the file and against guest memory. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINUX_HEADER_OFFSET = 0x1f1, /* in the file and in the zero page */
	LINUX_HEADER_MAX_END = 0x290,
	LINUX_HEADER_READ = 0x400, /* bytes of a file that are enough to parse */
};

struct linux_header {
	uint8_t bytes[LINUX_HEADER_MAX_END - LINUX_HEADER_OFFSET]; /* for the zero page */
	size_t length;                                             /* of them in use */
	uint64_t payload_offset, payload_size; /* of the protected-mode code in the file */
	uint64_t preferred_address;
	uint64_t alignment;   /* of an address it is loaded at instead; a power of two */
	uint64_t memory_size; /* it needs from where it is loaded, payload_size or more */
	uint64_t initrd_end;  /* the initrd has to end here or below */
	uint32_t cmdline_max; /* bytes without the NUL */
	bool relocatable;
};

/*
 * start, length: the first LINUX_HEADER_READ bytes of the file or all of a smaller one. NULL on
 * success, else why this file cannot be booted, the end of a sentence that begins with its name.
 */
const char *linux_header_parse(const uint8_t *start, size_t length, uint64_t file_size,
			       struct linux_header *ret_header);

/*
 * Where in [LAYOUT_KERNEL_MINIMUM, ram_end) the kernel goes: its preferred address, or the lowest
 * it can be relocated to. False when there is no room.
 */
bool linux_header_place(const struct linux_header *header, uint64_t ram_end, uint64_t *ret_address);
/*
 * Where an initrd of this size goes: as high as it may, above the kernel that needs the memory up
 * to kernel_end. False when there is no room.
 */
bool linux_header_place_initrd(const struct linux_header *header, uint64_t size,
			       uint64_t kernel_end, uint64_t ram_end, uint64_t *ret_address);
