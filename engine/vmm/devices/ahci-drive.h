/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A drive on a port of the AHCI adapter: what ATA disk and CD-ROM drive have in common. Embedded in
 * each. Device lock held; commands are carried out on the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ahci_command;
struct ahci_drive;
struct block_backend;
struct state_reader;
struct state_writer;

struct ahci_drive_ops {
	/* Carries a command out; sooner or later it ends with one of the calls of ahci-command.h.
	 */
	void (*execute)(struct ahci_drive *drive, struct ahci_command *command);
	/* Back to power-on settings; no command is under way. Any thread. */
	void (*reset)(struct ahci_drive *drive);
	void (*destroy)(struct ahci_drive *drive);
	/* No command is under way; problems are told the reader. */
	void (*save)(const struct ahci_drive *drive, struct state_writer *writer);
	void (*load)(struct ahci_drive *drive, struct state_reader *reader);
};

struct ahci_drive {
	const struct ahci_drive_ops *ops;
	struct block_backend *backend; /* borrowed */
	uint64_t signature;            /* LBA register after a reset, which tells kinds apart */
	uint8_t reset_status;          /* status register after a reset */
	bool queues;                   /* knows native command queuing */
};

enum { AHCI_DRIVE_SERIAL_LENGTH = 20 };

/*
 * A disk of ACS-3. serial: at most AHCI_DRIVE_SERIAL_LENGTH bytes, or NULL; port: for one without.
 * 0 or -ENOMEM. The backend must outlive it.
 */
int ata_disk_create(struct block_backend *backend, const char *serial, unsigned int port,
		    struct ahci_drive **ret_drive);
/* A CD-ROM drive of MMC-6 over a removable backend. */
int atapi_cdrom_create(struct block_backend *backend, unsigned int port,
		       struct ahci_drive **ret_drive);

/* The host's hand at a CD-ROM drive: see ahci.h. */
int atapi_cdrom_insert(struct ahci_drive *drive, int fd, bool force);
int atapi_cdrom_eject(struct ahci_drive *drive, bool force);
bool atapi_cdrom_loaded(const struct ahci_drive *drive);
