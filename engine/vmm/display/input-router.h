/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what users do (protocol/input-protocol.h) to the machine's input devices. A guest uses the
 * devices it has drivers for, which changes while it starts: firmware knows the PS/2 ones only. So
 * each event goes to the first device whose guest side listens; what went down is released where
 * it went down.
 *
 * Device lock held.
 */
#pragma once

#include <stdbool.h>

struct input_event;
struct input_router;
struct screen;
struct state_reader;
struct state_writer;

enum input_device_kind {
	INPUT_DEVICE_KEYBOARD,
	INPUT_DEVICE_TABLET, /* takes positions */
	INPUT_DEVICE_MOUSE,  /* takes motion; positions are turned into it */
};

struct input_device_ops {
	/* Whether the guest listens. */
	bool (*ready)(void *device);
	/* Keys for keyboards; buttons, wheels and positions or motion for the others. */
	void (*handle)(void *device, const struct input_event *event);
};

/* screen: how large the picture is in which positions are meant; NULL: none. Borrowed. */
int input_router_create(const struct screen *screen, struct input_router **ret_router);
/* NULL is accepted. */
void input_router_destroy(struct input_router *router);

/* Those added first are preferred. At most INPUT_ROUTER_MAX_DEVICES. */
enum { INPUT_ROUTER_MAX_DEVICES = 4 };
void input_router_add(struct input_router *router, enum input_device_kind kind,
		      const struct input_device_ops *ops, void *device);

/* event: a valid one. Without a device that listens it is lost. */
void input_router_handle(struct input_router *router, const struct input_event *event);

/* The machine has been reset: nothing is held down any more. */
void input_router_reset(struct input_router *router);

/*
 * To and from a machine's state, after the devices. Whoever holds a key down does not do so where
 * the machine goes on: load releases it. 0, or -EPROTO with the reason in the reader.
 */
enum { INPUT_ROUTER_STATE_VERSION = 1 };
void input_router_save(const struct input_router *router, struct state_writer *writer);
int input_router_load(struct input_router *router, struct state_reader *reader);
