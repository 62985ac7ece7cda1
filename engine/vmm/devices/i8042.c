/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keyboard controller Intel 8042 as programmed in the IBM PS/2 (Technical Reference, keyboard
 * and auxiliary device controller): two sockets, one output buffer, and the machine's reset line.
 * A20 is always on.
 *
 * Without devices its output buffer is always empty, so systems that probe it find no controller.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/address-space.h"
#include "bus/interrupt.h"
#include "devices/devices.h"
#include "devices/ps2-port.h"
#include "devices/ps2-scancode.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	DATA_PORT = 0x60,
	COMMAND_PORT = 0x64,
	KEYBOARD_GSI = 1,
	MOUSE_GSI = 12,

	STATUS_OUTPUT_FULL = 1 << 0,
	STATUS_SYSTEM = 1 << 2,
	STATUS_COMMAND = 1 << 3, /* what was written last was a command */
	STATUS_UNLOCKED = 1 << 4,
	STATUS_OUTPUT_OF_MOUSE = 1 << 5,

	/* the command byte, which is the first byte of the controller's memory */
	CONTROL_KEYBOARD_INTERRUPT = 1 << 0,
	CONTROL_MOUSE_INTERRUPT = 1 << 1,
	CONTROL_SYSTEM = 1 << 2,
	CONTROL_KEYBOARD_OFF = 1 << 4,
	CONTROL_MOUSE_OFF = 1 << 5,
	CONTROL_TRANSLATE = 1 << 6,
	CONTROL_AT_POWER_ON = CONTROL_KEYBOARD_INTERRUPT | CONTROL_MOUSE_INTERRUPT,

	MEMORY_SIZE = 0x20,
	SELF_TEST_PASSED = 0x55,
	SOCKET_TEST_PASSED = 0x00,
	OUTPUT_PORT_RESET_OFF = 1 << 0,
	OUTPUT_PORT_A20 = 1 << 1,
	NO_COMMAND = 0,
};

enum i8042_command {
	READ_MEMORY = 0x20, /* and the 31 after it, by address */
	WRITE_MEMORY = 0x60,
	MOUSE_OFF = 0xa7,
	MOUSE_ON = 0xa8,
	TEST_MOUSE = 0xa9,
	SELF_TEST = 0xaa,
	TEST_KEYBOARD = 0xab,
	KEYBOARD_OFF = 0xad,
	KEYBOARD_ON = 0xae,
	READ_OUTPUT_PORT = 0xd0,
	WRITE_OUTPUT_PORT = 0xd1,
	WRITE_KEYBOARD_OUTPUT = 0xd2,
	WRITE_MOUSE_OUTPUT = 0xd3,
	WRITE_MOUSE = 0xd4,
	PULSE_OUTPUT_PORT = 0xf0, /* and the 15 after it: the bits that are 0 are pulsed */
};

enum i8042_source {
	SOURCE_CONTROLLER,
	SOURCE_KEYBOARD,
	SOURCE_MOUSE,
};

struct i8042 {
	struct system_requests requests;
	struct interrupt_controller *interrupts;
	struct ps2_port *keyboard, *mouse; /* NULL: none; both or neither */
	uint8_t memory[MEMORY_SIZE];
	uint8_t command; /* whose data byte comes next, or NO_COMMAND */
	bool last_was_command;
	bool release; /* the keyboard's next code is a release, being translated */
	/* the output buffer */
	bool full;
	enum i8042_source source;
	uint8_t output;
	/* what the controller says next itself, and whose it claims to be */
	uint8_t reply;
	enum i8042_source reply_source;
	bool has_reply;
	bool updating; /* a device that is asked for bytes may make new ones */
	bool lines[2]; /* as the interrupt controller has been told: keyboard, mouse */
};

static bool control(const struct i8042 *controller, uint8_t bit)
{
	return controller->memory[0] & bit;
}

static void set_line(struct i8042 *controller, unsigned int line, bool level)
{
	if (controller->lines[line] == level)
		return;
	controller->lines[line] = level;
	interrupt_line_set(controller->interrupts, line == 0 ? KEYBOARD_GSI : MOUSE_GSI, level);
}

static void update_lines(struct i8042 *controller)
{
	bool mouse = controller->source == SOURCE_MOUSE;

	set_line(controller, 0,
		 controller->full && !mouse && control(controller, CONTROL_KEYBOARD_INTERRUPT));
	set_line(controller, 1,
		 controller->full && mouse && control(controller, CONTROL_MOUSE_INTERRUPT));
}

static void fill(struct i8042 *controller, enum i8042_source source, uint8_t byte)
{
	controller->full = true;
	controller->source = source;
	controller->output = byte;
}

/* A release in set 2 is two bytes, in set 1 one. */
static bool take_from_keyboard(struct i8042 *controller)
{
	uint8_t byte;

	while (ps2_port_take(controller->keyboard, &byte)) {
		if (!control(controller, CONTROL_TRANSLATE)) {
			fill(controller, SOURCE_KEYBOARD, byte);
			return true;
		}
		if (byte == PS2_SCANCODE_RELEASE) {
			controller->release = true;
			continue;
		}
		byte = ps2_scancode_translate(byte);
		fill(controller, SOURCE_KEYBOARD, controller->release ? byte | 0x80 : byte);
		controller->release = false;
		return true;
	}
	return false;
}

static bool take_from_mouse(struct i8042 *controller)
{
	uint8_t byte;

	if (!ps2_port_take(controller->mouse, &byte))
		return false;
	fill(controller, SOURCE_MOUSE, byte);
	return true;
}

/* Fills an empty output buffer with what waits for it. */
static void update(struct i8042 *controller)
{
	controller->updating = true;
	if (!controller->full && controller->has_reply) {
		controller->has_reply = false;
		fill(controller, controller->reply_source, controller->reply);
	}
	if (!controller->full && !control(controller, CONTROL_KEYBOARD_OFF))
		(void)take_from_keyboard(controller);
	if (!controller->full && !control(controller, CONTROL_MOUSE_OFF))
		(void)take_from_mouse(controller);
	controller->updating = false;
	update_lines(controller);
}

static void on_filled(void *data)
{
	struct i8042 *controller = data;

	if (!controller->full && !controller->updating)
		update(controller);
}

/* One at a time: who does not take the last loses it. */
static void reply_as(struct i8042 *controller, enum i8042_source source, uint8_t byte)
{
	controller->has_reply = true;
	controller->reply_source = source;
	controller->reply = byte;
}

static void reply(struct i8042 *controller, uint8_t byte)
{
	reply_as(controller, SOURCE_CONTROLLER, byte);
}

static void switch_bit(struct i8042 *controller, uint8_t bit, bool on)
{
	if (on)
		controller->memory[0] |= bit;
	else
		controller->memory[0] &= (uint8_t)~bit;
}

static void execute(struct i8042 *controller, uint8_t command)
{
	if (command >= READ_MEMORY && command < READ_MEMORY + MEMORY_SIZE) {
		reply(controller, controller->memory[command - READ_MEMORY]);
		return;
	}
	switch (command) {
	case MOUSE_OFF:
	case MOUSE_ON:
		switch_bit(controller, CONTROL_MOUSE_OFF, command == MOUSE_OFF);
		break;
	case KEYBOARD_OFF:
	case KEYBOARD_ON:
		switch_bit(controller, CONTROL_KEYBOARD_OFF, command == KEYBOARD_OFF);
		break;
	case TEST_MOUSE:
	case TEST_KEYBOARD:
		reply(controller, SOCKET_TEST_PASSED);
		break;
	case SELF_TEST:
		switch_bit(controller, CONTROL_SYSTEM, true);
		reply(controller, SELF_TEST_PASSED);
		break;
	case READ_OUTPUT_PORT:
		reply(controller, OUTPUT_PORT_RESET_OFF | OUTPUT_PORT_A20);
		break;
	}
}

static bool wants_data(uint8_t command)
{
	return (command >= WRITE_MEMORY && command < WRITE_MEMORY + MEMORY_SIZE) ||
	       (command >= WRITE_OUTPUT_PORT && command <= WRITE_MOUSE);
}

static void reset_machine(struct i8042 *controller)
{
	controller->requests.reset(controller->requests.machine);
}

static void command_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct i8042 *controller = device;
	uint8_t command = (uint8_t)value;

	if (command >= PULSE_OUTPUT_PORT) {
		if (!(command & OUTPUT_PORT_RESET_OFF))
			reset_machine(controller);
		return;
	}
	if (!controller->keyboard)
		return;
	controller->last_was_command = true;
	controller->command = wants_data(command) ? command : NO_COMMAND;
	execute(controller, command);
	update(controller);
}

static void take_data(struct i8042 *controller, uint8_t command, uint8_t byte)
{
	switch (command) {
	case WRITE_OUTPUT_PORT:
		if (!(byte & OUTPUT_PORT_RESET_OFF))
			reset_machine(controller);
		break;
	case WRITE_KEYBOARD_OUTPUT:
		reply_as(controller, SOURCE_KEYBOARD, byte);
		break;
	case WRITE_MOUSE_OUTPUT:
		reply_as(controller, SOURCE_MOUSE, byte);
		break;
	case WRITE_MOUSE:
		switch_bit(controller, CONTROL_MOUSE_OFF, false);
		controller->mouse->ops->receive(controller->mouse, byte);
		break;
	default:
		controller->memory[command - WRITE_MEMORY] = byte;
	}
}

static void data_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct i8042 *controller = device;
	uint8_t command = controller->command;

	if (!controller->keyboard)
		return;
	controller->command = NO_COMMAND;
	controller->last_was_command = false;
	if (command != NO_COMMAND) {
		take_data(controller, command, (uint8_t)value);
	} else {
		switch_bit(controller, CONTROL_KEYBOARD_OFF, false);
		controller->keyboard->ops->receive(controller->keyboard, (uint8_t)value);
	}
	update(controller);
}

static uint64_t data_read(void *device, uint64_t offset, unsigned int size)
{
	struct i8042 *controller = device;
	uint8_t output = controller->output;

	if (!controller->full)
		return output;
	controller->full = false;
	update_lines(controller); /* falls before it can rise for the next byte */
	update(controller);
	return output;
}

static uint64_t status_read(void *device, uint64_t offset, unsigned int size)
{
	const struct i8042 *controller = device;
	uint8_t status = STATUS_UNLOCKED;

	if (!controller->keyboard)
		return 0;
	if (controller->full)
		status |= STATUS_OUTPUT_FULL;
	if (controller->full && controller->source == SOURCE_MOUSE)
		status |= STATUS_OUTPUT_OF_MOUSE;
	if (control(controller, CONTROL_SYSTEM))
		status |= STATUS_SYSTEM;
	if (controller->last_was_command)
		status |= STATUS_COMMAND;
	return status;
}

static const struct address_range_ops data_ops = {.read = data_read, .write = data_write};
static const struct address_range_ops command_ops = {.read = status_read, .write = command_write};

void i8042_reset(struct i8042 *controller)
{
	controller->command = NO_COMMAND;
	controller->last_was_command = true;
	controller->release = controller->full = controller->has_reply = false;
	controller->output = 0;
	memset(controller->memory, 0, sizeof(controller->memory));
	controller->memory[0] = CONTROL_AT_POWER_ON;
	if (!controller->keyboard)
		return;
	controller->keyboard->ops->reset(controller->keyboard);
	controller->mouse->ops->reset(controller->mouse);
	update_lines(controller);
}

static int claim_ports(struct i8042 *controller, struct address_space *ports)
{
	int r = address_space_add(ports, DATA_PORT, 1, &data_ops, controller);

	return r == 0 ? address_space_add(ports, COMMAND_PORT, 1, &command_ops, controller) : r;
}

int i8042_create(struct address_space *ports, struct interrupt_controller *interrupts,
		 const struct system_requests *requests, struct i8042 **ret_controller)
{
	struct i8042 *controller = calloc(1, sizeof(*controller));
	int r;

	if (!controller)
		return -ENOMEM;
	controller->requests = *requests;
	controller->interrupts = interrupts;
	r = claim_ports(controller, ports);
	if (r < 0) {
		free(controller);
		return r;
	}
	i8042_reset(controller);
	*ret_controller = controller;
	return 0;
}

static void plug_in(struct i8042 *controller, struct ps2_port *port)
{
	port->filled = on_filled;
	port->controller = controller;
}

void i8042_plug_in(struct i8042 *controller, struct ps2_port *keyboard, struct ps2_port *mouse)
{
	controller->keyboard = keyboard;
	controller->mouse = mouse;
	plug_in(controller, keyboard);
	plug_in(controller, mouse);
}

void i8042_destroy(struct i8042 *controller)
{
	free(controller);
}

void i8042_save(const struct i8042 *controller, struct state_writer *writer)
{
	state_writer_put_bytes(writer, controller->memory, sizeof(controller->memory));
	state_writer_put8(writer, controller->command);
	state_writer_put_bool(writer, controller->last_was_command);
	state_writer_put_bool(writer, controller->release);
	state_writer_put_bool(writer, controller->full);
	state_writer_put8(writer, controller->source);
	state_writer_put8(writer, controller->output);
	state_writer_put_bool(writer, controller->has_reply);
	state_writer_put8(writer, controller->reply_source);
	state_writer_put8(writer, controller->reply);
}

static enum i8042_source take_source(struct state_reader *reader)
{
	uint8_t source = state_reader_get8(reader);

	if (!state_reader_check(reader, source <= SOURCE_MOUSE,
				"the keyboard controller has no such socket"))
		return SOURCE_CONTROLLER;
	return source;
}

int i8042_load(struct i8042 *controller, struct state_reader *reader)
{
	state_reader_get_bytes(reader, controller->memory, sizeof(controller->memory));
	controller->command = state_reader_get8(reader);
	controller->last_was_command = state_reader_get_bool(reader);
	controller->release = state_reader_get_bool(reader);
	controller->full = state_reader_get_bool(reader);
	controller->source = take_source(reader);
	controller->output = state_reader_get8(reader);
	controller->has_reply = state_reader_get_bool(reader);
	controller->reply_source = take_source(reader);
	controller->reply = state_reader_get8(reader);
	state_reader_check(reader,
			   controller->keyboard || !(controller->full || controller->has_reply),
			   "nothing is plugged into the keyboard controller");
	if (state_reader_check(reader,
			       controller->command == NO_COMMAND || wants_data(controller->command),
			       "the keyboard controller has no such command"))
		update_lines(controller);
	return state_reader_result(reader);
}
