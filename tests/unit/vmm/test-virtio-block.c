/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtio-devices.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "block-driver.h"
#include "block/block-backend.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "pci/pci-host-bridge.h"
#include "protocol/statistics-protocol.h"
#include "state-block.h"

#define RING_FEATURES                                                   \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX | \
	 1ULL << VIRTIO_RING_F_INDIRECT_DESC)
#define FEATURES                                                                     \
	(RING_FEATURES | 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_DISCARD | \
	 1ULL << VIRTIO_BLK_F_WRITE_ZEROES)

enum { DEVFN = TEST_MACHINE_DEVFN, DISK_SIZE = 4 << 20, SECTORS = DISK_SIZE / 512 };

struct fixture {
	struct test_machine machine;
	struct block_backend *backend;
	struct disk_statistics statistics;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	int fd; /* the test's own */
	unsigned int stops;
};

/* Takes fd over. */
static void run(int fd, bool read_only, void (*guest)(void *data))
{
	struct fixture fixture = {.fd = fd};
	struct virtio_host *host = &fixture.machine.host;

	test_machine_init(&fixture.machine);
	g_assert_cmpint(block_backend_create_raw(dup(fd), read_only, host->loop,
						 &fixture.statistics, &fixture.backend),
			==, 0);
	g_assert_cmpint(
		virtio_block_create(host, DEVFN, fixture.backend, "disk-0", &fixture.device), ==,
		0);
	test_machine_run(&fixture.machine, guest, &fixture);
	virtio_device_destroy(fixture.device);
	g_assert_cmpuint(fixture.statistics.in_flight, ==, 0);
	block_backend_destroy(fixture.backend);
	test_machine_finish(&fixture.machine);
	close(fd);
}

static int temporary_file(size_t size)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "innkeeper-XXXXXX", NULL);
	int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
	return fd;
}

static void start(struct fixture *fixture, uint64_t features)
{
	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, features, 1);
}

static void *data_of(struct fixture *fixture, unsigned int slot)
{
	return guest_memory_at(fixture->machine.host.memory, block_driver_data(slot),
			       BLOCK_DRIVER_DATA_SIZE);
}

static void fill(struct fixture *fixture, unsigned int slot, size_t length, unsigned int seed)
{
	char *data = data_of(fixture, slot);

	for (size_t i = 0; i < length; i++)
		data[i] = (char)(seed + i * 13 + i / 512);
}

static uint64_t config(struct fixture *fixture, size_t offset, unsigned int size)
{
	return test_machine_read(&fixture->machine, fixture->driver.device + offset, size);
}

static void guest_configuration(void *data)
{
	struct fixture *fixture = data;
	uint64_t features;

	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	features = virtio_pci_driver_features(&fixture->driver);
	g_assert_cmphex(features & FEATURES, ==, FEATURES);
	g_assert_false(features >> VIRTIO_BLK_F_RO & 1);
	/* The odd bytes at the end of the file belong to no sector. */
	g_assert_cmpuint(config(fixture, offsetof(struct virtio_blk_config, capacity), 8), ==,
			 SECTORS);
	g_assert_cmpuint(config(fixture, offsetof(struct virtio_blk_config, seg_max), 4), >=, 126);
	g_assert_cmpuint(config(fixture, offsetof(struct virtio_blk_config, blk_size), 4), ==, 512);
	g_assert_cmpuint(config(fixture, offsetof(struct virtio_blk_config, max_discard_seg), 4),
			 ==, 1);
	g_assert_cmpuint(
		config(fixture, offsetof(struct virtio_blk_config, max_write_zeroes_seg), 4), ==,
		1);
	/* Read-only for the driver. */
	test_machine_write(&fixture->machine, fixture->driver.device, 8, 0);
	g_assert_cmpuint(config(fixture, 0, 8), ==, SECTORS);
}

static void test_configuration(void)
{
	run(temporary_file(DISK_SIZE + 100), false, guest_configuration);
}

static void grow_now(void *data)
{
	struct fixture *fixture = data;

	g_assert_cmpint(virtio_block_grow(fixture->device, 0), ==, 0);
}

static unsigned int config_interrupts(struct fixture *fixture)
{
	return fixture->machine.interrupts.sent[0x3f];
}

static uint64_t capacity(struct fixture *fixture)
{
	return config(fixture, offsetof(struct virtio_blk_config, capacity), 8);
}

static void guest_grow(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;

	start(fixture, FEATURES);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, SECTORS, 512), ==,
			VIRTIO_BLK_S_IOERR);
	/* Nothing has changed, so nothing is told. */
	test_machine_call(&fixture->machine, grow_now, fixture);
	g_assert_cmpuint(config_interrupts(fixture), ==, 0);

	g_assert_cmpint(ftruncate(fixture->fd, 2 * DISK_SIZE), ==, 0);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, SECTORS, 512), ==,
			VIRTIO_BLK_S_IOERR);
	test_machine_call(&fixture->machine, grow_now, fixture);
	g_assert_cmpuint(config_interrupts(fixture), ==, 1);
	g_assert_cmpuint(capacity(fixture), ==, 2 * SECTORS);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, 2 * SECTORS - 1, 512), ==,
			VIRTIO_BLK_S_OK);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, 2 * SECTORS, 512), ==,
			VIRTIO_BLK_S_IOERR);

	/* One that somebody has cut keeps its size: the guest's errors say the rest. */
	g_assert_cmpint(ftruncate(fixture->fd, DISK_SIZE), ==, 0);
	test_machine_call(&fixture->machine, grow_now, fixture);
	g_assert_cmpuint(capacity(fixture), ==, 2 * SECTORS);
	g_assert_cmpuint(config_interrupts(fixture), ==, 1);
}

static void test_grow(void)
{
	run(temporary_file(DISK_SIZE), false, guest_grow);
}

static void guest_read_write(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	g_autofree char *expected = NULL;
	g_autofree char *stored = g_malloc(BLOCK_DRIVER_DATA_SIZE);

	start(fixture, FEATURES);
	fill(fixture, 0, BLOCK_DRIVER_DATA_SIZE, 1);
	expected = g_memdup2(data_of(fixture, 0), BLOCK_DRIVER_DATA_SIZE);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, 3, BLOCK_DRIVER_DATA_SIZE),
			==, VIRTIO_BLK_S_OK);
	g_assert_cmpint(fd_read_at(fixture->fd, stored, BLOCK_DRIVER_DATA_SIZE, 3 * 512), ==, 0);
	g_assert_cmpmem(stored, BLOCK_DRIVER_DATA_SIZE, expected, BLOCK_DRIVER_DATA_SIZE);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_FLUSH, 0, 0), ==,
			VIRTIO_BLK_S_OK);
	memset(data_of(fixture, 0), 0, BLOCK_DRIVER_DATA_SIZE);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_IN, 3, BLOCK_DRIVER_DATA_SIZE),
			==, VIRTIO_BLK_S_OK);
	g_assert_cmpmem(data_of(fixture, 0), BLOCK_DRIVER_DATA_SIZE, expected,
			BLOCK_DRIVER_DATA_SIZE);
	/* The last sector. */
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, SECTORS - 1, 512), ==,
			VIRTIO_BLK_S_OK);
	g_assert_cmpuint(fixture->statistics.write_operations, ==, 2);
	g_assert_cmpuint(fixture->statistics.write_bytes, ==, BLOCK_DRIVER_DATA_SIZE + 512);
	g_assert_cmpuint(fixture->statistics.read_operations, ==, 1);
	g_assert_cmpuint(fixture->statistics.read_bytes, ==, BLOCK_DRIVER_DATA_SIZE);
	g_assert_cmpuint(fixture->statistics.flush_operations, ==, 1);
	g_assert_cmpuint(driver->exits, ==, 0);
}

static void test_read_write(void)
{
	run(temporary_file(DISK_SIZE), false, guest_read_write);
}

/* Section 2.7.4.1: how a request is cut into buffers means nothing. */
static void guest_framing(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	const uint64_t gpa = TEST_MACHINE_BUFFERS_GPA;
	struct guest_memory *memory = fixture->machine.host.memory;
	struct virtio_blk_outhdr header = {.type = htole32(VIRTIO_BLK_T_OUT)};
	struct virtqueue_buffer buffers[128];
	uint32_t written;
	char stored[1024];
	uint8_t status;

	start(fixture, FEATURES);
	/* Header and data in one buffer, cut in odd places; status alone. */
	fill(fixture, 0, 1024, 4);
	guest_memory_write(memory, gpa, &header, sizeof(header));
	guest_memory_write(memory, gpa + 16, data_of(fixture, 0), 1024);
	buffers[0] = (struct virtqueue_buffer){gpa, 7, false};
	buffers[1] = (struct virtqueue_buffer){gpa + 7, 20, false};
	buffers[2] = (struct virtqueue_buffer){gpa + 27, 1013, false};
	buffers[3] = (struct virtqueue_buffer){gpa + 2048, 1, true};
	virtqueue_driver_add_indirect(&driver->queues[0], gpa + 4096, buffers, 4);
	virtio_pci_driver_kick(driver, 0);
	virtio_pci_driver_wait(driver, 0, &written);
	g_assert_cmpuint(written, ==, 1);
	guest_memory_read(memory, gpa + 2048, &status, 1);
	g_assert_cmpint(status, ==, VIRTIO_BLK_S_OK);
	g_assert_cmpint(fd_read_at(fixture->fd, stored, 1024, 0), ==, 0);
	g_assert_cmpmem(stored, 1024, data_of(fixture, 0), 1024);

	/* Status behind the data in one buffer. */
	header.type = htole32(VIRTIO_BLK_T_IN);
	guest_memory_write(memory, gpa, &header, sizeof(header));
	buffers[0] = (struct virtqueue_buffer){gpa, 16, false};
	buffers[1] = (struct virtqueue_buffer){gpa + 2048, 1025, true};
	virtqueue_driver_add(&driver->queues[0], buffers, 2);
	virtio_pci_driver_kick(driver, 0);
	virtio_pci_driver_wait(driver, 0, &written);
	g_assert_cmpuint(written, ==, 1025);
	g_assert_cmpmem(guest_memory_at(memory, gpa + 2048, 1024), 1024, stored, 1024);
	guest_memory_read(memory, gpa + 2048 + 1024, &status, 1);
	g_assert_cmpint(status, ==, VIRTIO_BLK_S_OK);

	/* As many segments as the device offers. */
	buffers[0] = (struct virtqueue_buffer){gpa, 16, false};
	for (unsigned int i = 0; i < 126; i++)
		buffers[1 + i] =
			(struct virtqueue_buffer){block_driver_data(0) + i * 512, 512, true};
	buffers[127] = (struct virtqueue_buffer){gpa + 2048, 1, true};
	virtqueue_driver_add_indirect(&driver->queues[0], gpa + 4096, buffers, 128);
	virtio_pci_driver_kick(driver, 0);
	virtio_pci_driver_wait(driver, 0, &written);
	g_assert_cmpuint(written, ==, 126 * 512 + 1);
	g_assert_cmpmem(data_of(fixture, 0), 1024, stored, 1024);
}

static void test_framing(void)
{
	run(temporary_file(DISK_SIZE), false, guest_framing);
}

static void guest_refused(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	const struct {
		uint64_t sector;
		uint32_t length;
	} bad[] = {
		{0, 100},          {0, 513},
		{SECTORS, 512},    {SECTORS - 1, 1024},
		{UINT64_MAX, 512}, {UINT64_MAX / 512, 512},
		{1ULL << 55, 512}, {SECTORS + 1, 512},
	};

	start(fixture, FEATURES);
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_cmpint(
			block_driver_request(driver, VIRTIO_BLK_T_IN, bad[i].sector, bad[i].length),
			==, VIRTIO_BLK_S_IOERR);
		g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, bad[i].sector,
						     bad[i].length),
				==, VIRTIO_BLK_S_IOERR);
	}
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, SECTORS, 0), ==,
			VIRTIO_BLK_S_OK);
	g_assert_cmpint(block_driver_request(driver, 0x1234, 0, 512), ==, VIRTIO_BLK_S_UNSUPP);
	g_assert_cmpuint(fixture->statistics.read_operations, ==, 0);
	g_assert_cmpuint(fixture->statistics.write_operations, ==, 0);
	g_assert_cmpuint(fixture->statistics.errors, ==, 0);
}

static void test_refused(void)
{
	run(temporary_file(DISK_SIZE), false, guest_refused);
}

static void guest_identifier(void *data)
{
	struct fixture *fixture = data;
	char expected[VIRTIO_BLOCK_SERIAL_LENGTH] = "disk-0";

	start(fixture, FEATURES);
	memset(data_of(fixture, 0), 0xff, 64);
	g_assert_cmpint(
		block_driver_request(&fixture->driver, VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_BYTES),
		==, VIRTIO_BLK_S_OK);
	g_assert_cmpmem(data_of(fixture, 0), VIRTIO_BLK_ID_BYTES, expected, sizeof(expected));
	g_assert_cmpint(((uint8_t *)data_of(fixture, 0))[VIRTIO_BLK_ID_BYTES], ==, 0xff);
	memset(data_of(fixture, 0), 0xff, 64);
	g_assert_cmpint(block_driver_request(&fixture->driver, VIRTIO_BLK_T_GET_ID, 0, 4), ==,
			VIRTIO_BLK_S_OK);
	g_assert_cmpmem(data_of(fixture, 0), 5, "disk\xff", 5);
}

static void test_identifier(void)
{
	run(temporary_file(DISK_SIZE), false, guest_identifier);
}

static void guest_erase(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	g_autofree char *expected = NULL;
	g_autofree char *stored = g_malloc(BLOCK_DRIVER_DATA_SIZE);

	start(fixture, FEATURES);
	fill(fixture, 0, BLOCK_DRIVER_DATA_SIZE, 1);
	expected = g_memdup2(data_of(fixture, 0), BLOCK_DRIVER_DATA_SIZE);
	block_driver_request(driver, VIRTIO_BLK_T_OUT, 0, BLOCK_DRIVER_DATA_SIZE);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_WRITE_ZEROES, 1, 17, 0), ==,
			VIRTIO_BLK_S_OK);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_DISCARD, 64, 32, 0), ==,
			VIRTIO_BLK_S_OK);
	memset(expected + 512, 0, 17 * 512);
	memset(expected + 64 * 512, 0, 32 * 512);
	g_assert_cmpint(fd_read_at(fixture->fd, stored, BLOCK_DRIVER_DATA_SIZE, 0), ==, 0);
	g_assert_cmpmem(stored, BLOCK_DRIVER_DATA_SIZE, expected, BLOCK_DRIVER_DATA_SIZE);

	/* Linux lets zeroes be unmapped whether the device offers that or not. */
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_WRITE_ZEROES, 1, 17, 1), ==,
			VIRTIO_BLK_S_OK);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_DISCARD, 0, 1, 1), ==,
			VIRTIO_BLK_S_UNSUPP);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 2), ==,
			VIRTIO_BLK_S_UNSUPP);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_DISCARD, SECTORS, 1, 0), ==,
			VIRTIO_BLK_S_IOERR);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_WRITE_ZEROES, 1, SECTORS, 0), ==,
			VIRTIO_BLK_S_IOERR);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_DISCARD, UINT64_MAX, UINT32_MAX, 0),
			==, VIRTIO_BLK_S_IOERR);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_DISCARD, SECTORS, 0, 0), ==,
			VIRTIO_BLK_S_OK);
	/* More or less than one segment. */
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_DISCARD, 0, 32), ==,
			VIRTIO_BLK_S_IOERR);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_WRITE_ZEROES, 0, 15), ==,
			VIRTIO_BLK_S_IOERR);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_DISCARD, 0, 0), ==,
			VIRTIO_BLK_S_IOERR);
}

static void test_erase(void)
{
	run(temporary_file(DISK_SIZE), false, guest_erase);
}

static void guest_read_only(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	uint64_t features;

	virtio_pci_driver_init(driver, &fixture->machine, DEVFN);
	features = virtio_pci_driver_features(driver);
	g_assert_true(features >> VIRTIO_BLK_F_RO & 1);
	g_assert_false(features >> VIRTIO_BLK_F_DISCARD & 1);
	/* Whatever the driver has agreed to. */
	start(fixture, RING_FEATURES | 1ULL << VIRTIO_BLK_F_FLUSH);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_IN, 0, 512), ==, VIRTIO_BLK_S_OK);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, 0, 512), ==,
			VIRTIO_BLK_S_IOERR);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_DISCARD, 0, 1, 0), ==,
			VIRTIO_BLK_S_IOERR);
	g_assert_cmpint(block_driver_erase(driver, VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 0), ==,
			VIRTIO_BLK_S_IOERR);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_FLUSH, 0, 0), ==,
			VIRTIO_BLK_S_OK);
}

static void test_read_only(void)
{
	run(temporary_file(DISK_SIZE), true, guest_read_only);
}

static void on_stopped(void *data, int error)
{
	struct fixture *fixture = data;

	g_assert_cmpint(error, ==, -ENOSPC);
	__atomic_add_fetch(&fixture->stops, 1, __ATOMIC_RELEASE);
}

static void wait_for_stop(struct fixture *fixture, unsigned int stops)
{
	for (unsigned int i = 0; __atomic_load_n(&fixture->stops, __ATOMIC_ACQUIRE) < stops; i++) {
		g_assert_cmpuint(i, <, 100000);
		g_usleep(100);
	}
}

static void resume_backend(void *data)
{
	block_backend_resume(((struct fixture *)data)->backend);
}

static void reset_machine(void *data)
{
	struct fixture *fixture = data;
	struct pci_host_bridge *bridge = fixture->machine.host.bridge;

	pci_host_bridge_reset(bridge);
	g_assert_cmpint(pci_host_bridge_assign(bridge, 0xC0000000, 0x100000, 1ULL << 32), ==, 0);
}

/* A file of DISK_SIZE on a file system of 1 MiB, or -1. */
static int file_on_small_disk(void)
{
	g_autofree char *directory = g_dir_make_tmp("innkeeper-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "disk", NULL);
	int fd = -1;

	if (mount("none", directory, "tmpfs", 0, "size=1m") == 0) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		g_assert_cmpint(umount2(directory, MNT_DETACH), ==, 0);
		g_assert_cmpint(fd, >=, 0);
		g_assert_cmpint(ftruncate(fd, DISK_SIZE), ==, 0);
	}
	g_rmdir(directory);
	return fd;
}

/* The disk fills up with writes under way; space is found; nothing is lost, nothing is an error. */
static void guest_no_space(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	g_autofree char *stored = g_malloc(BLOCK_DRIVER_DATA_SIZE);
	uint32_t written;

	start(fixture, FEATURES);
	block_backend_set_error_handler(fixture->backend, on_stopped, fixture);
	/* Another file of the host takes most of the space. */
	g_assert_cmpint(fallocate(fixture->fd, FALLOC_FL_KEEP_SIZE, DISK_SIZE, 768 << 10), ==, 0);
	for (unsigned int slot = 0; slot < 8; slot++) {
		fill(fixture, slot, BLOCK_DRIVER_DATA_SIZE, slot);
		block_driver_add(driver, slot, VIRTIO_BLK_T_OUT, slot * 256,
				 BLOCK_DRIVER_DATA_SIZE);
	}
	virtio_pci_driver_kick(driver, 0);
	wait_for_stop(fixture, 1);
	/* The guest notices nothing but that it takes long. */
	g_assert_cmpint(block_driver_status(driver, 7), ==, BLOCK_DRIVER_NO_STATUS);
	g_assert_cmphex(virtio_pci_driver_status(driver) & VIRTIO_CONFIG_S_NEEDS_RESET, ==, 0);
	test_machine_call(&fixture->machine, resume_backend, fixture);
	wait_for_stop(fixture, 2);

	g_assert_cmpint(fallocate(fixture->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  DISK_SIZE, 768 << 10),
			==, 0);
	test_machine_call(&fixture->machine, resume_backend, fixture);
	for (unsigned int i = 0; i < 8; i++)
		virtio_pci_driver_wait(driver, 0, &written);
	for (unsigned int slot = 0; slot < 8; slot++) {
		g_assert_cmpint(block_driver_status(driver, slot), ==, VIRTIO_BLK_S_OK);
		g_assert_cmpint(
			fd_read_at(fixture->fd, stored, BLOCK_DRIVER_DATA_SIZE, slot * 256 * 512),
			==, 0);
		g_assert_cmpmem(stored, BLOCK_DRIVER_DATA_SIZE, data_of(fixture, slot),
				BLOCK_DRIVER_DATA_SIZE);
	}
	g_assert_cmpuint(fixture->statistics.errors, ==, 0);
}

/* The machine is reset while a write is held: the guest of before will not have it any more. */
static void guest_reset_while_held(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;

	start(fixture, FEATURES);
	block_backend_set_error_handler(fixture->backend, on_stopped, fixture);
	g_assert_cmpint(fallocate(fixture->fd, FALLOC_FL_KEEP_SIZE, DISK_SIZE, 1 << 20), ==, 0);
	block_driver_add(driver, 0, VIRTIO_BLK_T_OUT, 0, BLOCK_DRIVER_DATA_SIZE);
	virtio_pci_driver_kick(driver, 0);
	wait_for_stop(fixture, 1);
	test_machine_call(&fixture->machine, reset_machine, fixture);
	g_assert_cmpint(block_driver_status(driver, 0), ==, BLOCK_DRIVER_NO_STATUS);
	g_assert_cmpint(fallocate(fixture->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  DISK_SIZE, 1 << 20),
			==, 0);
	test_machine_call(&fixture->machine, resume_backend, fixture);
	start(fixture, FEATURES);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_OUT, 0, 512), ==,
			VIRTIO_BLK_S_OK);
}

static void test_small_disk(gconstpointer guest)
{
	int fd = file_on_small_disk();

	if (fd < 0) {
		g_test_skip("cannot mount a small tmpfs here (needs root)");
		return;
	}
	run(fd, false, *(void (*const *)(void *))guest);
}

/* Resets by the driver and by the machine with requests anywhere between queue and disk. */
static void guest_reset_in_flight(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	uint32_t types[] = {VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_IN, VIRTIO_BLK_T_FLUSH};

	for (unsigned int round = 0; round < 100; round++) {
		start(fixture, FEATURES);
		for (unsigned int slot = 0; slot < BLOCK_DRIVER_SLOTS; slot++) {
			uint32_t type = types[(slot + round) % 3];

			block_driver_add(driver, slot, type, slot * 128,
					 type == VIRTIO_BLK_T_FLUSH ? 0 : BLOCK_DRIVER_DATA_SIZE);
		}
		virtio_pci_driver_kick(driver, 0);
		g_usleep(round * 20);
		if (round % 2)
			test_machine_call(&fixture->machine, reset_machine, fixture);
		else
			virtio_pci_driver_reset(driver);
		/* From now on the memory is the guest's own. */
		g_assert_cmpuint(fixture->statistics.in_flight, ==, 0);
	}
	start(fixture, FEATURES);
	g_assert_cmpint(block_driver_request(driver, VIRTIO_BLK_T_IN, 0, 512), ==, VIRTIO_BLK_S_OK);
}

static void test_reset_in_flight(void)
{
	run(temporary_file(DISK_SIZE), false, guest_reset_in_flight);
}

enum { DEPTH = 32, ROUNDS = 500 };

/* Thirty-two at once again and again: what that costs in exits, kicks and interrupts. */
static void guest_depth(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	unsigned int interrupts;
	uint32_t written;

	start(fixture, FEATURES);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int slot = 0; slot < DEPTH; slot++)
			block_driver_add(driver, slot, VIRTIO_BLK_T_IN, slot * 8, 4096);
		virtqueue_driver_set_used_event(&driver->queues[0], DEPTH - 1);
		virtio_pci_driver_kick(driver, 0);
		for (unsigned int slot = 0; slot < DEPTH; slot++)
			virtio_pci_driver_wait(driver, 0, &written);
	}
	interrupts = __atomic_load_n(&fixture->machine.interrupts.sent[0x40], __ATOMIC_ACQUIRE);
	g_test_message("%u requests: %u kicks, %u exits, %u interrupts", DEPTH * ROUNDS,
		       driver->kicks, driver->exits, interrupts);
	g_assert_cmpuint(driver->exits, ==, 0);
	g_assert_cmpuint(driver->kicks, <=, ROUNDS);
	g_assert_cmpuint(interrupts, <=, ROUNDS + 1);
	g_assert_cmpuint(fixture->statistics.read_operations, ==, DEPTH * ROUNDS);
}

static void test_depth(void)
{
	run(temporary_file(DISK_SIZE), false, guest_depth);
}

static bool have_io_uring(void)
{
	struct block_backend *backend;
	struct event_loop *loop;
	int fd = temporary_file(DISK_SIZE);
	int r;

	g_assert_cmpint(event_loop_create(&loop), ==, 0);
	r = block_backend_create_raw(fd, false, loop, NULL, &backend);
	if (r == 0)
		block_backend_destroy(backend);
	else
		close(fd);
	event_loop_destroy(loop);
	g_assert_true(r == 0 || r == -ENOTSUP);
	return r == 0;
}

static void create(struct fixture *fixture, size_t size)
{
	struct virtio_host *host = &fixture->machine.host;

	*fixture = (struct fixture){.fd = temporary_file(size)};
	test_machine_init(&fixture->machine);
	g_assert_cmpint(block_backend_create_raw(dup(fixture->fd), false, host->loop,
						 &fixture->statistics, &fixture->backend),
			==, 0);
	g_assert_cmpint(
		virtio_block_create(host, DEVFN, fixture->backend, "disk-0", &fixture->device), ==,
		0);
}

static void destroy(struct fixture *fixture)
{
	virtio_device_destroy(fixture->device);
	block_backend_destroy(fixture->backend);
	test_machine_finish(&fixture->machine);
	close(fixture->fd);
}

static void guest_before(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	fill(fixture, 0, 512, 1);
	g_assert_cmpint(block_driver_request(&fixture->driver, VIRTIO_BLK_T_OUT, 3, 512), ==,
			VIRTIO_BLK_S_OK);
	memset(data_of(fixture, 0), 0, 512);
}

/* One that has grown meanwhile is news to its driver. */
static void guest_after(void *data)
{
	struct fixture *fixture = data;

	g_assert_cmpuint(config_interrupts(fixture), ==, 1);
	g_assert_cmpuint(capacity(fixture), ==, 2 * SECTORS);
	g_assert_cmpint(
		block_driver_request(&fixture->driver, VIRTIO_BLK_T_OUT, 2 * SECTORS - 1, 512), ==,
		VIRTIO_BLK_S_OK);
}

static void guest_same(void *data)
{
	struct fixture *fixture = data;

	g_assert_cmpuint(config_interrupts(fixture), ==, 0);
	g_assert_cmpint(block_driver_request(&fixture->driver, VIRTIO_BLK_T_OUT, SECTORS - 1, 512),
			==, VIRTIO_BLK_S_OK);
}

/* In a machine with a disk of another size. */
static void go_on(struct fixture *fixture, size_t size, void (*guest)(void *data))
{
	struct fixture other;

	create(&other, size);
	other.driver = fixture->driver;
	virtio_pci_driver_carry_over(&other.driver, fixture->device, &other.machine, other.device);
	test_machine_run(&other.machine, guest, &other);
	fixture->driver.machine = &fixture->machine;
	destroy(&other);
}

/* Some of a batch that the device was to be notified of later. */
static void guest_unnotified(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	for (unsigned int slot = 0; slot < 3; slot++)
		block_driver_add(&fixture->driver, slot, VIRTIO_BLK_T_IN, slot * 8, 512);
}

static void guest_answered(void *data)
{
	struct fixture *fixture = data;
	uint32_t written;

	for (unsigned int slot = 0; slot < 3; slot++)
		virtio_pci_driver_wait(&fixture->driver, 0, &written);
	g_assert_cmpuint(fixture->driver.kicks, ==, 0);
}

static void test_state_unnotified(void)
{
	struct fixture fixture;

	create(&fixture, DISK_SIZE);
	test_machine_run(&fixture.machine, guest_unnotified, &fixture);
	go_on(&fixture, DISK_SIZE, guest_answered);
	destroy(&fixture);
}

static void test_state(void)
{
	static struct state_block block;
	struct fixture fixture, other;

	create(&fixture, DISK_SIZE);
	test_machine_run(&fixture.machine, guest_before, &fixture);
	go_on(&fixture, DISK_SIZE, guest_same);
	go_on(&fixture, 2 * DISK_SIZE, guest_after);
	STATE_BLOCK_SAVE(&block, virtio_device_save, fixture.device);
	create(&other, DISK_SIZE / 2);
	g_assert_cmpint(virtio_device_load(other.device, state_block_read(&block)), ==, -EPROTO);
	g_assert_cmpstr(block.reader.problem, ==, "a disk is smaller than it was");
	destroy(&other);
	destroy(&fixture);
}

int main(int argc, char **argv)
{
	static void (*const no_space)(void *) = guest_no_space;
	static void (*const reset_while_held)(void *) = guest_reset_while_held;

	g_test_init(&argc, &argv, NULL);
	if (!have_io_uring()) {
		g_print("1..0 # SKIP the kernel refuses io_uring\n");
		return 77;
	}
	g_test_add_func("/virtio-block/configuration", test_configuration);
	g_test_add_func("/virtio-block/grow", test_grow);
	g_test_add_func("/virtio-block/read-write", test_read_write);
	g_test_add_func("/virtio-block/framing", test_framing);
	g_test_add_func("/virtio-block/refused", test_refused);
	g_test_add_func("/virtio-block/identifier", test_identifier);
	g_test_add_func("/virtio-block/erase", test_erase);
	g_test_add_func("/virtio-block/read-only", test_read_only);
	g_test_add_data_func("/virtio-block/no-space", &no_space, test_small_disk);
	g_test_add_data_func("/virtio-block/reset-while-held", &reset_while_held, test_small_disk);
	g_test_add_func("/virtio-block/reset-in-flight", test_reset_in_flight);
	g_test_add_func("/virtio-block/depth", test_depth);
	g_test_add_func("/virtio-block/state", test_state);
	g_test_add_func("/virtio-block/state/unnotified", test_state_unnotified);
	return g_test_run();
}
