/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A port: the command list, queued commands, errors, and stopping with commands under way.
 */
#include "devices/ahci-port.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "ahci-fixture.h"
#include "base/byte-order.h"
#include "memory/guest-memory.h"

enum {
	READ_DMA_EXT = 0x25,
	READ_LOG_EXT = 0x2F,
	READ_QUEUED = 0x60,
	WRITE_QUEUED = 0x61,
	FLUSH = 0xE7,
	SLOT_SIZE = 0x1000, /* of data */
	DETECTED = 0x123,
	READY = 0x50,
	BUSY = 0x80,
};

static uint64_t data_gpa(unsigned int slot)
{
	return AHCI_DRIVER_DATA + (uint64_t)slot * SLOT_SIZE;
}

static void prepare(struct ahci_fixture *fixture, unsigned int slot, uint8_t command, uint64_t lba)
{
	const struct ahci_region region = {data_gpa(slot), SLOT_SIZE};
	bool queued = command == READ_QUEUED || command == WRITE_QUEUED;
	const struct ahci_request request = {
		.command = command,
		.device = 0x40,
		.lba = lba,
		.features = queued ? 8 : 0,
		.count = queued ? (uint16_t)(slot << 3) : 8,
		.regions = &region,
		.region_count = 1,
	};

	ahci_driver_prepare(&fixture->disk, slot, &request);
}

static void issue_queued(struct ahci_fixture *fixture, uint32_t slots)
{
	for (unsigned int slot = 0; slot < 32; slot++) {
		if (slots >> slot & 1)
			prepare(fixture, slot, READ_QUEUED, slot * 8);
	}
	ahci_driver_write(&fixture->disk, AHCI_PXSACT, slots);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, slots);
}

static void assert_data(struct ahci_fixture *fixture, unsigned int slot)
{
	g_assert_cmpmem(ahci_fixture_data(fixture) + slot * SLOT_SIZE, SLOT_SIZE,
			fixture->disk_contents + slot * SLOT_SIZE, SLOT_SIZE);
}

static uint32_t get(struct ahci_fixture *fixture, unsigned int offset)
{
	return ahci_driver_read(&fixture->disk, offset);
}

/* One after the other, in the order of slots from the one after the last. */
static void guest_list(struct ahci_fixture *fixture)
{
	struct block_backend *backend = fixture->disk_backend;

	for (unsigned int slot = 0; slot < 4; slot++)
		prepare(fixture, slot, READ_DMA_EXT, slot * 8);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1 << 1 | 1 << 3);
	ahci_fixture_wait_in_flight(fixture, backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXTFD) & BUSY, ==, BUSY);
	g_assert_cmpuint(get(fixture, AHCI_PXCMD) >> 8 & 0x1f, ==, 1);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1 << 0);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0xb);
	ahci_fixture_complete(fixture, backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0x9);
	ahci_fixture_wait_in_flight(fixture, backend, 1);
	g_assert_cmpuint(get(fixture, AHCI_PXCMD) >> 8 & 0x1f, ==, 3);
	ahci_fixture_complete(fixture, backend, 1);
	ahci_fixture_wait_in_flight(fixture, backend, 1);
	ahci_fixture_complete(fixture, backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, READY);
	g_assert_cmpuint(ahci_driver_moved(&fixture->disk, 3), ==, SLOT_SIZE);
	g_assert_cmphex(ahci_driver_received(&fixture->disk, AHCI_RECEIVED_REGISTER + 2), ==,
			READY);
	assert_data(fixture, 0);
	assert_data(fixture, 1);
	assert_data(fixture, 3);
	/* A list that is not started takes nothing. */
	ahci_driver_write(&fixture->disk, AHCI_PXCMD, AHCI_CMD_FRE);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1);
	ahci_driver_write(&fixture->disk, AHCI_PXSACT, 1);
	g_assert_cmphex(get(fixture, AHCI_PXCI) | get(fixture, AHCI_PXSACT), ==, 0);
}

static void test_list(void)
{
	ahci_fixture_run(0, guest_list);
}

/* All at once at the disk; one frame for what comes back as one batch. */
static void guest_queued(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	issue_queued(fixture, ~0u);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 32);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, ~0u);
	g_assert_cmphex(get(fixture, AHCI_PXTFD) & BUSY, ==, 0);
	g_assert_cmphex(get(fixture, AHCI_PXIS), ==, 0);
	ahci_fixture_complete(fixture, fixture->disk_backend, 4);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, ~0xfu);
	g_assert_cmphex(get(fixture, AHCI_PXIS), ==, AHCI_IS_DEVICE_BITS);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_DEVICE_BITS), ==, 0xA1);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_DEVICE_BITS + 4), ==, 0xf);
	/* A slot that is free again is used while the others are out. */
	issue_queued(fixture, 1 << 2);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 29);
	ahci_fixture_complete(fixture, fixture->disk_backend, 29);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, 0);
	for (unsigned int slot = 0; slot < 32; slot++)
		assert_data(fixture, slot);
}

static void test_queued(void)
{
	ahci_fixture_run(0, guest_queued);
}

/* A command that is not queued has the drive to itself. */
static void guest_mixed(struct ahci_fixture *fixture)
{
	issue_queued(fixture, 3);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 2);
	prepare(fixture, 2, READ_DMA_EXT, 16);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1 << 2);
	ahci_driver_wait(&fixture->disk, AHCI_PXTFD, BUSY, BUSY);
	issue_queued(fixture, 1 << 3);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0xc);
	ahci_fixture_complete(fixture, fixture->disk_backend, 2);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, 0x8);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0xc);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	ahci_driver_wait(&fixture->disk, AHCI_PXCI, ~0u, 0);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, 0);
	for (unsigned int slot = 0; slot < 4; slot++)
		assert_data(fixture, slot);
}

static void test_mixed(void)
{
	ahci_fixture_run(0, guest_mixed);
}

/* One fails: all are given up, which of them is in a log, and the driver starts over. */
static void guest_queued_error(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;
	uint8_t *log = ahci_fixture_data(fixture);

	issue_queued(fixture, 0xf);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 4);
	prepare(fixture, 4, READ_DMA_EXT, 0);
	ahci_driver_write(disk, AHCI_PXCI, 1 << 4);
	ahci_driver_wait(disk, AHCI_PXTFD, BUSY, BUSY);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	ahci_fixture_fail(fixture, fixture->disk_backend, -EIO);
	g_assert_cmphex(get(fixture, AHCI_PXIS), ==, AHCI_IS_DEVICE_BITS | AHCI_IS_TASK_FILE);
	g_assert_cmphex(get(fixture, AHCI_PXTFD) & 0xff7f, ==, 0x4051);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, 0xe);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_DEVICE_BITS + 2), ==, 0x51);
	/* The others come back to nobody, and what waited for them ends unseen. */
	ahci_fixture_complete(fixture, fixture->disk_backend, 2);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, 0xe);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0x10);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, 0x4051);
	/* Nothing more is taken. */
	ahci_driver_write(disk, AHCI_PXCI, 1);
	ahci_driver_restart(disk);
	g_assert_cmphex(get(fixture, AHCI_PXSACT) | get(fixture, AHCI_PXCI), ==, 0);

	g_assert_cmphex(ahci_fixture_disk_command(fixture, READ_LOG_EXT, 0x10, 1, 512), ==, READY);
	g_assert_cmphex(get(fixture, AHCI_PXIS), ==, AHCI_IS_PIO_SETUP);
	g_assert_cmphex(log[0], ==, 1); /* the tag */
	g_assert_cmphex(log[2], ==, 0x51);
	g_assert_cmphex(log[3], ==, 0x40);
	g_assert_cmphex(load_le32(log + 4) & 0xffffff, ==, 8);
	ahci_fixture_disk_command(fixture, READ_LOG_EXT, 0x10, 1, 512);
	g_assert_cmphex(log[0], ==, 0x80); /* told once */
}

static void test_queued_error(void)
{
	ahci_fixture_run(0, guest_queued_error);
}

/* A driver that gives a command a tag which is in use, with every slot out, or another slot's. */
static void guest_bad_tags(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;
	struct ahci_request other = {.command = READ_QUEUED, .features = 8, .count = 5 << 3};

	issue_queued(fixture, ~0u);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 32);
	ahci_driver_write(disk, AHCI_PXCI, 1 << 7);
	ahci_driver_wait(disk, AHCI_PXIS, AHCI_IS_TASK_FILE, AHCI_IS_TASK_FILE);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, 0x451);
	ahci_driver_write(disk, AHCI_PXCI, ~0u);
	ahci_driver_write(disk, AHCI_PXCMD, AHCI_CMD_FRE);
	ahci_driver_write(disk, AHCI_PXCMD, AHCI_CMD_FRE | AHCI_CMD_ST);
	ahci_driver_write(disk, AHCI_PXCI, ~0u);
	ahci_fixture_complete(fixture, fixture->disk_backend, 32);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 32);
	/* And one that is not queued with all slots out. */
	prepare(fixture, 3, FLUSH, 0);
	ahci_driver_write(disk, AHCI_PXCI, 1 << 3);
	ahci_driver_wait(disk, AHCI_PXTFD, BUSY, BUSY);
	ahci_fixture_complete(fixture, fixture->disk_backend, 32);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0);

	ahci_driver_prepare(disk, 4, &other);
	ahci_driver_write(disk, AHCI_PXIS, ~0u);
	ahci_driver_write(disk, AHCI_PXCI, 1 << 4);
	ahci_driver_wait(disk, AHCI_PXIS, AHCI_IS_TASK_FILE, AHCI_IS_TASK_FILE);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, 0x451);
}

static void test_bad_tags(void)
{
	ahci_fixture_run(0, guest_bad_tags);
}

/* The bit of a command that failed stays, and the list waits for the driver. */
static void guest_error(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	prepare(fixture, 0, 0xFF, 0);
	prepare(fixture, 1, READ_DMA_EXT, 0);
	ahci_driver_write(disk, AHCI_PXCI, 3);
	ahci_driver_wait(disk, AHCI_PXIS, AHCI_IS_TASK_FILE, AHCI_IS_TASK_FILE);
	g_assert_cmphex(get(fixture, AHCI_PXIS), ==, AHCI_IS_TASK_FILE | AHCI_IS_REGISTER);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, 0x451);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 3);
	g_assert_cmpuint(get(fixture, AHCI_PXCMD) >> 8 & 0x1f, ==, 0);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_REGISTER + 3), ==, 4);
	g_assert_cmpuint(fake_block_backend_in_flight(fixture->disk_backend), ==, 0);
	ahci_driver_restart(disk);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 0);
	ahci_driver_write(disk, AHCI_PXCI, 2);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, READY);
}

static void test_error(void)
{
	ahci_fixture_run(0, guest_error);
}

static void assert_fault(struct ahci_fixture *fixture, uint32_t bit)
{
	ahci_driver_wait(&fixture->disk, AHCI_PXIS, bit, bit);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 1);
	ahci_driver_restart(&fixture->disk);
	prepare(fixture, 0, FLUSH, 0);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1);
	ahci_driver_wait(&fixture->disk, AHCI_PXCI, 1, 0);
	ahci_driver_write(&fixture->disk, AHCI_PXIS, ~0u);
}

/* Structures that are not in memory, and a frame that no drive understands. */
static void guest_faults(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;
	struct guest_memory *memory = fixture->machine.host.memory;
	const uint32_t outside = TEST_MACHINE_MEMORY;
	uint8_t bytes[8];

	ahci_driver_write(disk, AHCI_PXCLB, outside);
	ahci_driver_write(disk, AHCI_PXCI, 1);
	assert_fault(fixture, AHCI_IS_HOST_BUS);

	/* The command table. */
	store_le64(bytes, UINT64_MAX);
	guest_memory_write(memory, disk->list + 8, bytes, 8);
	ahci_driver_write(disk, AHCI_PXCI, 1);
	assert_fault(fixture, AHCI_IS_HOST_BUS);

	/* Where answers go, for each kind of answer. */
	ahci_driver_write(disk, AHCI_PXFB, outside);
	ahci_driver_write(disk, AHCI_PXCI, 1);
	ahci_driver_wait(disk, AHCI_PXIS, AHCI_IS_HOST_BUS, AHCI_IS_HOST_BUS);
	ahci_driver_restart(disk);
	issue_queued(fixture, 1);
	ahci_driver_wait(disk, AHCI_PXSACT, 1, 0);
	ahci_driver_write(disk, AHCI_PXFB, outside);
	issue_queued(fixture, 1);
	ahci_driver_wait(disk, AHCI_PXIS, AHCI_IS_HOST_BUS, AHCI_IS_HOST_BUS);
	ahci_driver_restart(disk);
	prepare(fixture, 0, READ_QUEUED, AHCI_FIXTURE_SECTORS);
	ahci_driver_write(disk, AHCI_PXFB, outside);
	ahci_driver_write(disk, AHCI_PXCI, 1);
	ahci_driver_wait(disk, AHCI_PXIS, AHCI_IS_HOST_BUS, AHCI_IS_HOST_BUS);
	ahci_driver_restart(disk);

	/* A frame of another kind, and one that is too short. */
	prepare(fixture, 0, FLUSH, 0);
	bytes[0] = 0x46;
	guest_memory_write(memory, ahci_driver_table(disk, 0), bytes, 1);
	ahci_driver_write(disk, AHCI_PXCI, 1);
	assert_fault(fixture, AHCI_IS_INTERFACE);
	bytes[0] = 4;
	guest_memory_write(memory, disk->list, bytes, 1);
	ahci_driver_write(disk, AHCI_PXCI, 1);
	assert_fault(fixture, AHCI_IS_INTERFACE);
}

static void test_faults(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_faults);
}

/* A driver that receives nothing gets nothing. */
static void guest_no_receive(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	ahci_driver_write(disk, AHCI_PXCMD, 0);
	ahci_driver_write(disk, AHCI_PXFB, TEST_MACHINE_MEMORY);
	ahci_driver_write(disk, AHCI_PXCMD, AHCI_CMD_ST);
	g_assert_cmphex(get(fixture, AHCI_PXCMD) & AHCI_CMD_FR, ==, 0);
	g_assert_cmphex(ahci_fixture_disk_command(fixture, FLUSH, 0, 0, 0), ==, READY);
	g_assert_cmphex(get(fixture, AHCI_PXIS), ==, AHCI_IS_REGISTER);
	/* Nor does a signature reach what is not memory. */
	ahci_driver_write(disk, AHCI_PXSCTL, 1);
	ahci_driver_write(disk, AHCI_PXSCTL, 0);
	ahci_driver_write(disk, AHCI_PXCMD, AHCI_CMD_FRE);
	g_assert_cmphex(get(fixture, AHCI_PXIS), ==, AHCI_IS_REGISTER | AHCI_IS_HOST_BUS);
}

static void test_no_receive(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_no_receive);
}

/* Stopped with commands under way, the list runs until they are back; they change nothing. */
static void guest_stop(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	issue_queued(fixture, 7);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 3);
	prepare(fixture, 3, FLUSH, 0);
	ahci_driver_write(disk, AHCI_PXCI, 1 << 3);
	ahci_driver_wait(disk, AHCI_PXTFD, BUSY, BUSY);
	ahci_driver_clear_received(disk);
	ahci_driver_write(disk, AHCI_PXCMD, AHCI_CMD_FRE);
	g_assert_cmphex(get(fixture, AHCI_PXCI) | get(fixture, AHCI_PXSACT), ==, 0);
	g_assert_cmphex(get(fixture, AHCI_PXCMD) & AHCI_CMD_CR, !=, 0);
	ahci_fixture_complete(fixture, fixture->disk_backend, 2);
	g_assert_cmphex(get(fixture, AHCI_PXCMD) & AHCI_CMD_CR, !=, 0);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXCMD) & AHCI_CMD_CR, ==, 0);
	g_assert_cmphex(get(fixture, AHCI_PXIS), ==, 0);
	g_assert_cmphex(get(fixture, AHCI_PXTFD) & BUSY, ==, 0);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_REGISTER), ==, 0);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_DEVICE_BITS), ==, 0);

	/* A driver that does not wait is served when all are back. */
	ahci_driver_start(disk);
	issue_queued(fixture, 1);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_driver_write(disk, AHCI_PXCMD, AHCI_CMD_FRE);
	ahci_driver_write(disk, AHCI_PXCMD, AHCI_CMD_FRE | AHCI_CMD_ST);
	issue_queued(fixture, 2);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 2);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	ahci_driver_wait(disk, AHCI_PXCI, 2, 0);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, 0);
	assert_data(fixture, 1);
}

static void test_stop(void)
{
	ahci_fixture_run(0, guest_stop);
}

/* The link stays down until the guest lets go and the last request is back. */
static void guest_link_reset(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	issue_queued(fixture, 3);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 2);
	ahci_driver_clear_received(disk);
	ahci_driver_write(disk, AHCI_PXSCTL, 0x301);
	g_assert_cmphex(get(fixture, AHCI_PXSCTL), ==, 0x301);
	g_assert_cmphex(get(fixture, AHCI_PXSSTS), ==, 0);
	g_assert_cmphex(get(fixture, AHCI_PXSIG), ==, ~0u);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, 0x7f);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, 0);
	ahci_driver_write(disk, AHCI_PXSCTL, 0x300);
	g_assert_cmphex(get(fixture, AHCI_PXSSTS), ==, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 2);
	g_assert_cmphex(get(fixture, AHCI_PXSSTS), ==, DETECTED);
	g_assert_cmphex(get(fixture, AHCI_PXSIG), ==, 0x101);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, 0x150);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_REGISTER), ==, 0x34);

	/* Back before the guest lets go. */
	issue_queued(fixture, 1);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_driver_write(disk, AHCI_PXSCTL, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXSSTS), ==, 0);
	ahci_driver_write(disk, AHCI_PXSCTL, 0);
	g_assert_cmphex(get(fixture, AHCI_PXSSTS), ==, DETECTED);

	/* Turned off. A command that is issued has nobody to go to, until it is on again. */
	ahci_driver_write(disk, AHCI_PXSCTL, 4);
	g_assert_cmphex(get(fixture, AHCI_PXSSTS), ==, 4);
	issue_queued(fixture, 1);
	g_assert_cmphex(get(fixture, AHCI_PXCI), ==, 1);
	ahci_driver_write(disk, AHCI_PXSCTL, 0);
	ahci_driver_write(disk, AHCI_PXCI, 1);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(get(fixture, AHCI_PXSACT), ==, 0);
}

static void test_link_reset(void)
{
	ahci_fixture_run(0, guest_link_reset);
}

static void write_control(struct ahci_fixture *fixture, uint8_t control)
{
	const struct ahci_request request = {.is_control = true, .control = control};

	ahci_driver_prepare(&fixture->disk, 0, &request);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1);
	ahci_driver_wait(&fixture->disk, AHCI_PXCI, 1, 0);
}

static void guest_soft_reset(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	g_assert_cmphex(ahci_fixture_disk_command(fixture, FLUSH, 0, 0, 0), ==, READY);
	ahci_driver_clear_received(disk);
	write_control(fixture, 0x00);
	write_control(fixture, 0x04);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_REGISTER), ==, 0);
	write_control(fixture, 0x00);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_REGISTER), ==, 0x34);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_REGISTER + 4), ==, 1);
	g_assert_cmphex(get(fixture, AHCI_PXTFD), ==, 0x150);
	g_assert_cmphex(get(fixture, AHCI_PXSIG), ==, 0x101);
}

static void test_soft_reset(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_soft_reset);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ahci-port/list", test_list);
	g_test_add_func("/ahci-port/queued", test_queued);
	g_test_add_func("/ahci-port/mixed", test_mixed);
	g_test_add_func("/ahci-port/queued-error", test_queued_error);
	g_test_add_func("/ahci-port/bad-tags", test_bad_tags);
	g_test_add_func("/ahci-port/error", test_error);
	g_test_add_func("/ahci-port/faults", test_faults);
	g_test_add_func("/ahci-port/no-receive", test_no_receive);
	g_test_add_func("/ahci-port/stop", test_stop);
	g_test_add_func("/ahci-port/link-reset", test_link_reset);
	g_test_add_func("/ahci-port/soft-reset", test_soft_reset);
	return g_test_run();
}
