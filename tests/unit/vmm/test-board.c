/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The small devices: ACPI power management, keyboard controller, port 0x92, pvpanic, debug exit.
 */
#include <errno.h>
#include <glib.h>
#include <unistd.h>

#include "board.h"
#include "loop/event-loop.h"
#include "state-block.h"

enum { PM1_STATUS = 0x600, PM1_ENABLE = 0x602, PM1_CONTROL = 0x604, PM_TIMER = 0x608 };

static void create_pm(struct board *board, struct acpi_pm **pm)
{
	struct system_requests requests = board_requests(board);

	board_init(board);
	g_assert_cmpint(acpi_pm_create(board->ports, &board->interrupts, &requests, pm), ==, 0);
}

static void test_power_button(void)
{
	struct acpi_pm *pm;
	struct board board;

	create_pm(&board, &pm);
	acpi_pm_press_power_button(pm);
	g_assert_false(board.lines[9]); /* nobody listens yet */
	board_out(&board, PM1_ENABLE, 2, 0x0100);
	g_assert_cmphex(board_in(&board, PM1_ENABLE, 2), ==, 0x0100);
	g_assert_true(board.lines[9]);
	g_assert_cmphex(board_in(&board, PM1_STATUS, 2), ==, 0x0100);
	board_out(&board, PM1_STATUS, 2, 0x0001); /* clears another bit */
	g_assert_true(board.lines[9]);
	board_out(&board, PM1_STATUS, 2, 0x0100);
	g_assert_false(board.lines[9]);
	g_assert_cmphex(board_in(&board, PM1_STATUS, 2), ==, 0);
	acpi_pm_press_power_button(pm);
	acpi_pm_press_power_button(pm);
	g_assert_cmpuint(board.changes[9], ==, 3); /* a level, not pulses */
	acpi_pm_reset(pm);
	g_assert_false(board.lines[9]);
	acpi_pm_destroy(pm);
	board_finish(&board);
}

static void test_power_off(void)
{
	struct acpi_pm *pm;
	struct board board;

	create_pm(&board, &pm);
	g_assert_cmphex(board_in(&board, PM1_CONTROL, 2), ==, 1); /* ACPI mode */
	board_out(&board, PM1_CONTROL, 2, 0x2400);                /* another sleep type */
	g_assert_cmpuint(board.power_offs, ==, 0);
	board_out(&board, PM1_CONTROL, 2, 0x0001); /* type chosen, not yet entered */
	g_assert_cmpuint(board.power_offs, ==, 0);
	board_out(&board, PM1_CONTROL, 2, 0x2001);
	g_assert_cmpuint(board.power_offs, ==, 1);
	acpi_pm_destroy(pm);
	board_finish(&board);
}

static void test_pm_timer(void)
{
	uint64_t first, second, start;
	struct acpi_pm *pm;
	struct board board;

	create_pm(&board, &pm);
	start = event_loop_now();
	first = board_in(&board, PM_TIMER, 4);
	g_usleep(20000);
	second = board_in(&board, PM_TIMER, 4);
	g_assert_cmphex(first >> 24, ==, 0);
	/* 3.579545 MHz: 20 ms are 71590 ticks; no more than has passed */
	g_assert_cmpuint((second - first) & 0xffffff, >=, 71590);
	g_assert_cmpuint((second - first) & 0xffffff, <=,
			 (event_loop_now() - start) / 1000 * 3.579545 + 5);
	acpi_pm_destroy(pm);
	board_finish(&board);
}

static void test_gpe0(void)
{
	struct acpi_pm *pm;
	struct board board;

	create_pm(&board, &pm);
	board_out(&board, 0x628, 1, 0x20);
	g_assert_cmphex(board_in(&board, 0x628, 1), ==, 0x20);
	board_out(&board, 0x620, 1, 0x20); /* a status bit cannot be set by writing it */
	g_assert_cmphex(board_in(&board, 0x620, 1), ==, 0);
	g_assert_cmpuint(board.changes[9], ==, 0);
	g_assert_cmphex(board_in(&board, 0x630, 4), ==, 0x20);
	acpi_pm_raise_event(pm, 5);
	g_assert_cmphex(board_in(&board, 0x620, 8), ==, 0x20);
	g_assert_true(board.lines[9]);
	acpi_pm_raise_event(pm, 63); /* not enabled */
	board_out(&board, 0x620, 1, 0x20);
	g_assert_false(board.lines[9]);
	g_assert_cmphex(board_in(&board, 0x620, 8), ==, 1ULL << 63);
	acpi_pm_destroy(pm);
	board_finish(&board);
}

static void test_resets(void)
{
	struct board board;
	struct system_requests requests = board_requests(&board);
	struct fast_reset *fast_reset;
	struct i8042 *i8042;

	board_init(&board);
	g_assert_cmpint(i8042_create(board.ports, &board.interrupts, &requests, &i8042), ==, 0);
	g_assert_cmpint(fast_reset_create(board.ports, &requests, &fast_reset), ==, 0);
	g_assert_cmphex(board_in(&board, 0x64, 1), ==, 0);
	board_out(&board, 0x64, 1, 0xd1);
	board_out(&board, 0x60, 1, 0xdf);
	g_assert_cmpuint(board.resets, ==, 0);
	board_out(&board, 0x64, 1, 0xfe);
	g_assert_cmpuint(board.resets, ==, 1);
	g_assert_cmphex(board_in(&board, 0x92, 1), ==, 2);
	board_out(&board, 0x92, 1, 2);
	g_assert_cmpuint(board.resets, ==, 1);
	board_out(&board, 0x92, 1, 3);
	g_assert_cmpuint(board.resets, ==, 2);
	i8042_destroy(i8042);
	fast_reset_destroy(fast_reset);
	board_finish(&board);
}

static void test_guest_words(void)
{
	struct board board;
	struct system_requests requests = board_requests(&board);
	struct debug_exit *debug_exit;
	struct pvpanic *pvpanic;

	board_init(&board);
	g_assert_cmpint(pvpanic_create(board.ports, &requests, &pvpanic), ==, 0);
	g_assert_cmpint(debug_exit_create(board.ports, &requests, &debug_exit), ==, 0);
	g_assert_cmphex(board_in(&board, 0x505, 1), ==, 3);
	board_out(&board, 0x505, 1, 2);
	g_assert_cmpuint(board.panics, ==, 0);
	board_out(&board, 0x505, 1, 1);
	g_assert_cmpuint(board.panics, ==, 1);
	board_out(&board, 0xf4, 4, 0x10);
	g_assert_cmpint(board.debug_exit_status, ==, 0x21);
	pvpanic_destroy(pvpanic);
	debug_exit_destroy(debug_exit);
	board_finish(&board);
}

/* An event that waits is signalled again, and the timer goes on from where it was. */
static void test_pm_state(void)
{
	static struct state_block block;
	struct board board, other_board;
	struct acpi_pm *pm, *other;
	uint64_t timer;

	create_pm(&board, &pm);
	board_out(&board, PM1_ENABLE, 2, 0x0120);
	board_out(&board, PM1_CONTROL, 2, 0x0401);
	board_out(&board, 0x628, 1, 0x5a);
	acpi_pm_press_power_button(pm);
	timer = board_in(&board, PM_TIMER, 4);
	STATE_BLOCK_SAVE(&block, acpi_pm_save, pm);
	acpi_pm_destroy(pm);
	board_finish(&board);

	/* as if it had been saved half a round of the timer away */
	for (unsigned int i = 0; i < 4; i++)
		state_block_patch(&block, 22 + i, (uint8_t)((timer ^ 0x800000) >> (8 * i)));
	create_pm(&other_board, &other);
	STATE_BLOCK_LOAD(&block, acpi_pm_load, other);
	g_assert_cmpuint((board_in(&other_board, PM_TIMER, 4) - (timer ^ 0x800000)) & 0xffffff, <,
			 0x400000);
	g_assert_true(other_board.lines[9]);
	g_assert_cmphex(board_in(&other_board, PM1_STATUS, 2), ==, 0x0100);
	g_assert_cmphex(board_in(&other_board, PM1_ENABLE, 2), ==, 0x0120);
	g_assert_cmphex(board_in(&other_board, PM1_CONTROL, 2), ==, 0x0401);
	g_assert_cmphex(board_in(&other_board, 0x628, 1), ==, 0x5a);
	board_out(&other_board, PM1_STATUS, 2, 0x0100);
	g_assert_false(other_board.lines[9]);
	STATE_BLOCK_REFUSE(&block, acpi_pm_load, other, 2, 0xff,
			   "power management has no such bits");
	STATE_BLOCK_REFUSE(&block, acpi_pm_load, other, 25, 1,
			   "the power management timer does not go so far");
	acpi_pm_destroy(other);
	board_finish(&other_board);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/board/power-button", test_power_button);
	g_test_add_func("/board/power-off", test_power_off);
	g_test_add_func("/board/pm-timer", test_pm_timer);
	g_test_add_func("/board/gpe0", test_gpe0);
	g_test_add_func("/board/pm-state", test_pm_state);
	g_test_add_func("/board/resets", test_resets);
	g_test_add_func("/board/guest-words", test_guest_words);
	return g_test_run();
}
