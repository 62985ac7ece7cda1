/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vectors of buffers as one run of bytes: copy at an offset, cut at either end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Bytes of all elements together. */
uint64_t iov_length(const struct iovec *iov, unsigned int count);

/* Copy between a buffer and the bytes from offset on; both return how many there were to copy. */
size_t iov_read(const struct iovec *iov, unsigned int count, uint64_t offset, void *buffer,
		size_t length);
size_t iov_write(const struct iovec *iov, unsigned int count, uint64_t offset, const void *buffer,
		 size_t length);

/*
 * The elements that the length bytes from offset on are in, cut to them; length is not 0 and all is
 * inside. Returns how many; ret_iov has room for them, or is NULL.
 */
unsigned int iov_slice(const struct iovec *iov, unsigned int count, uint64_t offset,
		       uint64_t length, struct iovec *ret_iov);

/* Drops the first bytes (at most all): moves *iov on and shortens the element it ends up at. */
void iov_drop_front(struct iovec **iov, unsigned int *count, uint64_t bytes);
/* Keeps the first bytes only (at most all): shortens the last element kept. */
void iov_keep_front(struct iovec *iov, unsigned int *count, uint64_t bytes);
