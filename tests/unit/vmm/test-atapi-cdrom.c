/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "ahci-fixture.h"
#include "base/byte-order.h"

enum {
	READY = 0x50,
	NOT_READY = 0x2451,
	MEDIUM_ERROR = 0x3451,
	ILLEGAL = 0x5451,
	ATTENTION = 0x6451,
	ABORTED = 0x451,

	EVENT_NONE = 0,
	EVENT_EJECT_REQUEST = 1,
	EVENT_NEW_MEDIUM = 2,
	EVENT_REMOVAL = 3,
};

#define PACKET(...)     ((const uint8_t[12]){__VA_ARGS__})
#define TEST_UNIT_READY PACKET(0)
#define EJECT           PACKET(0x1B, 0, 0, 0, 2)
#define LOAD            PACKET(0x1B, 0, 0, 0, 3)
#define LOCK            PACKET(0x1E, 0, 0, 0, 1)
#define UNLOCK          PACKET(0x1E, 0, 0, 0, 0)
#define READ_CAPACITY   PACKET(0x25)

static uint32_t run(struct ahci_fixture *fixture, const uint8_t *packet, uint32_t length)
{
	uint32_t task_file = ahci_fixture_packet(fixture, packet, length);

	if (task_file & 1)
		ahci_driver_restart(&fixture->cdrom);
	/* It is status that comes, not data. */
	g_assert_cmphex(ahci_driver_received(&fixture->cdrom, AHCI_RECEIVED_REGISTER + 12), ==, 3);
	return task_file;
}

/* Key, code and qualifier of the last error. */
static uint32_t sense(struct ahci_fixture *fixture)
{
	const uint8_t *data = ahci_fixture_data(fixture);

	g_assert_cmphex(run(fixture, PACKET(0x03, 0, 0, 0, 18), 18), ==, READY);
	g_assert_cmpuint(ahci_driver_moved(&fixture->cdrom, 0), ==, 18);
	return (uint32_t)data[2] << 16 | (uint32_t)data[12] << 8 | data[13];
}

static unsigned int event(struct ahci_fixture *fixture)
{
	const uint8_t *data = ahci_fixture_data(fixture);

	g_assert_cmphex(run(fixture, PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8), 8), ==, READY);
	return data[4];
}

static uint32_t read_blocks(struct ahci_fixture *fixture, uint32_t block, uint8_t count)
{
	return run(fixture,
		   PACKET(0x28, 0, (uint8_t)(block >> 24), (uint8_t)(block >> 16),
			  (uint8_t)(block >> 8), (uint8_t)block, 0, 0, count),
		   count * 2048u);
}

static void guest_identify(struct ahci_fixture *fixture)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, 512};
	struct ahci_request request = {.command = 0xA1, .regions = &region, .region_count = 1};
	const uint8_t *data = ahci_fixture_data(fixture);
	struct ahci_driver *cdrom = &fixture->cdrom;

	g_assert_cmphex(ahci_driver_run(cdrom, &request), ==, READY);
	g_assert_cmphex(load_le16(data), ==, 0x8580);
	g_assert_cmphex(ahci_driver_read(cdrom, AHCI_PXIS), ==, AHCI_IS_PIO_SETUP);
	/* Asked as a disk it aborts, and leaves its signature. */
	request.command = 0xEC;
	g_assert_cmphex(ahci_driver_run(cdrom, &request), ==, ABORTED);
	g_assert_cmphex(ahci_driver_received(cdrom, AHCI_RECEIVED_REGISTER + 6), ==, 0xEB);
	ahci_driver_restart(cdrom);
	request.command = 0x60; /* no queuing here */
	g_assert_cmphex(ahci_driver_run(cdrom, &request), ==, ABORTED);
	ahci_driver_restart(cdrom);
	request.command = 0x08;
	g_assert_cmphex(ahci_driver_run(cdrom, &request), ==, READY);
	g_assert_cmphex(ahci_driver_received(cdrom, AHCI_RECEIVED_REGISTER + 5), ==, 0x14);
	request.command = 0xEF;
	request.features = 0x03;
	g_assert_cmphex(ahci_driver_run(cdrom, &request), ==, READY);
	request.features = 0x02;
	g_assert_cmphex(ahci_driver_run(cdrom, &request), ==, ABORTED);
	ahci_driver_restart(cdrom);
	for (unsigned int i = 0; i < 4; i++) {
		request.command = (const uint8_t[]){0xE0, 0xE1, 0xE5, 0xE7}[i];
		g_assert_cmphex(ahci_driver_run(cdrom, &request), ==, READY);
	}
	g_assert_cmphex(run(fixture, PACKET(0x12, 0, 0, 0, 96), 96), ==, READY);
	g_assert_cmpuint(ahci_driver_moved(cdrom, 0), ==, 36);
	g_assert_cmphex(data[0], ==, 5);
	g_assert_cmphex(run(fixture, PACKET(0x12, 1, 0x80, 0, 96), 96), ==, ILLEGAL);
	g_assert_cmphex(sense(fixture), ==, 0x52400);
	g_assert_cmphex(sense(fixture), ==, 0); /* told once */
}

static void test_identify(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_identify);
}

static void guest_read(struct ahci_fixture *fixture)
{
	const uint8_t *cd = fixture->cdrom_contents;
	const uint8_t *data = ahci_fixture_data(fixture);

	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, READY);
	g_assert_cmphex(run(fixture, READ_CAPACITY, 8), ==, READY);
	g_assert_cmpmem(data, 8, "\0\0\0\x3f\0\0\x08\0", 8);
	g_assert_cmphex(read_blocks(fixture, 5, 4), ==, READY);
	g_assert_cmpmem(data, 4 * 2048, cd + 5 * 2048, 4 * 2048);
	g_assert_cmphex(read_blocks(fixture, AHCI_FIXTURE_BLOCKS, 0), ==, READY);
	g_assert_cmphex(run(fixture, PACKET(0xA8, 0, 0, 0, 0, 7, 0, 0, 0, 1), 2048), ==, READY);
	g_assert_cmpmem(data, 2048, cd + 7 * 2048, 2048);
	g_assert_cmphex(run(fixture, PACKET(0xBE, 0, 0, 0, 0, 8, 0, 0, 1, 0x10), 2048), ==, READY);
	g_assert_cmpmem(data, 2048, cd + 8 * 2048, 2048);
	g_assert_cmphex(run(fixture, PACKET(0xBE, 0, 0, 0, 0, 8, 0, 0, 1, 0), 2048), ==, READY);
	g_assert_cmpuint(ahci_driver_moved(&fixture->cdrom, 0), ==, 0);
	g_assert_cmphex(run(fixture, PACKET(0xBE, 0, 0, 0, 0, 8, 0, 0, 1, 0xf8), 2352), ==,
			ILLEGAL);
}

static void test_read(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_read);
}

/* Behind the end; and a file that was cut, whose last block is there by half. */
static void guest_limits(struct ahci_fixture *fixture)
{
	const uint8_t *data = ahci_fixture_data(fixture);

	g_assert_cmphex(read_blocks(fixture, AHCI_FIXTURE_BLOCKS, 1), ==, ILLEGAL);
	g_assert_cmphex(sense(fixture), ==, 0x52100);
	g_assert_cmphex(read_blocks(fixture, ~0u, 1), ==, ILLEGAL);
	g_assert_cmphex(run(fixture, PACKET(0xA8, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff), 2048), ==,
			ILLEGAL);
	g_assert_cmphex(read_blocks(fixture, AHCI_FIXTURE_BLOCKS - 2, 1), ==, READY);
	/* What is there of a read comes; where it ended is told. */
	g_assert_cmphex(read_blocks(fixture, AHCI_FIXTURE_BLOCKS - 3, 3), ==, MEDIUM_ERROR);
	g_assert_cmpuint(ahci_driver_moved(&fixture->cdrom, 0), ==, 2 * 2048);
	g_assert_cmpmem(data, 2 * 2048, fixture->cdrom_contents + (AHCI_FIXTURE_BLOCKS - 3) * 2048,
			2 * 2048);
	g_assert_cmphex(sense(fixture), ==, 0x31100);
	g_assert_cmphex(data[0], ==, 0xf0);
	g_assert_cmpuint(data[6], ==, AHCI_FIXTURE_BLOCKS - 1);
	g_assert_cmphex(read_blocks(fixture, AHCI_FIXTURE_BLOCKS - 1, 1), ==, MEDIUM_ERROR);
	g_assert_cmpuint(ahci_driver_moved(&fixture->cdrom, 0), ==, 0);
}

static void test_limits(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_limits);
}

/* A drive without a medium, which gets one, loses it and gets another. */
static void guest_media(struct ahci_fixture *fixture)
{
	const uint8_t *data = ahci_fixture_data(fixture);

	g_assert_false(ahci_cdrom_loaded(fixture->ahci, AHCI_FIXTURE_CDROM_PORT));
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, NOT_READY);
	g_assert_cmphex(sense(fixture), ==, 0x23A01);
	g_assert_cmphex(read_blocks(fixture, 0, 1), ==, NOT_READY);
	g_assert_cmphex(run(fixture, READ_CAPACITY, 8), ==, NOT_READY);
	g_assert_cmphex(run(fixture, PACKET(0x12, 0, 0, 0, 36), 36), ==, READY);
	g_assert_cmphex(event(fixture), ==, EVENT_NONE);
	g_assert_cmphex(data[5], ==, 0);
	g_assert_cmpint(ahci_fixture_eject(fixture, false), ==, 0);

	g_assert_cmpint(ahci_fixture_insert(fixture, false), ==, 0);
	g_assert_true(ahci_cdrom_loaded(fixture->ahci, AHCI_FIXTURE_CDROM_PORT));
	g_assert_cmphex(event(fixture), ==, EVENT_NEW_MEDIUM);
	g_assert_cmphex(data[5], ==, 2);
	g_assert_cmphex(event(fixture), ==, EVENT_NONE);
	/* The first command that is about the medium learns of it. */
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, ATTENTION);
	g_assert_cmphex(sense(fixture), ==, 0x62800);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, READY);
	g_assert_cmphex(read_blocks(fixture, 0, 1), ==, READY);

	g_assert_cmpint(ahci_fixture_insert(fixture, false), ==, 0);
	/* Or who asks for it. */
	g_assert_cmphex(sense(fixture), ==, 0x62800);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, READY);
	g_assert_cmpint(ahci_fixture_eject(fixture, false), ==, 0);
	g_assert_cmphex(event(fixture), ==, EVENT_REMOVAL);
	g_assert_cmphex(data[5], ==, 1);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, NOT_READY);
	g_assert_cmphex(sense(fixture), ==, 0x23A02);
}

static void test_media(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC | AHCI_FIXTURE_EMPTY, guest_media);
}

/* The guest ejects, unless it has forbidden that; the host asks it, or takes the medium. */
static void guest_lock(struct ahci_fixture *fixture)
{
	g_assert_cmphex(run(fixture, LOCK, 0), ==, READY);
	g_assert_cmphex(run(fixture, EJECT, 0), ==, ILLEGAL);
	g_assert_cmphex(sense(fixture), ==, 0x55302);
	g_assert_cmpint(ahci_fixture_eject(fixture, false), ==, -EBUSY);
	g_assert_cmphex(event(fixture), ==, EVENT_EJECT_REQUEST);
	g_assert_cmpint(ahci_fixture_insert(fixture, false), ==, -EBUSY);
	g_assert_cmphex(event(fixture), ==, EVENT_EJECT_REQUEST);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, READY);
	g_assert_cmphex(run(fixture, UNLOCK, 0), ==, READY);
	g_assert_cmphex(run(fixture, EJECT, 0), ==, READY);
	g_assert_false(ahci_cdrom_loaded(fixture->ahci, AHCI_FIXTURE_CDROM_PORT));
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, NOT_READY);
	g_assert_cmphex(sense(fixture), ==, 0x23A02);
	/* Closing the tray brings nothing back. */
	g_assert_cmphex(run(fixture, LOAD, 0), ==, NOT_READY);
	g_assert_cmphex(sense(fixture), ==, 0x23A01);
	g_assert_cmphex(run(fixture, PACKET(0x1B, 0, 0, 0, 0x30), 0), ==, READY);

	/* An empty drive takes one, locked or not. */
	g_assert_cmphex(run(fixture, LOCK, 0), ==, READY);
	g_assert_cmpint(ahci_fixture_insert(fixture, false), ==, 0);
	g_assert_cmpint(ahci_fixture_eject(fixture, true), ==, 0);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, NOT_READY);
	/* A reset unlocks. */
	g_assert_cmpint(ahci_fixture_insert(fixture, true), ==, 0);
	g_assert_cmpint(ahci_fixture_eject(fixture, false), ==, -EBUSY);
	ahci_driver_write(&fixture->cdrom, AHCI_PXSCTL, 1);
	ahci_driver_write(&fixture->cdrom, AHCI_PXSCTL, 0);
	g_assert_cmpint(ahci_fixture_eject(fixture, false), ==, 0);
}

static void test_lock(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_lock);
}

static void issue_read(struct ahci_fixture *fixture, unsigned int slot)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, 4096};
	const struct ahci_request request = {
		.command = 0xA0,
		.packet = PACKET(0x28, 0, 0, 0, 0, 1, 0, 0, 2),
		.packet_length = 12,
		.regions = &region,
		.region_count = 1,
	};

	ahci_driver_prepare(&fixture->cdrom, slot, &request);
	ahci_driver_write(&fixture->cdrom, AHCI_PXIS, ~0u);
	ahci_driver_write(&fixture->cdrom, AHCI_PXCI, 1u << slot);
}

/* A medium that goes while it is read, and one that another takes the place of. */
static void guest_eject_while_reading(struct ahci_fixture *fixture)
{
	struct ahci_driver *cdrom = &fixture->cdrom;

	for (unsigned int again = 0; again < 2; again++) {
		issue_read(fixture, 0);
		ahci_fixture_wait_in_flight(fixture, fixture->cdrom_backend, 1);
		g_assert_cmpint(ahci_fixture_eject(fixture, false), ==, 0);
		if (again)
			g_assert_cmpint(ahci_fixture_insert(fixture, false), ==, 0);
		g_assert_cmphex(ahci_driver_read(cdrom, AHCI_PXCI), ==, 1);
		ahci_fixture_complete(fixture, fixture->cdrom_backend, 1);
		g_assert_cmphex(ahci_driver_read(cdrom, AHCI_PXTFD), ==, NOT_READY);
		ahci_driver_restart(cdrom);
		g_assert_cmphex(sense(fixture), ==, again ? 0x23A01 : 0x23A02);
		if (!again)
			g_assert_cmpint(ahci_fixture_insert(fixture, false), ==, 0);
		g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, ATTENTION);
	}
	/* The next in the list finds the new one. */
	issue_read(fixture, 0);
	ahci_fixture_wait_in_flight(fixture, fixture->cdrom_backend, 1);
	ahci_fixture_complete(fixture, fixture->cdrom_backend, 1);
	g_assert_cmphex(ahci_driver_read(cdrom, AHCI_PXTFD), ==, READY);
	g_assert_cmpmem(ahci_fixture_data(fixture), 4096, fixture->cdrom_contents + 2048, 4096);
	/* What the host cannot read. */
	issue_read(fixture, 0);
	ahci_fixture_wait_in_flight(fixture, fixture->cdrom_backend, 1);
	ahci_fixture_fail(fixture, fixture->cdrom_backend, -EIO);
	g_assert_cmphex(ahci_driver_read(cdrom, AHCI_PXTFD), ==, MEDIUM_ERROR);
	ahci_driver_restart(cdrom);
	g_assert_cmphex(sense(fixture), ==, 0x31100);
	g_assert_cmphex(ahci_fixture_data(fixture)[0], ==, 0x70);
}

static void test_eject_while_reading(void)
{
	ahci_fixture_run(0, guest_eject_while_reading);
}

static void guest_answers(struct ahci_fixture *fixture)
{
	const uint8_t *data = ahci_fixture_data(fixture);
	const struct {
		uint8_t packet[12];
		uint32_t task_file;
		uint32_t moved;
	} cases[] = {
		{{0x2B}, READY, 0},
		{{0xBB}, READY, 0},
		{{0x43, 0, 0, 0, 0, 0, 0, 0, 12}, READY, 12},
		{{0x43, 2, 0, 0, 0, 0, 0xAA, 0, 200}, READY, 12},
		{{0x43, 0, 0, 0, 0, 0, 0, 0, 200, 0x40}, READY, 12}, /* old form of format 1 */
		{{0x43, 0, 5, 0, 0, 0, 0, 0, 200}, ILLEGAL, 0},
		{{0x46, 2, 0, 1, 0, 0, 0, 0, 200}, READY, 20},
		{{0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8}, ILLEGAL, 0},
		{{0x4A, 1, 0, 0, 0x02, 0, 0, 0, 8}, READY, 4},
		{{0x51, 0, 0, 0, 0, 0, 0, 0, 200}, READY, 34},
		{{0x51, 1, 0, 0, 0, 0, 0, 0, 200}, ILLEGAL, 0},
		{{0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 200}, READY, 30},
		{{0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 0}, READY, 0},
		{{0x5A, 0, 0xEA, 0, 0, 0, 0, 0, 200}, ILLEGAL, 0},
		{{0x5A, 0, 0x08, 0, 0, 0, 0, 0, 200}, ILLEGAL, 0},
		{{0xAD, 0, 0, 0, 0, 0, 0, 0, 8, 4}, READY, 2052},
		{{0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 200}, READY, 8},
		{{0x2A, 0, 0, 0, 0, 0, 0, 0, 1}, ILLEGAL, 0},
		{{0xff}, ILLEGAL, 0},
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_assert_cmphex(run(fixture, cases[i].packet, 4096), ==, cases[i].task_file);
		g_assert_cmpuint(ahci_driver_moved(&fixture->cdrom, 0), ==, cases[i].moved);
	}
	g_assert_cmphex(sense(fixture), ==, 0x52000);
	/* An event is kept for one who asks for more than the header. */
	g_assert_cmpint(ahci_fixture_insert(fixture, false), ==, 0);
	g_assert_cmphex(run(fixture, PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 4), 8), ==, READY);
	g_assert_cmphex(event(fixture), ==, EVENT_NEW_MEDIUM);
	g_assert_cmphex(data[1], ==, 6);
}

static void test_answers(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_answers);
}

static struct state_block block;

/* Locked, with the error of a command still to be asked for. */
static void guest_state(struct ahci_fixture *fixture)
{
	g_assert_cmphex(run(fixture, LOCK, 0), ==, READY);
	g_assert_cmphex(run(fixture, EJECT, 0), ==, ILLEGAL);
	ahci_fixture_save(fixture, &block);
	g_assert_cmphex(run(fixture, UNLOCK, 0), ==, READY);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	g_assert_cmphex(sense(fixture), ==, 0x55302);
	g_assert_cmpint(ahci_fixture_eject(fixture, false), ==, -EBUSY);
	g_assert_cmphex(event(fixture), ==, EVENT_EJECT_REQUEST);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, READY);

	/* gone meanwhile */
	g_assert_cmpint(ahci_fixture_eject(fixture, true), ==, 0);
	g_assert_cmphex(event(fixture), ==, EVENT_REMOVAL);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	g_assert_cmphex(event(fixture), ==, EVENT_REMOVAL);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, NOT_READY);
	g_assert_cmphex(sense(fixture), ==, 0x23A02);

	/* or come */
	ahci_fixture_save(fixture, &block);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	g_assert_cmphex(event(fixture), ==, EVENT_NONE);
	g_assert_cmpint(ahci_fixture_insert(fixture, true), ==, 0);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, ATTENTION);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	g_assert_cmphex(event(fixture), ==, EVENT_NEW_MEDIUM);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, ATTENTION);
	g_assert_cmphex(run(fixture, TEST_UNIT_READY, 0), ==, READY);
}

static void test_state(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_state);
}

/* The drive's are the last bytes. */
static void assert_refused(struct ahci_fixture *fixture, size_t from_end, const char *problem)
{
	size_t at = (size_t)(block.reader.end - block.bytes) - STATE_BLOCK_PAYLOAD - from_end;

	state_block_patch(&block, at, 7);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, -EPROTO);
	g_assert_cmpstr(block.reader.problem, ==, problem);
	state_block_patch(&block, at, 0);
}

static void guest_false_state(struct ahci_fixture *fixture)
{
	ahci_fixture_save(fixture, &block);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	assert_refused(fixture, 1, "a CD-ROM drive has no such event");
	assert_refused(fixture, 10, "a CD-ROM drive has no such error");
}

static void test_false_state(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_false_state);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/atapi-cdrom/identify", test_identify);
	g_test_add_func("/atapi-cdrom/read", test_read);
	g_test_add_func("/atapi-cdrom/limits", test_limits);
	g_test_add_func("/atapi-cdrom/media", test_media);
	g_test_add_func("/atapi-cdrom/lock", test_lock);
	g_test_add_func("/atapi-cdrom/eject-while-reading", test_eject_while_reading);
	g_test_add_func("/atapi-cdrom/answers", test_answers);
	g_test_add_func("/atapi-cdrom/state", test_state);
	g_test_add_func("/atapi-cdrom/false-state", test_false_state);
	return g_test_run();
}
