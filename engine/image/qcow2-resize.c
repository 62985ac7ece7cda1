/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A larger disk in a qcow2 image. The size changes last: until then it is the smaller disk.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "image/qcow2-metadata.h"

/* A field of the header, stored. */
static int write_field(struct qcow2_image *image, const uint8_t *bytes, size_t length,
		       enum qcow2_header_field field)
{
	int r = fd_write_at(image->fd, bytes, length, field);

	return r == 0 && fdatasync(image->fd) < 0 ? -errno : r;
}

static int write_l1_to(struct qcow2_image *image, const uint8_t *l1, uint64_t entries,
		       uint64_t clusters, uint64_t offset)
{
	uint8_t field[12];
	int r = fd_write_at(image->fd, l1, (size_t)(clusters << image->layout.cluster_bits),
			    offset);

	/* Counts of the new place, and the table in it. */
	if (r == 0)
		r = qcow2_refcounts_store(&image->refcounts);
	if (r < 0)
		return r;
	store_be32(field, (uint32_t)entries);
	store_be64(field + 4, offset);
	return write_field(image, field, sizeof(field), QCOW2_FIELD_L1);
}

static int use_l1(struct qcow2_image *image, uint8_t *l1, uint64_t entries, uint64_t offset)
{
	uint64_t old = image->header.l1_offset, old_end = old + (uint64_t)image->header.l1_size * 8;
	int r = 0;

	free(image->l1);
	image->l1 = l1;
	image->header.l1_size = (uint32_t)entries;
	image->header.l1_offset = offset;
	image->layout.reserved[QCOW2_RESERVED_L1] = (struct qcow2_range){offset, entries * 8};
	for (uint64_t at = old; r == 0 && at < old_end; at += image->layout.cluster_size)
		r = qcow2_refcounts_release(&image->refcounts, at);
	return r;
}

static int move_l1(struct qcow2_image *image, uint64_t entries)
{
	uint64_t per_cluster = image->layout.cluster_size / 8, offset;
	uint64_t clusters = (entries + per_cluster - 1) / per_cluster;
	uint8_t *l1 = calloc((size_t)clusters, (size_t)image->layout.cluster_size);
	int r = l1 ? 0 : -ENOMEM;

	if (r == 0)
		r = qcow2_refcounts_allocate_run(&image->refcounts, clusters, &offset);
	if (r == 0) {
		memcpy(l1, image->l1, (size_t)image->header.l1_size * 8);
		r = write_l1_to(image, l1, entries, clusters, offset);
	}
	if (r < 0) {
		free(l1);
		return r;
	}
	return use_l1(image, l1, entries, offset);
}

static int grow_l1(struct qcow2_image *image, uint64_t size)
{
	uint64_t span = image->layout.cluster_size << image->layout.l2_bits;
	uint64_t entries = size / span + (size % span != 0);

	if (entries <= image->header.l1_size)
		return 0;
	if (entries > QCOW2_MAX_L1_BYTES / 8)
		return -EFBIG;
	return move_l1(image, entries);
}

/* Behind the old end there may be old bytes of its cluster, or a backing file's. */
static int zero_new_part(struct qcow2_image *image, uint64_t old_size, uint64_t size)
{
	uint64_t mask = image->layout.cluster_size - 1;
	uint64_t end = (old_size + mask) & ~mask;

	if (image->header.backing_file[0] && !image->backing.read)
		return -ENXIO;
	if (image->backing.read && end < image->backing.size)
		end = image->backing.size;
	if (end > size)
		end = size;
	return end > old_size ? qcow2_image_write_zeroes(image, old_size, end - old_size) : 0;
}

static void set_size(struct qcow2_image *image, uint64_t size)
{
	image->header.virtual_size = size;
	image->layout.virtual_size = size;
}

int qcow2_image_grow(struct qcow2_image *image, uint64_t size)
{
	uint64_t old_size = image->header.virtual_size;
	uint8_t field[8];
	int r;

	if (image->access != IMAGE_READ_WRITE)
		return -EROFS;
	if (size < old_size || size > INT64_MAX || size % 512)
		return -EINVAL;
	/* Snapshots of another size are more than we keep up. */
	if (image->header.snapshot_count > 0)
		return -ENOTSUP;
	r = qcow2_image_begin_changes(image);
	if (r == 0)
		r = qcow2_image_flush(image);
	if (r == 0)
		r = grow_l1(image, size);
	if (r < 0)
		return r;
	set_size(image, size);
	r = zero_new_part(image, old_size, size);
	if (r == 0)
		r = qcow2_image_flush(image);
	store_be64(field, size);
	if (r == 0)
		r = write_field(image, field, sizeof(field), QCOW2_FIELD_VIRTUAL_SIZE);
	if (r < 0)
		set_size(image, old_size);
	return r;
}
