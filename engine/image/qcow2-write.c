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
#include "image/qcow2-image-private.h"

enum {
	TABLES_PER_CLUSTER = 2, /* that writing one may change */
	MAX_RELEASED = 4096,
};

/* Bytes of one cluster that are about to be written. */
struct piece {
	uint64_t offset; /* of the guest */
	uint64_t cluster_start;
	const uint8_t *bytes;
	size_t length;
	struct qcow2_l2_entry entry; /* as it is */
	uint64_t host;               /* the cluster of the entry, 0: none or compressed */
	bool in_place;               /* that cluster is ours alone */
};

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

int qcow2_image_begin_changes(struct qcow2_image *image)
{
	const uint8_t none[8] = {0};
	int r = 0;

	if (image->changed)
		return 0;
	if (image->header.version >= 3 && image->header.autoclear_features) {
		r = fd_write_at(image->fd, none, sizeof(none), QCOW2_FIELD_AUTOCLEAR_FEATURES);
		if (r == 0)
			r = sync_file(image);
	}
	if (!image->cluster)
		image->cluster = malloc((size_t)image->layout.cluster_size);
	if (!image->cluster)
		r = -ENOMEM;
	image->changed = r == 0;
	return r;
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
	if (qcow2_tables_room(&image->l2_tables) > TABLES_PER_CLUSTER &&
	    image->refcounts.released_count < MAX_RELEASED)
		return 0;
	return store_tables(image);
}

static void set_l1_entry(struct qcow2_image *image, uint64_t index, uint64_t l2_offset)
{
	store_be64(image->l1 + index * 8, l2_offset | QCOW2_ENTRY_COPIED);
	if (image->l1_dirty_to == 0 || image->l1_dirty_from > index)
		image->l1_dirty_from = index;
	if (image->l1_dirty_to < index + 1)
		image->l1_dirty_to = index + 1;
}

static int copy_l2_table(struct qcow2_image *image, uint64_t from, uint64_t to)
{
	size_t size = (size_t)image->layout.cluster_size;
	uint8_t *table;
	int r = qcow2_tables_get(&image->l2_tables, from, &table);

	if (r < 0)
		return r;
	memcpy(image->cluster, table, size);
	r = qcow2_tables_add(&image->l2_tables, to, &table);
	if (r < 0)
		return r;
	memcpy(table, image->cluster, size);
	return qcow2_refcounts_release(&image->refcounts, from);
}

/* The L2 table for guest_offset, which is ours alone: made, or copied from a snapshot's. */
static int own_l2_table(struct qcow2_image *image, uint64_t guest_offset, uint64_t *ret_offset)
{
	uint64_t index = qcow2_map_l1_index(&image->layout, guest_offset);
	uint64_t l1_entry = load_be64(image->l1 + index * 8), old, fresh;
	uint8_t *table;
	int r = qcow2_map_l1_entry(&image->layout, l1_entry, &old);

	if (r < 0)
		return r;
	if (old != 0 && l1_entry & QCOW2_ENTRY_COPIED) {
		*ret_offset = old;
		return 0;
	}
	r = qcow2_refcounts_allocate(&image->refcounts, &fresh);
	if (r == 0)
		r = old ? copy_l2_table(image, old, fresh)
			: qcow2_tables_add(&image->l2_tables, fresh, &table);
	if (r < 0)
		return r;
	set_l1_entry(image, index, fresh);
	*ret_offset = fresh;
	return 0;
}

static int set_entry(struct qcow2_image *image, uint64_t guest_offset, struct qcow2_l2_entry entry)
{
	uint64_t l2_offset;
	uint8_t *table;
	int r = own_l2_table(image, guest_offset, &l2_offset);

	if (r == 0)
		r = qcow2_tables_get(&image->l2_tables, l2_offset, &table);
	if (r < 0)
		return r;
	qcow2_map_store(&image->layout, table, qcow2_map_l2_index(&image->layout, guest_offset),
			entry);
	qcow2_tables_set_dirty(&image->l2_tables, l2_offset);
	return 0;
}

/* What the entry pointed to has a user less. */
static int release_entry(struct qcow2_image *image, uint64_t descriptor)
{
	uint64_t step = image->layout.cluster_size, host;
	struct qcow2_range range;
	int r;

	if (!(descriptor & QCOW2_ENTRY_COMPRESSED)) {
		r = qcow2_map_data_cluster(&image->layout, descriptor, &host);
		return r == 0 && host ? qcow2_refcounts_release(&image->refcounts, host) : r;
	}
	image->decompressed_from = 0;
	r = qcow2_map_compressed(&image->layout, descriptor, &range);
	if (r < 0)
		return r;
	for (uint64_t at = range.offset & ~(step - 1); at < range.offset + range.length; at += step)
		r = r < 0 ? r : qcow2_refcounts_release(&image->refcounts, at);
	return r;
}

static int find_piece(struct qcow2_image *image, struct piece *piece)
{
	int r = qcow2_image_find_entry(image, piece->offset, &piece->entry);

	piece->host = 0;
	if (r == 0 && !(piece->entry.descriptor & QCOW2_ENTRY_COMPRESSED))
		r = qcow2_map_data_cluster(&image->layout, piece->entry.descriptor, &piece->host);
	piece->in_place = piece->host != 0 && piece->entry.descriptor & QCOW2_ENTRY_COPIED;
	piece->cluster_start = piece->offset & ~(image->layout.cluster_size - 1);
	return r;
}

/* Whether the unit (cluster or subcluster) of that byte is data that may be written over. */
static int has_data(const struct qcow2_image *image, const struct piece *piece, uint64_t offset,
		    bool *ret_data)
{
	struct qcow2_mapping mapping;
	int r = qcow2_map_l2_entry(&image->layout, piece->entry, offset, &mapping);

	*ret_data = r == 0 && piece->in_place && mapping.type == QCOW2_DATA;
	return r;
}

/* Whether nothing but data changes: every unit touched is data in place. */
static int is_plain(const struct qcow2_image *image, const struct piece *piece, bool *ret_plain)
{
	uint64_t unit = (uint64_t)1 << image->layout.subcluster_bits;
	uint64_t end = piece->offset + piece->length;
	bool plain = true;

	for (uint64_t at = piece->offset & ~(unit - 1); plain && at < end; at += unit) {
		int r = has_data(image, piece, at, &plain);

		if (r < 0)
			return r;
	}
	*ret_plain = plain;
	return 0;
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

/* The part of the cluster that is written: whole units, and all of it when what is there moves. */
static struct qcow2_range extend(const struct qcow2_image *image, const struct piece *piece)
{
	uint64_t unit = (uint64_t)1 << image->layout.subcluster_bits;
	uint64_t from = piece->offset & ~(unit - 1);
	uint64_t to = (piece->offset + piece->length + unit - 1) & ~(unit - 1);
	bool moves = piece->entry.descriptor & QCOW2_ENTRY_COMPRESSED ||
		     (piece->host != 0 && !piece->in_place);

	if (moves)
		return (struct qcow2_range){piece->cluster_start, image->layout.cluster_size};
	return (struct qcow2_range){from, to - from};
}

static int fill_cluster(struct qcow2_image *image, const struct piece *piece,
			struct qcow2_range range)
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
		memcpy(buffer + (piece->offset - range.offset), piece->bytes, piece->length);
	return r;
}

/* The entry that has data in that range, too. */
static struct qcow2_l2_entry make_entry(const struct qcow2_image *image, const struct piece *piece,
					struct qcow2_range range, uint64_t host)
{
	unsigned int bits = image->layout.subcluster_bits;
	uint64_t first = (range.offset - piece->cluster_start) >> bits;
	uint64_t count = range.length >> bits;
	uint64_t mask = (((uint64_t)1 << count) - 1) << first;
	struct qcow2_l2_entry entry = {.descriptor = host | QCOW2_ENTRY_COPIED};

	if (qcow2_layout_extended(&image->layout)) {
		entry.bitmap =
			piece->entry.descriptor & QCOW2_ENTRY_COMPRESSED ? 0 : piece->entry.bitmap;
		entry.bitmap = (entry.bitmap | mask) & ~(mask << QCOW2_SUBCLUSTERS);
	}
	return entry;
}

static int write_into_cluster(struct qcow2_image *image, const struct piece *piece)
{
	struct qcow2_range range = extend(image, piece);
	uint64_t host = piece->host;
	int r = fill_cluster(image, piece, range);

	if (r == 0 && !piece->in_place)
		r = qcow2_refcounts_allocate(&image->refcounts, &host);
	if (r == 0)
		r = fd_write_at(image->fd, image->cluster, (size_t)range.length,
				host + (range.offset - piece->cluster_start));
	if (r == 0)
		r = set_entry(image, piece->offset, make_entry(image, piece, range, host));
	if (r == 0 && !piece->in_place)
		r = release_entry(image, piece->entry.descriptor);
	return r;
}

static int write_piece(struct qcow2_image *image, struct piece *piece)
{
	bool plain = false;
	int r = make_room(image);

	if (r == 0)
		r = find_piece(image, piece);
	if (r == 0)
		r = is_plain(image, piece, &plain);
	if (r < 0)
		return r;
	if (plain)
		return fd_write_at(image->fd, piece->bytes, piece->length,
				   piece->host + (piece->offset - piece->cluster_start));
	return write_into_cluster(image, piece);
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
		struct piece piece = {
			.offset = offset,
			.bytes = at,
			.length = (size_t)in_cluster(image, offset, length),
		};

		r = write_piece(image, &piece);
		at += piece.length;
		offset += piece.length;
		length -= piece.length;
	}
	return r;
}

/* An entry that reads as zero without taking space; false: there is none. */
static bool make_zero_entry(const struct qcow2_image *image, struct qcow2_l2_entry *ret_entry)
{
	struct qcow2_l2_entry entry = {0};

	if (image->header.backing_file[0]) {
		if (image->layout.version < 3)
			return false;
		if (qcow2_layout_extended(&image->layout))
			entry.bitmap = QCOW2_ALL_ZERO;
		else
			entry.descriptor = QCOW2_ENTRY_ZERO;
	}
	*ret_entry = entry;
	return true;
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
	r = set_entry(image, offset, zero);
	return r == 0 ? release_entry(image, old.descriptor) : r;
}

/* Whether nothing is there up to the end of what one L2 table stands for. */
static bool has_no_table(const struct qcow2_image *image, uint64_t offset)
{
	uint64_t index = qcow2_map_l1_index(&image->layout, offset);

	return !image->header.backing_file[0] && load_be64(image->l1 + index * 8) == 0;
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

	if (whole && make_zero_entry(image, &zero))
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
