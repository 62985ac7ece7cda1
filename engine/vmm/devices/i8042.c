/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ports of the Intel 8042 keyboard controller without a keyboard: its output buffer is always
 * empty, so systems that probe it find no controller; pulsing its reset line resets the machine
 * (IBM PC AT Technical Reference, keyboard controller commands). A20 is always on.
 */
#include <errno.h>
#include <stdlib.h>

#include "bus/address-space.h"
#include "devices/devices.h"

enum {
	DATA_PORT = 0x60,
	COMMAND_PORT = 0x64,
	STATUS_NOTHING = 0x00, /* neither buffer is full */
	COMMAND_PULSE_RESET = 0xfe,
};

struct i8042 {
	struct system_requests requests;
};

static uint64_t i8042_read(void *device, uint64_t offset, unsigned int size)
{
	return STATUS_NOTHING;
}

static void ignore_data(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
}

static void command_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct i8042 *controller = device;

	if ((value & 0xff) == COMMAND_PULSE_RESET)
		controller->requests.reset(controller->requests.machine);
}

static const struct address_range_ops data_ops = {.read = i8042_read, .write = ignore_data};
static const struct address_range_ops command_ops = {.read = i8042_read, .write = command_write};

int i8042_create(struct address_space *ports, const struct system_requests *requests,
		 struct i8042 **ret_controller)
{
	struct i8042 *controller = calloc(1, sizeof(*controller));
	int r;

	if (!controller)
		return -ENOMEM;
	controller->requests = *requests;
	r = address_space_add(ports, DATA_PORT, 1, &data_ops, controller);
	if (r == 0)
		r = address_space_add(ports, COMMAND_PORT, 1, &command_ops, controller);
	if (r < 0) {
		free(controller);
		return r;
	}
	*ret_controller = controller;
	return 0;
}

void i8042_destroy(struct i8042 *controller)
{
	free(controller);
}
