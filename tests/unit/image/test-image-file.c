/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/image-file.h"

#include <errno.h>
#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

static void test_size_and_read(void)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	char buffer[8] = "xxxxxxx";
	uint64_t size;

	g_assert_cmpint(fd_write_at(fd, "abc", 3, 5), ==, 0);
	g_assert_cmpint(image_file_size(fd, &size), ==, 0);
	g_assert_cmpuint(size, ==, 8);
	g_assert_cmpint(image_file_read(fd, buffer, 8, 6), ==, 0);
	g_assert_cmpmem(buffer, 8, "bc\0\0\0\0\0\0", 8);
	g_assert_cmpint(image_file_read(fd, buffer, 2, 100), ==, 0);
	g_assert_cmpmem(buffer, 2, "\0\0", 2);
	fd_close(&fd);
}

static void test_no_file(void)
{
	uint64_t size;
	int fds[2];

	g_assert_cmpint(pipe(fds), ==, 0);
	g_assert_cmpint(image_file_size(fds[0], &size), ==, -EINVAL);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	g_assert_cmpint(image_file_size(-1, &size), ==, -EBADF);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image-file/size-and-read", test_size_and_read);
	g_test_add_func("/image-file/no-file", test_no_file);
	return g_test_run();
}
