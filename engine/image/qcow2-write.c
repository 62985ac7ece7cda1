/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of a qcow2 image. Data goes to the file at once, tables stay in memory until flush or
 * until there is no more room for them; see store_tables() for the order.
 */
#include "image/qcow2-image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "base/fd.h"
#include "image/qcow2-metadata.h"

static int sync_file(struct qcow2_image *image)
{
	return fdatasync(image->fd) < 0 ? -errno : 0;
}

static int write_l1(struct qcow2_image *image)
{
	uint64_t from = image->l1_dirty_from * 8, length = image->l1_dirty_to * 8 - from;
	int r = 0;

	if (image->l1_dirty_to == 0)
		return 0;
	r = fd_write_at(image->fd, image->l1 + from, (size_t)length,
			image->header.l1_offset + from);
	if (r == 0)
		r = sync_file(image);
	if (r == 0)
		image->l1_dirty_from = image->l1_dirty_to = 0;
	return r;
}

/*
 * Counts of clusters, and the data in them, are in the file before L2 tables point to them; these
 * are before the L1 table points to them; and nothing points to a released cluster when it is given
 * back. A stop between any two of these loses clusters, no data.
 */
static int store_tables(struct qcow2_image *image)
{
	int r = qcow2_refcounts_store(&image->refcounts);

	if (r == 0)
		r = qcow2_tables_write(&image->l2_tables);
	if (r == 0)
		r = sync_file(image);
	if (r == 0)
		r = write_l1(image);
	if (r == 0)
		r = qcow2_refcounts_apply_released(&image->refcounts);
	return r == 0 ? qcow2_tables_write(&image->refcounts.blocks) : r;
}

static int check_range(const struct qcow2_image *image, uint64_t offset, uint64_t length)
{
	if (image->access != IMAGE_READ_WRITE)
		return -EROFS;
	return range_fits(offset, length, image->header.virtual_size) ? 0 : -EINVAL;
}

/* Before each cluster: what it changes has room. */
static int make_room(struct qcow2_image *image)
{
	return qcow2_image_has_room(image) ? 0 : store_tables(image);
}

/* Reads what is there now; behind the end of the disk it is zero. */
static int read_old(struct qcow2_image *image, uint64_t offset, uint8_t *buffer, uint64_t length)
{
	uint64_t size = image->header.virtual_size, inside = 0;

	if (offset < size)
		inside = length < size - offset ? length : size - offset;
	memset(buffer + inside, 0, (size_t)(length - inside));
	return inside ? qcow2_image_read(image, offset, buffer, (size_t)inside) : 0;
}

static int fill_cluster(struct qcow2_image *image, const struct qcow2_piece *piece,
			const void *bytes, struct qcow2_range range)
{
	uint64_t end = piece->offset + piece->length;
	uint8_t *buffer = image->cluster;
	int r = 0;

	if (piece->offset > range.offset)
		r = read_old(image, range.offset, buffer, piece->offset - range.offset);
	if (r == 0 && end < range.offset + range.length)
		r = read_old(image, end, buffer + (end - range.offset),
			     range.offset + range.length - end);
	if (r == 0)
		memcpy(buffer + (piece->offset - range.offset), bytes, (size_t)piece->length);
	return r;
}

static int write_into_cluster(struct qcow2_image *image, const struct qcow2_piece *piece,
			      const void *bytes)
{
	struct qcow2_range range = qcow2_piece_extend(image, piece);
	uint64_t host = piece->host;
	int r = fill_cluster(image, piece, bytes, range);

	if (r == 0 && !piece->in_place)
		r = qcow2_refcounts_allocate(&image->refcounts, &host);
	if (r == 0)
		r = fd_write_at(image->fd, image->cluster, (size_t)range.length,
				host + (range.offset - piece->cluster_start));
	if (r == 0)
		r = qcow2_image_set_entry(image, piece->offset,
					  qcow2_piece_entry(image, piece, range, host));
	if (r == 0 && !piece->in_place)
		r = qcow2_image_release_entry(image, piece->entry.descriptor);
	return r;
}

static int write_piece(struct qcow2_image *image, uint64_t offset, const uint8_t *bytes,
		       uint64_t length, uint64_t *ret_length)
{
	struct qcow2_piece piece;
	bool plain = false;
	int r = make_room(image);

	if (r == 0)
		r = qcow2_piece_find(image, offset, length, &piece);
	if (r == 0)
		r = qcow2_piece_is_plain(image, &piece, &plain);
	if (r < 0)
		return r;
	*ret_length = piece.length;
	if (plain)
		return fd_write_at(image->fd, bytes, (size_t)piece.length,
				   piece.host + (offset - piece.cluster_start));
	return write_into_cluster(image, &piece, bytes);
}

/* Bytes from offset to the end of its cluster, at most length. */
static uint64_t in_cluster(const struct qcow2_image *image, uint64_t offset, uint64_t length)
{
	uint64_t left = image->layout.cluster_size - (offset & (image->layout.cluster_size - 1));

	return length < left ? length : left;
}

int qcow2_image_write(struct qcow2_image *image, uint64_t offset, const void *buffer, size_t length)
{
	const uint8_t *at = buffer;
	int r = check_range(image, offset, length);

	if (r == 0 && length > 0)
		r = qcow2_image_begin_changes(image);
	while (r == 0 && length > 0) {
		uint64_t written = 0;

		r = write_piece(image, offset, at, length, &written);
		at += written;
		offset += written;
		length -= (size_t)written;
	}
	return r;
}

/* Makes one whole cluster zero. */
static int drop_cluster(struct qcow2_image *image, uint64_t offset, struct qcow2_l2_entry zero)
{
	struct qcow2_l2_entry old;
	int r = make_room(image);

	if (r == 0)
		r = qcow2_image_find_entry(image, offset, &old);
	if (r < 0 || (old.descriptor == zero.descriptor && old.bitmap == zero.bitmap))
		return r;
	r = qcow2_image_set_entry(image, offset, zero);
	return r == 0 ? qcow2_image_release_entry(image, old.descriptor) : r;
}

/* Whether nothing is there up to the end of what one L2 table stands for. */
static bool has_no_table(const struct qcow2_image *image, uint64_t offset)
{
	return !image->header.backing_file[0] && !qcow2_image_has_table(image, offset);
}

static uint64_t in_table(const struct qcow2_image *image, uint64_t offset, uint64_t length)
{
	uint64_t span = image->layout.cluster_size << image->layout.l2_bits;
	uint64_t left = span - (offset & (span - 1));

	return length < left ? length : left;
}

static int zero_piece(struct qcow2_image *image, uint64_t offset, uint64_t length, bool keep_rest)
{
	bool whole = (offset & (image->layout.cluster_size - 1)) == 0 &&
		     (length == image->layout.cluster_size ||
		      offset + length == image->header.virtual_size);
	struct qcow2_l2_entry zero;
	uint8_t *zeroes;
	int r;

	if (whole && qcow2_image_zero_entry(image, &zero))
		return drop_cluster(image, offset, zero);
	if (keep_rest)
		return 0;
	zeroes = calloc(1, (size_t)length);
	if (!zeroes)
		return -ENOMEM;
	r = qcow2_image_write(image, offset, zeroes, (size_t)length);
	free(zeroes);
	return r;
}

static int zero_range(struct qcow2_image *image, uint64_t offset, uint64_t length, bool keep_rest)
{
	int r = check_range(image, offset, length);

	if (r == 0 && length > 0)
		r = qcow2_image_begin_changes(image);
	while (r == 0 && length > 0) {
		uint64_t n;

		if (has_no_table(image, offset)) {
			n = in_table(image, offset, length);
		} else {
			n = in_cluster(image, offset, length);
			r = zero_piece(image, offset, n, keep_rest);
		}
		offset += n;
		length -= n;
	}
	return r;
}

int qcow2_image_write_zeroes(struct qcow2_image *image, uint64_t offset, uint64_t length)
{
	return zero_range(image, offset, length, /* keep_rest= */ false);
}

int qcow2_image_discard(struct qcow2_image *image, uint64_t offset, uint64_t length)
{
	return zero_range(image, offset, length, /* keep_rest= */ true);
}

int qcow2_image_flush(struct qcow2_image *image)
{
	return image->access == IMAGE_READ_WRITE ? store_tables(image) : 0;
}
