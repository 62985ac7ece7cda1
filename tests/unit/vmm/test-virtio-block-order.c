/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The block device over a backend that completes when it is told to: what happens between the
 * moment a request is taken and the moment it is done.
 */
#include "virtio/virtio-devices.h"

#include <glib.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "block-driver.h"
#include "fake-block-backend.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "pci/pci-host-bridge.h"

#define RING_FEATURES (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX)
#define FEATURES      (RING_FEATURES | 1ULL << VIRTIO_BLK_F_FLUSH)

enum { DEVFN = TEST_MACHINE_DEVFN, DISK_SIZE = 1 << 20 };

struct fixture {
	struct test_machine machine;
	struct block_backend *backend;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	char disk[DISK_SIZE];
	unsigned int completions; /* what complete_some() is to do, and has done */
};

static void run(void (*guest)(void *data))
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	test_machine_init(&fixture->machine);
	fake_block_backend_create(fixture->disk, DISK_SIZE, false, &fixture->backend);
	g_assert_cmpint(virtio_block_create(&fixture->machine.host, DEVFN, fixture->backend, NULL,
					    &fixture->device),
			==, 0);
	test_machine_run(&fixture->machine, guest, fixture);
	virtio_device_destroy(fixture->device);
	block_backend_destroy(fixture->backend);
	test_machine_finish(&fixture->machine);
	g_free(fixture);
}

static void start(struct fixture *fixture, uint64_t features)
{
	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, features, 1);
}

static void complete_some(void *data)
{
	struct fixture *fixture = data;

	fixture->completions = fake_block_backend_complete(fixture->backend, fixture->completions);
}

static unsigned int complete(struct fixture *fixture, unsigned int count)
{
	fixture->completions = count;
	test_machine_call(&fixture->machine, complete_some, fixture);
	return fixture->completions;
}

static unsigned int in_flight(struct fixture *fixture)
{
	unsigned int count;

	event_loop_lock(fixture->machine.host.loop);
	count = fake_block_backend_in_flight(fixture->backend);
	event_loop_unlock(fixture->machine.host.loop);
	return count;
}

static void wait_in_flight(struct fixture *fixture, unsigned int count)
{
	for (unsigned int i = 0; in_flight(fixture) != count; i++) {
		g_assert_cmpuint(i, <, 100000);
		g_usleep(100);
	}
}

static unsigned int interrupts(struct fixture *fixture)
{
	return __atomic_load_n(&fixture->machine.interrupts.sent[0x40], __ATOMIC_ACQUIRE);
}

static unsigned int collect(struct fixture *fixture)
{
	unsigned int count = 0;
	uint16_t head;
	uint32_t written;

	while (virtqueue_driver_collect(&fixture->driver.queues[0], &head, &written))
		count++;
	return count;
}

static void add_reads(struct fixture *fixture, unsigned int count)
{
	for (unsigned int slot = 0; slot < count; slot++)
		block_driver_add(&fixture->driver, slot, VIRTIO_BLK_T_IN, slot * 8, 4096);
	virtio_pci_driver_kick(&fixture->driver, 0);
	wait_in_flight(fixture, count);
}

/* One kick brings the whole batch to the backend; one batch of answers is one interrupt. */
static void guest_batch(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	add_reads(fixture, 32);
	g_assert_cmpuint(fixture->driver.kicks, ==, 1);
	g_assert_cmpuint(collect(fixture), ==, 0);
	g_assert_cmpuint(complete(fixture, 20), ==, 20);
	g_assert_cmpuint(interrupts(fixture), ==, 1);
	g_assert_cmpuint(collect(fixture), ==, 20);
	virtqueue_driver_enable_interrupt(&fixture->driver.queues[0]);
	g_assert_cmpuint(complete(fixture, 100), ==, 12);
	g_assert_cmpuint(interrupts(fixture), ==, 2);
	g_assert_cmpuint(collect(fixture), ==, 12);
}

static void test_batch(void)
{
	run(guest_batch);
}

/* The device is not reset before its last access to memory is over. */
static void guest_reset(void *data)
{
	struct fixture *fixture = data;
	char *memory;

	start(fixture, FEATURES);
	memory = guest_memory_at(fixture->machine.host.memory, block_driver_data(0), 4096);
	memset(fixture->disk, 0xd1, DISK_SIZE);
	add_reads(fixture, 3);
	virtio_pci_driver_set_status(&fixture->driver, 0);
	g_assert_cmphex(virtio_pci_driver_status(&fixture->driver), !=, 0);
	g_assert_cmpuint(complete(fixture, 2), ==, 2);
	g_assert_cmphex(virtio_pci_driver_status(&fixture->driver), !=, 0);
	g_assert_cmpuint(complete(fixture, 1), ==, 1);
	g_assert_cmphex(virtio_pci_driver_status(&fixture->driver), ==, 0);
	/* Data may have come in meanwhile, but no answer. */
	g_assert_cmphex((uint8_t)memory[0], ==, 0xd1);
	g_assert_cmpuint(collect(fixture), ==, 0);
	g_assert_cmpint(block_driver_status(&fixture->driver, 0), ==, BLOCK_DRIVER_NO_STATUS);
	g_assert_cmpuint(interrupts(fixture), ==, 0);

	start(fixture, FEATURES);
	add_reads(fixture, 2);
	complete(fixture, 2);
	g_assert_cmpuint(collect(fixture), ==, 2);
}

static void test_reset(void)
{
	run(guest_reset);
}

static void reset_machine(void *data)
{
	struct fixture *fixture = data;

	pci_host_bridge_reset(fixture->machine.host.bridge);
}

static void guest_machine_reset(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	add_reads(fixture, 5);
	test_machine_call(&fixture->machine, reset_machine, fixture);
	g_assert_cmpuint(in_flight(fixture), ==, 0);
	g_assert_cmpuint(collect(fixture), ==, 0);
	g_assert_cmpuint(interrupts(fixture), ==, 0);
}

static void test_machine_reset(void)
{
	run(guest_machine_reset);
}

/* A driver without flushes is answered when the write is stored, not when it is done. */
static void guest_write_through(void *data)
{
	struct fixture *fixture = data;

	start(fixture, RING_FEATURES);
	block_driver_add(&fixture->driver, 0, VIRTIO_BLK_T_OUT, 0, 512);
	virtio_pci_driver_kick(&fixture->driver, 0);
	wait_in_flight(fixture, 1);
	g_assert_cmpuint(complete(fixture, 1), ==, 1);
	g_assert_cmpuint(collect(fixture), ==, 0);
	g_assert_cmpuint(in_flight(fixture), ==, 1);
	g_assert_cmpuint(complete(fixture, 1), ==, 1);
	g_assert_cmpuint(collect(fixture), ==, 1);
	g_assert_cmpint(block_driver_status(&fixture->driver, 0), ==, VIRTIO_BLK_S_OK);
	/* A read needs none. */
	block_driver_add(&fixture->driver, 0, VIRTIO_BLK_T_IN, 0, 512);
	virtio_pci_driver_kick(&fixture->driver, 0);
	wait_in_flight(fixture, 1);
	complete(fixture, 1);
	g_assert_cmpuint(collect(fixture), ==, 1);
	g_assert_cmpuint(in_flight(fixture), ==, 0);
}

static void test_write_through(void)
{
	run(guest_write_through);
}

/* The guest breaks the queue with requests under way. */
static void guest_broken(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	const struct virtqueue_buffer header_only = {TEST_MACHINE_BUFFERS_GPA, 16, false};

	start(fixture, FEATURES);
	add_reads(fixture, 4);
	virtqueue_driver_add(&driver->queues[0], &header_only, 1);
	virtio_pci_driver_kick(driver, 0);
	for (unsigned int i = 0; !(virtio_pci_driver_status(driver) & VIRTIO_CONFIG_S_NEEDS_RESET);
	     i++) {
		g_assert_cmpuint(i, <, 100000);
		g_usleep(100);
	}
	complete(fixture, 4);
	g_assert_cmpuint(collect(fixture), ==, 0);
	start(fixture, FEATURES);
	add_reads(fixture, 1);
	complete(fixture, 1);
	g_assert_cmpuint(collect(fixture), ==, 1);
}

static void test_broken(void)
{
	run(guest_broken);
}

/* Paused, the device takes nothing new; what it has taken is answered. */
static void guest_pause(void *data)
{
	struct fixture *fixture = data;
	struct event_loop *loop = fixture->machine.host.loop;

	start(fixture, FEATURES);
	add_reads(fixture, 3);
	event_loop_lock(loop);
	virtio_device_pause(fixture->device);
	event_loop_unlock(loop);
	block_driver_add(&fixture->driver, 3, VIRTIO_BLK_T_IN, 0, 512);
	virtio_pci_driver_kick(&fixture->driver, 0);
	g_assert_cmpuint(complete(fixture, 100), ==, 3);
	g_assert_cmpuint(collect(fixture), ==, 3);
	g_assert_cmpuint(in_flight(fixture), ==, 0);
	event_loop_lock(loop);
	virtio_device_resume(fixture->device);
	event_loop_unlock(loop);
	wait_in_flight(fixture, 1);
	complete(fixture, 1);
	g_assert_cmpuint(collect(fixture), ==, 1);
}

static void test_pause(void)
{
	run(guest_pause);
}

/* What nobody has notified of, because there were to be more, is taken when it goes on. */
static void guest_pause_unnotified(void *data)
{
	struct fixture *fixture = data;
	struct event_loop *loop = fixture->machine.host.loop;

	start(fixture, FEATURES);
	add_reads(fixture, 1);
	event_loop_lock(loop);
	virtio_device_pause(fixture->device);
	event_loop_unlock(loop);
	for (unsigned int slot = 1; slot < 4; slot++)
		block_driver_add(&fixture->driver, slot, VIRTIO_BLK_T_IN, slot * 8, 512);
	g_assert_cmpuint(complete(fixture, 100), ==, 1);
	g_assert_cmpuint(in_flight(fixture), ==, 0);
	event_loop_lock(loop);
	virtio_device_resume(fixture->device);
	event_loop_unlock(loop);
	wait_in_flight(fixture, 3);
	complete(fixture, 3);
	g_assert_cmpuint(collect(fixture), ==, 4);
}

static void test_pause_unnotified(void)
{
	run(guest_pause_unnotified);
}

enum { STREAM_ROUNDS = 3000, STREAM_DEPTH = 20 };

/*
 * Streams that end in any place, whether the device wants to be notified of each request or of some
 * of them at that moment: each is answered.
 */
static void guest_streams(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	unsigned int requests = 0;
	uint32_t written;

	start(fixture, FEATURES);
	fake_block_backend_set_automatic(fixture->backend, true);
	for (unsigned int round = 0; round < STREAM_ROUNDS; round++) {
		unsigned int depth = 1 + round % STREAM_DEPTH;

		for (unsigned int slot = 0; slot < depth; slot++) {
			block_driver_add(driver, slot, VIRTIO_BLK_T_IN, slot * 8, 512);
			virtio_pci_driver_kick(driver, 0);
		}
		for (unsigned int slot = 0; slot < depth; slot++)
			virtio_pci_driver_wait(driver, 0, &written);
		requests += depth;
	}
	g_test_message("%u requests: %u kicks, %u interrupts", requests, driver->kicks,
		       interrupts(fixture));
	g_assert_cmpuint(in_flight(fixture), ==, 0);
}

static void test_streams(void)
{
	run(guest_streams);
}

/* The machine ends with requests under way. */
static void guest_end(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	add_reads(fixture, 6);
}

static void test_end(void)
{
	run(guest_end);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-block-order/batch", test_batch);
	g_test_add_func("/virtio-block-order/reset", test_reset);
	g_test_add_func("/virtio-block-order/machine-reset", test_machine_reset);
	g_test_add_func("/virtio-block-order/write-through", test_write_through);
	g_test_add_func("/virtio-block-order/broken", test_broken);
	g_test_add_func("/virtio-block-order/pause", test_pause);
	g_test_add_func("/virtio-block-order/pause-unnotified", test_pause_unnotified);
	g_test_add_func("/virtio-block-order/streams", test_streams);
	g_test_add_func("/virtio-block-order/end", test_end);
	return g_test_run();
}
