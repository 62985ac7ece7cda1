/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "block/block-transfers.h"

#include <errno.h>
#include <string.h>

int block_transfers_init(struct block_transfers *transfers, int fd)
{
	memset(transfers, 0, sizeof(*transfers));
	return block_ring_init(&transfers->ring, fd);
}

void block_transfers_finish(struct block_transfers *transfers)
{
	block_ring_finish(&transfers->ring);
}

static void append(struct block_transfers *transfers, struct block_transfer *transfer)
{
	transfer->next = NULL;
	if (transfers->last)
		transfers->last->next = transfer;
	else
		transfers->first = transfer;
	transfers->last = transfer;
}

static void fill_ring(struct block_transfers *transfers)
{
	while (transfers->first && block_ring_prepare(&transfers->ring, transfers->first)) {
		transfers->first = transfers->first->next;
		if (!transfers->first)
			transfers->last = NULL;
	}
}

void block_transfers_start(struct block_transfers *transfers, struct block_transfer *transfer)
{
	transfer->done = 0;
	transfer->zero_by_writing = false;
	transfer->generation = transfers->generation;
	if (transfers->first || !block_ring_prepare(&transfers->ring, transfer))
		append(transfers, transfer);
}

bool block_transfers_have_room(const struct block_transfers *transfers)
{
	return !transfers->first && transfers->ring.in_flight < BLOCK_RING_ENTRIES;
}

bool block_transfers_are_idle(const struct block_transfers *transfers)
{
	return !transfers->first && transfers->ring.in_flight == 0;
}

int block_transfers_submit(struct block_transfers *transfers)
{
	fill_ring(transfers);
	return block_ring_submit(&transfers->ring);
}

int block_transfers_wait(struct block_transfers *transfers, uint64_t most_ns)
{
	fill_ring(transfers);
	return block_ring_submit_and_wait(&transfers->ring, most_ns);
}

/* Results */

static void handle_error(struct block_transfers *transfers, struct block_transfer *transfer,
			 int result)
{
	/* EINVAL: a block device whose blocks are larger than the guest's. */
	bool unsupported = result == -EOPNOTSUPP || result == -EINVAL;

	if (result == -EINTR || result == -EAGAIN) {
		append(transfers, transfer);
	} else if (unsupported && transfer->operation == BLOCK_DISCARD) {
		/* A hint that this file system cannot take. */
		transfer->complete(transfer, 0);
	} else if (unsupported && transfer->operation == BLOCK_WRITE_ZEROES &&
		   !transfer->zero_by_writing) {
		transfer->zero_by_writing = true;
		append(transfers, transfer);
	} else {
		transfer->complete(transfer, result);
	}
}

/* The rest is behind the end of the file. */
static void zero_rest(struct block_transfer *transfer)
{
	uint64_t skip = transfer->done;

	for (unsigned int i = 0; i < transfer->iov_count; i++) {
		const struct iovec *iov = &transfer->iov[i];

		if (skip >= iov->iov_len) {
			skip -= iov->iov_len;
			continue;
		}
		memset((char *)iov->iov_base + skip, 0, iov->iov_len - skip);
		skip = 0;
	}
}

/*
 * A transfer can stop short; it goes on from there. One that does not move at all has met the end
 * of a file that has been cut: its data are lost, and zeros in their place would hide that.
 */
static void handle_progress(struct block_transfers *transfers, struct block_transfer *transfer,
			    unsigned int bytes)
{
	if (bytes == 0 && transfer->zero_behind_end) {
		zero_rest(transfer);
		transfer->complete(transfer, 0);
		return;
	}
	if (bytes == 0) {
		transfer->complete(transfer, -EIO);
		return;
	}
	transfer->done += bytes;
	if (transfer->done < transfer->length)
		append(transfers, transfer);
	else
		transfer->complete(transfer, 0);
}

static void handle_result(struct block_transfers *transfers, struct block_transfer *transfer,
			  int result)
{
	bool moves = transfer->operation == BLOCK_READ || transfer->operation == BLOCK_WRITE ||
		     transfer->zero_by_writing;

	if (transfer->generation != transfers->generation)
		transfer->complete(transfer, -ENOMEDIUM);
	else if (result < 0)
		handle_error(transfers, transfer, result);
	else if (moves)
		handle_progress(transfers, transfer, (unsigned int)result);
	else
		transfer->complete(transfer, 0);
}

bool block_transfers_reap(struct block_transfers *transfers)
{
	struct block_transfer *transfer;
	bool any = false;
	int result;

	while (block_ring_reap(&transfers->ring, &transfer, &result)) {
		handle_result(transfers, transfer, result);
		any = true;
	}
	return any;
}

/*
 * What the kernel has taken keeps the old file open by itself. What it has been offered only names
 * it, by a number that may soon be another's: that has to be taken first.
 */
void block_transfers_revoke(struct block_transfers *transfers)
{
	struct block_transfer *transfer = transfers->first;

	while (block_ring_submit(&transfers->ring) < 0)
		; /* until there is memory again, as when draining */
	transfers->generation++;
	transfers->first = NULL;
	transfers->last = NULL;
	while (transfer) {
		struct block_transfer *next = transfer->next;

		transfer->complete(transfer, -ENOMEDIUM);
		transfer = next;
	}
}
