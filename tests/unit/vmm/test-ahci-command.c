/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a command's data move: in steps, over tables of any shape, and when the table is wrong.
 */
#include "devices/ahci-command.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "ahci-fixture.h"
#include "memory/guest-memory.h"

enum {
	READ_DMA_EXT = 0x25,
	WRITE_DMA_EXT = 0x35,
	TRIM = 0x06,
	IDENTIFY = 0xEC,
	BIG_SLOT = 31, /* its table has room for this many entries */
	BIG_ENTRIES = 800,
	READY = 0x50,
};

static void issue(struct ahci_fixture *fixture, uint8_t command, uint64_t lba, uint16_t count,
		  const struct ahci_region *regions, unsigned int region_count)
{
	const struct ahci_request request = {
		.command = command,
		.features = command == TRIM,
		.lba = lba,
		.count = count,
		.regions = regions,
		.region_count = region_count,
	};

	ahci_driver_prepare(&fixture->disk, BIG_SLOT, &request);
	ahci_driver_write(&fixture->disk, AHCI_PXIS, ~0u);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1u << BIG_SLOT);
}

static void run(struct ahci_fixture *fixture, uint8_t command, uint64_t lba, uint16_t count,
		const struct ahci_region *regions, unsigned int region_count)
{
	issue(fixture, command, lba, count, regions, region_count);
	ahci_driver_wait(&fixture->disk, AHCI_PXCI, 1u << BIG_SLOT, 0);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXTFD), ==, READY);
}

/* More entries than one step takes, most of them no part of a sector. */
static void guest_scattered(struct ahci_fixture *fixture)
{
	struct ahci_region regions[BIG_ENTRIES];
	uint8_t *data = ahci_fixture_data(fixture);
	g_autofree uint8_t *expected = NULL;
	uint32_t total = 0;

	for (unsigned int i = 0; i < BIG_ENTRIES; i++) {
		regions[i].gpa = AHCI_DRIVER_DATA + total + i * 2;
		regions[i].length = 2 + i % 11 * 2;
		total += regions[i].length;
	}
	total -= total % 512;
	run(fixture, READ_DMA_EXT, 5, (uint16_t)(total / 512), regions, BIG_ENTRIES);
	g_assert_cmpuint(ahci_driver_moved(&fixture->disk, BIG_SLOT), ==, total);
	expected = g_memdup2(fixture->disk_contents + 5 * 512, total);
	for (uint32_t i = 0, at = 0; at < total; at += regions[i++].length) {
		uint32_t length = MIN(regions[i].length, total - at);

		g_assert_cmpmem(data + regions[i].gpa - AHCI_DRIVER_DATA, length, expected + at,
				length);
	}
	/* And back, somewhere else. */
	run(fixture, WRITE_DMA_EXT, 100, (uint16_t)(total / 512), regions, BIG_ENTRIES);
	g_assert_cmpmem(fixture->disk_contents + 100 * 512, total, expected, total);
}

static void test_scattered(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_scattered);
}

/* Nothing keeps the host busy for long: a long transfer goes in steps. */
static void guest_steps(struct ahci_fixture *fixture)
{
	const struct ahci_region regions[] = {{AHCI_DRIVER_DATA, 3 << 20}, {0x80000, 0x80000}};

	issue(fixture, READ_DMA_EXT, 0, 7168, regions, 2);
	for (unsigned int i = 0; i < 2; i++) {
		ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
		g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXCI), !=, 0);
		ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	}
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXCI), ==, 0);
	g_assert_cmpmem(ahci_fixture_data(fixture), 3 << 20, fixture->disk_contents, 3 << 20);

	/* An error in a later step ends it; so does a stop between two. */
	issue(fixture, READ_DMA_EXT, 0, 7168, regions, 2);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	ahci_fixture_fail(fixture, fixture->disk_backend, -EIO);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXTFD), ==, 0x4051);
	ahci_driver_restart(&fixture->disk);
	issue(fixture, READ_DMA_EXT, 0, 7168, regions, 2);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_driver_write(&fixture->disk, AHCI_PXCMD, AHCI_CMD_FRE);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXCMD) & AHCI_CMD_CR, ==, 0);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 0);
}

static void test_steps(void)
{
	ahci_fixture_run(0, guest_steps);
}

/* A read fills what room there is; a write that lacks data fails. */
static void guest_short_table(struct ahci_fixture *fixture)
{
	const struct ahci_region regions[] = {{AHCI_DRIVER_DATA, 1024}, {AHCI_DRIVER_DATA, 300}};
	const uint32_t both = AHCI_IS_REGISTER | AHCI_IS_OVERFLOW;

	run(fixture, READ_DMA_EXT, 0, 8, regions, 2);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS), ==, both);
	g_assert_cmpuint(ahci_driver_moved(&fixture->disk, BIG_SLOT), ==, 1024);
	run(fixture, READ_DMA_EXT, 0, 8, NULL, 0);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS), ==, both);
	run(fixture, IDENTIFY, 0, 0, &regions[1], 1);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS), ==,
			AHCI_IS_PIO_SETUP | AHCI_IS_OVERFLOW);
	g_assert_cmpuint(ahci_driver_moved(&fixture->disk, BIG_SLOT), ==, 300);

	issue(fixture, WRITE_DMA_EXT, 0, 8, regions, 2);
	ahci_driver_wait(&fixture->disk, AHCI_PXIS, AHCI_IS_TASK_FILE, AHCI_IS_TASK_FILE);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS) & AHCI_IS_OVERFLOW, !=, 0);
	ahci_driver_restart(&fixture->disk);
	issue(fixture, TRIM, 0, 1, regions, 0);
	ahci_driver_wait(&fixture->disk, AHCI_PXIS, AHCI_IS_TASK_FILE, AHCI_IS_TASK_FILE);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXTFD), ==, 0x451);
}

static void test_short_table(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_short_table);
}

/* Data that are not in memory: at once, in a later step, and for what is not the disk's. */
static void guest_outside(struct ahci_fixture *fixture)
{
	const struct ahci_region good = {AHCI_DRIVER_DATA, 2 << 20};
	const struct ahci_region bad = {TEST_MACHINE_MEMORY - 1024, 4096};
	const struct ahci_region late[] = {good, bad};
	const struct {
		uint8_t command;
		uint16_t count;
		const struct ahci_region *regions;
		unsigned int region_count;
	} cases[] = {
		{READ_DMA_EXT, 8, &bad, 1},    {WRITE_DMA_EXT, 8, &bad, 1},
		{READ_DMA_EXT, 4104, late, 2}, {WRITE_DMA_EXT, 4104, late, 2},
		{IDENTIFY, 0, &bad, 1},        {TRIM, 1, &bad, 1},
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		issue(fixture, cases[i].command, 0, cases[i].count, cases[i].regions,
		      cases[i].region_count);
		ahci_driver_wait(&fixture->disk, AHCI_PXIS, AHCI_IS_HOST_BUS, AHCI_IS_HOST_BUS);
		g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXCI), ==, 1u << BIG_SLOT);
		ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 0);
		ahci_driver_restart(&fixture->disk);
	}
	run(fixture, READ_DMA_EXT, 0, 8, &good, 1);
}

static void test_outside(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_outside);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ahci-command/scattered", test_scattered);
	g_test_add_func("/ahci-command/steps", test_steps);
	g_test_add_func("/ahci-command/short-table", test_short_table);
	g_test_add_func("/ahci-command/outside", test_outside);
	return g_test_run();
}
