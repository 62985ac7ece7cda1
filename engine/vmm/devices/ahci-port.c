/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A port of the AHCI adapter: see ahci-port.h. Section numbers are of AHCI 1.3.1.
 */
#include "devices/ahci-port.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/byte-order.h"
#include "base/log.h"
#include "devices/ahci-drive.h"
#include "memory/guest-memory.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

/* Registers, section 3.3 */
enum {
	PX_CLB = 0x00,
	PX_CLBU = 0x04,
	PX_FB = 0x08,
	PX_FBU = 0x0C,
	PX_IS = 0x10,
	PX_IE = 0x14,
	PX_CMD = 0x18,
	PX_TFD = 0x20,
	PX_SIG = 0x24,
	PX_SSTS = 0x28,
	PX_SCTL = 0x2C,
	PX_SACT = 0x34,
	PX_CI = 0x38,
};

#define IS_REGISTER    (1u << 0)
#define IS_PIO_SETUP   (1u << 1)
#define IS_DEVICE_BITS (1u << 3)
#define IS_OVERFLOW    (1u << 24)
#define IS_INTERFACE   (1u << 27)
#define IS_HOST_BUS    (1u << 29)
#define IS_TASK_FILE   (1u << 30)
#define IE_WRITABLE    0xfdc000ffu

#define CMD_START           (1u << 0)
#define CMD_SPIN_UP         (1u << 1)
#define CMD_POWER_ON        (1u << 2)
#define CMD_RECEIVE         (1u << 4)
#define CMD_SLOT_SHIFT      8
#define CMD_RECEIVE_RUNNING (1u << 14)
#define CMD_LIST_RUNNING    (1u << 15)
/* Start, receive, and what is only remembered: ATAPI and its LED. */
#define CMD_WRITABLE (CMD_START | CMD_RECEIVE | 1u << 24 | 1u << 25)

#define SSTS_PRESENT  0x001u
#define SSTS_LINK_UP  0x123u /* device, second generation, active */
#define SSTS_OFFLINE  0x004u
#define SCTL_DETECT   0xfu
#define SCTL_RESET    1u
#define SCTL_OFFLINE  4u
#define SCTL_WRITABLE 0xfffu

enum {
	TASK_FILE_NONE = 0x7f, /* no drive answers */
	RECEIVED_PIO_SETUP = 0x20,
	RECEIVED_REGISTER = 0x40,
	RECEIVED_DEVICE_BITS = 0x58,

	ATA_READ_QUEUED = 0x60,
	ATA_WRITE_QUEUED = 0x61,
	TAG_SHIFT = 3, /* in the count register of a queued command */
};

static const uint64_t list_mask = ~1023ULL, received_mask = ~255ULL;

/* What the guest is told */

static void raise_status(struct ahci_port *port, uint32_t bits)
{
	port->registers.interrupt_status |= bits;
	port->host->interrupt(port->host->adapter);
}

/* A structure of the guest's is not where it can be: the list stops (section 6.1.1). */
static void fail(struct ahci_port *port, uint32_t bits, const char *reason)
{
	log_guest_error("AHCI port %u: %s", port->number, reason);
	port->failed = true;
	raise_status(port, bits);
}

static void set_task_file(struct ahci_port *port, uint8_t status, uint8_t error)
{
	port->registers.task_file = (uint32_t)(status | error << 8);
}

static bool post(struct ahci_port *port, unsigned int offset, const uint8_t *fis, size_t size)
{
	if (!(port->registers.command & CMD_RECEIVE))
		return true;
	return guest_memory_write(port->host->memory, port->registers.received_fis + offset, fis,
				  size) == 0;
}

static void post_signature(struct ahci_port *port)
{
	const struct ata_taskfile taskfile = {.lba = port->drive->signature, .count = 1};
	uint8_t fis[SATA_FIS_REGISTER_SIZE];

	if (!(port->registers.command & CMD_RECEIVE))
		return;
	port->signature_pending = false;
	sata_fis_register(&taskfile, port->drive->reset_status, /* error= */ 1,
			  /* interrupt= */ false, fis);
	if (!post(port, RECEIVED_REGISTER, fis, sizeof(fis)))
		fail(port, IS_HOST_BUS, "received FIS area outside memory");
}

/* The drive has been reset, and says what it is. */
static void announce_drive(struct ahci_port *port)
{
	set_task_file(port, port->drive->reset_status, /* error= */ 1);
	port->registers.signature = (uint32_t)port->drive->signature << 8 | 1;
	port->signature_pending = true;
	post_signature(port);
}

/* Commands */

static struct ahci_command *claim(struct ahci_port *port)
{
	struct ahci_command *command = port->free;

	port->in_flight++;
	if (command) {
		port->free = command->next_free;
		return command;
	}
	assert(port->fresh < AHCI_PORT_COMMANDS + 1);
	command = &port->commands[port->fresh++];
	command->port = port;
	command->drive = port->drive;
	return command;
}

static void release(struct ahci_port *port, struct ahci_command *command)
{
	if (command == port->busy)
		port->busy = NULL;
	command->next_free = port->free;
	port->free = command;
	port->in_flight--;
}

/* A register that only writes of the control register change: soft reset (section 10.4.1). */
static void control(struct ahci_port *port, struct ahci_command *command)
{
	bool reset = command->taskfile.control & ATA_CONTROL_RESET;
	bool released = port->soft_reset && !reset;

	port->registers.issue &= ~(1u << command->slot);
	port->soft_reset = reset;
	release(port, command);
	if (!released)
		return;
	port->drive->ops->reset(port->drive);
	announce_drive(port);
}

static void start_busy(struct ahci_port *port)
{
	struct ahci_command *command = port->busy;

	port->busy_waits = false;
	if (ahci_port_has_given_up(port))
		ahci_command_finish(command);
	else if (command->kind == SATA_FIS_CONTROL)
		control(port, command);
	else
		port->drive->ops->execute(port->drive, command);
}

/* The drive takes it and is free for the next at once (Serial ATA, native command queuing). */
static void accept_queued(struct ahci_port *port, struct ahci_command *command)
{
	uint32_t bit = 1u << command->slot;
	bool in_use = port->outstanding & bit;

	command->queued = true;
	port->registers.issue &= ~bit;
	port->registers.active |= bit;
	port->outstanding |= bit;
	if (in_use || command->taskfile.count >> TAG_SHIFT != command->slot)
		ahci_command_fail(command, ATA_STATUS_READY | ATA_STATUS_ERROR, ATA_ERROR_ABORTED);
	else
		port->drive->ops->execute(port->drive, command);
}

static bool is_queued(const struct ahci_command *command)
{
	return command->drive->queues && command->kind == SATA_FIS_COMMAND &&
	       (command->taskfile.command == ATA_READ_QUEUED ||
		command->taskfile.command == ATA_WRITE_QUEUED);
}

static void take(struct ahci_port *port, unsigned int slot)
{
	struct ahci_command *command = claim(port);
	int r = ahci_command_fetch(command, port->host->memory, port->registers.command_list, slot);

	port->current_slot = slot;
	port->first_slot = (slot + 1) % AHCI_PORT_COMMANDS;
	if (r < 0) {
		release(port, command);
		fail(port, r == -EPROTO ? IS_INTERFACE : IS_HOST_BUS,
		     r == -EPROTO ? "no command for a drive" : "command outside memory");
	} else if (is_queued(command)) {
		accept_queued(port, command);
	} else {
		port->busy = command;
		port->busy_waits = true;
		if (port->in_flight == 1)
			start_busy(port);
	}
}

static bool may_take(const struct ahci_port *port)
{
	return !port->paused && port->link && !port->busy && !ahci_port_has_given_up(port) &&
	       (port->registers.command & CMD_START) && port->registers.issue;
}

/* In the order of slots, round and round (section 3.3.7, PxCMD.CCS). */
static unsigned int next_slot(const struct ahci_port *port)
{
	unsigned int slot = port->first_slot;

	while (!(port->registers.issue >> slot & 1))
		slot = (slot + 1) % AHCI_PORT_COMMANDS;
	return slot;
}

static void take_commands(struct ahci_port *port)
{
	while (may_take(port))
		take(port, next_slot(port));
}

/* What queued commands have finished, as one frame. */
static void tell_finished(struct ahci_port *port)
{
	uint8_t fis[SATA_FIS_DEVICE_BITS_SIZE];

	if (port->finished == 0 || ahci_port_has_given_up(port))
		return;
	sata_fis_device_bits(ATA_STATUS_READY, 0, port->finished, fis);
	port->registers.active &= ~port->finished;
	port->finished = 0;
	set_task_file(port, ATA_STATUS_READY, 0);
	if (!post(port, RECEIVED_DEVICE_BITS, fis, sizeof(fis)))
		fail(port, IS_HOST_BUS, "received FIS area outside memory");
	raise_status(port, IS_DEVICE_BITS);
}

static void on_batch(void *data)
{
	tell_finished(data);
}

void ahci_port_process(struct ahci_port *port)
{
	take_commands(port);
	block_backend_kick(port->drive->backend);
	/* What the host's cache could answer is done already. */
	block_backend_reap(port->drive->backend);
}

/* Ends of commands */

/* Where the guest looks how much of its data has moved (section 4.2.2, PRDBC). */
static bool store_moved(struct ahci_port *port, const struct ahci_command *command)
{
	uint8_t moved[4];

	store_le32(moved, command->moved);
	return guest_memory_write(port->host->memory, command->header_gpa + 4, moved,
				  sizeof(moved)) == 0;
}

static bool post_end(struct ahci_port *port, const struct ahci_command *command)
{
	uint8_t fis[SATA_FIS_REGISTER_SIZE];

	if (command->pio_in) {
		sata_fis_pio_setup(&command->taskfile, command->status, (uint16_t)command->moved,
				   fis);
		return post(port, RECEIVED_PIO_SETUP, fis, sizeof(fis));
	}
	sata_fis_register(&command->taskfile, command->status, command->error,
			  /* interrupt= */ true, fis);
	return post(port, RECEIVED_REGISTER, fis, sizeof(fis));
}

/* The guest finds the slot's bit still set when its command has failed (section 6.2.2.1). */
static void end_single(struct ahci_port *port, const struct ahci_command *command)
{
	bool failed = command->status & ATA_STATUS_ERROR;
	uint32_t bits = command->pio_in ? IS_PIO_SETUP : IS_REGISTER;

	if (!store_moved(port, command)) {
		fail(port, IS_HOST_BUS, "command list outside memory");
		return;
	}
	set_task_file(port, command->status, command->error);
	if (failed)
		port->failed = true;
	else
		port->registers.issue &= ~(1u << command->slot);
	if (!post_end(port, command)) {
		fail(port, IS_HOST_BUS, "received FIS area outside memory");
		return;
	}
	raise_status(port,
		     bits | (failed ? IS_TASK_FILE : 0) | (command->overflow ? IS_OVERFLOW : 0));
}

/* The drive gives up all other queued commands with it (Serial ATA, native command queuing). */
static void end_queued(struct ahci_port *port, const struct ahci_command *command)
{
	uint8_t fis[SATA_FIS_DEVICE_BITS_SIZE];
	uint32_t overflow = command->overflow ? IS_OVERFLOW : 0;

	if (!(command->status & ATA_STATUS_ERROR)) {
		port->outstanding &= ~(1u << command->slot);
		port->finished |= 1u << command->slot;
		if (overflow)
			raise_status(port, overflow);
		return;
	}
	tell_finished(port);
	port->failed = true;
	set_task_file(port, command->status, command->error);
	sata_fis_device_bits(command->status, command->error, 0, fis);
	if (!post(port, RECEIVED_DEVICE_BITS, fis, sizeof(fis))) {
		fail(port, IS_HOST_BUS, "received FIS area outside memory");
		return;
	}
	raise_status(port, IS_DEVICE_BITS | IS_TASK_FILE | overflow);
}

static void bring_link_up(struct ahci_port *port)
{
	port->link = true;
	port->soft_reset = false;
	port->drive->ops->reset(port->drive);
	announce_drive(port);
}

/* Everything that was given up has come back. */
static void settle(struct ahci_port *port)
{
	port->stopping = false;
	if (!port->link && (port->registers.control & SCTL_DETECT) == 0)
		bring_link_up(port);
	port->host->settled(port->host->adapter);
	/* A guest that did not wait may have issued commands already. */
	port->host->schedule(port->host->adapter);
}

void ahci_port_finish(struct ahci_port *port, struct ahci_command *command)
{
	if (ahci_port_has_given_up(port))
		; /* the memory may belong to something else */
	else if (command->fault)
		fail(port, IS_HOST_BUS, "data outside memory");
	else if (command->queued)
		end_queued(port, command);
	else
		end_single(port, command);
	release(port, command);
	if (port->stopping && port->in_flight == 0)
		settle(port);
	else if (port->busy && port->busy_waits && port->in_flight == 1)
		start_busy(port);
	else if (may_take(port))
		port->host->schedule(port->host->adapter);
}

/* Stopping */

/* The list is empty for the guest at once; what was taken from it ends unseen. */
static void stop(struct ahci_port *port)
{
	port->registers.issue = 0;
	port->registers.active = 0;
	port->outstanding = 0;
	port->finished = 0;
	port->failed = false;
	port->current_slot = port->first_slot = 0;
	if (port->in_flight == 0)
		return;
	port->stopping = true;
	block_backend_cancel_held(port->drive->backend);
}

static void take_link_down(struct ahci_port *port)
{
	port->link = false;
	port->signature_pending = false;
	set_task_file(port, TASK_FILE_NONE, 0);
	port->registers.signature = ~0u;
	stop(port);
}

void ahci_port_reset(struct ahci_port *port)
{
	const struct ahci_port_registers kept = port->registers;

	port->registers = (struct ahci_port_registers){
		.command_list = kept.command_list,
		.received_fis = kept.received_fis,
	};
	take_link_down(port);
	if (!port->stopping && !port->link)
		bring_link_up(port);
}

void ahci_port_reset_and_wait(struct ahci_port *port)
{
	struct block_backend *backend = port->drive->backend;

	port->registers.command_list = port->registers.received_fis = 0;
	ahci_port_reset(port);
	if (port->stopping) {
		/* A write that the host cannot store is held again: give it up too. */
		block_backend_drain(backend);
		block_backend_cancel_held(backend);
	}
	assert(port->in_flight == 0 && port->link);
}

void ahci_port_pause(struct ahci_port *port)
{
	port->paused = true;
}

void ahci_port_resume(struct ahci_port *port)
{
	port->paused = false;
	port->host->schedule(port->host->adapter);
}

/* Registers */

static uint32_t command_register(const struct ahci_port *port)
{
	uint32_t value = port->registers.command | CMD_SPIN_UP | CMD_POWER_ON;

	if (port->registers.command & CMD_START)
		value |= port->current_slot << CMD_SLOT_SHIFT;
	if (port->registers.command & CMD_RECEIVE)
		value |= CMD_RECEIVE_RUNNING;
	if ((port->registers.command & CMD_START) || port->stopping)
		value |= CMD_LIST_RUNNING;
	return value;
}

static uint32_t link_status(const struct ahci_port *port)
{
	uint32_t detect = port->registers.control & SCTL_DETECT;

	if (port->link)
		return SSTS_LINK_UP;
	if (detect == SCTL_OFFLINE)
		return SSTS_OFFLINE;
	/* Between the reset and the last of what it interrupted. */
	return detect == 0 ? SSTS_PRESENT : 0;
}

uint32_t ahci_port_read(const struct ahci_port *port, unsigned int offset)
{
	const struct ahci_port_registers *registers = &port->registers;

	switch (offset) {
	case PX_CLB:
		return (uint32_t)registers->command_list;
	case PX_CLBU:
		return (uint32_t)(registers->command_list >> 32);
	case PX_FB:
		return (uint32_t)registers->received_fis;
	case PX_FBU:
		return (uint32_t)(registers->received_fis >> 32);
	case PX_IS:
		return registers->interrupt_status;
	case PX_IE:
		return registers->interrupt_enable;
	case PX_CMD:
		return command_register(port);
	case PX_TFD:
		return registers->task_file | (port->busy && port->link ? ATA_STATUS_BUSY : 0);
	case PX_SIG:
		return registers->signature;
	case PX_SSTS:
		return link_status(port);
	case PX_SCTL:
		return registers->control;
	case PX_SACT:
		return registers->active;
	case PX_CI:
		return registers->issue;
	default:
		return 0;
	}
}

static void set_low(uint64_t *address, uint32_t value, uint64_t mask)
{
	*address = ((*address & ~0xffffffffULL) | value) & mask;
}

static void set_high(uint64_t *address, uint32_t value)
{
	*address = (*address & 0xffffffff) | (uint64_t)value << 32;
}

/* Section 3.3.7. Overriding the command list has no effect: the drive is never left busy. */
static void write_command(struct ahci_port *port, uint32_t value)
{
	uint32_t before = port->registers.command;

	port->registers.command = value & CMD_WRITABLE;
	if (before & ~value & CMD_START)
		stop(port);
	if (port->signature_pending)
		post_signature(port);
	if (value & CMD_START)
		port->host->schedule(port->host->adapter);
}

/* Section 3.3.11: while detection is 1 or 4 the link is down, and it comes up again with 0. */
static void write_control(struct ahci_port *port, uint32_t value)
{
	uint32_t before = port->registers.control & SCTL_DETECT, detect = value & SCTL_DETECT;

	port->registers.control = value & SCTL_WRITABLE;
	if (detect != before && (detect == SCTL_RESET || detect == SCTL_OFFLINE))
		take_link_down(port);
	if (detect == 0 && !port->link && !port->stopping)
		bring_link_up(port);
}

void ahci_port_write(struct ahci_port *port, unsigned int offset, uint32_t value)
{
	struct ahci_port_registers *registers = &port->registers;
	bool started = registers->command & CMD_START;

	switch (offset) {
	case PX_CLB:
		set_low(&registers->command_list, value, list_mask);
		break;
	case PX_CLBU:
		set_high(&registers->command_list, value);
		break;
	case PX_FB:
		set_low(&registers->received_fis, value, received_mask);
		break;
	case PX_FBU:
		set_high(&registers->received_fis, value);
		break;
	case PX_IS:
		registers->interrupt_status &= ~value;
		port->host->interrupt(port->host->adapter);
		break;
	case PX_IE:
		registers->interrupt_enable = value & IE_WRITABLE;
		port->host->interrupt(port->host->adapter);
		break;
	case PX_CMD:
		write_command(port, value);
		break;
	case PX_SCTL:
		write_control(port, value);
		break;
	case PX_SACT:
		if (started)
			registers->active |= value;
		break;
	case PX_CI:
		if (started) {
			registers->issue |= value;
			port->host->schedule(port->host->adapter);
		}
		break;
	}
}

/* State */

static void save_registers(const struct ahci_port_registers *registers, struct state_writer *writer)
{
	state_writer_put64(writer, registers->command_list);
	state_writer_put64(writer, registers->received_fis);
	state_writer_put32(writer, registers->interrupt_status);
	state_writer_put32(writer, registers->interrupt_enable);
	state_writer_put32(writer, registers->command);
	state_writer_put32(writer, registers->task_file);
	state_writer_put32(writer, registers->signature);
	state_writer_put32(writer, registers->control);
	state_writer_put32(writer, registers->active);
	state_writer_put32(writer, registers->issue);
}

void ahci_port_save(const struct ahci_port *port, struct state_writer *writer)
{
	assert(port->in_flight == 0 && !port->stopping);
	save_registers(&port->registers, writer);
	state_writer_put_bool(writer, port->link);
	state_writer_put_bool(writer, port->signature_pending);
	state_writer_put_bool(writer, port->soft_reset);
	state_writer_put_bool(writer, port->failed);
	state_writer_put8(writer, (uint8_t)port->current_slot);
	state_writer_put8(writer, (uint8_t)port->first_slot);
	state_writer_put32(writer, port->outstanding);
	state_writer_put32(writer, port->finished);
	port->drive->ops->save(port->drive, writer);
}

/* Nothing but what the guest could have written, or a drive answered. */
static void load_registers(struct ahci_port_registers *registers, struct state_reader *reader)
{
	registers->command_list = state_reader_get64(reader);
	registers->received_fis = state_reader_get64(reader);
	registers->interrupt_status = state_reader_get32(reader);
	registers->interrupt_enable = state_reader_get32(reader);
	registers->command = state_reader_get32(reader);
	registers->task_file = state_reader_get32(reader);
	registers->signature = state_reader_get32(reader);
	registers->control = state_reader_get32(reader);
	registers->active = state_reader_get32(reader);
	registers->issue = state_reader_get32(reader);
	state_reader_check(reader,
			   !(registers->command_list & ~list_mask) &&
				   !(registers->received_fis & ~received_mask) &&
				   !(registers->interrupt_enable & ~IE_WRITABLE) &&
				   !(registers->command & ~CMD_WRITABLE) &&
				   !(registers->task_file & ~0xffffu) &&
				   !(registers->control & ~SCTL_WRITABLE),
			   "a SATA port has no such bits");
}

void ahci_port_load(struct ahci_port *port, struct state_reader *reader)
{
	load_registers(&port->registers, reader);
	port->link = state_reader_get_bool(reader);
	port->signature_pending = state_reader_get_bool(reader);
	port->soft_reset = state_reader_get_bool(reader);
	port->failed = state_reader_get_bool(reader);
	port->current_slot = state_reader_get8(reader);
	port->first_slot = state_reader_get8(reader);
	port->outstanding = state_reader_get32(reader);
	port->finished = state_reader_get32(reader);
	port->drive->ops->load(port->drive, reader);
	state_reader_check(reader,
			   port->current_slot < AHCI_PORT_COMMANDS &&
				   port->first_slot < AHCI_PORT_COMMANDS,
			   "a SATA port has no such command");
	state_reader_check(reader, port->link || (port->registers.control & SCTL_DETECT),
			   "a SATA port has lost its drive");
}

/* Creation */

int ahci_port_create(const struct ahci_port_host *host, unsigned int number,
		     struct ahci_drive *drive, struct ahci_port **ret_port)
{
	struct ahci_port *port = calloc(1, sizeof(*port));

	if (!port)
		return -ENOMEM;
	port->host = host;
	port->number = number;
	port->drive = drive;
	block_backend_set_batch_handler(drive->backend, on_batch, port);
	ahci_port_reset(port);
	*ret_port = port;
	return 0;
}

void ahci_port_destroy(struct ahci_port *port)
{
	if (!port)
		return;
	block_backend_set_batch_handler(port->drive->backend, NULL, NULL);
	port->drive->ops->destroy(port->drive);
	free(port);
}
