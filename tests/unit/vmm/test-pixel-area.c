/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display/pixel-area.h"

#include <errno.h>
#include <glib.h>

enum { START = 0x10000, SIZE = 0x8000 };

static uint64_t take(struct pixel_area *area, uint64_t size)
{
	uint64_t offset;

	g_assert_cmpint(pixel_area_take(area, size, &offset), ==, 0);
	return offset;
}

static void test_gaps(void)
{
	struct pixel_area area;
	uint64_t offset;

	pixel_area_init(&area, START, SIZE);
	g_assert_cmphex(take(&area, 1), ==, START);
	g_assert_cmphex(take(&area, 0x2000), ==, START + 0x1000);
	g_assert_cmphex(take(&area, 0x1001), ==, START + 0x3000);
	pixel_area_give_back(&area, START + 0x1000);
	g_assert_cmphex(take(&area, 0x3000), ==, START + 0x5000); /* too large for the gap */
	g_assert_cmpint(pixel_area_take(&area, 0x2001, &offset), ==, -ENOSPC);
	g_assert_cmphex(take(&area, 0x1000), ==, START + 0x1000);
	g_assert_cmphex(take(&area, 0x1000), ==, START + 0x2000);
	g_assert_cmpint(pixel_area_take(&area, 1, &offset), ==, -ENOSPC);
	pixel_area_give_back(&area, START + 0x5000);
	g_assert_cmphex(take(&area, 0x3000), ==, START + 0x5000);
}

static void test_limits(void)
{
	struct pixel_area area;
	uint64_t offset;

	pixel_area_init(&area, 0, 1ULL << 30);
	g_assert_cmpint(pixel_area_take(&area, 0, &offset), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take(&area, UINT64_MAX, &offset), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take(&area, (1ULL << 30) + 1, &offset), ==, -ENOSPC);
	for (unsigned int i = 0; i < PIXEL_AREA_MAX_PIECES; i++)
		take(&area, 1);
	g_assert_cmpint(pixel_area_take(&area, 1, &offset), ==, -ENOSPC);
	pixel_area_give_back(&area, 4096);
	g_assert_cmphex(take(&area, 1), ==, 4096);
}

static void test_places(void)
{
	struct pixel_area area;

	pixel_area_init(&area, START, SIZE);
	g_assert_cmpint(pixel_area_take_at(&area, START + 0x2000, 0x1001), ==, 0);
	g_assert_cmpint(pixel_area_take_at(&area, START + 0x3000, 1), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take_at(&area, START + 0x1000, 0x1001), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take_at(&area, START + 0x1800, 1), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take_at(&area, START + 0x1000, 0x1000), ==, 0);
	g_assert_cmpint(pixel_area_take_at(&area, START + 0x7000, 0x1000), ==, 0);
	g_assert_cmpint(pixel_area_take_at(&area, START + 0x4000, 0x3000), ==, 0);
	g_assert_cmpint(pixel_area_take_at(&area, START - 0x1000, 1), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take_at(&area, START + SIZE, 1), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take_at(&area, 0, 1), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take_at(&area, START, UINT64_MAX), ==, -ENOSPC);
	g_assert_cmpint(pixel_area_take_at(&area, START, 0), ==, -ENOSPC);
	g_assert_cmphex(take(&area, 0x1000), ==, START);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pixel-area/gaps", test_gaps);
	g_test_add_func("/pixel-area/limits", test_limits);
	g_test_add_func("/pixel-area/places", test_places);
	return g_test_run();
}
