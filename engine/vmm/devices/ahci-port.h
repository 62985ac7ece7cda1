/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One port of the AHCI adapter: its registers (AHCI 1.3.1, section 3.3), the command list, the area
 * where the guest receives what its drive answers, and what happens on errors and resets.
 *
 * A guest's register writes come on a vCPU's thread and change registers only; commands are taken
 * and carried out on the main thread. What a reset interrupts still has the guest's buffers, so the
 * port reads as running, or its link as down, until the last of it has come back.
 *
 * Device lock held, or before the vCPUs run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "devices/ahci-command.h"

struct ahci_drive;
struct guest_memory;
struct state_reader;
struct state_writer;

enum {
	AHCI_PORT_COMMANDS = 32,
	AHCI_PORT_REGISTERS_SIZE = 0x80,
};

/* What a port needs of the adapter. */
struct ahci_port_host {
	struct guest_memory *memory;
	/* Whether ahci_port_interrupts() may have changed. */
	void (*interrupt)(void *adapter);
	/* Has ahci_port_process() called soon. Any thread. */
	void (*schedule)(void *adapter);
	/* What was given up has come back. */
	void (*settled)(void *adapter);
	void *adapter;
};

/* Registers as the guest sees them, but for the bits of PxCMD and PxTFD that follow from below. */
struct ahci_port_registers {
	uint64_t command_list, received_fis; /* guest-physical */
	uint32_t interrupt_status, interrupt_enable;
	uint32_t command;
	uint32_t task_file, signature;
	uint32_t control;
	uint32_t active, issue;
};

struct ahci_port {
	const struct ahci_port_host *host;
	struct ahci_drive *drive;
	unsigned int number;
	struct ahci_port_registers registers;
	bool link;              /* the drive answers */
	bool signature_pending; /* told since the reset, but with nowhere to receive it */
	bool soft_reset;        /* the guest holds the drive's reset bit */
	bool failed;            /* until the guest stops the command list */
	bool stopping;          /* until in_flight is 0 */
	bool paused;

	unsigned int in_flight;    /* commands taken that have not ended */
	struct ahci_command *busy; /* the one that is not queued and keeps the drive to itself */
	bool busy_waits;           /* for the queued ones before it */
	unsigned int current_slot; /* that was taken last */
	unsigned int first_slot;   /* to be taken next, if issued */
	uint32_t outstanding;      /* queued commands */
	uint32_t finished;         /* of them, not told to the guest yet */

	/*
	 * Last in, first out, so that only as many are ever touched as have been in use at once.
	 * One more than there are slots: the guest may issue one again whose command is queued.
	 */
	struct ahci_command *free;
	unsigned int fresh; /* commands from here on have never been used */
	struct ahci_command commands[AHCI_PORT_COMMANDS + 1];
};

/* host is borrowed, drive taken over. The port is as after power-on. 0 or -ENOMEM. */
int ahci_port_create(const struct ahci_port_host *host, unsigned int number,
		     struct ahci_drive *drive, struct ahci_port **ret_port);
/* Nothing may be under way. NULL is accepted. */
void ahci_port_destroy(struct ahci_port *port);

/* offset: of a register, a multiple of 4. */
uint32_t ahci_port_read(const struct ahci_port *port, unsigned int offset);
void ahci_port_write(struct ahci_port *port, unsigned int offset, uint32_t value);

/* Whether the port asks for an interrupt. */
static inline bool ahci_port_interrupts(const struct ahci_port *port)
{
	return port->registers.interrupt_status & port->registers.interrupt_enable;
}

/* Takes what the guest has issued. Main thread. */
void ahci_port_process(struct ahci_port *port);

/*
 * The adapter is reset. The addresses in guest memory stay (section 10.4.3). Settled at once when
 * port->stopping is false afterwards.
 */
void ahci_port_reset(struct ahci_port *port);
/* As at power-on, and settled when this returns. Main thread, vCPUs stopped. */
void ahci_port_reset_and_wait(struct ahci_port *port);

/* Takes nothing until resumed; what was taken completes. */
void ahci_port_pause(struct ahci_port *port);
void ahci_port_resume(struct ahci_port *port);

/*
 * To and from a machine's state, with the drive: no command is under way, and load is for a port
 * that is paused. Problems are told the reader.
 */
void ahci_port_save(const struct ahci_port *port, struct state_writer *writer);
void ahci_port_load(struct ahci_port *port, struct state_reader *reader);

/* For ahci-command.c. */
/* Whether the guest waits no more for what was taken. */
static inline bool ahci_port_has_given_up(const struct ahci_port *port)
{
	return port->stopping || port->failed;
}
/* A command has ended, as it says itself. */
void ahci_port_finish(struct ahci_port *port, struct ahci_command *command);
