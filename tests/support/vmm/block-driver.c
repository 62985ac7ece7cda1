/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See block-driver.h.
 */
#include "block-driver.h"

#include <endian.h>
#include <glib.h>
#include <linux/virtio_blk.h>

#include "memory/guest-memory.h"

enum { DATA = 0x100000, HEADERS = TEST_MACHINE_BUFFERS_GPA, HEADER_STRIDE = 64, STATUS = 32 };

static uint64_t header_gpa(unsigned int slot)
{
	return HEADERS + slot * HEADER_STRIDE;
}

uint64_t block_driver_data(unsigned int slot)
{
	return DATA + (uint64_t)slot * BLOCK_DRIVER_DATA_SIZE;
}

uint16_t block_driver_add(struct virtio_pci_driver *driver, unsigned int slot, uint32_t type,
			  uint64_t sector, uint32_t length)
{
	struct guest_memory *memory = driver->machine->host.memory;
	const struct virtio_blk_outhdr header = {.type = htole32(type), .sector = htole64(sector)};
	const uint8_t no_status = BLOCK_DRIVER_NO_STATUS;
	bool reads = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct virtqueue_buffer buffers[3] = {{header_gpa(slot), sizeof(header), false}};
	unsigned int count = 1;

	g_assert_cmpuint(slot, <, BLOCK_DRIVER_SLOTS);
	g_assert_cmpuint(length, <=, BLOCK_DRIVER_DATA_SIZE);
	guest_memory_write(memory, header_gpa(slot), &header, sizeof(header));
	guest_memory_write(memory, header_gpa(slot) + STATUS, &no_status, 1);
	if (length > 0)
		buffers[count++] =
			(struct virtqueue_buffer){block_driver_data(slot), length, reads};
	buffers[count++] = (struct virtqueue_buffer){header_gpa(slot) + STATUS, 1, true};
	return virtqueue_driver_add(&driver->queues[0], buffers, count);
}

uint8_t block_driver_status(struct virtio_pci_driver *driver, unsigned int slot)
{
	const uint8_t *status =
		guest_memory_at(driver->machine->host.memory, header_gpa(slot) + STATUS, 1);

	return __atomic_load_n(status, __ATOMIC_ACQUIRE);
}

uint8_t block_driver_request(struct virtio_pci_driver *driver, uint32_t type, uint64_t sector,
			     uint32_t length)
{
	uint16_t head = block_driver_add(driver, 0, type, sector, length);
	uint32_t written;

	virtio_pci_driver_kick(driver, 0);
	g_assert_cmpuint(virtio_pci_driver_wait(driver, 0, &written), ==, head);
	return block_driver_status(driver, 0);
}

uint8_t block_driver_erase(struct virtio_pci_driver *driver, uint32_t type, uint64_t sector,
			   uint32_t sectors, uint32_t flags)
{
	const struct virtio_blk_discard_write_zeroes segment = {
		.sector = htole64(sector),
		.num_sectors = htole32(sectors),
		.flags = htole32(flags),
	};

	guest_memory_write(driver->machine->host.memory, block_driver_data(0), &segment,
			   sizeof(segment));
	return block_driver_request(driver, type, 0, sizeof(segment));
}
