/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "block/block-backend.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/event-loop.h"
#include "protocol/statistics-protocol.h"

enum { DISK_SIZE = 4 << 20, MANY = 1000 };

struct fixture {
	struct event_loop *loop;
	struct block_backend *backend;
	struct disk_statistics statistics;
	int fd; /* the test's own */
	unsigned int batches;
	unsigned int stops;
	int stop_error;
};

struct test_request {
	struct block_request io;
	struct iovec iov[3];
	unsigned int completions;
	int result;
};

static void set_up_fd(struct fixture *fixture, int fd, bool read_only)
{
	*fixture = (struct fixture){.fd = fd};
	g_assert_cmpint(event_loop_create(&fixture->loop), ==, 0);
	g_assert_cmpint(block_backend_create_raw(dup(fd), read_only, fixture->loop,
						 &fixture->statistics, &fixture->backend),
			==, 0);
}

/* A file in a directory of the host's file system. */
static int temporary_file(void)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "innkeeper-XXXXXX", NULL);
	int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(ftruncate(fd, DISK_SIZE), ==, 0);
	return fd;
}

static void set_up(struct fixture *fixture)
{
	set_up_fd(fixture, temporary_file(), false);
}

static void tear_down(struct fixture *fixture)
{
	block_backend_drain(fixture->backend);
	g_assert_cmpuint(fixture->statistics.in_flight, ==, 0);
	block_backend_destroy(fixture->backend);
	event_loop_destroy(fixture->loop);
	close(fixture->fd);
}

static void on_complete(struct block_request *io, int result)
{
	struct test_request *request = (struct test_request *)io;

	request->completions++;
	request->result = result;
}

static void submit(struct fixture *fixture, struct test_request *request,
		   enum block_operation operation, uint64_t offset, uint64_t length)
{
	request->io.operation = operation;
	request->io.offset = offset;
	request->io.length = length;
	request->io.iov = request->iov;
	request->io.complete = on_complete;
	request->completions = 0;
	block_backend_submit(fixture->backend, &request->io);
}

static int run(struct fixture *fixture, struct test_request *request,
	       enum block_operation operation, uint64_t offset, uint64_t length)
{
	submit(fixture, request, operation, offset, length);
	block_backend_drain(fixture->backend);
	g_assert_cmpuint(request->completions, ==, 1);
	return request->result;
}

/* One buffer. */
static int transfer(struct fixture *fixture, enum block_operation operation, uint64_t offset,
		    void *buffer, size_t length)
{
	struct test_request request = {.iov = {{buffer, length}}, .io.iov_count = 1};

	return run(fixture, &request, operation, offset, length);
}

static void fill(char *buffer, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++)
		buffer[i] = (char)(seed + i * 7 + i / 512);
}

static void test_transfer(void)
{
	g_autofree char *data = g_malloc(65536);
	g_autofree char *back = g_malloc0(65536);
	struct test_request request = {.io.iov_count = 3};
	struct fixture fixture;

	set_up(&fixture);
	g_assert_cmpuint(block_backend_size(fixture.backend), ==, DISK_SIZE);
	g_assert_false(block_backend_read_only(fixture.backend));
	fill(data, 65536, 1);
	/* Scattered elements of odd lengths. */
	request.iov[0] = (struct iovec){data, 1000};
	request.iov[1] = (struct iovec){data + 1000, 1};
	request.iov[2] = (struct iovec){data + 1001, 65536 - 1001};
	g_assert_cmpint(run(&fixture, &request, BLOCK_WRITE, 512, 65536), ==, 0);
	g_assert_cmpint(fd_read_at(fixture.fd, back, 65536, 512), ==, 0);
	g_assert_cmpmem(back, 65536, data, 65536);
	memset(back, 0, 65536);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 512, back, 65536), ==, 0);
	g_assert_cmpmem(back, 65536, data, 65536);
	g_assert_cmpint(transfer(&fixture, BLOCK_FLUSH, 0, NULL, 0), ==, 0);
	tear_down(&fixture);
}

static void test_erase(gconstpointer name)
{
	g_autofree char *data = g_malloc(DISK_SIZE);
	g_autofree char *back = g_malloc(DISK_SIZE);
	struct fixture fixture;
	struct stat before, after;
	int fd = -1;

	if (name) { /* tmpfs: punches holes, but has no range of zeroes */
		fd = memfd_create(name, MFD_CLOEXEC);
		g_assert_cmpint(ftruncate(fd, DISK_SIZE), ==, 0);
	}
	set_up_fd(&fixture, fd >= 0 ? fd : temporary_file(), false);
	fill(data, DISK_SIZE, 3);
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 0, data, DISK_SIZE), ==, 0);
	g_assert_cmpint(transfer(&fixture, BLOCK_FLUSH, 0, NULL, 0), ==, 0);
	fstat(fixture.fd, &before);

	/* Longer than one write of zeroes takes. */
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE_ZEROES, 512, NULL, 1 << 20), ==, 0);
	memset(data + 512, 0, 1 << 20);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 0, back, DISK_SIZE), ==, 0);
	g_assert_cmpmem(back, DISK_SIZE, data, DISK_SIZE);

	g_assert_cmpint(transfer(&fixture, BLOCK_DISCARD, 2 << 20, NULL, 1 << 20), ==, 0);
	memset(data + (2 << 20), 0, 1 << 20);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 0, back, DISK_SIZE), ==, 0);
	g_assert_cmpmem(back, DISK_SIZE, data, DISK_SIZE);
	fstat(fixture.fd, &after);
	g_assert_cmpint(after.st_size, ==, DISK_SIZE);
	g_assert_cmpint(after.st_blocks, <, before.st_blocks);
	g_assert_cmpuint(fixture.statistics.discard_operations, ==, 1);
	tear_down(&fixture);
}

/* More at once than the ring has entries, in any order, through the event loop. */
static void on_batch(void *data)
{
	struct fixture *fixture = data;

	fixture->batches++;
	if (__atomic_load_n(&fixture->statistics.in_flight, __ATOMIC_RELAXED) == 0)
		event_loop_stop(fixture->loop, 7);
}

static void test_many(void)
{
	struct test_request *requests = g_new0(struct test_request, MANY);
	g_autofree char *data = g_malloc(MANY * 512);
	g_autofree char *back = g_malloc0(MANY * 512);
	struct fixture fixture;
	uint64_t latencies = 0;

	set_up(&fixture);
	fill(data, MANY * 512, 9);
	block_backend_set_batch_handler(fixture.backend, on_batch, &fixture);
	for (unsigned int i = 0; i < MANY; i++) {
		requests[i].iov[0] = (struct iovec){data + i * 512, 512};
		requests[i].io.iov_count = 1;
		submit(&fixture, &requests[i], BLOCK_WRITE, i * 512, 512);
	}
	g_assert_cmpuint(fixture.statistics.in_flight, ==, MANY);
	block_backend_kick(fixture.backend);
	g_assert_cmpint(event_loop_run(fixture.loop), ==, 7);
	for (unsigned int i = 0; i < MANY; i++) {
		g_assert_cmpuint(requests[i].completions, ==, 1);
		g_assert_cmpint(requests[i].result, ==, 0);
	}
	/* how many come at a time depends on how busy the computer is */
	g_assert_cmpuint(fixture.batches, <, MANY);
	g_assert_cmpint(fd_read_at(fixture.fd, back, MANY * 512, 0), ==, 0);
	g_assert_cmpmem(back, MANY * 512, data, MANY * 512);
	g_assert_cmpuint(fixture.statistics.write_operations, ==, MANY);
	g_assert_cmpuint(fixture.statistics.write_bytes, ==, MANY * 512);
	for (unsigned int i = 0; i < STATISTICS_LATENCY_BUCKETS; i++)
		latencies += fixture.statistics.write_latency[i];
	g_assert_cmpuint(latencies, ==, MANY);
	g_assert_cmpuint(fixture.statistics.errors, ==, 0);
	tear_down(&fixture);
	g_free(requests);
}

/* A file that was cut behind our back: an error, not zeros. */
static void test_shrunk(void)
{
	char buffer[8192];
	struct fixture fixture;

	set_up(&fixture);
	g_assert_cmpint(ftruncate(fixture.fd, 4096 + 100), ==, 0);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 0, buffer, 4096), ==, 0);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 0, buffer, 8192), ==, -EIO);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 65536, buffer, 512), ==, -EIO);
	g_assert_cmpuint(fixture.statistics.errors, ==, 2);
	/* Writing makes it whole again. */
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 4096, buffer, 4096), ==, 0);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 0, buffer, 8192), ==, 0);
	tear_down(&fixture);
}

static void test_refused(void)
{
	struct block_backend *backend = NULL;
	struct event_loop *loop;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	g_assert_cmpint(event_loop_create(&loop), ==, 0);
	g_assert_cmpint(block_backend_create_raw(fd, false, loop, NULL, &backend), ==, -ENOTBLK);
	g_assert_cmpint(block_backend_create_raw(-1, false, loop, NULL, &backend), ==, -EBADF);
	close(fd);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(block_backend_create_raw(fd, false, loop, NULL, &backend), ==, -EROFS);
	g_assert_null(backend);
	g_assert_cmpint(block_backend_create_raw(fd, true, loop, NULL, &backend), ==, 0);
	g_assert_true(block_backend_read_only(backend));
	block_backend_destroy(backend);
	block_backend_destroy(NULL);
	event_loop_destroy(loop);
}

static void on_stopped(void *data, int error)
{
	struct fixture *fixture = data;

	fixture->stops++;
	fixture->stop_error = error;
}

/* A file on a file system of 1 MiB, or -1. */
static int file_on_small_disk(void)
{
	g_autofree char *directory = g_dir_make_tmp("innkeeper-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "disk", NULL);
	int fd = -1;

	if (mount("none", directory, "tmpfs", 0, "size=1m") == 0) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		g_assert_cmpint(umount2(directory, MNT_DETACH), ==, 0);
		g_assert_cmpint(fd, >=, 0);
		g_assert_cmpint(ftruncate(fd, DISK_SIZE), ==, 0);
	}
	g_rmdir(directory);
	return fd;
}

static void test_no_space(void)
{
	g_autofree char *data = g_malloc(2 << 20);
	g_autofree char *back = g_malloc(2 << 20);
	struct test_request first = {.iov = {{data, 2 << 20}}, .io.iov_count = 1};
	struct test_request second = {.iov = {{back, 512}}, .io.iov_count = 1};
	struct test_request flush = {0};
	struct fixture fixture;
	int fd = file_on_small_disk();

	if (fd < 0) {
		g_test_skip("cannot mount a small tmpfs here (needs root)");
		return;
	}
	set_up_fd(&fixture, fd, false);
	fill(data, 2 << 20, 5);

	/* Without a handler the guest is told. */
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 2 << 20, data, 2 << 20), ==, -ENOSPC);
	g_assert_cmpint(transfer(&fixture, BLOCK_DISCARD, 2 << 20, NULL, 2 << 20), ==, 0);

	/* With one the write waits, part of it done, and so does what comes after. */
	block_backend_set_error_handler(fixture.backend, on_stopped, &fixture);
	submit(&fixture, &first, BLOCK_WRITE, 0, 2 << 20);
	block_backend_drain(fixture.backend);
	g_assert_cmpuint(first.completions, ==, 0);
	g_assert_cmpuint(fixture.stops, ==, 1);
	g_assert_cmpint(fixture.stop_error, ==, -ENOSPC);
	submit(&fixture, &second, BLOCK_READ, 0, 512);
	submit(&fixture, &flush, BLOCK_FLUSH, 0, 0);
	block_backend_kick(fixture.backend);
	block_backend_drain(fixture.backend);
	g_assert_cmpuint(second.completions + flush.completions, ==, 0);
	g_assert_cmpuint(fixture.statistics.in_flight, ==, 3);

	/* Still full: held again, and said again. */
	block_backend_resume(fixture.backend);
	block_backend_drain(fixture.backend);
	g_assert_cmpuint(first.completions, ==, 0);
	g_assert_cmpuint(fixture.stops, ==, 2);

	/* Given up. */
	block_backend_cancel_held(fixture.backend);
	g_assert_cmpint(first.result, ==, -ECANCELED);
	g_assert_cmpuint(first.completions, ==, 1);
	g_assert_cmpuint(fixture.statistics.in_flight, ==, 0);
	block_backend_resume(fixture.backend);
	tear_down(&fixture);
}

/* Space is found while a write waits: not a byte of it is lost. */
static void test_space_again(void)
{
	g_autofree char *data = g_malloc(768 << 10);
	g_autofree char *back = g_malloc(768 << 10);
	struct test_request requests[3] = {0};
	struct fixture fixture;
	int fd = file_on_small_disk();

	if (fd < 0) {
		g_test_skip("cannot mount a small tmpfs here (needs root)");
		return;
	}
	set_up_fd(&fixture, fd, false);
	block_backend_set_error_handler(fixture.backend, on_stopped, &fixture);
	fill(data, 768 << 10, 6);
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 3 << 20, data, 768 << 10), ==, 0);
	for (unsigned int i = 0; i < 3; i++) {
		requests[i].iov[0] = (struct iovec){data + i * (256 << 10), 256 << 10};
		requests[i].io.iov_count = 1;
		submit(&fixture, &requests[i], BLOCK_WRITE, i * (256 << 10), 256 << 10);
	}
	block_backend_drain(fixture.backend);
	g_assert_cmpuint(fixture.stops, ==, 1);
	g_assert_cmpuint(fixture.statistics.in_flight, >, 0);

	g_assert_cmpint(fallocate(fixture.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 << 20,
				  768 << 10),
			==, 0);
	block_backend_resume(fixture.backend);
	block_backend_drain(fixture.backend);
	for (unsigned int i = 0; i < 3; i++) {
		g_assert_cmpuint(requests[i].completions, ==, 1);
		g_assert_cmpint(requests[i].result, ==, 0);
	}
	g_assert_cmpuint(fixture.stops, ==, 1);
	g_assert_cmpint(fd_read_at(fixture.fd, back, 768 << 10, 0), ==, 0);
	g_assert_cmpmem(back, 768 << 10, data, 768 << 10);
	tear_down(&fixture);
}

/* A drive without a medium, then with one, then with another while the first is read. */
static void test_media(void)
{
	g_autofree char *data = g_malloc(DISK_SIZE);
	g_autofree char *back = g_malloc(DISK_SIZE);
	struct test_request first = {.iov = {{back, 4096}}, .io.iov_count = 1};
	struct test_request second = {.iov = {{back + 4096, 4096}}, .io.iov_count = 1};
	struct fixture fixture = {.fd = temporary_file()};
	int other = temporary_file(), directory = open(g_get_tmp_dir(), O_RDONLY | O_DIRECTORY);

	g_assert_cmpint(event_loop_create(&fixture.loop), ==, 0);
	g_assert_cmpint(
		block_backend_create_removable(fixture.loop, &fixture.statistics, &fixture.backend),
		==, 0);
	g_assert_cmpuint(block_backend_size(fixture.backend), ==, 0);
	g_assert_true(block_backend_read_only(fixture.backend));
	fill(data, DISK_SIZE, 5);
	g_assert_cmpint(pwrite(fixture.fd, data, DISK_SIZE, 0), ==, DISK_SIZE);
	g_assert_cmpint(block_backend_change_medium(fixture.backend, dup(fixture.fd)), ==, 0);
	g_assert_cmpuint(block_backend_size(fixture.backend), ==, DISK_SIZE);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 512, back, 8192), ==, 0);
	g_assert_cmpmem(back, 8192, data + 512, 8192);

	/* One that is with the kernel and one that is not yet. */
	submit(&fixture, &first, BLOCK_READ, 0, 4096);
	block_backend_kick(fixture.backend);
	submit(&fixture, &second, BLOCK_READ, 0, 4096);
	block_backend_set_batch_handler(fixture.backend, on_batch, &fixture);
	g_assert_cmpint(block_backend_change_medium(fixture.backend, dup(other)), ==, 0);
	g_assert_cmpuint(fixture.batches, ==, 1);
	g_assert_cmpint(second.result, ==, -ENOMEDIUM);
	block_backend_drain(fixture.backend);
	g_assert_cmpint(first.result, ==, -ENOMEDIUM);
	g_assert_cmpuint(first.completions + second.completions, ==, 2);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 0, back, 4096), ==, 0);
	g_assert_cmpint(back[1], ==, 0);

	/* What is no medium changes nothing. */
	g_assert_cmpint(block_backend_change_medium(fixture.backend, directory), ==, -ENOTBLK);
	g_assert_cmpint(ftruncate(fixture.fd, 0), ==, 0);
	g_assert_cmpint(block_backend_change_medium(fixture.backend, fixture.fd), ==, -ENODATA);
	g_assert_cmpuint(block_backend_size(fixture.backend), ==, DISK_SIZE);
	g_assert_cmpint(block_backend_change_medium(fixture.backend, -1), ==, 0);
	g_assert_cmpuint(block_backend_size(fixture.backend), ==, 0);
	close(other);
	close(directory);
	tear_down(&fixture);
}

/* The program's own test of whether there is anything to test. */
static bool have_io_uring(void)
{
	struct block_backend *backend;
	struct event_loop *loop;
	int fd = temporary_file();
	int r;

	g_assert_cmpint(event_loop_create(&loop), ==, 0);
	r = block_backend_create_raw(fd, false, loop, NULL, &backend);
	if (r == 0)
		block_backend_destroy(backend);
	else
		close(fd);
	event_loop_destroy(loop);
	g_assert_true(r == 0 || r == -ENOTSUP);
	return r == 0;
}

/* A medium that gives no answer, until it does. */
static void test_deadline(void)
{
	struct fixture fixture = {.fd = temporary_file()};
	struct test_request request = {.io.iov_count = 1};
	int medium = dup(fixture.fd), pipes[2];
	char buffer[512];

	g_assert_cmpint(event_loop_create(&fixture.loop), ==, 0);
	g_assert_cmpint(
		block_backend_create_removable(fixture.loop, &fixture.statistics, &fixture.backend),
		==, 0);
	g_assert_cmpint(block_backend_change_medium(fixture.backend, medium), ==, 0);
	g_assert_cmpint(pipe(pipes), ==, 0);
	g_assert_cmpint(dup2(pipes[0], medium), ==, medium);
	request.iov[0] = (struct iovec){buffer, sizeof(buffer)};
	submit(&fixture, &request, BLOCK_READ, 0, sizeof(buffer));
	g_assert_cmpint(block_backend_drain_until(fixture.backend, event_loop_now() + 1000000), ==,
			-ETIMEDOUT);
	g_assert_false(block_backend_is_idle(fixture.backend));
	g_assert_cmpuint(request.completions, ==, 0);
	g_assert_cmpint(write(pipes[1], buffer, sizeof(buffer)), ==, sizeof(buffer));
	g_assert_cmpint(
		block_backend_drain_until(fixture.backend, event_loop_now() + 20000000000ULL), ==,
		0);
	g_assert_cmpuint(request.completions, ==, 1);
	g_assert_true(block_backend_is_idle(fixture.backend));
	close(pipes[0]);
	close(pipes[1]);
	tear_down(&fixture);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (!have_io_uring()) {
		g_print("1..0 # SKIP the kernel refuses io_uring\n");
		return 77;
	}
	g_test_add_func("/block-backend/transfer", test_transfer);
	g_test_add_data_func("/block-backend/erase/file", NULL, test_erase);
	g_test_add_data_func("/block-backend/erase/memory", "disk", test_erase);
	g_test_add_func("/block-backend/many", test_many);
	g_test_add_func("/block-backend/shrunk", test_shrunk);
	g_test_add_func("/block-backend/refused", test_refused);
	g_test_add_func("/block-backend/no-space", test_no_space);
	g_test_add_func("/block-backend/space-again", test_space_again);
	g_test_add_func("/block-backend/media", test_media);
	g_test_add_func("/block-backend/deadline", test_deadline);
	return g_test_run();
}
