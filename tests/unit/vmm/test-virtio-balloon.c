/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtio-devices.h"

#include <glib.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/byte-order.h"
#include "memory/guest-memory.h"
#include "protocol/statistics-protocol.h"
#include "virtio-pci-driver.h"

#define FEATURES                                                          \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_BALLOON_F_STATS_VQ | \
	 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM | 1ULL << VIRTIO_BALLOON_F_REPORTING)

enum { DEVFN = TEST_MACHINE_DEVFN, BUFFERS = TEST_MACHINE_BUFFERS_GPA, PAGE = 4096 };
enum { INFLATE, DEFLATE, STATISTICS, REPORTING, REPORTING_NOT_MOVED, QUEUES };
enum { PLAY = 0x100000 }; /* pages of the guest's that the tests do something with */

struct fixture {
	struct test_machine machine;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	struct statistics_page page;
};

static void run(void (*guest)(void *data))
{
	g_autofree struct fixture *fixture = g_new0(struct fixture, 1);

	test_machine_init(&fixture->machine);
	fixture->page.memory.guest_bytes = TEST_MACHINE_MEMORY;
	g_assert_cmpint(virtio_balloon_create(&fixture->machine.host, DEVFN, &fixture->page,
					      &fixture->device),
			==, 0);
	test_machine_run(&fixture->machine, guest, fixture);
	virtio_device_destroy(fixture->device);
	test_machine_finish(&fixture->machine);
}

static void start(struct fixture *fixture, uint64_t features)
{
	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, features, QUEUES);
}

static unsigned char *at(struct fixture *fixture, uint64_t gpa, size_t length)
{
	return guest_memory_at(fixture->machine.host.memory, gpa, length);
}

static void request(struct fixture *fixture, uint16_t queue, uint64_t gpa, uint32_t length,
		    bool writable)
{
	const struct virtqueue_buffer buffer = {gpa, length, writable};
	uint32_t written;

	virtqueue_driver_add(&fixture->driver.queues[queue], &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, queue);
	virtio_pci_driver_wait(&fixture->driver, queue, &written);
	g_assert_cmpuint(written, ==, 0);
}

static void name_pages(struct fixture *fixture, uint16_t queue, const uint32_t *numbers,
		       unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		store_le32(at(fixture, BUFFERS + 4 * i, 4), numbers[i]);
	request(fixture, queue, BUFFERS, 4 * count, false);
}

static bool is_resident(struct fixture *fixture, uint64_t gpa)
{
	unsigned char resident;

	g_assert_cmpint(mincore(at(fixture, gpa, PAGE), PAGE, &resident), ==, 0);
	return resident & 1;
}

static void fill_play(struct fixture *fixture, unsigned int pages)
{
	memset(at(fixture, PLAY, (size_t)pages * PAGE), 0xa5, (size_t)pages * PAGE);
}

static void assert_page(struct fixture *fixture, unsigned int page, unsigned char value)
{
	const unsigned char *bytes = at(fixture, PLAY + (uint64_t)page * PAGE, PAGE);

	for (unsigned int i = 0; i < PAGE; i++)
		g_assert_cmphex(bytes[i], ==, value);
}

static uint32_t config(struct fixture *fixture, size_t offset)
{
	return (uint32_t)test_machine_read(&fixture->machine, fixture->driver.device + offset, 4);
}

static void write_actual(struct fixture *fixture, uint32_t pages)
{
	test_machine_write(&fixture->machine,
			   fixture->driver.device + offsetof(struct virtio_balloon_config, actual),
			   4, pages);
}

static void guest_inflate(void *data)
{
	struct fixture *fixture = data;
	const uint32_t first = PLAY / PAGE;
	/* Upwards, twice, and where there is no memory at all. */
	const uint32_t numbers[] = {first + 4, first + 5,  first + 1,
				    first + 4, 0xffffffff, TEST_MACHINE_MEMORY / PAGE};

	start(fixture, FEATURES);
	fill_play(fixture, 8);
	name_pages(fixture, INFLATE, numbers, G_N_ELEMENTS(numbers));
	for (unsigned int i = 0; i < 8; i++)
		g_assert_cmpint(is_resident(fixture, PLAY + i * PAGE), ==,
				i != 1 && i != 4 && i != 5);
	for (unsigned int i = 0; i < 8; i++)
		assert_page(fixture, i, i != 1 && i != 4 && i != 5 ? 0xa5 : 0);
	/* Taken back: the guest just uses them. */
	name_pages(fixture, DEFLATE, numbers, G_N_ELEMENTS(numbers));
	fill_play(fixture, 8);
	assert_page(fixture, 4, 0xa5);
	g_assert_cmpuint(fixture->driver.exits, ==, 0);
}

static void test_inflate(void)
{
	run(guest_inflate);
}

/* One request with more page numbers than are taken at once, and one with none. */
static void guest_inflate_many(void *data)
{
	struct fixture *fixture = data;
	uint32_t numbers[600];

	start(fixture, FEATURES);
	fill_play(fixture, G_N_ELEMENTS(numbers));
	for (unsigned int i = 0; i < G_N_ELEMENTS(numbers); i++)
		numbers[i] = PLAY / PAGE + G_N_ELEMENTS(numbers) - 1 - i;
	name_pages(fixture, INFLATE, numbers, G_N_ELEMENTS(numbers));
	for (unsigned int i = 0; i < G_N_ELEMENTS(numbers); i++)
		g_assert_false(is_resident(fixture, PLAY + (uint64_t)i * PAGE));
	request(fixture, INFLATE, BUFFERS, 3, false);
}

static void test_inflate_many(void)
{
	run(guest_inflate_many);
}

static void guest_reporting(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	fill_play(fixture, 8);
	/* Only whole pages go. */
	request(fixture, REPORTING, PLAY + 100, 4 * PAGE, true);
	assert_page(fixture, 1, 0);
	assert_page(fixture, 3, 0);
	g_assert_cmphex(*at(fixture, PLAY + 99, 1), ==, 0xa5);
	g_assert_cmphex(*at(fixture, PLAY + 4 * PAGE, 1), ==, 0xa5);
	request(fixture, REPORTING_NOT_MOVED, PLAY + 5 * PAGE, PAGE, true);
	assert_page(fixture, 5, 0);
	assert_page(fixture, 6, 0xa5);
	/* What it only lets be read is not given away. */
	request(fixture, REPORTING, PLAY + 6 * PAGE, PAGE, false);
	assert_page(fixture, 6, 0xa5);
	g_assert_cmpuint(fixture->page.memory.reported_bytes, ==, 5 * PAGE);
}

static void test_reporting(void)
{
	run(guest_reporting);
}

static void set_target(void *data)
{
	struct fixture *fixture = data;

	virtio_balloon_set_target(fixture->device, 3 * PAGE);
}

static void guest_target(void *data)
{
	struct fixture *fixture = data;
	unsigned int interrupts;

	start(fixture, FEATURES);
	g_assert_cmpuint(config(fixture, 0), ==, 0);
	interrupts = fixture->machine.interrupts.sent[0x3f];
	test_machine_call(&fixture->machine, set_target, fixture);
	g_assert_cmpuint(config(fixture, 0), ==, 3);
	g_assert_cmpuint(fixture->machine.interrupts.sent[0x3f], ==, interrupts + 1);
	g_assert_cmpuint(fixture->page.memory.balloon_target, ==, 3 * PAGE);
	write_actual(fixture, 3);
	g_assert_cmpuint(config(fixture, 4), ==, 3);
	g_assert_cmpuint(fixture->page.memory.balloon_bytes, ==, 3 * PAGE);
	/* The target is not the driver's, nor is half a field. */
	test_machine_write(&fixture->machine, fixture->driver.device, 4, 7);
	test_machine_write(&fixture->machine, fixture->driver.device + 6, 2, 7);
	g_assert_cmpuint(config(fixture, 0), ==, 3);
	g_assert_cmpuint(config(fixture, 4), ==, 3);
	/* A new driver starts with an empty balloon and learns the same target. */
	start(fixture, FEATURES);
	g_assert_cmpuint(config(fixture, 0), ==, 3);
	g_assert_cmpuint(config(fixture, 4), ==, 0);
	g_assert_cmpuint(fixture->page.memory.balloon_bytes, ==, 0);
}

static void test_target(void)
{
	run(guest_target);
}

static void ask(void *data)
{
	struct fixture *fixture = data;

	virtio_balloon_ask_statistics(fixture->device);
}

/* Entries as they are in memory: tag and value without padding. */
static uint32_t put_entries(struct fixture *fixture, uint64_t free)
{
	static const uint16_t tags[] = {VIRTIO_BALLOON_S_MEMFREE, VIRTIO_BALLOON_S_MEMTOT, 0x7777,
					VIRTIO_BALLOON_S_AVAIL, VIRTIO_BALLOON_S_MAJFLT};
	const uint64_t values[] = {free, 1000, 5, 400, 12};

	for (unsigned int i = 0; i < G_N_ELEMENTS(tags); i++) {
		store_le16(at(fixture, BUFFERS + 10 * i, 2), tags[i]);
		store_le64(at(fixture, BUFFERS + 10 * i + 2, 8), values[i]);
	}
	return 10 * G_N_ELEMENTS(tags) + 4; /* and a piece of an entry */
}

static void offer_statistics(struct fixture *fixture, uint64_t free)
{
	struct virtqueue_buffer buffer = {BUFFERS, put_entries(fixture, free), false};

	virtqueue_driver_add(&fixture->driver.queues[STATISTICS], &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, STATISTICS);
}

/* Anything on another queue: what was offered before it has been seen when it comes back. */
static void settle(struct fixture *fixture)
{
	request(fixture, DEFLATE, BUFFERS, 4, false);
}

/* Called on the main thread: what was notified of before has been served then. */
static void settle_loop(void *data)
{
}

static void guest_statistics(void *data)
{
	struct fixture *fixture = data;
	const struct statistics_guest_memory *memory = &fixture->page.guest_memory;
	uint16_t head;
	uint32_t written;

	start(fixture, FEATURES);
	/* Nobody can be asked yet. */
	test_machine_call(&fixture->machine, ask, fixture);
	offer_statistics(fixture, 300);
	settle(fixture);
	g_assert_false(
		virtqueue_driver_collect(&fixture->driver.queues[STATISTICS], &head, &written));
	test_machine_call(&fixture->machine, ask, fixture);
	virtio_pci_driver_wait(&fixture->driver, STATISTICS, &written);
	offer_statistics(fixture, 200);
	settle(fixture);
	g_assert_cmpuint(memory->free, ==, 200);
	g_assert_cmpuint(memory->total, ==, 1000);
	g_assert_cmpuint(memory->available, ==, 400);
	g_assert_cmpuint(memory->major_faults, ==, 12);
	g_assert_cmpuint(memory->caches, ==, 0);
	g_assert_cmpuint(memory->answered_ns, >, 0);
	g_assert_cmpuint(fixture->page.header.sequence % 2, ==, 0);
	/* Not again so soon. */
	test_machine_call(&fixture->machine, ask, fixture);
	g_assert_false(
		virtqueue_driver_collect(&fixture->driver.queues[STATISTICS], &head, &written));
	/* A second buffer is one too many: the first comes back. */
	offer_statistics(fixture, 100);
	virtio_pci_driver_wait(&fixture->driver, STATISTICS, &written);
	/* A reset forgets what is held. */
	start(fixture, FEATURES);
	test_machine_call(&fixture->machine, ask, fixture);
	g_assert_cmpuint(virtio_pci_driver_status(&fixture->driver) & VIRTIO_CONFIG_S_NEEDS_RESET,
			 ==, 0);
}

static void test_statistics(void)
{
	run(guest_statistics);
}

/* As Linux does it: the buffer comes, and is notified of, before the device may look at it. */
static void guest_early_statistics(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	uint32_t written;

	virtio_pci_driver_init(driver, &fixture->machine, DEVFN);
	g_assert_true(virtio_pci_driver_negotiate(driver, FEATURES));
	virtio_pci_driver_enable_msix(driver, QUEUES);
	for (uint16_t i = 0; i < QUEUES; i++)
		virtio_pci_driver_setup_queue(driver, i, /* size= */ 0, /* event_idx= */ false);
	offer_statistics(fixture, 300);
	test_machine_call(&fixture->machine, settle_loop, fixture);
	g_assert_cmpuint(fixture->page.guest_memory.free, ==, 0);
	virtio_pci_driver_set_status(driver,
				     virtio_pci_driver_status(driver) | VIRTIO_CONFIG_S_DRIVER_OK);
	settle(fixture);
	g_assert_cmpuint(fixture->page.guest_memory.free, ==, 300);
	test_machine_call(&fixture->machine, ask, fixture);
	virtio_pci_driver_wait(driver, STATISTICS, &written);
}

static void test_early_statistics(void)
{
	run(guest_early_statistics);
}

static void guest_broken(void *data)
{
	struct fixture *fixture = data;
	struct virtqueue_driver *queue = &fixture->driver.queues[INFLATE];

	start(fixture, FEATURES);
	virtqueue_driver_set_descriptor(queue, queue->descriptor_gpa, 0, 1ULL << 40, 8, 0, 0);
	virtqueue_driver_make_available(queue, 0);
	virtio_pci_driver_kick(&fixture->driver, INFLATE);
	while (!(virtio_pci_driver_status(&fixture->driver) & VIRTIO_CONFIG_S_NEEDS_RESET))
		g_usleep(100);
	start(fixture, FEATURES);
	settle(fixture);
}

static void test_broken(void)
{
	run(guest_broken);
}

static void create(struct fixture *fixture)
{
	test_machine_init(&fixture->machine);
	g_assert_cmpint(virtio_balloon_create(&fixture->machine.host, DEVFN, &fixture->page,
					      &fixture->device),
			==, 0);
}

static void destroy(struct fixture *fixture)
{
	virtio_device_destroy(fixture->device);
	test_machine_finish(&fixture->machine);
}

static void ask_for_a_page(void *data)
{
	virtio_balloon_set_target(((struct fixture *)data)->device, PAGE);
}

/* Asked for a page, which it has given, and with the buffer for statistics handed over. */
static void guest_before(void *data)
{
	struct fixture *fixture = data;
	const struct virtqueue_buffer buffer = {BUFFERS, 10, false};
	const uint32_t page = PLAY / PAGE;

	start(fixture, FEATURES);
	test_machine_call(&fixture->machine, ask_for_a_page, fixture);
	virtqueue_driver_add(&fixture->driver.queues[STATISTICS], &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, STATISTICS);
	name_pages(fixture, INFLATE, &page, 1);
	write_actual(fixture, 1);
}

static void ask_for_statistics(void *data)
{
	virtio_balloon_ask_statistics(((struct fixture *)data)->device);
}

/* The buffer comes back when it is asked for. */
static void guest_after(void *data)
{
	struct fixture *fixture = data;
	uint32_t written;

	g_assert_cmpuint(config(fixture, offsetof(struct virtio_balloon_config, num_pages)), ==, 1);
	g_assert_cmpuint(config(fixture, offsetof(struct virtio_balloon_config, actual)), ==, 1);
	test_machine_call(&fixture->machine, ask_for_statistics, fixture);
	virtio_pci_driver_wait(&fixture->driver, STATISTICS, &written);
}

static void test_state(void)
{
	g_autofree struct fixture *fixture = g_new0(struct fixture, 1);
	g_autofree struct fixture *other = g_new0(struct fixture, 1);

	create(fixture);
	test_machine_run(&fixture->machine, guest_before, fixture);
	create(other);
	other->driver = fixture->driver;
	virtio_pci_driver_carry_over(&other->driver, fixture->device, &other->machine,
				     other->device);
	destroy(fixture);
	g_assert_cmpuint(other->page.memory.balloon_bytes, ==, PAGE);
	g_assert_cmpuint(other->page.memory.balloon_target, ==, PAGE);
	test_machine_run(&other->machine, guest_after, other);
	destroy(other);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-balloon/inflate", test_inflate);
	g_test_add_func("/virtio-balloon/inflate-many", test_inflate_many);
	g_test_add_func("/virtio-balloon/reporting", test_reporting);
	g_test_add_func("/virtio-balloon/target", test_target);
	g_test_add_func("/virtio-balloon/statistics", test_statistics);
	g_test_add_func("/virtio-balloon/early-statistics", test_early_statistics);
	g_test_add_func("/virtio-balloon/broken", test_broken);
	g_test_add_func("/virtio-balloon/state", test_state);
	return g_test_run();
}
