/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-block-ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/iov.h"
#include "block/block-io-uring.h"
#include "block/block-transfer.h"

struct fake_ring fake_ring;

static struct block_transfer *prepared[BLOCK_RING_ENTRIES];
static unsigned int prepared_count;

int block_ring_init(struct block_ring *ring, int fd)
{
	*ring = (struct block_ring){.registered_fd = fd};
	ring->uring.ring_fd = eventfd(0, EFD_CLOEXEC);
	return 0;
}

void block_ring_finish(struct block_ring *ring)
{
	assert(prepared_count == 0);
	close(ring->uring.ring_fd);
}

bool block_ring_prepare(struct block_ring *ring, struct block_transfer *transfer)
{
	if (ring->in_flight == BLOCK_RING_ENTRIES)
		return false;
	prepared[prepared_count++] = transfer;
	ring->in_flight++;
	return true;
}

int block_ring_submit(struct block_ring *ring)
{
	return 0;
}

int block_ring_submit_and_wait(struct block_ring *ring, uint64_t most_ns)
{
	return 0;
}

static int move(const struct block_transfer *transfer)
{
	static char bytes[4 << 20];
	uint64_t offset = transfer->offset + transfer->done;
	uint64_t length = transfer->length - transfer->done;
	ssize_t n;

	assert(length > 0);
	assert(iov_length(transfer->iov, transfer->iov_count) == transfer->length);
	if (fake_ring.short_transfers && length > 1024)
		length /= 2;
	if (length > sizeof(bytes))
		length = sizeof(bytes);
	if (transfer->operation == BLOCK_READ) {
		n = pread(transfer->fd, bytes, length, (off_t)offset);
		if (n > 0)
			iov_write(transfer->iov, transfer->iov_count, transfer->done, bytes,
				  (size_t)n);
	} else {
		iov_read(transfer->iov, transfer->iov_count, transfer->done, bytes, length);
		n = pwrite(transfer->fd, bytes, length, (off_t)offset);
	}
	return n < 0 ? -errno : (int)n;
}

static int write_zeroes(const struct block_transfer *transfer)
{
	static const char zeroes[4096];
	uint64_t left = transfer->length - transfer->done;
	ssize_t n = pwrite(transfer->fd, zeroes, left < sizeof(zeroes) ? left : sizeof(zeroes),
			   (off_t)(transfer->offset + transfer->done));

	return n < 0 ? -errno : (int)n;
}

static int happen(const struct block_transfer *transfer)
{
	bool sync = transfer->operation == BLOCK_FLUSH;
	int r = 0;

	if (fake_ring.before && transfer->operation != BLOCK_READ &&
	    transfer->operation != BLOCK_NOTHING)
		r = fake_ring.before(fake_ring.data, transfer->fd, transfer->offset,
				     sync ? 0 : transfer->length);
	if (r < 0)
		return r;
	switch (transfer->operation) {
	case BLOCK_READ:
	case BLOCK_WRITE:
		return move(transfer);
	case BLOCK_DISCARD:
		r = fallocate(transfer->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      (off_t)transfer->offset, (off_t)transfer->length);
		return r < 0 ? -errno : 0;
	case BLOCK_WRITE_ZEROES:
		return transfer->zero_by_writing ? write_zeroes(transfer) : -EOPNOTSUPP;
	case BLOCK_FLUSH:
	case BLOCK_NOTHING:
		break;
	}
	return 0;
}

bool block_ring_reap(struct block_ring *ring, struct block_transfer **ret_transfer, int *ret_result)
{
	unsigned int next;

	if (prepared_count == 0)
		return false;
	next = fake_ring.choose ? fake_ring.choose(fake_ring.data, prepared_count) : 0;
	*ret_transfer = prepared[next];
	prepared_count--;
	for (unsigned int i = next; i < prepared_count; i++)
		prepared[i] = prepared[i + 1];
	*ret_result = happen(*ret_transfer);
	ring->in_flight--;
	return true;
}
