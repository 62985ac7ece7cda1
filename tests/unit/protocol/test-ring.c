/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/ring.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/fd.h"

enum { SLOTS = 8 };

struct slot {
	uint64_t value;
	uint64_t check; /* ~value */
};

/* Both ends over the same memory. */
struct fixture {
	struct ring_memory *memory;
	struct ring producer;
	struct ring consumer;
};

static void fixture_set_up(struct fixture *fixture, gconstpointer slot_count)
{
	uint32_t slots = GPOINTER_TO_UINT(slot_count);
	size_t size = ring_size(slots, sizeof(struct slot));

	fixture->memory = aligned_alloc(64, size);
	memset(fixture->memory, 0, size);
	ring_init(&fixture->producer, fixture->memory, slots, sizeof(struct slot));
	ring_init(&fixture->consumer, fixture->memory, slots, sizeof(struct slot));
}

static void fixture_tear_down(struct fixture *fixture, gconstpointer slot_count)
{
	free(fixture->memory);
}

static int push(struct fixture *fixture, uint64_t value)
{
	struct slot slot = {.value = value, .check = ~value};

	return ring_push(&fixture->producer, &slot);
}

static void assert_pops(struct fixture *fixture, uint64_t value)
{
	struct slot slot;

	g_assert_cmpint(ring_pop(&fixture->consumer, &slot), ==, 1);
	g_assert_cmpuint(slot.value, ==, value);
	g_assert_cmpuint(slot.check, ==, ~value);
}

static void assert_empty(struct fixture *fixture)
{
	struct slot slot;

	g_assert_cmpint(ring_pop(&fixture->consumer, &slot), ==, 0);
}

static void test_slot_counts(void)
{
	g_assert_true(ring_slot_count_valid(1));
	g_assert_true(ring_slot_count_valid(RING_MAX_SLOTS));
	g_assert_false(ring_slot_count_valid(0));
	g_assert_false(ring_slot_count_valid(3));
	g_assert_false(ring_slot_count_valid(RING_MAX_SLOTS * 2));
	g_assert_false(ring_slot_count_valid(UINT32_MAX));
}

static void test_order_and_full(struct fixture *fixture, gconstpointer slot_count)
{
	assert_empty(fixture);
	for (uint64_t i = 0; i < SLOTS; i++)
		g_assert_cmpint(push(fixture, i), ==, 0);
	g_assert_cmpuint(ring_space(&fixture->producer), ==, 0);
	g_assert_cmpint(push(fixture, SLOTS), ==, -EAGAIN);
	assert_pops(fixture, 0);
	g_assert_cmpuint(ring_space(&fixture->producer), ==, 1);
	g_assert_cmpint(push(fixture, SLOTS), ==, 0);
	for (uint64_t i = 1; i <= SLOTS; i++)
		assert_pops(fixture, i);
	assert_empty(fixture);
}

static void test_index_wraps(struct fixture *fixture, gconstpointer slot_count)
{
	const uint32_t start = UINT32_MAX - 3;

	fixture->producer.own = fixture->consumer.own = start;
	fixture->memory->producer = fixture->memory->consumer = start;
	for (uint64_t i = 0; i < 5 * SLOTS; i++) {
		g_assert_cmpint(push(fixture, i), ==, 0);
		assert_pops(fixture, i);
	}
	for (uint64_t i = 0; i < SLOTS; i++)
		g_assert_cmpint(push(fixture, i), ==, 0);
	g_assert_cmpint(push(fixture, SLOTS), ==, -EAGAIN);
}

static void test_lossy(struct fixture *fixture, gconstpointer slot_count)
{
	for (uint64_t i = 0; i < SLOTS + 5; i++) {
		struct slot slot = {.value = i, .check = ~i};

		g_assert_cmpint(ring_push_or_drop(&fixture->producer, &slot), ==, 0);
	}
	g_assert_cmpuint(ring_dropped(&fixture->consumer), ==, 5);
	for (uint64_t i = 0; i < SLOTS; i++)
		assert_pops(fixture, i);
	assert_empty(fixture);
}

static void test_wakeup_once_per_sleep(struct fixture *fixture, gconstpointer slot_count)
{
	g_assert_false(ring_take_wakeup(&fixture->producer));
	g_assert_cmpint(ring_prepare_sleep(&fixture->consumer), ==, 0);
	for (uint64_t i = 0; i < 4; i++)
		g_assert_cmpint(push(fixture, i), ==, 0);
	g_assert_true(ring_take_wakeup(&fixture->producer));
	g_assert_false(ring_take_wakeup(&fixture->producer));

	/* no sleep while something is there, and no doorbell for it */
	g_assert_cmpint(ring_prepare_sleep(&fixture->consumer), ==, 1);
	g_assert_false(ring_take_wakeup(&fixture->producer));
}

static void test_lying_producer(struct fixture *fixture, gconstpointer slot_count)
{
	const uint32_t lies[] = {SLOTS + 1, UINT32_MAX, 1u << 31};
	struct slot slot;

	for (size_t i = 0; i < G_N_ELEMENTS(lies); i++) {
		fixture->memory->producer = lies[i];
		g_assert_cmpint(ring_pop(&fixture->consumer, &slot), ==, -EPROTO);
		g_assert_cmpint(ring_prepare_sleep(&fixture->consumer), ==, -EPROTO);
	}
	/* going back over what was popped is the same lie */
	fixture->memory->producer = 2;
	g_assert_cmpint(ring_pop(&fixture->consumer, &slot), ==, 1);
	g_assert_cmpint(ring_pop(&fixture->consumer, &slot), ==, 1);
	fixture->memory->producer = 1;
	g_assert_cmpint(ring_pop(&fixture->consumer, &slot), ==, -EPROTO);
}

static void test_lying_consumer(struct fixture *fixture, gconstpointer slot_count)
{
	struct slot slot = {0};

	fixture->memory->consumer = 1; /* ahead of the producer */
	g_assert_cmpint(push(fixture, 0), ==, -EPROTO);
	g_assert_cmpint(ring_push_or_drop(&fixture->producer, &slot), ==, -EPROTO);
	g_assert_cmpuint(ring_dropped(&fixture->consumer), ==, 0);
}

/* Each end believes its own index, whatever the peer writes over it. */
static void test_own_index_is_private(struct fixture *fixture, gconstpointer slot_count)
{
	g_assert_cmpint(push(fixture, 0), ==, 0);
	fixture->memory->producer = 1000;
	g_assert_cmpint(push(fixture, 1), ==, 0);
	g_assert_cmpuint(fixture->memory->producer, ==, 2);

	fixture->memory->consumer = 1000;
	assert_pops(fixture, 0);
	assert_pops(fixture, 1);
	g_assert_cmpuint(fixture->memory->consumer, ==, 2);
}

/* Two threads that sleep whenever they can. A lost wakeup hangs, so the test would time out. */
enum { HAMMER_SLOTS = 64, HAMMER_VALUES = 200000 };

struct hammer {
	struct fixture *fixture;
	int doorbell;
	unsigned int rings;
};

static gpointer hammer_producer(gpointer data)
{
	struct hammer *hammer = data;

	for (uint64_t i = 0; i < HAMMER_VALUES;) {
		int r = push(hammer->fixture, i);

		if (r == -EAGAIN) {
			g_thread_yield();
			continue;
		}
		g_assert_cmpint(r, ==, 0);
		i++;
		if (ring_take_wakeup(&hammer->fixture->producer)) {
			hammer->rings++;
			fd_event_signal(hammer->doorbell);
		}
	}
	return NULL;
}

static void test_hammer(struct fixture *fixture, gconstpointer slot_count)
{
	struct hammer hammer = {.fixture = fixture, .doorbell = eventfd(0, EFD_CLOEXEC)};
	GThread *thread = g_thread_new("producer", hammer_producer, &hammer);
	uint64_t expected = 0;
	struct slot slot;
	int r;

	while (expected < HAMMER_VALUES) {
		r = ring_pop(&fixture->consumer, &slot);
		if (r == 0) {
			r = ring_prepare_sleep(&fixture->consumer);
			if (r == 0)
				(void)fd_event_drain(hammer.doorbell); /* sleeps: it blocks */
			continue;
		}
		g_assert_cmpint(r, ==, 1);
		g_assert_cmpuint(slot.value, ==, expected);
		g_assert_cmpuint(slot.check, ==, ~expected);
		expected++;
	}
	g_thread_join(thread);
	assert_empty(fixture);
	g_test_message("%u doorbells for %u slots", hammer.rings, HAMMER_VALUES);
	fd_close(&hammer.doorbell);
}

#define ADD(path, slots, function)                                                          \
	g_test_add(path, struct fixture, GUINT_TO_POINTER(slots), fixture_set_up, function, \
		   fixture_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ring/slot-counts", test_slot_counts);
	ADD("/ring/order-and-full", SLOTS, test_order_and_full);
	ADD("/ring/index-wraps", SLOTS, test_index_wraps);
	ADD("/ring/lossy", SLOTS, test_lossy);
	ADD("/ring/wakeup-once-per-sleep", SLOTS, test_wakeup_once_per_sleep);
	ADD("/ring/lying-producer", SLOTS, test_lying_producer);
	ADD("/ring/lying-consumer", SLOTS, test_lying_consumer);
	ADD("/ring/own-index-is-private", SLOTS, test_own_index_is_private);
	ADD("/ring/hammer", HAMMER_SLOTS, test_hammer);
	return g_test_run();
}
