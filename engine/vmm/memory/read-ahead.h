/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has the kernel read what a file holds before whoever has mapped it asks for it page by page,
 * which takes a disk several times as long. A thread of its own asks, a little at a time: what the
 * guest needs now never waits behind much of what it may need later. Holes are left out. It is
 * advice: a file that cannot be read is for others to find.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct read_ahead;

/* What runs on the thread before and after. */
struct read_ahead_hooks {
	/* It reads nothing where this answers anything but 0. */
	int (*confine)(void *data);
	/* All that could be read is being read. Ends soon once *stop is set. NULL: nothing. */
	void (*then)(void *data, int fd, const atomic_bool *stop);
	void *data;
};

/*
 * Starts with [offset, offset + length) of the file. fd, which it owns where this succeeds, is
 * closed by read_ahead_stop(). 0 or negative errno.
 */
int read_ahead_start(int fd, uint64_t offset, uint64_t length, const struct read_ahead_hooks *hooks,
		     struct read_ahead **ret_read_ahead);
/* Waits for what is being read; the rest is not. NULL is accepted. */
void read_ahead_stop(struct read_ahead *self);
