/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-input.h"

#include <string.h>

#include "base/log.h"
#include "devices/devices.h"
#include "devices/ps2-devices.h"
#include "display/input-router.h"
#include "machine/machine.h"
#include "virtio/virtio-input.h"

int machine_create_ps2_input(struct machine *machine)
{
	int r = ps2_keyboard_create(&machine->ps2_keyboard);

	if (r == 0)
		r = ps2_mouse_create(&machine->ps2_mouse);
	if (r == 0)
		i8042_plug_in(machine->i8042, ps2_keyboard_port(machine->ps2_keyboard),
			      ps2_mouse_port(machine->ps2_mouse));
	return r;
}

static int create_virtio_input(struct machine *machine, uint8_t keyboard_devfn,
			       uint8_t tablet_devfn)
{
	const struct virtio_host host = machine_virtio_host(machine);
	int r = virtio_keyboard_create(&host, keyboard_devfn, &machine->keyboard);

	return r == 0 ? virtio_tablet_create(&host, tablet_devfn, &machine->tablet) : r;
}

/* Those a guest is more comfortable with come first. */
static void connect(struct machine *machine)
{
	struct input_router *router = machine->input;

	if (machine->keyboard)
		input_router_add(router, INPUT_DEVICE_KEYBOARD, &virtio_input_input_ops,
				 machine->keyboard);
	if (machine->ps2_keyboard)
		input_router_add(router, INPUT_DEVICE_KEYBOARD, &ps2_keyboard_input_ops,
				 machine->ps2_keyboard);
	if (machine->tablet)
		input_router_add(router, INPUT_DEVICE_TABLET, &virtio_input_input_ops,
				 machine->tablet);
	if (machine->ps2_mouse)
		input_router_add(router, INPUT_DEVICE_MOUSE, &ps2_mouse_input_ops,
				 machine->ps2_mouse);
}

int machine_create_input(struct machine *machine, uint8_t keyboard_devfn, uint8_t tablet_devfn)
{
	int r = 0;

	if (!machine->screen && !machine->ps2_keyboard)
		return 0;
	if (machine->screen)
		r = create_virtio_input(machine, keyboard_devfn, tablet_devfn);
	if (r == 0)
		r = input_router_create(machine->screen, &machine->input);
	if (r < 0) {
		log_error("The keyboard and the pointer could not be set up: %s.", strerror(-r));
		return r;
	}
	connect(machine);
	return 0;
}

void machine_destroy_ps2_input(struct machine *machine)
{
	ps2_mouse_destroy(machine->ps2_mouse);
	ps2_keyboard_destroy(machine->ps2_keyboard);
}

void machine_destroy_input(struct machine *machine)
{
	input_router_destroy(machine->input);
	virtio_device_destroy(machine->tablet);
	virtio_device_destroy(machine->keyboard);
}

void machine_reset_input(struct machine *machine)
{
	i8042_reset(machine->i8042);
	if (machine->input)
		input_router_reset(machine->input);
}

int machine_input(struct machine *machine, const struct input_event *event)
{
	if (machine->input)
		input_router_handle(machine->input, event);
	return 0;
}
