/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display/input-router.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "display/screen.h"
#include "protocol/input-protocol.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

/* What a mouse is told of a picture that is not there. */
enum { DEFAULT_WIDTH = 1024, DEFAULT_HEIGHT = 768 };

struct input_route {
	enum input_device_kind kind;
	const struct input_device_ops *ops;
	void *device;
};

struct input_router {
	const struct screen *screen;
	struct input_route routes[INPUT_ROUTER_MAX_DEVICES];
	unsigned int count;
	/* by key or button: where it is held down, one more than the index of the route; 0: up */
	uint8_t held[INPUT_MAX_KEY + 1];
	/* the position a mouse has been moved to so far */
	int32_t x, y;
	bool position_known;
};

int input_router_create(const struct screen *screen, struct input_router **ret_router)
{
	struct input_router *router = calloc(1, sizeof(*router));

	if (!router)
		return -ENOMEM;
	router->screen = screen;
	*ret_router = router;
	return 0;
}

void input_router_destroy(struct input_router *router)
{
	free(router);
}

void input_router_add(struct input_router *router, enum input_device_kind kind,
		      const struct input_device_ops *ops, void *device)
{
	assert(router->count < INPUT_ROUTER_MAX_DEVICES);
	router->routes[router->count++] = (struct input_route){kind, ops, device};
}

void input_router_reset(struct input_router *router)
{
	memset(router->held, 0, sizeof(router->held));
	router->position_known = false;
}

static bool takes(const struct input_route *route, bool key)
{
	return (route->kind == INPUT_DEVICE_KEYBOARD) == key && route->ops->ready(route->device);
}

/* The index of the first that listens, or count. */
static unsigned int find(const struct input_router *router, bool key)
{
	unsigned int i = 0;

	while (i < router->count && !takes(&router->routes[i], key))
		i++;
	return i;
}

/* Down goes where it can be heard, up where it went down. */
static void switch_key(struct input_router *router, const struct input_event *event)
{
	uint8_t *held = &router->held[event->code];
	unsigned int i = *held > 0 ? *held - 1u : find(router, event->type == INPUT_KEY);

	if (i == router->count || (event->x == 0 && *held == 0))
		return;
	*held = event->x ? (uint8_t)(i + 1) : 0;
	router->routes[i].ops->handle(router->routes[i].device, event);
}

static int32_t scale(int32_t distance, uint32_t pixels)
{
	return (int32_t)((int64_t)distance * pixels / (INPUT_POSITION_MAX + 1));
}

/* Whole guest pixels only: the rest is kept for the next time. */
static void move_mouse(struct input_router *router, const struct input_route *mouse,
		       const struct input_event *event)
{
	const struct screen_mode *mode = router->screen ? &screen_page(router->screen)->mode : NULL;
	uint32_t width = mode && mode->width > 0 ? mode->width : DEFAULT_WIDTH;
	uint32_t height = mode && mode->width > 0 ? mode->height : DEFAULT_HEIGHT;
	struct input_event motion = {.type = INPUT_MOTION};

	if (router->position_known) {
		motion.x = scale(event->x, width) - scale(router->x, width);
		motion.y = scale(event->y, height) - scale(router->y, height);
	}
	router->x = event->x;
	router->y = event->y;
	router->position_known = true;
	if (motion.x != 0 || motion.y != 0)
		mouse->ops->handle(mouse->device, &motion);
}

static void move(struct input_router *router, const struct input_event *event)
{
	unsigned int i = find(router, /* key= */ false);
	const struct input_route *route = &router->routes[i];

	if (i == router->count)
		return;
	if (event->type == INPUT_POSITION && route->kind == INPUT_DEVICE_MOUSE)
		move_mouse(router, route, event);
	else
		route->ops->handle(route->device, event);
}

void input_router_handle(struct input_router *router, const struct input_event *event)
{
	switch ((enum input_type)event->type) {
	case INPUT_KEY:
	case INPUT_BUTTON:
		switch_key(router, event);
		break;
	case INPUT_POSITION:
	case INPUT_MOTION:
	case INPUT_WHEEL:
		move(router, event);
		break;
	}
}

void input_router_save(const struct input_router *router, struct state_writer *writer)
{
	uint16_t count = 0;

	for (unsigned int code = 0; code <= INPUT_MAX_KEY; code++)
		count = (uint16_t)(count + (router->held[code] > 0));
	state_writer_put16(writer, count);
	for (unsigned int code = 0; code <= INPUT_MAX_KEY; code++) {
		if (router->held[code] == 0)
			continue;
		state_writer_put16(writer, (uint16_t)code);
		state_writer_put8(writer, router->held[code]);
	}
}

/* 0, or a negative errno: the device has no such key. */
static int release_key(const struct input_route *route, uint16_t code)
{
	bool key = route->kind == INPUT_DEVICE_KEYBOARD;
	const struct input_event event = {.type = key ? INPUT_KEY : INPUT_BUTTON, .code = code};
	int r = input_event_validate(&event);

	if (r == 0 && route->ops->ready(route->device))
		route->ops->handle(route->device, &event);
	return r;
}

int input_router_load(struct input_router *router, struct state_reader *reader)
{
	uint16_t count = state_reader_get16(reader);

	for (unsigned int i = 0; i < count; i++) {
		uint16_t code = state_reader_get16(reader);
		uint8_t held = state_reader_get8(reader);
		bool exists = held > 0 && held <= router->count &&
			      release_key(&router->routes[held - 1], code) == 0;

		if (!state_reader_check(reader, exists, "a key is held that there is not"))
			break;
	}
	return state_reader_result(reader);
}
