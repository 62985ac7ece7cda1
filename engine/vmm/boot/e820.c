/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/e820.h"

#include "base/byte-order.h"
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"

static const struct e820_entry fixed_reserved[] = {
	{LAYOUT_MMCONFIG, LAYOUT_MMCONFIG_SIZE, E820_RESERVED},
	{LAYOUT_KVM_PAGES, LAYOUT_KVM_PAGES_SIZE, E820_RESERVED},
};

size_t e820_build(const struct guest_memory_region *regions, size_t count,
		  struct e820_entry entries[E820_MAX_ENTRIES])
{
	const uint64_t extended = LAYOUT_KERNEL_MINIMUM;
	size_t n = 0;

	entries[n++] = (struct e820_entry){0, LAYOUT_LOW_RAM_END, E820_RAM};
	entries[n++] = (struct e820_entry){LAYOUT_LOW_RAM_END, extended - LAYOUT_LOW_RAM_END,
					   E820_RESERVED};
	entries[n++] = (struct e820_entry){extended, regions[0].size - extended, E820_RAM};
	for (size_t i = 0; i < sizeof(fixed_reserved) / sizeof(fixed_reserved[0]); i++)
		entries[n++] = fixed_reserved[i];
	for (size_t i = 1; i < count; i++)
		entries[n++] = (struct e820_entry){regions[i].gpa, regions[i].size, E820_RAM};
	return n;
}

size_t e820_build_for_firmware(const struct guest_memory_region *regions, size_t count,
			       struct e820_entry entries[E820_MAX_ENTRIES])
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		entries[n++] = (struct e820_entry){regions[i].gpa, regions[i].size, E820_RAM};
	entries[n++] = (struct e820_entry){LAYOUT_KVM_PAGES, LAYOUT_KVM_PAGES_SIZE, E820_RESERVED};
	return n;
}

void e820_store(uint8_t bytes[E820_ENTRY_SIZE], const struct e820_entry *entry)
{
	store_le64(bytes, entry->base);
	store_le64(bytes + 8, entry->size);
	store_le32(bytes + 16, entry->type);
}
