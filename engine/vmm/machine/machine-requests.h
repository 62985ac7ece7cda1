/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What vCPU threads and devices want of the machine as a whole: noted on any thread, served on the
 * main thread by machine-run-state.c.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct event_loop;

/* In order of rank: of several that are noted together the first is served, the rest forgotten. */
enum machine_request {
	REQUEST_DEBUG_EXIT, /* value: exit status */
	REQUEST_PANIC,
	REQUEST_CRASH,        /* value: error or 0; text: why */
	REQUEST_HOST_ERROR,   /* the same */
	REQUEST_POWER_OFF,    /* by the guest */
	REQUEST_TRIPLE_FAULT, /* which resets the machine */
	REQUEST_RESET,
	REQUEST_STORAGE_ERROR, /* value: negative errno */
	REQUEST_COUNT,
};

enum { REQUEST_TEXT_SIZE = 256 };

struct machine_requests {
	struct event_loop *loop; /* woken when one is noted */
	pthread_mutex_t lock;    /* protects everything below */
	unsigned int pending;    /* bits by enum machine_request */
	int value[REQUEST_COUNT];
	char text[REQUEST_TEXT_SIZE]; /* of the first that had one */
};

void machine_requests_init(struct machine_requests *requests, struct event_loop *loop);

/* Any thread. text: NULL for none. */
void machine_requests_note(struct machine_requests *requests, enum machine_request request,
			   int value, const char *text);

struct machine_request_taken {
	enum machine_request request;
	int value;
	char text[REQUEST_TEXT_SIZE];
};

/* Whether something is noted that is not served yet. Any thread. */
bool machine_requests_pending(struct machine_requests *requests);

/* Forgets what is noted: a guest that was reset does not want any more what it wanted before. */
void machine_requests_clear(struct machine_requests *requests);

/* Takes the one of the highest rank and forgets the rest. 0: there is none. */
int machine_requests_take(struct machine_requests *requests, struct machine_request_taken *taken);
