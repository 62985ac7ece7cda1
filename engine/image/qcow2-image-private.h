/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An open qcow2 image, for the sources that work on one.
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

/*
 * Before each change: what newer versions note in the image and we do not keep up to date is no
 * longer true. 0 or negative errno.
 */
int qcow2_image_begin_changes(struct qcow2_image *image);
