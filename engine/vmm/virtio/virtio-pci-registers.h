/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a virtio PCI function shows in its BAR 4 (virtio 1.2, sections 4.1.4.3 to 4.1.4.6): the
 * common structure, the interrupt status, the device's configuration and the doorbells, each on a
 * page of its own; and the interrupts those registers direct. Device lock held.
 */
#pragma once

#include <stdint.h>

#include "virtio/virtio-device.h"

struct address_range_ops;
struct pci_device;
struct state_reader;
struct state_writer;

enum {
	VIRTIO_PCI_COMMON_OFFSET = 0x0000,
	VIRTIO_PCI_ISR_OFFSET = 0x1000,
	VIRTIO_PCI_DEVICE_OFFSET = 0x2000,
	VIRTIO_PCI_NOTIFY_OFFSET = 0x3000,
	VIRTIO_PCI_REGISTERS_SIZE = 0x4000,
	VIRTIO_PCI_NOTIFY_MULTIPLIER = 4, /* bytes from one queue's doorbell to the next */
};

struct virtio_pci_registers {
	struct pci_device *function;  /* borrowed */
	struct virtio_device *device; /* borrowed */
	uint8_t isr;
	uint32_t device_feature_select, driver_feature_select;
	uint16_t queue_select;
	uint16_t config_vector;
	uint16_t queue_vectors[VIRTIO_DEVICE_MAX_QUEUES];
};

/* The registers that are not the device's, as after a reset of it. */
void virtio_pci_registers_reset(struct virtio_pci_registers *registers);

/* The eventfd that sends a queue's message, -1 when there is none. */
int virtio_pci_registers_event_fd(const struct virtio_pci_registers *registers, unsigned int queue);
void virtio_pci_registers_interrupt_queue(struct virtio_pci_registers *registers,
					  unsigned int queue);
void virtio_pci_registers_interrupt_config(struct virtio_pci_registers *registers);

/* To and from a machine's state, without the function and the device. */
void virtio_pci_registers_save(const struct virtio_pci_registers *registers,
			       struct state_writer *writer);
void virtio_pci_registers_load(struct virtio_pci_registers *registers, struct state_reader *reader);

/* The BAR; its device is the struct. */
extern const struct address_range_ops virtio_pci_registers_ops;
