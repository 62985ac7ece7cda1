/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/ata-identify.h"

#include <glib.h>
#include <string.h>

#include "base/byte-order.h"

static uint8_t bytes[ATA_IDENTIFY_SIZE];

static unsigned int word(unsigned int index)
{
	return load_le16(bytes + 2 * index);
}

static void assert_sealed(void)
{
	uint8_t sum = 0;

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		sum = (uint8_t)(sum + bytes[i]);
	g_assert_cmphex(bytes[510], ==, 0xA5);
	g_assert_cmphex(sum, ==, 0);
}

static void test_disk(void)
{
	struct ata_identity identity = {
		.model = "Innkeeper disk",
		.serial = "AB3",
		.sectors = 0x123456789,
		.write_cache = true,
		.read_ahead = true,
		.multiple = 8,
		.dma_mode = 5,
	};

	ata_identify_disk(&identity, bytes);
	assert_sealed();
	g_assert_cmpmem(bytes + 20, 6, "BA 3  ", 6);
	g_assert_cmpmem(bytes + 54, 6, "nIknee", 6);
	g_assert_cmphex(load_le32(bytes + 120), ==, 0x0fffffff);
	g_assert_cmphex(load_le64(bytes + 200), ==, 0x123456789);
	g_assert_cmpuint(word(1), ==, 16383);
	g_assert_cmphex(word(59), ==, 0x0108);
	g_assert_cmphex(word(83) & 0xc400, ==, 0x4400); /* valid, 48-bit addresses */
	g_assert_cmphex(word(85) & 0x60, ==, 0x60);
	g_assert_cmphex(word(76) & 0x100, ==, 0x100);
	g_assert_cmpuint(word(75), ==, 31);
	g_assert_cmphex(word(88) >> 8, ==, 1 << 5);
	g_assert_cmphex(word(169), ==, 1);

	identity.sectors = 2016;
	identity.write_cache = identity.read_ahead = false;
	identity.multiple = 0;
	ata_identify_disk(&identity, bytes);
	assert_sealed();
	g_assert_cmpuint(word(1), ==, 2);
	g_assert_cmpuint(load_le32(bytes + 120), ==, 2016);
	g_assert_cmphex(word(59), ==, 0);
	g_assert_cmphex(word(85) & 0x60, ==, 0);
}

static void test_cdrom(void)
{
	const struct ata_identity identity = {.model = "M", .serial = "S", .dma_mode = 5};

	ata_identify_cdrom(&identity, bytes);
	assert_sealed();
	g_assert_cmphex(word(0), ==, 0x8580);
	g_assert_cmphex(word(76) & 0x100, ==, 0); /* no queuing */
	g_assert_cmphex(load_le64(bytes + 200), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ata-identify/disk", test_disk);
	g_test_add_func("/ata-identify/cdrom", test_cdrom);
	return g_test_run();
}
