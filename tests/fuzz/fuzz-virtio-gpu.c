/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A driver of virtio-gpu that sends nonsense. Input: commands, each the queue (u8), the length
 * (u8, of 8 bytes) and the bytes; a length of 0 resets the device.
 *
 * The guest's memory is 4 MiB, the pixel file 1 MiB, so that small numbers lead to its edges.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "display/screen.h"
#include "memory/guest-memory.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-gpu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	DEVFN = TEST_MACHINE_DEVFN,
	QUEUES = 2,
	QUEUE_BYTES = 0x4000,
	COMMAND = TEST_MACHINE_BUFFERS_GPA,
	ANSWER = COMMAND + 0x1000,
	ANSWER_SIZE = 1100,
	PIXELS_OFFSET = 4096,
	PIXEL_BYTES = 1 << 20,
};

struct player {
	struct test_machine machine;
	struct screen *screen;
	struct virtio_device *device;
	struct virtqueue_driver queues[QUEUES];
};

static void on_taken(void *data, bool taken)
{
}

static void start(struct player *player)
{
	const uint8_t status =
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
	struct virtio_device *device = player->device;

	virtio_device_accept_features(device, 0, 1u << VIRTIO_GPU_F_EDID);
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

static void send(struct player *player, unsigned int queue, const uint8_t *command, size_t length)
{
	struct virtqueue_driver *driver = &player->queues[queue];

	guest_memory_write(player->machine.host.memory, COMMAND, command, length);
	virtqueue_driver_set_descriptor(driver, driver->descriptor_gpa, 0, COMMAND,
					(uint32_t)length, VRING_DESC_F_NEXT, 1);
	virtqueue_driver_set_descriptor(driver, driver->descriptor_gpa, 1, ANSWER, ANSWER_SIZE,
					VRING_DESC_F_WRITE, 0);
	virtqueue_driver_make_available(driver, 0);
	virtio_device_notified(player->device, queue);
}

/* Whatever the guest says, clients see a page they can believe. */
static void check(const struct player *player)
{
	static struct screen_page page;

	assert(screen_copy(screen_page(player->screen), PIXEL_BYTES, &page) == 0);
	assert(page.mode.width == 0 || page.mode.offset >= PIXELS_OFFSET);
}

static void play(struct player *player, const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (size - at >= 2) {
		size_t length = data[at + 1] * 8u;

		if (length > size - at - 2)
			length = size - at - 2;
		if (length == 0) {
			virtio_device_reset_and_wait(player->device);
			start(player);
		} else {
			send(player, data[at] % QUEUES, data + at + 2, length);
		}
		check(player);
		at += 2 + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct player player;
	struct virtio_gpu_display display;
	int r;

	memset(&player, 0, sizeof(player));
	test_machine_init(&player.machine);
	r = screen_create(player.machine.host.loop, PIXEL_BYTES, &player.screen);
	assert(r == 0);
	display = (struct virtio_gpu_display){
		.screen = player.screen,
		.pixels_offset = PIXELS_OFFSET,
		.pixels_size = PIXEL_BYTES - PIXELS_OFFSET,
		.width = 640,
		.height = 480,
		.taken = on_taken,
	};
	r = virtio_gpu_create(&player.machine.host, DEVFN, 0x030000, &display, &player.device);
	assert(r == 0);
	start(&player);
	play(&player, data, size);
	virtio_device_destroy(player.device);
	screen_destroy(player.screen);
	test_machine_finish(&player.machine);
	return 0;
}
