/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display/edid.h"

#include <glib.h>

static void check_sum(const uint8_t *edid)
{
	uint8_t sum = 0;

	for (unsigned int i = 0; i < EDID_SIZE; i++)
		sum = (uint8_t)(sum + edid[i]);
	g_assert_cmpuint(sum, ==, 0);
}

static void test_layout(void)
{
	static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
	uint8_t edid[EDID_SIZE];

	edid_build(1280, 800, edid);
	check_sum(edid);
	g_assert_cmpmem(edid, 8, header, 8);
	g_assert_cmphex(edid[8] << 8 | edid[9], ==, 9 << 10 | 14 << 5 | 11); /* I, N, K */
	g_assert_cmpuint(edid[18], ==, 1);
	g_assert_cmpuint(edid[19], ==, 4);
	g_assert_cmphex(edid[20] & 0x80, ==, 0x80); /* digital */
	g_assert_cmpuint(edid[21], ==, 34);         /* cm */
	g_assert_cmpuint(edid[22], ==, 21);
	g_assert_cmphex(edid[24] & 2, ==, 2);
	g_assert_cmphex(edid[35], ==, 0x21); /* 640x480, 800x600 */
	g_assert_cmphex(edid[36], ==, 0x08); /* 1024x768 */
	g_assert_cmphex(edid[38], ==, 1280 / 8 - 31);
	g_assert_cmphex(edid[39], ==, 0x00); /* 16:10, 60 Hz */
	g_assert_cmphex(edid[126], ==, 0);   /* no extension */
	g_assert_cmphex(edid[54 + 18 + 3], ==, 0xfd);
	g_assert_cmphex(edid[54 + 36 + 3], ==, 0xfc);
	g_assert_cmpmem(edid + 54 + 36 + 5, 13, "Innkeeper\n   ", 13);
	g_assert_cmphex(edid[54 + 54 + 3], ==, 0x10);
}

static unsigned int high_nibble(const uint8_t *edid, unsigned int low, unsigned int high)
{
	return edid[54 + low] | (edid[54 + high] & 0xf0u) << 4;
}

static unsigned int low_nibble(const uint8_t *edid, unsigned int low, unsigned int high)
{
	return edid[54 + low] | (edid[54 + high] & 0x0fu) << 8;
}

static void check_timing(uint32_t width, uint32_t height, unsigned int least_refresh)
{
	uint8_t edid[EDID_SIZE];
	uint64_t clock, pixels;

	edid_build(width, height, edid);
	check_sum(edid);
	g_assert_cmpuint(high_nibble(edid, 2, 4), ==, width);
	g_assert_cmpuint(high_nibble(edid, 5, 7), ==, height);
	clock = (uint64_t)(edid[54] | edid[55] << 8) * 10000;
	pixels = (uint64_t)(width + low_nibble(edid, 3, 4)) * (height + low_nibble(edid, 6, 7));
	g_assert_cmpuint(clock / pixels, >=, least_refresh);
	g_assert_cmpuint(clock / pixels, <=, 60);
	/* the sync pulse lies inside the blanking */
	g_assert_cmpuint(edid[54 + 8] + edid[54 + 9], <, low_nibble(edid, 3, 4));
	g_assert_cmpuint((edid[54 + 10] >> 4) + (edid[54 + 10] & 15), <, low_nibble(edid, 6, 7));
}

static void test_timing(void)
{
	check_timing(64, 64, 57); /* the clock's steps of 10 kHz take their part */
	check_timing(640, 480, 59);
	check_timing(1280, 800, 59);
	check_timing(1920, 1080, 59);
	check_timing(3840, 2160, 59);
	check_timing(4095, 4095, 30);
}

static void test_sizes(void)
{
	g_assert_true(edid_size_is_valid(1280, 800));
	g_assert_false(edid_size_is_valid(0, 800));
	g_assert_false(edid_size_is_valid(1280, 0));
	g_assert_false(edid_size_is_valid(4096, 800));
	g_assert_false(edid_size_is_valid(1280, UINT32_MAX));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/edid/layout", test_layout);
	g_test_add_func("/edid/timing", test_timing);
	g_test_add_func("/edid/sizes", test_sizes);
	return g_test_run();
}
