/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registers of a virtio PCI function: see virtio-pci-registers.h. Section numbers are of
 * virtio 1.2.
 */
#include "virtio/virtio-pci-registers.h"

#include <linux/virtio_pci.h>
#include <string.h>

#include "base/byte-order.h"
#include "bus/address-space.h"
#include "pci/pci-device.h"
#include "pci/pci-msix.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

/* Interrupts: section 4.1.5.3 and 4.1.5.4 */

static void interrupt(struct virtio_pci_registers *registers, uint16_t vector, uint8_t isr)
{
	if (pci_msix_enabled(registers->function->msix)) {
		pci_msix_notify(registers->function->msix, vector);
		return;
	}
	registers->isr |= isr;
	pci_device_set_intx(registers->function, true);
}

void virtio_pci_registers_interrupt_queue(struct virtio_pci_registers *registers,
					  unsigned int queue)
{
	interrupt(registers, registers->queue_vectors[queue], ISR_QUEUE);
}

int virtio_pci_registers_event_fd(const struct virtio_pci_registers *registers, unsigned int queue)
{
	const struct pci_msix *msix = registers->function->msix;

	return pci_msix_enabled(msix) ? pci_msix_event_fd(msix, registers->queue_vectors[queue])
				      : -1;
}

void virtio_pci_registers_interrupt_config(struct virtio_pci_registers *registers)
{
	interrupt(registers, registers->config_vector, ISR_CONFIG);
}

/* Section 4.1.4.5.1: reading takes it back. */
static uint8_t read_isr(struct virtio_pci_registers *registers)
{
	uint8_t isr = registers->isr;

	registers->isr = 0;
	pci_device_set_intx(registers->function, false);
	return isr;
}

/* The common structure: section 4.1.4.3 */

static struct virtqueue *selected_queue(struct virtio_pci_registers *registers)
{
	if (registers->queue_select >= registers->device->queue_count)
		return NULL;
	return &registers->device->queues[registers->queue_select];
}

static uint32_t feature_word(uint64_t features, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(features >> (32 * select));
}

static void fill_queue_registers(struct virtio_pci_registers *registers, uint8_t *bytes)
{
	const struct virtqueue *queue = selected_queue(registers);

	store_le16(bytes + VIRTIO_PCI_COMMON_Q_SELECT, registers->queue_select);
	if (!queue)
		return;
	store_le16(bytes + VIRTIO_PCI_COMMON_Q_SIZE, queue->size);
	store_le16(bytes + VIRTIO_PCI_COMMON_Q_MSIX,
		   registers->queue_vectors[registers->queue_select]);
	store_le16(bytes + VIRTIO_PCI_COMMON_Q_ENABLE, queue->ready);
	store_le16(bytes + VIRTIO_PCI_COMMON_Q_NOFF, registers->queue_select);
	store_le64(bytes + VIRTIO_PCI_COMMON_Q_DESCLO, queue->descriptor_gpa);
	store_le64(bytes + VIRTIO_PCI_COMMON_Q_AVAILLO, queue->available_gpa);
	store_le64(bytes + VIRTIO_PCI_COMMON_Q_USEDLO, queue->used_gpa);
}

/* All registers as they are now, so that a read of any width finds its bytes. */
static void fill_common_registers(struct virtio_pci_registers *registers, uint8_t *bytes)
{
	const struct virtio_device *device = registers->device;

	memset(bytes, 0, sizeof(struct virtio_pci_common_cfg));
	store_le32(bytes + VIRTIO_PCI_COMMON_DFSELECT, registers->device_feature_select);
	store_le32(bytes + VIRTIO_PCI_COMMON_DF,
		   feature_word(device->offered_features, registers->device_feature_select));
	store_le32(bytes + VIRTIO_PCI_COMMON_GFSELECT, registers->driver_feature_select);
	store_le32(bytes + VIRTIO_PCI_COMMON_GF,
		   feature_word(device->accepted_features, registers->driver_feature_select));
	store_le16(bytes + VIRTIO_PCI_COMMON_MSIX, registers->config_vector);
	store_le16(bytes + VIRTIO_PCI_COMMON_NUMQ, (uint16_t)device->queue_count);
	bytes[VIRTIO_PCI_COMMON_STATUS] = device->status;
	bytes[VIRTIO_PCI_COMMON_CFGGENERATION] = device->config_generation;
	fill_queue_registers(registers, bytes);
}

/* Reading back NO_VECTOR tells the driver that there is no such vector (section 4.1.5.1.2). */
static uint16_t checked_vector(struct virtio_pci_registers *registers, uint64_t vector)
{
	return vector < pci_msix_vectors(registers->function->msix) ? (uint16_t)vector
								    : VIRTIO_MSI_NO_VECTOR;
}

static void write_half(uint64_t *address, bool high, uint32_t value)
{
	unsigned int shift = high ? 32 : 0;

	*address = (*address & ~(0xffffffffULL << shift)) | (uint64_t)value << shift;
}

/* Rings cannot be moved while the device uses them. */
static void write_queue_address(struct virtqueue *queue, uint64_t offset, unsigned int size,
				uint64_t value)
{
	bool high = offset & 4;
	uint64_t *address;

	if (queue->ready)
		return;
	switch (offset & ~7ULL) {
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		address = &queue->descriptor_gpa;
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		address = &queue->available_gpa;
		break;
	default:
		address = &queue->used_gpa;
		break;
	}
	if (size == 8 && !high)
		*address = value;
	else if (size == 4)
		write_half(address, high, (uint32_t)value);
}

static void write_queue_register(struct virtio_pci_registers *registers, uint64_t offset,
				 unsigned int size, uint64_t value)
{
	struct virtqueue *queue = selected_queue(registers);

	if (!queue)
		return;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (!queue->ready)
			queue->size = (uint16_t)value;
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		registers->queue_vectors[registers->queue_select] =
			checked_vector(registers, value & 0xffff);
		virtio_device_vectors_changed(registers->device);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (value & 1)
			virtio_device_enable_queue(registers->device, registers->queue_select);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		write_queue_address(queue, offset, size, value);
		break;
	}
}

/* Drivers use each register's own width (section 4.1.3.1), so the offset says which it is. */
static void write_common(struct virtio_pci_registers *registers, uint64_t offset, unsigned int size,
			 uint64_t value)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		registers->device_feature_select = (uint32_t)value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		registers->driver_feature_select = (uint32_t)value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		virtio_device_accept_features(registers->device, registers->driver_feature_select,
					      (uint32_t)value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		registers->config_vector = checked_vector(registers, value & 0xffff);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_device_set_status(registers->device, (uint8_t)value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		registers->queue_select = (uint16_t)value;
		break;
	default:
		write_queue_register(registers, offset, size, value);
		break;
	}
}

/* BAR 4 */

static uint64_t load_bytes(const void *structure, size_t length, uint64_t offset, unsigned int size)
{
	uint8_t bytes[8] = {0};

	for (unsigned int i = 0; i < size && offset + i < length; i++)
		bytes[i] = ((const uint8_t *)structure)[offset + i];
	return load_le64(bytes);
}

static uint64_t registers_read(void *data, uint64_t offset, unsigned int size)
{
	uint8_t bytes[sizeof(struct virtio_pci_common_cfg)];
	struct virtio_pci_registers *registers = data;

	if (offset < VIRTIO_PCI_ISR_OFFSET) {
		fill_common_registers(registers, bytes);
		return load_bytes(bytes, sizeof(bytes), offset, size);
	}
	if (offset == VIRTIO_PCI_ISR_OFFSET)
		return read_isr(registers);
	if (offset >= VIRTIO_PCI_DEVICE_OFFSET && offset < VIRTIO_PCI_NOTIFY_OFFSET)
		return load_bytes(registers->device->config, registers->device->config_size,
				  offset - VIRTIO_PCI_DEVICE_OFFSET, size);
	return 0;
}

static void registers_write(void *data, uint64_t offset, unsigned int size, uint64_t value)
{
	struct virtio_pci_registers *registers = data;
	struct virtio_device *device = registers->device;
	uint64_t queue;

	if (offset < VIRTIO_PCI_ISR_OFFSET) {
		write_common(registers, offset, size, value);
		return;
	}
	if (offset < VIRTIO_PCI_NOTIFY_OFFSET) {
		if (offset >= VIRTIO_PCI_DEVICE_OFFSET && device->ops->write_config)
			device->ops->write_config(device, offset - VIRTIO_PCI_DEVICE_OFFSET, size,
						  value);
		return;
	}
	/* Where there is no ioeventfd. Queues are processed on the main thread all the same. */
	queue = (offset - VIRTIO_PCI_NOTIFY_OFFSET) / VIRTIO_PCI_NOTIFY_MULTIPLIER;
	if (queue < device->queue_count)
		device->transport->ops->schedule(device->transport, (unsigned int)queue);
}

const struct address_range_ops virtio_pci_registers_ops = {
	.read = registers_read,
	.write = registers_write,
};

void virtio_pci_registers_reset(struct virtio_pci_registers *registers)
{
	registers->device_feature_select = 0;
	registers->driver_feature_select = 0;
	registers->queue_select = 0;
	registers->config_vector = VIRTIO_MSI_NO_VECTOR;
	for (unsigned int i = 0; i < VIRTIO_DEVICE_MAX_QUEUES; i++)
		registers->queue_vectors[i] = VIRTIO_MSI_NO_VECTOR;
	(void)read_isr(registers);
}

void virtio_pci_registers_save(const struct virtio_pci_registers *registers,
			       struct state_writer *writer)
{
	state_writer_put8(writer, registers->isr);
	state_writer_put32(writer, registers->device_feature_select);
	state_writer_put32(writer, registers->driver_feature_select);
	state_writer_put16(writer, registers->queue_select);
	state_writer_put16(writer, registers->config_vector);
	for (unsigned int i = 0; i < registers->device->queue_count; i++)
		state_writer_put16(writer, registers->queue_vectors[i]);
}

void virtio_pci_registers_load(struct virtio_pci_registers *registers, struct state_reader *reader)
{
	registers->isr = state_reader_get8(reader);
	registers->device_feature_select = state_reader_get32(reader);
	registers->driver_feature_select = state_reader_get32(reader);
	registers->queue_select = state_reader_get16(reader);
	registers->config_vector = checked_vector(registers, state_reader_get16(reader));
	for (unsigned int i = 0; i < registers->device->queue_count; i++)
		registers->queue_vectors[i] = checked_vector(registers, state_reader_get16(reader));
	state_reader_check(reader, !(registers->isr & ~(ISR_QUEUE | ISR_CONFIG)),
			   "a virtio device has no such interrupt");
}
