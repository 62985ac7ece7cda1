/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A single-producer single-consumer ring of fixed-size slots in memory shared with another
 * process, after Xen's rings and io_uring: free-running 32-bit indices, each on a line of its own,
 * and a flag by which a consumer that is about to sleep asks for a wakeup.
 *
 * The peer may write anything anywhere in the memory at any time. Each end therefore keeps its
 * own index privately and never reads it back, checks the peer's index against it, and copies a
 * slot once. Every call does a bounded amount of work and no system call. Ringing the doorbell and
 * sleeping are the caller's.
 *
 * A producer pushes, then asks ring_take_wakeup() once per burst and rings if it says so. A
 * consumer pops until ring_pop() returns 0, then calls ring_prepare_sleep() and sleeps only if
 * that returns 0.
 */
#pragma once

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_MAX_SLOTS = 4096 };

/* The head of a ring in shared memory; the slots follow. Zeroed memory is an empty ring. */
struct ring_memory {
	/* the producer's line */
	alignas(64) uint32_t producer; /* slots pushed so far */
	uint32_t dropped;              /* slots a lossy producer threw away so far */
	/* the consumer's line */
	alignas(64) uint32_t consumer; /* slots popped so far */
	uint32_t need_wakeup;          /* set by the consumer, cleared by who takes the wakeup */
};

static_assert(sizeof(struct ring_memory) == 128, "one line for each end");

/* One end's private view. One thread at a time. */
struct ring {
	struct ring_memory *memory;
	uint64_t *slots;     /* in shared memory */
	uint32_t slot_words; /* 64-bit words of one slot */
	uint32_t slot_count; /* a power of two */
	uint32_t own;        /* this end's index; the copy in memory is for the peer only */
};

/* Whether a ring can have so many slots: a power of two, at most RING_MAX_SLOTS. */
static inline bool ring_slot_count_valid(uint32_t slot_count)
{
	return slot_count > 0 && slot_count <= RING_MAX_SLOTS &&
	       (slot_count & (slot_count - 1)) == 0;
}

/* Bytes in shared memory. slot_size: a multiple of 8. */
static inline size_t ring_size(uint32_t slot_count, size_t slot_size)
{
	return sizeof(struct ring_memory) + slot_count * slot_size;
}

/*
 * Views ring_size() bytes of memory, aligned to 64, as an end that has moved nothing yet. Both ends
 * call this once. slot_count must be valid.
 */
void ring_init(struct ring *ring, void *memory, uint32_t slot_count, size_t slot_size);

/* Producer: 0, -EAGAIN when full, -EPROTO when the consumer's index is impossible. */
int ring_push(struct ring *ring, const void *slot);
/* Producer: as ring_push(), but counts the slot as dropped where the ring is full. 0 or -EPROTO. */
int ring_push_or_drop(struct ring *ring, const void *slot);
/* Producer: how many slots can be pushed now; 0 when the consumer's index is impossible. */
uint32_t ring_space(const struct ring *ring);
/* Producer: whether the consumer waits for a doorbell; says so once for each sleep. */
bool ring_take_wakeup(struct ring *ring);

/* Consumer: 1 and a copy in slot, 0 when empty, -EPROTO when the producer's index is impossible. */
int ring_pop(struct ring *ring, void *slot);
/*
 * Consumer: asks for a doorbell. 0: nothing is there, sleep. 1: something has come since, pop it
 * first (the request is withdrawn). -EPROTO as ring_pop().
 */
int ring_prepare_sleep(struct ring *ring);
/* Consumer: how many slots the producer says it has dropped; counts on, and wraps. */
uint32_t ring_dropped(const struct ring *ring);
