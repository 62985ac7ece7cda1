/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One piece of work on one file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum block_operation {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,
	BLOCK_DISCARD,
	BLOCK_WRITE_ZEROES,
	BLOCK_NOTHING, /* of a transfer only: completes, like all, from block_transfers_reap() */
};

struct block_transfer {
	enum block_operation operation;
	int fd;
	uint64_t offset; /* in the file */
	uint64_t length; /* of the vector for reads and writes */
	const struct iovec *iov;
	unsigned int iov_count;
	bool zero_behind_end; /* reading: what the file does not have is zero, not an error */
	/* 0 or negative errno. */
	void (*complete)(struct block_transfer *transfer, int result);
	/* private */
	struct block_transfer *next;
	uint64_t done;
	bool zero_by_writing;
	unsigned int generation;
};
