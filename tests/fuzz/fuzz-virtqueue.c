/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A split virtqueue whose driver writes anything anywhere. The input is a list of steps; each is a
 * byte that says what to do and what it needs. Memory is as large as guest memory can be small.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "base/byte-order.h"
#include "memory/guest-memory.h"
#include "virtio/virtqueue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_SIZE = 2 << 20, RINGS = 0x1000, MAX_SIZE = 16 };

enum step {
	STEP_DESCRIPTOR, /* table (u8 pages), index (u8), 16 bytes */
	STEP_RING,       /* offset from the rings (u16), value (u16) */
	STEP_AVAILABLE,  /* head (u16): entry and index, as a driver */
	STEP_POP,
	STEP_PUSH, /* which of those taken (u8) */
	STEP_PUBLISH,
	STEP_NOTIFICATION, /* on or off (u8) */
	STEP_RESET,        /* size (u16), features (u8), three addresses (u16 each, times 2) */
	STEP_COUNT,
};

struct input {
	const uint8_t *at, *end;
};

struct player {
	struct guest_memory *memory;
	struct virtqueue queue;
	uint16_t taken[MAX_SIZE];
	unsigned int taken_count;
	uint16_t next_available;
};

static const uint8_t *take(struct input *input, size_t length)
{
	const uint8_t *at = input->at;

	if ((size_t)(input->end - at) < length)
		return NULL;
	input->at += length;
	return at;
}

/* What a device may rely on: every buffer is wholly inside memory, in order, not too many. */
static void check_chain(const struct player *player, const struct iovec *iov,
			const struct virtqueue_chain *chain)
{
	const char *base = guest_memory_at(player->memory, 0, MEMORY_SIZE);
	unsigned int count = chain->readable_count + chain->writable_count;
	uint64_t length = 0;

	assert(chain->head < player->queue.size);
	assert(count <= player->queue.max_size);
	for (unsigned int i = 0; i < count; i++) {
		const char *start = iov[i].iov_base;

		assert(iov[i].iov_len > 0 && iov[i].iov_len <= MEMORY_SIZE);
		assert(start >= base && start - base <= MEMORY_SIZE - (ptrdiff_t)iov[i].iov_len);
		length += iov[i].iov_len;
	}
	assert(length == chain->readable_length + chain->writable_length);
}

static void pop(struct player *player)
{
	struct iovec iov[MAX_SIZE];
	struct virtqueue_chain chain;

	if (virtqueue_pop(&player->queue, iov, &chain) <= 0)
		return;
	check_chain(player, iov, &chain);
	assert(player->taken_count < player->queue.size);
	player->taken[player->taken_count++] = chain.head;
}

static void push(struct player *player, uint8_t which)
{
	unsigned int index;

	if (player->taken_count == 0)
		return;
	index = which % player->taken_count;
	virtqueue_push(&player->queue, player->taken[index], which);
	player->taken[index] = player->taken[--player->taken_count];
}

static void reset(struct player *player, const uint8_t *arguments)
{
	struct virtqueue *queue = &player->queue;

	virtqueue_reset(queue);
	player->taken_count = 0;
	player->next_available = 0;
	queue->size = load_le16(arguments);
	queue->descriptor_gpa = RINGS + 2 * (uint64_t)load_le16(arguments + 3);
	queue->available_gpa = RINGS + 2 * (uint64_t)load_le16(arguments + 5);
	queue->used_gpa = RINGS + 2 * (uint64_t)load_le16(arguments + 7);
	(void)virtqueue_enable(queue, arguments[2] & 1, arguments[2] & 2);
}

static void make_available(struct player *player, uint16_t head)
{
	uint16_t *available = player->queue.available;

	if (!available)
		return;
	available[2 + player->next_available % player->queue.size] = head;
	available[1] = ++player->next_available;
}

static void write_descriptor(struct player *player, const uint8_t *arguments)
{
	guest_memory_write(player->memory, arguments[0] * 0x1000ULL + arguments[1] * 16ULL,
			   arguments + 2, 16);
}

static void take_step(struct player *player, enum step step, const uint8_t *arguments)
{
	switch (step) {
	case STEP_DESCRIPTOR:
		write_descriptor(player, arguments);
		break;
	case STEP_RING:
		guest_memory_write(player->memory, RINGS + (uint64_t)load_le16(arguments),
				   arguments + 2, 2);
		break;
	case STEP_AVAILABLE:
		make_available(player, load_le16(arguments));
		break;
	case STEP_POP:
		pop(player);
		break;
	case STEP_PUSH:
		push(player, arguments[0]);
		break;
	case STEP_PUBLISH:
		(void)virtqueue_publish(&player->queue);
		break;
	case STEP_NOTIFICATION:
		if (arguments[0] & 1)
			(void)virtqueue_enable_notification_at(&player->queue,
							       1 + arguments[0] / 2);
		else
			virtqueue_disable_notification(&player->queue);
		break;
	case STEP_RESET:
		reset(player, arguments);
		break;
	case STEP_COUNT:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t lengths[STEP_COUNT] = {18, 4, 2, 0, 1, 0, 1, 9};
	struct input input = {data, data + size};
	struct player player = {0};
	const uint8_t *step, *arguments;

	if (guest_memory_create(MEMORY_SIZE, &player.memory) < 0)
		return 0;
	virtqueue_init(&player.queue, player.memory, MAX_SIZE);
	while ((step = take(&input, 1))) {
		arguments = take(&input, lengths[*step % STEP_COUNT]);
		if (!arguments)
			break;
		take_step(&player, *step % STEP_COUNT, arguments);
	}
	guest_memory_destroy(player.memory);
	return 0;
}
