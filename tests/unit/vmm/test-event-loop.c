/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/event-loop.h"

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

#define MS 1000000ULL

struct fixture {
	struct event_loop *loop;
	int fd[2];
	struct event_source *source[2];
	struct event_timer *timer[2];
	unsigned int calls[2];
	bool remove_other;
	uint64_t set_again;
	unsigned int stop_after;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){0};
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	for (int i = 0; i < 2; i++)
		f->fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	event_loop_destroy(f->loop);
	fd_close(&f->fd[0]);
	fd_close(&f->fd[1]);
}

static void count(struct fixture *f, int number)
{
	f->calls[number]++;
	if (f->calls[number] == f->stop_after)
		event_loop_stop(f->loop, 7);
}

static void on_first(void *data, uint32_t events)
{
	struct fixture *f = data;

	g_assert_cmpuint(events, ==, EPOLLIN);
	count(f, 0);
	if (f->remove_other) {
		event_source_remove(f->source[1]);
		f->source[1] = NULL;
		event_loop_stop(f->loop, 3);
	}
}

static void on_second(void *data, uint32_t events)
{
	struct fixture *f = data;

	count(f, 1);
	if (f->remove_other) {
		event_source_remove(f->source[0]);
		f->source[0] = NULL;
		event_loop_stop(f->loop, 3);
	}
}

static void add_both(struct fixture *f)
{
	g_assert_cmpint(event_loop_add(f->loop, f->fd[0], EPOLLIN, on_first, f, &f->source[0]), ==,
			0);
	g_assert_cmpint(event_loop_add(f->loop, f->fd[1], EPOLLIN, on_second, f, &f->source[1]), ==,
			0);
	fd_event_signal(f->fd[0]);
	fd_event_signal(f->fd[1]);
}

static void test_takes_turns(struct fixture *f, gconstpointer data)
{
	add_both(f);
	f->stop_after = 5;
	g_assert_cmpint(event_loop_run(f->loop), ==, 7);
	/* level-triggered, and neither source starves the other */
	g_assert_cmpuint(f->calls[0], ==, 5);
	g_assert_cmpuint(f->calls[1], >=, 4);
}

static void test_removed_is_not_called(struct fixture *f, gconstpointer data)
{
	add_both(f);
	f->remove_other = true;
	/* both are ready in one turn: whichever comes first removes the other */
	g_assert_cmpint(event_loop_run(f->loop), ==, 3);
	g_assert_cmpuint(f->calls[0] + f->calls[1], ==, 1);
}

static void on_remove_itself(void *data, uint32_t events)
{
	struct fixture *f = data;

	f->calls[0]++;
	event_source_remove(f->source[0]);
	event_timer_set(f->timer[0], event_loop_now() + 5 * MS);
}

static void on_stop_timer(void *data)
{
	struct fixture *f = data;

	event_loop_stop(f->loop, 1);
}

static void test_removes_itself(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(event_loop_add_timer(f->loop, on_stop_timer, f, &f->timer[0]), ==, 0);
	g_assert_cmpint(
		event_loop_add(f->loop, f->fd[0], EPOLLIN, on_remove_itself, f, &f->source[0]), ==,
		0);
	fd_event_signal(f->fd[0]);
	g_assert_cmpint(event_loop_run(f->loop), ==, 1);
	g_assert_cmpuint(f->calls[0], ==, 1);
}

static void on_timer_again(void *data)
{
	struct fixture *f = data;

	count(f, 0);
	event_timer_set(f->timer[0], f->set_again);
}

static void on_timer_other(void *data)
{
	struct fixture *f = data;

	f->calls[1]++;
	event_timer_set(f->timer[1], 1);
}

static void test_timer_in_the_past(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(event_loop_add_timer(f->loop, on_timer_again, f, &f->timer[0]), ==, 0);
	g_assert_cmpint(event_loop_add_timer(f->loop, on_timer_other, f, &f->timer[1]), ==, 0);
	f->set_again = 1;
	f->stop_after = 4;
	event_timer_set(f->timer[0], 1);
	event_timer_set(f->timer[1], 1);
	g_assert_cmpint(event_loop_run(f->loop), ==, 7);
	/* one call per turn each: the first did not run four times in one turn */
	g_assert_cmpuint(f->calls[1], >=, 3);
}

static void test_timer_order(struct fixture *f, gconstpointer data)
{
	uint64_t start = event_loop_now();

	g_assert_cmpint(event_loop_add_timer(f->loop, on_stop_timer, f, &f->timer[0]), ==, 0);
	g_assert_cmpint(event_loop_add_timer(f->loop, on_timer_other, f, &f->timer[1]), ==, 0);
	event_timer_set(f->timer[0], start + 20 * MS);
	event_timer_set(f->timer[1], start + 5 * MS);
	event_timer_remove(f->timer[1]); /* armed, and the earliest */
	g_assert_cmpint(event_loop_run(f->loop), ==, 1);
	g_assert_cmpuint(event_loop_now() - start, >=, 20 * MS);
	g_assert_cmpuint(f->calls[1], ==, 0);
}

static void *stop_later(void *data)
{
	struct fixture *f = data;

	g_usleep(50000);
	event_loop_stop(f->loop, 9);
	event_loop_stop(f->loop, 10);
	return NULL;
}

static void test_idle(struct fixture *f, gconstpointer data)
{
	struct rusage before, after;
	pthread_t thread;

	/* a timer that is disarmed again leaves nothing to wake up for */
	g_assert_cmpint(event_loop_add_timer(f->loop, on_timer_other, f, &f->timer[1]), ==, 0);
	event_timer_set(f->timer[1], event_loop_now() + 5 * MS);
	event_timer_set(f->timer[1], 0);
	g_assert_cmpint(pthread_create(&thread, NULL, stop_later, f), ==, 0);
	getrusage(RUSAGE_THREAD, &before);
	g_assert_cmpint(event_loop_run(f->loop), ==, 9);
	getrusage(RUSAGE_THREAD, &after);
	pthread_join(thread, NULL);
	g_assert_cmpuint(f->calls[1], ==, 0);
	g_assert_cmpint(after.ru_nvcsw - before.ru_nvcsw, <=, 1);
}

static void *take_lock(void *data)
{
	struct fixture *f = data;

	event_loop_lock(f->loop);
	f->calls[1]++;
	event_loop_unlock(f->loop);
	return NULL;
}

static void on_check_lock(void *data, uint32_t events)
{
	struct fixture *f = data;
	pthread_t thread;

	pthread_create(&thread, NULL, take_lock, f);
	g_usleep(20000);
	g_assert_cmpuint(f->calls[1], ==, 0); /* the callback holds the lock */
	event_loop_unlock(f->loop);
	pthread_join(thread, NULL);
	event_loop_lock(f->loop);
	event_loop_stop(f->loop, 0);
}

static void test_lock_held(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(event_loop_add(f->loop, f->fd[0], EPOLLIN, on_check_lock, f, &f->source[0]),
			==, 0);
	fd_event_signal(f->fd[0]);
	g_assert_cmpint(event_loop_run(f->loop), ==, 0);
	g_assert_cmpuint(f->calls[1], ==, 1);
}

#define ADD(name, function) \
	g_test_add("/event-loop/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("takes-turns", test_takes_turns);
	ADD("removed-is-not-called", test_removed_is_not_called);
	ADD("removes-itself", test_removes_itself);
	ADD("timer-in-the-past", test_timer_in_the_past);
	ADD("timer-order", test_timer_order);
	ADD("idle", test_idle);
	ADD("lock-held", test_lock_held);
	return g_test_run();
}
