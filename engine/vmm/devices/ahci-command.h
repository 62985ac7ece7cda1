/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One command from the command list of an AHCI port (AHCI 1.3.1, section 4.2): what the guest asks,
 * where its data are, and how a drive moves them and answers.
 *
 * Device lock held, main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block/block-backend.h"
#include "devices/ahci-prdt.h"
#include "devices/sata-fis.h"

struct ahci_drive;
struct ahci_port;

enum {
	AHCI_COMMAND_PACKET_SIZE = 16,
	AHCI_COMMAND_BUFFERS = 256, /* of one step; enough for a sector, however it is scattered */
};

/* The port's, from when it is taken from the command list until it has ended. */
struct ahci_command {
	struct block_request io;
	struct ahci_port *port;
	struct ahci_drive *drive;
	struct ahci_command *next_free;
	unsigned int slot;
	enum sata_fis_kind kind;
	struct ata_taskfile taskfile; /* a drive changes it to what the registers read afterwards */
	uint8_t packet[AHCI_COMMAND_PACKET_SIZE];
	bool queued;

	uint64_t header_gpa;
	struct ahci_prdt prdt;
	uint32_t moved; /* bytes to or from guest memory so far */
	bool overflow;  /* the guest's table was too short */
	uint64_t left;  /* of a transfer, not yet submitted */
	void (*done)(struct ahci_command *command, int result);
	struct iovec iov[AHCI_COMMAND_BUFFERS];

	/* How it has ended. */
	bool fault;  /* a structure of the guest's is outside RAM */
	bool pio_in; /* it sent data in PIO mode, so no register FIS follows */
	uint8_t status, error;
};

/*
 * Copies the command of a slot out of guest memory. 0, -EFAULT when it is outside RAM, -EPROTO when
 * it is not made of what a drive understands.
 */
int ahci_command_fetch(struct ahci_command *command, const struct guest_memory *memory,
		       uint64_t list_gpa, unsigned int slot);

/* For drives: the ways a command ends. The command is gone after each. */
void ahci_command_finish(struct ahci_command *command);
void ahci_command_fail(struct ahci_command *command, uint8_t status, uint8_t error);
/* Sends the bytes, as many as the guest has room for, and finishes. */
void ahci_command_reply(struct ahci_command *command, const void *bytes, size_t length);

/*
 * For drives: the ways a command goes on. done is called with 0 or negative errno, unless the guest
 * has lost interest, when the command ends by itself.
 */
/* Between disk and guest memory, in steps; a read ends early where the guest has no more room. */
void ahci_command_transfer(struct ahci_command *command, enum block_operation operation,
			   uint64_t offset, uint64_t length,
			   void (*done)(struct ahci_command *command, int result));
/* Without data. */
void ahci_command_submit(struct ahci_command *command, enum block_operation operation,
			 uint64_t offset, uint64_t length,
			 void (*done)(struct ahci_command *command, int result));
/* Takes bytes the guest sends with its command. False: the command has ended. */
bool ahci_command_receive(struct ahci_command *command, void *buffer, size_t length);
