/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's driver of one port of an AHCI adapter, for tests: works it through its registers and
 * structures in guest memory only (AHCI 1.3.1, chapters 3 and 4).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio-pci-driver.h"

enum {
	/* Registers of the adapter, and of a port from 0x100 + 0x80 * port on. */
	AHCI_CAP = 0x00,
	AHCI_GHC = 0x04,
	AHCI_IS = 0x08,
	AHCI_PI = 0x0C,
	AHCI_VS = 0x10,
	AHCI_PXCLB = 0x00,
	AHCI_PXCLBU = 0x04,
	AHCI_PXFB = 0x08,
	AHCI_PXFBU = 0x0C,
	AHCI_PXIS = 0x10,
	AHCI_PXIE = 0x14,
	AHCI_PXCMD = 0x18,
	AHCI_PXTFD = 0x20,
	AHCI_PXSIG = 0x24,
	AHCI_PXSSTS = 0x28,
	AHCI_PXSCTL = 0x2C,
	AHCI_PXSERR = 0x30,
	AHCI_PXSACT = 0x34,
	AHCI_PXCI = 0x38,

	AHCI_CMD_ST = 1 << 0,
	AHCI_CMD_FRE = 1 << 4,
	AHCI_CMD_FR = 1 << 14,
	AHCI_CMD_CR = 1 << 15,

	AHCI_IS_REGISTER = 1 << 0,
	AHCI_IS_PIO_SETUP = 1 << 1,
	AHCI_IS_DEVICE_BITS = 1 << 3,
	AHCI_IS_OVERFLOW = 1 << 24,
	AHCI_IS_INTERFACE = 1 << 27,
	AHCI_IS_HOST_BUS = 1 << 29,
	AHCI_IS_TASK_FILE = 1 << 30,

	/* In the received FIS area. */
	AHCI_RECEIVED_PIO_SETUP = 0x20,
	AHCI_RECEIVED_REGISTER = 0x40,
	AHCI_RECEIVED_DEVICE_BITS = 0x58,

	/* Where a driver has its structures; each port has 64 KiB. Data are the test's from 1 MiB.
	 */
	AHCI_DRIVER_GPA = 0x20000,
	AHCI_DRIVER_DATA = 0x100000,
};

struct ahci_driver {
	struct test_machine *machine;
	unsigned int port;
	uint64_t registers; /* guest-physical, of the adapter */
	uint64_t list, received;
};

struct ahci_region {
	uint64_t gpa;
	uint32_t length;
};

struct ahci_request {
	uint8_t command, device, control;
	uint16_t features, count;
	uint64_t lba;
	bool is_control; /* the FIS writes the control register only */
	const uint8_t *packet;
	size_t packet_length;
	const struct ahci_region *regions;
	unsigned int region_count;
};

/* Finds the registers of the adapter at 00:1f.2, whose BAR has been assigned. */
void ahci_driver_init(struct ahci_driver *driver, struct test_machine *machine, unsigned int port);
/* Gives the port its structures and starts it. */
void ahci_driver_start(struct ahci_driver *driver);

uint32_t ahci_driver_read_host(struct ahci_driver *driver, unsigned int offset);
void ahci_driver_write_host(struct ahci_driver *driver, unsigned int offset, uint32_t value);
uint32_t ahci_driver_read(struct ahci_driver *driver, unsigned int offset);
void ahci_driver_write(struct ahci_driver *driver, unsigned int offset, uint32_t value);
/* Waits, at most ten seconds, until these bits of a port's register have this value. */
void ahci_driver_wait(struct ahci_driver *driver, unsigned int offset, uint32_t mask,
		      uint32_t value);

uint64_t ahci_driver_table(const struct ahci_driver *driver, unsigned int slot);
/* Fills header and table of a slot. */
void ahci_driver_prepare(struct ahci_driver *driver, unsigned int slot,
			 const struct ahci_request *request);
/* Bytes that a slot's command is said to have moved. */
uint32_t ahci_driver_moved(struct ahci_driver *driver, unsigned int slot);
/* Clears PxIS, issues the request in slot 0 and waits for its end. PxTFD. */
uint32_t ahci_driver_run(struct ahci_driver *driver, const struct ahci_request *request);
/* After an error: empties the list and starts it again. */
void ahci_driver_restart(struct ahci_driver *driver);

/* A byte of the received FIS area. */
uint8_t ahci_driver_received(struct ahci_driver *driver, unsigned int offset);
void ahci_driver_clear_received(struct ahci_driver *driver);
