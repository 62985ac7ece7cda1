/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A network card between a hostile guest and a hostile backend.
 *
 * Input: features (u8), then actions: what to do (u8) and its arguments. An action on a queue has
 * how many descriptors (u8) and for each where (u24), how long (u16), flags (u8); then 16 bytes for
 * the page at 0x1000, where useful descriptors point. A frame has a header (12 bytes), its length
 * (u16) and its destination (6 bytes).
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "base/byte-order.h"
#include "fake-net-backend.h"
#include "memory/guest-memory.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	DEVFN = TEST_MACHINE_DEVFN,
	PAYLOAD = 0x1000,
	PAYLOAD_SIZE = 16,
	QUEUES = 3,
	DESCRIPTOR_SIZE = 6,
	MAX_DESCRIPTORS = 8,
	FRAME_SIZE = 12 + 2 + 6,
};
enum action { OFFER, DELIVER, LINK, ROOM, RESET, PAUSE, ACTIONS };

struct player {
	struct test_machine machine;
	struct fake_net_backend fake;
	struct virtio_device *device;
	struct virtqueue_driver queues[QUEUES];
	uint8_t features;
	uint8_t frame[NET_FRAME_MAX];
};

static void start_driver(struct player *player)
{
	const uint8_t status =
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
	struct virtio_device *device = player->device;
	uint64_t accepted = device->offered_features;

	if (player->features & 1)
		accepted &= ~(1ULL << VIRTIO_RING_F_EVENT_IDX);
	if (player->features & 2)
		accepted &= ~(1ULL << VIRTIO_NET_F_MRG_RXBUF);
	if (player->features & 4)
		accepted &= ~(1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_CTRL_RX);
	virtio_device_accept_features(device, 0, (uint32_t)accepted);
	virtio_device_accept_features(device, 1, (uint32_t)(accepted >> 32));
	virtio_device_set_status(device, status);
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct virtqueue *queue = &device->queues[i];

		virtqueue_driver_init(&player->queues[i], player->machine.host.memory,
				      TEST_MACHINE_QUEUES_GPA + i * 0x4000, queue->max_size,
				      !(player->features & 1));
		queue->descriptor_gpa = player->queues[i].descriptor_gpa;
		queue->available_gpa = player->queues[i].available_gpa;
		queue->used_gpa = player->queues[i].used_gpa;
		virtio_device_enable_queue(device, i);
	}
	virtio_device_set_status(device, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* All of these return how much of the input was used, 0 when there is not enough. */

static size_t offer(struct player *player, uint8_t index, const uint8_t *data, size_t size)
{
	struct virtqueue_driver *queue = &player->queues[index % QUEUES];
	unsigned int count;
	size_t length;

	if (size < 1)
		return 0;
	count = data[0] % MAX_DESCRIPTORS + 1;
	length = 1 + count * DESCRIPTOR_SIZE + PAYLOAD_SIZE;
	if (size < length)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *descriptor = data + 1 + i * DESCRIPTOR_SIZE;
		uint16_t flags = descriptor[5] ^ (i + 1 < count ? VRING_DESC_F_NEXT : 0);

		virtqueue_driver_set_descriptor(
			queue, queue->descriptor_gpa, (uint16_t)i,
			load_le16(descriptor) | (uint64_t)descriptor[2] << 16,
			load_le16(descriptor + 3), flags, (uint16_t)(i + 1));
	}
	guest_memory_write(player->machine.host.memory, PAYLOAD, data + length - PAYLOAD_SIZE,
			   PAYLOAD_SIZE);
	virtqueue_driver_make_available(queue, 0);
	virtio_device_notified(player->device, index % QUEUES);
	return length;
}

static size_t deliver(struct player *player, const uint8_t *data, size_t size)
{
	struct virtio_net_hdr_v1 header;
	uint32_t length;

	if (size < FRAME_SIZE)
		return 0;
	memcpy(&header, data, sizeof(header));
	length = load_le16(data + 12);
	if (length < NET_FRAME_MIN)
		length = NET_FRAME_MIN;
	memcpy(player->frame, data + 14, 6);
	(void)fake_net_backend_deliver(&player->fake, player->features & 8 ? &header : NULL,
				       player->frame, length);
	return FRAME_SIZE;
}

static size_t act(struct player *player, const uint8_t *data, size_t size)
{
	size_t used = 1;
	uint8_t argument = data[0] / ACTIONS;

	switch ((enum action)(data[0] % ACTIONS)) {
	case OFFER:
		used = offer(player, argument, data + 1, size - 1);
		return used ? used + 1 : 0;
	case DELIVER:
		used = deliver(player, data + 1, size - 1);
		return used ? used + 1 : 0;
	case LINK:
		virtio_net_set_link(player->device, argument & 1);
		break;
	case ROOM:
		/* The kernel's turn, or the backend's. */
		if (player->fake.lent)
			(void)fake_net_backend_serve_ring(&player->fake, argument % NET_RINGS,
							  argument);
		else
			fake_net_backend_make_room(&player->fake, argument);
		break;
	case RESET:
		virtio_device_set_status(player->device, 0);
		virtio_device_reset_and_wait(player->device);
		if (argument & 1)
			start_driver(player);
		break;
	case PAUSE:
		if (argument & 1)
			virtio_device_pause(player->device);
		else
			virtio_device_resume(player->device);
		break;
	case ACTIONS:
		break;
	}
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct player player;
	size_t at = 1, used;
	int r;

	if (size < 1)
		return 0;
	memset(&player, 0, sizeof(player));
	player.features = data[0];
	test_machine_init(&player.machine);
	fake_net_backend_init(&player.fake, data[0] & 8, 1500);
	player.fake.backend.lends = data[0] & 16;
	r = virtio_net_create(&player.machine.host, DEVFN, &player.fake.backend,
			      (const uint8_t *)"\x52\x54\x00\x01\x02\x03", &player.device);
	assert(r == 0);
	start_driver(&player);
	while (at < size && (used = act(&player, data + at, size - at)) > 0)
		at += used;
	virtio_device_destroy(player.device);
	test_machine_finish(&player.machine);
	return 0;
}
