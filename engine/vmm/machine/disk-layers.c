/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/disk-layers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "image/image-chain.h"
#include "image/qcow2-header.h"
#include "image/qcow2-image.h"
#include "machine/host-files.h"

static_assert((int)MACHINE_MAX_LAYERS == (int)LAYERED_DISK_MAX_LAYERS, "all can be opened");

/* What follows the name of the file. */
static const char *describe(enum image_problem problem)
{
	switch (problem) {
	case IMAGE_NOT_QCOW2:
		return "is no qcow2 image";
	case IMAGE_TRUNCATED:
		return "is cut off: the file ends before its tables do";
	case IMAGE_VERSION:
		return "has a version of qcow2 that is neither 2 nor 3";
	case IMAGE_BAD_HEADER:
		return "has a damaged header";
	case IMAGE_BAD_TABLES:
		return "has damaged tables";
	case IMAGE_TOO_LARGE:
		return "has tables that are too large";
	case IMAGE_ENCRYPTED:
		return "is encrypted, which is not supported";
	case IMAGE_EXTERNAL_DATA:
		return "keeps its data in another file, which is not supported";
	case IMAGE_UNKNOWN_FEATURE:
		return "uses a feature of qcow2 that is unknown here";
	case IMAGE_UNKNOWN_COMPRESSION:
		return "is compressed in a way that is unknown here";
	case IMAGE_DIRTY:
		return "was not closed properly; repair it with qemu-img check -r all";
	case IMAGE_CORRUPT:
		return "is marked as damaged; use a copy, or try qemu-img check -r all";
	case IMAGE_BACKING_FORMAT_MISSING:
		return "does not say which format its backing file has; give it with backing=";
	case IMAGE_BACKING_FORMAT_UNKNOWN:
		return "has a backing file that is neither raw nor qcow2";
	case IMAGE_BACKING_REMOTE:
		return "has a backing file that is no file of this computer";
	case IMAGE_BACKING_NOT_GIVEN:
		return "has a backing file; give it with backing=";
	case IMAGE_BACKING_NOT_NAMED:
		return "has no backing file, but one was given";
	case IMAGE_CHAIN_LOOP:
		return "is its own backing file";
	case IMAGE_CHAIN_TOO_LONG:
		return "has too many backing files below it";
	case IMAGE_GOOD:
	case IMAGE_SYSTEM_ERROR:
		break;
	}
	return "cannot be used";
}

static int refuse(const char *name, enum image_problem problem, int error)
{
	if (problem == IMAGE_SYSTEM_ERROR)
		log_error("%s cannot be used as a disk: %s.", name, strerror(-error));
	else
		log_error("%s %s.", name, describe(problem));
	return -EIO;
}

/* Adds what the file is. Opened to be read, unless it is the first of a disk that is written. */
static int open_layer(struct disk_layers *layers, const struct disk_layer_config *config, int flags)
{
	unsigned int number = layers->count;
	char name[FILE_NAME_SIZE];
	int r = host_file_open(&config->file, flags, &layers->layers[number].fd);

	if (r < 0)
		return r;
	file_reference_name(&config->file, name);
	layers->layers[number].qcow2 = config->qcow2;
	layers->names[number] = strdup(config->file.path ? config->file.path : name);
	layers->count++;
	return layers->names[number] ? 0 : refuse(name, IMAGE_SYSTEM_ERROR, -ENOMEM);
}

/* What the last layer, a qcow2 image, says that it builds on; *ret_path is NULL for nothing. */
static int find_next(const struct disk_layers *layers, bool by_name, char **ret_path,
		     bool *ret_qcow2)
{
	const char *name = layers->names[layers->count - 1];
	enum image_format format = IMAGE_RAW;
	enum image_problem problem;
	struct qcow2_header header;
	int error = 0;

	*ret_path = NULL;
	problem = qcow2_image_read_header(layers->layers[layers->count - 1].fd, &header, &error);
	if (problem == IMAGE_GOOD && header.backing_file[0] && !by_name)
		problem = IMAGE_BACKING_NOT_GIVEN;
	if (problem == IMAGE_GOOD) {
		error = -ENOMEM;
		problem = image_chain_backing(name, &header, ret_path, &format);
	}
	if (problem != IMAGE_GOOD)
		return refuse(name, problem, error);
	*ret_qcow2 = format == IMAGE_QCOW2;
	return 0;
}

static int open_named(struct disk_layers *layers, bool by_name)
{
	char *path = NULL;
	int r = 0;

	while (r == 0 && layers->layers[layers->count - 1].qcow2) {
		struct disk_layer_config next = {.file.fd = -1};

		r = find_next(layers, by_name, &path, &next.qcow2);
		if (r < 0 || !path)
			break;
		next.file.path = path;
		if (layers->count == MACHINE_MAX_LAYERS)
			r = refuse(layers->names[0], IMAGE_CHAIN_TOO_LONG, 0);
		else
			r = open_layer(layers, &next, O_RDONLY | O_NONBLOCK);
		free(path);
	}
	return r;
}

static void close_all(struct disk_layers *layers)
{
	for (unsigned int i = 0; i < layers->count; i++)
		fd_close(&layers->layers[i].fd);
}

int disk_layers_open(const struct machine_disk_config *config, struct disk_layers *ret_layers)
{
	int r = 0;

	*ret_layers = (struct disk_layers){.count = 0};
	for (unsigned int i = 0; r == 0 && i < config->layer_count; i++)
		r = open_layer(ret_layers, &config->layers[i],
			       i == 0 && !config->read_only ? O_RDWR : O_RDONLY);
	if (r == 0 && config->layer_count == 1)
		r = open_named(ret_layers, config->layers[0].file.path != NULL);
	if (r < 0) {
		close_all(ret_layers);
		disk_layers_finish(ret_layers);
	}
	return r;
}

void disk_layers_finish(struct disk_layers *layers)
{
	for (unsigned int i = 0; i < layers->count; i++)
		free(layers->names[i]);
	layers->count = 0;
}

void disk_layers_report(const struct disk_layers *layers, int r,
			const struct block_layer_problem *problem)
{
	unsigned int number = problem->layer < layers->count ? problem->layer : 0;

	if (r == -EINVAL)
		refuse(layers->names[number], problem->problem, problem->error);
	else
		refuse(layers->names[0], IMAGE_SYSTEM_ERROR, r);
}
