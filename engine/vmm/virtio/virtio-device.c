/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The common part of virtio devices: see virtio-device.h. Section numbers are of virtio 1.2.
 */
#include "virtio/virtio-device.h"

#include <assert.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "base/log.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

static const uint64_t common_features = 1ULL << VIRTIO_F_VERSION_1 |
					1ULL << VIRTIO_RING_F_INDIRECT_DESC |
					1ULL << VIRTIO_RING_F_EVENT_IDX;

void virtio_device_init(struct virtio_device *device, const struct virtio_device_ops *ops,
			uint16_t type, uint64_t features)
{
	memset(device, 0, sizeof(*device));
	device->ops = ops;
	device->type = type;
	device->offered_features = features | common_features;
}

void virtio_device_add_queue(struct virtio_device *device, struct guest_memory *memory,
			     uint16_t max_size)
{
	assert(device->queue_count < VIRTIO_DEVICE_MAX_QUEUES);
	virtqueue_init(&device->queues[device->queue_count++], memory, max_size);
}

bool virtio_device_running(const struct virtio_device *device)
{
	const uint8_t mask = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK |
			     VIRTIO_CONFIG_S_NEEDS_RESET;

	return !device->resetting &&
	       (device->status & mask) == (VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_device_accept_features(struct virtio_device *device, unsigned int word,
				   uint32_t features)
{
	unsigned int shift = 32 * word;

	if (word > 1 || device->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	device->accepted_features &= ~(0xffffffffULL << shift);
	device->accepted_features |= (uint64_t)features << shift;
}

static bool features_acceptable(const struct virtio_device *device)
{
	return (device->accepted_features & ~device->offered_features) == 0 &&
	       virtio_device_has_feature(device, VIRTIO_F_VERSION_1);
}

static void finish_reset(struct virtio_device *device)
{
	device->resetting = false;
	device->status = 0;
	device->accepted_features = 0;
	device->transport->ops->reset(device->transport);
}

/*
 * The driver waits until the status reads as zero (section 4.1.4.3.2), so there is no need to wait
 * for input and output here; and there must be no zero before the last of it is done, because the
 * guest may use its buffers for something else then.
 */
static void start_reset(struct virtio_device *device)
{
	if (device->resetting)
		return;
	device->resetting = true;
	for (unsigned int i = 0; i < device->queue_count; i++)
		virtqueue_reset(&device->queues[i]);
	if (device->ops->stop(device))
		virtio_device_idle(device);
}

void virtio_device_idle(struct virtio_device *device)
{
	if (device->resetting)
		finish_reset(device);
}

void virtio_device_reset_and_wait(struct virtio_device *device)
{
	start_reset(device);
	if (device->resetting)
		device->ops->drain(device);
	assert(!device->resetting);
}

void virtio_device_destroy(struct virtio_device *device)
{
	if (!device)
		return;
	/* What is under way would come back to a device that is gone. */
	virtio_device_reset_and_wait(device);
	device->transport->ops->destroy(device->transport);
	device->ops->destroy(device);
}

/*
 * The rules forbid a driver to notify before this (section 3.1.1), so what it said then was not
 * heard; but Linux' balloon does, once and for all.
 */
static void start_queues(struct virtio_device *device)
{
	for (unsigned int i = 0; i < device->queue_count; i++) {
		if (device->queues[i].ready)
			device->transport->ops->schedule(device->transport, i);
	}
}

/* Section 2.1: bits are only added, other than by a reset; NEEDS_RESET is the device's. */
void virtio_device_set_status(struct virtio_device *device, uint8_t status)
{
	uint8_t added = status & (uint8_t)~device->status & (uint8_t)~VIRTIO_CONFIG_S_NEEDS_RESET;

	if (status == 0) {
		start_reset(device);
		return;
	}
	if (device->resetting)
		return;
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && !features_acceptable(device))
		added &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	device->status |= added;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		start_queues(device);
}

void virtio_device_enable_queue(struct virtio_device *device, unsigned int queue)
{
	struct virtqueue *virtqueue = &device->queues[queue];

	if (device->resetting || virtqueue->ready)
		return;
	if (virtqueue_enable(virtqueue,
			     virtio_device_has_feature(device, VIRTIO_RING_F_INDIRECT_DESC),
			     virtio_device_has_feature(device, VIRTIO_RING_F_EVENT_IDX)) < 0)
		virtio_device_set_broken(device, virtqueue->fault);
	else if (device->transport->ops->enable_queue(device->transport, queue) < 0)
		virtio_device_set_broken(device, "the host cannot make another notification");
}

void virtio_device_notified(struct virtio_device *device, unsigned int queue)
{
	if (device->paused || !virtio_device_running(device))
		return;
	if (device->ops->process(device, queue))
		device->transport->ops->schedule(device->transport, queue);
}

void virtio_device_vectors_changed(struct virtio_device *device)
{
	if (device->ops->vectors_changed)
		device->ops->vectors_changed(device);
}

void virtio_device_pause(struct virtio_device *device)
{
	device->paused = true;
	if (device->ops->pause)
		device->ops->pause(device);
}

void virtio_device_resume(struct virtio_device *device)
{
	device->paused = false;
	/* Notifications that came meanwhile were ignored. */
	for (unsigned int i = 0; i < device->queue_count; i++)
		device->transport->ops->schedule(device->transport, i);
}

void virtio_device_config_changed(struct virtio_device *device)
{
	device->config_generation++;
	if (device->status & VIRTIO_CONFIG_S_DRIVER_OK)
		device->transport->ops->interrupt_config(device->transport);
}

void virtio_device_set_broken(struct virtio_device *device, const char *reason)
{
	if (device->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	log_guest_error("virtio device %u: %s", device->type, reason);
	device->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	/* Section 2.1.2: tell a driver that is up. */
	virtio_device_config_changed(device);
}

void virtio_device_publish(struct virtio_device *device, unsigned int queue)
{
	if (virtio_device_running(device) && virtqueue_publish(&device->queues[queue]))
		device->transport->ops->interrupt_queue(device->transport, queue);
}

static unsigned int held(const struct virtio_device *device, unsigned int queue)
{
	return device->ops->held ? device->ops->held(device, queue) : 0;
}

bool virtio_device_is_still(const struct virtio_device *device)
{
	for (unsigned int i = 0; i < device->queue_count; i++) {
		if (virtqueue_outstanding(&device->queues[i]) != held(device, i))
			return false;
	}
	return !device->resetting;
}

void virtio_device_save(const struct virtio_device *device, struct state_writer *writer)
{
	assert(!device->resetting);
	state_writer_put16(writer, device->type);
	state_writer_put64(writer, device->accepted_features);
	state_writer_put8(writer, device->status);
	state_writer_put8(writer, device->config_generation);
	for (unsigned int i = 0; i < device->queue_count; i++)
		virtqueue_save(&device->queues[i], writer);
	device->transport->ops->save(device->transport, writer);
	if (device->ops->save)
		device->ops->save(device, writer);
}

/* What was negotiated must be what this device, on this computer, can still do. */
static void load_negotiated(struct virtio_device *device, struct state_reader *reader)
{
	state_reader_check(reader, state_reader_get16(reader) == device->type,
			   "another virtio device is in this place");
	device->accepted_features = state_reader_get64(reader);
	device->status = state_reader_get8(reader);
	device->config_generation = state_reader_get8(reader);
	state_reader_check(reader,
			   !(device->status & VIRTIO_CONFIG_S_FEATURES_OK) ||
				   features_acceptable(device),
			   "a virtio device cannot do here what its driver was promised");
}

int virtio_device_load(struct virtio_device *device, struct state_reader *reader)
{
	device->paused = true;
	load_negotiated(device, reader);
	for (unsigned int i = 0; i < device->queue_count; i++)
		virtqueue_load(&device->queues[i], reader,
			       virtio_device_has_feature(device, VIRTIO_RING_F_INDIRECT_DESC),
			       virtio_device_has_feature(device, VIRTIO_RING_F_EVENT_IDX));
	device->transport->ops->load(device->transport, reader);
	if (state_reader_result(reader) == 0 && device->ops->load)
		device->ops->load(device, reader);
	for (unsigned int i = 0; i < device->queue_count; i++)
		state_reader_check(reader,
				   virtqueue_outstanding(&device->queues[i]) == held(device, i),
				   "a virtio device was saved in the middle of its work");
	/* What comes of it while it is taken apart must not reach the guest's memory. */
	if (state_reader_result(reader) < 0)
		device->status = 0;
	return state_reader_result(reader);
}
