/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Discarding, and writing zeroes: whole clusters are given up, and of others zeroes are written if
 * that is asked for.
 */
#include <errno.h>
#include <stdlib.h>

#include "block/layered-disk-private.h"

enum { CLUSTERS_AT_ONCE = 4096 }; /* then others have their turn */

/* Zeroes that are written into a part of a cluster. */
struct zero_write {
	struct layered_operation write;
	struct layered_operation *operation;
	struct iovec iov[];
};

static void on_zeroes_written(struct layered_operation *write, int result)
{
	struct zero_write *zero_write = (struct zero_write *)write;
	struct layered_operation *operation = zero_write->operation;

	free(zero_write);
	layered_part_ends(operation->disk, operation, result);
}

static int write_zeroes(struct layered_disk *disk, struct layered_operation *operation,
			uint64_t offset, uint64_t length)
{
	unsigned int count =
		(unsigned int)((length + LAYERED_ZEROES_SIZE - 1) / LAYERED_ZEROES_SIZE);
	struct zero_write *zero_write =
		calloc(1, sizeof(*zero_write) + count * sizeof(struct iovec));

	if (!zero_write)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		zero_write->iov[i] = (struct iovec){(void *)layered_zeroes, LAYERED_ZEROES_SIZE};
	zero_write->iov[count - 1].iov_len =
		(size_t)(length - (uint64_t)(count - 1) * LAYERED_ZEROES_SIZE);
	zero_write->operation = operation;
	zero_write->write = (struct layered_operation){
		.operation = BLOCK_WRITE,
		.offset = offset,
		.length = length,
		.iov = zero_write->iov,
		.iov_count = count,
		.complete = on_zeroes_written,
		.step = layered_write,
	};
	layered_part_begins(operation);
	layered_begin(disk, &zero_write->write);
	return 0;
}

/* Makes one whole cluster zero. */
static int drop_cluster(struct layered_disk *disk, uint64_t offset, struct qcow2_l2_entry zero)
{
	struct qcow2_image *image = layered_disk_top(disk);
	struct qcow2_l2_entry old;
	int r = layered_store_room(disk);

	if (r == 0 && layered_is_allocating(disk, offset, image->layout.cluster_size))
		r = -EAGAIN;
	if (r == 0)
		r = qcow2_image_find_entry(image, offset, &old);
	if (r < 0 || (old.descriptor == zero.descriptor && old.bitmap == zero.bitmap))
		return r;
	if (disk->corrupt)
		return -EUCLEAN;
	r = qcow2_image_set_entry(image, offset, zero);
	return r == 0 ? qcow2_image_release_entry(image, old.descriptor) : r;
}

static int erase_part(struct layered_disk *disk, struct layered_operation *operation,
		      uint64_t offset, uint64_t length)
{
	struct extent extent;
	int r;

	if (operation->operation == BLOCK_DISCARD)
		return 0;
	r = layered_locate(disk, offset, length, &extent);
	if (r < 0 || (extent.kind == EXTENT_ZERO && extent.length == length &&
		      !layered_is_allocating(disk, offset, length)))
		return r;
	return write_zeroes(disk, operation, offset, length);
}

/* Erases what is in the first cluster, or skips what a missing table stands for. */
static int erase_some(struct layered_disk *disk, struct layered_operation *operation,
		      uint64_t offset, uint64_t left, uint64_t *ret_length)
{
	struct qcow2_image *image = layered_disk_top(disk);
	uint64_t size = image->layout.cluster_size, span = size << image->layout.l2_bits;
	struct qcow2_l2_entry zero;
	uint64_t length;

	if (disk->layer_count == 1 && !qcow2_image_has_table(image, offset) &&
	    !layered_is_allocating(disk, offset, left)) {
		length = span - (offset & (span - 1));
		*ret_length = length < left ? length : left;
		return 0;
	}
	length = size - (offset & (size - 1));
	*ret_length = length < left ? length : left;
	if ((offset & (size - 1)) == 0 &&
	    (*ret_length == size || offset + *ret_length == disk->layers[0].size) &&
	    qcow2_image_zero_entry(image, &zero))
		return drop_cluster(disk, offset, zero);
	return erase_part(disk, operation, offset, *ret_length);
}

int layered_erase(struct layered_disk *disk, struct layered_operation *operation)
{
	if (disk->read_only)
		return -EROFS;
	for (unsigned int i = 0; operation->position < operation->length; i++) {
		uint64_t length;
		int r;

		if (i == CLUSTERS_AT_ONCE) {
			disk->again = true;
			return -EAGAIN;
		}
		r = erase_some(disk, operation, operation->offset + operation->position,
			       operation->length - operation->position, &length);
		if (r < 0)
			return r;
		operation->position += length;
	}
	return 0;
}
