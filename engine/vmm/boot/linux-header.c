/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/linux-header.h"

#include <string.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "memory/memory-layout.h"

enum {
	/* fields by offset in the file */
	SETUP_SECTS = 0x1f1,
	BOOT_FLAG = 0x1fe,
	JUMP_LENGTH = 0x201, /* the header ends so far after 0x202 */
	HEADER_MAGIC = 0x202,
	VERSION = 0x206,
	LOADFLAGS = 0x211,
	INITRD_ADDR_MAX = 0x22c,
	KERNEL_ALIGNMENT = 0x230,
	RELOCATABLE_KERNEL = 0x234,
	XLOADFLAGS = 0x236,
	CMDLINE_SIZE = 0x238,
	PREF_ADDRESS = 0x258,
	INIT_SIZE = 0x260,
	HEADER_END_2_12 = 0x268, /* where the header of version 2.12 ends at least */

	BOOT_FLAG_VALUE = 0xaa55,
	VERSION_2_12 = 0x020c, /* the first that says whether there is a 64-bit entry */
	LOADED_HIGH = 1 << 0,
	XLF_KERNEL_64 = 1 << 0,
	SECTOR = 512,
	DEFAULT_SETUP_SECTS = 4,
	ENTRY_64_OFFSET = 0x200,
	PAGE_SIZE = 4096,
};

#define MAGIC_HDRS        0x53726448U /* "HdrS" */
#define MAXIMUM_ALIGNMENT (1ULL << 30)

static bool is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

static const char *check_identity(const uint8_t *start, size_t length)
{
	if (length < HEADER_END_2_12 || load_le16(start + BOOT_FLAG) != BOOT_FLAG_VALUE ||
	    load_le32(start + HEADER_MAGIC) != MAGIC_HDRS)
		return "is not a Linux kernel (bzImage)";
	if (load_le16(start + VERSION) < VERSION_2_12 || !(start[LOADFLAGS] & LOADED_HIGH))
		return "is a Linux kernel too old to be started directly (before 3.8)";
	if (!(load_le16(start + XLOADFLAGS) & XLF_KERNEL_64))
		return "is not a 64-bit Linux kernel";
	return NULL;
}

static const char *const damaged = "is a damaged Linux kernel";

static const char *parse_payload(const uint8_t *start, uint64_t file_size,
				 struct linux_header *header)
{
	uint64_t sectors = start[SETUP_SECTS] ? start[SETUP_SECTS] : DEFAULT_SETUP_SECTS;

	header->payload_offset = (sectors + 1) * SECTOR;
	if (header->payload_offset >= file_size)
		return damaged;
	header->payload_size = file_size - header->payload_offset;
	return header->payload_size > ENTRY_64_OFFSET ? NULL : damaged;
}

static const char *parse_placement(const uint8_t *start, struct linux_header *header)
{
	uint64_t init_size = load_le32(start + INIT_SIZE);

	header->relocatable = start[RELOCATABLE_KERNEL] != 0;
	header->preferred_address = load_le64(start + PREF_ADDRESS);
	header->alignment = load_le32(start + KERNEL_ALIGNMENT);
	header->memory_size = init_size > header->payload_size ? init_size : header->payload_size;
	header->initrd_end = (uint64_t)load_le32(start + INITRD_ADDR_MAX) + 1;
	header->cmdline_max = load_le32(start + CMDLINE_SIZE);
	if (!header->relocatable)
		header->alignment = PAGE_SIZE;
	if (!is_power_of_two(header->alignment) || header->alignment > MAXIMUM_ALIGNMENT)
		return damaged;
	return NULL;
}

const char *linux_header_parse(const uint8_t *start, size_t length, uint64_t file_size,
			       struct linux_header *ret_header)
{
	struct linux_header header = {0};
	const char *problem = check_identity(start, length);
	size_t end;

	if (problem)
		return problem;
	end = HEADER_MAGIC + (size_t)start[JUMP_LENGTH];
	if (end > LINUX_HEADER_MAX_END)
		end = LINUX_HEADER_MAX_END; /* a newer header: the zero page has no room for more */
	if (end < HEADER_END_2_12 || end > length)
		return damaged;
	header.length = end - LINUX_HEADER_OFFSET;
	memcpy(header.bytes, start + LINUX_HEADER_OFFSET, header.length);
	problem = parse_payload(start, file_size, &header);
	if (!problem)
		problem = parse_placement(start, &header);
	if (!problem)
		*ret_header = header;
	return problem;
}

bool linux_header_place(const struct linux_header *header, uint64_t ram_end, uint64_t *ret_address)
{
	uint64_t preferred = header->preferred_address;
	uint64_t lowest = LAYOUT_KERNEL_MINIMUM;

	if (preferred >= lowest && range_fits(preferred, header->memory_size, ram_end)) {
		*ret_address = preferred;
		return true;
	}
	lowest = (lowest + header->alignment - 1) & ~(header->alignment - 1);
	if (!header->relocatable || !range_fits(lowest, header->memory_size, ram_end))
		return false;
	*ret_address = lowest;
	return true;
}

bool linux_header_place_initrd(const struct linux_header *header, uint64_t size,
			       uint64_t kernel_end, uint64_t ram_end, uint64_t *ret_address)
{
	uint64_t end = header->initrd_end < ram_end ? header->initrd_end : ram_end;
	uint64_t address;

	if (size > end)
		return false;
	address = (end - size) & ~(uint64_t)(PAGE_SIZE - 1);
	if (address < kernel_end)
		return false;
	*ret_address = address;
	return true;
}
