/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One of the two sockets of the keyboard controller, as the device in it sees it: bytes both ways.
 * First member of each PS/2 device. Device lock held.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PS2_PORT_BUFFER = 64 };

struct ps2_port;
struct state_reader;
struct state_writer;

struct ps2_port_ops {
	/* The controller sends a byte. */
	void (*receive)(struct ps2_port *port, uint8_t byte);
	/* The last waiting byte has been taken. NULL is allowed. */
	void (*drained)(struct ps2_port *port);
	void (*reset)(struct ps2_port *port);
};

struct ps2_port {
	const struct ps2_port_ops *ops;
	/* set by the controller: there is something to take */
	void (*filled)(void *controller);
	void *controller;
	uint8_t bytes[PS2_PORT_BUFFER];
	unsigned int first, count;
};

void ps2_port_init(struct ps2_port *port, const struct ps2_port_ops *ops);
/* For the device: bytes for the controller, all or none of them. */
bool ps2_port_send(struct ps2_port *port, const uint8_t *bytes, size_t length);
/* For the device: forgets what has not been taken. */
void ps2_port_clear(struct ps2_port *port);
/* For the controller. */
bool ps2_port_take(struct ps2_port *port, uint8_t *ret_byte);

/* For the device: the bytes that have not been taken. */
void ps2_port_save(const struct ps2_port *port, struct state_writer *writer);
void ps2_port_load(struct ps2_port *port, struct state_reader *reader);
