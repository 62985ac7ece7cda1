/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A SATA adapter with a disk on port 0 and a CD-ROM drive on port 2, over disks in memory that
 * complete when the test says so, and their drivers. The guest's part of a test runs in a thread.
 */
#pragma once

#include "ahci-driver.h"
#include "devices/ahci.h"
#include "fake-block-backend.h"
#include "state-block.h"

enum {
	AHCI_FIXTURE_DISK_PORT = 0,
	AHCI_FIXTURE_CDROM_PORT = 2,
	AHCI_FIXTURE_DISK_SIZE = 8 << 20,
	AHCI_FIXTURE_SECTORS = AHCI_FIXTURE_DISK_SIZE / 512,
	AHCI_FIXTURE_BLOCKS = 64, /* of the CD; the last one is there by half */
	AHCI_FIXTURE_CDROM_SIZE = AHCI_FIXTURE_BLOCKS * 2048 - 1024,
};

struct ahci_fixture {
	struct test_machine machine;
	struct ahci *ahci;
	struct block_backend *disk_backend, *cdrom_backend;
	struct ahci_driver disk, cdrom; /* started */
	uint8_t disk_contents[AHCI_FIXTURE_DISK_SIZE];
	uint8_t cdrom_contents[AHCI_FIXTURE_CDROM_SIZE];
	/* what a call on the main thread is to do, and has done */
	struct block_backend *backend;
	int argument;
	bool flag;
	struct state_block *block;
};

enum ahci_fixture_options {
	AHCI_FIXTURE_AUTOMATIC = 1, /* requests complete by themselves */
	AHCI_FIXTURE_READ_ONLY = 2, /* the disk is */
	AHCI_FIXTURE_EMPTY = 4,     /* the CD-ROM drive is */
};

void ahci_fixture_run(unsigned int options, void (*guest)(struct ahci_fixture *fixture));

/* For the guest's thread. */
/* Waits until so many requests are in flight. */
void ahci_fixture_wait_in_flight(struct ahci_fixture *fixture, struct block_backend *backend,
				 unsigned int count);
/* Completes so many requests, in order. */
void ahci_fixture_complete(struct ahci_fixture *fixture, struct block_backend *backend,
			   unsigned int count);
/* Completes the first request with an error. */
void ahci_fixture_fail(struct ahci_fixture *fixture, struct block_backend *backend, int error);
/* The host changes the medium. */
int ahci_fixture_insert(struct ahci_fixture *fixture, bool force);
int ahci_fixture_eject(struct ahci_fixture *fixture, bool force);

/* Saves the adapter with its bus, once what it has taken is complete. */
void ahci_fixture_save(struct ahci_fixture *fixture, struct state_block *block);
/* It goes on from there: 0; or -EPROTO, and is only good for being destroyed. */
int ahci_fixture_load(struct ahci_fixture *fixture, struct state_block *block);

/* Guest memory for data, from AHCI_DRIVER_DATA on. */
uint8_t *ahci_fixture_data(struct ahci_fixture *fixture);
/* A command of the disk with one buffer at AHCI_DRIVER_DATA. PxTFD. */
uint32_t ahci_fixture_disk_command(struct ahci_fixture *fixture, uint8_t command, uint64_t lba,
				   uint16_t count, uint32_t length);
/* A packet with one buffer at AHCI_DRIVER_DATA (length 0: none). PxTFD. */
uint32_t ahci_fixture_packet(struct ahci_fixture *fixture, const uint8_t packet[12],
			     uint32_t length);
