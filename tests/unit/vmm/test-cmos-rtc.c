/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <time.h>

#include "board.h"
#include "state-block.h"

#define GIB (1ULL << 30)

static struct board board;
static struct cmos_rtc *rtc;

static unsigned int get(uint8_t index)
{
	board_out(&board, 0x70, 1, index);
	return (unsigned int)board_in(&board, 0x71, 1);
}

static void put(uint8_t index, uint8_t value)
{
	board_out(&board, 0x70, 1, index);
	board_out(&board, 0x71, 1, value);
}

static void set_up(void)
{
	board_init(&board);
	g_assert_cmpint(cmos_rtc_create(board.ports, 2 * GIB, GIB, 4, &rtc), ==, 0);
}

static void tear_down(void)
{
	cmos_rtc_destroy(rtc);
	board_finish(&board);
}

static int bcd(unsigned int byte)
{
	return (int)(byte >> 4) * 10 + (int)(byte & 0xf);
}

/* The guest's time as a kernel reads it. */
static time_t read_time(void)
{
	struct tm date = {
		.tm_sec = bcd(get(0)),
		.tm_min = bcd(get(2)),
		.tm_hour = bcd(get(4)),
		.tm_mday = bcd(get(7)),
		.tm_mon = bcd(get(8)) - 1,
		.tm_year = bcd(get(0x32)) * 100 + bcd(get(9)) - 1900,
	};

	return timegm(&date);
}

static void set_time(int century, int year, int month, int day, int hour)
{
	put(0x0b, 0x82); /* set, 24 hours, BCD */
	put(0x32, (uint8_t)century);
	put(9, (uint8_t)year);
	put(8, (uint8_t)month);
	put(7, (uint8_t)day);
	put(4, (uint8_t)hour);
	put(2, 0);
	put(0, 0);
	put(0x0b, 0x02);
}

static void test_host_time(void)
{
	time_t now;

	set_up();
	now = time(NULL);
	g_assert_cmpint(read_time(), >=, now - 1);
	g_assert_cmpint(read_time(), <=, time(NULL) + 1);
	g_assert_cmphex(get(0x0a), ==, 0x26);
	g_assert_cmphex(get(0x0d), ==, 0x80);
	g_assert_cmphex(get(0x0f), ==, 0); /* shutdown byte */
	tear_down();
}

static void test_set_time(void)
{
	set_up();
	set_time(0x20, 0x24, 0x02, 0x29, 0x23); /* a leap day */
	g_assert_cmpint(read_time() - 1709247600, <=, 2);
	g_assert_cmphex(get(7), ==, 0x29);
	g_assert_cmphex(get(6), ==, 5); /* Thursday */
	set_time(0x20, 0x99, 0x12, 0x31, 0x00);
	g_assert_cmphex(get(9), ==, 0x99);
	g_assert_cmphex(get(0x32), ==, 0x20);
	set_time(0x20, 0x23, 0x02, 0x29, 0x00); /* no such day: the clock stays */
	g_assert_cmphex(get(9), ==, 0x99);
	tear_down();
}

static void test_formats(void)
{
	unsigned int hour;

	set_up();
	set_time(0x20, 0x24, 0x06, 0x15, 0x13);
	put(0x0b, 0x06); /* binary */
	g_assert_cmpuint(get(4), ==, 13);
	g_assert_cmpuint(get(9), ==, 24);
	put(0x0b, 0x00); /* BCD, 12 hours */
	hour = get(4);
	g_assert_cmphex(hour, ==, 0x81);
	put(4, 0x12); /* 12 am */
	put(0x0b, 0x02);
	g_assert_cmphex(get(4), ==, 0x00);
	tear_down();
}

static void test_hostile_time(void)
{
	set_up();
	for (unsigned int value = 0; value < 256; value++) {
		for (unsigned int index = 0; index < 10; index++)
			put((uint8_t)index, (uint8_t)value);
		put(0x32, (uint8_t)value);
		(void)get(0);
	}
	tear_down();
}

static void test_memory(void)
{
	set_up();
	put(0x0f, 0x0a);
	g_assert_cmphex(get(0x0f), ==, 0x0a);
	g_assert_cmphex(get(0x5f), ==, 3);
	g_assert_cmphex(get(0x34) | get(0x35) << 8, ==, (2 * GIB - (16 << 20)) >> 16);
	g_assert_cmphex(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, ==, GIB >> 16);
	put(0x0d, 0);
	g_assert_cmphex(get(0x0d), ==, 0x80);
	g_assert_cmphex(get(0x80 | 0x0f), ==, 0x0a); /* bit 7 masks NMI only */
	tear_down();
}

/* A clock that is set, runs on in another machine; one that stands still stays so. */
static void test_state(void)
{
	static struct state_block block;
	time_t then;

	set_up();
	set_time(0x20, 0x24, 0x02, 0x29, 0x23);
	put(0x0f, 0x0a);
	board_out(&board, 0x70, 1, 0x5f);
	then = read_time();
	board_out(&board, 0x70, 1, 0x5f);
	STATE_BLOCK_SAVE(&block, cmos_rtc_save, rtc);
	tear_down();
	set_up();
	STATE_BLOCK_LOAD(&block, cmos_rtc_load, rtc);
	g_assert_cmphex(board_in(&board, 0x71, 1), ==, 3); /* what was selected */
	g_assert_cmpint(read_time() - then, <=, 2);
	g_assert_cmpint(read_time(), >=, then);
	g_assert_cmphex(get(0x0f), ==, 0x0a);
	put(0x0b, 0x82);
	put(0, 0x59);
	STATE_BLOCK_SAVE(&block, cmos_rtc_save, rtc);
	tear_down();
	set_up();
	STATE_BLOCK_LOAD(&block, cmos_rtc_load, rtc);
	g_assert_cmphex(get(0), ==, 0x59);
	STATE_BLOCK_REFUSE(&block, cmos_rtc_load, rtc, 0, 0x80, "the clock has no such register");
	STATE_BLOCK_REFUSE(&block, cmos_rtc_load, rtc, 8, 0x7f, "the clock is too far off");
	STATE_BLOCK_REFUSE(&block, cmos_rtc_load, rtc, 8, 0x80, "the clock is too far off");
	tear_down();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cmos-rtc/host-time", test_host_time);
	g_test_add_func("/cmos-rtc/set-time", test_set_time);
	g_test_add_func("/cmos-rtc/formats", test_formats);
	g_test_add_func("/cmos-rtc/hostile-time", test_hostile_time);
	g_test_add_func("/cmos-rtc/memory", test_memory);
	g_test_add_func("/cmos-rtc/state", test_state);
	return g_test_run();
}
