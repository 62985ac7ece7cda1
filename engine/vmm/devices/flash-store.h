/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps the contents of a flash chip in a file so that whatever happens the file holds them as they
 * were at one moment: a commit is written behind the contents first, as a journal, then in place.
 * Opening completes a commit that was cut off, or forgets it.
 *
 * While a journal is there, the file is longer than the chip. Main thread, no lock needed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct flash_commit;

enum { FLASH_BLOCK_SIZE = 4096 };

/*
 * Reads a chip of size bytes (whole blocks). A commit that was cut off is completed in contents
 * and, if write is set, in the file. 0, -EINVAL when the file is not that of such a chip, or
 * negative errno.
 */
int flash_store_open(int fd, bool write, uint8_t *contents, uint64_t size);

/* The blocks set in dirty (a bit each), as they are now. NULL: out of memory. */
struct flash_commit *flash_commit_take(const uint8_t *contents, uint64_t size,
				       const uint64_t *dirty);
void flash_commit_free(struct flash_commit *commit);
/*
 * Blocks until they are safe on the disk. 0, or negative errno: they still have to be written.
 */
int flash_commit_write(const struct flash_commit *commit, int fd);
