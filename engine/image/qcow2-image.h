/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An open qcow2 image: synchronous access to its bytes. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/image-problem.h"

struct qcow2_header;
struct qcow2_image;
struct qcow2_mapping;

enum image_access {
	IMAGE_READ_ONLY,
	IMAGE_READ_WRITE,
};

/* What an image shows where it has nothing itself. Behind size it is zero. */
struct image_backing {
	/* A range inside size. 0 or negative errno. */
	int (*read)(void *data, uint64_t offset, void *buffer, size_t length);
	void *data;
	uint64_t size;
};

/* Reads and checks the header alone. *ret_error: negative errno with IMAGE_SYSTEM_ERROR. */
enum image_problem qcow2_image_read_header(int fd, struct qcow2_header *ret_header, int *ret_error);

/*
 * fd is taken over, if this succeeds; nobody else writes the file meanwhile when we do. *ret_error
 * as above. Dirty and corrupt images open for reading only.
 */
enum image_problem qcow2_image_open(int fd, enum image_access access,
				    struct qcow2_image **ret_image, int *ret_error);
/* Writes nothing: flush before. NULL is accepted. */
void qcow2_image_close(struct qcow2_image *image);
/* The same, but the descriptor stays open and is the caller's again. */
void qcow2_image_forget(struct qcow2_image *image);

const struct qcow2_header *qcow2_image_header(const struct qcow2_image *image);
/* Copies backing. What it stands for lives as long as the image. */
void qcow2_image_set_backing(struct qcow2_image *image, const struct image_backing *backing);

/* What the image itself has at an offset inside its virtual size. 0 or negative errno as reading.
 */
int qcow2_image_find(struct qcow2_image *image, uint64_t offset, struct qcow2_mapping *ret_mapping);
/* Whether nothing was ever written to it, so that it shows its backing file and no more. */
bool qcow2_image_is_empty(const struct qcow2_image *image);

/*
 * Reads inside the virtual size. 0 or negative errno: -EUCLEAN when the tables are broken, -ENXIO
 * when a backing file that the header names was not set, -EINVAL for a range outside.
 */
int qcow2_image_read(struct qcow2_image *image, uint64_t offset, void *buffer, size_t length);

/*
 * The following change an image that was opened for that. Whenever the computer stops, at worst
 * clusters are lost that nothing uses: what an entry points to is in the file before the entry is,
 * and what it no longer points to is given away afterwards. Errors as when reading, or -EROFS, or
 * those of the file; what was not written then reads as before.
 */

int qcow2_image_write(struct qcow2_image *image, uint64_t offset, const void *buffer,
		      size_t length);
/* Reads as zero afterwards, and takes no space where whole clusters are covered. */
int qcow2_image_write_zeroes(struct qcow2_image *image, uint64_t offset, uint64_t length);
/* Gives up the space of whole clusters, which read as zero then; the rest stays as it is. */
int qcow2_image_discard(struct qcow2_image *image, uint64_t offset, uint64_t length);
/*
 * Makes the disk larger, to whole sectors; what is new is zero. Stored when this is done. -EINVAL
 * for a smaller size, -EFBIG for one that needs too large tables, -ENOTSUP with snapshots.
 */
int qcow2_image_grow(struct qcow2_image *image, uint64_t size);
/* Everything is stored when this is done. 0 or negative errno. */
int qcow2_image_flush(struct qcow2_image *image);
