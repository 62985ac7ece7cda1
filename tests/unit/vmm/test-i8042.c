/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keyboard controller with its keyboard and mouse, as firmware and drivers use them.
 */
#include <errno.h>
#include <glib.h>
#include <linux/input-event-codes.h>
#include <string.h>

#include "board.h"
#include "devices/ps2-devices.h"
#include "devices/ps2-port.h"
#include "protocol/input-protocol.h"
#include "state-block.h"

enum { DATA = 0x60, COMMAND = 0x64, FULL = 1, OF_MOUSE = 1 << 5 };

struct fixture {
	struct board board;
	struct ps2_keyboard *keyboard;
	struct ps2_mouse *mouse;
	struct i8042 *controller;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	struct system_requests requests = board_requests(&f->board);

	board_init(&f->board);
	g_assert_cmpint(ps2_keyboard_create(&f->keyboard), ==, 0);
	g_assert_cmpint(ps2_mouse_create(&f->mouse), ==, 0);
	g_assert_cmpint(
		i8042_create(f->board.ports, &f->board.interrupts, &requests, &f->controller), ==,
		0);
	i8042_plug_in(f->controller, ps2_keyboard_port(f->keyboard), ps2_mouse_port(f->mouse));
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	i8042_destroy(f->controller);
	ps2_mouse_destroy(f->mouse);
	ps2_keyboard_destroy(f->keyboard);
	board_finish(&f->board);
}

static void command(struct fixture *f, uint8_t byte)
{
	board_out(&f->board, COMMAND, 1, byte);
}

static void to_keyboard(struct fixture *f, uint8_t byte)
{
	board_out(&f->board, DATA, 1, byte);
}

static void to_mouse(struct fixture *f, uint8_t byte)
{
	command(f, 0xd4);
	board_out(&f->board, DATA, 1, byte);
}

/* All that comes, each byte from the device it should come from. */
static void expect(struct fixture *f, bool mouse, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint64_t status = board_in(&f->board, COMMAND, 1);

		g_assert_cmphex(status & (FULL | OF_MOUSE), ==, mouse ? FULL | OF_MOUSE : FULL);
		g_assert_true(f->board.lines[mouse ? 12 : 1]);
		g_assert_false(f->board.lines[mouse ? 1 : 12]);
		g_assert_cmphex(board_in(&f->board, DATA, 1), ==, (uint8_t)bytes[i]);
	}
	g_assert_cmphex(board_in(&f->board, COMMAND, 1) & FULL, ==, 0);
	g_assert_false(f->board.lines[mouse ? 12 : 1]);
}

#define EXPECT(f, bytes)       expect(f, false, bytes, sizeof(bytes) - 1)
#define EXPECT_MOUSE(f, bytes) expect(f, true, bytes, sizeof(bytes) - 1)

static void key(struct fixture *f, uint16_t code, bool down)
{
	const struct input_event event = {INPUT_KEY, code, down, 0, 0};

	ps2_keyboard_input_ops.handle(f->keyboard, &event);
}

static void pointer(struct fixture *f, uint16_t type, uint16_t code, int32_t x, int32_t y)
{
	const struct input_event event = {type, code, x, y, 0};

	ps2_mouse_input_ops.handle(f->mouse, &event);
}

static void test_self_tests(struct fixture *f, gconstpointer data)
{
	g_assert_cmphex(board_in(&f->board, COMMAND, 1), ==, 0x18);
	command(f, 0xaa);
	EXPECT(f, "\x55");
	g_assert_cmphex(board_in(&f->board, COMMAND, 1), ==, 0x1c);
	command(f, 0xab);
	EXPECT(f, "\x00");
	command(f, 0xa9);
	EXPECT(f, "\x00");
	command(f, 0xd0);
	EXPECT(f, "\x03");
	to_keyboard(f, 0xee);
	g_assert_cmphex(board_in(&f->board, COMMAND, 1), ==, 0x15);
	EXPECT(f, "\xee");
}

static void test_command_byte(struct fixture *f, gconstpointer data)
{
	command(f, 0x20);
	EXPECT(f, "\x03");
	command(f, 0x60);
	board_out(&f->board, DATA, 1, 0x74);
	command(f, 0x20);
	g_assert_false(f->board.lines[1]); /* without its interrupt */
	g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0x74);
	command(f, 0xae);
	command(f, 0xa8);
	command(f, 0x20);
	g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0x44);
	command(f, 0x7f); /* the last byte of its memory */
	board_out(&f->board, DATA, 1, 0x5a);
	command(f, 0x3f);
	g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0x5a);
}

static void test_keyboard_commands(struct fixture *f, gconstpointer data)
{
	to_keyboard(f, 0xff);
	EXPECT(f, "\xfa\xaa");
	to_keyboard(f, 0xf2);
	EXPECT(f, "\xfa\xab\x83");
	to_keyboard(f, 0xed);
	EXPECT(f, "\xfa");
	to_keyboard(f, 0x07);
	EXPECT(f, "\xfa");
	to_keyboard(f, 0x07); /* an argument of nothing */
	EXPECT(f, "\xfe");
	to_keyboard(f, 0xf3);
	to_keyboard(f, 0xf4); /* a command instead of an argument */
	EXPECT(f, "\xfa\xfa");
	to_keyboard(f, 0x20);
	EXPECT(f, "\xfe");
	to_keyboard(f, 0xf0);
	EXPECT(f, "\xfa");
	to_keyboard(f, 0);
	EXPECT(f, "\xfa\x02");
	to_keyboard(f, 0xf0);
	EXPECT(f, "\xfa");
	to_keyboard(f, 3);
	EXPECT(f, "\xfe");
	to_keyboard(f, 0xf5);
	EXPECT(f, "\xfa");
	g_assert_false(ps2_keyboard_input_ops.ready(f->keyboard));
	to_keyboard(f, 0xf4);
	EXPECT(f, "\xfa");
	g_assert_true(ps2_keyboard_input_ops.ready(f->keyboard));
}

static void test_keys(struct fixture *f, gconstpointer data)
{
	key(f, KEY_A, true);
	key(f, KEY_A, false);
	key(f, KEY_RIGHT, true);
	key(f, KEY_RIGHT, false);
	EXPECT(f, "\x1c\xf0\x1c\xe0\x74\xe0\xf0\x74");
	key(f, KEY_PAUSE, true);
	key(f, KEY_PAUSE, false);
	key(f, KEY_SYSRQ, true);
	key(f, KEY_SYSRQ, false);
	EXPECT(f, "\xe1\x14\x77\xe1\xf0\x14\xf0\x77\xe0\x12\xe0\x7c\xe0\xf0\x7c\xe0\xf0\x12");
	key(f, 0x2ff, true); /* none that such a keyboard has */
	g_assert_cmphex(board_in(&f->board, COMMAND, 1) & FULL, ==, 0);

	to_keyboard(f, 0xf0);
	to_keyboard(f, 1);
	EXPECT(f, "\xfa\xfa");
	key(f, KEY_F12, true);
	key(f, KEY_DELETE, false);
	key(f, KEY_PAUSE, true);
	key(f, KEY_SYSRQ, true);
	EXPECT(f, "\x58\xe0\xd3\xe1\x1d\x45\xe1\x9d\xc5\xe0\x2a\xe0\x37");
}

/* Everything that waits; how many bytes that are. */
static unsigned int read_all(struct fixture *f)
{
	unsigned int count = 0;

	for (; board_in(&f->board, COMMAND, 1) & FULL; count++) {
		g_assert_cmpuint(count, <, 10000);
		(void)board_in(&f->board, DATA, 1);
	}
	return count;
}

/* Nobody reads while the user types and points; what is kept has an end, and then all goes on. */
static void test_flood(struct fixture *f, gconstpointer data)
{
	to_mouse(f, 0xf4);
	g_assert_cmpuint(read_all(f), ==, 1);
	for (unsigned int i = 0; i < 5000; i++) {
		key(f, KEY_RIGHT, true);
		key(f, KEY_RIGHT, false);
		pointer(f, INPUT_MOTION, 0, 1, 1);
		pointer(f, INPUT_BUTTON, BTN_LEFT, i % 2 == 0, 0);
	}
	g_assert_cmpuint(read_all(f), <=, 4 * PS2_PORT_BUFFER);
	g_assert_false(f->board.lines[1] || f->board.lines[12]);
	key(f, KEY_A, true);
	EXPECT(f, "\x1c");
}

/* Set 2 in, set 1 out, which is how every PC starts. */
static void test_translation(struct fixture *f, gconstpointer data)
{
	command(f, 0x60);
	board_out(&f->board, DATA, 1, 0x47);
	key(f, KEY_A, true);
	key(f, KEY_A, false);
	key(f, KEY_UP, true);
	key(f, KEY_UP, false);
	key(f, KEY_F7, true);
	key(f, KEY_F7, false);
	EXPECT(f, "\x1e\x9e\xe0\x48\xe0\xc8\x41\xc1");
	to_keyboard(f, 0xf2);
	EXPECT(f, "\xfa\xab\x41");
	for (uint16_t code = KEY_ESC; code <= 88; code++) {
		const char bytes[] = {(char)code, (char)(code | 0x80)};

		if (code == 84 || code == 85) /* no keys of a PC */
			continue;
		key(f, code, true);
		key(f, code, false);
		expect(f, false, bytes, 2);
	}
}

static void test_keyboard_off(struct fixture *f, gconstpointer data)
{
	command(f, 0xad);
	key(f, KEY_B, true);
	g_assert_cmphex(board_in(&f->board, COMMAND, 1) & FULL, ==, 0);
	command(f, 0xae);
	EXPECT(f, "\x32");
	/* more than it has room for: whole keys are lost, no half ones */
	command(f, 0xad);
	for (int i = 0; i < 100; i++)
		key(f, KEY_RIGHT, i % 2 == 0);
	command(f, 0xae);
	for (int i = 0; i < 12; i++) {
		g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0xe0);
		g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0x74);
		g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0xe0);
		g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0xf0);
		g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0x74);
	}
}

static void enable_mouse(struct fixture *f, const char *rates, char type)
{
	for (; *rates; rates++) {
		to_mouse(f, 0xf3);
		EXPECT_MOUSE(f, "\xfa");
		to_mouse(f, (uint8_t)*rates);
		EXPECT_MOUSE(f, "\xfa");
	}
	to_mouse(f, 0xf2);
	expect(f, true, (const char[]){(char)0xfa, type}, 2);
	to_mouse(f, 0xf4);
	EXPECT_MOUSE(f, "\xfa");
	g_assert_true(ps2_mouse_input_ops.ready(f->mouse));
}

static void test_mouse(struct fixture *f, gconstpointer data)
{
	g_assert_false(ps2_mouse_input_ops.ready(f->mouse));
	to_mouse(f, 0xff);
	EXPECT_MOUSE(f, "\xfa\xaa\x00");
	pointer(f, INPUT_MOTION, 0, 5, 5); /* nobody listens */
	enable_mouse(f, "", 0);
	pointer(f, INPUT_MOTION, 0, 5, 3);
	EXPECT_MOUSE(f, "\x28\x05\xfd");
	pointer(f, INPUT_MOTION, 0, -300, 0); /* further than a packet says */
	EXPECT_MOUSE(f, "\x18\x01\x00\x18\xd3\x00");
	pointer(f, INPUT_BUTTON, BTN_LEFT, 1, 0);
	pointer(f, INPUT_BUTTON, BTN_LEFT, 0, 0); /* before the first packet is taken */
	EXPECT_MOUSE(f, "\x09\x00\x00\x08\x00\x00");
	pointer(f, INPUT_BUTTON, BTN_MIDDLE, 1, 0);
	pointer(f, INPUT_WHEEL, 0, 0, 1); /* it has no wheel */
	EXPECT_MOUSE(f, "\x0c\x00\x00\x0c\x00\x00");
	to_mouse(f, 0xe9);
	EXPECT_MOUSE(f, "\xfa\x22\x02\x64");
}

static void test_mouse_types(struct fixture *f, gconstpointer data)
{
	enable_mouse(f, "\xc8\x64\x50", 3);
	pointer(f, INPUT_WHEEL, 0, 0, 1);
	EXPECT_MOUSE(f, "\x08\x00\x00\xff");
	pointer(f, INPUT_WHEEL, 0, 0, -10);
	EXPECT_MOUSE(f, "\x08\x00\x00\x07\x08\x00\x00\x03");
	enable_mouse(f, "\xc8\xc8\x50", 4);
	pointer(f, INPUT_BUTTON, BTN_SIDE, 1, 0);
	EXPECT_MOUSE(f, "\x08\x00\x00\x10");
	pointer(f, INPUT_BUTTON, BTN_TASK, 1, 0); /* a sixth */
	pointer(f, INPUT_WHEEL, 0, 0, 1);
	EXPECT_MOUSE(f, "\x08\x00\x00\x10\x08\x00\x00\x1f");
}

static void test_mouse_modes(struct fixture *f, gconstpointer data)
{
	enable_mouse(f, "", 0);
	to_mouse(f, 0xf0);
	EXPECT_MOUSE(f, "\xfa");
	pointer(f, INPUT_MOTION, 0, 1, 0);
	g_assert_cmphex(board_in(&f->board, COMMAND, 1) & FULL, ==, 0);
	to_mouse(f, 0xeb);
	EXPECT_MOUSE(f, "\xfa\x08\x01\x00");
	to_mouse(f, 0xee);
	EXPECT_MOUSE(f, "\xfa");
	to_mouse(f, 0x12);
	EXPECT_MOUSE(f, "\x12");
	to_mouse(f, 0xec);
	EXPECT_MOUSE(f, "\xfa");
	to_mouse(f, 0x12);
	EXPECT_MOUSE(f, "\xfe");
	to_mouse(f, 0xea);
	EXPECT_MOUSE(f, "\xfa");
	pointer(f, INPUT_MOTION, 0, 2, 0);
	EXPECT_MOUSE(f, "\x08\x02\x00");
}

static void test_reset(struct fixture *f, gconstpointer data)
{
	enable_mouse(f, "\xc8\x64\x50", 3);
	key(f, KEY_A, true);
	pointer(f, INPUT_MOTION, 0, 2, 0);
	command(f, 0x60); /* in the middle of a command */
	i8042_reset(f->controller);
	g_assert_false(f->board.lines[1]);
	g_assert_false(f->board.lines[12]);
	g_assert_cmphex(board_in(&f->board, COMMAND, 1), ==, 0x18);
	g_assert_false(ps2_mouse_input_ops.ready(f->mouse));
	to_keyboard(f, 0xee);
	EXPECT(f, "\xee");
}

static void test_reset_lines(struct fixture *f, gconstpointer data)
{
	command(f, 0xd1);
	board_out(&f->board, DATA, 1, 0xdf);
	command(f, 0xff);
	g_assert_cmpuint(f->board.resets, ==, 0);
	command(f, 0xfe);
	command(f, 0xd1);
	board_out(&f->board, DATA, 1, 0xde);
	g_assert_cmpuint(f->board.resets, ==, 2);
}

static void carry_over(struct fixture *from, struct fixture *to)
{
	static struct state_block block;

	set_up(to, NULL);
	STATE_BLOCK_SAVE(&block, ps2_keyboard_save, from->keyboard);
	STATE_BLOCK_LOAD(&block, ps2_keyboard_load, to->keyboard);
	STATE_BLOCK_SAVE(&block, ps2_mouse_save, from->mouse);
	STATE_BLOCK_LOAD(&block, ps2_mouse_load, to->mouse);
	STATE_BLOCK_SAVE(&block, i8042_save, from->controller);
	STATE_BLOCK_LOAD(&block, i8042_load, to->controller);
}

static void knock(struct fixture *f, uint8_t rate)
{
	to_mouse(f, 0xf3);
	EXPECT_MOUSE(f, "\xfa");
	to_mouse(f, rate);
	EXPECT_MOUSE(f, "\xfa");
}

/* A key half taken, a mouse half knocked on, a command half given. */
static void test_state(struct fixture *f, gconstpointer data)
{
	struct fixture other;

	knock(f, 200);
	knock(f, 100);
	to_mouse(f, 0xf3);
	EXPECT_MOUSE(f, "\xfa");
	key(f, KEY_RIGHTCTRL, true);
	g_assert_cmphex(board_in(&f->board, DATA, 1), ==, 0xe0);
	command(f, 0xd4);
	carry_over(f, &other);
	board_out(&other.board, DATA, 1, 80); /* the last knock */
	g_assert_true(other.board.lines[1]);
	g_assert_cmphex(board_in(&other.board, COMMAND, 1) & (FULL | OF_MOUSE), ==, FULL);
	g_assert_cmphex(board_in(&other.board, DATA, 1), ==, 0x14);
	EXPECT_MOUSE(&other, "\xfa");
	to_mouse(&other, 0xf2);
	EXPECT_MOUSE(&other, "\xfa\x03");
	tear_down(&other, NULL);
}

/* What another keyboard and mouse might say is refused. */
static void test_bad_state(struct fixture *f, gconstpointer data)
{
	static struct state_block block;

	STATE_BLOCK_SAVE(&block, ps2_keyboard_save, f->keyboard);
	STATE_BLOCK_REFUSE(&block, ps2_keyboard_load, f->keyboard, 0, 65,
			   "a keyboard or mouse cannot say so much at once");
	STATE_BLOCK_REFUSE(&block, ps2_keyboard_load, f->keyboard, 2, 3,
			   "the keyboard has no such scan codes");
	STATE_BLOCK_SAVE(&block, ps2_mouse_save, f->mouse);
	STATE_BLOCK_REFUSE(&block, ps2_mouse_load, f->mouse, 1, 5, "there is no such mouse");
	STATE_BLOCK_REFUSE(&block, ps2_mouse_load, f->mouse, 17, 0x7f, "there is no such mouse");
	STATE_BLOCK_SAVE(&block, i8042_save, f->controller);
	STATE_BLOCK_REFUSE(&block, i8042_load, f->controller, 32, 0xaa,
			   "the keyboard controller has no such command");
	STATE_BLOCK_REFUSE(&block, i8042_load, f->controller, 36, 3,
			   "the keyboard controller has no such socket");
}

#define ADD(name, function) \
	g_test_add("/i8042/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("self-tests", test_self_tests);
	ADD("command-byte", test_command_byte);
	ADD("keyboard-commands", test_keyboard_commands);
	ADD("keys", test_keys);
	ADD("flood", test_flood);
	ADD("translation", test_translation);
	ADD("keyboard-off", test_keyboard_off);
	ADD("mouse", test_mouse);
	ADD("mouse-types", test_mouse_types);
	ADD("mouse-modes", test_mouse_modes);
	ADD("reset", test_reset);
	ADD("reset-lines", test_reset_lines);
	ADD("state", test_state);
	ADD("bad-state", test_bad_state);
	return g_test_run();
}
