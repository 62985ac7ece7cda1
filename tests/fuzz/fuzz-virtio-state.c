/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is said to be the state of a virtio device: the first byte chooses the device, the rest is
 * its section. What it makes of it goes on working, on empty memory, and is saved.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>

#include "display/screen.h"
#include "fake-block-backend.h"
#include "fake-net-backend.h"
#include "protocol/statistics-protocol.h"
#include "state-block.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-gpu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEVFN = TEST_MACHINE_DEVFN, KINDS = 8, DISK_SIZE = 4 << 20, PIXEL_BYTES = 1 << 20 };

static struct fake_net_backend fake;
static struct statistics_page page;
static struct screen *screen;
static struct block_backend *disk;

static void on_taken(void *data, bool taken)
{
}

/* The second half of the pixel file is its own. */
static int create_gpu(const struct virtio_host *host, struct virtio_device **ret_device)
{
	const struct virtio_gpu_display display = {
		.screen = screen,
		.pixels_offset = PIXEL_BYTES,
		.pixels_size = PIXEL_BYTES,
		.width = 1280,
		.height = 800,
		.taken = on_taken,
	};

	return virtio_gpu_create(host, DEVFN, 0x030000, &display, ret_device);
}

static int create(const struct virtio_host *host, unsigned int kind,
		  struct virtio_device **ret_device)
{
	static const char *const ports[] = {"org.qemu.guest_agent.0", "org.innkeeper.other"};
	static const uint8_t mac[VIRTIO_NET_MAC_SIZE] = {0x52, 0x54, 0, 1, 2, 3};

	switch (kind) {
	case 0:
		return virtio_rng_create(host, DEVFN, ret_device);
	case 1:
		return virtio_balloon_create(host, DEVFN, &page, ret_device);
	case 2:
		return virtio_tablet_create(host, DEVFN, ret_device);
	case 3:
		return virtio_net_create(host, DEVFN, &fake.backend, mac, ret_device);
	case 4:
		return virtio_console_create(host, DEVFN, ports, 2, ret_device);
	case 5:
		return create_gpu(host, ret_device);
	case 6:
		return virtio_vsock_create(host, DEVFN, 42, /* listen_fd= */ -1, ret_device);
	default:
		return virtio_block_create(host, DEVFN, disk, NULL, ret_device);
	}
}

static void create_backends(struct event_loop *loop)
{
	static uint8_t contents[DISK_SIZE];
	int r = screen_create(loop, 2 * PIXEL_BYTES, &screen);

	assert(r == 0);
	fake_net_backend_init(&fake, /* offloads= */ false, /* mtu= */ 0);
	fake_block_backend_create(contents, sizeof(contents), /* read_only= */ false, &disk);
	fake_block_backend_set_automatic(disk, true);
}

static void destroy_backends(void)
{
	block_backend_destroy(disk);
	screen_destroy(screen);
}

/* Whatever is shown keeps to the protocol. */
static void look(void)
{
	static struct screen_page copy;
	int r = screen_copy(screen_page(screen), screen_pixel_bytes(screen), &copy);

	assert(r == 0);
}

static void go_on(struct virtio_device *device, struct state_block *block)
{
	virtio_device_resume(device);
	for (unsigned int i = 0; i < device->queue_count; i++)
		virtio_device_notified(device, i);
	look();
	STATE_BLOCK_SAVE(block, virtio_device_save, device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct state_block block;
	struct virtio_device *device;
	struct test_machine machine;
	int r;

	if (size < 1 || size > STATE_BLOCK_SIZE / 2)
		return 0;
	state_writer_put_bytes(state_block_write(&block), data + 1, size - 1);
	state_block_written(&block);
	test_machine_init(&machine);
	create_backends(machine.host.loop);
	r = create(&machine.host, data[0] % KINDS, &device);
	assert(r == 0);
	r = virtio_device_load(device, state_block_read(&block));
	assert(r == 0 || (r == -EPROTO && block.reader.problem));
	if (r == 0)
		go_on(device, &block);
	virtio_device_destroy(device);
	destroy_backends();
	test_machine_finish(&machine);
	return 0;
}
