/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PS/2 keyboard (IBM PS/2 Technical Reference, keyboard: commands from and to the system) with
 * scan code sets 1 and 2. It does not repeat keys by itself: whoever types repeats the event.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/ps2-devices.h"
#include "devices/ps2-port.h"
#include "devices/ps2-scancode.h"
#include "protocol/input-protocol.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum keyboard_command {
	SET_LEDS = 0xed,
	ECHO = 0xee,
	SCAN_CODE_SET = 0xf0,
	IDENTIFY = 0xf2,
	TYPEMATIC_RATE = 0xf3,
	ENABLE = 0xf4,
	DEFAULTS_AND_DISABLE = 0xf5,
	DEFAULTS = 0xf6,
	FIRST_KEY_TYPE = 0xf7, /* of set 3, which is not there: they change nothing */
	LAST_KEY_TYPE = 0xfd,
	RESEND = 0xfe,
	RESET = 0xff,
};

enum {
	ACKNOWLEDGE = 0xfa,
	TEST_PASSED = 0xaa,
	FIRST_ID = 0xab,
	SECOND_ID = 0x83,
	NO_COMMAND = 0,
	DEFAULT_SET = 2,
};

struct ps2_keyboard {
	struct ps2_port port; /* first */
	bool enabled;
	unsigned int set;
	uint8_t command; /* whose argument comes next, or NO_COMMAND */
	uint8_t last;    /* what was sent last, for RESEND */
};

static void answer(struct ps2_keyboard *keyboard, uint8_t byte)
{
	keyboard->last = byte;
	(void)ps2_port_send(&keyboard->port, &byte, 1);
}

static void set_defaults(struct ps2_keyboard *keyboard)
{
	keyboard->set = DEFAULT_SET;
	keyboard->command = NO_COMMAND;
}

static void take_set(struct ps2_keyboard *keyboard, uint8_t set)
{
	if (set > DEFAULT_SET) {
		answer(keyboard, RESEND);
		return;
	}
	answer(keyboard, ACKNOWLEDGE);
	if (set == 0)
		answer(keyboard, (uint8_t)keyboard->set);
	else
		keyboard->set = set;
}

/* True: the byte belonged to the command before it. */
static bool take_argument(struct ps2_keyboard *keyboard, uint8_t byte)
{
	uint8_t command = keyboard->command;

	keyboard->command = NO_COMMAND;
	switch (command) {
	case SCAN_CODE_SET:
		take_set(keyboard, byte);
		return true;
	case SET_LEDS:
	case TYPEMATIC_RATE:
		answer(keyboard, ACKNOWLEDGE);
		return true;
	}
	return false;
}

static void set_enabled(struct ps2_keyboard *keyboard, bool enabled)
{
	ps2_port_clear(&keyboard->port);
	keyboard->enabled = enabled;
	answer(keyboard, ACKNOWLEDGE);
}

static void execute(struct ps2_keyboard *keyboard, uint8_t command)
{
	switch (command) {
	case SET_LEDS:
	case SCAN_CODE_SET:
	case TYPEMATIC_RATE:
		keyboard->command = command;
		answer(keyboard, ACKNOWLEDGE);
		break;
	case ECHO:
		answer(keyboard, ECHO);
		break;
	case IDENTIFY:
		answer(keyboard, ACKNOWLEDGE);
		answer(keyboard, FIRST_ID);
		answer(keyboard, SECOND_ID);
		break;
	case ENABLE:
		set_enabled(keyboard, true);
		break;
	case DEFAULTS_AND_DISABLE:
		set_defaults(keyboard);
		set_enabled(keyboard, false);
		break;
	case DEFAULTS:
		set_defaults(keyboard);
		set_enabled(keyboard, true);
		break;
	case RESEND:
		answer(keyboard, keyboard->last);
		break;
	case RESET:
		set_defaults(keyboard);
		set_enabled(keyboard, true);
		answer(keyboard, TEST_PASSED);
		break;
	default:
		answer(keyboard, command >= FIRST_KEY_TYPE && command <= LAST_KEY_TYPE ? ACKNOWLEDGE
										       : RESEND);
	}
}

/* A command that comes instead of an argument is a command (all arguments are below them). */
static void keyboard_receive(struct ps2_port *port, uint8_t byte)
{
	struct ps2_keyboard *keyboard = (struct ps2_keyboard *)port;

	if (byte >= SET_LEDS)
		keyboard->command = NO_COMMAND;
	if (!take_argument(keyboard, byte))
		execute(keyboard, byte);
}

static void keyboard_reset(struct ps2_port *port)
{
	struct ps2_keyboard *keyboard = (struct ps2_keyboard *)port;

	ps2_port_clear(port);
	set_defaults(keyboard);
	keyboard->enabled = true;
	keyboard->last = ACKNOWLEDGE;
}

static const struct ps2_port_ops keyboard_port_ops = {
	.receive = keyboard_receive,
	.reset = keyboard_reset,
};

static bool keyboard_ready(void *device)
{
	return ((struct ps2_keyboard *)device)->enabled;
}

/* One that does not fit is lost whole. */
static void keyboard_handle(void *device, const struct input_event *event)
{
	struct ps2_keyboard *keyboard = device;
	uint8_t bytes[PS2_SCANCODE_MAX];
	size_t length = ps2_scancode_encode(keyboard->set, event->code, event->x, bytes);

	if (length > 0 && ps2_port_send(&keyboard->port, bytes, length))
		keyboard->last = bytes[length - 1];
}

const struct input_device_ops ps2_keyboard_input_ops = {
	.ready = keyboard_ready,
	.handle = keyboard_handle,
};

int ps2_keyboard_create(struct ps2_keyboard **ret_keyboard)
{
	struct ps2_keyboard *keyboard = calloc(1, sizeof(*keyboard));

	if (!keyboard)
		return -ENOMEM;
	ps2_port_init(&keyboard->port, &keyboard_port_ops);
	keyboard_reset(&keyboard->port);
	*ret_keyboard = keyboard;
	return 0;
}

void ps2_keyboard_destroy(struct ps2_keyboard *keyboard)
{
	free(keyboard);
}

struct ps2_port *ps2_keyboard_port(struct ps2_keyboard *keyboard)
{
	return &keyboard->port;
}

void ps2_keyboard_save(const struct ps2_keyboard *keyboard, struct state_writer *writer)
{
	ps2_port_save(&keyboard->port, writer);
	state_writer_put_bool(writer, keyboard->enabled);
	state_writer_put8(writer, (uint8_t)keyboard->set);
	state_writer_put8(writer, keyboard->command);
	state_writer_put8(writer, keyboard->last);
}

int ps2_keyboard_load(struct ps2_keyboard *keyboard, struct state_reader *reader)
{
	ps2_port_load(&keyboard->port, reader);
	keyboard->enabled = state_reader_get_bool(reader);
	keyboard->set = state_reader_get8(reader);
	keyboard->command = state_reader_get8(reader);
	keyboard->last = state_reader_get8(reader);
	state_reader_check(reader, keyboard->set == 1 || keyboard->set == DEFAULT_SET,
			   "the keyboard has no such scan codes");
	return state_reader_result(reader);
}
