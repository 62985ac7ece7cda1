/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-requests.h"

#include <glib.h>

#include "loop/event-loop.h"

struct fixture {
	struct event_loop *loop;
	struct machine_requests requests;
	struct machine_request_taken taken;
	unsigned int wakes;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	machine_requests_init(&f->requests, f->loop);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	event_loop_destroy(f->loop);
}

static int take(struct fixture *f)
{
	return machine_requests_take(&f->requests, &f->taken);
}

static void test_rank(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(take(f), ==, 0);
	machine_requests_note(&f->requests, REQUEST_RESET, 0, NULL);
	machine_requests_note(&f->requests, REQUEST_CRASH, -5, "why");
	machine_requests_note(&f->requests, REQUEST_CRASH, -6, "later");
	g_assert_cmpint(take(f), ==, 1);
	g_assert_cmpint(f->taken.request, ==, REQUEST_CRASH);
	g_assert_cmpint(f->taken.value, ==, -5);
	g_assert_cmpstr(f->taken.text, ==, "why");
	g_assert_cmpint(take(f), ==, 0);
}

static void test_clear(struct fixture *f, gconstpointer data)
{
	machine_requests_note(&f->requests, REQUEST_RESET, 0, "old");
	machine_requests_clear(&f->requests);
	g_assert_cmpint(take(f), ==, 0);
	machine_requests_note(&f->requests, REQUEST_POWER_OFF, 0, NULL);
	g_assert_cmpint(take(f), ==, 1);
	g_assert_cmpstr(f->taken.text, ==, "");
}

static void on_woken(void *data)
{
	struct fixture *f = data;

	f->wakes++;
	g_assert_cmpint(take(f), ==, 1);
	event_loop_stop(f->loop, 0);
}

static void test_wakes(struct fixture *f, gconstpointer data)
{
	event_loop_set_wake_handler(f->loop, on_woken, f);
	machine_requests_note(&f->requests, REQUEST_RESET, 0, NULL);
	machine_requests_note(&f->requests, REQUEST_POWER_OFF, 0, NULL);
	g_assert_cmpint(event_loop_run(f->loop), ==, 0);
	g_assert_cmpuint(f->wakes, ==, 1);
}

#define ADD(name, function) \
	g_test_add("/machine-requests/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("rank", test_rank);
	ADD("clear", test_clear);
	ADD("wakes", test_wakes);
	return g_test_run();
}
