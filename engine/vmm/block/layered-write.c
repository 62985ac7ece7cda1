/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing over clusters that the top has to itself already; see layered-allocate.c for the rest.
 */
#include "block/layered-disk-private.h"

#include <errno.h>

const char layered_zeroes[LAYERED_ZEROES_SIZE];

static uint64_t host_offset(const struct qcow2_piece *piece)
{
	return piece->host + (piece->offset - piece->cluster_start);
}

/* How many bytes from the piece on lie in the file in a row, and need no change of tables. */
static uint64_t find_run(struct qcow2_image *image, const struct qcow2_piece *piece,
			 uint64_t length)
{
	uint64_t run = piece->length;

	while (run < length) {
		struct qcow2_piece next;
		bool plain;

		if (qcow2_piece_find(image, piece->offset + run, length - run, &next) < 0 ||
		    qcow2_piece_is_plain(image, &next, &plain) < 0 || !plain ||
		    host_offset(&next) != host_offset(piece) + run)
			break;
		run += next.length;
	}
	return run;
}

int layered_write(struct layered_disk *disk, struct layered_operation *operation)
{
	struct qcow2_image *image = layered_disk_top(disk);

	if (disk->read_only)
		return -EROFS;
	while (operation->position < operation->length) {
		uint64_t left = operation->length - operation->position, run;
		struct qcow2_piece piece;
		bool plain = false;
		int r = qcow2_piece_find(image, operation->offset + operation->position, left,
					 &piece);

		if (r == 0)
			r = qcow2_piece_is_plain(image, &piece, &plain);
		if (r == 0 && plain) {
			run = find_run(image, &piece, left);
			r = layered_transfer(disk, operation, &disk->layers[0], host_offset(&piece),
					     run);
			if (r == 0)
				operation->position += run;
		} else if (r == 0) {
			r = layered_allocate(disk, operation, &piece);
		}
		if (r < 0)
			return r;
	}
	return 0;
}
