/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that does to a virtio device what the bytes of a fuzz input say, without a PCI bus in
 * between and without threads.
 *
 * A chain in the input: how many descriptors (u8), how to offer them (u8, bit 0: indirectly), for
 * each where (u24), how long (u32) and flags (u8), then a payload of VIRTIO_PLAYER_PAYLOAD_SIZE
 * bytes for VIRTIO_PLAYER_PAYLOAD in guest memory, where useful descriptors point.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "virtio-pci-driver.h"

enum { VIRTIO_PLAYER_PAYLOAD = 0x1000, VIRTIO_PLAYER_PAYLOAD_SIZE = 64 };

struct virtio_player {
	struct test_machine machine;
	struct virtio_device *device; /* on the machine; the caller creates it */
	struct virtqueue_driver queues[TEST_MACHINE_MAX_QUEUES];
	const uint8_t *data; /* what is left of the input */
	size_t size;
};

/* What is left is cut short by so many bytes; NULL when there are not that many. */
const uint8_t *virtio_player_take(struct virtio_player *player, size_t bytes);

/* The driver comes up (again): reset, features beside those of the ring, all queues, DRIVER_OK. */
void virtio_player_start(struct virtio_player *player, uint64_t features);
/* Takes a chain from the input and offers it in a queue (any number). False: the input is over. */
bool virtio_player_offer(struct virtio_player *player, unsigned int queue);
/*
 * Calls step once in each turn of the machine's loop, so that what a step leaves to be done is done
 * before the next, until it answers false. Once per machine.
 */
void virtio_player_run(struct virtio_player *player, bool (*step)(void *data), void *data);
/* Writes to the device's configuration: offset (u8), size (u8), value (u32) from the input. */
bool virtio_player_write_config(struct virtio_player *player);
