/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is said to be a qcow2 image: what opens is read here and there.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "image/qcow2-header.h"
#include "image/qcow2-image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { READ_SIZE = 64 << 10, READS = 16 };

/* Behind the image: its bytes do not matter. */
static int read_nothing(void *data, uint64_t offset, void *buffer, size_t length)
{
	const struct image_backing *backing = data;

	assert(offset <= backing->size && length <= backing->size - offset);
	for (size_t i = 0; i < length; i++)
		((uint8_t *)buffer)[i] = 0;
	return 0;
}

static void read_some(struct qcow2_image *image, uint64_t size)
{
	static uint8_t buffer[READ_SIZE];
	uint64_t step = size / READS + 1;

	for (uint64_t offset = 0, i = 0; offset < size && i < READS; offset += step, i++) {
		size_t length = size - offset < READ_SIZE ? (size_t)(size - offset) : READ_SIZE;
		int r = qcow2_image_read(image, offset, buffer, length);

		assert(r == 0 || r == -EUCLEAN || r == -ENODATA);
	}
	assert(size == 0 || qcow2_image_read(image, size - 1, buffer, 2) == -EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_backing backing = {.read = read_nothing, .data = &backing, .size = 70000};
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct qcow2_image *image;
	int r, error;

	assert(fd >= 0);
	r = fd_write_at(fd, data, size, 0);
	assert(r == 0);
	if (qcow2_image_open(fd, &image, &error) != IMAGE_GOOD) {
		fd_close(&fd);
		return 0;
	}
	qcow2_image_set_backing(image, &backing);
	read_some(image, qcow2_image_header(image)->virtual_size);
	qcow2_image_close(image);
	return 0;
}
