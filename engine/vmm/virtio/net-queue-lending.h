/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pair of queues of a network card, lent to its backend's kernel side while it may have them
 * (net_backend_ops.start_rings). Device lock held, main thread where nothing else is said.
 */
#pragma once

#include <stdbool.h>

struct event_loop;
struct event_source;
struct net_backend;
struct virtio_device;

struct net_queue_lending {
	struct virtio_device *device; /* its queues 0 and 1 */
	struct net_backend *backend;
	bool lent;
	bool refused;         /* until the device is reset */
	bool stale;           /* interrupts go elsewhere than when they were lent */
	void (*wake)(void *); /* see net_queue_lending_wake() */
	/* What the kernel and other threads signal, and who listens. -1 and NULL: never lent. */
	int call_fd, error_fd, wake_fd;
	struct event_source *call_source, *error_source, *wake_source;
};

/* wake: called with device. 0 or negative errno; net_queue_lending_finish() is accepted then. */
int net_queue_lending_init(struct net_queue_lending *lending, struct virtio_device *device,
			   struct net_backend *backend, struct event_loop *loop,
			   void (*wake)(void *device));
/* Not lent. */
void net_queue_lending_finish(struct net_queue_lending *lending);

/* Lends the queues if wanted and takes them back if not, where that is not so already. */
void net_queue_lending_set(struct net_queue_lending *lending, bool wanted);
/* Has wake() called on the main thread soon if the queues are lent. Any thread. */
void net_queue_lending_wake(struct net_queue_lending *lending);
