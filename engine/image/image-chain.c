/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See image-chain.h.
 */
#include "image/image-chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked-arithmetic.h"
#include "base/fd.h"
#include "image/image-file.h"
#include "image/qcow2-header.h"
#include "image/qcow2-image.h"
#include "image/qcow2-map.h"

struct layer {
	struct image_layer layer;
	struct qcow2_image *image; /* or NULL, then: */
	int fd;
	dev_t device;
	ino_t inode;
};

struct image_chain {
	unsigned int length;
	struct layer layers[IMAGE_CHAIN_MAX_LAYERS];
};

int image_format_probe(int fd, enum image_format *ret_format)
{
	uint8_t magic[4];
	int r = fd_read_at(fd, magic, sizeof(magic), 0);

	if (r < 0 && r != -ENODATA)
		return r;
	*ret_format = r == 0 && qcow2_header_probe(magic, sizeof(magic)) ? IMAGE_QCOW2 : IMAGE_RAW;
	return 0;
}

static int read_layer(void *data, uint64_t offset, void *buffer, size_t length)
{
	struct layer *layer = data;

	if (!range_fits(offset, length, layer->layer.size))
		return -EINVAL;
	if (layer->image)
		return qcow2_image_read(layer->image, offset, buffer, length);
	return image_file_read(layer->fd, buffer, length, offset);
}

static enum image_problem open_raw(struct layer *layer, int fd, int *ret_error)
{
	*ret_error = image_file_size(fd, &layer->layer.size);
	layer->fd = fd;
	return *ret_error < 0 ? IMAGE_SYSTEM_ERROR : IMAGE_GOOD;
}

static enum image_problem open_qcow2(struct layer *layer, int fd, enum image_access access,
				     int *ret_error)
{
	enum image_problem problem = qcow2_image_open(fd, access, &layer->image, ret_error);

	if (problem != IMAGE_GOOD)
		return problem;
	layer->layer.header = qcow2_image_header(layer->image);
	layer->layer.size = layer->layer.header->virtual_size;
	return IMAGE_GOOD;
}

/* Two names may mean one file. */
static enum image_problem check_loop(const struct image_chain *chain, struct layer *layer, int fd,
				     int *ret_error)
{
	struct stat status;

	if (fstat(fd, &status) < 0) {
		*ret_error = -errno;
		return IMAGE_SYSTEM_ERROR;
	}
	layer->device = status.st_dev;
	layer->inode = status.st_ino;
	for (unsigned int i = 0; i < chain->length; i++) {
		if (chain->layers[i].device == status.st_dev &&
		    chain->layers[i].inode == status.st_ino)
			return IMAGE_CHAIN_LOOP;
	}
	return IMAGE_GOOD;
}

/* Adds the file to the chain, takes over path. */
static enum image_problem add_layer(struct image_chain *chain, char *path, enum image_format format,
				    enum image_access access, int *ret_error)
{
	struct layer layer = {.layer = {.path = path, .format = format}, .fd = -1};
	/* Not blocking, or opening a FIFO would wait for its other end. */
	int mode = access == IMAGE_READ_WRITE ? O_RDWR : O_RDONLY;
	int fd = open(path, mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	enum image_problem problem;

	if (fd < 0) {
		*ret_error = -errno;
		return IMAGE_SYSTEM_ERROR;
	}
	problem = check_loop(chain, &layer, fd, ret_error);
	if (problem == IMAGE_GOOD)
		problem = format == IMAGE_QCOW2 ? open_qcow2(&layer, fd, access, ret_error)
						: open_raw(&layer, fd, ret_error);
	if (problem != IMAGE_GOOD) {
		fd_close(&fd);
		return problem;
	}
	chain->layers[chain->length++] = layer;
	return IMAGE_GOOD;
}

/* "nbd:..." or "json:...": a colon before the first slash, as QEMU has it. */
static bool has_protocol(const char *name)
{
	return name[strcspn(name, ":/")] == ':';
}

/* The name is relative to the folder of the image that has it. */
static char *resolve(const char *name, const char *image_path)
{
	const char *slash = strrchr(image_path, '/');
	char *path;

	if (name[0] == '/' || !slash)
		return strdup(name);
	if (asprintf(&path, "%.*s/%s", (int)(slash - image_path), image_path, name) < 0)
		return NULL;
	return path;
}

enum image_problem image_chain_backing(const char *path, const struct qcow2_header *header,
				       char **ret_path, enum image_format *ret_format)
{
	*ret_path = NULL;
	if (!header->backing_file[0])
		return IMAGE_GOOD;
	if (has_protocol(header->backing_file))
		return IMAGE_BACKING_REMOTE;
	if (!header->backing_format[0])
		return IMAGE_BACKING_FORMAT_MISSING;
	if (strcmp(header->backing_format, "qcow2") == 0)
		*ret_format = IMAGE_QCOW2;
	else if (strcmp(header->backing_format, "raw") == 0)
		*ret_format = IMAGE_RAW;
	else
		return IMAGE_BACKING_FORMAT_UNKNOWN;
	*ret_path = resolve(header->backing_file, path);
	return *ret_path ? IMAGE_GOOD : IMAGE_SYSTEM_ERROR;
}

static enum image_problem open_layers(struct image_chain *chain, const char *first_path,
				      enum image_format format, enum image_access access,
				      struct image_chain_problem *about)
{
	char *path = strdup(first_path);
	enum image_problem problem = path ? IMAGE_GOOD : IMAGE_SYSTEM_ERROR;

	about->error = -ENOMEM;
	while (problem == IMAGE_GOOD && path) {
		const struct image_layer *layer;

		about->path = path;
		if (chain->length == IMAGE_CHAIN_MAX_LAYERS)
			return IMAGE_CHAIN_TOO_LONG;
		problem = add_layer(chain, path, format, access, &about->error);
		if (problem != IMAGE_GOOD)
			return problem;
		about->path = path = NULL;
		access = IMAGE_READ_ONLY;

		layer = image_chain_layer(chain, chain->length - 1);
		if (layer->header) {
			about->error = -ENOMEM;
			problem = image_chain_backing(layer->path, layer->header, &path, &format);
			if (problem != IMAGE_GOOD)
				about->path = strdup(layer->path);
		}
	}
	return problem;
}

static void connect_layers(struct image_chain *chain)
{
	for (unsigned int i = 0; i + 1 < chain->length; i++) {
		const struct image_backing backing = {
			.read = read_layer,
			.data = &chain->layers[i + 1],
			.size = chain->layers[i + 1].layer.size,
		};

		qcow2_image_set_backing(chain->layers[i].image, &backing);
	}
}

int image_chain_open(const char *path, enum image_format format, enum image_access access,
		     struct image_chain **ret_chain, struct image_chain_problem *ret_problem)
{
	struct image_chain *chain = calloc(1, sizeof(*chain));
	struct image_chain_problem about = {.problem = IMAGE_SYSTEM_ERROR, .error = -ENOMEM};

	if (chain)
		about.problem = open_layers(chain, path, format, access, &about);
	if (about.problem != IMAGE_GOOD) {
		image_chain_close(chain);
		*ret_problem = about;
		return -1;
	}
	connect_layers(chain);
	*ret_chain = chain;
	return 0;
}

void image_chain_close(struct image_chain *chain)
{
	for (unsigned int i = 0; chain && i < chain->length; i++) {
		qcow2_image_close(chain->layers[i].image);
		fd_close(&chain->layers[i].fd);
		free(chain->layers[i].layer.path);
	}
	free(chain);
}

unsigned int image_chain_length(const struct image_chain *chain)
{
	return chain->length;
}

const struct image_layer *image_chain_layer(const struct image_chain *chain, unsigned int index)
{
	return &chain->layers[index].layer;
}

int image_chain_read(struct image_chain *chain, uint64_t offset, void *buffer, size_t length)
{
	return read_layer(&chain->layers[0], offset, buffer, length);
}

/* A file system that knows nothing of holes has data everywhere. */
static void find_in_raw(const struct layer *layer, uint64_t offset, struct image_extent *extent)
{
	off_t data = lseek(layer->fd, (off_t)offset, SEEK_DATA);
	off_t hole = data == (off_t)offset ? lseek(layer->fd, data, SEEK_HOLE) : -1;
	uint64_t end = layer->layer.size;

	extent->kind = IMAGE_EXTENT_DATA;
	if ((data < 0 && errno == ENXIO) || data > (off_t)offset)
		extent->kind = IMAGE_EXTENT_ZERO;
	if (data > (off_t)offset && (uint64_t)data < end)
		end = (uint64_t)data;
	if (hole > (off_t)offset && (uint64_t)hole < end)
		end = (uint64_t)hole;
	extent->length = end - offset;
}

static int find_in_qcow2(const struct layer *layer, uint64_t offset, struct image_extent *extent)
{
	static const enum image_extent_kind kinds[] = {
		[QCOW2_UNALLOCATED] = IMAGE_EXTENT_BELOW,
		[QCOW2_ZEROES] = IMAGE_EXTENT_ZERO,
		[QCOW2_DATA] = IMAGE_EXTENT_DATA,
		[QCOW2_COMPRESSED] = IMAGE_EXTENT_DATA,
	};
	struct qcow2_mapping mapping;
	int r = qcow2_image_find(layer->image, offset, &mapping);

	if (r < 0)
		return r;
	extent->kind = kinds[mapping.type];
	extent->length = layer->layer.size - offset;
	if (mapping.length < extent->length)
		extent->length = mapping.length;
	return 0;
}

int image_chain_find(struct image_chain *chain, unsigned int depth, uint64_t offset,
		     struct image_extent *ret_extent)
{
	uint64_t length = chain->layers[0].layer.size - offset;
	struct image_extent extent = {.kind = IMAGE_EXTENT_BELOW, .length = length};

	for (unsigned int i = 0; i < depth && extent.kind == IMAGE_EXTENT_BELOW; i++) {
		const struct layer *layer = &chain->layers[i];
		int r = 0;

		if (offset >= layer->layer.size)
			extent = (struct image_extent){.kind = IMAGE_EXTENT_ZERO, .length = length};
		else if (layer->image)
			r = find_in_qcow2(layer, offset, &extent);
		else
			find_in_raw(layer, offset, &extent);
		if (r < 0)
			return r;
		length = extent.length < length ? extent.length : length;
	}
	*ret_extent = (struct image_extent){.kind = extent.kind, .length = length};
	return 0;
}

struct qcow2_image *image_chain_image(struct image_chain *chain)
{
	return chain->layers[0].image;
}
