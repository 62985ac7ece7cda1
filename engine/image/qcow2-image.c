/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-image.h. The L1 table is held in memory, L2 tables as they are used.
 */
#include "image/qcow2-image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "base/fd.h"
#include "image/image-file.h"
#include "image/qcow2-compression.h"
#include "image/qcow2-metadata.h"

enum { CACHE_BYTES = 8 << 20 };

static int read_header(int fd, struct qcow2_header *header, uint64_t *ret_file_size,
		       enum image_problem *ret_problem)
{
	uint8_t *start = NULL;
	uint64_t file_size;
	size_t length;
	int r = image_file_size(fd, &file_size);

	if (r < 0)
		return r;
	length = file_size < QCOW2_HEADER_READ ? (size_t)file_size : QCOW2_HEADER_READ;
	start = malloc(length ? length : 1);
	if (!start)
		return -ENOMEM;
	r = fd_read_at(fd, start, length, 0);
	if (r == 0) {
		*ret_problem = qcow2_header_parse(start, length, file_size, header);
		*ret_file_size = file_size;
	}
	free(start);
	return r;
}

enum image_problem qcow2_image_read_header(int fd, struct qcow2_header *ret_header, int *ret_error)
{
	enum image_problem problem = IMAGE_GOOD;
	uint64_t file_size;

	*ret_error = read_header(fd, ret_header, &file_size, &problem);
	return *ret_error < 0 ? IMAGE_SYSTEM_ERROR : problem;
}

static enum image_problem check_access(const struct qcow2_header *header, enum image_access access)
{
	if (access == IMAGE_READ_ONLY)
		return IMAGE_GOOD;
	if (header->incompatible_features & QCOW2_CORRUPT)
		return IMAGE_CORRUPT;
	return header->incompatible_features & QCOW2_DIRTY ? IMAGE_DIRTY : IMAGE_GOOD;
}

static int load_tables(struct qcow2_image *image)
{
	size_t l1_bytes = (size_t)image->header.l1_size * 8;
	int r = qcow2_tables_init(&image->l2_tables, image->fd, (size_t)image->layout.cluster_size,
				  CACHE_BYTES);

	if (r == 0 && image->access == IMAGE_READ_WRITE)
		r = qcow2_refcounts_init(&image->refcounts, image->fd, &image->header,
					 &image->layout);
	if (r < 0)
		return r;
	image->l1 = malloc(l1_bytes ? l1_bytes : 1);
	if (!image->l1)
		return -ENOMEM;
	return fd_read_at(image->fd, image->l1, l1_bytes, image->header.l1_offset);
}

static void free_image(struct qcow2_image *image)
{
	qcow2_refcounts_finish(&image->refcounts);
	qcow2_tables_finish(&image->l2_tables);
	free(image->l1);
	free(image->cluster);
	free(image->compressed);
	free(image->decompressed);
	free(image);
}

static int init_image(struct qcow2_image *image, int fd, enum image_access access,
		      enum image_problem *problem)
{
	uint64_t file_size = 0;
	int r = read_header(fd, &image->header, &file_size, problem);

	if (r == 0 && *problem == IMAGE_GOOD)
		*problem = check_access(&image->header, access);
	if (r < 0 || *problem != IMAGE_GOOD)
		return r;
	image->fd = fd;
	image->access = access;
	qcow2_layout_init(&image->layout, &image->header, file_size);
	return load_tables(image);
}

enum image_problem qcow2_image_open(int fd, enum image_access access,
				    struct qcow2_image **ret_image, int *ret_error)
{
	struct qcow2_image *image = calloc(1, sizeof(*image));
	enum image_problem problem = IMAGE_GOOD;
	int r = image ? init_image(image, fd, access, &problem) : -ENOMEM;

	if (r == 0 && problem == IMAGE_GOOD) {
		*ret_image = image;
		return IMAGE_GOOD;
	}
	if (image)
		free_image(image);
	*ret_error = r;
	return r < 0 ? IMAGE_SYSTEM_ERROR : problem;
}

void qcow2_image_close(struct qcow2_image *image)
{
	if (!image)
		return;
	close(image->fd);
	free_image(image);
}

void qcow2_image_forget(struct qcow2_image *image)
{
	if (image)
		free_image(image);
}

const struct qcow2_header *qcow2_image_header(const struct qcow2_image *image)
{
	return &image->header;
}

void qcow2_image_set_backing(struct qcow2_image *image, const struct image_backing *backing)
{
	image->backing = *backing;
}

int qcow2_image_find_entry(struct qcow2_image *image, uint64_t guest_offset,
			   struct qcow2_l2_entry *ret_entry)
{
	const struct qcow2_layout *layout = &image->layout;
	uint64_t index = qcow2_map_l1_index(layout, guest_offset);
	uint64_t l2_offset;
	uint8_t *at;
	int r = qcow2_map_l1_entry(layout, load_be64(image->l1 + index * 8), &l2_offset);

	if (r < 0)
		return r;
	*ret_entry = (struct qcow2_l2_entry){0};
	if (l2_offset == 0)
		return 0;
	r = qcow2_tables_get(
		&image->l2_tables,
		l2_offset + qcow2_map_l2_index(layout, guest_offset) * layout->l2_entry_size, &at);
	if (r == 0)
		*ret_entry = qcow2_map_load(layout, at, 0);
	return r;
}

int qcow2_image_find(struct qcow2_image *image, uint64_t offset, struct qcow2_mapping *ret_mapping)
{
	struct qcow2_l2_entry entry;
	int r;

	if (offset >= image->header.virtual_size)
		return -EINVAL;
	r = qcow2_image_find_entry(image, offset, &entry);
	return r < 0 ? r : qcow2_map_l2_entry(&image->layout, entry, offset, ret_mapping);
}

bool qcow2_image_is_empty(const struct qcow2_image *image)
{
	for (uint64_t i = 0; i < image->header.l1_size; i++) {
		if (load_be64(image->l1 + i * 8) != 0)
			return false;
	}
	return true;
}

static int read_backing(struct qcow2_image *image, uint64_t offset, uint8_t *buffer, size_t length)
{
	const struct image_backing *backing = &image->backing;
	size_t inside = 0;

	if (!backing->read && image->header.backing_file[0])
		return -ENXIO;
	if (backing->read && offset < backing->size)
		inside = length <= backing->size - offset ? length
							  : (size_t)(backing->size - offset);
	memset(buffer + inside, 0, length - inside);
	return inside ? backing->read(backing->data, offset, buffer, inside) : 0;
}

static int make_room(struct qcow2_image *image)
{
	size_t cluster_size = (size_t)image->layout.cluster_size;

	/* No descriptor has a length of more than two clusters. */
	if (!image->compressed)
		image->compressed = malloc(2 * cluster_size);
	if (!image->decompressed)
		image->decompressed = malloc(cluster_size);
	return image->compressed && image->decompressed ? 0 : -ENOMEM;
}

static int decompress(struct qcow2_image *image, const struct qcow2_mapping *mapping)
{
	int r = make_room(image);

	if (r < 0 || image->decompressed_from == mapping->host_offset)
		return r;
	image->decompressed_from = 0;
	r = fd_read_at(image->fd, image->compressed, mapping->host_length, mapping->host_offset);
	if (r == 0)
		r = qcow2_decompress(image->header.compression, image->compressed,
				     mapping->host_length, image->decompressed,
				     (size_t)image->layout.cluster_size);
	if (r == 0)
		image->decompressed_from = mapping->host_offset;
	return r;
}

static int read_mapped(struct qcow2_image *image, const struct qcow2_mapping *mapping,
		       uint64_t offset, uint8_t *buffer, size_t length)
{
	int r;

	switch (mapping->type) {
	case QCOW2_UNALLOCATED:
		return read_backing(image, offset, buffer, length);
	case QCOW2_DATA:
		return image_file_read(image->fd, buffer, length, mapping->host_offset);
	case QCOW2_COMPRESSED:
		r = decompress(image, mapping);
		if (r == 0)
			memcpy(buffer,
			       image->decompressed + (offset & (image->layout.cluster_size - 1)),
			       length);
		return r;
	case QCOW2_ZEROES:
		break;
	}
	memset(buffer, 0, length);
	return 0;
}

int qcow2_image_read(struct qcow2_image *image, uint64_t offset, void *buffer, size_t length)
{
	uint8_t *at = buffer;

	if (!range_fits(offset, length, image->header.virtual_size))
		return -EINVAL;
	while (length > 0) {
		struct qcow2_mapping mapping;
		size_t n = length;
		int r = qcow2_image_find(image, offset, &mapping);

		if (r < 0)
			return r;
		if (n > mapping.length)
			n = (size_t)mapping.length;
		r = read_mapped(image, &mapping, offset, at, n);
		if (r < 0)
			return r;
		at += n;
		offset += n;
		length -= n;
	}
	return 0;
}
