/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The request path of the block device, from the queue to a disk in memory that holds it to its
 * word (fake-block-backend.c asserts offsets and lengths).
 *
 * Input: features (u8), then requests: how many descriptors (u8), how to offer them (u8), and for
 * each where (u24), how long (u32), flags (u8); then a header (16 bytes) and a segment (16 bytes)
 * for the pages at 0x1000 and 0x2000, where useful descriptors point.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "base/byte-order.h"
#include "fake-block-backend.h"
#include "memory/guest-memory.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DISK_SIZE = 64 << 10, DEVFN = TEST_MACHINE_DEVFN, HEADER = 0x1000, SEGMENT = 0x2000 };
enum { TABLE = 0x8000, DESCRIPTOR_SIZE = 8, MAX_DESCRIPTORS = 16, PAYLOAD_SIZE = 32 };

struct player {
	struct test_machine machine;
	struct block_backend *backend;
	struct virtio_device *device;
	struct virtqueue_driver queue;
	char disk[DISK_SIZE];
};

static void set_up_queue(struct player *player, uint8_t features)
{
	struct virtio_device *device = player->device;
	struct virtqueue *queue = &device->queues[0];

	virtqueue_driver_init(&player->queue, player->machine.host.memory, TEST_MACHINE_QUEUES_GPA,
			      queue->max_size, features & 1);
	virtio_device_accept_features(device, 0,
				      (features & 1u) << VIRTIO_RING_F_EVENT_IDX |
					      1u << VIRTIO_RING_F_INDIRECT_DESC |
					      (features >> 1 & 1u) << VIRTIO_BLK_F_FLUSH);
	virtio_device_accept_features(device, 1, 1);
	virtio_device_set_status(device, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
						 VIRTIO_CONFIG_S_FEATURES_OK);
	queue->descriptor_gpa = player->queue.descriptor_gpa;
	queue->available_gpa = player->queue.available_gpa;
	queue->used_gpa = player->queue.used_gpa;
	virtio_device_enable_queue(device, 0);
	virtio_device_set_status(device, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
						 VIRTIO_CONFIG_S_FEATURES_OK |
						 VIRTIO_CONFIG_S_DRIVER_OK);
}

/* Returns how much of the input was used, 0 when there is not enough. */
static size_t offer(struct player *player, const uint8_t *data, size_t size)
{
	struct guest_memory *memory = player->machine.host.memory;
	unsigned int count;
	uint64_t table;
	size_t length;

	if (size < 2)
		return 0;
	count = data[0] % MAX_DESCRIPTORS + 1;
	length = 2 + count * DESCRIPTOR_SIZE + PAYLOAD_SIZE;
	if (size < length)
		return 0;
	table = data[1] & 1 ? TABLE : player->queue.descriptor_gpa;
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *descriptor = data + 2 + i * DESCRIPTOR_SIZE;
		uint16_t flags = descriptor[7] ^ (i + 1 < count ? VRING_DESC_F_NEXT : 0);

		virtqueue_driver_set_descriptor(
			&player->queue, table, (uint16_t)i, load_le32(descriptor) & 0xffffff,
			load_le32(descriptor + 3), flags, (uint16_t)(i + 1));
	}
	if (data[1] & 1)
		virtqueue_driver_set_descriptor(&player->queue, player->queue.descriptor_gpa, 0,
						TABLE, count * 16, VRING_DESC_F_INDIRECT, 0);
	guest_memory_write(memory, HEADER, data + length - PAYLOAD_SIZE, 16);
	guest_memory_write(memory, SEGMENT, data + length - 16, 16);
	virtqueue_driver_make_available(&player->queue, 0);
	return length;
}

static void play(struct player *player, const uint8_t *data, size_t size)
{
	uint8_t features = size ? data[0] : 0;
	size_t used;

	set_up_queue(player, features);
	fake_block_backend_set_automatic(player->backend, features & 4);
	for (size_t at = size ? 1 : 0; (used = offer(player, data + at, size - at)) > 0; at += used)
		virtio_device_notified(player->device, 0);
	if (features & 8)
		virtio_device_set_status(player->device, 0);
	(void)fake_block_backend_complete(player->backend, 2);
	virtio_device_reset_and_wait(player->device);
	assert(fake_block_backend_in_flight(player->backend) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct player player;
	int r;

	memset(&player, 0, sizeof(player));
	test_machine_init(&player.machine);
	fake_block_backend_create(player.disk, DISK_SIZE, size && data[0] & 16, &player.backend);
	r = virtio_block_create(&player.machine.host, DEVFN, player.backend, "fuzz",
				&player.device);
	assert(r == 0);
	play(&player, data, size);
	virtio_device_destroy(player.device);
	block_backend_destroy(player.backend);
	test_machine_finish(&player.machine);
	return 0;
}
