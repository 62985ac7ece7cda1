/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both ends of a ring over memory that a peer filled and goes on writing to. Input: the number of
 * slots as a power of two, an image of the memory, and a script of what the ends and the peer do.
 */
#include "protocol/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOT_SIZE = 16, MAX_LOG_SLOTS = 3 };

enum step {
	STEP_POP,
	STEP_PREPARE_SLEEP,
	STEP_PUSH,
	STEP_PUSH_OR_DROP,
	STEP_TAKE_WAKEUP,
	STEP_SCRIBBLE_PRODUCER, /* the next byte is the low one of the index */
	STEP_SCRIBBLE_CONSUMER,
	N_STEPS,
};

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take_byte(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void pop(struct ring *ring)
{
	uint8_t slot[SLOT_SIZE];
	uint32_t before = ring->own;
	int r = ring_pop(ring, slot);

	must(r == 1 || r == 0 || r == -EPROTO);
	must(ring->own - before == (r == 1));
}

static void push(struct ring *ring, int (*push_slot)(struct ring *ring, const void *slot))
{
	const uint8_t slot[SLOT_SIZE] = {0x5a};
	uint32_t before = ring->own;
	int r = push_slot(ring, slot);

	must(r == 0 || r == -EAGAIN || r == -EPROTO);
	must(ring->own - before <= (r == 0));
}

static void run_step(struct ring *producer, struct ring *consumer, struct input *input)
{
	int r;

	switch ((enum step)(take_byte(input) % N_STEPS)) {
	case STEP_POP:
		pop(consumer);
		break;
	case STEP_PREPARE_SLEEP:
		r = ring_prepare_sleep(consumer);
		must(r == 1 || r == 0 || r == -EPROTO);
		break;
	case STEP_PUSH:
		push(producer, ring_push);
		break;
	case STEP_PUSH_OR_DROP:
		push(producer, ring_push_or_drop);
		break;
	case STEP_TAKE_WAKEUP:
		(void)ring_take_wakeup(producer);
		must(!ring_take_wakeup(producer));
		break;
	case STEP_SCRIBBLE_PRODUCER:
		producer->memory->producer = (uint32_t)(int8_t)take_byte(input);
		break;
	case STEP_SCRIBBLE_CONSUMER:
		consumer->memory->consumer = (uint32_t)(int8_t)take_byte(input);
		break;
	case N_STEPS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.data = data, .size = size};
	uint32_t slots = 1u << (take_byte(&input) & MAX_LOG_SLOTS);
	size_t memory_size = ring_size(slots, SLOT_SIZE);
	size_t image_size = input.size < memory_size ? input.size : memory_size;
	uint8_t *memory = aligned_alloc(64, (memory_size + 63) & ~(size_t)63);
	struct ring producer, consumer;

	must(memory);
	memset(memory, 0, memory_size);
	memcpy(memory, input.data, image_size);
	input.data += image_size;
	input.size -= image_size;
	ring_init(&producer, memory, slots, SLOT_SIZE);
	ring_init(&consumer, memory, slots, SLOT_SIZE);
	do
		run_step(&producer, &consumer, &input);
	while (input.size > 0);
	free(memory);
	return 0;
}
