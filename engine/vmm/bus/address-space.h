/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Address dispatch: ranges of port I/O or MMIO addresses to the devices behind them.
 *
 * Unclaimed addresses read as all ones and ignore writes, as firmware and kernels expect of a PC.
 * All calls with the device lock held (event-loop.h) or before the vCPUs run.
 */
#pragma once

#include <stdint.h>

struct address_space;

/* offset: from the start of the range; size: 1, 2, 4 or 8 bytes; offset + size is inside it. */
struct address_range_ops {
	uint64_t (*read)(void *device, uint64_t offset, unsigned int size);
	void (*write)(void *device, uint64_t offset, unsigned int size, uint64_t value);
};

/* size: addresses of the space, 0x10000 for port I/O, 0 for the whole 64-bit MMIO space. */
int address_space_create(uint64_t size, struct address_space **ret_space);
void address_space_destroy(struct address_space *space);

/* 0, -EINVAL for an empty or wrapping range, -EEXIST when it overlaps another, -ENOMEM. */
int address_space_add(struct address_space *space, uint64_t base, uint64_t size,
		      const struct address_range_ops *ops, void *device);
/* Removes the range that starts at base; none there is no error. */
void address_space_remove(struct address_space *space, uint64_t base);

/* An access that crosses the end of a range is served byte by byte. size: 1, 2, 4 or 8. */
uint64_t address_space_read(struct address_space *space, uint64_t address, unsigned int size);
void address_space_write(struct address_space *space, uint64_t address, unsigned int size,
			 uint64_t value);
