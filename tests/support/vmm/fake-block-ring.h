/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A ring that is played: what was prepared happens when it is reaped, one thing at a time, in an
 * order that the test's random numbers choose.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_ring {
	/* A number below bound, the next to happen; NULL: in their order. */
	unsigned int (*choose)(void *data, unsigned int bound);
	/* Before bytes of a file change, or are synced (length 0); negative errno: it fails. */
	int (*before)(void *data, int fd, uint64_t offset, uint64_t length);
	void *data;
	bool short_transfers; /* half of a longer one happens at first */
};

extern struct fake_ring fake_ring;
