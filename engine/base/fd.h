/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File descriptors: close once, read and write whole buffers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Closes *fd unless it is negative and sets it to -1. Keeps errno. */
void fd_close(int *fd);

/* Sets or clears O_NONBLOCK. 0 or negative errno. */
int fd_set_nonblocking(int fd, int nonblocking);

/* Reads exactly length bytes at offset; -ENODATA when the file ends before. 0 or negative errno. */
int fd_read_at(int fd, void *buffer, size_t length, uint64_t offset);

/* Writes exactly length bytes at offset. 0 or negative errno. */
int fd_write_at(int fd, const void *buffer, size_t length, uint64_t offset);

/* Bytes of a regular file; -EINVAL for anything else. 0 or negative errno. */
int fd_regular_size(int fd, uint64_t *ret_size);

/* Adds 1 to an eventfd. Never blocks; a saturated counter counts as success. */
void fd_event_signal(int event_fd);
/* Resets an eventfd's counter (which must be non-blocking) and returns what it was. */
uint64_t fd_event_drain(int event_fd);

/*
 * What the open file description holds of a lock on the whole file (fcntl(2)) becomes this:
 * F_RDLCK, F_WRLCK or F_UNLCK, if nobody else's is in the way. -1 is accepted.
 */
void fd_set_lock(int fd, short kind);
