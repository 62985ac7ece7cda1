/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-tables.h. A hash table finds a slice; the place for a new one is that of one that was
 * not used while the hand of a clock went round.
 */
#include "image/qcow2-tables.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "image/image-file.h"

#define NO_SLOT UINT_MAX

enum {
	MIN_SLICE = 4096,
	MIN_SLOTS = 64, /* more than two tables */
	MAX_SLOTS = 4096,
};

static unsigned int count_slots(size_t slice_size, size_t bytes)
{
	size_t count = bytes / slice_size;

	if (count > MAX_SLOTS)
		count = MAX_SLOTS;
	return count < MIN_SLOTS ? MIN_SLOTS : (unsigned int)count;
}

int qcow2_tables_init(struct qcow2_tables *tables, int fd, size_t table_size, size_t bytes)
{
	size_t slice_size = table_size / QCOW2_MAX_SLICES;
	unsigned int count, bits = 0;

	if (slice_size < MIN_SLICE)
		slice_size = table_size < MIN_SLICE ? table_size : MIN_SLICE;
	count = count_slots(slice_size, bytes);
	while (1u << bits < count)
		bits++;
	*tables = (struct qcow2_tables){
		.fd = fd,
		.table_size = table_size,
		.slice_size = slice_size,
		.slot_count = count,
		.bucket_bits = bits,
		.slots = calloc(count, sizeof(*tables->slots)),
		.buckets = malloc(sizeof(*tables->buckets) << bits),
		.dirty = malloc(count * sizeof(*tables->dirty)),
		.taken = malloc(count * sizeof(*tables->taken)),
	};
	if (!tables->slots || !tables->buckets || !tables->dirty || !tables->taken)
		return -ENOMEM;
	memset(tables->buckets, 0xff, sizeof(*tables->buckets) << bits);
	return 0;
}

void qcow2_tables_finish(struct qcow2_tables *tables)
{
	for (unsigned int i = 0; tables->slots && i < tables->slot_count; i++)
		free(tables->slots[i].bytes);
	free(tables->slots);
	free(tables->buckets);
	free(tables->dirty);
	free(tables->taken);
	*tables = (struct qcow2_tables){.fd = -1};
}

void qcow2_tables_set_loader(struct qcow2_tables *tables, qcow2_loader load, void *data)
{
	tables->load = load;
	tables->load_data = data;
}

/* Finding */

static unsigned int *bucket_of(const struct qcow2_tables *tables, uint64_t offset)
{
	uint64_t hash = offset / tables->slice_size * 0x9e3779b97f4a7c15;

	return &tables->buckets[hash >> 32 & ((1u << tables->bucket_bits) - 1)];
}

static uint64_t slice_start(const struct qcow2_tables *tables, uint64_t offset)
{
	return offset & ~(uint64_t)(tables->slice_size - 1);
}

static struct qcow2_slice *find(const struct qcow2_tables *tables, uint64_t offset)
{
	unsigned int slot = *bucket_of(tables, offset);

	while (slot != NO_SLOT && tables->slots[slot].offset != offset)
		slot = tables->slots[slot].next;
	return slot == NO_SLOT ? NULL : &tables->slots[slot];
}

static unsigned int slot_of(const struct qcow2_tables *tables, const struct qcow2_slice *slice)
{
	return (unsigned int)(slice - tables->slots);
}

static void insert(struct qcow2_tables *tables, struct qcow2_slice *slice, uint64_t offset)
{
	unsigned int *bucket = bucket_of(tables, offset);

	slice->offset = offset;
	slice->next = *bucket;
	slice->used = true;
	*bucket = slot_of(tables, slice);
}

static void withdraw(struct qcow2_tables *tables, struct qcow2_slice *slice)
{
	unsigned int *link;

	if (slice->offset == 0)
		return;
	link = bucket_of(tables, slice->offset);
	while (*link != slot_of(tables, slice))
		link = &tables->slots[*link].next;
	*link = slice->next;
	slice->offset = 0;
	slice->error = 0;
}

/* Making place */

static bool is_movable(const struct qcow2_slice *slice)
{
	return !slice->dirty && !slice->loading && !slice->taken && !slice->held;
}

static struct qcow2_slice *find_place(struct qcow2_tables *tables)
{
	for (unsigned int i = 0; i < 2 * tables->slot_count; i++) {
		struct qcow2_slice *slice = &tables->slots[tables->hand];

		tables->hand = (tables->hand + 1) % tables->slot_count;
		if (slice->offset == 0 || (!slice->used && is_movable(slice)))
			return slice;
		slice->used = false;
	}
	return NULL;
}

static int compare_slots(const void *a, const void *b, void *data)
{
	const struct qcow2_tables *tables = data;
	uint64_t first = tables->slots[*(const unsigned int *)a].offset;
	uint64_t second = tables->slots[*(const unsigned int *)b].offset;

	return first < second ? -1 : first > second;
}

static void sort_dirty(struct qcow2_tables *tables)
{
	qsort_r(tables->dirty, tables->dirty_count, sizeof(*tables->dirty), compare_slots, tables);
}

int qcow2_tables_write(struct qcow2_tables *tables)
{
	if (tables->taken_count > 0)
		return -EAGAIN;
	sort_dirty(tables);
	while (tables->dirty_count > 0) {
		struct qcow2_slice *slice = &tables->slots[tables->dirty[tables->dirty_count - 1]];
		int r = fd_write_at(tables->fd, slice->bytes, tables->slice_size, slice->offset);

		if (r < 0)
			return r;
		slice->dirty = false;
		tables->dirty_count--;
	}
	return 0;
}

/* A slot with room for a slice, and without one. */
static int vacate(struct qcow2_tables *tables, struct qcow2_slice **ret_slice)
{
	struct qcow2_slice *slice = find_place(tables);
	int r = 0;

	if (!slice && tables->load)
		return -EBUSY;
	if (!slice) {
		r = qcow2_tables_write(tables);
		slice = find_place(tables);
	}
	if (r < 0)
		return r;
	assert(slice); /* no more than two tables are held */
	withdraw(tables, slice);
	if (!slice->bytes)
		slice->bytes = malloc(tables->slice_size);
	if (!slice->bytes)
		return -ENOMEM;
	*ret_slice = slice;
	return 0;
}

/* Reading */

void qcow2_tables_loaded(struct qcow2_tables *tables, struct qcow2_slice *slice, int result)
{
	(void)tables;
	slice->loading = false;
	slice->error = result;
}

static int begin_load(struct qcow2_tables *tables, struct qcow2_slice *slice, uint64_t offset)
{
	int r;

	insert(tables, slice, offset);
	slice->loading = true;
	r = tables->load(tables->load_data, tables, slice);
	if (r < 0) {
		slice->loading = false;
		withdraw(tables, slice);
	}
	return r < 0 ? r : -EAGAIN;
}

static int load(struct qcow2_tables *tables, uint64_t offset, struct qcow2_slice **ret_slice)
{
	struct qcow2_slice *slice;
	int r = vacate(tables, &slice);

	if (r < 0)
		return r;
	if (tables->load)
		return begin_load(tables, slice, offset);
	r = image_file_read(tables->fd, slice->bytes, tables->slice_size, offset);
	if (r < 0)
		return r;
	insert(tables, slice, offset);
	*ret_slice = slice;
	return 0;
}

static int get(struct qcow2_tables *tables, uint64_t offset, struct qcow2_slice **ret_slice)
{
	struct qcow2_slice *slice = find(tables, offset);
	int r = slice ? slice->error : load(tables, offset, &slice);

	if (r == 0 && slice->loading)
		return -EAGAIN;
	if (slice && slice->error < 0)
		withdraw(tables, slice);
	if (r < 0)
		return r;
	slice->used = true;
	*ret_slice = slice;
	return 0;
}

int qcow2_tables_get(struct qcow2_tables *tables, uint64_t offset, uint8_t **ret_bytes)
{
	uint64_t start = slice_start(tables, offset);
	struct qcow2_slice *slice;
	int r = get(tables, start, &slice);

	if (r == 0)
		*ret_bytes = slice->bytes + (offset - start);
	return r;
}

int qcow2_tables_get_all(struct qcow2_tables *tables, uint64_t offset)
{
	struct qcow2_slice *held[QCOW2_MAX_SLICES];
	unsigned int count = 0;
	int r = 0;

	for (uint64_t at = offset; at < offset + tables->table_size; at += tables->slice_size) {
		int error = get(tables, at, &held[count]);

		if (error == 0)
			held[count++]->held = true;
		else if (r == 0 || r == -EAGAIN) /* which is waited for last */
			r = error;
	}
	while (count > 0)
		held[--count]->held = false;
	return r;
}

/* Changing */

static int place(struct qcow2_tables *tables, uint64_t offset, struct qcow2_slice **ret_slice)
{
	struct qcow2_slice *slice = find(tables, offset);
	int r = 0;

	/* Broken tables may name a free cluster. */
	if (slice && slice->loading)
		return -EAGAIN;
	if (!slice) {
		r = vacate(tables, &slice);
		if (r == 0)
			insert(tables, slice, offset);
	}
	if (r < 0)
		return r;
	slice->error = 0;
	*ret_slice = slice;
	return 0;
}

int qcow2_tables_add(struct qcow2_tables *tables, uint64_t offset)
{
	for (uint64_t at = offset; at < offset + tables->table_size; at += tables->slice_size) {
		struct qcow2_slice *slice;
		int r = place(tables, at, &slice);

		if (r < 0)
			return r;
		memset(slice->bytes, 0, tables->slice_size);
		qcow2_tables_set_dirty(tables, at);
	}
	return 0;
}

static void hold_all(struct qcow2_tables *tables, uint64_t offset, bool held)
{
	for (uint64_t at = offset; at < offset + tables->table_size; at += tables->slice_size)
		find(tables, at)->held = held;
}

int qcow2_tables_copy(struct qcow2_tables *tables, uint64_t from, uint64_t to)
{
	int r = 0;

	hold_all(tables, from, true);
	for (size_t at = 0; r == 0 && at < tables->table_size; at += tables->slice_size) {
		struct qcow2_slice *slice;

		r = place(tables, to + at, &slice);
		if (r < 0)
			break;
		memmove(slice->bytes, find(tables, from + at)->bytes, tables->slice_size);
		qcow2_tables_set_dirty(tables, to + at);
	}
	hold_all(tables, from, false);
	return r;
}

void qcow2_tables_set_dirty(struct qcow2_tables *tables, uint64_t offset)
{
	struct qcow2_slice *slice = find(tables, slice_start(tables, offset));

	assert(slice);
	if (!slice->dirty)
		tables->dirty[tables->dirty_count++] = slot_of(tables, slice);
	slice->dirty = true;
}

unsigned int qcow2_tables_room(const struct qcow2_tables *tables)
{
	unsigned int changed = tables->dirty_count + tables->taken_count;

	return tables->slot_count > changed ? tables->slot_count - changed : 0;
}

void qcow2_tables_take(struct qcow2_tables *tables, uint64_t *offsets, uint8_t *bytes)
{
	assert(tables->taken_count == 0);
	sort_dirty(tables);
	for (unsigned int i = 0; i < tables->dirty_count; i++) {
		struct qcow2_slice *slice = &tables->slots[tables->dirty[i]];

		offsets[i] = slice->offset;
		memcpy(bytes + i * tables->slice_size, slice->bytes, tables->slice_size);
		slice->dirty = false;
		slice->taken = true;
		tables->taken[i] = tables->dirty[i];
	}
	tables->taken_count = tables->dirty_count;
	tables->dirty_count = 0;
}

void qcow2_tables_put_back(struct qcow2_tables *tables, bool stored)
{
	for (unsigned int i = 0; i < tables->taken_count; i++) {
		struct qcow2_slice *slice = &tables->slots[tables->taken[i]];

		slice->taken = false;
		if (!stored)
			qcow2_tables_set_dirty(tables, slice->offset);
	}
	tables->taken_count = 0;
}
