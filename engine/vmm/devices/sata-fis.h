/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What travels on a SATA link (Serial ATA 3.2, FIS types): the frames by which a host's registers
 * get to a drive and a drive's get back. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The registers of a drive, as a command finds them or leaves them (ACS-3). */
struct ata_taskfile {
	uint8_t command;
	uint16_t features;
	uint64_t lba; /* 48 bits */
	uint8_t device;
	uint16_t count;
	uint8_t control;
};

/* Bits of the status register and of the error register. */
enum {
	ATA_STATUS_ERROR = 0x01,
	ATA_STATUS_TRANSFER = 0x08, /* data request */
	ATA_STATUS_FAULT = 0x20,
	ATA_STATUS_READY = 0x50, /* and seek complete, which old drivers look for */
	ATA_STATUS_BUSY = 0x80,

	ATA_ERROR_ABORTED = 0x04,
	ATA_ERROR_ID_NOT_FOUND = 0x10,
	ATA_ERROR_UNCORRECTABLE = 0x40,

	ATA_CONTROL_RESET = 0x04,
};

enum {
	SATA_FIS_COMMAND_SIZE = 20,
	SATA_FIS_REGISTER_SIZE = 20,
	SATA_FIS_PIO_SETUP_SIZE = 20,
	SATA_FIS_DEVICE_BITS_SIZE = 8,
};

enum sata_fis_kind {
	SATA_FIS_UNKNOWN,
	SATA_FIS_COMMAND,
	SATA_FIS_CONTROL, /* the control register only */
};

/* Reads a host-to-device register FIS. */
enum sata_fis_kind sata_fis_parse(const uint8_t fis[SATA_FIS_COMMAND_SIZE],
				  struct ata_taskfile *ret_taskfile);

/* Device to host. interrupt: the I bit. */
void sata_fis_register(const struct ata_taskfile *taskfile, uint8_t status, uint8_t error,
		       bool interrupt, uint8_t ret_fis[SATA_FIS_REGISTER_SIZE]);
/* Before length bytes that the drive sends in PIO mode, after which its status is `status`. */
void sata_fis_pio_setup(const struct ata_taskfile *taskfile, uint8_t status, uint16_t length,
			uint8_t ret_fis[SATA_FIS_PIO_SETUP_SIZE]);
/* Queued commands are done: one bit each. */
void sata_fis_device_bits(uint8_t status, uint8_t error, uint32_t done,
			  uint8_t ret_fis[SATA_FIS_DEVICE_BITS_SIZE]);
