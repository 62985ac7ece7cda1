/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that programs nonsense into the keyboard controller while its user types and points.
 * Input: steps of two bytes, what to do (0: data port, 1: command port, 2: read both, 3: key, 4:
 * button, 5: motion, 6: wheel, 7: reset) and with what.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/input-event-codes.h>

#include "board.h"
#include "devices/ps2-devices.h"
#include "devices/ps2-port.h"
#include "protocol/input-protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DATA = 0x60, COMMAND = 0x64, MOST_READS = 4096 };

struct player {
	struct board board;
	struct ps2_keyboard *keyboard;
	struct ps2_mouse *mouse;
	struct i8042 *controller;
};

static void send_to_mouse(struct player *player, uint16_t type, uint16_t code, int32_t x, int32_t y)
{
	const struct input_event event = {type, code, x, y, 0};

	ps2_mouse_input_ops.handle(player->mouse, &event);
}

static void type_key(struct player *player, uint8_t key)
{
	const struct input_event event = {INPUT_KEY, key, 1, 0, 0};

	ps2_keyboard_input_ops.handle(player->keyboard, &event);
}

static void step(struct player *player, uint8_t what, uint8_t with)
{
	switch (what % 8) {
	case 0:
		board_out(&player->board, DATA, 1, with);
		break;
	case 1:
		board_out(&player->board, COMMAND, 1, with);
		break;
	case 2:
		(void)board_in(&player->board, COMMAND, 1);
		(void)board_in(&player->board, DATA, 1);
		break;
	case 3:
		type_key(player, with);
		break;
	case 4:
		send_to_mouse(player, INPUT_BUTTON, (uint16_t)(BTN_LEFT + with % 8), with >> 7, 0);
		break;
	case 5:
		send_to_mouse(player, INPUT_MOTION, 0, (with - 128) * 7, (128 - with) * 7);
		break;
	case 6:
		send_to_mouse(player, INPUT_WHEEL, 0, 0, with - 128);
		break;
	case 7:
		i8042_reset(player->controller);
		break;
	}
}

/* Whoever reads what is there comes to an end, and then no line is up. */
static void drain(struct player *player)
{
	unsigned int reads = 0;

	while (board_in(&player->board, COMMAND, 1) & 1) {
		(void)board_in(&player->board, DATA, 1);
		assert(reads++ < MOST_READS);
	}
	assert(!player->board.lines[1] && !player->board.lines[12]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct player player;
	struct system_requests requests = board_requests(&player.board);

	board_init(&player.board);
	assert(ps2_keyboard_create(&player.keyboard) == 0);
	assert(ps2_mouse_create(&player.mouse) == 0);
	assert(i8042_create(player.board.ports, &player.board.interrupts, &requests,
			    &player.controller) == 0);
	i8042_plug_in(player.controller, ps2_keyboard_port(player.keyboard),
		      ps2_mouse_port(player.mouse));
	for (size_t i = 0; i + 2 <= size; i += 2)
		step(&player, data[i], data[i + 1]);
	drain(&player);
	i8042_destroy(player.controller);
	ps2_mouse_destroy(player.mouse);
	ps2_keyboard_destroy(player.keyboard);
	board_finish(&player.board);
	return 0;
}
