/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-requests.h"

#include <stdio.h>
#include <string.h>

#include "loop/event-loop.h"

void machine_requests_init(struct machine_requests *requests, struct event_loop *loop)
{
	*requests = (struct machine_requests){.loop = loop, .lock = PTHREAD_MUTEX_INITIALIZER};
}

void machine_requests_note(struct machine_requests *requests, enum machine_request request,
			   int value, const char *text)
{
	pthread_mutex_lock(&requests->lock);
	if (!(requests->pending & 1U << request)) {
		requests->pending |= 1U << request;
		requests->value[request] = value;
		if (text && requests->text[0] == '\0')
			snprintf(requests->text, sizeof(requests->text), "%s", text);
	}
	pthread_mutex_unlock(&requests->lock);
	event_loop_wake(requests->loop);
}

bool machine_requests_pending(struct machine_requests *requests)
{
	bool pending;

	pthread_mutex_lock(&requests->lock);
	pending = requests->pending != 0;
	pthread_mutex_unlock(&requests->lock);
	return pending;
}

/* With the lock held. */
static void forget(struct machine_requests *requests)
{
	requests->pending = 0;
	requests->text[0] = '\0';
}

void machine_requests_clear(struct machine_requests *requests)
{
	pthread_mutex_lock(&requests->lock);
	forget(requests);
	pthread_mutex_unlock(&requests->lock);
}

int machine_requests_take(struct machine_requests *requests, struct machine_request_taken *taken)
{
	int found = 0;

	pthread_mutex_lock(&requests->lock);
	for (unsigned int i = 0; i < REQUEST_COUNT && !found; i++) {
		if (!(requests->pending & 1U << i))
			continue;
		taken->request = (enum machine_request)i;
		taken->value = requests->value[i];
		memcpy(taken->text, requests->text, sizeof(taken->text));
		found = 1;
	}
	forget(requests);
	pthread_mutex_unlock(&requests->lock);
	return found;
}
