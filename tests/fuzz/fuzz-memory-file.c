/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is said to be the memory of a machine: its first page and some of what follows, as
 * it is and with the header's checksum put right, as long as its first two bytes say.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/crc32c.h"
#include "protocol/memory-file.h"

enum { LENGTH_UNIT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(int fd)
{
	struct memory_file file;
	void *bytes;

	if (memory_file_read(fd, &file) < 0) {
		assert(file.problem);
		return;
	}
	for (unsigned int i = 0; i < file.region_count; i++) {
		const struct memory_file_region *region = &file.regions[i];

		bytes = malloc((size_t)region->length + 1);
		assert(bytes && memory_file_find(&file, region->name));
		(void)memory_file_read_region(fd, &file, region, bytes);
		free(bytes);
	}
	bytes = malloc(file.state_length + 1);
	assert(bytes && memory_file_read_state(fd, &file, bytes) == 0);
	free(bytes);
	(void)memory_file_check(fd, &file, NULL, NULL);
}

static void seal(int fd)
{
	uint8_t header[MEMORY_FILE_HEADER_SIZE] = {0};

	assert(pread(fd, header, sizeof(header), 0) >= 0);
	memcpy(header, MEMORY_FILE_MAGIC, 8);
	store_le32(header + MEMORY_FILE_HEADER_VERSION, MEMORY_FILE_VERSION);
	store_le32(header + MEMORY_FILE_HEADER_CHECKSUM, 0);
	store_le32(header + MEMORY_FILE_HEADER_CHECKSUM, crc32c(0, header, sizeof(header)));
	assert(pwrite(fd, header, sizeof(header), 0) == sizeof(header));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	assert(fd >= 0);
	if (size > 2) {
		assert(pwrite(fd, data + 2, size - 2, 0) == (ssize_t)(size - 2));
		read_all(fd);
		seal(fd);
		assert(ftruncate(fd, (off_t)load_le16(data) * LENGTH_UNIT) == 0);
		read_all(fd);
	}
	close(fd);
	return 0;
}
