/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/mmc-responses.h"

#include <glib.h>
#include <string.h>

static uint8_t bytes[MMC_RESPONSE_SIZE];
static const struct mmc_medium cd = {.blocks = 0x1000}, dvd = {.blocks = 2000000},
			       none = {.tray_open = true};

static uint8_t *clean(void)
{
	memset(bytes, 0, sizeof(bytes));
	return bytes;
}

static unsigned int be16(unsigned int at)
{
	return (unsigned int)bytes[at] << 8 | bytes[at + 1];
}

static void test_sense(void)
{
	const struct mmc_sense sense = {MMC_MEDIUM_ERROR, 0x11, 0, true, 0x12345678};
	const struct mmc_sense plain = {MMC_NOT_READY, 0x3A, 2, false, 7};

	g_assert_cmpuint(mmc_sense(&sense, clean()), ==, 18);
	g_assert_cmphex(bytes[0], ==, 0xf0);
	g_assert_cmphex(bytes[2], ==, 3);
	g_assert_cmpmem(bytes + 3, 4, "\x12\x34\x56\x78", 4);
	g_assert_cmphex(bytes[12], ==, 0x11);
	mmc_sense(&plain, clean());
	g_assert_cmphex(bytes[0], ==, 0x70);
	g_assert_cmpmem(bytes + 3, 4, "\0\0\0\0", 4);
	g_assert_cmphex(be16(12), ==, 0x3A02);
}

static void test_inquiry(void)
{
	g_assert_cmpuint(mmc_inquiry(clean()), ==, 36);
	g_assert_cmphex(be16(0), ==, 0x0580);
	g_assert_cmpmem(bytes + 8, 28, "INNKEEPRCD-ROM drive    1.0 ", 28);
}

static void test_toc(void)
{
	g_assert_cmpuint(mmc_toc(&cd, 0, 0, false, clean()), ==, 20);
	g_assert_cmpuint(be16(0), ==, 18);
	g_assert_cmphex(bytes[6], ==, 1);
	g_assert_cmphex(bytes[14], ==, 0xAA);
	g_assert_cmphex(be16(18), ==, 0x1000);
	g_assert_cmpuint(mmc_toc(&cd, 0, 0xAA, true, clean()), ==, 12);
	/* 4096 + 150 frames: 56 seconds and 46 frames. */
	g_assert_cmpmem(bytes + 8, 4, "\0\0\x38\x2e", 4);
	g_assert_cmpuint(mmc_toc(&cd, 0, 2, false, clean()), ==, 0);
	g_assert_cmpuint(mmc_toc(&cd, 1, 0, false, clean()), ==, 12);
	g_assert_cmpuint(mmc_toc(&cd, 2, 0, false, clean()), ==, 4 + 4 * 11);
	g_assert_cmphex(bytes[4 + 2 * 11 + 3], ==, 0xA2);
	g_assert_cmpmem(bytes + 4 + 2 * 11 + 7, 4, "\0\0\x38\x2e", 4);
	g_assert_cmpuint(mmc_toc(&cd, 3, 0, false, clean()), ==, 0);
	/* Longer than minutes can say. */
	mmc_toc(&dvd, 0, 0xAA, true, clean());
	g_assert_cmphex(bytes[9], ==, 255);
}

static void test_configuration(void)
{
	size_t all = mmc_configuration(&cd, 0, 0, clean());

	g_assert_cmphex(be16(6), ==, 0x08);
	g_assert_cmpuint(be16(2), ==, all - 4);
	g_assert_cmphex(be16(12), ==, 0x0010); /* profiles, the second is current */
	g_assert_cmphex(bytes[14], ==, 0);
	g_assert_cmphex(bytes[18], ==, 1);
	/* Of a CD drive, the DVD feature is not current. */
	g_assert_cmpuint(mmc_configuration(&cd, 1, 0, clean()), ==, all - 8);
	g_assert_cmpuint(mmc_configuration(&cd, 2, 0x1F, clean()), ==, 16);
	g_assert_cmphex(bytes[10] & 1, ==, 0);
	g_assert_cmpuint(mmc_configuration(&dvd, 2, 0x1F, clean()), ==, 16);
	g_assert_cmphex(bytes[10] & 1, ==, 1);
	g_assert_cmphex(be16(6), ==, 0x10);
	g_assert_cmpuint(mmc_configuration(&cd, 2, 0x7777, clean()), ==, 8);
	mmc_configuration(&none, 0, 0, clean());
	g_assert_cmphex(be16(6), ==, 0);
}

static void test_event(void)
{
	g_assert_cmpuint(mmc_event(&cd, MMC_EVENT_NEW_MEDIUM, 0x10, clean()), ==, 8);
	g_assert_cmpmem(bytes, 8, "\0\x06\x04\x10\x02\x02\0\0", 8);
	mmc_event(&none, MMC_EVENT_REMOVAL, 0xff, clean());
	g_assert_cmpmem(bytes + 4, 2, "\x03\x01", 2);
	g_assert_cmpuint(mmc_event(&cd, MMC_EVENT_NEW_MEDIUM, 0x40, clean()), ==, 4);
	g_assert_cmphex(bytes[2], ==, 0x80);
}

static void test_mode_sense(void)
{
	const struct mmc_medium locked = {.blocks = 1, .locked = true};

	g_assert_cmpuint(mmc_mode_sense(&cd, 0x2A, false, clean()), ==, 30);
	g_assert_cmpuint(be16(0), ==, 28);
	g_assert_cmphex(bytes[8], ==, 0x2A);
	g_assert_cmphex(bytes[14], ==, 0x29);
	mmc_mode_sense(&locked, 0x2A, false, clean());
	g_assert_cmphex(bytes[14], ==, 0x2b);
	g_assert_cmpuint(mmc_mode_sense(&cd, 0x3F, true, clean()), ==, 42);
	g_assert_cmphex(be16(8), ==, 0x010a);
	for (unsigned int i = 10; i < 20; i++)
		g_assert_cmphex(bytes[i], ==, 0);
	g_assert_cmphex(be16(20), ==, 0x2a14);
	for (unsigned int i = 22; i < 42; i++)
		g_assert_cmphex(bytes[i], ==, 0);
	g_assert_cmpuint(mmc_mode_sense(&cd, 0x08, false, clean()), ==, 0);
}

static void test_others(void)
{
	g_assert_cmpuint(mmc_read_capacity(&cd, clean()), ==, 8);
	g_assert_cmpmem(bytes, 8, "\0\0\x0f\xff\0\0\x08\0", 8);
	g_assert_cmpuint(mmc_disc_information(clean()), ==, 34);
	g_assert_cmpuint(be16(0), ==, 32);
	g_assert_cmpuint(mmc_dvd_structure(&dvd, 0, clean()), ==, 2052);
	g_assert_cmpuint(be16(0), ==, 2050);
	g_assert_cmpuint(mmc_dvd_structure(&dvd, 1, clean()), ==, 8);
	g_assert_cmpuint(mmc_dvd_structure(&dvd, 0xff, clean()), ==, 16);
	g_assert_cmpuint(mmc_dvd_structure(&dvd, 4, clean()), ==, 0);
	g_assert_cmpuint(mmc_mechanism_status(&none, clean()), ==, 8);
	g_assert_cmphex(bytes[1], ==, 0x10);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mmc-responses/sense", test_sense);
	g_test_add_func("/mmc-responses/inquiry", test_inquiry);
	g_test_add_func("/mmc-responses/toc", test_toc);
	g_test_add_func("/mmc-responses/configuration", test_configuration);
	g_test_add_func("/mmc-responses/event", test_event);
	g_test_add_func("/mmc-responses/mode-sense", test_mode_sense);
	g_test_add_func("/mmc-responses/others", test_others);
	return g_test_run();
}
