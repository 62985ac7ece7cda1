/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See virtio-pci-driver.h.
 */
#include "virtio-pci-driver.h"

#include <glib.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "bus/address-space.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "pci/pci-host-bridge.h"
#include "state-block.h"

#define WINDOW_BASE 0xC0000000u

enum { WINDOW_SIZE = 0x10000000, POLLS = 100000, POLL_US = 100 };

static void on_call(void *data, uint32_t events)
{
	struct test_machine *machine = data;

	fd_event_drain(machine->call_fd);
	machine->call(machine->call_data);
	__atomic_store_n(&machine->call, NULL, __ATOMIC_RELEASE);
}

void test_machine_call(struct test_machine *machine, void (*call)(void *data), void *data)
{
	machine->call_data = data;
	__atomic_store_n(&machine->call, call, __ATOMIC_RELEASE);
	fd_event_signal(machine->call_fd);
	for (unsigned int i = 0; __atomic_load_n(&machine->call, __ATOMIC_ACQUIRE); i++) {
		g_assert_cmpuint(i, <, POLLS);
		g_usleep(POLL_US);
	}
}

void test_machine_init(struct test_machine *machine)
{
	struct virtio_host *host = &machine->host;
	struct event_source *source;

	fake_interrupts_init(&machine->interrupts);
	fake_ioeventfds_init(&machine->ioeventfds);
	host->interrupts = &machine->interrupts.controller;
	host->ioeventfds = &machine->ioeventfds.registry;
	g_assert_cmpint(guest_memory_create(TEST_MACHINE_MEMORY, &host->memory), ==, 0);
	g_assert_cmpint(event_loop_create(&host->loop), ==, 0);
	machine->call = NULL;
	machine->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g_assert_cmpint(
		event_loop_add(host->loop, machine->call_fd, EPOLLIN, on_call, machine, &source),
		==, 0);
	g_assert_cmpint(address_space_create(0x10000, &machine->ports), ==, 0);
	g_assert_cmpint(address_space_create(0, &machine->mmio), ==, 0);
	g_assert_cmpint(pci_host_bridge_create(machine->ports, machine->mmio, host->interrupts,
					       &host->bridge),
			==, 0);
}

void test_machine_finish(struct test_machine *machine)
{
	pci_host_bridge_destroy(machine->host.bridge);
	address_space_destroy(machine->mmio);
	address_space_destroy(machine->ports);
	event_loop_destroy(machine->host.loop);
	close(machine->call_fd);
	guest_memory_destroy(machine->host.memory);
	g_assert_cmpuint(machine->ioeventfds.count, ==, 0);
	g_assert_cmpuint(machine->interrupts.messages, ==, 0);
}

struct guest_thread {
	struct event_loop *loop;
	void (*guest)(void *data);
	void *data;
};

static void *run_guest(void *data)
{
	struct guest_thread *thread = data;

	thread->guest(thread->data);
	event_loop_stop(thread->loop, 0);
	return NULL;
}

void test_machine_run(struct test_machine *machine, void (*guest)(void *data), void *data)
{
	struct guest_thread thread = {machine->host.loop, guest, data};
	pthread_t id;

	g_assert_cmpint(
		pci_host_bridge_assign(machine->host.bridge, WINDOW_BASE, WINDOW_SIZE, 1ULL << 32),
		==, 0);
	g_assert_cmpint(pthread_create(&id, NULL, run_guest, &thread), ==, 0);
	g_assert_cmpint(event_loop_run(machine->host.loop), ==, 0);
	pthread_join(id, NULL);
}

uint32_t test_machine_config_read(struct test_machine *machine, uint8_t devfn, unsigned int offset,
				  unsigned int size)
{
	uint32_t value;

	event_loop_lock(machine->host.loop);
	address_space_write(machine->ports, 0xCF8, 4,
			    0x80000000u | (uint32_t)devfn << 8 | (offset & 0xfc));
	value = (uint32_t)address_space_read(machine->ports, 0xCFC + offset % 4, size);
	event_loop_unlock(machine->host.loop);
	return value;
}

void test_machine_config_write(struct test_machine *machine, uint8_t devfn, unsigned int offset,
			       unsigned int size, uint32_t value)
{
	event_loop_lock(machine->host.loop);
	address_space_write(machine->ports, 0xCF8, 4,
			    0x80000000u | (uint32_t)devfn << 8 | (offset & 0xfc));
	address_space_write(machine->ports, 0xCFC + offset % 4, size, value);
	event_loop_unlock(machine->host.loop);
}

uint64_t test_machine_read(struct test_machine *machine, uint64_t gpa, unsigned int size)
{
	uint64_t value;

	event_loop_lock(machine->host.loop);
	value = address_space_read(machine->mmio, gpa, size);
	event_loop_unlock(machine->host.loop);
	return value;
}

void test_machine_write(struct test_machine *machine, uint64_t gpa, unsigned int size,
			uint64_t value)
{
	event_loop_lock(machine->host.loop);
	address_space_write(machine->mmio, gpa, size, value);
	event_loop_unlock(machine->host.loop);
}

static uint32_t config(struct virtio_pci_driver *driver, unsigned int offset, unsigned int size)
{
	return test_machine_config_read(driver->machine, driver->devfn, offset, size);
}

static uint64_t bar_address(struct virtio_pci_driver *driver, unsigned int bar)
{
	uint32_t low = config(driver, PCI_BASE_ADDRESS_0 + 4 * bar, 4);
	uint64_t high = 0;

	if (low & PCI_BASE_ADDRESS_MEM_TYPE_64)
		high = config(driver, PCI_BASE_ADDRESS_0 + 4 * bar + 4, 4);
	return high << 32 | (low & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK);
}

static void note_structure(struct virtio_pci_driver *driver, unsigned int at)
{
	uint64_t gpa = config(driver, at + VIRTIO_PCI_CAP_OFFSET, 4);

	gpa += bar_address(driver, config(driver, at + VIRTIO_PCI_CAP_BAR, 1) % 6);
	switch (config(driver, at + VIRTIO_PCI_CAP_CFG_TYPE, 1)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		driver->common = gpa;
		break;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		driver->notify = gpa;
		driver->notify_multiplier = config(driver, at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		break;
	case VIRTIO_PCI_CAP_ISR_CFG:
		driver->isr = gpa;
		break;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		driver->device = gpa;
		break;
	case VIRTIO_PCI_CAP_PCI_CFG:
		driver->window = at;
		break;
	}
}

void virtio_pci_driver_init(struct virtio_pci_driver *driver, struct test_machine *machine,
			    uint8_t devfn)
{
	*driver = (struct virtio_pci_driver){.machine = machine, .devfn = devfn};
	g_assert_cmphex(config(driver, PCI_VENDOR_ID, 2), ==, 0x1AF4);
	for (unsigned int at = config(driver, PCI_CAPABILITY_LIST, 1); at;
	     at = config(driver, at + PCI_CAP_LIST_NEXT, 1)) {
		uint32_t id = config(driver, at, 1);

		if (id == PCI_CAP_ID_VNDR)
			note_structure(driver, at);
		if (id == PCI_CAP_ID_MSIX) {
			uint32_t table = config(driver, at + PCI_MSIX_TABLE, 4);

			driver->msix = at;
			driver->msix_table = bar_address(driver, table & PCI_MSIX_TABLE_BIR) +
					     (table & PCI_MSIX_TABLE_OFFSET);
		}
	}
}

static uint64_t read_common(struct virtio_pci_driver *driver, unsigned int offset,
			    unsigned int size)
{
	return test_machine_read(driver->machine, driver->common + offset, size);
}

static void write_common(struct virtio_pci_driver *driver, unsigned int offset, unsigned int size,
			 uint64_t value)
{
	test_machine_write(driver->machine, driver->common + offset, size, value);
}

uint64_t virtio_pci_driver_features(struct virtio_pci_driver *driver)
{
	uint64_t low;

	write_common(driver, VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	low = read_common(driver, VIRTIO_PCI_COMMON_DF, 4);
	write_common(driver, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	return read_common(driver, VIRTIO_PCI_COMMON_DF, 4) << 32 | low;
}

uint8_t virtio_pci_driver_status(struct virtio_pci_driver *driver)
{
	return (uint8_t)read_common(driver, VIRTIO_PCI_COMMON_STATUS, 1);
}

void virtio_pci_driver_set_status(struct virtio_pci_driver *driver, uint8_t status)
{
	write_common(driver, VIRTIO_PCI_COMMON_STATUS, 1, status);
}

void virtio_pci_driver_reset(struct virtio_pci_driver *driver)
{
	virtio_pci_driver_set_status(driver, 0);
	for (unsigned int i = 0; virtio_pci_driver_status(driver) != 0; i++) {
		g_assert_cmpuint(i, <, POLLS);
		g_usleep(POLL_US);
	}
}

bool virtio_pci_driver_negotiate(struct virtio_pci_driver *driver, uint64_t features)
{
	const uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	virtio_pci_driver_reset(driver);
	virtio_pci_driver_set_status(driver, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_pci_driver_set_status(driver, status);
	write_common(driver, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	write_common(driver, VIRTIO_PCI_COMMON_GF, 4, (uint32_t)features);
	write_common(driver, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	write_common(driver, VIRTIO_PCI_COMMON_GF, 4, (uint32_t)(features >> 32));
	virtio_pci_driver_set_status(driver, status | VIRTIO_CONFIG_S_FEATURES_OK);
	return virtio_pci_driver_status(driver) & VIRTIO_CONFIG_S_FEATURES_OK;
}

void virtio_pci_driver_enable_msix(struct virtio_pci_driver *driver, unsigned int queues)
{
	for (unsigned int i = 0; i <= queues; i++) {
		uint64_t entry = driver->msix_table + (uint64_t)i * PCI_MSIX_ENTRY_SIZE;

		test_machine_write(driver->machine, entry + PCI_MSIX_ENTRY_LOWER_ADDR, 4,
				   0xFEE00000);
		test_machine_write(driver->machine, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 4, 0);
		test_machine_write(driver->machine, entry + PCI_MSIX_ENTRY_DATA, 4, 0x3f + i);
		test_machine_write(driver->machine, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
	}
	test_machine_config_write(driver->machine, driver->devfn, driver->msix + PCI_MSIX_FLAGS, 2,
				  PCI_MSIX_FLAGS_ENABLE);
	write_common(driver, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	g_assert_cmpuint(read_common(driver, VIRTIO_PCI_COMMON_MSIX, 2), ==, 0);
	for (unsigned int i = 0; i < queues; i++) {
		write_common(driver, VIRTIO_PCI_COMMON_Q_SELECT, 2, i);
		write_common(driver, VIRTIO_PCI_COMMON_Q_MSIX, 2, 1 + i);
		g_assert_cmpuint(read_common(driver, VIRTIO_PCI_COMMON_Q_MSIX, 2), ==, 1 + i);
	}
}

static void write_address(struct virtio_pci_driver *driver, unsigned int offset, uint64_t gpa)
{
	write_common(driver, offset, 4, (uint32_t)gpa);
	write_common(driver, offset + 4, 4, gpa >> 32);
}

void virtio_pci_driver_setup_queue(struct virtio_pci_driver *driver, uint16_t queue, uint16_t size,
				   bool event_idx)
{
	struct virtqueue_driver *ring = &driver->queues[queue];

	write_common(driver, VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	if (size)
		write_common(driver, VIRTIO_PCI_COMMON_Q_SIZE, 2, size);
	size = (uint16_t)read_common(driver, VIRTIO_PCI_COMMON_Q_SIZE, 2);
	virtqueue_driver_init(ring, driver->machine->host.memory,
			      TEST_MACHINE_QUEUES_GPA + 0x4000 * (uint64_t)queue, size, event_idx);
	write_address(driver, VIRTIO_PCI_COMMON_Q_DESCLO, ring->descriptor_gpa);
	write_address(driver, VIRTIO_PCI_COMMON_Q_AVAILLO, ring->available_gpa);
	write_address(driver, VIRTIO_PCI_COMMON_Q_USEDLO, ring->used_gpa);
	write_common(driver, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

void virtio_pci_driver_start(struct virtio_pci_driver *driver, uint64_t features,
			     unsigned int queues)
{
	bool event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;

	g_assert_true(virtio_pci_driver_negotiate(driver, features));
	virtio_pci_driver_enable_msix(driver, queues);
	for (uint16_t i = 0; i < queues; i++)
		virtio_pci_driver_setup_queue(driver, i, /* size= */ 0, event_idx);
	virtio_pci_driver_set_status(driver,
				     virtio_pci_driver_status(driver) | VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_pci_driver_kick(struct virtio_pci_driver *driver, uint16_t queue)
{
	uint64_t gpa = driver->notify + queue * (uint64_t)driver->notify_multiplier;

	if (!virtqueue_driver_needs_kick(&driver->queues[queue]))
		return;
	driver->kicks++;
	if (fake_ioeventfds_write(&driver->machine->ioeventfds, gpa))
		return;
	driver->exits++;
	test_machine_write(driver->machine, gpa, 2, queue);
}

uint16_t virtio_pci_driver_wait(struct virtio_pci_driver *driver, uint16_t queue,
				uint32_t *ret_written)
{
	uint16_t head;

	for (unsigned int i = 0; i < POLLS; i++) {
		if (virtqueue_driver_collect(&driver->queues[queue], &head, ret_written))
			return head;
		g_usleep(POLL_US);
	}
	g_error("the device does not return the request");
}

static void copy_memory(struct guest_memory *from, struct guest_memory *to)
{
	static const struct {
		uint64_t first, end;
	} parts[] = {{0, 0xa0000}, {0x100000, TEST_MACHINE_MEMORY}}; /* around the video window */

	for (unsigned int i = 0; i < G_N_ELEMENTS(parts); i++) {
		size_t length = parts[i].end - parts[i].first;

		memcpy(guest_memory_at(to, parts[i].first, length),
		       guest_memory_at(from, parts[i].first, length), length);
	}
}

void virtio_pci_driver_carry_over(struct virtio_pci_driver *driver, struct virtio_device *device,
				  struct test_machine *other, struct virtio_device *other_device)
{
	static struct state_block block;
	struct state_writer *writer = state_block_write(&block);
	struct state_reader *reader;
	int r;

	pci_host_bridge_save(driver->machine->host.bridge, writer);
	virtio_device_save(device, writer);
	state_block_written(&block);
	copy_memory(driver->machine->host.memory, other->host.memory);
	reader = state_block_read(&block);
	r = pci_host_bridge_load(other->host.bridge, reader);
	if (r == 0)
		r = virtio_device_load(other_device, reader);
	state_block_loaded(&block, r);
	driver->machine = other;
	for (unsigned int i = 0; i < TEST_MACHINE_MAX_QUEUES; i++)
		driver->queues[i].memory = other->host.memory;
	virtio_device_resume(other_device);
}
