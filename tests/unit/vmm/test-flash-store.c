/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commits cut off at each point: the program is wrapped so that any write, flush or cut can be the
 * last one that happens.
 */
#include "devices/flash-store.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

enum { BLOCKS = 6, SIZE = BLOCKS * FLASH_BLOCK_SIZE };

ssize_t __real_pwrite64(int fd, const void *buffer, size_t length, off_t offset);
int __real_fdatasync(int fd);
int __real_ftruncate64(int fd, off_t length);
ssize_t __wrap_pwrite64(int fd, const void *buffer, size_t length, off_t offset);
int __wrap_fdatasync(int fd);
int __wrap_ftruncate64(int fd, off_t length);

static unsigned int steps_left = UINT_MAX;

/* Whether the computer still runs. */
static bool take_step(void)
{
	if (steps_left == 0)
		return false;
	steps_left--;
	return true;
}

/* The write during which the power goes is half done. */
ssize_t __wrap_pwrite64(int fd, const void *buffer, size_t length, off_t offset)
{
	bool last = steps_left == 1;

	if (take_step() && !last)
		return __real_pwrite64(fd, buffer, length, offset);
	if (last)
		(void)__real_pwrite64(fd, buffer, length / 2, offset);
	errno = EIO;
	return -1;
}

int __wrap_fdatasync(int fd)
{
	return take_step() ? __real_fdatasync(fd) : (errno = EIO, -1);
}

int __wrap_ftruncate64(int fd, off_t length)
{
	return take_step() ? __real_ftruncate64(fd, length) : (errno = EIO, -1);
}

static int make_file(uint8_t fill)
{
	int fd = memfd_create("store", MFD_CLOEXEC);
	uint8_t contents[SIZE];

	memset(contents, fill, sizeof(contents));
	g_assert_cmpint(fd_write_at(fd, contents, sizeof(contents), 0), ==, 0);
	return fd;
}

static off_t file_size(int fd)
{
	struct stat status;

	g_assert_cmpint(fstat(fd, &status), ==, 0);
	return status.st_size;
}

static void assert_file(int fd, const uint8_t *contents)
{
	uint8_t found[SIZE];

	g_assert_cmpint(file_size(fd), ==, SIZE);
	g_assert_cmpint(fd_read_at(fd, found, SIZE, 0), ==, 0);
	g_assert_cmpmem(found, SIZE, contents, SIZE);
}

static int commit(int fd, const uint8_t *contents, uint64_t dirty)
{
	struct flash_commit *taken = flash_commit_take(contents, SIZE, &dirty);
	int r = flash_commit_write(taken, fd);

	flash_commit_free(taken);
	return r;
}

static void test_commit(void)
{
	uint8_t contents[SIZE], before[SIZE];
	int fd = make_file(1);

	memset(before, 1, SIZE);
	memset(contents, 2, SIZE);
	g_assert_cmpint(commit(fd, contents, 1 << 0 | 1 << 5), ==, 0);
	memset(before, 2, FLASH_BLOCK_SIZE);
	memset(before + 5 * FLASH_BLOCK_SIZE, 2, FLASH_BLOCK_SIZE);
	assert_file(fd, before);
	g_assert_cmpint(flash_store_open(fd, true, contents, SIZE), ==, 0);
	g_assert_cmpmem(contents, SIZE, before, SIZE);
	fd_close(&fd);
}

/* After each possible end of a commit, all of it is there or nothing. */
static void test_cut_off(void)
{
	uint8_t before[SIZE], after[SIZE], found[SIZE];
	unsigned int seen_before = 0, seen_after = 0;
	bool finished = false;

	memset(before, 1, SIZE);
	memset(after, 2, SIZE);
	for (unsigned int steps = 0; !finished; steps++) {
		int fd = make_file(1), r;

		steps_left = steps;
		finished = commit(fd, after, (1 << BLOCKS) - 1) == 0;
		steps_left = UINT_MAX;
		r = flash_store_open(fd, true, found, SIZE);
		g_assert_cmpint(r, ==, 0);
		if (memcmp(found, before, SIZE) == 0)
			seen_before++;
		else
			g_assert_cmpmem(found, SIZE, after, SIZE);
		seen_after += memcmp(found, after, SIZE) == 0;
		assert_file(fd, found);
		fd_close(&fd);
	}
	g_assert_cmpuint(seen_before, >=, 2);
	g_assert_cmpuint(seen_after, >=, BLOCKS);
}

/* The completion is cut off too, at each point. */
static void test_recovery_cut_off(void)
{
	uint8_t after[SIZE], found[SIZE];
	bool finished = false;

	memset(after, 2, SIZE);
	for (unsigned int steps = 0; !finished; steps++) {
		int fd = make_file(1);

		steps_left = 4; /* the journal is safe, a block is half there */
		g_assert_cmpint(commit(fd, after, (1 << BLOCKS) - 1), <, 0);
		steps_left = steps;
		finished = flash_store_open(fd, true, found, SIZE) == 0;
		steps_left = UINT_MAX;
		g_assert_cmpint(flash_store_open(fd, true, found, SIZE), ==, 0);
		g_assert_cmpmem(found, SIZE, after, SIZE);
		fd_close(&fd);
	}
}

static void test_read_only(void)
{
	uint8_t after[SIZE], found[SIZE];
	int fd = make_file(1);
	off_t size;

	memset(after, 2, SIZE);
	steps_left = 4;
	g_assert_cmpint(commit(fd, after, 1 << 1), <, 0);
	steps_left = 0;
	size = file_size(fd);
	g_assert_cmpint(flash_store_open(fd, false, found, SIZE), ==, 0);
	g_assert_cmpmem(found + FLASH_BLOCK_SIZE, 1, after, 1);
	g_assert_cmpint(file_size(fd), ==, size);
	steps_left = UINT_MAX;
	fd_close(&fd);
}

/* What lies behind the contents and is no journal of ours for this chip. */
static void assert_ignored(const void *bytes, size_t length)
{
	uint8_t before[SIZE], found[SIZE];
	int fd = make_file(1);

	memset(before, 1, SIZE);
	g_assert_cmpint(fd_write_at(fd, bytes, length, SIZE), ==, 0);
	g_assert_cmpint(flash_store_open(fd, true, found, SIZE), ==, 0);
	g_assert_cmpmem(found, SIZE, before, SIZE);
	assert_file(fd, before);
	fd_close(&fd);
}

static void test_no_journal(void)
{
	uint8_t bytes[64] = {0};
	int fd;

	assert_ignored(bytes, 5);
	assert_ignored(bytes, sizeof(bytes));
	memcpy(bytes, "INNKFLSH", 8);
	assert_ignored(bytes, sizeof(bytes));
	bytes[17] = SIZE >> 8; /* of the right size, many blocks */
	memset(bytes + 24, 0xff, 4);
	assert_ignored(bytes, sizeof(bytes));
	bytes[24] = 1; /* one block that is not there */
	memset(bytes + 25, 0, 3);
	assert_ignored(bytes, sizeof(bytes));

	fd = make_file(1);
	g_assert_cmpint(ftruncate(fd, SIZE - 1), ==, 0);
	g_assert_cmpint(flash_store_open(fd, true, (uint8_t[SIZE]){0}, SIZE), ==, -EINVAL);
	g_assert_cmpint(ftruncate(fd, 4 * SIZE), ==, 0);
	g_assert_cmpint(flash_store_open(fd, true, (uint8_t[SIZE]){0}, SIZE), ==, -EINVAL);
	fd_close(&fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/flash-store/commit", test_commit);
	g_test_add_func("/flash-store/cut-off", test_cut_off);
	g_test_add_func("/flash-store/recovery-cut-off", test_recovery_cut_off);
	g_test_add_func("/flash-store/read-only", test_read_only);
	g_test_add_func("/flash-store/no-journal", test_no_journal);
	return g_test_run();
}
