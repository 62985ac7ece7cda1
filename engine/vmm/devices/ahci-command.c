/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command of an AHCI port: see ahci-command.h. Section numbers are of AHCI 1.3.1.
 */
#include "devices/ahci-command.h"

#include <errno.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/iov.h"
#include "devices/ahci-drive.h"
#include "devices/ahci-port.h"
#include "memory/guest-memory.h"

enum {
	/* command header, section 4.2.2 */
	HEADER_SIZE = 32,
	HEADER_FIS_LENGTH = 0x1f, /* in units of four bytes */
	HEADER_TABLE = 8,

	/* command table, section 4.2.3 */
	TABLE_PACKET = 0x40,
	TABLE_PRDT = 0x80,

	SECTOR_SIZE = 512,
	/* One step is done in one go when the host has it cached, and others wait meanwhile. */
	STEP_BYTES = 2 << 20,
};

static const uint64_t table_mask = ~127ULL;

int ahci_command_fetch(struct ahci_command *command, const struct guest_memory *memory,
		       uint64_t list_gpa, unsigned int slot)
{
	uint8_t header[HEADER_SIZE], fis[SATA_FIS_COMMAND_SIZE];
	uint64_t header_gpa = list_gpa + slot * HEADER_SIZE, table_gpa;

	command->slot = slot;
	command->header_gpa = header_gpa;
	command->moved = 0;
	command->overflow = command->fault = command->pio_in = command->queued = false;
	if (guest_memory_read(memory, header_gpa, header, sizeof(header)) < 0)
		return -EFAULT;
	table_gpa = load_le64(header + HEADER_TABLE) & table_mask;
	if (guest_memory_read(memory, table_gpa, fis, sizeof(fis)) < 0 ||
	    guest_memory_read(memory, table_gpa + TABLE_PACKET, command->packet,
			      sizeof(command->packet)) < 0)
		return -EFAULT;
	ahci_prdt_init(&command->prdt, memory, table_gpa + TABLE_PRDT, load_le16(header + 2));
	command->kind = sata_fis_parse(fis, &command->taskfile);
	if (command->kind == SATA_FIS_UNKNOWN ||
	    (header[0] & HEADER_FIS_LENGTH) * 4 < SATA_FIS_COMMAND_SIZE)
		return -EPROTO;
	return 0;
}

static void end(struct ahci_command *command, uint8_t status, uint8_t error)
{
	command->status = status;
	command->error = error;
	ahci_port_finish(command->port, command);
}

static void end_by_fault(struct ahci_command *command)
{
	command->fault = true;
	end(command, ATA_STATUS_READY | ATA_STATUS_ERROR, ATA_ERROR_ABORTED);
}

void ahci_command_finish(struct ahci_command *command)
{
	end(command, ATA_STATUS_READY, 0);
}

void ahci_command_fail(struct ahci_command *command, uint8_t status, uint8_t error)
{
	/* What began as PIO ends with a register FIS when it fails. */
	command->pio_in = false;
	end(command, status, error);
}

/* Buffers */

void ahci_command_reply(struct ahci_command *command, const void *bytes, size_t length)
{
	size_t sent = 0;

	while (sent < length) {
		unsigned int count;
		int64_t piece = ahci_prdt_next(&command->prdt, command->iov, AHCI_COMMAND_BUFFERS,
					       (uint32_t)(length - sent), /* granule= */ 1, &count);

		if (piece < 0) {
			end_by_fault(command);
			return;
		}
		command->overflow = piece == 0;
		if (piece == 0)
			break;
		sent += iov_write(command->iov, count, 0, (const char *)bytes + sent,
				  (size_t)piece);
	}
	command->moved = (uint32_t)sent;
	ahci_command_finish(command);
}

bool ahci_command_receive(struct ahci_command *command, void *buffer, size_t length)
{
	size_t taken = 0;

	while (taken < length) {
		unsigned int count;
		int64_t piece =
			ahci_prdt_next(&command->prdt, command->iov, AHCI_COMMAND_BUFFERS,
				       (uint32_t)(length - taken), /* granule= */ 1, &count);

		if (piece < 0) {
			end_by_fault(command);
			return false;
		}
		if (piece == 0) {
			command->overflow = true;
			ahci_command_fail(command, ATA_STATUS_READY | ATA_STATUS_ERROR,
					  ATA_ERROR_ABORTED);
			return false;
		}
		taken += iov_read(command->iov, count, 0, (char *)buffer + taken, (size_t)piece);
	}
	command->moved = (uint32_t)taken;
	return true;
}

/* Requests */

static struct ahci_command *from_io(struct block_request *io)
{
	return (void *)((char *)io - offsetof(struct ahci_command, io));
}

static void submit_step(struct ahci_command *command);

static void on_complete(struct block_request *io, int result)
{
	struct ahci_command *command = from_io(io);
	uint64_t length = io->length;

	if (ahci_port_has_given_up(command->port)) {
		ahci_command_finish(command);
		return;
	}
	if (result < 0) {
		command->done(command, result);
		return;
	}
	if (io->operation == BLOCK_READ || io->operation == BLOCK_WRITE)
		command->moved += (uint32_t)length;
	io->offset += length;
	if (command->left > 0)
		submit_step(command);
	else
		command->done(command, 0);
}

/* There is data left and nowhere to put it, or nothing more where it should come from. */
static void end_of_table(struct ahci_command *command)
{
	command->overflow = true;
	command->left = 0;
	command->done(command, command->io.operation == BLOCK_READ ? 0 : -EMSGSIZE);
}

static void submit_step(struct ahci_command *command)
{
	struct block_request *io = &command->io;
	uint32_t limit = command->left < STEP_BYTES ? (uint32_t)command->left : STEP_BYTES;
	int64_t piece = ahci_prdt_next(&command->prdt, command->iov, AHCI_COMMAND_BUFFERS, limit,
				       SECTOR_SIZE, &io->iov_count);

	if (piece < 0) {
		end_by_fault(command);
	} else if (piece == 0) {
		end_of_table(command);
	} else {
		io->length = (uint64_t)piece;
		command->left -= (uint64_t)piece;
		block_backend_submit(command->drive->backend, io);
	}
}

static void prepare(struct ahci_command *command, enum block_operation operation, uint64_t offset,
		    void (*done)(struct ahci_command *command, int result))
{
	command->io.operation = operation;
	command->io.offset = offset;
	command->io.iov = command->iov;
	command->io.complete = on_complete;
	command->left = 0;
	command->done = done;
}

void ahci_command_transfer(struct ahci_command *command, enum block_operation operation,
			   uint64_t offset, uint64_t length,
			   void (*done)(struct ahci_command *command, int result))
{
	prepare(command, operation, offset, done);
	command->left = length;
	if (length > 0)
		submit_step(command);
	else
		done(command, 0);
}

void ahci_command_submit(struct ahci_command *command, enum block_operation operation,
			 uint64_t offset, uint64_t length,
			 void (*done)(struct ahci_command *command, int result))
{
	prepare(command, operation, offset, done);
	command->io.length = length;
	block_backend_submit(command->drive->backend, &command->io);
}
