/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The main thread's loop over descriptors and timers (epoll), and the device lock.
 *
 * The device lock protects all device and bus state. The loop holds it while it runs a callback;
 * a vCPU thread takes it around every port I/O or MMIO access it serves. Nothing sleeps or does
 * blocking I/O while holding it.
 */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

struct event_loop;
struct event_source;
struct event_timer;

/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR as reported by epoll. */
typedef void (*event_source_callback)(void *data, uint32_t events);
typedef void (*event_timer_callback)(void *data);

int event_loop_create(struct event_loop **ret_loop);
/* Destroys sources and timers that are left; closes no descriptor but its own. NULL is accepted. */
void event_loop_destroy(struct event_loop *loop);

/*
 * Runs callbacks until event_loop_stop(); returns its exit code. A spurious or bursting source
 * cannot starve the others: each gets one callback per turn.
 */
int event_loop_run(struct event_loop *loop);
/* Any thread. The first call decides the exit code. */
void event_loop_stop(struct event_loop *loop, int exit_code);

/*
 * Calls back on the main thread after event_loop_wake(), once for all of them until then. One
 * handler a loop. Before the loop runs.
 */
void event_loop_set_wake_handler(struct event_loop *loop, event_timer_callback callback,
				 void *data);
/* Any thread. */
void event_loop_wake(struct event_loop *loop);

/* The device lock, for vCPU threads. Not recursive. */
void event_loop_lock(struct event_loop *loop);
void event_loop_unlock(struct event_loop *loop);

/*
 * Calls back on the main thread whenever fd is ready (level-triggered, or once for each time it
 * becomes so when EPOLLET is among the events). The descriptor stays the caller's and must outlive
 * the source. With the device lock held or before the loop runs.
 */
int event_loop_add(struct event_loop *loop, int fd, uint32_t events, event_source_callback callback,
		   void *data, struct event_source **ret_source);
int event_source_set_events(struct event_source *source, uint32_t events);
/* Also from its own callback; the callback is never called again after this. NULL is accepted. */
void event_source_remove(struct event_source *source);

/* A one-shot timer, unarmed. With the device lock held or before the loop runs. */
int event_loop_add_timer(struct event_loop *loop, event_timer_callback callback, void *data,
			 struct event_timer **ret_timer);
/* deadline_ns: CLOCK_MONOTONIC; 0 disarms. A timer in the past fires in the next turn. */
void event_timer_set(struct event_timer *timer, uint64_t deadline_ns);
void event_timer_remove(struct event_timer *timer);
/* CLOCK_MONOTONIC now, in nanoseconds. */
uint64_t event_loop_now(void);
