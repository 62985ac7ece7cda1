/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An open qcow2 image and what changes do to its tables, for the sources that work on one. The
 * tables are held in memory in slices: up to 8 MiB of L2 tables and 2 MiB of refcounts for each
 * image (with the largest clusters 8 MiB of each). Where they have a loader (qcow2-tables.h),
 * functions here can also fail with -EAGAIN or -EBUSY; what has such a failure was left as it was,
 * and is tried again from its beginning.
 */
#pragma once

#include <stdbool.h>

#include "image/qcow2-header.h"
#include "image/qcow2-image.h"
#include "image/qcow2-map.h"
#include "image/qcow2-refcount.h"
#include "image/qcow2-tables.h"

struct qcow2_image {
	int fd;
	enum image_access access;
	struct qcow2_header header;
	struct qcow2_layout layout;
	uint8_t *l1; /* as it shall be in the file */
	struct qcow2_tables l2_tables;
	struct image_backing backing;

	/* The cluster decompressed last, and where from; allocated with the first one. */
	uint8_t *decompressed;
	uint8_t *compressed; /* room for the longest */
	uint64_t decompressed_from;

	/* When it is written to. */
	struct qcow2_refcounts refcounts;
	uint8_t *cluster;                    /* put together before it is written */
	bool changed;                        /* since it was opened */
	uint64_t l1_dirty_from, l1_dirty_to; /* indexes; the latter is behind the last */
};

/* The entry of guest_offset's cluster; empty when there is no table for it. 0 or negative errno. */
int qcow2_image_find_entry(struct qcow2_image *image, uint64_t guest_offset,
			   struct qcow2_l2_entry *ret_entry);
/* Whether there is a table for guest_offset. */
bool qcow2_image_has_table(const struct qcow2_image *image, uint64_t guest_offset);

/*
 * Before each change: what newer versions note in the image and we do not keep up to date is no
 * longer true. The first time this waits for the file. 0 or negative errno.
 */
int qcow2_image_begin_changes(struct qcow2_image *image);
/* Notes in the image, at once, that its tables are broken. 0 or negative errno. */
int qcow2_image_mark_corrupt(struct qcow2_image *image);
/* Whether tables and lists have room for one more change before they have to be stored. */
bool qcow2_image_has_room(const struct qcow2_image *image);
/* 0 or negative errno. */
int qcow2_image_set_entry(struct qcow2_image *image, uint64_t guest_offset,
			  struct qcow2_l2_entry entry);
/* What the descriptor points to has a user less. 0 or negative errno. */
int qcow2_image_release_entry(struct qcow2_image *image, uint64_t descriptor);
/* An entry that reads as zero without taking space; false: there is none. */
bool qcow2_image_zero_entry(const struct qcow2_image *image, struct qcow2_l2_entry *ret_entry);
/* Entries of the L1 table were changed: from, and before to. */
void qcow2_image_set_l1_dirty(struct qcow2_image *image, uint64_t from, uint64_t to);

/* Bytes of one cluster that are about to be written. */
struct qcow2_piece {
	uint64_t offset; /* of the guest */
	uint64_t length;
	uint64_t cluster_start;
	struct qcow2_l2_entry entry; /* as it is */
	uint64_t host;               /* the cluster of the entry, 0: none or compressed */
	bool in_place;               /* that cluster is ours alone */
};

/* The piece of a range that is in its first cluster. 0 or negative errno. */
int qcow2_piece_find(struct qcow2_image *image, uint64_t offset, uint64_t length,
		     struct qcow2_piece *ret_piece);
/* Whether nothing but data changes: every unit touched is data in place. 0 or -EUCLEAN. */
int qcow2_piece_is_plain(const struct qcow2_image *image, const struct qcow2_piece *piece,
			 bool *ret_plain);
/* The part of the cluster that is written: whole units, and all of it when what is there moves. */
struct qcow2_range qcow2_piece_extend(const struct qcow2_image *image,
				      const struct qcow2_piece *piece);
/* The entry that has data in that range of the cluster, too, which is now at host. */
struct qcow2_l2_entry qcow2_piece_entry(const struct qcow2_image *image,
					const struct qcow2_piece *piece, struct qcow2_range range,
					uint64_t host);

/* Whether what the cluster has goes to another place. */
static inline bool qcow2_piece_moves(const struct qcow2_piece *piece)
{
	return piece->entry.descriptor & QCOW2_ENTRY_COMPRESSED ||
	       (piece->host != 0 && !piece->in_place);
}
