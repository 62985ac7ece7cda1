/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-refcount.h. A count that is too high loses a cluster, one that is too low loses data:
 * counts go up before anything points to a cluster, and down after nothing does.
 */
#include "image/qcow2-refcount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "image/qcow2-header.h"
#include "image/qcow2-map.h"

#define BLOCK_OFFSET_MASK (~(uint64_t)511)

enum {
	CACHE_BYTES = 2 << 20,
	/* Clusters that are counted as used where the file has none: after a stop, a few. */
	MAX_COUNTED_BEHIND = 1 << 20,
};

/* A table that moves: the clusters it takes, and the blocks that count these. */
struct new_table {
	uint64_t first_cluster;
	uint64_t clusters;
	uint64_t first_block; /* index into the table */
	uint64_t blocks;
	uint8_t *bytes;
};

uint64_t qcow2_refcount_load(const uint8_t *block, uint64_t index, unsigned int order)
{
	switch (order) {
	case 3:
		return block[index];
	case 4:
		return load_be16(block + index * 2);
	case 5:
		return load_be32(block + index * 4);
	case 6:
		return load_be64(block + index * 8);
	default: {
		unsigned int shift = (unsigned int)(index << order & 7);

		return block[index << order >> 3] >> shift & ((1u << (1u << order)) - 1);
	}
	}
}

void qcow2_refcount_store(uint8_t *block, uint64_t index, unsigned int order, uint64_t count)
{
	switch (order) {
	case 3:
		block[index] = (uint8_t)count;
		break;
	case 4:
		store_be16(block + index * 2, (uint16_t)count);
		break;
	case 5:
		store_be32(block + index * 4, (uint32_t)count);
		break;
	case 6:
		store_be64(block + index * 8, count);
		break;
	default: {
		unsigned int shift = (unsigned int)(index << order & 7);
		unsigned int mask = ((1u << (1u << order)) - 1) << shift;
		uint8_t *at = block + (index << order >> 3);

		*at = (uint8_t)((*at & ~mask) | ((unsigned int)count << shift & mask));
		break;
	}
	}
}

int qcow2_refcounts_init(struct qcow2_refcounts *refcounts, int fd, struct qcow2_header *header,
			 struct qcow2_layout *layout)
{
	size_t table_bytes = (size_t)(header->refcount_table_clusters * layout->cluster_size);
	int r;

	*refcounts = (struct qcow2_refcounts){
		.fd = fd,
		.header = header,
		.layout = layout,
		.order = header->refcount_order,
		.block_bits = layout->cluster_bits + 3 - header->refcount_order,
		.table_entries = table_bytes / 8,
		.table = malloc(table_bytes),
	};
	if (!refcounts->table)
		return -ENOMEM;
	r = qcow2_tables_init(&refcounts->blocks, fd, (size_t)layout->cluster_size, CACHE_BYTES);
	if (r < 0)
		return r;
	return fd_read_at(fd, refcounts->table, table_bytes, header->refcount_table_offset);
}

void qcow2_refcounts_finish(struct qcow2_refcounts *refcounts)
{
	qcow2_tables_finish(&refcounts->blocks);
	free(refcounts->table);
	free(refcounts->released);
}

/* *ret_offset is 0 when no block counts that cluster. */
static int find_block(const struct qcow2_refcounts *refcounts, uint64_t cluster,
		      uint64_t *ret_offset)
{
	uint64_t index = cluster >> refcounts->block_bits;
	uint64_t offset = 0;

	if (index < refcounts->table_entries)
		offset = load_be64(refcounts->table + index * 8) & BLOCK_OFFSET_MASK;
	if (offset != 0 && !qcow2_layout_has_cluster(refcounts->layout, offset))
		return -EUCLEAN;
	*ret_offset = offset;
	return 0;
}

/* Where the slice is in the file that has the count of that cluster, in the block at offset. */
static uint64_t slice_of(const struct qcow2_refcounts *refcounts, uint64_t offset, uint64_t cluster)
{
	uint64_t index = cluster & (((uint64_t)1 << refcounts->block_bits) - 1);
	uint64_t byte = index << refcounts->order >> 3;

	return offset + (byte & ~(uint64_t)(refcounts->blocks.slice_size - 1));
}

static uint64_t index_in_slice(const struct qcow2_refcounts *refcounts, uint64_t cluster)
{
	return cluster & (((uint64_t)refcounts->blocks.slice_size << 3 >> refcounts->order) - 1);
}

int qcow2_refcounts_get(struct qcow2_refcounts *refcounts, uint64_t cluster, uint64_t *ret_count)
{
	uint64_t offset;
	uint8_t *slice;
	int r = find_block(refcounts, cluster, &offset);

	if (r == 0 && offset != 0)
		r = qcow2_tables_get(&refcounts->blocks, slice_of(refcounts, offset, cluster),
				     &slice);
	if (r < 0)
		return r;
	*ret_count = offset ? qcow2_refcount_load(slice, index_in_slice(refcounts, cluster),
						  refcounts->order)
			    : 0;
	return 0;
}

int qcow2_refcounts_set(struct qcow2_refcounts *refcounts, uint64_t cluster, uint64_t count)
{
	uint64_t offset;
	uint8_t *slice;
	int r = find_block(refcounts, cluster, &offset);

	if (r == 0 && offset == 0)
		r = -EUCLEAN;
	if (r < 0)
		return r;
	offset = slice_of(refcounts, offset, cluster);
	r = qcow2_tables_get(&refcounts->blocks, offset, &slice);
	if (r < 0)
		return r;
	qcow2_refcount_store(slice, index_in_slice(refcounts, cluster), refcounts->order, count);
	qcow2_tables_set_dirty(&refcounts->blocks, offset);
	if (count == 0 && refcounts->first_free > cluster)
		refcounts->first_free = cluster;
	return 0;
}

/* The file has that cluster from now on, whether or not it is written. */
static void grow_file(struct qcow2_refcounts *refcounts, uint64_t clusters)
{
	uint64_t size = clusters << refcounts->layout->cluster_bits;

	if (refcounts->layout->file_size < size)
		refcounts->layout->file_size = size;
}

/* The cluster becomes the block that counts it and those around it. */
static int add_block(struct qcow2_refcounts *refcounts, uint64_t cluster)
{
	uint64_t offset = cluster << refcounts->layout->cluster_bits;
	uint64_t index = cluster >> refcounts->block_bits;
	int r;

	grow_file(refcounts, cluster + 1);
	r = qcow2_tables_add(&refcounts->blocks, offset);
	if (r < 0)
		return r;
	store_be64(refcounts->table + index * 8, offset);
	refcounts->table_dirty = true;
	return qcow2_refcounts_set(refcounts, cluster, 1);
}

static uint64_t clusters_in_file(const struct qcow2_refcounts *refcounts)
{
	const struct qcow2_layout *layout = refcounts->layout;

	return (layout->file_size + layout->cluster_size - 1) >> layout->cluster_bits;
}

/* Half as large again, behind everything else. */
static int plan_table(const struct qcow2_refcounts *refcounts, struct new_table *plan)
{
	unsigned int block_bits = refcounts->block_bits;
	uint64_t old = refcounts->header->refcount_table_clusters;
	uint64_t first = refcounts->table_entries << block_bits;
	uint64_t last;

	if (first < clusters_in_file(refcounts))
		first = clusters_in_file(refcounts);
	*plan = (struct new_table){
		.first_cluster = first,
		.clusters = old + old / 2 + 1,
		.first_block = first >> block_bits,
	};
	if (plan->clusters << refcounts->layout->cluster_bits > QCOW2_MAX_REFCOUNT_TABLE_BYTES)
		return -EFBIG;
	do {
		plan->blocks++;
		last = first + plan->clusters + plan->blocks - 1;
	} while (last >> block_bits >= plan->first_block + plan->blocks);
	if (plan->first_block + plan->blocks > plan->clusters * refcounts->layout->cluster_size / 8)
		return -EFBIG;
	return 0;
}

static int write_new_block(const struct qcow2_refcounts *refcounts, const struct new_table *plan,
			   uint64_t number, uint8_t *block)
{
	unsigned int block_bits = refcounts->block_bits;
	uint64_t end = plan->first_cluster + plan->clusters + plan->blocks;
	uint64_t offset = (plan->first_cluster + plan->clusters + number)
			  << refcounts->layout->cluster_bits;
	uint64_t base = (plan->first_block + number) << block_bits;

	memset(block, 0, (size_t)refcounts->layout->cluster_size);
	for (uint64_t i = 0; i < (uint64_t)1 << block_bits; i++) {
		if (base + i >= plan->first_cluster && base + i < end)
			qcow2_refcount_store(block, i, refcounts->order, 1);
	}
	store_be64(plan->bytes + (plan->first_block + number) * 8, offset);
	return fd_write_at(refcounts->fd, block, (size_t)refcounts->layout->cluster_size, offset);
}

static int write_new_table(struct qcow2_refcounts *refcounts, struct new_table *plan)
{
	size_t cluster_size = (size_t)refcounts->layout->cluster_size;
	uint64_t offset = plan->first_cluster << refcounts->layout->cluster_bits;
	uint8_t *block = malloc(cluster_size);
	uint8_t field[12];
	int r = block ? 0 : -ENOMEM;

	memcpy(plan->bytes, refcounts->table, (size_t)refcounts->table_entries * 8);
	for (uint64_t i = 0; r == 0 && i < plan->blocks; i++)
		r = write_new_block(refcounts, plan, i, block);
	free(block);
	if (r == 0)
		r = fd_write_at(refcounts->fd, plan->bytes, (size_t)plan->clusters * cluster_size,
				offset);
	if (r == 0 && fdatasync(refcounts->fd) < 0)
		r = -errno;
	if (r < 0)
		return r;
	store_be64(field, offset);
	store_be32(field + 8, (uint32_t)plan->clusters);
	r = fd_write_at(refcounts->fd, field, sizeof(field), QCOW2_FIELD_REFCOUNT_TABLE);
	return r == 0 && fdatasync(refcounts->fd) < 0 ? -errno : r;
}

static int use_new_table(struct qcow2_refcounts *refcounts, struct new_table *plan)
{
	struct qcow2_header *header = refcounts->header;
	struct qcow2_layout *layout = refcounts->layout;
	uint64_t old_offset = header->refcount_table_offset;
	uint64_t old_clusters = header->refcount_table_clusters;
	int r = 0;

	free(refcounts->table);
	refcounts->table = plan->bytes;
	refcounts->table_entries = plan->clusters * layout->cluster_size / 8;
	header->refcount_table_offset = plan->first_cluster << layout->cluster_bits;
	header->refcount_table_clusters = (uint32_t)plan->clusters;
	layout->reserved[QCOW2_RESERVED_REFCOUNT_TABLE] = (struct qcow2_range){
		header->refcount_table_offset, plan->clusters << layout->cluster_bits};
	grow_file(refcounts, plan->first_cluster + plan->clusters + plan->blocks);
	for (uint64_t i = 0; r == 0 && i < old_clusters; i++)
		r = qcow2_refcounts_release(refcounts, old_offset + (i << layout->cluster_bits));
	return r;
}

static int grow_table(struct qcow2_refcounts *refcounts)
{
	struct new_table plan;
	int r = plan_table(refcounts, &plan);

	/* The new table must not point to blocks that are not in the file. */
	if (r == 0)
		r = qcow2_refcounts_store(refcounts);
	if (r < 0)
		return r;
	plan.bytes = calloc((size_t)plan.clusters, (size_t)refcounts->layout->cluster_size);
	if (!plan.bytes)
		return -ENOMEM;
	r = write_new_table(refcounts, &plan);
	if (r < 0) {
		free(plan.bytes);
		return r;
	}
	return use_new_table(refcounts, &plan);
}

/* The first cluster from first_free on that nothing uses; it may be behind every block. */
static int find_free(struct qcow2_refcounts *refcounts, uint64_t *ret_cluster)
{
	uint64_t end = clusters_in_file(refcounts) + MAX_COUNTED_BEHIND;

	for (uint64_t cluster = refcounts->first_free; cluster < end; cluster++) {
		uint64_t count;
		int r = qcow2_refcounts_get(refcounts, cluster, &count);

		if (r < 0)
			return r;
		refcounts->first_free = cluster;
		if (count == 0) {
			*ret_cluster = cluster;
			return 0;
		}
	}
	return -EUCLEAN;
}

/* Finds a free cluster with a block that counts it. */
static int find_counted(struct qcow2_refcounts *refcounts, uint64_t *ret_cluster)
{
	for (;;) {
		uint64_t cluster, block;
		int r = find_free(refcounts, &cluster);

		if (r == 0)
			r = find_block(refcounts, cluster, &block);
		if (r < 0)
			return r;
		if (block != 0) {
			*ret_cluster = cluster;
			return 0;
		}
		r = cluster >> refcounts->block_bits < refcounts->table_entries
			    ? add_block(refcounts, cluster)
			    : grow_table(refcounts);
		if (r < 0)
			return r;
	}
}

int qcow2_refcounts_allocate(struct qcow2_refcounts *refcounts, uint64_t *ret_host_offset)
{
	uint64_t cluster, offset;
	int r = find_counted(refcounts, &cluster);

	if (r < 0)
		return r;
	offset = cluster << refcounts->layout->cluster_bits;
	if (offset > QCOW2_ENTRY_OFFSET_MASK)
		return -EFBIG;
	grow_file(refcounts, cluster + 1);
	/* Broken counts may say that the header or a table is free. */
	if (!qcow2_layout_has_cluster(refcounts->layout, offset))
		return -EUCLEAN;
	r = qcow2_refcounts_set(refcounts, cluster, 1);
	if (r < 0)
		return r;
	refcounts->first_free = cluster + 1;
	*ret_host_offset = offset;
	return 0;
}

int qcow2_refcounts_allocate_up_to(struct qcow2_refcounts *refcounts, uint64_t wanted,
				   uint64_t *ret_host_offset, uint64_t *ret_count)
{
	unsigned int bits = refcounts->layout->cluster_bits;
	int r = qcow2_refcounts_allocate(refcounts, ret_host_offset);

	if (r < 0)
		return r;
	for (*ret_count = 1; *ret_count < wanted; ++*ret_count) {
		uint64_t next;

		if (qcow2_refcounts_allocate(refcounts, &next) < 0)
			break;
		/* The count that was just set is in memory. */
		if (next != *ret_host_offset + (*ret_count << bits)) {
			(void)qcow2_refcounts_set(refcounts, next >> bits, 0);
			break;
		}
	}
	return 0;
}

int qcow2_refcounts_allocate_run(struct qcow2_refcounts *refcounts, uint64_t count,
				 uint64_t *ret_host_offset)
{
	unsigned int bits = refcounts->layout->cluster_bits;
	uint64_t first_free = refcounts->first_free, first = 0, length = 0;
	int r = 0;

	if (refcounts->first_free < clusters_in_file(refcounts))
		refcounts->first_free = clusters_in_file(refcounts);
	while (length < count) {
		uint64_t offset;

		r = qcow2_refcounts_allocate(refcounts, &offset);
		if (r < 0)
			break;
		/* A refcount block has come between: begin anew behind it. */
		if (length > 0 && offset != first + (length << bits)) {
			for (uint64_t i = 0; r == 0 && i < length; i++)
				r = qcow2_refcounts_release(refcounts, first + (i << bits));
			length = 0;
		}
		if (r < 0)
			break;
		if (length++ == 0)
			first = offset;
	}
	refcounts->first_free = first_free;
	if (r == 0)
		*ret_host_offset = first;
	return r;
}

int qcow2_refcounts_release(struct qcow2_refcounts *refcounts, uint64_t host_offset)
{
	if (refcounts->released_count == refcounts->released_room) {
		size_t room = refcounts->released_room ? refcounts->released_room * 2 : 64;
		uint64_t *released = reallocarray(refcounts->released, room, sizeof(*released));

		if (!released)
			return -ENOMEM;
		refcounts->released = released;
		refcounts->released_room = room;
	}
	refcounts->released[refcounts->released_count++] = host_offset;
	return 0;
}

static int apply_one(struct qcow2_refcounts *refcounts, uint64_t host_offset)
{
	unsigned int cluster_bits = refcounts->layout->cluster_bits;
	uint64_t cluster = host_offset >> cluster_bits, count;
	int r = qcow2_refcounts_get(refcounts, cluster, &count);

	if (r == 0 && count == 0)
		r = -EUCLEAN;
	if (r == 0)
		r = qcow2_refcounts_set(refcounts, cluster, count - 1);
	if (r < 0 || count > 1)
		return r;
	/* Nothing is lost where the file system cannot do that. */
	fallocate(refcounts->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  (off_t)(cluster << cluster_bits), (off_t)refcounts->layout->cluster_size);
	return 0;
}

int qcow2_refcounts_apply_released(struct qcow2_refcounts *refcounts)
{
	while (refcounts->released_count > 0) {
		size_t last = refcounts->released_count - 1;
		int r = apply_one(refcounts, refcounts->released[last]);

		/* A cluster that cannot be given back is lost, not more. */
		refcounts->released_count = last;
		if (r < 0)
			return r;
	}
	return 0;
}

int qcow2_refcounts_store(struct qcow2_refcounts *refcounts)
{
	size_t table_bytes = (size_t)refcounts->table_entries * 8;
	int r = qcow2_tables_write(&refcounts->blocks);

	if (r == 0 && fdatasync(refcounts->fd) < 0)
		r = -errno;
	if (r < 0 || !refcounts->table_dirty)
		return r;
	r = fd_write_at(refcounts->fd, refcounts->table, table_bytes,
			refcounts->header->refcount_table_offset);
	if (r == 0 && fdatasync(refcounts->fd) < 0)
		r = -errno;
	if (r == 0)
		refcounts->table_dirty = false;
	return r;
}
