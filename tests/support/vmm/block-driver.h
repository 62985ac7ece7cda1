/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's driver of a virtio block device, for tests: requests with header, data and status in
 * guest memory (virtio 1.2, section 5.2.6).
 */
#pragma once

#include <stdint.h>

#include "virtio-pci-driver.h"

/* Each request has a place of its own, by slot: 64 KiB of data, and header and status. */
enum { BLOCK_DRIVER_SLOTS = 32, BLOCK_DRIVER_DATA_SIZE = 65536, BLOCK_DRIVER_NO_STATUS = 0xee };

uint64_t block_driver_data(unsigned int slot);

/* Puts a request in the queue, without notifying. length: of data; 0 for none. Its head. */
uint16_t block_driver_add(struct virtio_pci_driver *driver, unsigned int slot, uint32_t type,
			  uint64_t sector, uint32_t length);
/* What the device has left as status; BLOCK_DRIVER_NO_STATUS: nothing. */
uint8_t block_driver_status(struct virtio_pci_driver *driver, unsigned int slot);
/* A whole request in slot 0, answered. Its status. */
uint8_t block_driver_request(struct virtio_pci_driver *driver, uint32_t type, uint64_t sector,
			     uint32_t length);
/* Discard or write zeroes of one segment. Its status. */
uint8_t block_driver_erase(struct virtio_pci_driver *driver, uint32_t type, uint64_t sector,
			   uint32_t sectors, uint32_t flags);
