/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges in an array sorted by address; the range of the last access is looked at first, since
 * guests come back to the same device.
 */
#include "bus/address-space.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked-arithmetic.h"

struct address_range {
	uint64_t base, size;
	const struct address_range_ops *ops;
	void *device;
};

struct address_space {
	uint64_t last_address;
	struct address_range *ranges; /* sorted by base, none overlaps another */
	size_t count, capacity;
	size_t last_hit; /* index into ranges, or count or more */
};

int address_space_create(uint64_t size, struct address_space **ret_space)
{
	struct address_space *space = calloc(1, sizeof(*space));

	if (!space)
		return -ENOMEM;
	space->last_address = size - 1; /* 0 wraps to the end of the 64-bit space */
	*ret_space = space;
	return 0;
}

void address_space_destroy(struct address_space *space)
{
	if (!space)
		return;
	free(space->ranges);
	free(space);
}

static bool contains(const struct address_range *range, uint64_t address, uint64_t size)
{
	return address >= range->base && range_fits(address - range->base, size, range->size);
}

/* Index of the first range whose base is above address. */
static size_t first_above(const struct address_space *space, uint64_t address)
{
	size_t low = 0, high = space->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->ranges[middle].base > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool is_valid(const struct address_space *space, uint64_t base, uint64_t size)
{
	return size > 0 && base <= space->last_address && size - 1 <= space->last_address - base;
}

static bool overlaps(const struct address_range *range, uint64_t base, uint64_t size)
{
	return base <= range->base ? range->base - base < size : base - range->base < range->size;
}

static int grow(struct address_space *space)
{
	size_t capacity = space->capacity ? space->capacity * 2 : 16;
	struct address_range *ranges;

	if (space->count < space->capacity)
		return 0;
	ranges = reallocarray(space->ranges, capacity, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	space->ranges = ranges;
	space->capacity = capacity;
	return 0;
}

int address_space_add(struct address_space *space, uint64_t base, uint64_t size,
		      const struct address_range_ops *ops, void *device)
{
	size_t at = first_above(space, base);

	if (!is_valid(space, base, size))
		return -EINVAL;
	if ((at > 0 && overlaps(&space->ranges[at - 1], base, size)) ||
	    (at < space->count && overlaps(&space->ranges[at], base, size)))
		return -EEXIST;
	if (grow(space) < 0)
		return -ENOMEM;
	memmove(&space->ranges[at + 1], &space->ranges[at],
		(space->count - at) * sizeof(space->ranges[0]));
	space->ranges[at] = (struct address_range){base, size, ops, device};
	space->count++;
	return 0;
}

void address_space_remove(struct address_space *space, uint64_t base)
{
	size_t above = first_above(space, base);

	if (above == 0 || space->ranges[above - 1].base != base)
		return;
	memmove(&space->ranges[above - 1], &space->ranges[above],
		(space->count - above) * sizeof(space->ranges[0]));
	space->count--;
}

/* The range that holds [address, address + size), or NULL. */
static const struct address_range *find(struct address_space *space, uint64_t address,
					unsigned int size)
{
	size_t above;

	if (space->last_hit < space->count &&
	    contains(&space->ranges[space->last_hit], address, size))
		return &space->ranges[space->last_hit];
	above = first_above(space, address);
	if (above == 0 || !contains(&space->ranges[above - 1], address, size))
		return NULL;
	space->last_hit = above - 1;
	return &space->ranges[above - 1];
}

/* A device may change the ranges while it serves an access, so nothing is read from range after. */
uint64_t address_space_read(struct address_space *space, uint64_t address, unsigned int size)
{
	const struct address_range *range = find(space, address, size);
	uint64_t value = 0;

	if (range)
		return range->ops->read(range->device, address - range->base, size);
	if (size == 1)
		return 0xff;
	for (unsigned int i = 0; i < size; i++)
		value |= (address_space_read(space, address + i, 1) & 0xff) << (8 * i);
	return value;
}

void address_space_write(struct address_space *space, uint64_t address, unsigned int size,
			 uint64_t value)
{
	const struct address_range *range = find(space, address, size);

	if (range) {
		range->ops->write(range->device, address - range->base, size, value);
		return;
	}
	for (unsigned int i = 0; size > 1 && i < size; i++)
		address_space_write(space, address + i, 1, (value >> (8 * i)) & 0xff);
}
