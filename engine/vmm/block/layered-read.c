/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the bytes of a disk of several layers are, and reading them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/iov.h"
#include "block/layered-disk-private.h"
#include "image/qcow2-compression.h"

/* A compressed cluster that is read for some of an operation's bytes. */
struct decompression {
	struct block_transfer transfer;
	struct layered_operation *operation;
	struct qcow2_image *image;
	uint64_t position, length; /* of the operation */
	uint64_t in_cluster;
	unsigned int epoch;
	struct iovec iov;
	uint8_t bytes[];
};

/* What one layer says, of at most extent->length bytes; true: the layer below is to be asked. */
static int ask_layer(const struct layer *layer, uint64_t offset, struct extent *extent,
		     bool *ret_lower)
{
	struct qcow2_mapping mapping;
	int r;

	*ret_lower = false;
	if (extent->length > layer->size - offset)
		extent->length = layer->size - offset;
	extent->layer = layer;
	extent->offset = offset;
	extent->kind = EXTENT_DATA;
	if (!layer->image)
		return 0;
	r = qcow2_image_find(layer->image, offset, &mapping);
	if (r < 0)
		return r;
	if (extent->length > mapping.length)
		extent->length = mapping.length;
	extent->offset = mapping.host_offset;
	extent->host_length = mapping.host_length;
	*ret_lower = mapping.type == QCOW2_UNALLOCATED;
	extent->kind = mapping.type == QCOW2_DATA         ? EXTENT_DATA
		       : mapping.type == QCOW2_COMPRESSED ? EXTENT_COMPRESSED
							  : EXTENT_ZERO;
	return 0;
}

static int locate_unit(struct layered_disk *disk, uint64_t offset, uint64_t length,
		       struct extent *extent)
{
	bool lower = true;

	*extent = (struct extent){.kind = EXTENT_ZERO, .length = length};
	for (unsigned int i = 0; lower && i < disk->layer_count; i++) {
		const struct layer *layer = &disk->layers[i];
		int r;

		/* Behind the end of a layer there is nothing, whatever is below it. */
		if (offset >= layer->size) {
			extent->kind = EXTENT_ZERO;
			return 0;
		}
		r = ask_layer(layer, offset, extent, &lower);
		/* Only the top can be marked, and repaired without the others. */
		if (r < 0)
			return r == -EUCLEAN && i > 0 ? -EIO : r;
	}
	return 0;
}

static bool follows(const struct extent *extent, const struct extent *next)
{
	if (extent->kind != next->kind || extent->kind == EXTENT_COMPRESSED)
		return false;
	return extent->kind == EXTENT_ZERO ||
	       (extent->layer == next->layer && extent->offset + extent->length == next->offset);
}

int layered_locate(struct layered_disk *disk, uint64_t offset, uint64_t length,
		   struct extent *ret_extent)
{
	int r = locate_unit(disk, offset, length, ret_extent);

	while (r == 0 && ret_extent->length < length) {
		uint64_t done = ret_extent->length;
		struct extent next;

		/* What cannot be told now is asked for again when it is its turn. */
		if (locate_unit(disk, offset + done, length - done, &next) < 0 ||
		    !follows(ret_extent, &next))
			break;
		ret_extent->length += next.length;
	}
	return r;
}

static void read_zeroes(struct layered_operation *operation, uint64_t length)
{
	uint64_t end = operation->position + length;

	for (uint64_t at = operation->position; at < end;) {
		uint64_t n = end - at < LAYERED_ZEROES_SIZE ? end - at : LAYERED_ZEROES_SIZE;

		iov_write(operation->iov, operation->iov_count, at, layered_zeroes, (size_t)n);
		at += n;
	}
}

/* Compressed clusters */

static int decompress(struct decompression *decompression)
{
	struct qcow2_image *image = decompression->image;
	size_t size = (size_t)image->layout.cluster_size;
	int r;

	if (image->decompressed_from == decompression->transfer.offset)
		return 0;
	if (!image->decompressed)
		image->decompressed = malloc(size);
	if (!image->decompressed)
		return -ENOMEM;
	image->decompressed_from = 0;
	r = qcow2_decompress(image->header.compression, decompression->bytes,
			     (size_t)decompression->transfer.length, image->decompressed, size);
	if (r == 0)
		image->decompressed_from = decompression->transfer.offset;
	/* Not a table is broken, but data. */
	return r == -EUCLEAN ? -EIO : r;
}

static void copy_out(const struct qcow2_image *image, struct layered_operation *operation,
		     uint64_t position, uint64_t length, uint64_t in_cluster)
{
	iov_write(operation->iov, operation->iov_count, position, image->decompressed + in_cluster,
		  (size_t)length);
}

static void on_compressed(struct block_transfer *transfer, int result)
{
	struct decompression *decompression = (struct decompression *)transfer;
	struct layered_operation *operation = decompression->operation;
	struct layered_disk *disk = operation->disk;

	disk->parts[decompression->epoch]--;
	disk->compressed -= (size_t)transfer->length;
	if (result == 0)
		result = decompress(decompression);
	if (result == 0)
		copy_out(decompression->image, operation, decompression->position,
			 decompression->length, decompression->in_cluster);
	free(decompression);
	layered_part_ends(disk, operation, result);
}

static int read_compressed(struct layered_disk *disk, struct layered_operation *operation,
			   const struct extent *extent)
{
	struct qcow2_image *image = extent->layer->image;
	uint64_t in_cluster =
		(operation->offset + operation->position) & (image->layout.cluster_size - 1);
	struct decompression *decompression;

	if (image->decompressed_from == extent->offset) {
		copy_out(image, operation, operation->position, extent->length, in_cluster);
		return 0;
	}
	if (disk->compressed > 0 && disk->compressed + extent->host_length > LAYERED_MAX_BUFFERED)
		return -EAGAIN;
	decompression = malloc(sizeof(*decompression) + extent->host_length);
	if (!decompression)
		return -ENOMEM;
	*decompression = (struct decompression){
		.transfer =
			{
				.operation = BLOCK_READ,
				.fd = extent->layer->fd,
				.offset = extent->offset,
				.length = extent->host_length,
				.iov = &decompression->iov,
				.iov_count = 1,
				.zero_behind_end = true,
				.complete = on_compressed,
			},
		.operation = operation,
		.image = image,
		.position = operation->position,
		.length = extent->length,
		.in_cluster = in_cluster,
		.epoch = disk->epoch,
		.iov = {decompression->bytes, extent->host_length},
	};
	disk->compressed += extent->host_length;
	disk->parts[disk->epoch]++;
	layered_part_begins(operation);
	block_transfers_start(disk->transfers, &decompression->transfer);
	return 0;
}

int layered_read(struct layered_disk *disk, struct layered_operation *operation)
{
	while (operation->position < operation->length) {
		struct extent extent;
		int r = layered_locate(disk, operation->offset + operation->position,
				       operation->length - operation->position, &extent);

		if (r == 0 && extent.kind == EXTENT_DATA)
			r = layered_transfer(disk, operation, extent.layer, extent.offset,
					     extent.length);
		else if (r == 0 && extent.kind == EXTENT_COMPRESSED)
			r = read_compressed(disk, operation, &extent);
		else if (r == 0)
			read_zeroes(operation, extent.length);
		if (r < 0)
			return r;
		operation->position += extent.length;
	}
	return 0;
}
