/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory balloon (virtio 1.2, section 5.5): pages the guest gives up when it is asked to, free
 * pages it reports by itself, and what its system says about its memory. Such pages go back to this
 * computer at once; a guest that uses one again finds zeros in it.
 *
 * A guest may name any page at any time. It can only lose memory of its own by that.
 *
 * System calls after creation: madvise, write (interrupt), clock_gettime.
 */
#include "virtio/virtio-devices.h"

#include <assert.h>
#include <errno.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/iov.h"
#include "control/statistics-page.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-pci.h"

enum {
	QUEUE_SIZE = 128,
	PAGE_SIZE = 1 << VIRTIO_BALLOON_PFN_SHIFT,
	NUMBERS_AT_ONCE = 256,     /* what Linux names in one request */
	NUMBERS_OF_REQUEST = 1024, /* what Windows does; more than that is not looked at */
	NUMBERS_PER_TURN = 2048,
	STATISTICS_ENTRIES = 32, /* more than there are tags */
	CLASS_OTHER = 0xff0000,  /* no class fits */
};

#define REPORTED_PER_TURN (256ULL << 20) /* bytes; of one request too */
#define ASK_INTERVAL_NS   1000000000ULL

/*
 * There is no queue of free page hints. Drivers disagree on whether the queue behind it moves up
 * then, so both places are queues of reported pages.
 */
enum {
	QUEUE_INFLATE,
	QUEUE_DEFLATE,
	QUEUE_STATISTICS,
	QUEUE_REPORTING,
	QUEUE_REPORTING_NOT_MOVED,
	QUEUES,
};

struct virtio_balloon {
	struct virtio_device device; /* first */
	struct guest_memory *memory;
	struct statistics_page *page;
	struct virtio_balloon_config config;
	bool statistics_held; /* the buffer the guest answers in waits here to be asked for */
	uint16_t statistics_head;
	uint64_t asked_ns;
};

static struct virtio_balloon *from_device(struct virtio_device *device)
{
	return (void *)((char *)device - offsetof(struct virtio_balloon, device));
}

static void *page_at(const struct virtio_balloon *balloon, uint32_t number)
{
	return guest_memory_at(balloon->memory, (uint64_t)number << VIRTIO_BALLOON_PFN_SHIFT,
			       PAGE_SIZE);
}

/* How many of the numbers from the first on are of pages that follow each other that way. */
static size_t run_length(const struct virtio_balloon *balloon, const uint32_t *numbers,
			 size_t count, uint32_t step)
{
	size_t length = 1;

	while (length < count && numbers[length] == numbers[length - 1] + step &&
	       page_at(balloon, numbers[length]))
		length++;
	return length;
}

/*
 * Pages that follow each other go at once; guests name most of theirs upwards or downwards. Host
 * and guest addresses run alike inside a region, and regions do not touch.
 */
static void discard_pages(struct virtio_balloon *balloon, const uint32_t *numbers, size_t count)
{
	size_t run;

	for (size_t i = 0; i < count; i += run) {
		void *first = page_at(balloon, numbers[i]);

		run = 1;
		if (!first)
			continue;
		run = run_length(balloon, &numbers[i], count - i, 1);
		if (run == 1) {
			run = run_length(balloon, &numbers[i], count - i, UINT32_MAX);
			first = page_at(balloon, numbers[i + run - 1]);
		}
		(void)guest_memory_discard(balloon->memory, first, run * PAGE_SIZE);
	}
}

/* Returns how many page numbers the request has, as far as they are looked at. */
static size_t inflate(struct virtio_balloon *balloon, const struct iovec *iov, unsigned int count)
{
	uint32_t numbers[NUMBERS_AT_ONCE];
	size_t done = 0, got;

	do {
		got = iov_read(iov, count, done * sizeof(numbers[0]), numbers, sizeof(numbers)) /
		      sizeof(numbers[0]);
		for (size_t i = 0; i < got; i++)
			numbers[i] = le32toh(numbers[i]);
		discard_pages(balloon, numbers, got);
		done += got;
	} while (got == NUMBERS_AT_ONCE && done < NUMBERS_OF_REQUEST);
	return done;
}

/* Returns how many bytes were given back. */
static uint64_t take_reported(struct virtio_balloon *balloon, const struct iovec *iov,
			      unsigned int count)
{
	uint64_t done = 0;

	for (unsigned int i = 0; i < count && done < REPORTED_PER_TURN; i++) {
		uint64_t length = iov[i].iov_len;

		if (length > REPORTED_PER_TURN - done)
			length = REPORTED_PER_TURN - done;
		if (guest_memory_discard(balloon->memory, iov[i].iov_base, length) == 0)
			done += length;
	}
	statistics_add(&balloon->page->memory.reported_bytes, done);
	return done;
}

static uint64_t *value_of_tag(struct statistics_guest_memory *guest, uint16_t tag)
{
	switch (tag) {
	case VIRTIO_BALLOON_S_SWAP_IN:
		return &guest->swapped_in;
	case VIRTIO_BALLOON_S_SWAP_OUT:
		return &guest->swapped_out;
	case VIRTIO_BALLOON_S_MAJFLT:
		return &guest->major_faults;
	case VIRTIO_BALLOON_S_MINFLT:
		return &guest->minor_faults;
	case VIRTIO_BALLOON_S_MEMFREE:
		return &guest->free;
	case VIRTIO_BALLOON_S_MEMTOT:
		return &guest->total;
	case VIRTIO_BALLOON_S_AVAIL:
		return &guest->available;
	case VIRTIO_BALLOON_S_CACHES:
		return &guest->caches;
	default:
		return NULL;
	}
}

/* Readers of the page judge what they see; nothing here depends on it. */
static void take_statistics(struct virtio_balloon *balloon, const struct iovec *iov,
			    unsigned int count)
{
	struct virtio_balloon_stat entries[STATISTICS_ENTRIES];
	size_t got = iov_read(iov, count, 0, entries, sizeof(entries)) / sizeof(entries[0]);
	struct statistics_guest_memory guest = {0};

	/* The first buffer comes unasked and may be empty. */
	if (got == 0)
		return;
	for (size_t i = 0; i < got; i++) {
		uint64_t *value = value_of_tag(&guest, load_le16(&entries[i].tag));

		if (value)
			*value = load_le64(&entries[i].val);
	}
	guest.answered_ns = event_loop_now();
	statistics_page_begin(balloon->page);
	balloon->page->guest_memory = guest;
	statistics_page_end(balloon->page);
}

static void hold_statistics(struct virtio_balloon *balloon, uint16_t head)
{
	/* There should be one buffer only; a second one takes the place of the first. */
	if (balloon->statistics_held)
		virtqueue_push(&balloon->device.queues[QUEUE_STATISTICS], balloon->statistics_head,
			       0);
	balloon->statistics_held = true;
	balloon->statistics_head = head;
}

/* Serves one request; returns its share of a turn, of NUMBERS_PER_TURN. */
static size_t serve(struct virtio_balloon *balloon, unsigned int index, const struct iovec *iov,
		    const struct virtqueue_chain *chain)
{
	size_t cost = 1;

	switch (index) {
	case QUEUE_INFLATE:
		cost += inflate(balloon, iov, chain->readable_count);
		break;
	case QUEUE_DEFLATE: /* the pages come back when they are used */
		break;
	case QUEUE_STATISTICS:
		take_statistics(balloon, iov, chain->readable_count);
		hold_statistics(balloon, chain->head);
		return cost;
	default:
		cost += take_reported(balloon, iov + chain->readable_count, chain->writable_count) /
			(REPORTED_PER_TURN / NUMBERS_PER_TURN);
		break;
	}
	virtqueue_push(&balloon->device.queues[index], chain->head, 0);
	return cost;
}

static bool virtio_balloon_process(struct virtio_device *device, unsigned int index)
{
	struct virtio_balloon *balloon = from_device(device);
	struct virtqueue *queue = &device->queues[index];
	struct iovec iov[QUEUE_SIZE];
	struct virtqueue_chain chain;
	size_t cost = 0;
	int r = 0;

	virtqueue_disable_notification(queue);
	do {
		while (cost < NUMBERS_PER_TURN && (r = virtqueue_pop(queue, iov, &chain)) > 0)
			cost += serve(balloon, index, iov, &chain);
	} while (virtqueue_enable_notification(queue) && r >= 0 && cost < NUMBERS_PER_TURN);
	virtio_device_publish(device, index);
	if (r < 0)
		virtio_device_set_broken(device, queue->fault);
	return r >= 0 && cost >= NUMBERS_PER_TURN;
}

static void note_size(struct virtio_balloon *balloon)
{
	__atomic_store_n(&balloon->page->memory.balloon_bytes,
			 (uint64_t)le32toh(balloon->config.actual) << VIRTIO_BALLOON_PFN_SHIFT,
			 __ATOMIC_RELAXED);
}

/* Section 5.5.4: the one field that is the driver's. */
static void virtio_balloon_write_config(struct virtio_device *device, uint64_t offset,
					unsigned int size, uint64_t value)
{
	struct virtio_balloon *balloon = from_device(device);

	if (offset != offsetof(struct virtio_balloon_config, actual) ||
	    size != sizeof(balloon->config.actual))
		return;
	balloon->config.actual = htole32((uint32_t)value);
	note_size(balloon);
}

/* A driver that lets go of the device has all its memory again. What it is asked for stays. */
static bool virtio_balloon_stop(struct virtio_device *device)
{
	struct virtio_balloon *balloon = from_device(device);

	balloon->statistics_held = false;
	balloon->config.actual = 0;
	note_size(balloon);
	return true;
}

static void virtio_balloon_destroy(struct virtio_device *device)
{
	free(from_device(device));
}

static void virtio_balloon_save(const struct virtio_device *device, struct state_writer *writer)
{
	const struct virtio_balloon *balloon = (const struct virtio_balloon *)device;

	state_writer_put32(writer, le32toh(balloon->config.num_pages));
	state_writer_put32(writer, le32toh(balloon->config.actual));
	state_writer_put_bool(writer, balloon->statistics_held);
	state_writer_put16(writer, balloon->statistics_head);
}

/* What the guest was asked for is asked for here too. */
static void note_target(struct virtio_balloon *balloon, uint32_t pages)
{
	balloon->config.num_pages = htole32(pages);
	statistics_page_begin(balloon->page);
	balloon->page->memory.balloon_target = (uint64_t)pages << VIRTIO_BALLOON_PFN_SHIFT;
	statistics_page_end(balloon->page);
}

static void virtio_balloon_load(struct virtio_device *device, struct state_reader *reader)
{
	struct virtio_balloon *balloon = from_device(device);
	uint32_t pages = state_reader_get32(reader);

	balloon->config.actual = htole32(state_reader_get32(reader));
	balloon->statistics_held = state_reader_get_bool(reader);
	balloon->statistics_head = state_reader_get16(reader);
	if (!state_reader_check(reader,
				(uint64_t)pages << VIRTIO_BALLOON_PFN_SHIFT <=
					guest_memory_size(balloon->memory),
				"the balloon is larger than the memory"))
		return;
	note_target(balloon, pages);
	note_size(balloon);
}

static unsigned int virtio_balloon_held(const struct virtio_device *device, unsigned int queue)
{
	return queue == QUEUE_STATISTICS &&
	       ((const struct virtio_balloon *)device)->statistics_held;
}

static const struct virtio_device_ops virtio_balloon_ops = {
	.process = virtio_balloon_process,
	.write_config = virtio_balloon_write_config,
	.stop = virtio_balloon_stop,
	.destroy = virtio_balloon_destroy,
	.save = virtio_balloon_save,
	.load = virtio_balloon_load,
	.held = virtio_balloon_held,
};

void virtio_balloon_set_target(struct virtio_device *device, uint64_t bytes)
{
	struct virtio_balloon *balloon = from_device(device);

	assert(bytes % PAGE_SIZE == 0 && bytes <= guest_memory_size(balloon->memory));
	balloon->config.num_pages = htole32((uint32_t)(bytes >> VIRTIO_BALLOON_PFN_SHIFT));
	statistics_page_begin(balloon->page);
	balloon->page->memory.balloon_target = bytes;
	statistics_page_end(balloon->page);
	virtio_device_config_changed(device);
}

void virtio_balloon_ask_statistics(struct virtio_device *device)
{
	struct virtio_balloon *balloon = from_device(device);
	uint64_t now = event_loop_now();

	if (!balloon->statistics_held || device->paused ||
	    now - balloon->asked_ns < ASK_INTERVAL_NS)
		return;
	balloon->asked_ns = now;
	balloon->statistics_held = false;
	virtqueue_push(&device->queues[QUEUE_STATISTICS], balloon->statistics_head, 0);
	virtio_device_publish(device, QUEUE_STATISTICS);
}

int virtio_balloon_create(const struct virtio_host *host, uint8_t devfn,
			  struct statistics_page *page, struct virtio_device **ret_device)
{
	const uint64_t features = 1ULL << VIRTIO_BALLOON_F_STATS_VQ |
				  1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
				  1ULL << VIRTIO_BALLOON_F_REPORTING;
	struct virtio_balloon *balloon = calloc(1, sizeof(*balloon));
	int r;

	if (!balloon)
		return -ENOMEM;
	balloon->memory = host->memory;
	balloon->page = page;
	virtio_device_init(&balloon->device, &virtio_balloon_ops, VIRTIO_ID_BALLOON, features);
	for (unsigned int i = 0; i < QUEUES; i++)
		virtio_device_add_queue(&balloon->device, host->memory, QUEUE_SIZE);
	balloon->device.config = &balloon->config;
	/* Up to what is offered: no hints, no poison. */
	balloon->device.config_size = offsetof(struct virtio_balloon_config, free_page_hint_cmd_id);
	r = virtio_pci_create(host, devfn, CLASS_OTHER, &balloon->device);
	if (r < 0) {
		free(balloon);
		return r;
	}
	*ret_device = &balloon->device;
	return 0;
}
