/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The map of guest-physical memory as a PC's firmware tells it (ACPI 6.4, section 15.1).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct guest_memory_region;

enum e820_type { E820_RAM = 1, E820_RESERVED = 2 };
enum { E820_MAX_ENTRIES = 8, E820_ENTRY_SIZE = 20 };

struct e820_entry {
	uint64_t base, size;
	enum e820_type type;
};

/* For a kernel that starts directly. regions: of guest RAM, in address order. Returns how many
 * entries were filled in. Pure. */
size_t e820_build(const struct guest_memory_region *regions, size_t count,
		  struct e820_entry entries[E820_MAX_ENTRIES]);
/* For firmware, which knows best what it keeps for itself: only what is RAM, and KVM's pages. */
size_t e820_build_for_firmware(const struct guest_memory_region *regions, size_t count,
			       struct e820_entry entries[E820_MAX_ENTRIES]);
/* As firmware and kernels want it. */
void e820_store(uint8_t bytes[E820_ENTRY_SIZE], const struct e820_entry *entry);
