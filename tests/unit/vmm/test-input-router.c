/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display/input-router.h"

#include <errno.h>
#include <glib.h>
#include <linux/input-event-codes.h>

#include "protocol/input-protocol.h"
#include "state-block.h"

struct fake_device {
	bool ready;
	unsigned int events;
	struct input_event last;
};

static bool is_ready(void *data)
{
	return ((struct fake_device *)data)->ready;
}

static void handle(void *data, const struct input_event *event)
{
	struct fake_device *device = data;

	device->events++;
	device->last = *event;
}

static const struct input_device_ops ops = {is_ready, handle};

struct fixture {
	struct input_router *router;
	struct fake_device keyboard, old_keyboard, tablet, mouse;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(input_router_create(NULL, &f->router), ==, 0);
	input_router_add(f->router, INPUT_DEVICE_KEYBOARD, &ops, &f->keyboard);
	input_router_add(f->router, INPUT_DEVICE_KEYBOARD, &ops, &f->old_keyboard);
	input_router_add(f->router, INPUT_DEVICE_TABLET, &ops, &f->tablet);
	input_router_add(f->router, INPUT_DEVICE_MOUSE, &ops, &f->mouse);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	input_router_destroy(f->router);
}

static void send(struct fixture *f, uint16_t type, uint16_t code, int32_t x, int32_t y)
{
	const struct input_event event = {type, code, x, y, 0};

	g_assert_cmpint(input_event_validate(&event), ==, 0);
	input_router_handle(f->router, &event);
}

static void test_preference(struct fixture *f, gconstpointer data)
{
	send(f, INPUT_KEY, KEY_A, 1, 0); /* nobody is there */
	send(f, INPUT_KEY, KEY_A, 0, 0);
	f->old_keyboard.ready = true;
	send(f, INPUT_KEY, KEY_A, 1, 0);
	g_assert_cmpuint(f->old_keyboard.events, ==, 1);
	f->keyboard.ready = true; /* its driver has come up */
	send(f, INPUT_KEY, KEY_B, 1, 0);
	g_assert_cmpuint(f->keyboard.events, ==, 1);
	send(f, INPUT_KEY, KEY_A, 1, 0); /* a repetition */
	send(f, INPUT_KEY, KEY_A, 0, 0);
	g_assert_cmpuint(f->old_keyboard.events, ==, 3);
	g_assert_cmpint(f->old_keyboard.last.x, ==, 0);
	send(f, INPUT_KEY, KEY_A, 1, 0);
	g_assert_cmpuint(f->keyboard.events, ==, 2);
	send(f, INPUT_KEY, KEY_C, 0, 0); /* never pressed */
	g_assert_cmpuint(f->keyboard.events, ==, 2);
}

static void test_reset(struct fixture *f, gconstpointer data)
{
	f->keyboard.ready = true;
	send(f, INPUT_KEY, KEY_A, 1, 0);
	input_router_reset(f->router);
	send(f, INPUT_KEY, KEY_A, 0, 0);
	g_assert_cmpuint(f->keyboard.events, ==, 1);
}

static void test_pointers(struct fixture *f, gconstpointer data)
{
	f->mouse.ready = f->keyboard.ready = true;
	send(f, INPUT_POSITION, 0, 0, 0);
	g_assert_cmpuint(f->mouse.events, ==, 0); /* from where? */
	send(f, INPUT_POSITION, 0, INPUT_POSITION_MAX, 16384);
	g_assert_cmpuint(f->mouse.last.type, ==, INPUT_MOTION);
	g_assert_cmpint(f->mouse.last.x, ==, 1023);
	g_assert_cmpint(f->mouse.last.y, ==, 384);
	/* Many small steps come to the same as a large one. */
	for (int i = INPUT_POSITION_MAX; i >= 0; i -= 7)
		send(f, INPUT_POSITION, 0, i, 16384);
	send(f, INPUT_POSITION, 0, 0, 16384);
	g_assert_cmpuint(f->mouse.events, ==, 1 + 1023);
	send(f, INPUT_BUTTON, BTN_LEFT, 1, 0);
	f->tablet.ready = true;
	send(f, INPUT_POSITION, 0, 5, 6);
	g_assert_cmpuint(f->tablet.last.type, ==, INPUT_POSITION);
	send(f, INPUT_BUTTON, BTN_LEFT, 0, 0);
	g_assert_cmpuint(f->mouse.last.type, ==, INPUT_BUTTON);
	send(f, INPUT_WHEEL, 0, 0, 1);
	send(f, INPUT_MOTION, 0, 1, 1);
	g_assert_cmpuint(f->tablet.events, ==, 3);
	g_assert_cmpuint(f->keyboard.events, ==, 0);
}

/* What is held down here is not where the machine goes on. */
static void test_state(struct fixture *f, gconstpointer data)
{
	static struct state_block block;
	struct fixture other = {.router = NULL};

	f->keyboard.ready = f->mouse.ready = true;
	send(f, INPUT_KEY, KEY_A, 1, 0);
	send(f, INPUT_KEY, KEY_B, 1, 0);
	send(f, INPUT_KEY, KEY_B, 0, 0);
	send(f, INPUT_BUTTON, BTN_LEFT, 1, 0);
	STATE_BLOCK_SAVE(&block, input_router_save, f->router);
	set_up(&other, NULL);
	other.keyboard.ready = other.mouse.ready = true;
	STATE_BLOCK_LOAD(&block, input_router_load, other.router);
	g_assert_cmpuint(other.keyboard.events, ==, 1);
	g_assert_cmpuint(other.keyboard.last.type, ==, INPUT_KEY);
	g_assert_cmpuint(other.keyboard.last.code, ==, KEY_A);
	g_assert_cmpint(other.keyboard.last.x, ==, 0);
	g_assert_cmpuint(other.mouse.events, ==, 1);
	g_assert_cmpuint(other.mouse.last.code, ==, BTN_LEFT);
	send(&other, INPUT_KEY, KEY_A, 0, 0);
	g_assert_cmpuint(other.keyboard.events, ==, 1);
	STATE_BLOCK_REFUSE(&block, input_router_load, other.router, 4, 5,
			   "a key is held that there is not");
	STATE_BLOCK_REFUSE(&block, input_router_load, other.router, 3, 3,
			   "a key is held that there is not");
	tear_down(&other, NULL);
}

#define ADD(name, function) \
	g_test_add("/input-router/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("preference", test_preference);
	ADD("reset", test_reset);
	ADD("pointers", test_pointers);
	ADD("state", test_state);
	return g_test_run();
}
