/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client's user does to a machine's keyboard and pointer: the slots of the channel's input
 * ring (protocol/control-protocol.h). Codes are Linux input event codes
 * (linux/input-event-codes.h), which name keys by their place, not by what is printed on them.
 *
 * The VMM forgets nothing: what a client holds down is released when its channel ends.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

enum {
	INPUT_POSITION_MAX = 32767, /* the right and lower edge of the screen */
	INPUT_MAX_KEY = 0x2ff,
	INPUT_MAX_STEPS = 1000, /* of wheels and motion in one event, each way */
};

enum input_type {
	INPUT_KEY = 1,      /* code: KEY_..., x: 1 down, 0 up */
	INPUT_BUTTON = 2,   /* code: BTN_LEFT to BTN_TASK, x: 1 down, 0 up */
	INPUT_POSITION = 3, /* x, y: 0 to INPUT_POSITION_MAX */
	INPUT_MOTION = 4,   /* x, y: by how many guest pixels the pointer moves */
	INPUT_WHEEL = 5,    /* x, y: detents to the right and away from the user */
};

struct input_event {
	uint16_t type; /* enum input_type */
	uint16_t code; /* 0 where there is none */
	int32_t x, y;  /* y is 0 where it says nothing */
	uint32_t reserved;
};

static_assert(sizeof(struct input_event) == 16, "a quarter of a line");

/* Checks a copy: 0, -EOPNOTSUPP for an unknown type, -EINVAL for a code or a number. */
int input_event_validate(const struct input_event *event);
