/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is said to be the state of a virtio device: the first byte chooses the device, the rest is
 * its section. What it makes of it goes on working, on empty memory, and is saved.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>

#include "fake-net-backend.h"
#include "protocol/statistics-protocol.h"
#include "state-block.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEVFN = TEST_MACHINE_DEVFN, KINDS = 4 };

static struct fake_net_backend fake;
static struct statistics_page page;

static int create(const struct virtio_host *host, unsigned int kind,
		  struct virtio_device **ret_device)
{
	static const uint8_t mac[VIRTIO_NET_MAC_SIZE] = {0x52, 0x54, 0, 1, 2, 3};

	switch (kind) {
	case 0:
		return virtio_rng_create(host, DEVFN, ret_device);
	case 1:
		return virtio_balloon_create(host, DEVFN, &page, ret_device);
	case 2:
		return virtio_tablet_create(host, DEVFN, ret_device);
	default:
		return virtio_net_create(host, DEVFN, &fake.backend, mac, ret_device);
	}
}

static void go_on(struct virtio_device *device, struct state_block *block)
{
	virtio_device_resume(device);
	for (unsigned int i = 0; i < device->queue_count; i++)
		virtio_device_notified(device, i);
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
	fake_net_backend_init(&fake, /* offloads= */ false, /* mtu= */ 0);
	r = create(&machine.host, data[0] % KINDS, &device);
	assert(r == 0);
	r = virtio_device_load(device, state_block_read(&block));
	assert(r == 0 || (r == -EPROTO && block.reader.problem));
	if (r == 0)
		go_on(device, &block);
	virtio_device_destroy(device);
	test_machine_finish(&machine);
	return 0;
}
