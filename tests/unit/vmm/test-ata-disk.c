/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "ahci-fixture.h"
#include "base/byte-order.h"

enum {
	TRIM = 0x06,
	READ_SECTORS = 0x20,
	READ_SECTORS_EXT = 0x24,
	READ_DMA_EXT = 0x25,
	READ_LOG_EXT = 0x2F,
	WRITE_SECTORS = 0x30,
	WRITE_DMA_EXT = 0x35,
	WRITE_DMA_FUA_EXT = 0x3D,
	READ_VERIFY_EXT = 0x42,
	WRITE_QUEUED = 0x61,
	SET_MULTIPLE = 0xC6,
	READ_DMA = 0xC8,
	WRITE_DMA = 0xCA,
	STANDBY_IMMEDIATE = 0xE0,
	IDLE_IMMEDIATE = 0xE1,
	CHECK_POWER = 0xE5,
	FLUSH = 0xE7,
	FLUSH_EXT = 0xEA,
	IDENTIFY = 0xEC,
	SET_FEATURES = 0xEF,

	READY = 0x50,
	ABORTED = 0x451,
	NOT_FOUND = 0x1051,
	UNCORRECTABLE = 0x4051,
	WRITE_FAULT = 0x471,
};

static uint32_t command(struct ahci_fixture *fixture, uint8_t code, uint64_t lba, uint16_t count,
			uint32_t length)
{
	uint32_t task_file = ahci_fixture_disk_command(fixture, code, lba, count, length);

	if (task_file & 1)
		ahci_driver_restart(&fixture->disk);
	return task_file;
}

static uint32_t set_feature(struct ahci_fixture *fixture, uint8_t feature, uint16_t count)
{
	const struct ahci_request request = {
		.command = SET_FEATURES, .features = feature, .count = count};
	uint32_t task_file = ahci_driver_run(&fixture->disk, &request);

	if (task_file & 1)
		ahci_driver_restart(&fixture->disk);
	return task_file;
}

static unsigned int identify_word(struct ahci_fixture *fixture, unsigned int word)
{
	g_assert_cmphex(command(fixture, IDENTIFY, 0, 0, 512), ==, READY);
	return load_le16(ahci_fixture_data(fixture) + 2 * word);
}

static void guest_identify(struct ahci_fixture *fixture)
{
	uint8_t *data = ahci_fixture_data(fixture);

	g_assert_cmpuint(identify_word(fixture, 60), ==, AHCI_FIXTURE_SECTORS);
	g_assert_cmpmem(data + 20, 4, "-S 1", 4);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS), ==, AHCI_IS_PIO_SETUP);
	g_assert_cmphex(ahci_driver_received(&fixture->disk, AHCI_RECEIVED_PIO_SETUP), ==, 0x5F);
	g_assert_cmphex(ahci_driver_received(&fixture->disk, AHCI_RECEIVED_PIO_SETUP + 15), ==,
			READY);
	g_assert_cmpuint(ahci_driver_moved(&fixture->disk, 0), ==, 512);
	/* It is no CD-ROM drive. */
	g_assert_cmphex(command(fixture, 0xA1, 0, 0, 512), ==, ABORTED);
	g_assert_cmphex(command(fixture, 0xA0, 0, 0, 512), ==, ABORTED);
}

static void test_identify(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_identify);
}

/* Every form of address and length. */
static void guest_forms(struct ahci_fixture *fixture)
{
	const uint8_t *disk = fixture->disk_contents;
	uint8_t *data = ahci_fixture_data(fixture);

	g_assert_cmphex(command(fixture, READ_SECTORS, 3, 2, 1024), ==, READY);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS), ==, AHCI_IS_PIO_SETUP);
	g_assert_cmpmem(data, 1024, disk + 3 * 512, 1024);
	g_assert_cmphex(command(fixture, READ_SECTORS_EXT, 7, 1, 512), ==, READY);
	g_assert_cmpmem(data, 512, disk + 7 * 512, 512);
	/* Zero is the largest count: 256, and 65536, which this disk does not have. */
	g_assert_cmphex(command(fixture, READ_DMA, 9, 0, 256 * 512), ==, READY);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS), ==, AHCI_IS_REGISTER);
	g_assert_cmpmem(data, 256 * 512, disk + 9 * 512, 256 * 512);
	g_assert_cmphex(command(fixture, READ_DMA_EXT, 0, 0, 512), ==, NOT_FOUND);

	memset(data, 0xaa, 1024);
	g_assert_cmphex(command(fixture, WRITE_SECTORS, 20, 1, 512), ==, READY);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS), ==, AHCI_IS_REGISTER);
	g_assert_cmphex(command(fixture, WRITE_DMA, 21, 1, 512), ==, READY);
	g_assert_cmphex(command(fixture, WRITE_DMA_EXT, 22, 1, 512), ==, READY);
	g_assert_cmpmem(disk + 20 * 512, 512, data, 512);
	g_assert_cmpmem(disk + 21 * 512, 1024, disk + 20 * 512, 1024);
	g_assert_cmphex(disk[23 * 512], ==, (uint8_t)(1 + 23 * 512 * 7 + 23));
}

static void test_forms(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_forms);
}

static void guest_limits(struct ahci_fixture *fixture)
{
	static const uint8_t codes[] = {READ_DMA_EXT, WRITE_DMA_EXT, READ_VERIFY_EXT};

	for (unsigned int i = 0; i < sizeof(codes); i++) {
		const uint64_t end = AHCI_FIXTURE_SECTORS;

		g_assert_cmphex(command(fixture, codes[i], end - 1, 1, 512), ==, READY);
		g_assert_cmphex(command(fixture, codes[i], end - 1, 2, 1024), ==, NOT_FOUND);
		g_assert_cmphex(command(fixture, codes[i], end, 1, 512), ==, NOT_FOUND);
		g_assert_cmphex(command(fixture, codes[i], 0xffffffffffff, 1, 512), ==, NOT_FOUND);
	}
	g_assert_cmphex(ahci_driver_received(&fixture->disk, AHCI_RECEIVED_REGISTER + 4), ==, 0xff);
}

static void test_limits(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_limits);
}

static void guest_read_only(struct ahci_fixture *fixture)
{
	g_assert_cmphex(command(fixture, WRITE_DMA_EXT, 0, 1, 512), ==, ABORTED);
	g_assert_cmphex(command(fixture, READ_DMA_EXT, 0, 1, 512), ==, READY);
	g_assert_cmphex(command(fixture, FLUSH, 0, 0, 0), ==, READY);
	g_assert_cmphex(command(fixture, TRIM, 0, 1, 512), ==, ABORTED);
}

static void test_read_only(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC | AHCI_FIXTURE_READ_ONLY, guest_read_only);
}

static void issue(struct ahci_fixture *fixture, const struct ahci_request *request)
{
	ahci_driver_prepare(&fixture->disk, 0, request);
	ahci_driver_write(&fixture->disk, AHCI_PXIS, ~0u);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
}

/* What the host cannot read or store. */
static void guest_host_errors(struct ahci_fixture *fixture)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, 512};
	struct ahci_request request = {.count = 1, .regions = &region, .region_count = 1};
	const struct {
		uint8_t code;
		uint32_t task_file;
	} cases[] = {
		{READ_DMA_EXT, UNCORRECTABLE},
		{READ_SECTORS, UNCORRECTABLE},
		{WRITE_DMA_EXT, WRITE_FAULT},
		{FLUSH, WRITE_FAULT},
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		request.command = cases[i].code;
		issue(fixture, &request);
		ahci_fixture_fail(fixture, fixture->disk_backend, -EIO);
		g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXTFD), ==,
				cases[i].task_file);
		g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXIS), ==,
				AHCI_IS_REGISTER | AHCI_IS_TASK_FILE);
		ahci_driver_restart(&fixture->disk);
	}
}

static void test_host_errors(void)
{
	ahci_fixture_run(0, guest_host_errors);
}

static void assert_flushes(struct ahci_fixture *fixture, const struct ahci_request *request,
			   bool flushes)
{
	issue(fixture, request);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, flushes ? 1 : 0);
	if (flushes)
		ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXCI), ==, 0);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXTFD), ==, READY);
}

/* A write that has to be stored when it has completed is followed by a flush. */
static void guest_write_through(struct ahci_fixture *fixture)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, 512};
	struct ahci_request request = {
		.command = WRITE_DMA_EXT, .count = 1, .regions = &region, .region_count = 1};
	const struct ahci_request cache_off = {.command = SET_FEATURES, .features = 0x82};
	struct ahci_request queued = {.command = WRITE_QUEUED,
				      .features = 1,
				      .device = 0x40,
				      .regions = &region,
				      .region_count = 1};

	assert_flushes(fixture, &request, false);
	assert_flushes(fixture, &queued, false);
	queued.device |= 0x80;
	assert_flushes(fixture, &queued, true);
	request.command = WRITE_DMA_FUA_EXT;
	assert_flushes(fixture, &request, true);
	/* Turned off, the cache is emptied. */
	issue(fixture, &cache_off);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	request.command = WRITE_DMA_EXT;
	assert_flushes(fixture, &request, true);
	set_feature(fixture, 0x02, 0);
	assert_flushes(fixture, &request, false);
}

static void test_write_through(void)
{
	ahci_fixture_run(0, guest_write_through);
}

static uint32_t trim(struct ahci_fixture *fixture, uint16_t features, uint16_t count)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, 512};
	const struct ahci_request request = {.command = TRIM,
					     .features = features,
					     .count = count,
					     .regions = &region,
					     .region_count = 1};
	uint32_t task_file = ahci_driver_run(&fixture->disk, &request);

	if (task_file & 1)
		ahci_driver_restart(&fixture->disk);
	return task_file;
}

static void guest_trim(struct ahci_fixture *fixture)
{
	const uint8_t *disk = fixture->disk_contents;
	uint8_t *ranges = ahci_fixture_data(fixture);

	memset(ranges, 0, 512);
	store_le64(ranges, 8 | 2ULL << 48);
	store_le64(ranges + 16, 100 | 1ULL << 48); /* behind one of no length */
	store_le64(ranges + 504, (AHCI_FIXTURE_SECTORS - 1) | 1ULL << 48);
	g_assert_cmphex(trim(fixture, 1, 1), ==, READY);
	for (unsigned int i = 0; i < 512; i++) {
		g_assert_cmphex(disk[8 * 512 + i] | disk[9 * 512 + i] | disk[100 * 512 + i], ==, 0);
		g_assert_cmphex(disk[(AHCI_FIXTURE_SECTORS - 1) * 512 + i], ==, 0);
	}
	g_assert_cmphex(disk[10 * 512], ==, (uint8_t)(1 + 10 * 512 * 7 + 10));
	store_le64(ranges + 8, AHCI_FIXTURE_SECTORS | 1ULL << 48);
	g_assert_cmphex(trim(fixture, 1, 1), ==, NOT_FOUND);
	g_assert_cmphex(trim(fixture, 0, 1), ==, ABORTED);
	g_assert_cmphex(trim(fixture, 1, 2), ==, ABORTED);
	g_assert_cmphex(trim(fixture, 1, 0), ==, ABORTED);
}

static void test_trim(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_trim);
}

static void guest_features(struct ahci_fixture *fixture)
{
	g_assert_cmphex(identify_word(fixture, 85) & 0x60, ==, 0x60);
	g_assert_cmphex(set_feature(fixture, 0x82, 0), ==, READY);
	g_assert_cmphex(set_feature(fixture, 0x55, 0), ==, READY);
	g_assert_cmphex(identify_word(fixture, 85) & 0x60, ==, 0);
	g_assert_cmphex(set_feature(fixture, 0xAA, 0), ==, READY);
	g_assert_cmphex(identify_word(fixture, 85) & 0x60, ==, 0x40);
	g_assert_cmphex(set_feature(fixture, 0x03, 0x46), ==, READY);
	g_assert_cmphex(identify_word(fixture, 88) >> 8, ==, 0x40);
	g_assert_cmphex(set_feature(fixture, 0x03, 0x0C), ==, READY);
	g_assert_cmphex(set_feature(fixture, 0x03, 0x47), ==, ABORTED);
	g_assert_cmphex(set_feature(fixture, 0x66, 0), ==, READY);
	g_assert_cmphex(set_feature(fixture, 0x5D, 0), ==, ABORTED);
	g_assert_cmphex(command(fixture, SET_MULTIPLE, 0, 8, 0), ==, READY);
	g_assert_cmphex(identify_word(fixture, 59), ==, 0x108);
	g_assert_cmphex(command(fixture, SET_MULTIPLE, 0, 3, 0), ==, ABORTED);
	g_assert_cmphex(command(fixture, SET_MULTIPLE, 0, 32, 0), ==, ABORTED);
	/* A reset of the link forgets them. */
	ahci_driver_write(&fixture->disk, AHCI_PXSCTL, 1);
	ahci_driver_write(&fixture->disk, AHCI_PXSCTL, 0);
	g_assert_cmphex(identify_word(fixture, 85) & 0x60, ==, 0x60);
	g_assert_cmphex(identify_word(fixture, 59), ==, 0);
}

static void test_features(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_features);
}

static void guest_others(struct ahci_fixture *fixture)
{
	uint8_t *data = ahci_fixture_data(fixture);

	g_assert_cmphex(command(fixture, FLUSH_EXT, 0, 0, 0), ==, READY);
	g_assert_cmphex(command(fixture, STANDBY_IMMEDIATE, 0, 0, 0), ==, READY);
	g_assert_cmphex(command(fixture, IDLE_IMMEDIATE, 0, 0, 0), ==, READY);
	g_assert_cmphex(command(fixture, CHECK_POWER, 0, 0, 0), ==, READY);
	g_assert_cmphex(ahci_driver_received(&fixture->disk, AHCI_RECEIVED_REGISTER + 12), ==,
			0xff);
	g_assert_cmphex(command(fixture, READ_LOG_EXT, 0, 1, 512), ==, READY);
	g_assert_cmphex(load_le16(data), ==, 1);
	g_assert_cmphex(load_le16(data + 0x20), ==, 1);
	g_assert_cmphex(command(fixture, READ_LOG_EXT, 0x30, 1, 512), ==, ABORTED);
	g_assert_cmphex(command(fixture, READ_LOG_EXT, 0x100, 1, 512), ==, ABORTED);
	g_assert_cmphex(command(fixture, READ_LOG_EXT, 0, 2, 1024), ==, ABORTED);
	g_assert_cmphex(command(fixture, 0x00, 0, 0, 0), ==, ABORTED);
}

static void test_others(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_others);
}

static struct state_block block;

static void set_features(struct ahci_fixture *fixture, bool caching, uint16_t multiple)
{
	set_feature(fixture, caching ? 0x02 : 0x82, 0);
	set_feature(fixture, caching ? 0xAA : 0x55, 0);
	set_feature(fixture, 0x03, caching ? 0x45 : 0x42);
	command(fixture, SET_MULTIPLE, 0, multiple, 0);
}

static void guest_state(struct ahci_fixture *fixture)
{
	set_features(fixture, false, 8);
	ahci_fixture_save(fixture, &block);
	set_features(fixture, true, 0);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	g_assert_cmphex(identify_word(fixture, 85) & 0x60, ==, 0);
	g_assert_cmphex(identify_word(fixture, 88) >> 8, ==, 4);
	g_assert_cmphex(identify_word(fixture, 59), ==, 0x108);
}

static void test_state(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_state);
}

/* A failed command of many is told of by the machine that goes on. */
static void guest_queue_error(struct ahci_fixture *fixture)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, 512};
	const struct ahci_request queued = {.command = WRITE_QUEUED,
					    .features = 1,
					    .count = 0,
					    .lba = 99,
					    .device = 0x40,
					    .regions = &region,
					    .region_count = 1};
	uint8_t *log = ahci_fixture_data(fixture);

	ahci_driver_prepare(&fixture->disk, 0, &queued);
	ahci_driver_write(&fixture->disk, AHCI_PXSACT, 1);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_fail(fixture, fixture->disk_backend, -EIO);
	ahci_fixture_save(fixture, &block);
	ahci_driver_restart(&fixture->disk);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXTFD), ==, WRITE_FAULT);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXSACT), ==, 1);
	ahci_driver_restart(&fixture->disk);
	g_assert_cmphex(command(fixture, READ_LOG_EXT, 0x10, 1, 512), ==, READY);
	g_assert_cmphex(log[0], ==, 0);
	g_assert_cmphex(log[2], ==, WRITE_FAULT & 0xff);
	g_assert_cmphex(load_le32(log + 4) & 0xffffff, ==, 99);
}

static void test_queue_error(void)
{
	ahci_fixture_run(0, guest_queue_error);
}

/*
 * The drive behind it: 16 bytes, and its port: 62. From the disk's end: the error (15 bytes), the
 * mode of transfer, sectors of a multiple, two bits, the size.
 */
enum { DISK_FROM_END = 16 + 62, MODE_FROM_END = 16, MULTIPLE_FROM_END = 17, SIZE_FROM_END = 27 };

static void patch(size_t from_end, uint8_t byte)
{
	state_block_patch(&block,
			  (size_t)(block.reader.end - block.bytes) - STATE_BLOCK_PAYLOAD -
				  DISK_FROM_END - from_end,
			  byte);
}

static void assert_refused(struct ahci_fixture *fixture, const char *problem)
{
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, -EPROTO);
	g_assert_cmpstr(block.reader.problem, ==, problem);
}

/* A larger one keeps the size its driver knows; there cannot be less than that. */
static void guest_size(struct ahci_fixture *fixture)
{
	static_assert(AHCI_FIXTURE_SECTORS == 0x4000, "the byte that is changed");

	ahci_fixture_save(fixture, &block);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	patch(SIZE_FROM_END - 1, 0x20);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	g_assert_cmpuint(identify_word(fixture, 60), ==, AHCI_FIXTURE_SECTORS / 2);
	g_assert_cmphex(command(fixture, READ_DMA_EXT, AHCI_FIXTURE_SECTORS / 2, 1, 512), ==,
			NOT_FOUND);
	patch(SIZE_FROM_END - 1, 0x41);
	assert_refused(fixture, "a disk is smaller than it was");
}

static void guest_false_state(struct ahci_fixture *fixture)
{
	ahci_fixture_save(fixture, &block);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	patch(MODE_FROM_END, 7);
	assert_refused(fixture, "a disk has no such mode");
	patch(MODE_FROM_END, 5);
	patch(MULTIPLE_FROM_END, 3);
	assert_refused(fixture, "a disk has no such mode");
}

static void test_size(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_size);
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_false_state);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ata-disk/identify", test_identify);
	g_test_add_func("/ata-disk/forms", test_forms);
	g_test_add_func("/ata-disk/limits", test_limits);
	g_test_add_func("/ata-disk/read-only", test_read_only);
	g_test_add_func("/ata-disk/host-errors", test_host_errors);
	g_test_add_func("/ata-disk/write-through", test_write_through);
	g_test_add_func("/ata-disk/trim", test_trim);
	g_test_add_func("/ata-disk/features", test_features);
	g_test_add_func("/ata-disk/others", test_others);
	g_test_add_func("/ata-disk/state", test_state);
	g_test_add_func("/ata-disk/queue-error", test_queue_error);
	g_test_add_func("/ata-disk/size", test_size);
	return g_test_run();
}
