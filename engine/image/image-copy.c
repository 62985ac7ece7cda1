/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See image-copy.h.
 */
#include "image/image-copy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/qcow2-image.h"

enum {
	PIECE = 1 << 20,
	UNIT = 1 << 16,                 /* of zeros that are left out */
	PROGRESS_STEP = 16 * (1 << 20), /* bytes of the disk between two words about it */
};

struct copy {
	struct image_chain *source;
	unsigned int depth;
	bool over;                  /* the target shows layers: zeros must be written */
	struct qcow2_image *target; /* or NULL: fd */
	int fd;
	uint8_t *piece;
};

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

static int write_data(const struct copy *copy, size_t from, size_t to, uint64_t offset)
{
	if (from == to)
		return 0;
	if (copy->target)
		return qcow2_image_write(copy->target, offset + from, copy->piece + from,
					 to - from);
	return fd_write_at(copy->fd, copy->piece + from, to - from, offset + from);
}

static int write_zeroes(const struct copy *copy, uint64_t offset, uint64_t length)
{
	return copy->over ? qcow2_image_write_zeroes(copy->target, offset, length) : 0;
}

/* The runs of units that are not zero, and those that are where that matters. */
static int write_piece(const struct copy *copy, uint64_t offset, size_t length)
{
	size_t from = 0, at = 0;
	int r = 0;

	while (r == 0 && at < length) {
		size_t unit = length - at < UNIT ? length - at : UNIT;

		if (is_zero(copy->piece + at, unit)) {
			r = write_data(copy, from, at, offset);
			if (r == 0)
				r = write_zeroes(copy, offset + at, unit);
			from = at + unit;
		}
		at += unit;
	}
	return r == 0 ? write_data(copy, from, length, offset) : r;
}

/* One extent, or as much of it as fits. */
static int copy_extent(const struct copy *copy, uint64_t offset, uint64_t *ret_length)
{
	struct image_extent extent;
	int r = image_chain_find(copy->source, copy->depth, offset, &extent);

	if (r < 0)
		return r;
	if (extent.kind == IMAGE_EXTENT_ZERO)
		r = write_zeroes(copy, offset, extent.length);
	if (extent.kind == IMAGE_EXTENT_DATA) {
		extent.length = extent.length < PIECE ? extent.length : PIECE;
		r = image_chain_read(copy->source, offset, copy->piece, (size_t)extent.length);
		if (r == 0)
			r = write_piece(copy, offset, (size_t)extent.length);
	}
	*ret_length = extent.length;
	return r;
}

static int copy_all(const struct copy *copy, const struct image_progress *progress)
{
	uint64_t size = image_chain_layer(copy->source, 0)->size;
	uint64_t told = 0, length;
	int r = 0;

	for (uint64_t offset = 0; r == 0 && offset < size; offset += length) {
		if (progress && offset >= told) {
			if (!progress->moved(progress->data, offset, size))
				return -ECANCELED;
			told = offset + PROGRESS_STEP;
		}
		r = copy_extent(copy, offset, &length);
	}
	if (r < 0)
		return r;
	if (copy->target)
		return qcow2_image_flush(copy->target);
	return fsync(copy->fd) < 0 ? -errno : 0;
}

int image_copy(struct image_chain *source, unsigned int depth, struct qcow2_image *target, int fd,
	       const struct image_progress *progress)
{
	struct copy copy = {
		.source = source,
		.depth = depth,
		.over = depth < image_chain_length(source),
		.target = target,
		.fd = fd,
		.piece = malloc(PIECE),
	};
	int r = copy.piece ? copy_all(&copy, progress) : -ENOMEM;

	free(copy.piece);
	return r;
}
