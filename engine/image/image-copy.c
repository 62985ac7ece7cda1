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

enum {
	PIECE = 1 << 20,
	UNIT = 1 << 16, /* of zeros that are left out */
};

struct copy {
	struct qcow2_image *target; /* or NULL: fd */
	int fd;
	uint8_t *piece;
};

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

static int write_target(const struct copy *copy, size_t from, size_t to, uint64_t offset)
{
	if (from == to)
		return 0;
	if (copy->target)
		return qcow2_image_write(copy->target, offset + from, copy->piece + from,
					 to - from);
	return fd_write_at(copy->fd, copy->piece + from, to - from, offset + from);
}

/* The runs of units that are not zero. */
static int write_piece(const struct copy *copy, uint64_t offset, size_t length)
{
	size_t from = 0, at = 0;
	int r = 0;

	while (r == 0 && at < length) {
		size_t unit = length - at < UNIT ? length - at : UNIT;

		if (is_zero(copy->piece + at, unit)) {
			r = write_target(copy, from, at, offset);
			from = at + unit;
		}
		at += unit;
	}
	return r == 0 ? write_target(copy, from, length, offset) : r;
}

static int copy_all(const struct copy *copy, struct image_chain *source)
{
	uint64_t size = image_chain_layer(source, 0)->size;
	int r = 0;

	for (uint64_t offset = 0; r == 0 && offset < size; offset += PIECE) {
		size_t length = size - offset < PIECE ? (size_t)(size - offset) : PIECE;

		r = image_chain_read(source, offset, copy->piece, length);
		if (r == 0)
			r = write_piece(copy, offset, length);
	}
	if (r < 0)
		return r;
	if (copy->target)
		return qcow2_image_flush(copy->target);
	return fsync(copy->fd) < 0 ? -errno : 0;
}

int image_copy(struct image_chain *source, struct qcow2_image *target, int fd)
{
	struct copy copy = {.target = target, .fd = fd, .piece = malloc(PIECE)};
	int r = copy.piece ? copy_all(&copy, source) : -ENOMEM;

	free(copy.piece);
	return r;
}
