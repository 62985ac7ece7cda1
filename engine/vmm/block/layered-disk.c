/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See layered-disk.h and layered-disk-private.h: the layers, and operations on their way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/iov.h"
#include "block/layered-disk-private.h"
#include "image/image-file.h"

/* A transfer of some of an operation's bytes. */
struct part {
	struct block_transfer transfer;
	struct layered_operation *operation;
	unsigned int epoch;
	struct iovec iov[];
};

/* A slice that is read for a table. */
struct loading {
	struct block_transfer transfer;
	struct qcow2_tables *tables;
	struct qcow2_slice *slice;
	struct iovec iov;
};

/* Operations */

void layered_append(struct operation_list *list, struct layered_operation *operation)
{
	operation->next = NULL;
	if (list->last)
		list->last->next = operation;
	else
		list->first = operation;
	list->last = operation;
}

static void mark_corrupt(struct layered_disk *disk)
{
	if (disk->corrupt || disk->read_only)
		return;
	disk->corrupt = true;
	(void)qcow2_image_mark_corrupt(layered_disk_top(disk));
}

static void complete(struct layered_operation *operation)
{
	struct layered_disk *disk = operation->disk;
	int error = operation->error;

	disk->active--;
	if (error == -EUCLEAN)
		mark_corrupt(disk);
	operation->complete(operation, error);
}

static void on_nothing(struct block_transfer *transfer, int result)
{
	(void)result;
	complete(layered_operation_of(transfer));
}

/* Who starts an operation does not expect it to complete meanwhile. */
static void finish(struct layered_disk *disk, struct layered_operation *operation)
{
	if (!disk->starting) {
		complete(operation);
		return;
	}
	operation->transfer = (struct block_transfer){
		.operation = BLOCK_NOTHING,
		.fd = -1,
		.complete = on_nothing,
	};
	block_transfers_start(disk->transfers, &operation->transfer);
}

static void advance(struct layered_disk *disk, struct layered_operation *operation)
{
	int r = operation->error ? 0 : operation->step(disk, operation);

	if (r == -EAGAIN) {
		layered_append(&disk->waiting, operation);
		return;
	}
	if (r == -EBUSY) {
		layered_append(&disk->waiting_for_store, operation);
		layered_store_begin(disk);
		return;
	}
	if (r < 0 && !operation->error)
		operation->error = r;
	operation->started = true;
	if (operation->pending == 0)
		finish(disk, operation);
}

void layered_begin(struct layered_disk *disk, struct layered_operation *operation)
{
	operation->disk = disk;
	operation->position = 0;
	operation->pending = 0;
	operation->error = 0;
	operation->started = false;
	disk->active++;
	advance(disk, operation);
}

static int (*step_for(enum block_operation operation))(struct layered_disk *,
						       struct layered_operation *)
{
	switch (operation) {
	case BLOCK_READ:
		return layered_read;
	case BLOCK_WRITE:
		return layered_write;
	case BLOCK_FLUSH:
		return layered_flush;
	default:
		return layered_erase;
	}
}

bool layered_disk_start(struct layered_disk *disk, struct layered_operation *operation)
{
	operation->step = step_for(operation->operation);
	disk->starting = true;
	layered_begin(disk, operation);
	disk->starting = false;
	return disk->again;
}

static void go_on(struct layered_disk *disk, struct operation_list *list)
{
	struct layered_operation *operation = list->first;

	*list = (struct operation_list){NULL, NULL};
	while (operation) {
		struct layered_operation *next = operation->next;

		advance(disk, operation);
		operation = next;
	}
}

bool layered_disk_run(struct layered_disk *disk)
{
	disk->again = false;
	go_on(disk, &disk->waiting);
	return disk->again;
}

void layered_serve(struct layered_disk *disk, struct operation_list *list, int result)
{
	for (struct layered_operation *operation = list->first; operation;
	     operation = operation->next) {
		if (result < 0 && !operation->error)
			operation->error = result;
	}
	go_on(disk, list);
}

bool layered_disk_is_idle(const struct layered_disk *disk)
{
	return disk->active == 0 && !layered_store_is_running(disk);
}

void layered_part_begins(struct layered_operation *operation)
{
	operation->pending++;
}

void layered_part_ends(struct layered_disk *disk, struct layered_operation *operation, int result)
{
	if (result < 0 && !operation->error)
		operation->error = result;
	if (--operation->pending == 0 && operation->started)
		finish(disk, operation);
}

/* Transfers */

static void end_transfer(struct layered_operation *operation, unsigned int epoch, int result)
{
	operation->disk->parts[epoch]--;
	layered_part_ends(operation->disk, operation, result);
}

static void on_part(struct block_transfer *transfer, int result)
{
	struct part *part = (struct part *)transfer;
	struct layered_operation *operation = part->operation;
	unsigned int epoch = part->epoch;

	free(part);
	end_transfer(operation, epoch, result);
}

static void on_whole(struct block_transfer *transfer, int result)
{
	struct layered_operation *operation = layered_operation_of(transfer);

	end_transfer(operation, operation->epoch, result);
}

static void start(struct layered_disk *disk, struct layered_operation *operation,
		  struct block_transfer *transfer)
{
	disk->parts[disk->epoch]++;
	layered_part_begins(operation);
	block_transfers_start(disk->transfers, transfer);
}

int layered_transfer(struct layered_disk *disk, struct layered_operation *operation,
		     const struct layer *layer, uint64_t offset, uint64_t length)
{
	struct block_transfer transfer = {
		.operation = operation->operation == BLOCK_READ ? BLOCK_READ : BLOCK_WRITE,
		.fd = layer->fd,
		.offset = offset,
		.length = length,
		.zero_behind_end = layer->image != NULL,
	};
	unsigned int count;
	struct part *part;

	if (length == operation->length) {
		transfer.iov = operation->iov;
		transfer.iov_count = operation->iov_count;
		transfer.complete = on_whole;
		operation->transfer = transfer;
		operation->epoch = disk->epoch;
		start(disk, operation, &operation->transfer);
		return 0;
	}
	count = iov_slice(operation->iov, operation->iov_count, operation->position, length, NULL);
	part = malloc(sizeof(*part) + count * sizeof(struct iovec));
	if (!part)
		return -ENOMEM;
	iov_slice(operation->iov, operation->iov_count, operation->position, length, part->iov);
	transfer.iov = part->iov;
	transfer.iov_count = count;
	transfer.complete = on_part;
	part->transfer = transfer;
	part->operation = operation;
	part->epoch = disk->epoch;
	start(disk, operation, &part->transfer);
	return 0;
}

static void on_loaded(struct block_transfer *transfer, int result)
{
	struct loading *loading = (struct loading *)transfer;

	qcow2_tables_loaded(loading->tables, loading->slice, result);
	free(loading);
}

static int load_slice(void *data, struct qcow2_tables *tables, struct qcow2_slice *slice)
{
	struct layered_disk *disk = data;
	struct loading *loading = malloc(sizeof(*loading));

	if (!loading)
		return -ENOMEM;
	*loading = (struct loading){
		.transfer =
			{
				.operation = BLOCK_READ,
				.fd = tables->fd,
				.offset = slice->offset,
				.length = tables->slice_size,
				.iov = &loading->iov,
				.iov_count = 1,
				.zero_behind_end = true,
				.complete = on_loaded,
			},
		.tables = tables,
		.slice = slice,
		.iov = {slice->bytes, tables->slice_size},
	};
	block_transfers_start(disk->transfers, &loading->transfer);
	return 0;
}

/* Layers */

static void set_loaders(struct layered_disk *disk, qcow2_loader load)
{
	for (unsigned int i = 0; i < disk->layer_count; i++) {
		struct qcow2_image *image = disk->layers[i].image;

		if (!image)
			continue;
		qcow2_tables_set_loader(&image->l2_tables, load, disk);
		qcow2_tables_set_loader(&image->refcounts.blocks, load, disk);
	}
}

static int read_layer(void *data, uint64_t offset, void *buffer, size_t length)
{
	const struct layer *layer = data;

	if (layer->image)
		return qcow2_image_read(layer->image, offset, buffer, length);
	return image_file_read(layer->fd, buffer, length, offset);
}

/* For what waits for files. */
static void connect_layers(struct layered_disk *disk)
{
	for (unsigned int i = 0; i + 1 < disk->layer_count; i++) {
		const struct image_backing backing = {
			.read = read_layer,
			.data = &disk->layers[i + 1],
			.size = disk->layers[i + 1].size,
		};

		qcow2_image_set_backing(disk->layers[i].image, &backing);
	}
	set_loaders(disk, load_slice);
}

static bool refuse(struct block_layer_problem *ret_problem, unsigned int number,
		   enum image_problem problem, int error)
{
	*ret_problem = (struct block_layer_problem){number, problem, error};
	return false;
}

static bool open_raw(struct layer *layer, int fd, unsigned int number,
		     struct block_layer_problem *ret_problem)
{
	int r = image_file_size(fd, &layer->size);

	layer->fd = fd;
	return r == 0 || refuse(ret_problem, number, IMAGE_SYSTEM_ERROR, r);
}

/* lower: whether there is a layer below. */
static bool open_qcow2(struct layer *layer, int fd, enum image_access access, bool lower,
		       unsigned int number, struct block_layer_problem *ret_problem)
{
	const struct qcow2_header *header;
	enum image_problem problem;
	int error = 0;

	problem = qcow2_image_open(fd, access, &layer->image, &error);
	if (problem != IMAGE_GOOD)
		return refuse(ret_problem, number, problem, error);
	layer->fd = fd;
	header = qcow2_image_header(layer->image);
	layer->size = header->virtual_size;
	if (header->backing_file[0] != '\0' && !lower)
		return refuse(ret_problem, number, IMAGE_BACKING_NOT_GIVEN, 0);
	if (header->backing_file[0] == '\0' && lower)
		return refuse(ret_problem, number, IMAGE_BACKING_NOT_NAMED, 0);
	return true;
}

static void close_layer(struct layer *layer)
{
	fd_set_lock(layer->fd, F_UNLCK); /* as block_backend_destroy() does */
	if (layer->image)
		qcow2_image_close(layer->image);
	else if (layer->fd >= 0)
		close(layer->fd);
	*layer = (struct layer){.fd = -1};
}

static bool open_layer(struct layered_disk *disk, const struct block_layer *given,
		       unsigned int number, bool lower, struct block_layer_problem *ret_problem)
{
	enum image_access access =
		number == 0 && !disk->read_only ? IMAGE_READ_WRITE : IMAGE_READ_ONLY;
	struct layer *layer = &disk->layers[number];

	if (given->qcow2)
		return open_qcow2(layer, given->fd, access, lower, number, ret_problem);
	if (lower)
		return refuse(ret_problem, number, IMAGE_BACKING_NOT_NAMED, 0);
	return open_raw(layer, given->fd, number, ret_problem);
}

static int prepare_top(struct layered_disk *disk, struct block_layer_problem *ret_problem)
{
	int r = disk->read_only || !layered_disk_top(disk)
			? 0
			: qcow2_image_begin_changes(layered_disk_top(disk));

	if (r < 0)
		refuse(ret_problem, 0, IMAGE_SYSTEM_ERROR, r);
	return r;
}

static int open_layers(struct layered_disk *disk, const struct block_layer *layers,
		       unsigned int count, struct block_layer_problem *ret_problem)
{
	if (count > LAYERED_DISK_MAX_LAYERS) {
		refuse(ret_problem, LAYERED_DISK_MAX_LAYERS, IMAGE_CHAIN_TOO_LONG, 0);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (!open_layer(disk, &layers[i], i, i + 1 < count, ret_problem))
			return -EINVAL;
		disk->layer_count++;
	}
	connect_layers(disk);
	return prepare_top(disk, ret_problem) < 0 ? -EINVAL : 0;
}

/* Those that are not a layer yet are still the caller's. */
static void close_rest(const struct layered_disk *disk, const struct block_layer *layers,
		       unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (i >= LAYERED_DISK_MAX_LAYERS || disk->layers[i].fd < 0)
			close(layers[i].fd);
	}
}

static void free_disk(struct layered_disk *disk)
{
	for (unsigned int i = 0; i < LAYERED_DISK_MAX_LAYERS; i++)
		close_layer(&disk->layers[i]);
	layered_store_destroy(disk);
	layered_give_back_destroy(disk);
	free(disk);
}

int layered_disk_create(const struct block_layer *layers, unsigned int count, bool read_only,
			struct block_transfers *transfers, struct block_layer_problem *ret_problem,
			struct layered_disk **ret_disk)
{
	struct layered_disk *disk = calloc(1, sizeof(*disk));
	int r;

	*ret_problem = (struct block_layer_problem){0, IMAGE_SYSTEM_ERROR, -ENOMEM};
	if (!disk) {
		for (unsigned int i = 0; i < count; i++)
			close(layers[i].fd);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < LAYERED_DISK_MAX_LAYERS; i++)
		disk->layers[i].fd = -1;
	disk->transfers = transfers;
	disk->read_only = read_only;
	r = layered_store_create(disk);
	if (r == 0)
		r = layered_give_back_create(disk);
	if (r == 0)
		r = open_layers(disk, layers, count, ret_problem);
	if (r < 0) {
		close_rest(disk, layers, count);
		free_disk(disk);
		return r;
	}
	*ret_disk = disk;
	return 0;
}

void layered_disk_destroy(struct layered_disk *disk)
{
	(void)layered_disk_flush(disk);
	free_disk(disk);
}

uint64_t layered_disk_size(const struct layered_disk *disk)
{
	return disk->layers[0].size;
}

int layered_disk_top_fd(const struct layered_disk *disk)
{
	return disk->layers[0].fd;
}

unsigned int layered_disk_length(const struct layered_disk *disk)
{
	return disk->layer_count;
}

void layered_disk_sync_lower(struct layered_disk *disk)
{
	disk->lower_unsynced = true;
}

static int sync_lower(struct layered_disk *disk)
{
	if (disk->lower_unsynced && fdatasync(disk->layers[1].fd) < 0)
		return -errno;
	disk->lower_unsynced = false;
	return 0;
}

int layered_disk_flush(struct layered_disk *disk)
{
	int r;

	if (disk->read_only || !layered_disk_top(disk))
		return 0;
	set_loaders(disk, NULL);
	r = qcow2_image_flush(layered_disk_top(disk));
	set_loaders(disk, load_slice);
	return r == 0 ? sync_lower(disk) : r;
}

int layered_disk_grow(struct layered_disk *disk, uint64_t size)
{
	struct qcow2_image *image = layered_disk_top(disk);
	int r;

	if (disk->read_only || disk->corrupt)
		return -EROFS;
	set_loaders(disk, NULL);
	r = qcow2_image_grow(image, size);
	set_loaders(disk, load_slice);
	disk->layers[0].size = qcow2_image_header(image)->virtual_size;
	return r;
}

static bool open_overlay(struct layer *layer, int fd, uint64_t size,
			 struct block_layer_problem *ret_problem)
{
	int r;

	if (!open_qcow2(layer, fd, IMAGE_READ_WRITE, /* lower= */ true, 0, ret_problem))
		return false;
	r = layer->size == size ? qcow2_image_begin_changes(layer->image) : -EFBIG;
	return r == 0 || refuse(ret_problem, 0, IMAGE_SYSTEM_ERROR, r);
}

int layered_disk_push(struct layered_disk *disk, int fd, struct block_layer_problem *ret_problem)
{
	struct layer layer = {.fd = -1};
	int r;

	if (disk->layer_count == LAYERED_DISK_MAX_LAYERS)
		return -EMFILE;
	if (disk->read_only)
		return -EROFS;
	/* What has no tables to be kept in order can be stored later. */
	r = layered_store_is_needed(disk) ? layered_disk_flush(disk) : sync_lower(disk);
	if (r < 0)
		return r;
	if (!open_overlay(&layer, fd, layered_disk_size(disk), ret_problem)) {
		qcow2_image_forget(layer.image);
		return -EINVAL;
	}
	memmove(&disk->layers[1], &disk->layers[0], disk->layer_count * sizeof(disk->layers[0]));
	disk->layer_count++;
	disk->layers[0] = layer;
	disk->lower_unsynced = true;
	connect_layers(disk);
	return 0;
}

void layered_disk_pop(struct layered_disk *disk)
{
	if (disk->layer_count < 2)
		return;
	close_layer(&disk->layers[0]);
	disk->layer_count--;
	disk->lower_unsynced = false;
	memmove(&disk->layers[0], &disk->layers[1], disk->layer_count * sizeof(disk->layers[0]));
	disk->layers[disk->layer_count] = (struct layer){.fd = -1};
	connect_layers(disk);
}
