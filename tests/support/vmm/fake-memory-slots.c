/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-memory-slots.h"

#include <glib.h>
#include <string.h>

struct fake_slot {
	struct memory_slot slot; /* first */
	GHashTable *dirty;       /* page numbers */
};

static int create(struct memory_slot_registry *registry, struct memory_slot **ret_slot)
{
	struct fake_slot *slot = g_new0(struct fake_slot, 1);

	slot->dirty = g_hash_table_new(NULL, NULL);
	((struct fake_memory_slots *)registry)->count++;
	*ret_slot = &slot->slot;
	return 0;
}

static int map(struct memory_slot *slot, uint64_t gpa)
{
	return ((struct fake_memory_slots *)slot->registry)->map_error;
}

static void unmap(struct memory_slot *slot)
{
	g_hash_table_remove_all(((struct fake_slot *)slot)->dirty);
}

static int take_dirty(struct memory_slot *base, uint64_t *bitmap)
{
	GHashTable *dirty = ((struct fake_slot *)base)->dirty;
	GHashTableIter iter;
	gpointer page;

	memset(bitmap, 0, memory_slot_dirty_words(base->size) * sizeof(*bitmap));
	g_hash_table_iter_init(&iter, dirty);
	while (g_hash_table_iter_next(&iter, &page, NULL))
		bitmap[GPOINTER_TO_SIZE(page) / 64] |= 1ULL << GPOINTER_TO_SIZE(page) % 64;
	g_hash_table_remove_all(dirty);
	return 0;
}

static void destroy(struct memory_slot *base)
{
	((struct fake_memory_slots *)base->registry)->count--;
	g_hash_table_unref(((struct fake_slot *)base)->dirty);
	g_free(base);
}

static const struct memory_slot_registry_ops ops = {
	.create = create,
	.map = map,
	.unmap = unmap,
	.take_dirty = take_dirty,
	.destroy = destroy,
};

void fake_memory_slots_init(struct fake_memory_slots *slots)
{
	memset(slots, 0, sizeof(*slots));
	slots->registry.ops = &ops;
}

void fake_memory_slot_dirty(struct memory_slot *slot, uint64_t offset, uint64_t length)
{
	uint64_t last = (offset + length - 1) / MEMORY_SLOT_PAGE_SIZE;

	for (uint64_t page = offset / MEMORY_SLOT_PAGE_SIZE; page <= last; page++)
		g_hash_table_add(((struct fake_slot *)slot)->dirty, GSIZE_TO_POINTER(page));
}
