/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See virtio-player.h.
 */
#include "virtio-player.h"

/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "base/byte-order.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "virtio/virtio-device.h"

enum { DESCRIPTOR_SIZE = 8, MAX_DESCRIPTORS = 16, TABLE = 0x8000 };

const uint8_t *virtio_player_take(struct virtio_player *player, size_t bytes)
{
	const uint8_t *taken = player->data;

	if (player->size < bytes)
		return NULL;
	player->data += bytes;
	player->size -= bytes;
	return taken;
}

static unsigned int queue_count(const struct virtio_player *player)
{
	unsigned int count = player->device->queue_count;

	return count < TEST_MACHINE_MAX_QUEUES ? count : TEST_MACHINE_MAX_QUEUES;
}

static void start_queue(struct virtio_player *player, unsigned int index)
{
	struct virtqueue *queue = &player->device->queues[index];
	struct virtqueue_driver *driver = &player->queues[index];

	virtqueue_driver_init(driver, player->machine.host.memory,
			      TEST_MACHINE_QUEUES_GPA + 0x4000 * (uint64_t)index, queue->max_size,
			      virtio_device_has_feature(player->device, VIRTIO_RING_F_EVENT_IDX));
	queue->descriptor_gpa = driver->descriptor_gpa;
	queue->available_gpa = driver->available_gpa;
	queue->used_gpa = driver->used_gpa;
	virtio_device_enable_queue(player->device, index);
}

void virtio_player_start(struct virtio_player *player, uint64_t features)
{
	const uint8_t status =
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
	struct virtio_device *device = player->device;

	virtio_device_reset_and_wait(device);
	features &= device->offered_features;
	features |= 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	virtio_device_accept_features(device, 0, (uint32_t)features);
	virtio_device_accept_features(device, 1, (uint32_t)(features >> 32));
	virtio_device_set_status(device, status);
	for (unsigned int i = 0; i < queue_count(player); i++)
		start_queue(player, i);
	virtio_device_set_status(device, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

bool virtio_player_offer(struct virtio_player *player, unsigned int queue)
{
	const uint8_t *head = virtio_player_take(player, 2), *descriptors, *payload;
	struct virtqueue_driver *driver = &player->queues[queue % queue_count(player)];
	unsigned int count = head ? head[0] % MAX_DESCRIPTORS + 1u : 0;
	uint64_t table;

	descriptors = head ? virtio_player_take(player, count * DESCRIPTOR_SIZE) : NULL;
	payload = descriptors ? virtio_player_take(player, VIRTIO_PLAYER_PAYLOAD_SIZE) : NULL;
	if (!payload)
		return false;
	table = head[1] & 1 ? TABLE : driver->descriptor_gpa;
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *descriptor = descriptors + i * DESCRIPTOR_SIZE;
		uint16_t flags = descriptor[7] ^ (i + 1 < count ? VRING_DESC_F_NEXT : 0);

		virtqueue_driver_set_descriptor(
			driver, table, (uint16_t)i, load_le32(descriptor) & 0xffffff,
			load_le32(descriptor + 3), flags, (uint16_t)(i + 1));
	}
	if (head[1] & 1)
		virtqueue_driver_set_descriptor(driver, driver->descriptor_gpa, 0, TABLE,
						count * 16, VRING_DESC_F_INDIRECT, 0);
	guest_memory_write(player->machine.host.memory, VIRTIO_PLAYER_PAYLOAD, payload,
			   VIRTIO_PLAYER_PAYLOAD_SIZE);
	virtqueue_driver_make_available(driver, 0);
	virtio_device_notified(player->device, queue % queue_count(player));
	return true;
}

bool virtio_player_write_config(struct virtio_player *player)
{
	const uint8_t *write = virtio_player_take(player, 6);

	if (!write)
		return false;
	if (player->device->ops->write_config)
		player->device->ops->write_config(player->device, write[0], 1u << (write[1] & 3),
						  load_le32(write + 2));
	return true;
}

struct play {
	struct event_loop *loop;
	struct event_timer *timer;
	bool (*step)(void *data);
	void *data;
};

static void on_turn(void *data)
{
	struct play *play = data;

	if (play->step(play->data))
		event_timer_set(play->timer, 1);
	else
		event_loop_stop(play->loop, 0);
}

void virtio_player_run(struct virtio_player *player, bool (*step)(void *data), void *data)
{
	struct play play = {.loop = player->machine.host.loop, .step = step, .data = data};
	int r = event_loop_add_timer(play.loop, on_turn, &play, &play.timer);

	assert(r == 0);
	event_timer_set(play.timer, 1);
	event_loop_run(play.loop);
	event_timer_remove(play.timer);
}
