/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/screen-protocol.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#define PIXEL_BYTES (1ULL << 20)

static struct screen_page shared, copy;

static void make_page(void)
{
	memset(&shared, 0, sizeof(shared));
	shared.header = (struct screen_header){
		.magic = SCREEN_MAGIC,
		.major = SCREEN_MAJOR,
		.size = sizeof(shared),
		.pixel_bytes = PIXEL_BYTES,
	};
	shared.mode = (struct screen_mode){
		.width = 320,
		.height = 200,
		.stride = 1280,
		.offset = 4096,
		.format = SCREEN_FORMAT_BGRX,
	};
	shared.cursor = (struct screen_cursor){
		.visible = 1,
		.width = SCREEN_CURSOR_SIDE,
		.height = SCREEN_CURSOR_SIDE,
		.hot_x = SCREEN_CURSOR_SIDE - 1,
	};
}

static int read_page(void)
{
	return screen_copy(&shared, PIXEL_BYTES, &copy);
}

static void test_copy(void)
{
	make_page();
	shared.cursor.image[SCREEN_CURSOR_SIDE * SCREEN_CURSOR_SIDE - 1] = 0x80808080;
	g_assert_cmpint(read_page(), ==, 0);
	g_assert_cmpmem(&copy, sizeof(copy), &shared, sizeof(shared));
	shared.header.minor = UINT16_MAX; /* a later minor version is fine */
	g_assert_cmpint(read_page(), ==, 0);
	shared.mode = (struct screen_mode){.width = 0, .stride = 7};
	g_assert_cmpint(read_page(), ==, 0);
	shared.header.sequence = 1; /* its writer died in the middle */
	g_assert_cmpint(read_page(), ==, -EAGAIN);
}

static void test_lies(void)
{
#define LIE(field, lie, expected)                           \
	do {                                                \
		make_page();                                \
		shared.field = (lie);                       \
		g_assert_cmpint(read_page(), ==, expected); \
	} while (0)

	LIE(header.magic, 1, -EPROTO);
	LIE(header.major, SCREEN_MAJOR + 1, -EPROTONOSUPPORT);
	LIE(header.size, sizeof(shared) + 1, -EPROTO);
	LIE(header.pixel_bytes, PIXEL_BYTES * 2, -EPROTO);
	LIE(mode.width, 321, -EPROTO); /* wider than its stride */
	LIE(mode.width, SCREEN_MAX_WIDTH + 1, -EPROTO);
	LIE(mode.width, UINT32_MAX, -EPROTO);
	LIE(mode.height, 0, -EPROTO);
	LIE(mode.height, SCREEN_MAX_HEIGHT + 1, -EPROTO);
	LIE(mode.height, 900, -EPROTO); /* over the end of the pixels */
	LIE(mode.stride, 1282, -EPROTO);
	LIE(mode.stride, UINT32_MAX & ~3u, -EPROTO);
	LIE(mode.offset, 4097, -EPROTO);
	LIE(mode.offset, UINT64_MAX - 3, -EPROTO);
	LIE(mode.offset, PIXEL_BYTES - 1280 * 200, 0);
	LIE(mode.offset, PIXEL_BYTES - 1280 * 200 + 4, -EPROTO);
	LIE(mode.format, 0, -EPROTO);
	LIE(mode.format, 3, -EPROTO);
	LIE(cursor.visible, 2, -EPROTO);
	LIE(cursor.width, SCREEN_CURSOR_SIDE + 1, -EPROTO);
	LIE(cursor.height, UINT32_MAX, -EPROTO);
	LIE(cursor.hot_x, SCREEN_CURSOR_SIDE, -EPROTO);
#undef LIE
}

static void test_damage(void)
{
	const struct screen_rectangle inside = {.x = 1, .y = 2, .width = 3, .height = 4};
	struct screen_rectangle rectangles[SCREEN_DAMAGE_SLOTS];

	make_page();
	shared.damage.count = UINT32_MAX - 1;
	shared.damage.slots[SCREEN_DAMAGE_SLOTS - 1] =
		(struct screen_rectangle){.x = 310, .y = 190, .width = 100, .height = 100};
	shared.damage.slots[SCREEN_DAMAGE_SLOTS - 2] = inside;
	shared.damage.slots[0] = (struct screen_rectangle){.x = 320, .width = 1, .height = 1};
	shared.damage.count += 3; /* wraps */
	g_assert_cmpint(read_page(), ==, 0);
	g_assert_cmpint(screen_damage_since(&copy, 1, rectangles), ==, 0);
	g_assert_cmpint(screen_damage_since(&copy, UINT32_MAX - 1, rectangles), ==, 2);
	g_assert_cmpmem(&rectangles[0], sizeof(inside), &inside, sizeof(inside));
	g_assert_cmpuint(rectangles[1].width, ==, 10);
	g_assert_cmpuint(rectangles[1].height, ==, 10);
	g_assert_cmpint(screen_damage_since(&copy, 1u - SCREEN_DAMAGE_SLOTS, rectangles), >, 0);
	g_assert_cmpint(screen_damage_since(&copy, 0u - SCREEN_DAMAGE_SLOTS, rectangles), ==, -1);
	g_assert_cmpint(screen_damage_since(&copy, 2, rectangles), ==, -1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/screen-copy/copy", test_copy);
	g_test_add_func("/screen-copy/lies", test_lies);
	g_test_add_func("/screen-copy/damage", test_damage);
	return g_test_run();
}
