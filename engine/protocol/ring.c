/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Single-producer single-consumer rings in memory shared with an untrusted peer.
 */
#include "protocol/ring.h"

#include <errno.h>
#include <string.h>

void ring_init(struct ring *ring, void *memory, uint32_t slot_count, size_t slot_size)
{
	assert(ring_slot_count_valid(slot_count));
	assert(slot_size > 0 && slot_size % sizeof(uint64_t) == 0);

	ring->memory = memory;
	ring->slots = (uint64_t *)(void *)((char *)memory + sizeof(struct ring_memory));
	ring->slot_words = (uint32_t)(slot_size / sizeof(uint64_t));
	ring->slot_count = slot_count;
	ring->own = 0;
}

static uint64_t *ring_slot(const struct ring *ring)
{
	return ring->slots + (size_t)(ring->own & (ring->slot_count - 1)) * ring->slot_words;
}

/*
 * Slots are copied with atomic loads and stores of whole words, so that the compiler can neither
 * read one again after the copy was checked nor tear it.
 */
static void store_slot(const struct ring *ring, const void *slot)
{
	uint64_t *to = ring_slot(ring);

	for (uint32_t i = 0; i < ring->slot_words; i++) {
		uint64_t word;

		memcpy(&word, (const char *)slot + i * sizeof(word), sizeof(word));
		__atomic_store_n(&to[i], word, __ATOMIC_RELAXED);
	}
}

static void load_slot(const struct ring *ring, void *slot)
{
	const uint64_t *from = ring_slot(ring);

	for (uint32_t i = 0; i < ring->slot_words; i++) {
		uint64_t word = __atomic_load_n(&from[i], __ATOMIC_RELAXED);

		memcpy((char *)slot + i * sizeof(word), &word, sizeof(word));
	}
}

int ring_push(struct ring *ring, const void *slot)
{
	/* acquire: the consumer has finished with the slots it gives back */
	uint32_t consumer = __atomic_load_n(&ring->memory->consumer, __ATOMIC_ACQUIRE);
	uint32_t used = ring->own - consumer;

	if (used > ring->slot_count)
		return -EPROTO;
	if (used == ring->slot_count)
		return -EAGAIN;
	store_slot(ring, slot);
	ring->own++;
	__atomic_store_n(&ring->memory->producer, ring->own, __ATOMIC_RELEASE);
	return 0;
}

int ring_push_or_drop(struct ring *ring, const void *slot)
{
	int r = ring_push(ring, slot);

	if (r != -EAGAIN)
		return r;
	__atomic_fetch_add(&ring->memory->dropped, 1, __ATOMIC_RELEASE);
	return 0;
}

uint32_t ring_space(const struct ring *ring)
{
	uint32_t used = ring->own - __atomic_load_n(&ring->memory->consumer, __ATOMIC_RELAXED);

	return used > ring->slot_count ? 0 : ring->slot_count - used;
}

/*
 * Both ends exchange need_wakeup, and the order of the two exchanges decides: if the consumer's
 * came first, the producer's reads 1 and it rings; if the producer's came first, the consumer's
 * reads what it wrote, so the consumer sees every slot pushed before and does not sleep. No fence
 * is needed, and clearing the flag is what makes a burst cost one wakeup.
 */
bool ring_take_wakeup(struct ring *ring)
{
	return __atomic_exchange_n(&ring->memory->need_wakeup, 0, __ATOMIC_ACQ_REL) != 0;
}

/* Slots to pop, or -EPROTO. */
static int ring_available(const struct ring *ring)
{
	/* acquire: the slots up to this index are written */
	uint32_t producer = __atomic_load_n(&ring->memory->producer, __ATOMIC_ACQUIRE);
	uint32_t available = producer - ring->own;

	return available <= ring->slot_count ? (int)available : -EPROTO;
}

int ring_pop(struct ring *ring, void *slot)
{
	int available = ring_available(ring);

	if (available <= 0)
		return available;
	load_slot(ring, slot);
	ring->own++;
	__atomic_store_n(&ring->memory->consumer, ring->own, __ATOMIC_RELEASE);
	return 1;
}

int ring_prepare_sleep(struct ring *ring)
{
	int available;

	__atomic_exchange_n(&ring->memory->need_wakeup, 1, __ATOMIC_ACQ_REL);
	available = ring_available(ring);
	if (available <= 0)
		return available;
	__atomic_store_n(&ring->memory->need_wakeup, 0, __ATOMIC_RELAXED);
	return 1;
}

uint32_t ring_dropped(const struct ring *ring)
{
	return __atomic_load_n(&ring->memory->dropped, __ATOMIC_ACQUIRE);
}
