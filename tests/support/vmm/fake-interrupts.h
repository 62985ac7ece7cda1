/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An interrupt controller that remembers what it was told (bus/interrupt.h).
 */
#pragma once

#include <stdbool.h>

#include "bus/interrupt.h"

enum { FAKE_INTERRUPTS_LINES = 24, FAKE_INTERRUPTS_MESSAGES = 256 };

struct fake_interrupts {
	struct interrupt_controller controller;
	bool lines[FAKE_INTERRUPTS_LINES];
	unsigned int rises;                          /* of all lines */
	unsigned int sent[FAKE_INTERRUPTS_MESSAGES]; /* by the message's data */
	uint64_t last_address;                       /* of the last message sent */
	unsigned int messages;                       /* that exist */
	unsigned int routed;                         /* of them */
	unsigned int routings;                       /* calls that changed a route */
	int event_fd;                                /* of every message, -1: none */
	int create_error;                            /* what creating a message answers, if not 0 */
};

void fake_interrupts_init(struct fake_interrupts *interrupts);
