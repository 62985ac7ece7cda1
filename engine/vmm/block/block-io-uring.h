/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The io_uring of one disk: turns transfers into submissions and hands back their results.
 * Holds no policy: what a result means is decided in block-transfers.c.
 */
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

struct block_transfer;

enum { BLOCK_RING_ENTRIES = 128 };

#define BLOCK_RING_FOREVER UINT64_MAX

struct block_ring {
	struct io_uring uring;
	int registered_fd;      /* -1: none */
	unsigned int in_flight; /* prepared and not reaped: at most BLOCK_RING_ENTRIES */
};

/* fd: borrowed, the file of most transfers, which stays; -1: there is none. 0, -ENOTSUP where there
 * is no io_uring, or negative errno. */
int block_ring_init(struct block_ring *ring, int fd);
void block_ring_finish(struct block_ring *ring);

/* Readable when there is something to reap. */
static inline int block_ring_fd(const struct block_ring *ring)
{
	return ring->uring.ring_fd;
}

/* Prepares what is left of the transfer. False when the ring is full. */
bool block_ring_prepare(struct block_ring *ring, struct block_transfer *transfer);
/* Hands over what was prepared, and waits for a completion. 0 or negative errno (try again). */
int block_ring_submit(struct block_ring *ring);
/* Not longer than that. */
int block_ring_submit_and_wait(struct block_ring *ring, uint64_t most_ns);
/* The next completion: false when there is none. *ret_result as the system call would return it. */
bool block_ring_reap(struct block_ring *ring, struct block_transfer **ret_transfer,
		     int *ret_result);
