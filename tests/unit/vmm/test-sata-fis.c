/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/sata-fis.h"

#include <glib.h>

static void test_parse(void)
{
	uint8_t fis[SATA_FIS_COMMAND_SIZE] = {
		0x27, 0x80, 0x25, 0x11, 0x03, 0x02, 0x01, 0x40, 0x06, 0x05,
		0x04, 0x22, 0x34, 0x12, 0x00, 0x08, 0xff, 0xff, 0xff, 0xff,
	};
	struct ata_taskfile taskfile;

	g_assert_cmpint(sata_fis_parse(fis, &taskfile), ==, SATA_FIS_COMMAND);
	g_assert_cmphex(taskfile.command, ==, 0x25);
	g_assert_cmphex(taskfile.features, ==, 0x2211);
	g_assert_cmphex(taskfile.lba, ==, 0x040506010203);
	g_assert_cmphex(taskfile.device, ==, 0x40);
	g_assert_cmphex(taskfile.count, ==, 0x1234);
	g_assert_cmphex(taskfile.control, ==, 0x08);
	fis[1] = 0x0f; /* a port multiplier's port means nothing here */
	g_assert_cmpint(sata_fis_parse(fis, &taskfile), ==, SATA_FIS_CONTROL);
	fis[0] = 0x34;
	g_assert_cmpint(sata_fis_parse(fis, &taskfile), ==, SATA_FIS_UNKNOWN);
}

static const struct ata_taskfile answer = {
	.lba = 0x060504030201, .device = 0x40, .count = 0x1234, .features = 0xffff};

static void test_register(void)
{
	const uint8_t expected[SATA_FIS_REGISTER_SIZE] = {
		0x34, 0x40, 0x51, 0x04, 0x01, 0x02, 0x03, 0x40, 0x04, 0x05, 0x06, 0x00, 0x34, 0x12,
	};
	uint8_t fis[SATA_FIS_REGISTER_SIZE];

	sata_fis_register(&answer, 0x51, 0x04, true, fis);
	g_assert_cmpmem(fis, sizeof(fis), expected, sizeof(expected));
	sata_fis_register(&answer, 0x51, 0x04, false, fis);
	g_assert_cmphex(fis[1], ==, 0);
}

static void test_pio_setup(void)
{
	const uint8_t expected[SATA_FIS_PIO_SETUP_SIZE] = {
		0x5F, 0x60, 0x58, 0x00, 0x01, 0x02, 0x03, 0x40, 0x04,
		0x05, 0x06, 0x00, 0x34, 0x12, 0x00, 0x50, 0x00, 0x02,
	};
	uint8_t fis[SATA_FIS_PIO_SETUP_SIZE];

	sata_fis_pio_setup(&answer, ATA_STATUS_READY, 512, fis);
	g_assert_cmpmem(fis, sizeof(fis), expected, sizeof(expected));
}

static void test_device_bits(void)
{
	const uint8_t expected[SATA_FIS_DEVICE_BITS_SIZE] = {0xA1, 0x40, 0x51, 0x40,
							     0x01, 0x00, 0x00, 0x80};
	uint8_t fis[SATA_FIS_DEVICE_BITS_SIZE];

	/* Busy and data request do not travel that way. */
	sata_fis_device_bits(0x51 | 0x88, 0x40, 0x80000001, fis);
	g_assert_cmpmem(fis, sizeof(fis), expected, sizeof(expected));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sata-fis/parse", test_parse);
	g_test_add_func("/sata-fis/register", test_register);
	g_test_add_func("/sata-fis/pio-setup", test_pio_setup);
	g_test_add_func("/sata-fis/device-bits", test_device_bits);
	return g_test_run();
}
