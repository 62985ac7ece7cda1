/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static void test_read_at(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	char buffer[4] = "";

	g_assert_cmpint(write(fd, "innkeeper", 9), ==, 9);
	g_assert_cmpint(fd_read_at(fd, buffer, 3, 6), ==, 0);
	g_assert_cmpstr(buffer, ==, "per");
	g_assert_cmpint(fd_read_at(fd, buffer, 3, 7), ==, -ENODATA);
	fd_close(&fd);
	g_assert_cmpint(fd, ==, -1);
	g_assert_cmpint(fd_read_at(fd, buffer, 3, 0), ==, -EBADF);
}

static void test_write_at(void)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	char bytes[4];

	g_assert_cmpint(fd_write_at(fd, "word", 4, 2), ==, 0);
	g_assert_cmpint(fd_read_at(fd, bytes, 4, 2), ==, 0);
	g_assert_cmpmem(bytes, 4, "word", 4);
	fd_close(&fd);
	g_assert_cmpint(fd_write_at(fd, "word", 4, 2), ==, -EBADF);
}

static void test_close_keeps_errno(void)
{
	int fd = -1;

	errno = ENOSPC;
	fd_close(&fd);
	g_assert_cmpint(errno, ==, ENOSPC);
}

static void test_event(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	g_assert_cmpuint(fd_event_drain(fd), ==, 0);
	fd_event_signal(fd);
	fd_event_signal(fd);
	g_assert_cmpuint(fd_event_drain(fd), ==, 2);
	g_assert_cmpuint(fd_event_drain(fd), ==, 0);
	fd_close(&fd);
}

static void test_nonblocking(void)
{
	int pipe_fds[2];
	char byte;

	g_assert_cmpint(pipe(pipe_fds), ==, 0);
	g_assert_cmpint(fd_set_nonblocking(pipe_fds[0], 1), ==, 0);
	g_assert_cmpint(read(pipe_fds[0], &byte, 1), ==, -1);
	g_assert_cmpint(errno, ==, EAGAIN);
	g_assert_cmpint(fd_set_nonblocking(-1, 1), ==, -EBADF);
	fd_close(&pipe_fds[0]);
	fd_close(&pipe_fds[1]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fd/read-at", test_read_at);
	g_test_add_func("/fd/write-at", test_write_at);
	g_test_add_func("/fd/close-keeps-errno", test_close_keeps_errno);
	g_test_add_func("/fd/event", test_event);
	g_test_add_func("/fd/nonblocking", test_nonblocking);
	return g_test_run();
}
