/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtqueue.h"

#include <errno.h>
#include <glib.h>
#include <linux/virtio_ring.h>
#include <pthread.h>

#include "memory/guest-memory.h"
#include "virtqueue-driver.h"

enum {
	MEMORY_SIZE = 2 << 20,
	RINGS = 0x10000,
	TABLE = 0x20000,
	BUFFERS = 0x40000,
	SIZE = 8,
};

struct fixture {
	struct guest_memory *memory;
	struct virtqueue queue;
	struct virtqueue_driver driver;
	struct iovec iov[VIRTQUEUE_MAX_SIZE];
	struct virtqueue_chain chain;
};

static void set_up(struct fixture *fixture, uint16_t size, bool indirect, bool event_idx)
{
	struct virtqueue *queue = &fixture->queue;

	g_assert_cmpint(guest_memory_create(MEMORY_SIZE, &fixture->memory), ==, 0);
	virtqueue_driver_init(&fixture->driver, fixture->memory, RINGS, size, event_idx);
	virtqueue_init(queue, fixture->memory, size);
	queue->descriptor_gpa = fixture->driver.descriptor_gpa;
	queue->available_gpa = fixture->driver.available_gpa;
	queue->used_gpa = fixture->driver.used_gpa;
	g_assert_cmpint(virtqueue_enable(queue, indirect, event_idx), ==, 0);
}

static void tear_down(struct fixture *fixture)
{
	guest_memory_destroy(fixture->memory);
}

static int pop(struct fixture *fixture)
{
	return virtqueue_pop(&fixture->queue, fixture->iov, &fixture->chain);
}

static void assert_fault(struct fixture *fixture, const char *reason)
{
	g_assert_cmpint(pop(fixture), ==, -EPROTO);
	g_assert_cmpstr(fixture->queue.fault, ==, reason);
	/* Nothing moves any more. */
	g_assert_cmpint(pop(fixture), ==, -EPROTO);
	g_assert_false(virtqueue_enable_notification(&fixture->queue));
	g_assert_false(virtqueue_publish(&fixture->queue));
	tear_down(fixture);
}

/* A descriptor of the queue's own table. */
static void describe(struct fixture *fixture, uint16_t index, uint64_t gpa, uint32_t length,
		     uint16_t flags, uint16_t next)
{
	virtqueue_driver_set_descriptor(&fixture->driver, RINGS, index, gpa, length, flags, next);
}

static void test_chain(void)
{
	const struct virtqueue_buffer buffers[] = {
		{BUFFERS, 16, false},
		{BUFFERS + 0x1000, 512, false},
		{BUFFERS + 0x2000, 1, true},
	};
	struct fixture fixture;
	uint16_t head, returned;
	uint32_t written;

	set_up(&fixture, SIZE, false, false);
	g_assert_cmpint(pop(&fixture), ==, 0);
	head = virtqueue_driver_add(&fixture.driver, buffers, 3);
	g_assert_cmpint(pop(&fixture), ==, 1);
	g_assert_cmpuint(fixture.chain.head, ==, head);
	g_assert_cmpuint(fixture.chain.readable_count, ==, 2);
	g_assert_cmpuint(fixture.chain.writable_count, ==, 1);
	g_assert_cmpuint(fixture.chain.readable_length, ==, 528);
	g_assert_cmpuint(fixture.chain.writable_length, ==, 1);
	for (unsigned int i = 0; i < 3; i++) {
		g_assert_true(fixture.iov[i].iov_base ==
			      guest_memory_at(fixture.memory, buffers[i].gpa, 1));
		g_assert_cmpuint(fixture.iov[i].iov_len, ==, buffers[i].length);
	}
	g_assert_cmpint(pop(&fixture), ==, 0);

	virtqueue_push(&fixture.queue, head, 7);
	g_assert_false(virtqueue_driver_collect(&fixture.driver, &returned, &written));
	g_assert_true(virtqueue_publish(&fixture.queue));
	g_assert_true(virtqueue_driver_collect(&fixture.driver, &returned, &written));
	g_assert_cmpuint(returned, ==, head);
	g_assert_cmpuint(written, ==, 7);
	/* Nothing new: nothing to interrupt for. */
	g_assert_false(virtqueue_publish(&fixture.queue));
	tear_down(&fixture);
}

/* Free-running 16-bit indices: through zero, for the largest and the smallest queue. */
/* Whatever the guest has written where the other's traces are. */
static void test_take_back(void)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 16, false};
	struct fixture fixture;

	set_up(&fixture, SIZE, false, true);
	virtqueue_driver_add(&fixture.driver, &buffer, 1);
	virtqueue_driver_add(&fixture.driver, &buffer, 1);
	virtqueue_take_back(&fixture.queue, 1);
	g_assert_cmpint(pop(&fixture), ==, 1);
	g_assert_cmpuint(fixture.chain.head, ==, 1);
	virtqueue_push(&fixture.queue, fixture.chain.head, 0);
	g_assert_true(virtqueue_publish(&fixture.queue));
	g_assert_cmpuint(fixture.queue.published_used, ==, 2);
	g_assert_cmpint(pop(&fixture), ==, 0);
	tear_down(&fixture);
}

static void test_wrap(void)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};

	for (uint16_t size = 1; size <= VIRTQUEUE_MAX_SIZE; size *= 16) {
		struct fixture fixture;
		unsigned int total = 0;

		set_up(&fixture, size, false, true);
		while (total < 3 * 65536u) {
			uint16_t head;
			uint32_t written;

			for (unsigned int i = 0; i < size; i++)
				virtqueue_driver_add(&fixture.driver, &buffer, 1);
			for (unsigned int i = 0; i < size; i++) {
				g_assert_cmpint(pop(&fixture), ==, 1);
				virtqueue_push(&fixture.queue, fixture.chain.head, i);
			}
			g_assert_cmpint(pop(&fixture), ==, 0);
			virtqueue_publish(&fixture.queue);
			for (unsigned int i = 0; i < size; i++) {
				g_assert_true(
					virtqueue_driver_collect(&fixture.driver, &head, &written));
				g_assert_cmpuint(written, ==, i);
			}
			total += size;
		}
		tear_down(&fixture);
	}
}

static void test_out_of_order(void)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct fixture fixture;
	uint16_t heads[3], head;
	uint32_t written;

	set_up(&fixture, SIZE, false, false);
	for (unsigned int i = 0; i < 3; i++)
		heads[i] = virtqueue_driver_add(&fixture.driver, &buffer, 1);
	for (unsigned int i = 0; i < 3; i++)
		g_assert_cmpint(pop(&fixture), ==, 1);
	for (unsigned int i = 3; i > 0; i--)
		virtqueue_push(&fixture.queue, heads[i - 1], i);
	virtqueue_publish(&fixture.queue);
	for (unsigned int i = 3; i > 0; i--) {
		g_assert_true(virtqueue_driver_collect(&fixture.driver, &head, &written));
		g_assert_cmpuint(head, ==, heads[i - 1]);
		g_assert_cmpuint(written, ==, i);
	}
	tear_down(&fixture);
}

static void test_indirect(void)
{
	struct virtqueue_buffer buffers[SIZE];
	struct fixture fixture;

	set_up(&fixture, SIZE, true, false);
	for (unsigned int i = 0; i < SIZE; i++)
		buffers[i] = (struct virtqueue_buffer){BUFFERS + i * 0x1000, i + 1, i >= 5};
	/* A table as long as the queue is, at any alignment. */
	virtqueue_driver_add_indirect(&fixture.driver, TABLE + 3, buffers, SIZE);
	g_assert_cmpint(pop(&fixture), ==, 1);
	g_assert_cmpuint(fixture.chain.readable_count, ==, 5);
	g_assert_cmpuint(fixture.chain.writable_count, ==, 3);
	g_assert_cmpuint(fixture.chain.writable_length, ==, 6 + 7 + 8);

	/* Ordinary descriptors first, then a table (section 2.7.5.3.2). */
	virtqueue_driver_set_descriptor(&fixture.driver, TABLE, 0, BUFFERS, 9, VRING_DESC_F_WRITE,
					0);
	describe(&fixture, 2, BUFFERS, 5, VRING_DESC_F_NEXT, 4);
	describe(&fixture, 4, TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 77);
	virtqueue_driver_make_available(&fixture.driver, 2);
	g_assert_cmpint(pop(&fixture), ==, 1);
	g_assert_cmpuint(fixture.chain.readable_length, ==, 5);
	g_assert_cmpuint(fixture.chain.writable_length, ==, 9);
	tear_down(&fixture);
}

static void test_zero_length(void)
{
	struct fixture fixture;

	set_up(&fixture, SIZE, false, false);
	/* The address of nothing does not matter. */
	describe(&fixture, 0, ~0ULL, 0, VRING_DESC_F_NEXT, 1);
	describe(&fixture, 1, BUFFERS, 16, VRING_DESC_F_NEXT, 2);
	describe(&fixture, 2, ~0ULL, 0, VRING_DESC_F_WRITE, 0);
	virtqueue_driver_make_available(&fixture.driver, 0);
	g_assert_cmpint(pop(&fixture), ==, 1);
	g_assert_cmpuint(fixture.chain.readable_count, ==, 1);
	g_assert_cmpuint(fixture.chain.readable_length, ==, 16);
	g_assert_cmpuint(fixture.chain.writable_count, ==, 0);
	tear_down(&fixture);
}

static void test_hostile_chains(void)
{
	struct fixture fixture;

	set_up(&fixture, SIZE, false, false);
	virtqueue_driver_make_available(&fixture.driver, SIZE);
	assert_fault(&fixture, "descriptor index is out of range");

	set_up(&fixture, SIZE, false, false);
	describe(&fixture, 0, BUFFERS, 1, VRING_DESC_F_NEXT, SIZE);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "descriptor index is out of range");

	set_up(&fixture, SIZE, false, false);
	describe(&fixture, 0, BUFFERS, 1, VRING_DESC_F_NEXT, 0);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "descriptor chain has a loop");

	/* A loop of nothing must end too. */
	set_up(&fixture, SIZE, false, false);
	for (uint16_t i = 0; i < SIZE; i++)
		describe(&fixture, i, 0, 0, VRING_DESC_F_NEXT, (uint16_t)((i + 1) % SIZE));
	virtqueue_driver_make_available(&fixture.driver, 3);
	assert_fault(&fixture, "descriptor chain has a loop");

	set_up(&fixture, SIZE, false, false);
	describe(&fixture, 0, BUFFERS, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	describe(&fixture, 1, BUFFERS, 1, 0, 0);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "readable descriptor after a writable one");
}

static void test_hostile_addresses(void)
{
	const struct {
		uint64_t gpa;
		uint32_t length;
	} bad[] = {
		{MEMORY_SIZE, 1},         {MEMORY_SIZE - 1, 2}, {0, MEMORY_SIZE + 1},
		{0, UINT32_MAX},          {UINT64_MAX, 1},      {UINT64_MAX - 15, 16},
		{UINT64_MAX - 7, 0x1000}, {1ULL << 63, 512},
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct fixture fixture;

		set_up(&fixture, SIZE, false, false);
		describe(&fixture, 0, bad[i].gpa, bad[i].length, 0, 0);
		virtqueue_driver_make_available(&fixture.driver, 0);
		assert_fault(&fixture, "buffer is outside memory");
	}
}

static void test_hostile_indirect(void)
{
	const uint32_t bad_lengths[] = {0, 8, 17, 16 * (SIZE + 1), UINT32_MAX & ~15u};
	struct fixture fixture;

	set_up(&fixture, SIZE, false, false);
	describe(&fixture, 0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "indirect descriptors were not negotiated");

	for (unsigned int i = 0; i < G_N_ELEMENTS(bad_lengths); i++) {
		set_up(&fixture, SIZE, true, false);
		describe(&fixture, 0, TABLE, bad_lengths[i], VRING_DESC_F_INDIRECT, 0);
		virtqueue_driver_make_available(&fixture.driver, 0);
		assert_fault(&fixture, "size of an indirect table is out of range");
	}

	set_up(&fixture, SIZE, true, false);
	describe(&fixture, 0, TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "indirect descriptor is not the last");

	set_up(&fixture, SIZE, true, false);
	describe(&fixture, 0, UINT64_MAX - 15, 32, VRING_DESC_F_INDIRECT, 0);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "indirect table is outside memory");

	set_up(&fixture, SIZE, true, false);
	describe(&fixture, 0, TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	virtqueue_driver_set_descriptor(&fixture.driver, TABLE, 0, TABLE, 16, VRING_DESC_F_INDIRECT,
					0);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "indirect table inside an indirect table");

	set_up(&fixture, SIZE, true, false);
	describe(&fixture, 0, TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	virtqueue_driver_set_descriptor(&fixture.driver, TABLE, 0, BUFFERS, 1, VRING_DESC_F_NEXT,
					2);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "descriptor index is out of range");

	set_up(&fixture, SIZE, true, false);
	describe(&fixture, 0, TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	for (uint16_t i = 0; i < 2; i++)
		virtqueue_driver_set_descriptor(&fixture.driver, TABLE, i, BUFFERS, 1,
						VRING_DESC_F_NEXT, 1 - i);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "descriptor chain has a loop");

	/* Together longer than the queue: a direct chain with a full table at its end. */
	set_up(&fixture, SIZE, true, false);
	describe(&fixture, 0, BUFFERS, 1, VRING_DESC_F_NEXT, 1);
	describe(&fixture, 1, TABLE, 16 * SIZE, VRING_DESC_F_INDIRECT, 0);
	for (uint16_t i = 0; i < SIZE; i++)
		virtqueue_driver_set_descriptor(&fixture.driver, TABLE, i, BUFFERS, 1,
						i + 1 < SIZE ? VRING_DESC_F_NEXT : 0, i + 1);
	virtqueue_driver_make_available(&fixture.driver, 0);
	assert_fault(&fixture, "descriptor chain is longer than the queue");
}

static void test_hostile_indices(void)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct fixture fixture;

	set_up(&fixture, SIZE, false, false);
	virtqueue_driver_set_available_index(&fixture.driver, SIZE + 1);
	assert_fault(&fixture, "available index is out of range");

	/* Backwards is far ahead. */
	set_up(&fixture, SIZE, false, false);
	virtqueue_driver_set_available_index(&fixture.driver, UINT16_MAX);
	assert_fault(&fixture, "available index is out of range");

	/* One head offered again and again without waiting for its return. */
	set_up(&fixture, SIZE, false, false);
	virtqueue_driver_add(&fixture.driver, &buffer, 1);
	for (unsigned int i = 0; i < SIZE; i++) {
		g_assert_cmpint(pop(&fixture), ==, 1);
		virtqueue_driver_make_available(&fixture.driver, fixture.chain.head);
	}
	assert_fault(&fixture, "more requests than the queue holds");
}

static void assert_refused(uint64_t descriptors, uint64_t available, uint64_t used, uint16_t size,
			   const char *reason)
{
	struct guest_memory *memory;
	struct virtqueue queue;

	g_assert_cmpint(guest_memory_create(MEMORY_SIZE, &memory), ==, 0);
	virtqueue_init(&queue, memory, SIZE);
	queue.descriptor_gpa = descriptors;
	queue.available_gpa = available;
	queue.used_gpa = used;
	queue.size = size;
	g_assert_cmpint(virtqueue_enable(&queue, true, true), ==, -EPROTO);
	g_assert_cmpstr(queue.fault, ==, reason);
	g_assert_false(queue.ready);
	virtqueue_reset(&queue);
	g_assert_null(queue.fault);
	g_assert_cmpuint(queue.size, ==, SIZE);
	guest_memory_destroy(memory);
}

static void test_enable_refused(void)
{
	const char *size = "queue size is not a power of two in range";
	const char *alignment = "queue is not aligned";
	const char *outside = "queue is outside memory";

	assert_refused(0, 0x100, 0x200, 0, size);
	assert_refused(0, 0x100, 0x200, 6, size);
	assert_refused(0, 0x100, 0x200, 2 * SIZE, size);
	assert_refused(8, 0x100, 0x200, SIZE, alignment);
	assert_refused(0, 0x101, 0x200, SIZE, alignment);
	assert_refused(0, 0x100, 0x202, SIZE, alignment);
	/* One byte too many at the end of memory, for each part. */
	assert_refused(MEMORY_SIZE - 16 * SIZE + 16, 0x100, 0x200, SIZE, outside);
	assert_refused(0, MEMORY_SIZE - (6 + 2 * SIZE) + 2, 0x200, SIZE, outside);
	assert_refused(0, 0x100, MEMORY_SIZE - (6 + 8 * SIZE) + 2, SIZE, outside);
	assert_refused(~0ULL << 4, 0x100, 0x200, SIZE, outside);
	assert_refused(0, ~0ULL << 4, 0x200, SIZE, outside);
	assert_refused(0, 0x100, ~0ULL << 4, SIZE, outside);
}

/* Section 2.7.7.2: without event indices a flag says it all. */
static void test_interrupt_flag(void)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct fixture fixture;

	set_up(&fixture, SIZE, false, false);
	for (unsigned int i = 0; i < 2; i++) {
		virtqueue_driver_add(&fixture.driver, &buffer, 1);
		g_assert_cmpint(pop(&fixture), ==, 1);
		virtqueue_push(&fixture.queue, fixture.chain.head, 0);
		if (i == 0)
			virtqueue_driver_disable_interrupt(&fixture.driver);
		else
			virtqueue_driver_enable_interrupt(&fixture.driver);
		g_assert_cmpint(virtqueue_publish(&fixture.queue), ==, i == 1);
	}
	tear_down(&fixture);
}

static bool return_one(struct fixture *fixture)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	uint16_t head;
	uint32_t written;
	bool interrupt;

	virtqueue_driver_add(&fixture->driver, &buffer, 1);
	g_assert_cmpint(pop(fixture), ==, 1);
	virtqueue_push(&fixture->queue, fixture->chain.head, 0);
	interrupt = virtqueue_publish(&fixture->queue);
	g_assert_true(virtqueue_driver_collect(&fixture->driver, &head, &written));
	return interrupt;
}

static void test_interrupt_event(void)
{
	struct fixture fixture;

	set_up(&fixture, SIZE, false, true);
	/* The first time nothing is known of what the guest has seen. */
	virtqueue_driver_set_used_event(&fixture.driver, 100);
	g_assert_true(return_one(&fixture));
	for (unsigned int round = 0; round < 30000; round++) {
		/* An interrupt at the third from here, and only there. */
		virtqueue_driver_set_used_event(&fixture.driver, 2);
		g_assert_false(return_one(&fixture));
		g_assert_false(return_one(&fixture));
		g_assert_true(return_one(&fixture));
		g_assert_false(return_one(&fixture));
	}
	tear_down(&fixture);
}

/* A batch that passes the event in its middle interrupts once. */
static void test_interrupt_batch(void)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct fixture fixture;

	set_up(&fixture, SIZE, false, true);
	g_assert_true(return_one(&fixture));
	virtqueue_driver_set_used_event(&fixture.driver, 1);
	for (unsigned int i = 0; i < 4; i++)
		virtqueue_driver_add(&fixture.driver, &buffer, 1);
	for (unsigned int i = 0; i < 4; i++) {
		g_assert_cmpint(pop(&fixture), ==, 1);
		virtqueue_push(&fixture.queue, fixture.chain.head, 0);
	}
	g_assert_true(virtqueue_publish(&fixture.queue));
	g_assert_false(virtqueue_publish(&fixture.queue));
	tear_down(&fixture);
}

static void test_notification(gconstpointer event_idx)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct fixture fixture;

	set_up(&fixture, SIZE, false, event_idx != NULL);
	g_assert_false(virtqueue_enable_notification(&fixture.queue));
	virtqueue_driver_add(&fixture.driver, &buffer, 1);
	g_assert_true(virtqueue_driver_needs_kick(&fixture.driver));

	/* While the device is looking nobody need tell it. */
	virtqueue_disable_notification(&fixture.queue);
	g_assert_cmpint(pop(&fixture), ==, 1);
	virtqueue_driver_add(&fixture.driver, &buffer, 1);
	g_assert_false(virtqueue_driver_needs_kick(&fixture.driver));

	/* What came in without a kick is found by looking once more. */
	g_assert_true(virtqueue_enable_notification(&fixture.queue));
	g_assert_cmpint(pop(&fixture), ==, 1);
	g_assert_false(virtqueue_enable_notification(&fixture.queue));
	virtqueue_driver_add(&fixture.driver, &buffer, 1);
	g_assert_true(virtqueue_driver_needs_kick(&fixture.driver));
	tear_down(&fixture);
}

/* What the guest does about a request, and when, seen from the device's asking for the so-manieth.
 */
enum moment { BEFORE, STRADDLING, AFTER, MOMENTS };

/* Whether the device hears of it when `already` requests are there and one more is added. */
static bool hears(unsigned int already, unsigned int count, enum moment moment)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct fixture fixture;
	bool found = false, kicked = false;

	set_up(&fixture, SIZE, false, true);
	for (unsigned int i = 0; i < already; i++)
		virtqueue_driver_add(&fixture.driver, &buffer, 1);
	(void)virtqueue_driver_needs_kick(&fixture.driver);
	if (moment == AFTER)
		found = virtqueue_enable_notification_at(&fixture.queue, count);
	virtqueue_driver_add(&fixture.driver, &buffer, 1);
	if (moment == BEFORE)
		kicked = virtqueue_driver_needs_kick(&fixture.driver);
	if (moment != AFTER)
		found = virtqueue_enable_notification_at(&fixture.queue, count);
	if (moment != BEFORE)
		kicked = virtqueue_driver_needs_kick(&fixture.driver);
	/* Every one that is missing would be another kick: nothing is said too early either. */
	g_assert_true(already + 1 >= count || !found);
	g_assert_true(already + 1 >= count || moment == BEFORE || !kicked);
	tear_down(&fixture);
	return found || kicked;
}

static void test_notification_at(void)
{
	for (unsigned int count = 1; count <= SIZE; count++) {
		for (unsigned int already = 0; already < SIZE; already++) {
			for (enum moment moment = BEFORE; moment < MOMENTS; moment++) {
				if (already + 1 >= count)
					g_assert_true(hears(already, count, moment));
				else
					(void)hears(already, count, moment);
			}
		}
	}
}

/* Several added at once go past the one that was asked for; and indices wrap. */
static void test_notification_at_once(void)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct fixture fixture;
	uint16_t head;
	uint32_t written;

	set_up(&fixture, SIZE, false, true);
	for (unsigned int round = 0; round < 0x10000 / 3 + 2; round++) {
		g_assert_false(virtqueue_enable_notification_at(&fixture.queue, 2));
		for (unsigned int i = 0; i < 3; i++)
			virtqueue_driver_add(&fixture.driver, &buffer, 1);
		g_assert_true(virtqueue_driver_needs_kick(&fixture.driver));
		for (unsigned int i = 0; i < 3; i++) {
			g_assert_cmpint(pop(&fixture), ==, 1);
			virtqueue_push(&fixture.queue, fixture.chain.head, 0);
		}
		virtqueue_publish(&fixture.queue);
		while (virtqueue_driver_collect(&fixture.driver, &head, &written))
			;
	}
	tear_down(&fixture);
}

/* Without event indices there is no way to ask for another than the next. */
static void test_notification_at_flag(void)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct fixture fixture;

	set_up(&fixture, SIZE, false, false);
	g_assert_false(virtqueue_enable_notification_at(&fixture.queue, 3));
	virtqueue_driver_add(&fixture.driver, &buffer, 1);
	g_assert_true(virtqueue_driver_needs_kick(&fixture.driver));
	g_assert_true(virtqueue_enable_notification_at(&fixture.queue, 3));
	tear_down(&fixture);
}

struct race {
	struct fixture fixture;
	unsigned int rings;      /* kicks of the guest, atomic */
	unsigned int interrupts; /* of the device, atomic */
	unsigned int kicks;
	unsigned int batch; /* what the device wants to be notified of */
};

enum { RACE_REQUESTS = 100000, RACE_SPINS = 50 };

/* Spins, so that both sides run into each other; yields, so that one processor is enough. */
static void race_wait(unsigned int *event)
{
	for (unsigned int i = 0; __atomic_exchange_n(event, 0, __ATOMIC_ACQ_REL) == 0; i++) {
		if (i % RACE_SPINS == RACE_SPINS - 1)
			g_thread_yield();
	}
}

/* The device: sleeps until rung, as on an eventfd. */
static void *race_device(void *data)
{
	struct race *race = data;
	struct virtqueue *queue = &race->fixture.queue;
	unsigned int served = 0;

	while (served < RACE_REQUESTS) {
		race_wait(&race->rings);
		do {
			virtqueue_disable_notification(queue);
			while (pop(&race->fixture) == 1) {
				virtqueue_push(queue, race->fixture.chain.head, 1);
				served++;
			}
		} while (virtqueue_enable_notification_at(queue, race->batch));
		if (virtqueue_publish(queue))
			__atomic_add_fetch(&race->interrupts, 1, __ATOMIC_ACQ_REL);
	}
	return NULL;
}

/* The guest: fills the queue, sleeps until interrupted. A lost wake-up would hang either side. */
static void test_race(gconstpointer batch)
{
	const struct virtqueue_buffer buffer = {BUFFERS, 4, true};
	struct race race = {.batch = GPOINTER_TO_UINT(batch)};
	unsigned int added = 0, returned = 0;
	pthread_t device;
	uint16_t head;
	uint32_t written;

	set_up(&race.fixture, (uint16_t)race.batch, false, true);
	virtqueue_enable_notification_at(&race.fixture.queue, race.batch);
	g_assert_cmpint(pthread_create(&device, NULL, race_device, &race), ==, 0);
	while (returned < RACE_REQUESTS) {
		while (added < RACE_REQUESTS && added - returned < race.batch) {
			virtqueue_driver_add(&race.fixture.driver, &buffer, 1);
			added++;
		}
		if (virtqueue_driver_needs_kick(&race.fixture.driver)) {
			race.kicks++;
			__atomic_store_n(&race.rings, 1, __ATOMIC_RELEASE);
		}
		virtqueue_driver_set_used_event(&race.fixture.driver, 0);
		if (!virtqueue_driver_collect(&race.fixture.driver, &head, &written)) {
			race_wait(&race.interrupts);
			continue;
		}
		returned++;
		while (virtqueue_driver_collect(&race.fixture.driver, &head, &written))
			returned++;
	}
	pthread_join(device, NULL);
	g_test_message("%u requests, %u kicks", returned, race.kicks);
	tear_down(&race.fixture);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtqueue/chain", test_chain);
	g_test_add_func("/virtqueue/wrap", test_wrap);
	g_test_add_func("/virtqueue/take-back", test_take_back);
	g_test_add_func("/virtqueue/out-of-order", test_out_of_order);
	g_test_add_func("/virtqueue/indirect", test_indirect);
	g_test_add_func("/virtqueue/zero-length", test_zero_length);
	g_test_add_func("/virtqueue/hostile/chains", test_hostile_chains);
	g_test_add_func("/virtqueue/hostile/addresses", test_hostile_addresses);
	g_test_add_func("/virtqueue/hostile/indirect", test_hostile_indirect);
	g_test_add_func("/virtqueue/hostile/indices", test_hostile_indices);
	g_test_add_func("/virtqueue/enable-refused", test_enable_refused);
	g_test_add_func("/virtqueue/interrupt/flag", test_interrupt_flag);
	g_test_add_func("/virtqueue/interrupt/event", test_interrupt_event);
	g_test_add_func("/virtqueue/interrupt/batch", test_interrupt_batch);
	g_test_add_data_func("/virtqueue/notification/flag", NULL, test_notification);
	g_test_add_data_func("/virtqueue/notification/event", "", test_notification);
	g_test_add_func("/virtqueue/notification/at", test_notification_at);
	g_test_add_func("/virtqueue/notification/at-once", test_notification_at_once);
	g_test_add_func("/virtqueue/notification/at-flag", test_notification_at_flag);
	g_test_add_data_func("/virtqueue/race/each", GUINT_TO_POINTER(1), test_race);
	g_test_add_data_func("/virtqueue/race/batches", GUINT_TO_POINTER(4), test_race);
	return g_test_run();
}
