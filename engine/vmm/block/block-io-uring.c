/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One io_uring per disk: see block-io-uring.h.
 *
 * System calls after block_ring_init(): io_uring_enter. A file that stays is registered, so that
 * the kernel need not look it up for each request; memory never is, because fork() would copy
 * pinned pages.
 */
#include "block/block-io-uring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>

#include "block/block-transfer.h"

enum { FIXED_FILE = 0 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NS_PER_SECOND 1000000000ULL

/* What zeroes are written from; never written to, so it stays one page of the kernel's. */
static const char zeroes[256 * 1024];

/*
 * Kernels before 6.0 do not know these hints; they save interruptions of the main thread. Deferring
 * completions altogether (IORING_SETUP_DEFER_TASKRUN) would leave the ring's descriptor unreadable.
 * Those before 5.10 cannot restrict a ring.
 */
static int queue_init(struct io_uring *uring)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_R_DISABLED,
		IORING_SETUP_R_DISABLED,
		0,
	};
	int r = -EINVAL;

	for (size_t i = 0; r == -EINVAL && i < COUNT(flags); i++)
		r = io_uring_queue_init(BLOCK_RING_ENTRIES, uring, flags[i]);
	return r == -ENOSYS || r == -EPERM ? -ENOTSUP : r;
}

/*
 * A ring does what a system call does, where no filter sees it: it could open files for a guest
 * that has taken over this process. So each does only what disks need, for good.
 */
static int restrict_and_enable(struct io_uring *uring)
{
	static const uint8_t operations[] = {
		IORING_OP_NOP,   IORING_OP_READV, IORING_OP_WRITEV,    IORING_OP_READ,
		IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_FALLOCATE,
	};
	struct io_uring_restriction rules[COUNT(operations) + 1] = {0};
	int r;

	if (!(uring->flags & IORING_SETUP_R_DISABLED))
		return 0;
	for (size_t i = 0; i < COUNT(operations); i++) {
		rules[i].opcode = IORING_RESTRICTION_SQE_OP;
		rules[i].sqe_op = operations[i];
	}
	rules[COUNT(operations)].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	rules[COUNT(operations)].sqe_flags = IOSQE_FIXED_FILE;
	r = io_uring_register_restrictions(uring, rules, COUNT(rules));
	return r < 0 ? r : io_uring_enable_rings(uring);
}

static int register_file(struct block_ring *ring, int fd)
{
	ring->registered_fd = fd;
	return io_uring_register_files(&ring->uring, &fd, 1);
}

int block_ring_init(struct block_ring *ring, int fd)
{
	int r;

	memset(ring, 0, sizeof(*ring));
	ring->registered_fd = -1;
	r = queue_init(&ring->uring);
	if (r < 0)
		return r;
	/* A child would share the ring's indices with its parent. */
	r = io_uring_ring_dontfork(&ring->uring);
	if (r >= 0 && fd >= 0)
		r = register_file(ring, fd);
	if (r >= 0)
		r = restrict_and_enable(&ring->uring);
	if (r < 0)
		io_uring_queue_exit(&ring->uring);
	return r < 0 ? r : 0;
}

void block_ring_finish(struct block_ring *ring)
{
	io_uring_queue_exit(&ring->uring);
}

/* The element a transfer has come to, and how far into it. */
static unsigned int find_element(const struct block_transfer *transfer, uint64_t *ret_skip)
{
	uint64_t skip = transfer->done;
	unsigned int i = 0;

	while (skip >= transfer->iov[i].iov_len)
		skip -= transfer->iov[i++].iov_len;
	*ret_skip = skip;
	return i;
}

/*
 * What is left after a short transfer starts inside an element as a rule: the rest of that element
 * goes alone, so that the caller's vector need not be changed or copied.
 */
static void prepare_transfer(struct io_uring_sqe *sqe, int file,
			     const struct block_transfer *transfer)
{
	uint64_t offset = transfer->offset + transfer->done;
	uint64_t skip;
	unsigned int i = find_element(transfer, &skip);
	const struct iovec *iov = &transfer->iov[i];
	unsigned int count = transfer->iov_count - i;
	bool whole = skip == 0 && count > 1;
	char *buffer = (char *)iov->iov_base + skip;
	unsigned int length = (unsigned int)(iov->iov_len - skip);

	if (transfer->operation == BLOCK_READ && whole)
		io_uring_prep_readv(sqe, file, iov, count, offset);
	else if (transfer->operation == BLOCK_READ)
		io_uring_prep_read(sqe, file, buffer, length, offset);
	else if (whole)
		io_uring_prep_writev(sqe, file, iov, count, offset);
	else
		io_uring_prep_write(sqe, file, buffer, length, offset);
}

static void prepare_zeroes(struct io_uring_sqe *sqe, int file,
			   const struct block_transfer *transfer)
{
	uint64_t offset = transfer->offset + transfer->done;
	uint64_t left = transfer->length - transfer->done;

	if (transfer->zero_by_writing)
		io_uring_prep_write(sqe, file, zeroes,
				    (unsigned int)(left < sizeof(zeroes) ? left : sizeof(zeroes)),
				    offset);
	else
		io_uring_prep_fallocate(sqe, file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
					(off_t)offset, (off_t)left);
}

bool block_ring_prepare(struct block_ring *ring, struct block_transfer *transfer)
{
	bool registered = transfer->fd >= 0 && transfer->fd == ring->registered_fd;
	int file = registered ? FIXED_FILE : transfer->fd;
	struct io_uring_sqe *sqe;

	if (ring->in_flight == BLOCK_RING_ENTRIES)
		return false;
	sqe = io_uring_get_sqe(&ring->uring);
	if (!sqe)
		return false;
	switch (transfer->operation) {
	case BLOCK_READ:
	case BLOCK_WRITE:
		prepare_transfer(sqe, file, transfer);
		break;
	case BLOCK_FLUSH:
		io_uring_prep_fsync(sqe, file, IORING_FSYNC_DATASYNC);
		break;
	case BLOCK_DISCARD:
		io_uring_prep_fallocate(sqe, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)transfer->offset, (off_t)transfer->length);
		break;
	case BLOCK_WRITE_ZEROES:
		prepare_zeroes(sqe, file, transfer);
		break;
	case BLOCK_NOTHING:
		io_uring_prep_nop(sqe);
		break;
	}
	io_uring_sqe_set_flags(
		sqe, registered && transfer->operation != BLOCK_NOTHING ? IOSQE_FIXED_FILE : 0);
	io_uring_sqe_set_data(sqe, transfer);
	ring->in_flight++;
	return true;
}

/* A submission stops early at an entry that cannot be started: that one completes with an error. */
int block_ring_submit(struct block_ring *ring)
{
	while (io_uring_sq_ready(&ring->uring) > 0) {
		int r = io_uring_submit(&ring->uring);

		if (r < 0 && r != -EINTR)
			return r;
	}
	return 0;
}

int block_ring_submit_and_wait(struct block_ring *ring, uint64_t most_ns)
{
	struct __kernel_timespec most = {
		.tv_sec = (long long)(most_ns / NS_PER_SECOND),
		.tv_nsec = (long long)(most_ns % NS_PER_SECOND),
	};
	struct io_uring_cqe *cqe;
	int r = io_uring_submit_and_wait_timeout(
		&ring->uring, &cqe, 1, most_ns == BLOCK_RING_FOREVER ? NULL : &most, NULL);

	return r < 0 && r != -EINTR && r != -ETIME ? r : 0;
}

bool block_ring_reap(struct block_ring *ring, struct block_transfer **ret_transfer, int *ret_result)
{
	struct io_uring_cqe *cqe;

	if (io_uring_peek_cqe(&ring->uring, &cqe) < 0)
		return false;
	*ret_transfer = io_uring_cqe_get_data(cqe);
	*ret_result = cqe->res;
	io_uring_cqe_seen(&ring->uring, cqe);
	ring->in_flight--;
	return true;
}
