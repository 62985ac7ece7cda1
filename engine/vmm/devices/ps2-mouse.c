/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PS/2 mouse (IBM PS/2 Technical Reference, auxiliary device) that becomes one with a wheel, and
 * then one with five buttons, when it is knocked on as Microsoft's IntelliMouse and Explorer are.
 */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>

#include "devices/ps2-devices.h"
#include "devices/ps2-port.h"
#include "protocol/input-protocol.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum mouse_command {
	SCALING_1_TO_1 = 0xe6,
	SCALING_2_TO_1 = 0xe7,
	RESOLUTION = 0xe8,
	STATUS = 0xe9,
	STREAM_MODE = 0xea,
	READ_DATA = 0xeb,
	END_WRAP_MODE = 0xec,
	WRAP_MODE = 0xee,
	REMOTE_MODE = 0xf0,
	IDENTIFY = 0xf2,
	SAMPLE_RATE = 0xf3,
	ENABLE = 0xf4,
	DISABLE = 0xf5,
	DEFAULTS = 0xf6,
	RESET = 0xff,
};

enum {
	ACKNOWLEDGE = 0xfa,
	RESEND = 0xfe,
	TEST_PASSED = 0xaa,
	NO_COMMAND = 0,

	TYPE_PLAIN = 0,
	TYPE_WHEEL = 3,
	TYPE_FIVE_BUTTONS = 4,

	DEFAULT_RATE = 100,
	DEFAULT_RESOLUTION = 2,

	/* the first byte of a packet; its low bits are three buttons */
	PACKET_ALWAYS = 1 << 3,
	PACKET_X_NEGATIVE = 1 << 4,
	PACKET_Y_NEGATIVE = 1 << 5,
	BUTTON_MASK = 7,
	SIDE_BUTTONS_SHIFT = 1, /* the fourth and fifth in the fourth byte, bits 4 and 5 */

	STATUS_REMOTE = 1 << 6,
	STATUS_ENABLED = 1 << 5,
	STATUS_SCALING = 1 << 4,
};

struct ps2_mouse {
	struct ps2_port port; /* first */
	uint8_t type;
	bool enabled, remote, wrap, scaling;
	uint8_t resolution, rate;
	uint8_t knocks[3]; /* the last sample rates */
	uint8_t command;   /* whose argument comes next, or NO_COMMAND */
	/* what has not been sent yet; y and wheel grow upwards */
	uint8_t buttons, sent_buttons;
	int32_t x, y, wheel;
};

static void answer(struct ps2_mouse *mouse, uint8_t byte)
{
	(void)ps2_port_send(&mouse->port, &byte, 1);
}

static int32_t clamp(int32_t value, int32_t least, int32_t most)
{
	return value < least ? least : value > most ? most : value;
}

static uint8_t fourth_byte(struct ps2_mouse *mouse)
{
	int32_t down = clamp(-mouse->wheel, -8, 7);

	mouse->wheel += down;
	if (mouse->type == TYPE_WHEEL)
		return (uint8_t)down;
	return (uint8_t)((down & 0x0f) | (mouse->buttons & ~BUTTON_MASK & 0x1f)
						 << SIDE_BUTTONS_SHIFT);
}

/* As much of what has happened as a packet holds. False: no room for one. */
static bool send_packet(struct ps2_mouse *mouse)
{
	int32_t x = clamp(mouse->x, -255, 255);
	int32_t y = clamp(mouse->y, -255, 255);
	uint8_t packet[4] = {(uint8_t)(PACKET_ALWAYS | (mouse->buttons & BUTTON_MASK)), (uint8_t)x,
			     (uint8_t)y};
	size_t length = mouse->type == TYPE_PLAIN ? 3 : 4;

	if (PS2_PORT_BUFFER - mouse->port.count < length)
		return false;
	if (x < 0)
		packet[0] |= PACKET_X_NEGATIVE;
	if (y < 0)
		packet[0] |= PACKET_Y_NEGATIVE;
	mouse->x -= x;
	mouse->y -= y;
	if (length == 4)
		packet[3] = fourth_byte(mouse);
	else
		mouse->wheel = 0;
	mouse->sent_buttons = mouse->buttons;
	return ps2_port_send(&mouse->port, packet, length);
}

static bool has_news(const struct ps2_mouse *mouse)
{
	return mouse->x != 0 || mouse->y != 0 || mouse->wheel != 0 ||
	       mouse->buttons != mouse->sent_buttons;
}

/* A packet at a time: what comes before it has been taken is in the next. */
static void send_news(struct ps2_mouse *mouse)
{
	if (mouse->enabled && !mouse->remote && mouse->port.count == 0 && has_news(mouse))
		(void)send_packet(mouse);
}

static void mouse_drained(struct ps2_port *port)
{
	send_news((struct ps2_mouse *)port);
}

static void forget_news(struct ps2_mouse *mouse)
{
	mouse->x = mouse->y = mouse->wheel = 0;
	mouse->sent_buttons = mouse->buttons;
}

static void set_defaults(struct ps2_mouse *mouse)
{
	mouse->enabled = mouse->remote = mouse->wrap = mouse->scaling = false;
	mouse->resolution = DEFAULT_RESOLUTION;
	mouse->rate = DEFAULT_RATE;
	mouse->command = NO_COMMAND;
	forget_news(mouse);
}

static void take_rate(struct ps2_mouse *mouse, uint8_t rate)
{
	static const uint8_t wheel[] = {200, 100, 80}, five_buttons[] = {200, 200, 80};

	mouse->rate = rate;
	memmove(mouse->knocks, mouse->knocks + 1, sizeof(mouse->knocks) - 1);
	mouse->knocks[sizeof(mouse->knocks) - 1] = rate;
	if (memcmp(mouse->knocks, wheel, sizeof(wheel)) == 0)
		mouse->type = TYPE_WHEEL;
	else if (mouse->type == TYPE_WHEEL &&
		 memcmp(mouse->knocks, five_buttons, sizeof(five_buttons)) == 0)
		mouse->type = TYPE_FIVE_BUTTONS;
}

/* True: the byte belonged to the command before it. */
static bool take_argument(struct ps2_mouse *mouse, uint8_t byte)
{
	uint8_t command = mouse->command;

	mouse->command = NO_COMMAND;
	if (command == SAMPLE_RATE)
		take_rate(mouse, byte);
	else if (command == RESOLUTION)
		mouse->resolution = byte & 3;
	else
		return false;
	answer(mouse, ACKNOWLEDGE);
	return true;
}

static void send_status(struct ps2_mouse *mouse)
{
	/* left, middle, right from bit 2 down */
	uint8_t status = (uint8_t)((mouse->buttons & 1) << 2 | (mouse->buttons & 4) >> 1 |
				   (mouse->buttons & 2) >> 1);

	if (mouse->remote)
		status |= STATUS_REMOTE;
	if (mouse->enabled)
		status |= STATUS_ENABLED;
	if (mouse->scaling)
		status |= STATUS_SCALING;
	answer(mouse, status);
	answer(mouse, mouse->resolution);
	answer(mouse, mouse->rate);
}

/* Those that are done after the acknowledgement. */
static void execute(struct ps2_mouse *mouse, uint8_t command)
{
	switch (command) {
	case SCALING_1_TO_1:
	case SCALING_2_TO_1:
		mouse->scaling = command == SCALING_2_TO_1;
		break;
	case RESOLUTION:
	case SAMPLE_RATE:
		mouse->command = command;
		break;
	case STATUS:
		send_status(mouse);
		break;
	case STREAM_MODE:
	case REMOTE_MODE:
		mouse->remote = command == REMOTE_MODE;
		forget_news(mouse);
		break;
	case READ_DATA:
		(void)send_packet(mouse);
		break;
	case WRAP_MODE:
		mouse->wrap = true;
		break;
	case IDENTIFY:
		answer(mouse, mouse->type);
		break;
	case ENABLE:
	case DISABLE:
		mouse->enabled = command == ENABLE;
		forget_news(mouse);
		break;
	case DEFAULTS:
		set_defaults(mouse);
		break;
	}
}

static bool is_command(uint8_t byte)
{
	return (byte >= SCALING_1_TO_1 && byte <= END_WRAP_MODE) || byte == WRAP_MODE ||
	       byte == REMOTE_MODE || (byte >= IDENTIFY && byte <= DEFAULTS);
}

static void reset_by_command(struct ps2_mouse *mouse)
{
	set_defaults(mouse);
	mouse->type = TYPE_PLAIN;
	answer(mouse, ACKNOWLEDGE);
	answer(mouse, TEST_PASSED);
	answer(mouse, mouse->type);
}

static void mouse_receive(struct ps2_port *port, uint8_t byte)
{
	struct ps2_mouse *mouse = (struct ps2_mouse *)port;

	if (mouse->wrap && byte != END_WRAP_MODE && byte != RESET) {
		answer(mouse, byte);
		return;
	}
	mouse->wrap = false;
	if (take_argument(mouse, byte))
		return;
	ps2_port_clear(port); /* a command ends what is under way */
	if (byte == RESET) {
		reset_by_command(mouse);
	} else if (is_command(byte)) {
		answer(mouse, ACKNOWLEDGE);
		execute(mouse, byte);
	} else {
		answer(mouse, RESEND);
	}
}

static void mouse_reset(struct ps2_port *port)
{
	struct ps2_mouse *mouse = (struct ps2_mouse *)port;

	ps2_port_clear(port);
	mouse->type = TYPE_PLAIN;
	mouse->buttons = 0;
	memset(mouse->knocks, 0, sizeof(mouse->knocks));
	set_defaults(mouse);
}

static const struct ps2_port_ops mouse_port_ops = {
	.receive = mouse_receive,
	.drained = mouse_drained,
	.reset = mouse_reset,
};

static bool mouse_ready(void *device)
{
	return ((struct ps2_mouse *)device)->enabled;
}

static void press(struct ps2_mouse *mouse, const struct input_event *event)
{
	/* BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA follow each other, as the bits do */
	unsigned int bit = event->code - BTN_LEFT;

	if (bit > BTN_EXTRA - BTN_LEFT)
		return;
	if (event->x)
		mouse->buttons |= (uint8_t)(1u << bit);
	else
		mouse->buttons &= (uint8_t) ~(1u << bit);
}

/* So far a pointer can be pushed before anybody looks. */
enum { MOST_MOTION = 1 << 20, MOST_STEPS = 1000 };

static void mouse_handle(void *device, const struct input_event *event)
{
	struct ps2_mouse *mouse = device;

	switch (event->type) {
	case INPUT_BUTTON:
		press(mouse, event);
		/* not together with what comes later, or a click would be nothing */
		if (mouse->enabled && !mouse->remote)
			(void)send_packet(mouse);
		return;
	case INPUT_MOTION:
		mouse->x = clamp(mouse->x + event->x, -MOST_MOTION, MOST_MOTION);
		mouse->y = clamp(mouse->y - event->y, -MOST_MOTION, MOST_MOTION);
		break;
	case INPUT_WHEEL:
		mouse->wheel = clamp(mouse->wheel + event->y, -MOST_STEPS, MOST_STEPS);
		break;
	}
	send_news(mouse);
}

const struct input_device_ops ps2_mouse_input_ops = {
	.ready = mouse_ready,
	.handle = mouse_handle,
};

int ps2_mouse_create(struct ps2_mouse **ret_mouse)
{
	struct ps2_mouse *mouse = calloc(1, sizeof(*mouse));

	if (!mouse)
		return -ENOMEM;
	ps2_port_init(&mouse->port, &mouse_port_ops);
	mouse_reset(&mouse->port);
	*ret_mouse = mouse;
	return 0;
}

void ps2_mouse_destroy(struct ps2_mouse *mouse)
{
	free(mouse);
}

struct ps2_port *ps2_mouse_port(struct ps2_mouse *mouse)
{
	return &mouse->port;
}

void ps2_mouse_save(const struct ps2_mouse *mouse, struct state_writer *writer)
{
	ps2_port_save(&mouse->port, writer);
	state_writer_put8(writer, mouse->type);
	state_writer_put_bool(writer, mouse->enabled);
	state_writer_put_bool(writer, mouse->remote);
	state_writer_put_bool(writer, mouse->wrap);
	state_writer_put_bool(writer, mouse->scaling);
	state_writer_put8(writer, mouse->resolution);
	state_writer_put8(writer, mouse->rate);
	state_writer_put_bytes(writer, mouse->knocks, sizeof(mouse->knocks));
	state_writer_put8(writer, mouse->command);
	state_writer_put8(writer, mouse->buttons);
	state_writer_put8(writer, mouse->sent_buttons);
	state_writer_put32(writer, (uint32_t)mouse->x);
	state_writer_put32(writer, (uint32_t)mouse->y);
	state_writer_put32(writer, (uint32_t)mouse->wheel);
}

static bool is_possible(const struct ps2_mouse *mouse)
{
	bool type = mouse->type == TYPE_PLAIN || mouse->type == TYPE_WHEEL ||
		    mouse->type == TYPE_FIVE_BUTTONS;
	bool news = clamp(mouse->x, -MOST_MOTION, MOST_MOTION) == mouse->x &&
		    clamp(mouse->y, -MOST_MOTION, MOST_MOTION) == mouse->y &&
		    clamp(mouse->wheel, -MOST_STEPS, MOST_STEPS) == mouse->wheel;

	return type && news && mouse->resolution <= 3;
}

int ps2_mouse_load(struct ps2_mouse *mouse, struct state_reader *reader)
{
	ps2_port_load(&mouse->port, reader);
	mouse->type = state_reader_get8(reader);
	mouse->enabled = state_reader_get_bool(reader);
	mouse->remote = state_reader_get_bool(reader);
	mouse->wrap = state_reader_get_bool(reader);
	mouse->scaling = state_reader_get_bool(reader);
	mouse->resolution = state_reader_get8(reader);
	mouse->rate = state_reader_get8(reader);
	state_reader_get_bytes(reader, mouse->knocks, sizeof(mouse->knocks));
	mouse->command = state_reader_get8(reader);
	mouse->buttons = state_reader_get8(reader);
	mouse->sent_buttons = state_reader_get8(reader);
	mouse->x = (int32_t)state_reader_get32(reader);
	mouse->y = (int32_t)state_reader_get32(reader);
	mouse->wheel = (int32_t)state_reader_get32(reader);
	state_reader_check(reader, is_possible(mouse), "there is no such mouse");
	return state_reader_result(reader);
}
