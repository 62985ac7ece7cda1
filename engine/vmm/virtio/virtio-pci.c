/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtio over PCI: see virtio-pci.h. Section numbers are of virtio 1.2.
 */
#include "virtio/virtio-pci.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "base/fd.h"
#include "bus/address-space.h"
#include "bus/ioeventfd.h"
#include "loop/event-loop.h"
#include "pci/pci-device.h"
#include "pci/pci-msix.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-pci-registers.h"

enum {
	MSIX_BAR = 1,
	VIRTIO_BAR = 4,
	VENDOR_ID = 0x1AF4,
	DEVICE_ID_BASE = 0x1040,
};

struct queue_notifier {
	struct virtio_pci *pci;
	unsigned int index;
	int fd; /* -1 until the driver enables the queue */
	struct event_source *source;
	uint64_t gpa; /* where an ioeventfd is registered, 0: nowhere */
};

struct virtio_pci {
	struct virtio_transport transport;
	struct pci_device function;
	struct virtio_device *device;
	struct virtio_pci_registers registers;
	struct ioeventfd_registry *ioeventfds;
	void (*bar_listener)(void *data, unsigned int index); /* NULL: none */
	void *bar_listener_data;
	struct event_loop *loop;
	unsigned int window; /* offset of the PCI_CFG capability */
	unsigned int msix;   /* offset of the MSI-X capability */
	struct queue_notifier notifiers[VIRTIO_DEVICE_MAX_QUEUES];
};

static struct virtio_pci *from_transport(struct virtio_transport *transport)
{
	return (void *)((char *)transport - offsetof(struct virtio_pci, transport));
}

static struct virtio_pci *from_function(struct pci_device *function)
{
	return (void *)((char *)function - offsetof(struct virtio_pci, function));
}

/* The function: capabilities, BAR moves and the window of section 4.1.4.9 */

static bool window_target(struct virtio_pci *pci, uint64_t *ret_offset, unsigned int *ret_size)
{
	const uint8_t *capability = pci->function.config.values + pci->window;
	uint32_t offset = load_le32(capability + VIRTIO_PCI_CAP_OFFSET);
	uint32_t size = load_le32(capability + VIRTIO_PCI_CAP_LENGTH);

	if (capability[VIRTIO_PCI_CAP_BAR] != VIRTIO_BAR || (size != 1 && size != 2 && size != 4) ||
	    offset % size || !range_fits(offset, size, VIRTIO_PCI_REGISTERS_SIZE))
		return false;
	*ret_offset = offset;
	*ret_size = size;
	return true;
}

static bool touches_window(const struct virtio_pci *pci, unsigned int offset, unsigned int size)
{
	return pci_config_space_overlaps(offset, size, pci->window + sizeof(struct virtio_pci_cap),
					 4);
}

static void config_reading(struct pci_device *function, unsigned int offset, unsigned int size)
{
	struct virtio_pci *pci = from_function(function);
	uint64_t target;
	unsigned int width;

	if (touches_window(pci, offset, size) && window_target(pci, &target, &width))
		pci_config_space_set(
			&function->config, pci->window + sizeof(struct virtio_pci_cap), 4,
			(uint32_t)virtio_pci_registers_ops.read(&pci->registers, target, width));
}

static void config_written(struct pci_device *function, unsigned int offset, unsigned int size)
{
	struct virtio_pci *pci = from_function(function);
	uint64_t target;
	unsigned int width;

	if (pci_config_space_overlaps(offset, size, pci->msix + PCI_MSIX_FLAGS, 2))
		virtio_device_vectors_changed(pci->device);
	if (touches_window(pci, offset, size) && window_target(pci, &target, &width))
		virtio_pci_registers_ops.write(
			&pci->registers, target, width,
			pci_config_space_read(&function->config,
					      pci->window + sizeof(struct virtio_pci_cap), width));
}

static void move_notifier(struct virtio_pci *pci, struct queue_notifier *notifier, uint64_t bar)
{
	uint64_t gpa = bar + VIRTIO_PCI_NOTIFY_OFFSET +
		       (uint64_t)notifier->index * VIRTIO_PCI_NOTIFY_MULTIPLIER;

	if (notifier->gpa)
		ioeventfd_remove(pci->ioeventfds, notifier->gpa, notifier->fd);
	notifier->gpa = 0;
	/* Refused, the notification comes as a write to the BAR: slower, not lost. */
	if (bar && notifier->fd >= 0 && ioeventfd_add(pci->ioeventfds, gpa, notifier->fd) == 0)
		notifier->gpa = gpa;
}

static void bar_moved(struct pci_device *function, unsigned int index)
{
	struct virtio_pci *pci = from_function(function);

	for (unsigned int i = 0; index == VIRTIO_BAR && i < pci->device->queue_count; i++)
		move_notifier(pci, &pci->notifiers[i], function->bars[index].mapped);
	if (pci->bar_listener)
		pci->bar_listener(pci->bar_listener_data, index);
}

static void function_reset(struct pci_device *function)
{
	virtio_device_reset_and_wait(from_function(function)->device);
}

static const struct pci_device_ops function_ops = {
	.config_reading = config_reading,
	.config_written = config_written,
	.bar_moved = bar_moved,
	.reset = function_reset,
};

static int add_capability(struct virtio_pci *pci, uint8_t type, uint32_t offset, uint32_t length,
			  unsigned int size)
{
	struct pci_config_space *config = &pci->function.config;
	int capability = pci_config_space_add_capability(config, PCI_CAP_ID_VNDR, size);
	unsigned int at = (unsigned int)capability;

	if (capability < 0)
		return capability;
	pci_config_space_define(config, at + VIRTIO_PCI_CAP_LEN, 1, size, 0);
	pci_config_space_define(config, at + VIRTIO_PCI_CAP_CFG_TYPE, 1, type, 0);
	pci_config_space_define(config, at + VIRTIO_PCI_CAP_BAR, 1, VIRTIO_BAR, 0);
	pci_config_space_define(config, at + VIRTIO_PCI_CAP_OFFSET, 4, offset, 0);
	pci_config_space_define(config, at + VIRTIO_PCI_CAP_LENGTH, 4, length, 0);
	return capability;
}

static int add_notify_capability(struct virtio_pci *pci)
{
	int r = add_capability(pci, VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_PCI_NOTIFY_OFFSET,
			       pci->device->queue_count * VIRTIO_PCI_NOTIFY_MULTIPLIER,
			       sizeof(struct virtio_pci_notify_cap));

	if (r >= 0)
		pci_config_space_define(&pci->function.config,
					(unsigned int)r + VIRTIO_PCI_NOTIFY_CAP_MULT, 4,
					VIRTIO_PCI_NOTIFY_MULTIPLIER, 0);
	return r;
}

static int add_window_capability(struct virtio_pci *pci)
{
	struct pci_config_space *config = &pci->function.config;
	int r = add_capability(pci, VIRTIO_PCI_CAP_PCI_CFG, 0, 0,
			       sizeof(struct virtio_pci_cfg_cap));

	if (r < 0)
		return r;
	pci->window = (unsigned int)r;
	pci_config_space_define(config, pci->window + VIRTIO_PCI_CAP_BAR, 1, 0, 0xff);
	pci_config_space_define(config, pci->window + VIRTIO_PCI_CAP_OFFSET, 4, 0, 0xffffffff);
	pci_config_space_define(config, pci->window + VIRTIO_PCI_CAP_LENGTH, 4, 0, 0xffffffff);
	pci_config_space_define(config, pci->window + sizeof(struct virtio_pci_cap), 4, 0,
				0xffffffff);
	return 0;
}

static int add_capabilities(struct virtio_pci *pci)
{
	const unsigned int size = sizeof(struct virtio_pci_cap);
	int r = pci_device_add_msix(&pci->function, pci->device->queue_count + 1, MSIX_BAR);

	if (r >= 0)
		pci->msix = pci_msix_capability(pci->function.msix);
	if (r >= 0)
		r = add_capability(pci, VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_COMMON_OFFSET,
				   sizeof(struct virtio_pci_common_cfg), size);
	if (r >= 0)
		r = add_capability(pci, VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_PCI_ISR_OFFSET, 1, size);
	if (r >= 0 && pci->device->config_size > 0)
		r = add_capability(pci, VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_PCI_DEVICE_OFFSET,
				   (uint32_t)pci->device->config_size, size);
	if (r >= 0)
		r = add_notify_capability(pci);
	if (r >= 0)
		r = add_window_capability(pci);
	return r < 0 ? r : 0;
}

/* The transport */

static void on_notified(void *data, uint32_t events)
{
	struct queue_notifier *notifier = data;

	virtio_device_notified(notifier->pci->device, notifier->index);
}

static void schedule(struct virtio_transport *transport, unsigned int queue)
{
	const struct queue_notifier *notifier = &from_transport(transport)->notifiers[queue];

	if (notifier->fd >= 0)
		fd_event_signal(notifier->fd);
}

/*
 * Edge-triggered, so that the counter need not be read: one system call less per notification. The
 * eventfd's value does not matter.
 */
static int create_notifier(struct virtio_pci *pci, struct queue_notifier *notifier)
{
	int r;

	notifier->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (notifier->fd < 0)
		return -errno;
	r = event_loop_add(pci->loop, notifier->fd, EPOLLIN | EPOLLET, on_notified, notifier,
			   &notifier->source);
	if (r < 0)
		fd_close(&notifier->fd);
	return r;
}

/* Not before: a device that the guest leaves alone costs nothing. Afterwards it stays. */
static int enable_queue(struct virtio_transport *transport, unsigned int queue)
{
	struct virtio_pci *pci = from_transport(transport);
	struct queue_notifier *notifier = &pci->notifiers[queue];
	int r = notifier->fd < 0 ? create_notifier(pci, notifier) : 0;

	if (r == 0 && !notifier->gpa)
		move_notifier(pci, notifier, pci->function.bars[VIRTIO_BAR].mapped);
	return r;
}

static void lend_queue(struct virtio_transport *transport, unsigned int queue, int *ret_kick_fd,
		       int *ret_call_fd)
{
	struct virtio_pci *pci = from_transport(transport);
	struct queue_notifier *notifier = &pci->notifiers[queue];

	(void)event_source_set_events(notifier->source, 0);
	*ret_kick_fd = notifier->fd;
	*ret_call_fd = virtio_pci_registers_event_fd(&pci->registers, queue);
}

static void take_back_queue(struct virtio_transport *transport, unsigned int queue)
{
	const struct queue_notifier *notifier = &from_transport(transport)->notifiers[queue];

	(void)event_source_set_events(notifier->source, EPOLLIN | EPOLLET);
	fd_event_signal(notifier->fd);
}

static void interrupt_queue(struct virtio_transport *transport, unsigned int queue)
{
	virtio_pci_registers_interrupt_queue(&from_transport(transport)->registers, queue);
}

static void interrupt_config(struct virtio_transport *transport)
{
	virtio_pci_registers_interrupt_config(&from_transport(transport)->registers);
}

static void reset_registers(struct virtio_transport *transport)
{
	virtio_pci_registers_reset(&from_transport(transport)->registers);
}

static void save(struct virtio_transport *transport, struct state_writer *writer)
{
	struct virtio_pci *pci = from_transport(transport);

	pci_device_save(&pci->function, writer);
	virtio_pci_registers_save(&pci->registers, writer);
}

static void load(struct virtio_transport *transport, struct state_reader *reader)
{
	struct virtio_pci *pci = from_transport(transport);

	pci_device_load(&pci->function, reader);
	virtio_pci_registers_load(&pci->registers, reader);
	for (unsigned int i = 0; i < pci->device->queue_count; i++) {
		if (state_reader_result(reader) == 0 && pci->device->queues[i].ready)
			state_reader_check(reader, enable_queue(transport, i) == 0,
					   "the host cannot make another notification");
	}
}

static void destroy(struct virtio_transport *transport)
{
	struct virtio_pci *pci = from_transport(transport);

	for (unsigned int i = 0; i < pci->device->queue_count; i++) {
		struct queue_notifier *notifier = &pci->notifiers[i];

		move_notifier(pci, notifier, 0);
		event_source_remove(notifier->source);
		fd_close(&notifier->fd);
	}
	pci_device_finish(&pci->function);
	free(pci);
}

static const struct virtio_transport_ops transport_ops = {
	.interrupt_queue = interrupt_queue,
	.interrupt_config = interrupt_config,
	.enable_queue = enable_queue,
	.schedule = schedule,
	.lend_queue = lend_queue,
	.take_back_queue = take_back_queue,
	.reset = reset_registers,
	.save = save,
	.load = load,
	.destroy = destroy,
};

static void init_notifiers(struct virtio_pci *pci)
{
	for (unsigned int i = 0; i < VIRTIO_DEVICE_MAX_QUEUES; i++)
		pci->notifiers[i] = (struct queue_notifier){.pci = pci, .index = i, .fd = -1};
}

static int init_function(struct virtio_pci *pci, struct pci_host_bridge *bridge, uint8_t devfn,
			 uint32_t class_code)
{
	const struct pci_device_identity identity = {
		.vendor = VENDOR_ID,
		.device = DEVICE_ID_BASE + pci->device->type,
		.subsystem_vendor = VENDOR_ID,
		.subsystem = 0x1100,
		.class_code = class_code,
		.revision = 1, /* not transitional (section 4.1.2.1) */
	};
	int r = pci_device_init(&pci->function, bridge, devfn, &identity, &function_ops);

	if (r < 0)
		return r;
	pci_device_add_pin(&pci->function);
	pci_device_add_bar(&pci->function, VIRTIO_BAR, PCI_BAR_MEMORY_64, VIRTIO_PCI_REGISTERS_SIZE,
			   &virtio_pci_registers_ops, &pci->registers);
	return add_capabilities(pci);
}

int virtio_pci_create(const struct virtio_host *host, uint8_t devfn, uint32_t class_code,
		      struct virtio_device *device)
{
	struct virtio_pci *pci = calloc(1, sizeof(*pci));
	int r;

	if (!pci)
		return -ENOMEM;
	pci->transport.ops = &transport_ops;
	pci->device = device;
	pci->registers.device = device;
	pci->registers.function = &pci->function;
	pci->ioeventfds = host->ioeventfds;
	pci->loop = host->loop;
	init_notifiers(pci);
	r = init_function(pci, host->bridge, devfn, class_code);
	if (r < 0) {
		destroy(&pci->transport);
		return r;
	}
	reset_registers(&pci->transport);
	device->transport = &pci->transport;
	return 0;
}

struct pci_device *virtio_pci_function(struct virtio_device *device)
{
	return &from_transport(device->transport)->function;
}

void virtio_pci_set_bar_listener(struct virtio_device *device,
				 void (*moved)(void *data, unsigned int index), void *data)
{
	struct virtio_pci *pci = from_transport(device->transport);

	pci->bar_listener = moved;
	pci->bar_listener_data = data;
}
