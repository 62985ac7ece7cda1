/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The transfers of a disk on their way through its ring: what stops short goes on, what the kernel
 * cannot do now is tried again, what a file system cannot do at all is done in another way.
 *
 * System calls: io_uring_enter. Main thread, device lock held.
 */
#pragma once

#include "block/block-io-uring.h"
#include "block/block-transfer.h"

struct block_transfers {
	struct block_ring ring;
	struct block_transfer *first, *last; /* not in the ring yet */
	unsigned int generation;
};

/* fd: borrowed, the file that most of them are for; -1: there is none. As block_ring_init(). */
int block_transfers_init(struct block_transfers *transfers, int fd);
void block_transfers_finish(struct block_transfers *transfers);

/* Queues it; nothing completes in here. */
void block_transfers_start(struct block_transfers *transfers, struct block_transfer *transfer);
/* Whether the next one goes to the ring at once. */
bool block_transfers_have_room(const struct block_transfers *transfers);
/* Nothing is queued or in the ring. */
bool block_transfers_are_idle(const struct block_transfers *transfers);
/* As block_ring_submit() and block_ring_submit_and_wait(). */
int block_transfers_submit(struct block_transfers *transfers);
int block_transfers_wait(struct block_transfers *transfers, uint64_t most_ns);
/* Completes what is done; whether there was any. */
bool block_transfers_reap(struct block_transfers *transfers);
/*
 * The descriptors of all that are under way are about to be closed: hands them to the kernel, and
 * whatever becomes of them, they end with -ENOMEDIUM, some at once.
 */
void block_transfers_revoke(struct block_transfers *transfers);
