/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/snapshot-child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/event-loop.h"

struct fixture {
	struct event_loop *loop;
	struct snapshot_child child;
	int fd;
	unsigned int ends;
	int status;
};

static void on_ended(void *data, int status)
{
	struct fixture *f = data;

	f->ends++;
	f->status = status;
	event_loop_stop(f->loop, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_autofree char *path = NULL;

	f->fd = g_file_open_tmp("innkeeper-child-XXXXXX", &path, NULL);
	g_unlink(path);
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	snapshot_child_init(&f->child, f->loop,
			    open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC), on_ended, f);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	snapshot_child_finish(&f->child);
	event_loop_destroy(f->loop);
	close(f->fd);
}

/* Runs the job in a child, to its end, and says what was told of it. */
static int run(struct fixture *f, int (*write)(const void *data, int fd), const void *data)
{
	const struct snapshot_job job = {.fd = f->fd, .write = write, .data = data};

	g_assert_cmpint(snapshot_child_start(&f->child, &job), ==, 0);
	g_assert_true(snapshot_child_is_at_work(&f->child));
	event_loop_run(f->loop);
	g_assert_cmpuint(f->ends, ==, 1);
	g_assert_false(snapshot_child_is_at_work(&f->child));
	/* it has been waited for */
	g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
	return f->status;
}

static int write_number(const void *data, int fd)
{
	return write(fd, data, sizeof(unsigned int)) == sizeof(unsigned int) ? 0 : -EIO;
}

/* What it writes is what memory was when it was born. */
static void test_moment(struct fixture *f, gconstpointer data)
{
	unsigned int number = 4711, written = 0;
	const struct snapshot_job job = {.fd = f->fd, .write = write_number, .data = &number};

	g_assert_cmpint(snapshot_child_start(&f->child, &job), ==, 0);
	number = 0;
	event_loop_run(f->loop);
	g_assert_cmpint(f->status, ==, 0);
	g_assert_cmpint(pread(f->fd, &written, sizeof(written), 0), ==, sizeof(written));
	g_assert_cmpuint(written, ==, 4711);
}

static int fail(const void *data, int fd)
{
	return -ENOSPC;
}

static void test_failure(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(run(f, fail, NULL), ==, -ENOSPC);
}

static int die(const void *data, int fd)
{
	raise(SIGKILL);
	return 0;
}

static void test_death(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(run(f, die, NULL), ==, -ECANCELED);
}

/* Those that are open, as an answer. */
static int count_descriptors(const void *data, int fd)
{
	int count = 0;

	for (int i = 0; i < 256; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			count++;
	}
	return -count;
}

static void test_descriptors(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(run(f, count_descriptors, NULL), ==, -2);
}

/* The last of all descriptors is kept too, wherever the others are. */
static void test_last_descriptor(struct fixture *f, gconstpointer data)
{
	int high = fcntl(f->fd, F_DUPFD_CLOEXEC, 200);

	close(f->fd);
	f->fd = high;
	g_assert_cmpint(run(f, count_descriptors, NULL), ==, -2);
}

#define ADD(name, function) \
	g_test_add("/snapshot-child/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("moment", test_moment);
	ADD("failure", test_failure);
	ADD("death", test_death);
	ADD("descriptors", test_descriptors);
	ADD("last-descriptor", test_last_descriptor);
	return g_test_run();
}
