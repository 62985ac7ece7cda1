/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copies what a disk shows into another one.
 */
#pragma once

#include <stdbool.h>

#include "image/image-chain.h"

/* Hears how far a copy is, in bytes of the disk, from time to time; false stops it. */
struct image_progress {
	bool (*moved)(void *data, uint64_t done, uint64_t total);
	void *data;
};

/*
 * Writes what the first depth layers of source show, to an image that is open for writing, at least
 * as large and shows the other layers, or zero when depth is all of them: target, or for NULL the
 * raw file fd. Everything is stored when this is done. progress may be NULL. 0 or negative errno,
 * as image_chain_read() and qcow2_image_write(), or -ECANCELED.
 */
int image_copy(struct image_chain *source, unsigned int depth, struct qcow2_image *target, int fd,
	       const struct image_progress *progress);
