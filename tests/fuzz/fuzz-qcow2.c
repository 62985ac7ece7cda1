/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is said to be a qcow2 image: it is checked, and what opens is
 * read, and written to, here and there.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/qcow2-check.h"
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

static void assert_expected(int r)
{
	assert(r == 0 || r == -EUCLEAN || r == -ENODATA || r == -EFBIG);
}

static void write_some(struct qcow2_image *image, uint64_t size)
{
	static const uint8_t bytes[3000] = {1};
	uint64_t step = size / READS + 1;

	for (uint64_t offset = 0, i = 0; offset < size && i < READS; offset += step, i++) {
		uint64_t left = size - offset;
		uint64_t length = left < sizeof(bytes) ? left : sizeof(bytes);

		if (i % 4 == 1)
			assert_expected(qcow2_image_discard(image, offset, length));
		else if (i % 4 == 2)
			assert_expected(qcow2_image_write_zeroes(image, offset, length));
		else
			assert_expected(qcow2_image_write(image, offset, bytes, (size_t)length));
	}
	assert_expected(qcow2_image_flush(image));
}

static void check(int fd)
{
	struct qcow2_check_report report;
	int error;

	qcow2_check(fd, &report, &error);
}

/* fd is taken over. */
static void use(int fd, enum image_access access, struct image_backing *backing)
{
	struct qcow2_image *image;
	uint64_t size;
	int error;

	if (qcow2_image_open(fd, access, &image, &error) != IMAGE_GOOD) {
		fd_close(&fd);
		return;
	}
	qcow2_image_set_backing(image, backing);
	size = qcow2_image_header(image)->virtual_size;
	read_some(image, size);
	if (access == IMAGE_READ_WRITE) {
		write_some(image, size);
		read_some(image, size);
	}
	qcow2_image_close(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_backing backing = {.read = read_nothing, .data = &backing, .size = 70000};
	int fd = memfd_create("image", MFD_CLOEXEC);
	int r = fd_write_at(fd, data, size, 0);

	assert(r == 0);
	check(fd);
	use(dup(fd), IMAGE_READ_ONLY, &backing);
	use(fd, IMAGE_READ_WRITE, &backing);
	return 0;
}
