/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queues lent to the kernel: see net-queue-lending.h.
 */
#include "virtio/net-queue-lending.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "net/net-backend.h"
#include "virtio/virtio-device.h"

/* For queues whose interrupt is no message: it may be one for both. */
static void on_call(void *data, uint32_t events)
{
	struct net_queue_lending *lending = data;
	struct virtio_device *device = lending->device;

	(void)fd_event_drain(lending->call_fd);
	if (!virtio_device_running(device))
		return;
	for (unsigned int i = 0; i < NET_RINGS; i++)
		device->transport->ops->interrupt_queue(device->transport, i);
}

static void on_error(void *data, uint32_t events)
{
	struct net_queue_lending *lending = data;

	(void)fd_event_drain(lending->error_fd);
	if (!lending->lent)
		return;
	virtio_device_set_broken(lending->device, "the kernel finds fault with a queue");
	lending->wake(lending->device);
}

static void on_wake(void *data, uint32_t events)
{
	struct net_queue_lending *lending = data;

	(void)fd_event_drain(lending->wake_fd);
	lending->wake(lending->device);
}

static int listen_to(struct net_queue_lending *lending, struct event_loop *loop,
		     event_source_callback callback, int *ret_fd, struct event_source **ret_source)
{
	*ret_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*ret_fd < 0)
		return -errno;
	return event_loop_add(loop, *ret_fd, EPOLLIN, callback, lending, ret_source);
}

int net_queue_lending_init(struct net_queue_lending *lending, struct virtio_device *device,
			   struct net_backend *backend, struct event_loop *loop,
			   void (*wake)(void *device))
{
	int r;

	memset(lending, 0, sizeof(*lending));
	lending->device = device;
	lending->backend = backend;
	lending->wake = wake;
	lending->call_fd = lending->error_fd = lending->wake_fd = -1;
	if (!backend->lends)
		return 0;
	r = listen_to(lending, loop, on_call, &lending->call_fd, &lending->call_source);
	if (r == 0)
		r = listen_to(lending, loop, on_error, &lending->error_fd, &lending->error_source);
	return r == 0 ? listen_to(lending, loop, on_wake, &lending->wake_fd, &lending->wake_source)
		      : r;
}

void net_queue_lending_finish(struct net_queue_lending *lending)
{
	event_source_remove(lending->call_source);
	event_source_remove(lending->error_source);
	event_source_remove(lending->wake_source);
	fd_close(&lending->call_fd);
	fd_close(&lending->error_fd);
	fd_close(&lending->wake_fd);
}

void net_queue_lending_wake(struct net_queue_lending *lending)
{
	if (lending->lent)
		fd_event_signal(lending->wake_fd);
}

/* The driver has enabled the queue, so all of it is in memory. */
static void lend_queue(struct net_queue_lending *lending, unsigned int index, struct net_ring *ring)
{
	struct virtio_device *device = lending->device;
	struct virtqueue *queue = &device->queues[index];

	ring->size = queue->size;
	ring->next_available = queue->next_available;
	ring->descriptors = guest_memory_at(queue->memory, queue->descriptor_gpa,
					    queue->size * sizeof(struct vring_desc));
	ring->available = queue->available;
	ring->used = queue->used;
	device->transport->ops->lend_queue(device->transport, index, &ring->kick_fd,
					   &ring->call_fd);
	if (ring->call_fd < 0)
		ring->call_fd = lending->call_fd;
}

static void take_back_queues(struct net_queue_lending *lending)
{
	struct virtio_transport *transport = lending->device->transport;

	for (unsigned int i = 0; i < NET_RINGS; i++)
		transport->ops->take_back_queue(transport, i);
}

static void lend(struct net_queue_lending *lending)
{
	struct net_ring rings[NET_RINGS];

	for (unsigned int i = 0; i < NET_RINGS; i++)
		lend_queue(lending, i, &rings[i]);
	lending->lent = lending->backend->ops->start_rings(lending->backend, rings,
							   lending->device->accepted_features,
							   lending->error_fd) == 0;
	lending->stale = false;
	lending->refused = !lending->lent;
	if (!lending->lent)
		take_back_queues(lending);
}

static void take_back(struct net_queue_lending *lending)
{
	uint16_t next_available[NET_RINGS];

	lending->lent = false;
	lending->backend->ops->stop_rings(lending->backend, next_available);
	for (unsigned int i = 0; i < NET_RINGS; i++)
		virtqueue_take_back(&lending->device->queues[i], next_available[i]);
	take_back_queues(lending);
}

void net_queue_lending_set(struct net_queue_lending *lending, bool wanted)
{
	if (lending->lent && (!wanted || lending->stale))
		take_back(lending);
	if (wanted && !lending->lent && !lending->refused && lending->backend->lends)
		lend(lending);
}
