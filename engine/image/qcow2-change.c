/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a change of a qcow2 image does to its tables, in memory: see qcow2-metadata.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "image/qcow2-metadata.h"

enum {
	TABLES_PER_CHANGE = 2,
	MAX_RELEASED = 4096,
};

static int write_field(struct qcow2_image *image, const uint8_t bytes[8],
		       enum qcow2_header_field field)
{
	int r = fd_write_at(image->fd, bytes, 8, field);

	return r == 0 && fdatasync(image->fd) < 0 ? -errno : r;
}

int qcow2_image_begin_changes(struct qcow2_image *image)
{
	const uint8_t none[8] = {0};
	int r = 0;

	if (image->changed)
		return 0;
	if (image->header.version >= 3 && image->header.autoclear_features)
		r = write_field(image, none, QCOW2_FIELD_AUTOCLEAR_FEATURES);
	if (!image->cluster)
		image->cluster = malloc((size_t)image->layout.cluster_size);
	if (!image->cluster)
		r = -ENOMEM;
	image->changed = r == 0;
	return r;
}

int qcow2_image_mark_corrupt(struct qcow2_image *image)
{
	uint8_t features[8];

	if (image->access != IMAGE_READ_WRITE)
		return -EROFS;
	image->header.incompatible_features |= QCOW2_CORRUPT;
	if (image->header.version < 3) /* has no place to say so */
		return 0;
	store_be64(features, image->header.incompatible_features);
	return write_field(image, features, QCOW2_FIELD_INCOMPATIBLE_FEATURES);
}

bool qcow2_image_has_room(const struct qcow2_image *image)
{
	const unsigned int slices = TABLES_PER_CHANGE * QCOW2_MAX_SLICES;

	return qcow2_tables_room(&image->l2_tables) > slices &&
	       qcow2_tables_room(&image->refcounts.blocks) > slices &&
	       image->refcounts.released_count < MAX_RELEASED;
}

bool qcow2_image_has_table(const struct qcow2_image *image, uint64_t guest_offset)
{
	uint64_t index = qcow2_map_l1_index(&image->layout, guest_offset);

	return load_be64(image->l1 + index * 8) != 0;
}

static void set_l1_entry(struct qcow2_image *image, uint64_t index, uint64_t l2_offset)
{
	store_be64(image->l1 + index * 8, l2_offset | QCOW2_ENTRY_COPIED);
	qcow2_image_set_l1_dirty(image, index, index + 1);
}

void qcow2_image_set_l1_dirty(struct qcow2_image *image, uint64_t from, uint64_t to)
{
	if (image->l1_dirty_to == 0 || image->l1_dirty_from > from)
		image->l1_dirty_from = from;
	if (image->l1_dirty_to < to)
		image->l1_dirty_to = to;
}

static int copy_l2_table(struct qcow2_image *image, uint64_t from, uint64_t to)
{
	int r = qcow2_tables_copy(&image->l2_tables, from, to);

	return r == 0 ? qcow2_refcounts_release(&image->refcounts, from) : r;
}

/* The L2 table for guest_offset, which is ours alone: made, or copied from a snapshot's. */
static int own_l2_table(struct qcow2_image *image, uint64_t guest_offset, uint64_t *ret_offset)
{
	uint64_t index = qcow2_map_l1_index(&image->layout, guest_offset);
	uint64_t l1_entry = load_be64(image->l1 + index * 8), old, fresh;
	int r = qcow2_map_l1_entry(&image->layout, l1_entry, &old);

	if (r < 0)
		return r;
	if (old != 0 && l1_entry & QCOW2_ENTRY_COPIED) {
		*ret_offset = old;
		return 0;
	}
	/* First what may have to wait. */
	if (old)
		r = qcow2_tables_get_all(&image->l2_tables, old);
	if (r == 0)
		r = qcow2_refcounts_allocate(&image->refcounts, &fresh);
	if (r == 0)
		r = old ? copy_l2_table(image, old, fresh)
			: qcow2_tables_add(&image->l2_tables, fresh);
	if (r < 0)
		return r;
	set_l1_entry(image, index, fresh);
	*ret_offset = fresh;
	return 0;
}

int qcow2_image_set_entry(struct qcow2_image *image, uint64_t guest_offset,
			  struct qcow2_l2_entry entry)
{
	const struct qcow2_layout *layout = &image->layout;
	uint64_t offset;
	uint8_t *at;
	int r = own_l2_table(image, guest_offset, &offset);

	if (r < 0)
		return r;
	offset += qcow2_map_l2_index(layout, guest_offset) * layout->l2_entry_size;
	r = qcow2_tables_get(&image->l2_tables, offset, &at);
	if (r < 0)
		return r;
	qcow2_map_store(layout, at, 0, entry);
	qcow2_tables_set_dirty(&image->l2_tables, offset);
	return 0;
}

int qcow2_image_release_entry(struct qcow2_image *image, uint64_t descriptor)
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

bool qcow2_image_zero_entry(const struct qcow2_image *image, struct qcow2_l2_entry *ret_entry)
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

/* Pieces */

int qcow2_piece_find(struct qcow2_image *image, uint64_t offset, uint64_t length,
		     struct qcow2_piece *piece)
{
	uint64_t in_cluster = offset & (image->layout.cluster_size - 1);
	uint64_t left = image->layout.cluster_size - in_cluster;
	int r;

	*piece = (struct qcow2_piece){
		.offset = offset,
		.cluster_start = offset - in_cluster,
		.length = length < left ? length : left,
	};
	r = qcow2_image_find_entry(image, offset, &piece->entry);
	if (r == 0 && !(piece->entry.descriptor & QCOW2_ENTRY_COMPRESSED))
		r = qcow2_map_data_cluster(&image->layout, piece->entry.descriptor, &piece->host);
	piece->in_place = piece->host != 0 && piece->entry.descriptor & QCOW2_ENTRY_COPIED;
	return r;
}

/* Whether the unit (cluster or subcluster) of that byte is data that may be written over. */
static int has_data(const struct qcow2_image *image, const struct qcow2_piece *piece,
		    uint64_t offset, bool *ret_data)
{
	struct qcow2_mapping mapping;
	int r = qcow2_map_l2_entry(&image->layout, piece->entry, offset, &mapping);

	*ret_data = r == 0 && piece->in_place && mapping.type == QCOW2_DATA;
	return r;
}

int qcow2_piece_is_plain(const struct qcow2_image *image, const struct qcow2_piece *piece,
			 bool *ret_plain)
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

struct qcow2_range qcow2_piece_extend(const struct qcow2_image *image,
				      const struct qcow2_piece *piece)
{
	uint64_t unit = (uint64_t)1 << image->layout.subcluster_bits;
	uint64_t from = piece->offset & ~(unit - 1);
	uint64_t to = (piece->offset + piece->length + unit - 1) & ~(unit - 1);

	if (qcow2_piece_moves(piece))
		return (struct qcow2_range){piece->cluster_start, image->layout.cluster_size};
	return (struct qcow2_range){from, to - from};
}

struct qcow2_l2_entry qcow2_piece_entry(const struct qcow2_image *image,
					const struct qcow2_piece *piece, struct qcow2_range range,
					uint64_t host)
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
