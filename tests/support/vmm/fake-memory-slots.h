/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A memory slot registry for tests: slots go where they are told, unless told to refuse, and what
 * the guest wrote is what the test says.
 */
#pragma once

#include "bus/memory-slot.h"

struct fake_memory_slots {
	struct memory_slot_registry registry; /* first */
	unsigned int count;                   /* slots there are */
	int map_error;                        /* what map answers; 0: success */
};

void fake_memory_slots_init(struct fake_memory_slots *slots);
/* The guest writes to these bytes of the slot's memory. */
void fake_memory_slot_dirty(struct memory_slot *slot, uint64_t offset, uint64_t length);
