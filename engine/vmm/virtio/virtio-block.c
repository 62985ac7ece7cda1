/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Block device (virtio 1.2, section 5.2) over a block backend.
 *
 * What one notification finds goes to the backend as one batch, and what the backend completes as
 * one batch is shown to the guest with at most one interrupt. How much one notification finds is
 * up to notification-moderation.h: what it lets wait stays in the queue, so there is nothing of it
 * to be saved, drained or given up.
 */
#include "virtio/virtio-devices.h"

#include <assert.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/iov.h"
#include "block/block-backend.h"
#include "loop/event-loop.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/notification-moderation.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-pci.h"

enum {
	QUEUE_SIZE = 128,
	SEGMENTS = QUEUE_SIZE - 2, /* besides header and status */
	SECTOR_SIZE = 512,
	SECTORS_PER_PAGE_SHIFT = 3,  /* told as physical block: 4 KiB */
	ERASE_MAX_SECTORS = 1 << 21, /* of one discard or write-zeroes: 1 GiB */
	ROUNDS_PER_TURN = 4,
	CLASS_STORAGE = 0x018000, /* mass storage, other */
};

struct virtio_block_request {
	struct block_request io;
	struct virtio_block *block;
	struct virtio_block_request *next_free;
	uint8_t *status; /* in guest memory, never read */
	uint32_t written;
	uint16_t head;
	struct iovec iov[QUEUE_SIZE];
};

struct virtio_block {
	struct virtio_device device; /* first */
	struct block_backend *backend;
	uint64_t capacity; /* sectors */
	struct virtio_blk_config config;
	char serial[VIRTIO_BLOCK_SERIAL_LENGTH];
	unsigned int in_flight;
	struct notification_moderation moderation;
	struct event_timer *look; /* for what the driver need not notify of */
	/*
	 * Last in, first out, so that only as many are ever touched as have been in use at once.
	 * One more than the queue holds: there is always one to take the next request into.
	 */
	struct virtio_block_request *free;
	unsigned int fresh; /* requests from here on have never been used */
	struct virtio_block_request requests[QUEUE_SIZE + 1];
};

static struct virtio_block *from_device(struct virtio_device *device)
{
	return (void *)((char *)device - offsetof(struct virtio_block, device));
}

static struct virtio_block_request *from_io(struct block_request *io)
{
	return (void *)((char *)io - offsetof(struct virtio_block_request, io));
}

static struct virtio_block_request *claim(struct virtio_block *block)
{
	struct virtio_block_request *request = block->free;

	if (request) {
		block->free = request->next_free;
		return request;
	}
	assert(block->fresh <= QUEUE_SIZE);
	request = &block->requests[block->fresh++];
	request->block = block;
	return request;
}

static void release(struct virtio_block_request *request)
{
	request->next_free = request->block->free;
	request->block->free = request;
}

static void finish(struct virtio_block_request *request, uint8_t status)
{
	struct virtio_block *block = request->block;

	/* After a reset the memory belongs to something else. */
	if (virtio_device_running(&block->device)) {
		*request->status = status;
		virtqueue_push(&block->device.queues[0], request->head, request->written);
	}
	release(request);
	block->in_flight--;
	if (block->in_flight == 0)
		virtio_device_idle(&block->device);
}

static bool is_write(const struct block_request *io)
{
	return io->operation == BLOCK_WRITE || io->operation == BLOCK_WRITE_ZEROES;
}

static void on_complete(struct block_request *io, int result)
{
	struct virtio_block_request *request = from_io(io);
	struct virtio_block *block = request->block;

	/* A driver that cannot flush is promised that what has completed is stored (5.2.6.2). */
	if (result == 0 && is_write(io) && virtio_device_running(&block->device) &&
	    !virtio_device_has_feature(&block->device, VIRTIO_BLK_F_FLUSH)) {
		io->operation = BLOCK_FLUSH;
		block_backend_submit(block->backend, io);
		return;
	}
	finish(request, result == 0 ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR);
}

static void on_batch(void *data)
{
	virtio_device_publish(data, 0);
}

static bool inside(const struct virtio_block *block, uint64_t sector, uint64_t sectors)
{
	return sector <= block->capacity && sectors <= block->capacity - sector;
}

static void submit(struct virtio_block_request *request, enum block_operation operation,
		   uint64_t sector, uint64_t length)
{
	request->io.operation = operation;
	request->io.offset = sector * SECTOR_SIZE;
	request->io.length = length;
	request->io.complete = on_complete;
	block_backend_submit(request->block->backend, &request->io);
}

static void transfer(struct virtio_block_request *request, enum block_operation operation,
		     uint64_t sector, struct iovec *iov, unsigned int count)
{
	struct virtio_block *block = request->block;
	uint64_t length = iov_length(iov, count);

	if (length % SECTOR_SIZE || !inside(block, sector, length / SECTOR_SIZE) ||
	    (operation == BLOCK_WRITE && block_backend_read_only(block->backend))) {
		finish(request, VIRTIO_BLK_S_IOERR);
	} else if (length == 0) {
		finish(request, VIRTIO_BLK_S_OK);
	} else {
		request->io.iov = iov;
		request->io.iov_count = count;
		submit(request, operation, sector, length);
	}
}

/* Discard and write zeroes: one segment, flags as section 5.2.6.2 has them. */
static void erase(struct virtio_block_request *request, enum block_operation operation,
		  const struct iovec *iov, unsigned int count)
{
	struct virtio_block *block = request->block;
	struct virtio_blk_discard_write_zeroes segment;
	uint64_t sector, sectors;
	/* Zeroes may be unmapped, if the device likes, which this one does not (5.2.6.2). */
	uint32_t allowed = operation == BLOCK_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;

	if (block_backend_read_only(block->backend) || iov_length(iov, count) != sizeof(segment)) {
		finish(request, VIRTIO_BLK_S_IOERR);
		return;
	}
	iov_read(iov, count, 0, &segment, sizeof(segment));
	sector = le64toh(segment.sector);
	sectors = le32toh(segment.num_sectors);
	if (le32toh(segment.flags) & ~allowed)
		finish(request, VIRTIO_BLK_S_UNSUPP);
	else if (sectors > ERASE_MAX_SECTORS || !inside(block, sector, sectors))
		finish(request, VIRTIO_BLK_S_IOERR);
	else if (sectors == 0)
		finish(request, VIRTIO_BLK_S_OK);
	else
		submit(request, operation, sector, sectors * SECTOR_SIZE);
}

static void get_id(struct virtio_block_request *request, const struct iovec *iov,
		   unsigned int count)
{
	iov_write(iov, count, 0, request->block->serial, sizeof(request->block->serial));
	finish(request, VIRTIO_BLK_S_OK);
}

static void dispatch(struct virtio_block_request *request, const struct virtio_blk_outhdr *header,
		     struct iovec *readable, unsigned int readable_count, struct iovec *writable,
		     unsigned int writable_count)
{
	uint64_t sector = le64toh(header->sector);

	switch (le32toh(header->type)) {
	case VIRTIO_BLK_T_IN:
		transfer(request, BLOCK_READ, sector, writable, writable_count);
		break;
	case VIRTIO_BLK_T_OUT:
		transfer(request, BLOCK_WRITE, sector, readable, readable_count);
		break;
	case VIRTIO_BLK_T_FLUSH:
		submit(request, BLOCK_FLUSH, 0, 0);
		break;
	case VIRTIO_BLK_T_GET_ID:
		get_id(request, writable, writable_count);
		break;
	case VIRTIO_BLK_T_DISCARD:
		erase(request, BLOCK_DISCARD, readable, readable_count);
		break;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		erase(request, BLOCK_WRITE_ZEROES, readable, readable_count);
		break;
	default:
		finish(request, VIRTIO_BLK_S_UNSUPP);
		break;
	}
}

/*
 * Nothing is assumed about how the parts are laid out in buffers (section 2.7.4.1): the header is
 * the first 16 readable bytes, the status the last writable one. Without them there is no answer.
 */
static bool start(struct virtio_block_request *request, const struct virtqueue_chain *chain)
{
	struct iovec *readable = request->iov;
	struct iovec *writable = request->iov + chain->readable_count;
	unsigned int readable_count = chain->readable_count;
	unsigned int writable_count = chain->writable_count;
	struct virtio_blk_outhdr header;
	struct iovec *last;

	if (chain->readable_length < sizeof(header) || chain->writable_length < 1 ||
	    chain->writable_length > UINT32_MAX)
		return false;
	iov_read(readable, readable_count, 0, &header, sizeof(header));
	iov_drop_front(&readable, &readable_count, sizeof(header));
	last = &writable[writable_count - 1];
	request->status = (uint8_t *)last->iov_base + last->iov_len - 1;
	iov_keep_front(writable, &writable_count, chain->writable_length - 1);
	request->written = (uint32_t)chain->writable_length;
	request->head = chain->head;
	request->block->in_flight++;
	dispatch(request, &header, readable, readable_count, writable, writable_count);
	return true;
}

/* Everything that is in the queue now, to the backend. How much that was. */
static unsigned int take_requests(struct virtio_block *block)
{
	struct virtqueue *queue = &block->device.queues[0];
	const char *reason = NULL;
	unsigned int count = 0;

	while (!reason) {
		struct virtio_block_request *request = claim(block);
		struct virtqueue_chain chain;
		int r = virtqueue_pop(queue, request->iov, &chain);

		if (r > 0 && start(request, &chain)) {
			count++;
			continue;
		}
		release(request);
		if (r == 0)
			return count;
		reason = r < 0 ? queue->fault : "block request without header or status";
	}
	virtio_device_set_broken(&block->device, reason);
	return count;
}

/* Some of a batch that has not come may be there. */
static void on_look(void *data)
{
	virtio_device_notified(data, 0);
}

static bool virtio_block_process(struct virtio_device *device, unsigned int index)
{
	struct virtio_block *block = from_device(device);
	struct virtqueue *queue = &device->queues[index];
	unsigned int rounds = 0, wanted = 1;
	bool more;

	do {
		uint64_t began_ns = event_loop_now();
		unsigned int count;

		virtqueue_disable_notification(queue);
		count = take_requests(block);
		block_backend_kick(block->backend);
		/* What the host's cache could answer is done already. */
		block_backend_reap(block->backend);
		if (queue->event_idx)
			wanted = notification_moderation_next(&block->moderation, count, began_ns);
		more = virtqueue_enable_notification_at(queue, wanted);
	} while (more && ++rounds < ROUNDS_PER_TURN);
	event_timer_set(block->look, wanted > 1 ? block->moderation.deadline_ns : 0);
	virtio_device_publish(device, index);
	return more;
}

static bool virtio_block_stop(struct virtio_device *device)
{
	struct virtio_block *block = from_device(device);

	notification_moderation_init(&block->moderation);
	block_backend_cancel_held(block->backend);
	return block->in_flight == 0;
}

static void virtio_block_drain(struct virtio_device *device)
{
	struct virtio_block *block = from_device(device);

	/* A write that the host cannot store is held again: give it up too. */
	block_backend_drain(block->backend);
	block_backend_cancel_held(block->backend);
	assert(block->in_flight == 0);
}

static void virtio_block_destroy(struct virtio_device *device)
{
	struct virtio_block *block = from_device(device);

	block_backend_set_batch_handler(block->backend, NULL, NULL);
	event_timer_remove(block->look);
	free(block);
}

int virtio_block_grow(struct virtio_device *device, uint64_t size)
{
	struct virtio_block *block = from_device(device);
	uint64_t before = block->capacity;
	int r = block_backend_grow(block->backend, size);

	if (r < 0)
		return r;
	block->capacity = block_backend_size(block->backend) / SECTOR_SIZE;
	block->config.capacity = htole64(block->capacity);
	if (block->capacity != before)
		virtio_device_config_changed(device);
	return 0;
}

static void virtio_block_save(const struct virtio_device *device, struct state_writer *writer)
{
	const struct virtio_block *block = (const struct virtio_block *)device;

	state_writer_put64(writer, block->capacity);
}

static void virtio_block_load(struct virtio_device *device, struct state_reader *reader)
{
	uint64_t before = state_reader_get64(reader), capacity = from_device(device)->capacity;

	/* A driver that knows one that was smaller is told, as when it grows. */
	if (state_reader_check(reader, before <= capacity, "a disk is smaller than it was") &&
	    before < capacity)
		virtio_device_config_changed(device);
}

static const struct virtio_device_ops virtio_block_ops = {
	.process = virtio_block_process,
	.stop = virtio_block_stop,
	.drain = virtio_block_drain,
	.destroy = virtio_block_destroy,
	.save = virtio_block_save,
	.load = virtio_block_load,
};

static uint64_t features(const struct block_backend *backend)
{
	uint64_t offered = 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
			   1ULL << VIRTIO_BLK_F_TOPOLOGY | 1ULL << VIRTIO_BLK_F_FLUSH;

	if (block_backend_read_only(backend))
		return offered | 1ULL << VIRTIO_BLK_F_RO;
	return offered | 1ULL << VIRTIO_BLK_F_DISCARD | 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
}

static void fill_config(struct virtio_block *block)
{
	struct virtio_blk_config *config = &block->config;

	config->capacity = htole64(block->capacity);
	config->seg_max = htole32(SEGMENTS);
	config->blk_size = htole32(SECTOR_SIZE);
	config->physical_block_exp = SECTORS_PER_PAGE_SHIFT;
	config->min_io_size = htole16(1 << SECTORS_PER_PAGE_SHIFT);
	if (block_backend_read_only(block->backend))
		return;
	config->max_discard_sectors = htole32(ERASE_MAX_SECTORS);
	config->max_discard_seg = htole32(1);
	config->discard_sector_alignment = htole32(1 << SECTORS_PER_PAGE_SHIFT);
	config->max_write_zeroes_sectors = htole32(ERASE_MAX_SECTORS);
	config->max_write_zeroes_seg = htole32(1);
}

static void init_block(struct virtio_block *block, struct block_backend *backend,
		       const char *serial)
{
	block->backend = backend;
	notification_moderation_init(&block->moderation);
	block->capacity = block_backend_size(backend) / SECTOR_SIZE;
	for (unsigned int i = 0; serial && i < sizeof(block->serial) && serial[i]; i++)
		block->serial[i] = serial[i];
	fill_config(block);
	block->device.config = &block->config;
	/* Up to what is filled in: secure erase and zones are not offered. */
	block->device.config_size = offsetof(struct virtio_blk_config, max_secure_erase_sectors);
}

int virtio_block_create(const struct virtio_host *host, uint8_t devfn,
			struct block_backend *backend, const char *serial,
			struct virtio_device **ret_device)
{
	struct virtio_block *block = calloc(1, sizeof(*block));
	int r;

	if (!block)
		return -ENOMEM;
	virtio_device_init(&block->device, &virtio_block_ops, VIRTIO_ID_BLOCK, features(backend));
	virtio_device_add_queue(&block->device, host->memory, QUEUE_SIZE);
	init_block(block, backend, serial);
	r = event_loop_add_timer(host->loop, on_look, &block->device, &block->look);
	if (r == 0)
		r = virtio_pci_create(host, devfn, CLASS_STORAGE, &block->device);
	if (r < 0) {
		event_timer_remove(block->look);
		free(block);
		return r;
	}
	block_backend_set_batch_handler(backend, on_batch, &block->device);
	*ret_device = &block->device;
	return 0;
}
