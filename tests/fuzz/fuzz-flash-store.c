/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is said to be a flash chip of two blocks, with anything behind them.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "devices/flash-store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 2 * FLASH_BLOCK_SIZE };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("store", MFD_CLOEXEC);
	uint8_t contents[SIZE] = {0};
	struct stat status;
	int r = fd_write_at(fd, contents, SIZE, 0);

	assert(r == 0);
	r = fd_write_at(fd, data, size, SIZE);
	assert(r == 0);
	if (flash_store_open(fd, true, contents, SIZE) == 0) {
		r = fstat(fd, &status);
		assert(r == 0 && status.st_size == SIZE);
	}
	fd_close(&fd);
	return 0;
}
