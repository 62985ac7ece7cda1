/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entropy device (virtio 1.2, section 5.4): fills what the guest offers from getrandom().
 *
 * System calls after creation: getrandom, write (interrupt).
 */
#include "virtio/virtio-devices.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#include "virtio/virtio-device.h"
#include "virtio/virtio-pci.h"

enum {
	QUEUE_SIZE = 8,
	/* A guest may offer gigabytes; it gets this much of one request and sees how much. */
	REQUEST_LIMIT = 4096,
	REQUESTS_PER_TURN = 64,
	CLASS_OTHER = 0xff0000, /* no class fits */
};

struct virtio_rng {
	struct virtio_device device;
};

/* Bytes written to one buffer, less than asked when the kernel has no more now. */
static size_t fill(void *buffer, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = getrandom((char *)buffer + done, length - done, GRND_NONBLOCK);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return done;
}

static uint32_t serve(const struct iovec *iov, unsigned int count)
{
	size_t left = REQUEST_LIMIT;

	for (unsigned int i = 0; i < count && left > 0; i++) {
		size_t wanted = iov[i].iov_len < left ? iov[i].iov_len : left;
		size_t got = fill(iov[i].iov_base, wanted);

		left -= got;
		if (got < wanted)
			break;
	}
	return (uint32_t)(REQUEST_LIMIT - left);
}

static bool virtio_rng_process(struct virtio_device *device, unsigned int index)
{
	struct virtqueue *queue = &device->queues[index];
	struct iovec iov[QUEUE_SIZE];
	struct virtqueue_chain chain;
	unsigned int served = 0;
	int r = 0;

	virtqueue_disable_notification(queue);
	do {
		while (served < REQUESTS_PER_TURN && (r = virtqueue_pop(queue, iov, &chain)) > 0) {
			virtqueue_push(queue, chain.head,
				       serve(iov + chain.readable_count, chain.writable_count));
			served++;
		}
	} while (virtqueue_enable_notification(queue) && served < REQUESTS_PER_TURN);
	virtio_device_publish(device, index);
	if (r < 0)
		virtio_device_set_broken(device, queue->fault);
	return served >= REQUESTS_PER_TURN;
}

/* Requests never outlive process(). */
static bool virtio_rng_stop(struct virtio_device *device)
{
	return true;
}

static void virtio_rng_destroy(struct virtio_device *device)
{
	free((struct virtio_rng *)device);
}

static const struct virtio_device_ops virtio_rng_ops = {
	.process = virtio_rng_process,
	.stop = virtio_rng_stop,
	.destroy = virtio_rng_destroy,
};

int virtio_rng_create(const struct virtio_host *host, uint8_t devfn,
		      struct virtio_device **ret_device)
{
	struct virtio_rng *rng = calloc(1, sizeof(*rng));
	int r;

	if (!rng)
		return -ENOMEM;
	virtio_device_init(&rng->device, &virtio_rng_ops, VIRTIO_ID_RNG, 0);
	virtio_device_add_queue(&rng->device, host->memory, QUEUE_SIZE);
	r = virtio_pci_create(host, devfn, CLASS_OTHER, &rng->device);
	if (r < 0) {
		free(rng);
		return r;
	}
	*ret_device = &rng->device;
	return 0;
}
