/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing what has changed in the tables of the top to its file, in this order, each thing stored
 * before the next: data and the counts of clusters; the table of these counts; L2 tables; the L1
 * table. So what an entry points to is in the file before the entry is. What is written is a copy,
 * and what changes meanwhile is stored the next time. Clusters that were released by a change which
 * is stored now are given back afterwards (layered-give-back.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/layered-disk-private.h"

enum step {
	COUNTS,
	SYNC_COUNTS,
	COUNT_TABLE,
	SYNC_COUNT_TABLE,
	L2_TABLES,
	SYNC_L2_TABLES,
	L1_TABLE,
	SYNC_L1_TABLE,
	STEPS,
};

struct write {
	struct block_transfer transfer;
	struct iovec iov;
	struct store *store;
};

/* A copy of some bytes of the file, and how it gets there. */
struct copy {
	uint8_t *bytes;
	struct write *writes;
	unsigned int count;
};

struct store {
	struct layered_disk *disk;
	bool running;
	enum step step;
	unsigned int pending;
	int error;
	bool unsynced;             /* the error is one of fdatasync() */
	struct copy copies[STEPS]; /* by the step that writes them */
	uint64_t l1_from, l1_to;
	size_t released;
	struct operation_list served;
	struct block_transfer sync, sync_lower;
};

static struct store *of_sync(struct block_transfer *transfer)
{
	return (void *)((char *)transfer - offsetof(struct store, sync));
}

static struct store *of_sync_lower(struct block_transfer *transfer)
{
	return (void *)((char *)transfer - offsetof(struct store, sync_lower));
}

int layered_store_create(struct layered_disk *disk)
{
	disk->store = calloc(1, sizeof(*disk->store));
	if (!disk->store)
		return -ENOMEM;
	disk->store->disk = disk;
	return 0;
}

void layered_store_destroy(struct layered_disk *disk)
{
	free(disk->store);
}

bool layered_store_is_running(const struct layered_disk *disk)
{
	return disk->store->running;
}

bool layered_store_is_needed(const struct layered_disk *disk)
{
	const struct qcow2_image *image = layered_disk_top(disk);

	return image->l2_tables.dirty_count > 0 || image->refcounts.blocks.dirty_count > 0 ||
	       image->refcounts.table_dirty || image->l1_dirty_to > 0;
}

int layered_store_room(struct layered_disk *disk)
{
	const struct qcow2_image *image = layered_disk_top(disk);
	const struct qcow2_tables *tables = &image->l2_tables;

	if (!qcow2_image_has_room(image))
		return -EBUSY;
	/* In time, so that nobody has to wait for it. */
	if (tables->dirty_count > tables->slot_count / 2)
		layered_store_begin(disk);
	return 0;
}

/* Copies */

static struct write *add_write(struct store *store, struct copy *copy, uint64_t offset,
			       uint8_t *bytes, size_t length)
{
	struct write *write = &copy->writes[copy->count++];

	write->store = store;
	write->iov = (struct iovec){bytes, length};
	write->transfer = (struct block_transfer){
		.operation = BLOCK_WRITE,
		.fd = store->disk->layers[0].fd,
		.offset = offset,
		.length = length,
		.iov = &write->iov,
		.iov_count = 1,
	};
	return write;
}

/* Slices that lie in a row in the file are written together. */
static void plan_writes(struct store *store, struct copy *copy, const uint64_t *offsets,
			unsigned int count, size_t size)
{
	struct write *last = NULL;

	for (unsigned int i = 0; i < count; i++) {
		if (last && last->transfer.offset + last->transfer.length == offsets[i]) {
			last->iov.iov_len += size;
			last->transfer.length += size;
		} else {
			last = add_write(store, copy, offsets[i], copy->bytes + i * size, size);
		}
	}
}

static int copy_slices(struct store *store, struct qcow2_tables *tables, struct copy *copy)
{
	unsigned int count = tables->dirty_count;
	uint64_t *offsets;

	if (count == 0)
		return 0;
	offsets = malloc(count * sizeof(*offsets));
	copy->bytes = malloc(count * tables->slice_size);
	copy->writes = calloc(count, sizeof(*copy->writes));
	if (!offsets || !copy->bytes || !copy->writes) {
		free(offsets);
		return -ENOMEM;
	}
	qcow2_tables_take(tables, offsets, copy->bytes);
	plan_writes(store, copy, offsets, count, tables->slice_size);
	free(offsets);
	return 0;
}

static int copy_bytes(struct store *store, struct copy *copy, const uint8_t *bytes, size_t length,
		      uint64_t offset)
{
	copy->bytes = malloc(length);
	copy->writes = calloc(1, sizeof(*copy->writes));
	if (!copy->bytes || !copy->writes)
		return -ENOMEM;
	memcpy(copy->bytes, bytes, length);
	add_write(store, copy, offset, copy->bytes, length);
	return 0;
}

static int copy_count_table(struct store *store, struct qcow2_refcounts *refcounts)
{
	int r;

	if (!refcounts->table_dirty)
		return 0;
	r = copy_bytes(store, &store->copies[COUNT_TABLE], refcounts->table,
		       (size_t)refcounts->table_entries * 8,
		       refcounts->header->refcount_table_offset);
	if (r == 0)
		refcounts->table_dirty = false;
	return r;
}

static int copy_l1_table(struct store *store, struct qcow2_image *image)
{
	uint64_t from = image->l1_dirty_from * 8, length = image->l1_dirty_to * 8 - from;
	int r;

	if (image->l1_dirty_to == 0)
		return 0;
	r = copy_bytes(store, &store->copies[L1_TABLE], image->l1 + from, (size_t)length,
		       image->header.l1_offset + from);
	if (r == 0) {
		store->l1_from = image->l1_dirty_from;
		store->l1_to = image->l1_dirty_to;
		image->l1_dirty_from = image->l1_dirty_to = 0;
	}
	return r;
}

static int copy_tables(struct store *store)
{
	struct qcow2_image *image = layered_disk_top(store->disk);
	int r = copy_slices(store, &image->refcounts.blocks, &store->copies[COUNTS]);

	if (r == 0)
		r = copy_slices(store, &image->l2_tables, &store->copies[L2_TABLES]);
	if (r == 0)
		r = copy_count_table(store, &image->refcounts);
	if (r == 0)
		r = copy_l1_table(store, image);
	store->released = image->refcounts.released_count;
	return r;
}

/* What was copied is stored, or has still to be. */
static void put_back(struct store *store, bool stored)
{
	struct qcow2_image *image = layered_disk_top(store->disk);

	qcow2_tables_put_back(&image->refcounts.blocks, stored);
	qcow2_tables_put_back(&image->l2_tables, stored);
	if (!stored && store->copies[COUNT_TABLE].count > 0)
		image->refcounts.table_dirty = true;
	if (!stored && store->l1_to > 0)
		qcow2_image_set_l1_dirty(image, store->l1_from, store->l1_to);
	store->l1_from = store->l1_to = 0;
	for (unsigned int i = 0; i < STEPS; i++) {
		free(store->copies[i].bytes);
		free(store->copies[i].writes);
		store->copies[i] = (struct copy){NULL, NULL, 0};
	}
}

/* Steps */

static void finish(struct store *store)
{
	struct layered_disk *disk = store->disk;
	struct operation_list served = store->served;
	/* Only where there was no room for a table can it be tried again: what fdatasync() has
	 * failed to write, the kernel has forgotten. */
	int error = store->error < 0 && store->unsynced ? -EIO : store->error;

	put_back(store, error == 0);
	store->running = false;
	store->served = (struct operation_list){NULL, NULL};
	if (error == 0)
		layered_give_back(disk, store->released);
	layered_serve(disk, &served, error);
	if (disk->waiting_for_store.first)
		layered_store_begin(disk);
}

static void proceed(struct store *store);

static void note_end(struct store *store, int result, bool sync)
{
	if (result < 0 && store->error == 0) {
		store->error = result;
		store->unsynced = sync;
	}
	store->pending--;
	proceed(store);
}

static void on_written(struct block_transfer *transfer, int result)
{
	note_end(((struct write *)transfer)->store, result, /* sync= */ false);
}

static void on_synced(struct block_transfer *transfer, int result)
{
	note_end(of_sync(transfer), result,
		 /* sync= */ true);
}

static void on_lower_synced(struct block_transfer *transfer, int result)
{
	struct store *store = of_sync_lower(transfer);

	if (result == 0)
		store->disk->lower_unsynced = false;
	note_end(store, result, /* sync= */ true);
}

static void write_copy(struct store *store, struct copy *copy)
{
	/* All at once: the first could be the last. */
	store->pending += copy->count;
	for (unsigned int i = 0; i < copy->count; i++) {
		copy->writes[i].transfer.complete = on_written;
		block_transfers_start(store->disk->transfers, &copy->writes[i].transfer);
	}
}

static void sync_file(struct store *store)
{
	store->sync = (struct block_transfer){
		.operation = BLOCK_FLUSH,
		.fd = store->disk->layers[0].fd,
		.complete = on_synced,
	};
	store->pending++;
	block_transfers_start(store->disk->transfers, &store->sync);
}

/* What was written before a layer was pushed. */
static void sync_lower_file(struct store *store)
{
	store->sync_lower = (struct block_transfer){
		.operation = BLOCK_FLUSH,
		.fd = store->disk->layers[1].fd,
		.complete = on_lower_synced,
	};
	store->pending++;
	block_transfers_start(store->disk->transfers, &store->sync_lower);
}

static void take_step(struct store *store, enum step step)
{
	switch (step) {
	case COUNTS:
	case COUNT_TABLE:
	case L2_TABLES:
	case L1_TABLE:
		write_copy(store, &store->copies[step]);
		break;
	case SYNC_COUNTS: /* and the data */
		if (store->disk->lower_unsynced)
			sync_lower_file(store);
		sync_file(store);
		break;
	case SYNC_COUNT_TABLE:
	case SYNC_L2_TABLES:
	case SYNC_L1_TABLE:
		if (store->copies[step - 1].count > 0)
			sync_file(store);
		break;
	case STEPS:
		break;
	}
}

static void proceed(struct store *store)
{
	while (store->pending == 0 && store->error == 0 && store->step < STEPS)
		take_step(store, store->step++);
	if (store->pending == 0)
		finish(store);
}

void layered_store_begin(struct layered_disk *disk)
{
	struct store *store = disk->store;

	if (store->running)
		return;
	store->running = true;
	store->step = COUNTS;
	store->unsynced = false;
	store->error = copy_tables(store);
	if (store->error < 0) {
		/* Whoever waits is told from where it may be. */
		store->step = STEPS;
		store->pending = 1;
		store->sync = (struct block_transfer){
			.operation = BLOCK_NOTHING,
			.fd = -1,
			.complete = on_synced,
		};
		block_transfers_start(disk->transfers, &store->sync);
	}
	store->served = disk->waiting_for_store;
	disk->waiting_for_store = (struct operation_list){NULL, NULL};
	if (store->error == 0)
		proceed(store);
}

/* Flushing */

static void on_flushed(struct block_transfer *transfer, int result)
{
	struct layered_operation *operation = layered_operation_of(transfer);

	layered_part_ends(operation->disk, operation, result < 0 ? -EIO : 0);
}

int layered_flush(struct layered_disk *disk, struct layered_operation *operation)
{
	/* Whoever comes again has been served. */
	if (operation->position++ > 0)
		return 0;
	if (!disk->read_only &&
	    (layered_store_is_needed(disk) || disk->lower_unsynced || disk->store->running))
		return -EBUSY;
	operation->transfer = (struct block_transfer){
		.operation = BLOCK_FLUSH,
		.fd = disk->layers[0].fd,
		.complete = on_flushed,
	};
	layered_part_begins(operation);
	block_transfers_start(disk->transfers, &operation->transfer);
	return 0;
}
