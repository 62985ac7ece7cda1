/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/memory-slot.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static bool page_aligned(uint64_t value)
{
	return value % MEMORY_SLOT_PAGE_SIZE == 0;
}

int memory_slot_create(struct memory_slot_registry *registry, void *host, uint64_t size,
		       unsigned int flags, struct memory_slot **ret_slot)
{
	struct memory_slot *slot;
	int r;

	assert(size > 0 && page_aligned(size) && page_aligned((uintptr_t)host));
	r = registry->ops->create(registry, &slot);
	if (r < 0)
		return r;
	slot->registry = registry;
	slot->host = host;
	slot->size = size;
	slot->flags = flags;
	*ret_slot = slot;
	return 0;
}

void memory_slot_destroy(struct memory_slot *slot)
{
	if (!slot)
		return;
	memory_slot_unmap(slot);
	slot->registry->ops->destroy(slot);
}

int memory_slot_map(struct memory_slot *slot, uint64_t gpa)
{
	int r;

	if (slot->mapped && slot->gpa == gpa)
		return 0;
	memory_slot_unmap(slot);
	if (!page_aligned(gpa) || gpa > UINT64_MAX - slot->size)
		return -EINVAL;
	r = slot->registry->ops->map(slot, gpa);
	if (r < 0)
		return r;
	slot->mapped = true;
	slot->gpa = gpa;
	return 0;
}

void memory_slot_unmap(struct memory_slot *slot)
{
	if (!slot->mapped)
		return;
	slot->registry->ops->unmap(slot);
	slot->mapped = false;
}

int memory_slot_take_dirty(struct memory_slot *slot, uint64_t *bitmap)
{
	if (slot->mapped && slot->flags & MEMORY_SLOT_TRACK_DIRTY)
		return slot->registry->ops->take_dirty(slot, bitmap);
	memset(bitmap, 0, memory_slot_dirty_words(slot->size) * sizeof(*bitmap));
	return 0;
}
