/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The main loop: epoll for descriptors, one timerfd set to the earliest of all timers, one eventfd
 * that wakes it. With nothing to do it sleeps without a timeout.
 */
#include "loop/event-loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

enum { EVENTS_PER_TURN = 32 };

#define NANOSECONDS_PER_SECOND 1000000000ULL
#define EXIT_CODE_UNDECIDED    INT64_MIN

struct event_source {
	struct event_loop *loop;
	struct event_source *next;
	int fd;
	bool removed; /* waits in the loop's removed list for the end of the turn */
	event_source_callback callback;
	void *data;
};

struct event_timer {
	struct event_loop *loop;
	struct event_timer *next;
	uint64_t deadline_ns; /* 0: unarmed */
	uint64_t fired_turn;  /* the turn it last fired in */
	event_timer_callback callback;
	void *data;
};

struct event_loop {
	pthread_mutex_t device_lock; /* protects everything below but exit_code */
	int epoll_fd;                /* constant */
	int timer_fd;                /* constant */
	int wake_fd;                 /* constant */
	_Atomic int64_t exit_code;   /* EXIT_CODE_UNDECIDED until event_loop_stop() */
	struct event_source *sources;
	struct event_source *removed; /* unlinked, but epoll may have reported them */
	struct event_timer *timers;
	uint64_t timer_turn;               /* counts the turns in which timers fire */
	uint64_t armed_ns;                 /* what timer_fd is set to; 0: nothing */
	struct event_source *timer_source; /* owned, also in sources */
	struct event_source *wake_source;
	event_timer_callback wake_handler; /* NULL: none */
	void *wake_data;
};

uint64_t event_loop_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NANOSECONDS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t earliest_deadline(const struct event_loop *loop)
{
	uint64_t earliest = 0;

	for (const struct event_timer *timer = loop->timers; timer; timer = timer->next) {
		if (timer->deadline_ns != 0 && (earliest == 0 || timer->deadline_ns < earliest))
			earliest = timer->deadline_ns;
	}
	return earliest;
}

/* Sets timer_fd to the earliest deadline, if it is not set to that already. */
static void rearm(struct event_loop *loop)
{
	uint64_t earliest = earliest_deadline(loop);
	struct itimerspec when = {
		.it_value.tv_sec = (time_t)(earliest / NANOSECONDS_PER_SECOND),
		.it_value.tv_nsec = (long)(earliest % NANOSECONDS_PER_SECOND),
	};

	if (earliest == loop->armed_ns)
		return;
	loop->armed_ns = earliest;
	(void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* The earliest of the expired timers that have not fired in this turn, or NULL. */
static struct event_timer *expired_timer(struct event_loop *loop, uint64_t now)
{
	struct event_timer *found = NULL;

	for (struct event_timer *timer = loop->timers; timer; timer = timer->next) {
		if (timer->deadline_ns == 0 || timer->deadline_ns > now ||
		    timer->fired_turn == loop->timer_turn)
			continue;
		if (!found || timer->deadline_ns < found->deadline_ns)
			found = timer;
	}
	return found;
}

/* A callback that sets its own timer to the past has to wait for the next turn, as all do. */
static void on_timer_fd(void *data, uint32_t events)
{
	struct event_loop *loop = data;
	struct event_timer *timer;
	uint64_t now = event_loop_now();

	(void)fd_event_drain(loop->timer_fd);
	loop->armed_ns = 0;
	loop->timer_turn++;
	while ((timer = expired_timer(loop, now))) {
		timer->deadline_ns = 0;
		timer->fired_turn = loop->timer_turn;
		timer->callback(timer->data);
	}
	rearm(loop);
}

static void on_wake_fd(void *data, uint32_t events)
{
	struct event_loop *loop = data;

	(void)fd_event_drain(loop->wake_fd);
	if (loop->wake_handler)
		loop->wake_handler(loop->wake_data);
}

static int create_descriptors(struct event_loop *loop)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0)
		return -errno;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return loop->wake_fd < 0 ? -errno : 0;
}

int event_loop_create(struct event_loop **ret_loop)
{
	struct event_loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = loop->timer_fd = loop->wake_fd = -1;
	atomic_init(&loop->exit_code, EXIT_CODE_UNDECIDED);
	pthread_mutex_init(&loop->device_lock, NULL);
	r = create_descriptors(loop);
	if (r == 0)
		r = event_loop_add(loop, loop->timer_fd, EPOLLIN, on_timer_fd, loop,
				   &loop->timer_source);
	if (r == 0)
		r = event_loop_add(loop, loop->wake_fd, EPOLLIN, on_wake_fd, loop,
				   &loop->wake_source);
	if (r < 0) {
		event_loop_destroy(loop);
		return r;
	}
	*ret_loop = loop;
	return 0;
}

static void free_sources(struct event_source **list)
{
	while (*list) {
		struct event_source *source = *list;

		*list = source->next;
		free(source);
	}
}

void event_loop_destroy(struct event_loop *loop)
{
	if (!loop)
		return;
	free_sources(&loop->sources);
	free_sources(&loop->removed);
	while (loop->timers) {
		struct event_timer *timer = loop->timers;

		loop->timers = timer->next;
		free(timer);
	}
	fd_close(&loop->epoll_fd);
	fd_close(&loop->timer_fd);
	fd_close(&loop->wake_fd);
	pthread_mutex_destroy(&loop->device_lock);
	free(loop);
}

static void dispatch(struct event_loop *loop, const struct epoll_event *event)
{
	struct event_source *source = event->data.ptr;

	event_loop_lock(loop);
	if (!source->removed)
		source->callback(source->data, event->events);
	event_loop_unlock(loop);
}

/*
 * Sources removed so far left epoll before this turn ended, so no later turn can report them.
 */
static void free_removed(struct event_loop *loop)
{
	event_loop_lock(loop);
	free_sources(&loop->removed);
	event_loop_unlock(loop);
}

int event_loop_run(struct event_loop *loop)
{
	struct epoll_event events[EVENTS_PER_TURN];
	int64_t exit_code;

	while ((exit_code = atomic_load(&loop->exit_code)) == EXIT_CODE_UNDECIDED) {
		int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, -1);

		for (int i = 0; i < count; i++)
			dispatch(loop, &events[i]);
		free_removed(loop);
	}
	return (int)exit_code;
}

void event_loop_stop(struct event_loop *loop, int exit_code)
{
	int64_t undecided = EXIT_CODE_UNDECIDED;

	atomic_compare_exchange_strong(&loop->exit_code, &undecided, exit_code);
	event_loop_wake(loop);
}

void event_loop_set_wake_handler(struct event_loop *loop, event_timer_callback callback, void *data)
{
	loop->wake_handler = callback;
	loop->wake_data = data;
}

void event_loop_wake(struct event_loop *loop)
{
	fd_event_signal(loop->wake_fd);
}

void event_loop_lock(struct event_loop *loop)
{
	pthread_mutex_lock(&loop->device_lock);
}

void event_loop_unlock(struct event_loop *loop)
{
	pthread_mutex_unlock(&loop->device_lock);
}

int event_loop_add(struct event_loop *loop, int fd, uint32_t events, event_source_callback callback,
		   void *data, struct event_source **ret_source)
{
	struct event_source *source = calloc(1, sizeof(*source));
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (!source)
		return -ENOMEM;
	*source = (struct event_source){
		.loop = loop,
		.fd = fd,
		.callback = callback,
		.data = data,
	};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int r = -errno;

		free(source);
		return r;
	}
	source->next = loop->sources;
	loop->sources = source;
	*ret_source = source;
	return 0;
}

int event_source_set_events(struct event_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	return epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno
											: 0;
}

void event_source_remove(struct event_source *source)
{
	struct event_source **link;

	if (!source)
		return;
	(void)epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	for (link = &source->loop->sources; *link != source; link = &(*link)->next)
		;
	*link = source->next;
	source->removed = true;
	source->next = source->loop->removed;
	source->loop->removed = source;
}

int event_loop_add_timer(struct event_loop *loop, event_timer_callback callback, void *data,
			 struct event_timer **ret_timer)
{
	struct event_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	*timer = (struct event_timer){
		.loop = loop,
		.next = loop->timers,
		.callback = callback,
		.data = data,
	};
	loop->timers = timer;
	*ret_timer = timer;
	return 0;
}

void event_timer_set(struct event_timer *timer, uint64_t deadline_ns)
{
	timer->deadline_ns = deadline_ns;
	rearm(timer->loop);
}

void event_timer_remove(struct event_timer *timer)
{
	struct event_timer **link;

	if (!timer)
		return;
	for (link = &timer->loop->timers; *link != timer; link = &(*link)->next)
		;
	*link = timer->next;
	rearm(timer->loop);
	free(timer);
}
