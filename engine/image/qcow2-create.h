/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New qcow2 images.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "image/qcow2-header.h"

struct qcow2_create_options {
	uint64_t virtual_size; /* bytes: whole sectors, not 0 */
	unsigned int version;  /* 2 or 3 */
	unsigned int cluster_bits;
	bool extended_l2; /* version 3, clusters of 16 KiB or more */
	enum qcow2_compression compression;
	const char *backing_file;   /* NULL: none */
	const char *backing_format; /* "raw" or "qcow2", when there is a backing file */
};

/*
 * Fills an empty file, which is stored when this is done, and no qcow2 image before. 0 or negative
 * errno: -EINVAL when the options make no image, -EFBIG when it would need too large tables.
 */
int qcow2_create(int fd, const struct qcow2_create_options *options);
