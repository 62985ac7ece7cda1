/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device's side of a split virtqueue (virtio 1.2, section 2.7), with indirect descriptors and
 * event indices.
 *
 * The guest owns the memory the rings are in and may write anything there at any time. Every field
 * is copied once and checked; what breaks the rules is a fault: the call answers -EPROTO, says why
 * in queue->fault, and from then on the queue neither takes nor returns anything.
 *
 * Device lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct guest_memory;
struct state_reader;
struct state_writer;

enum { VIRTQUEUE_MAX_SIZE = 256 };

struct virtqueue {
	/* fixed */
	struct guest_memory *memory;
	uint16_t max_size;
	/* chosen by the driver while the queue is not ready; guest-physical addresses */
	uint16_t size;
	uint64_t descriptor_gpa, available_gpa, used_gpa;
	/* while ready */
	bool ready;
	bool indirect, event_idx;  /* negotiated */
	const char *fault;         /* what the guest did wrong, NULL: nothing */
	uint16_t *available;       /* flags, index, ring[size], used_event */
	uint16_t *used;            /* flags, index, ring[size] of 8 bytes, available_event */
	uint16_t next_available;   /* free-running: the next entry to take */
	uint16_t next_used;        /* free-running: the next entry to fill */
	uint16_t published_used;   /* what the guest has been shown of next_used */
	uint16_t interrupted_used; /* next_used when an interrupt was last considered */
	bool interrupt_always;     /* interrupted_used says nothing yet */
};

/* One request: the buffers the device reads come first in the vector, then those it writes. */
struct virtqueue_chain {
	uint16_t head;
	unsigned int readable_count, writable_count;
	uint64_t readable_length, writable_length;
};

/* max_size: a power of two, at most VIRTQUEUE_MAX_SIZE. */
void virtqueue_init(struct virtqueue *queue, struct guest_memory *memory, uint16_t max_size);
/* Back to what it was after virtqueue_init(). */
void virtqueue_reset(struct virtqueue *queue);

/* Starts with the size and addresses the driver has chosen. 0 or -EPROTO. */
int virtqueue_enable(struct virtqueue *queue, bool indirect, bool event_idx);

/*
 * Takes the next request. iov has room for queue->max_size elements; those of zero length are left
 * out. 1, 0 when there is none, or -EPROTO.
 */
int virtqueue_pop(struct virtqueue *queue, struct iovec *iov, struct virtqueue_chain *ret_chain);

/* As if the last requests, of which none has been returned, had not been taken. */
void virtqueue_unpop(struct virtqueue *queue, unsigned int count);

/*
 * Somebody else has served the queue up to there and has nothing of it under way. What the guest
 * has in memory about that is not asked: it may have written anything there.
 */
void virtqueue_take_back(struct virtqueue *queue, uint16_t next_available);

/* Returns a request taken before, in any order; the guest sees it after virtqueue_publish(). */
void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written);
/* Shows the guest what was pushed. Whether it wants an interrupt for that. */
bool virtqueue_publish(struct virtqueue *queue);

/* The guest need not notify while the device is looking at the queue anyway. */
void virtqueue_disable_notification(struct virtqueue *queue);
/* Before the device looks away. True when something came in meanwhile: look again. */
bool virtqueue_enable_notification(struct virtqueue *queue);
/*
 * The same, but of the so-manieth request only (1: the next), and true when so many are there
 * already. Of fewer the guest says nothing: the device has to look by itself some time. Without
 * event indices: of the next.
 */
bool virtqueue_enable_notification_at(struct virtqueue *queue, unsigned int count);

/*
 * To and from a machine's state, where the rings' memory is in its place already. A queue that was
 * in use is put to use again; indirect, event_idx: as for virtqueue_enable().
 */
void virtqueue_save(const struct virtqueue *queue, struct state_writer *writer);
void virtqueue_load(struct virtqueue *queue, struct state_reader *reader, bool indirect,
		    bool event_idx);
/* How many requests have been taken and not been returned. */
unsigned int virtqueue_outstanding(const struct virtqueue *queue);
