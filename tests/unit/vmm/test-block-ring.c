/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a ring of the VMM does for who has taken it over: nothing but what disks need.
 */
#include "block/block-io-uring.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

struct fixture {
	struct block_ring ring;
	int fd;
};

static void fixture_set_up(struct fixture *fixture, gconstpointer data)
{
	fixture->fd = memfd_create("disk", MFD_CLOEXEC);
	g_assert_cmpint(block_ring_init(&fixture->ring, fixture->fd), ==, 0);
}

static void fixture_tear_down(struct fixture *fixture, gconstpointer data)
{
	block_ring_finish(&fixture->ring);
	close(fixture->fd);
}

static int run(struct fixture *fixture)
{
	struct io_uring_cqe *cqe;
	int result;

	g_assert_cmpint(io_uring_submit(&fixture->ring.uring), ==, 1);
	g_assert_cmpint(io_uring_wait_cqe(&fixture->ring.uring, &cqe), ==, 0);
	result = cqe->res;
	io_uring_cqe_seen(&fixture->ring.uring, cqe);
	return result;
}

static struct io_uring_sqe *next(struct fixture *fixture)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&fixture->ring.uring);

	g_assert_nonnull(sqe);
	return sqe;
}

static void test_disks(struct fixture *fixture, gconstpointer data)
{
	char bytes[8] = "disk";

	io_uring_prep_write(next(fixture), fixture->fd, bytes, sizeof(bytes), 0);
	g_assert_cmpint(run(fixture), ==, sizeof(bytes));
	io_uring_prep_read(next(fixture), fixture->fd, bytes, sizeof(bytes), 0);
	g_assert_cmpint(run(fixture), ==, sizeof(bytes));
	io_uring_prep_fsync(next(fixture), fixture->fd, IORING_FSYNC_DATASYNC);
	g_assert_cmpint(run(fixture), ==, 0);
}

static void test_all_else(struct fixture *fixture, gconstpointer data)
{
	io_uring_prep_openat(next(fixture), AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
	g_assert_cmpint(run(fixture), ==, -EACCES);
	io_uring_prep_socket(next(fixture), AF_INET, SOCK_STREAM, 0, 0);
	g_assert_cmpint(run(fixture), ==, -EACCES);
	io_uring_prep_unlinkat(next(fixture), AT_FDCWD, "/nowhere", 0);
	g_assert_cmpint(run(fixture), ==, -EACCES);
	/* nor is what it may do changed again */
	g_assert_cmpint(io_uring_register_files(&fixture->ring.uring, &fixture->fd, 1), <, 0);
	g_assert_cmpint(io_uring_register_restrictions(&fixture->ring.uring, NULL, 0), <, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/block-ring/disks", struct fixture, NULL, fixture_set_up, test_disks,
		   fixture_tear_down);
	g_test_add("/block-ring/all-else", struct fixture, NULL, fixture_set_up, test_all_else,
		   fixture_tear_down);
	return g_test_run();
}
