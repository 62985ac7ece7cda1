/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small PC with a PCI bus and no CPU, and a driver that works a virtio function on it through
 * its registers only, as a guest does (virtio 1.2, sections 3.1.1 and 4.1).
 *
 * The guest's part of a test runs in a thread of its own while the test's main thread runs the
 * event loop, as vCPU and main thread do. Addresses below 64 KiB of guest memory are the test's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fake-interrupts.h"
#include "fake-ioeventfds.h"
#include "virtio/virtio-devices.h"
#include "virtqueue-driver.h"

struct address_space;

enum {
	TEST_MACHINE_MEMORY = 4 << 20,
	TEST_MACHINE_DEVFN = 2 << 3,
	TEST_MACHINE_QUEUES_GPA = 0x10000, /* each queue has 16 KiB from here on */
	TEST_MACHINE_MAX_QUEUES = 12,
	TEST_MACHINE_BUFFERS_GPA = 0x40000,
};

struct test_machine {
	struct virtio_host host;
	struct address_space *ports, *mmio;
	struct fake_interrupts interrupts;
	struct fake_ioeventfds ioeventfds;
	int call_fd;
	void (*call)(void *data); /* NULL: none is waiting */
	void *call_data;
};

void test_machine_init(struct test_machine *machine);
/* Every device must be gone. */
void test_machine_finish(struct test_machine *machine);
/* Runs guest in a thread beside the event loop, until it returns. Once per machine. */
void test_machine_run(struct test_machine *machine, void (*guest)(void *data), void *data);

/* From the guest's thread: runs call on the main thread, with the device lock held, and waits. */
void test_machine_call(struct test_machine *machine, void (*call)(void *data), void *data);

/* Accesses by the guest: they take the device lock. */
uint32_t test_machine_config_read(struct test_machine *machine, uint8_t devfn, unsigned int offset,
				  unsigned int size);
void test_machine_config_write(struct test_machine *machine, uint8_t devfn, unsigned int offset,
			       unsigned int size, uint32_t value);
uint64_t test_machine_read(struct test_machine *machine, uint64_t gpa, unsigned int size);
void test_machine_write(struct test_machine *machine, uint64_t gpa, unsigned int size,
			uint64_t value);

struct virtio_pci_driver {
	struct test_machine *machine;
	uint8_t devfn;
	uint64_t common, isr, device, notify; /* guest-physical; 0: no such structure */
	uint32_t notify_multiplier;
	unsigned int window; /* offset of the PCI_CFG capability */
	unsigned int msix;   /* offset of the MSI-X capability */
	uint64_t msix_table; /* guest-physical */
	unsigned int exits;  /* notifications that no eventfd took */
	unsigned int kicks;  /* notifications */
	struct virtqueue_driver queues[TEST_MACHINE_MAX_QUEUES];
};

/* Finds the structures of a function whose BARs have been assigned. */
void virtio_pci_driver_init(struct virtio_pci_driver *driver, struct test_machine *machine,
			    uint8_t devfn);

uint64_t virtio_pci_driver_features(struct virtio_pci_driver *driver);
uint8_t virtio_pci_driver_status(struct virtio_pci_driver *driver);
void virtio_pci_driver_set_status(struct virtio_pci_driver *driver, uint8_t status);
/* Asks for a reset and waits until the device reads as reset. */
void virtio_pci_driver_reset(struct virtio_pci_driver *driver);
/* Reset, acknowledge, accept these features; whether the device agrees. */
bool virtio_pci_driver_negotiate(struct virtio_pci_driver *driver, uint64_t features);
/* Enables MSI-X and gives vector 0 to configuration, vector 1 + n to queue n: data 0x40 + n. */
void virtio_pci_driver_enable_msix(struct virtio_pci_driver *driver, unsigned int queues);
/* size 0: as large as the device offers. */
void virtio_pci_driver_setup_queue(struct virtio_pci_driver *driver, uint16_t queue, uint16_t size,
				   bool event_idx);
/* All of it: negotiate, MSI-X, queues, DRIVER_OK. */
void virtio_pci_driver_start(struct virtio_pci_driver *driver, uint64_t features,
			     unsigned int queues);

/* Notifies the device of what was added, if it wants to know. */
void virtio_pci_driver_kick(struct virtio_pci_driver *driver, uint16_t queue);
/* Waits for the next request to come back, at most ten seconds; its head. */
uint16_t virtio_pci_driver_wait(struct virtio_pci_driver *driver, uint16_t queue,
				uint32_t *ret_written);

/*
 * The machine as it is goes on in another one, with the device of the same kind there: bus, device
 * and memory. The driver, which is not running, drives that one from now on.
 */
void virtio_pci_driver_carry_over(struct virtio_pci_driver *driver, struct virtio_device *device,
				  struct test_machine *other, struct virtio_device *other_device);
