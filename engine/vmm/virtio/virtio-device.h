/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all virtio devices have in common (virtio 1.2, chapter 2): status, features, queues,
 * configuration and the life cycle. Embedded in each device; a transport (virtio-pci.h) carries
 * the driver's accesses to it and its interrupts to the guest.
 *
 * Device lock held. Requests are only taken and completed on the main thread, so a device's
 * process() and what it calls never run elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio/virtio-devices.h"
#include "virtio/virtqueue.h"

struct virtio_transport;

/* As many as a console of VIRTIO_CONSOLE_MAX_PORTS has, which has the most. */
enum { VIRTIO_DEVICE_MAX_QUEUES = 18 };

struct virtio_device_ops {
	/*
	 * Takes what is in the queue. True: stopped early, so that others get their turn; call
	 * again soon. Main thread.
	 */
	bool (*process)(struct virtio_device *device, unsigned int queue);
	/*
	 * The driver writes size bytes into the device's part of configuration, where they may lie
	 * anywhere. NULL where all of that is read-only. Any thread.
	 */
	void (*write_config)(struct virtio_device *device, uint64_t offset, unsigned int size,
			     uint64_t value);
	/*
	 * The driver resets the device: give up what is held back. Any thread. True when nothing is
	 * under way; otherwise virtio_device_idle() is called once that is so, until when the
	 * queues take nothing and the device still reads as not reset.
	 */
	bool (*stop)(struct virtio_device *device);
	/*
	 * The device has been paused: whoever takes requests besides process() stops before this
	 * returns. NULL where nobody does. Main thread.
	 */
	void (*pause)(struct virtio_device *device);
	/* Interrupts of queues may go elsewhere now. NULL where none is lent. Any thread. */
	void (*vectors_changed)(struct virtio_device *device);
	/* Waits for what is under way. NULL where stop() never answers false. Main thread. */
	void (*drain)(struct virtio_device *device);
	void (*destroy)(struct virtio_device *device);
	/*
	 * What virtio_device_save() does not know of; NULL where there is nothing. load() can use
	 * the queues already; problems are told the reader.
	 */
	void (*save)(const struct virtio_device *device, struct state_writer *writer);
	void (*load)(struct virtio_device *device, struct state_reader *reader);
	/* Requests taken from the queue that the device keeps while nothing is under way. NULL:
	 * none. */
	unsigned int (*held)(const struct virtio_device *device, unsigned int queue);
};

/* How a device reaches the guest. */
struct virtio_transport_ops {
	void (*interrupt_queue)(struct virtio_transport *transport, unsigned int queue);
	void (*interrupt_config)(struct virtio_transport *transport);
	/* The driver is about to use a queue for the first time, or again. 0 or negative errno. */
	int (*enable_queue)(struct virtio_transport *transport, unsigned int queue);
	/*
	 * Has process() called for the queue as if the driver had notified, if it was ever
	 * enabled. Any thread.
	 */
	void (*schedule)(struct virtio_transport *transport, unsigned int queue);
	/*
	 * Leaves an enabled queue to the kernel, which waits for the driver's notifications at one
	 * eventfd and interrupts it with the other (-1: only interrupt_queue() can). process() is
	 * not called for the queue until it is taken back, and is then. Main thread.
	 */
	void (*lend_queue)(struct virtio_transport *transport, unsigned int queue, int *ret_kick_fd,
			   int *ret_call_fd);
	void (*take_back_queue)(struct virtio_transport *transport, unsigned int queue);
	/* The device has been reset: the transport's own registers too. */
	void (*reset)(struct virtio_transport *transport);
	void (*save)(struct virtio_transport *transport, struct state_writer *writer);
	/* After the queues. Problems are told the reader. */
	void (*load)(struct virtio_transport *transport, struct state_reader *reader);
	void (*destroy)(struct virtio_transport *transport);
};

struct virtio_transport {
	const struct virtio_transport_ops *ops;
};

struct virtio_device {
	const struct virtio_device_ops *ops;
	struct virtio_transport *transport; /* owned */
	uint16_t type;                      /* VIRTIO_ID_... */
	uint64_t offered_features, accepted_features;
	uint8_t status;
	uint8_t config_generation;
	bool resetting; /* until what is under way has come back */
	bool paused;
	const void *config; /* the device's part of configuration, as the driver reads it */
	size_t config_size;
	unsigned int queue_count;
	struct virtqueue queues[VIRTIO_DEVICE_MAX_QUEUES];
};

/* features: the device's own; those of rings and transports are added. */
void virtio_device_init(struct virtio_device *device, const struct virtio_device_ops *ops,
			uint16_t type, uint64_t features);
/* Before the transport is made. Sizes as for virtqueue_init(). */
void virtio_device_add_queue(struct virtio_device *device, struct guest_memory *memory,
			     uint16_t max_size);

static inline bool virtio_device_has_feature(const struct virtio_device *device, unsigned int bit)
{
	return device->accepted_features >> bit & 1;
}

/* Whether the queues may be used: driver ready, not broken, not being reset. */
bool virtio_device_running(const struct virtio_device *device);

/* For transports: what the driver does. */
void virtio_device_accept_features(struct virtio_device *device, unsigned int word,
				   uint32_t features);
void virtio_device_set_status(struct virtio_device *device, uint8_t status);
void virtio_device_enable_queue(struct virtio_device *device, unsigned int queue);
/* Where interrupts go may have changed. */
void virtio_device_vectors_changed(struct virtio_device *device);
void virtio_device_notified(struct virtio_device *device, unsigned int queue);
/* As by the driver, but done when this returns. Main thread, vCPUs stopped. */
void virtio_device_reset_and_wait(struct virtio_device *device);

/* For devices. */
/* The guest broke the rules: it has to reset the device (section 2.1.2). reason: a constant. */
void virtio_device_set_broken(struct virtio_device *device, const char *reason);
/* Shows the guest the requests pushed to a queue, with one interrupt if it wants one. */
void virtio_device_publish(struct virtio_device *device, unsigned int queue);
/* Tells a driver that is up that the device's part of configuration has changed. */
void virtio_device_config_changed(struct virtio_device *device);
/* Nothing is under way any more: see stop(). Harmless at other times. */
void virtio_device_idle(struct virtio_device *device);
