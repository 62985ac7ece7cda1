/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linked with --wrap to see what is asked of the kernel, and to be there in the moment of the stop.
 */
#include "memory/read-ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

#define MIB   (1ULL << 20)
#define SLICE (2 * MIB)
#define START (2 * MIB) /* what is before it is not wanted */
#define SIZE  (48 * MIB)

enum { MAX_ASKED = 64, NEVER = MAX_ASKED, FILL = 4096 };

struct range {
	uint64_t at, length;
};

static struct {
	GMutex lock;
	GCond changed;
	struct range asked[MAX_ASKED];
	unsigned int count;
	unsigned int wait_at; /* that many have been asked for: the next one waits for the stop */
	unsigned int fail_at;
	bool stopping, confined, went_on;
	int confine_result;
} seen;

int __wrap_posix_fadvise64(int fd, off_t offset, off_t length, int advice);
int __real_posix_fadvise64(int fd, off_t offset, off_t length, int advice);
int __wrap_pthread_join(pthread_t thread, void **result);
int __real_pthread_join(pthread_t thread, void **result);

int __wrap_posix_fadvise64(int fd, off_t offset, off_t length, int advice)
{
	bool fails;

	g_mutex_lock(&seen.lock);
	g_assert_true(seen.confined);
	g_assert_cmpint(advice, ==, POSIX_FADV_WILLNEED);
	g_assert_cmpuint(seen.count, <, MAX_ASKED);
	fails = seen.count == seen.fail_at;
	seen.asked[seen.count++] = (struct range){(uint64_t)offset, (uint64_t)length};
	g_cond_signal(&seen.changed);
	while (seen.count == seen.wait_at && !seen.stopping)
		g_cond_wait(&seen.changed, &seen.lock);
	g_mutex_unlock(&seen.lock);
	return fails ? EIO : __real_posix_fadvise64(fd, offset, length, advice);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	g_mutex_lock(&seen.lock);
	seen.stopping = true;
	g_cond_signal(&seen.changed);
	g_mutex_unlock(&seen.lock);
	return __real_pthread_join(thread, result);
}

static int confine(void *data)
{
	g_assert_true(data == &seen);
	g_mutex_lock(&seen.lock);
	seen.confined = true;
	g_cond_signal(&seen.changed);
	g_mutex_unlock(&seen.lock);
	return seen.confine_result;
}

static void wait_for(unsigned int count)
{
	g_mutex_lock(&seen.lock);
	while (!seen.confined || seen.count < count)
		g_cond_wait(&seen.changed, &seen.lock);
	g_mutex_unlock(&seen.lock);
}

static void wait_until_it_went_on(void)
{
	g_mutex_lock(&seen.lock);
	while (!seen.went_on)
		g_cond_wait(&seen.changed, &seen.lock);
	g_mutex_unlock(&seen.lock);
}

static void fill(int fd, uint64_t at, uint64_t length)
{
	uint8_t bytes[FILL];

	memset(bytes, 1, sizeof(bytes));
	for (uint64_t end = at + length; at < end; at += sizeof(bytes))
		g_assert_cmpint(fd_write_at(fd, bytes, sizeof(bytes), at), ==, 0);
}

static int make_file(void)
{
	int fd = memfd_create("memory", MFD_CLOEXEC);

	g_assert_cmpint(ftruncate(fd, (off_t)(START + SIZE + MIB)), ==, 0);
	return fd;
}

/* Goes on until it is stopped. */
static void then(void *data, int fd, const atomic_bool *stop)
{
	g_assert_true(data == &seen);
	g_assert_cmpint(fcntl(fd, F_GETFD), >=, 0);
	g_mutex_lock(&seen.lock);
	seen.went_on = true;
	g_cond_signal(&seen.changed);
	g_mutex_unlock(&seen.lock);
	while (!atomic_load(stop))
		g_usleep(1000);
}

static struct read_ahead *start(int fd)
{
	const struct read_ahead_hooks hooks = {confine, then, &seen};
	struct read_ahead *read_ahead;

	seen.count = 0;
	seen.stopping = seen.confined = seen.went_on = false;
	g_assert_cmpint(read_ahead_start(fd, START, SIZE, &hooks, &read_ahead), ==, 0);
	return read_ahead;
}

static void set_up(unsigned int *unused, gconstpointer data)
{
	seen.wait_at = seen.fail_at = NEVER;
	seen.confine_result = 0;
}

/* All of what is not a hole, in order and a little at a time, and nothing else. */
static void test_ranges(unsigned int *unused, gconstpointer data)
{
	static const struct range expected[] = {
		{START, MIB},         {10 * MIB, SLICE},         {12 * MIB, SLICE},
		{14 * MIB, 8 * FILL}, {START + SIZE - MIB, MIB},
	};
	int fd = make_file();
	struct read_ahead *read_ahead;

	fill(fd, 0, START + MIB);
	fill(fd, 10 * MIB, 4 * MIB + 8 * FILL);
	fill(fd, START + SIZE - MIB, 2 * MIB);
	read_ahead = start(fd);
	wait_until_it_went_on();
	g_assert_cmpuint(seen.count, ==, G_N_ELEMENTS(expected));
	read_ahead_stop(read_ahead);
	g_assert_cmpuint(seen.count, ==, G_N_ELEMENTS(expected));
	for (unsigned int i = 0; i < seen.count; i++) {
		g_assert_cmpuint(seen.asked[i].at, ==, expected[i].at);
		g_assert_cmpuint(seen.asked[i].length, ==, expected[i].length);
	}
	g_assert_cmpint(fcntl(fd, F_GETFD), ==, -1);
	read_ahead_stop(NULL);
}

static void test_nothing(unsigned int *unused, gconstpointer data)
{
	int fd = make_file();

	fill(fd, 0, START);
	fill(fd, START + SIZE, MIB);
	read_ahead_stop(start(fd));
	g_assert_cmpuint(seen.count, ==, 0);
}

/* In the middle of the work, which is not finished then. */
static void test_stop(unsigned int *unused, gconstpointer data)
{
	int fd = make_file();
	struct read_ahead *read_ahead;

	fill(fd, START, SIZE);
	seen.wait_at = 3;
	read_ahead = start(fd);
	wait_for(3);
	read_ahead_stop(read_ahead);
	g_assert_cmpuint(seen.count, ==, 3);
	g_assert_false(seen.went_on);
}

/* Nothing is read by a thread that could not be confined, and no more of a file that fails. */
static void test_failures(unsigned int *unused, gconstpointer data)
{
	int fd = make_file();
	struct read_ahead *read_ahead;

	fill(fd, START, SIZE);
	seen.confine_result = -EPERM;
	read_ahead = start(dup(fd));
	wait_for(0);
	read_ahead_stop(read_ahead);
	g_assert_cmpuint(seen.count, ==, 0);
	g_assert_false(seen.went_on);

	seen.confine_result = 0;
	seen.fail_at = 4;
	read_ahead = start(fd);
	wait_for(5);
	read_ahead_stop(read_ahead);
	g_assert_cmpuint(seen.count, ==, 5);
}

#define ADD(name, function) \
	g_test_add("/read-ahead/" name, unsigned int, NULL, set_up, function, NULL)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("ranges", test_ranges);
	ADD("nothing", test_nothing);
	ADD("stop", test_stop);
	ADD("failures", test_failures);
	return g_test_run();
}
