/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk as layers: an image, its backing file, the backing file of that, and so on. Opens files by
 * name, so this is not for the VMM's sandbox. One thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "image/qcow2-image.h"

struct image_chain;
struct qcow2_header;

enum { IMAGE_CHAIN_MAX_LAYERS = 64 };

enum image_format {
	IMAGE_RAW,
	IMAGE_QCOW2,
};

struct image_layer {
	char *path;
	enum image_format format;
	const struct qcow2_header *header; /* of qcow2, or NULL */
	uint64_t size;                     /* bytes of the disk, when it was opened */
};

enum image_extent_kind {
	IMAGE_EXTENT_BELOW, /* the layers looked at have nothing: it is what is below them, or zero
			     */
	IMAGE_EXTENT_ZERO,
	IMAGE_EXTENT_DATA,
};

struct image_extent {
	enum image_extent_kind kind;
	uint64_t length; /* bytes that this holds for; not 0 */
};

struct image_chain_problem {
	enum image_problem problem;
	int error;  /* negative errno with IMAGE_SYSTEM_ERROR */
	char *path; /* the layer it is about; to be freed */
};

/* What the first bytes of an open file say it is: for a choice of a person, never of a guest. */
int image_format_probe(int fd, enum image_format *ret_format);

/* What the image at path, with that header, builds on: a path, to be freed, or NULL. */
enum image_problem image_chain_backing(const char *path, const struct qcow2_header *header,
				       char **ret_path, enum image_format *ret_format);

/* Opens the image for access, and what it builds on for reading. On failure -1 with *ret_problem,
 * on success 0. */
int image_chain_open(const char *path, enum image_format format, enum image_access access,
		     struct image_chain **ret_chain, struct image_chain_problem *ret_problem);
/* NULL is accepted. */
void image_chain_close(struct image_chain *chain);

/* The first is the image itself. */
unsigned int image_chain_length(const struct image_chain *chain);
const struct image_layer *image_chain_layer(const struct image_chain *chain, unsigned int index);

/* Reads inside the size of the first layer. 0 or negative errno as qcow2_image_read(). */
int image_chain_read(struct image_chain *chain, uint64_t offset, void *buffer, size_t length);
/* Where the first depth layers have what the chain shows at an offset inside its size. 0 or
 * negative errno as image_chain_read(). */
int image_chain_find(struct image_chain *chain, unsigned int depth, uint64_t offset,
		     struct image_extent *ret_extent);
/* The first layer, to write to; NULL when it is raw. Borrowed. */
struct qcow2_image *image_chain_image(struct image_chain *chain);
