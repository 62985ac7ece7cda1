/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The surroundings of a board device in a test: a port space, interrupt lines that remember their
 * levels, and counters of what the device asks of the machine.
 */
#pragma once

#include <glib.h>

#include "bus/address-space.h"
#include "bus/interrupt.h"
#include "devices/devices.h"

struct board {
	struct interrupt_controller interrupts; /* first */
	struct address_space *ports;
	bool lines[24];
	unsigned int changes[24];
	unsigned int power_offs, resets, panics;
	int debug_exit_status;
};

static inline void board_set_line(struct interrupt_controller *interrupts, unsigned int gsi,
				  bool level)
{
	struct board *board = (struct board *)interrupts;

	g_assert_cmpuint(gsi, <, 24);
	board->lines[gsi] = level;
	board->changes[gsi]++;
}

static inline void board_power_off(void *data)
{
	((struct board *)data)->power_offs++;
}

static inline void board_reset(void *data)
{
	((struct board *)data)->resets++;
}

static inline void board_panicked(void *data)
{
	((struct board *)data)->panics++;
}

static inline void board_debug_exit(void *data, int exit_status)
{
	((struct board *)data)->debug_exit_status = exit_status;
}

static inline struct system_requests board_requests(struct board *board)
{
	return (struct system_requests){board_power_off, board_reset, board_panicked,
					board_debug_exit, board};
}

static inline void board_init(struct board *board)
{
	static const struct interrupt_controller_ops ops = {.set_line = board_set_line};

	*board = (struct board){.interrupts.ops = &ops};
	g_assert_cmpint(address_space_create(0x10000, &board->ports), ==, 0);
}

static inline void board_finish(struct board *board)
{
	address_space_destroy(board->ports);
}

static inline uint64_t board_in(struct board *board, uint16_t port, unsigned int size)
{
	return address_space_read(board->ports, port, size);
}

static inline void board_out(struct board *board, uint16_t port, unsigned int size, uint64_t value)
{
	address_space_write(board->ports, port, size, value);
}
