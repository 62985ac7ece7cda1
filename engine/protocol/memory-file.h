/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a machine that was saved, and its state, in one file: written by a VMM, mapped
 * privately by the VMMs that go on from it, checked by the library.
 *
 *	0		header, a page: sizes and checksums, nothing else
 *	2 MiB		RAM, in the order of guest-physical addresses; pages of zeros are holes
 *	behind it	regions: other memory of the guest, each at a multiple of a page
 *			sums: a CRC-32C for each 2 MiB of RAM
 *			state: what engine/vmm/state/ makes and reads, with a checksum of its own
 *
 * Where things are follows from the sizes, so there is nothing in the header that could overlap.
 * The header is written last, when all else is stored: a file without one is not complete. Such a
 * file is never changed again; whoever has mapped one that becomes shorter dies of it.
 *
 * The header's fields are little-endian, at the offsets below. Version 1 is the only one so far; a
 * later version may give its meaning to what is zero in an earlier one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_FILE_MAGIC    "INNMEMRY"
#define MEMORY_FILE_MAX_RAM  (1ULL << 46)
#define MEMORY_FILE_RAM      (2ULL << 20) /* where it begins */
#define MEMORY_FILE_PIECE    (2ULL << 20) /* of RAM, with a sum of its own */
#define MEMORY_FILE_MAX_PART (1ULL << 30) /* bytes of a region */

enum {
	MEMORY_FILE_VERSION = 1,
	MEMORY_FILE_HEADER_SIZE = 4096,
	MEMORY_FILE_MAX_REGIONS = 8,
	MEMORY_FILE_NAME_SIZE = 24, /* with the NUL */
	MEMORY_FILE_MAX_STATE = 8 << 20,

	MEMORY_FILE_HEADER_VERSION = 8,   /* 32 bits */
	MEMORY_FILE_HEADER_CHECKSUM = 12, /* CRC-32C of the page, as if this field were 0 */
	MEMORY_FILE_HEADER_RAM = 16,      /* 64 bits: bytes, a multiple of a piece */
	MEMORY_FILE_HEADER_SUMS = 24,     /* CRC-32C of the sums */
	MEMORY_FILE_HEADER_STATE = 28,    /* 32 bits: bytes of it */
	MEMORY_FILE_HEADER_REGIONS = 32,  /* 32 bits: how many there are */
	MEMORY_FILE_HEADER_RESERVED = 36,
	MEMORY_FILE_HEADER_FIRST_REGION = 40,
	MEMORY_FILE_REGION_LENGTH = 24, /* 64 bits, behind the name */
	MEMORY_FILE_REGION_CHECKSUM = 32,
	MEMORY_FILE_REGION_RESERVED = 36,
	MEMORY_FILE_REGION_SIZE = 40,
};

struct memory_file_source {
	const char *name;  /* of a region */
	const void *bytes; /* borrowed */
	uint64_t length;
};

/* What a file is made of. */
struct memory_file_contents {
	void *ram;
	uint64_t ram_size;
	bool give_back; /* RAM that is written is not needed here any more */
	struct memory_file_source regions[MEMORY_FILE_MAX_REGIONS];
	unsigned int region_count;
	const void *state;
	size_t state_length;
	uint32_t *sums; /* room for one for each piece of RAM */
};

/*
 * Writes an empty file and stores it. Allocates nothing and takes no lock: it may be called in the
 * child of a process with threads. 0 or negative errno.
 */
int memory_file_write(int fd, const struct memory_file_contents *contents);

struct memory_file_region {
	char name[MEMORY_FILE_NAME_SIZE];
	uint64_t offset, length; /* in the file */
	uint32_t checksum;
};

/* What the header of a file says, checked against the file's size. */
struct memory_file {
	uint64_t ram_size;
	struct memory_file_region regions[MEMORY_FILE_MAX_REGIONS];
	unsigned int region_count;
	uint64_t sums_offset, state_offset, length;
	size_t state_length;
	uint32_t sums_checksum;
	const char *problem; /* what is wrong with the file: a constant for a person, or NULL */
};

/*
 * These trust nothing in the file. 0, -EPROTO with file->problem set, or another negative errno of
 * the file system.
 */

/* Reads the header. */
int memory_file_read(int fd, struct memory_file *ret_file);
/* NULL: it has none of that name. */
const struct memory_file_region *memory_file_find(const struct memory_file *file, const char *name);
/* Reads all of a region and checks it. */
int memory_file_read_region(int fd, struct memory_file *file,
			    const struct memory_file_region *region, void *buffer);
/* Reads file->state_length bytes, which are for the state's own reader to check. */
int memory_file_read_state(int fd, struct memory_file *file, void *buffer);
/*
 * Reads RAM and checks it, which a machine that goes on from the file does not wait for. buffer:
 * MEMORY_FILE_PIECE bytes. moved hears how far it is, from time to time, and stops it with false:
 * -ECANCELED. It may be NULL. Nothing here allocates.
 */
int memory_file_check_ram(int fd, struct memory_file *file, void *buffer,
			  bool (*moved)(void *data, uint64_t done, uint64_t total), void *data);
/* The same for RAM and regions. */
int memory_file_check(int fd, struct memory_file *file,
		      bool (*moved)(void *data, uint64_t done, uint64_t total), void *data);
