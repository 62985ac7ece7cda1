/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event and status queues of a tablet whose driver offers nonsense while its user points.
 * Input: steps of eight bytes: what to do (0, 1: offer a buffer to queue 0 or 1, 2: notify, 3:
 * input, 4: write configuration, 5: reset), then where (u24), how long (u16), flags (u8), value.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_config.h>
#include <linux/virtio_input.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "base/byte-order.h"
#include "protocol/input-protocol.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEVFN = TEST_MACHINE_DEVFN, STEP_SIZE = 8, QUEUES = 2, QUEUE_BYTES = 0x4000 };

struct player {
	struct test_machine machine;
	struct virtio_device *device;
	struct virtqueue_driver queues[QUEUES];
};

static void start(struct player *player)
{
	const uint8_t status =
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
	struct virtio_device *device = player->device;

	virtio_device_accept_features(device, 0, 1u << VIRTIO_RING_F_INDIRECT_DESC);
	virtio_device_accept_features(device, 1, 1);
	virtio_device_set_status(device, status);
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct virtqueue *queue = &device->queues[i];

		virtqueue_driver_init(&player->queues[i], player->machine.host.memory,
				      TEST_MACHINE_QUEUES_GPA + i * QUEUE_BYTES, queue->max_size,
				      /* event_idx= */ false);
		queue->descriptor_gpa = player->queues[i].descriptor_gpa;
		queue->available_gpa = player->queues[i].available_gpa;
		queue->used_gpa = player->queues[i].used_gpa;
		virtio_device_enable_queue(device, i);
	}
	virtio_device_set_status(device, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void offer(struct player *player, unsigned int queue, const uint8_t *step)
{
	struct virtqueue_driver *driver = &player->queues[queue];
	uint16_t head = step[7] % driver->size;

	virtqueue_driver_set_descriptor(driver, driver->descriptor_gpa, head,
					load_le32(step + 1) & 0xffffff, load_le16(step + 4),
					step[6], (uint16_t)(head + 1));
	virtqueue_driver_make_available(driver, head);
}

static void input(struct player *player, const uint8_t *step)
{
	const struct input_event event = {
		.type = step[1],
		.code = load_le16(step + 2),
		.x = (int16_t)load_le16(step + 4),
		.y = (int16_t)load_le16(step + 6),
	};

	if (input_event_validate(&event) == 0 && virtio_input_input_ops.ready(player->device))
		virtio_input_input_ops.handle(player->device, &event);
}

static void play_step(struct player *player, const uint8_t *step)
{
	switch (step[0] % 6) {
	case 0:
	case 1:
		offer(player, step[0] % 6, step);
		break;
	case 2:
		virtio_device_notified(player->device, step[1] % QUEUES);
		break;
	case 3:
		input(player, step);
		break;
	case 4:
		player->device->ops->write_config(player->device, step[1], 1 + step[2] % 8,
						  load_le32(step + 3));
		break;
	case 5:
		virtio_device_reset_and_wait(player->device);
		start(player);
		break;
	}
	assert(((const struct virtio_input_config *)player->device->config)->size <= 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct player player;
	int r;

	memset(&player, 0, sizeof(player));
	test_machine_init(&player.machine);
	r = virtio_tablet_create(&player.machine.host, DEVFN, &player.device);
	assert(r == 0);
	start(&player);
	for (size_t at = 0; at + STEP_SIZE <= size; at += STEP_SIZE)
		play_step(&player, data + at);
	virtio_device_destroy(player.device);
	test_machine_finish(&player.machine);
	return 0;
}
