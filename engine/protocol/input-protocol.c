/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/input-protocol.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdbool.h>

static bool is_switch(int32_t x, int32_t y)
{
	return (x == 0 || x == 1) && y == 0;
}

static bool is_key(const struct input_event *event)
{
	return event->code > KEY_RESERVED && event->code <= INPUT_MAX_KEY &&
	       (event->code < BTN_MISC || event->code >= KEY_OK) && is_switch(event->x, event->y);
}

static bool is_button(const struct input_event *event)
{
	return event->code >= BTN_LEFT && event->code <= BTN_TASK && is_switch(event->x, event->y);
}

static bool within(int32_t value, int32_t least, int32_t most)
{
	return value >= least && value <= most;
}

static bool is_position(const struct input_event *event)
{
	return event->code == 0 && within(event->x, 0, INPUT_POSITION_MAX) &&
	       within(event->y, 0, INPUT_POSITION_MAX);
}

static bool is_motion(const struct input_event *event)
{
	return event->code == 0 && within(event->x, -INPUT_MAX_STEPS, INPUT_MAX_STEPS) &&
	       within(event->y, -INPUT_MAX_STEPS, INPUT_MAX_STEPS);
}

int input_event_validate(const struct input_event *event)
{
	switch (event->type) {
	case INPUT_KEY:
		return is_key(event) ? 0 : -EINVAL;
	case INPUT_BUTTON:
		return is_button(event) ? 0 : -EINVAL;
	case INPUT_POSITION:
		return is_position(event) ? 0 : -EINVAL;
	case INPUT_MOTION:
	case INPUT_WHEEL:
		return is_motion(event) ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}
