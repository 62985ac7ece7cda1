/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/clone-process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loop/event-loop.h"

#define LOOK_NS 1000000ULL

enum { NUMBER = 20, NOTHING = 1, STOPPED = 0 };

struct fixture {
	struct event_loop *loop;
	struct clone_process *list;
	struct clone_job job;
	int calls, status, stranger;
	bool goes_on; /* does not stop at its beginning */
	struct event_timer *timer;
};

static int make_file(const char *text)
{
	int fd = memfd_create(text, MFD_CLOEXEC);

	g_assert_cmpint(pwrite(fd, text, strlen(text), 0), ==, strlen(text));
	return fd;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	memset(f, 0, sizeof(*f));
	f->status = NOTHING;
	f->stranger = make_file("stranger");
	for (int i = 0; i < CONTROL_MAX_FILES; i++)
		f->job.files[i] = -1;
	for (int i = 0; i < MACHINE_ROMS; i++)
		f->job.roms[i] = -1;
	f->job.system_fd = make_file("kvm");
	f->job.roms[MACHINE_ROM_NETWORK] = make_file("rom");
	f->job.files[NUMBER] = make_file("file");
	f->job.files[STDOUT_FILENO] = make_file("output");
	f->job.data = f;
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	clone_processes_forget(&f->list);
	event_loop_destroy(f->loop);
	close(f->stranger);
	close(f->job.system_fd);
	close(f->job.roms[MACHINE_ROM_NETWORK]);
	close(f->job.files[NUMBER]);
	close(f->job.files[STDOUT_FILENO]);
}

static void on_began(void *data, int status)
{
	struct fixture *f = data;

	f->calls++;
	f->status = status;
	if (!f->goes_on)
		event_loop_stop(f->loop, STOPPED);
}

static void start(struct fixture *f, int (*run)(struct clone_job *job, void *data))
{
	f->job.run = run;
	g_assert_cmpint(clone_process_start(f->loop, &f->job, on_began, f, &f->list), ==, 0);
	g_assert_nonnull(f->list);
	g_assert_cmpint(event_loop_run(f->loop), ==, STOPPED);
	g_assert_cmpint(f->calls, ==, 1);
}

static int holds(int fd, const char *text)
{
	char bytes[16] = "";

	return pread(fd, bytes, sizeof(bytes) - 1, 0) > 0 && strcmp(bytes, text) == 0;
}

/* Bit by bit what is not as it should be. */
static int look(struct clone_job *job, void *data)
{
	const struct fixture *f = data;
	int wrong = 0;

	wrong |= !holds(NUMBER, "file") << 0;
	wrong |= !holds(STDOUT_FILENO, "output") << 1;
	wrong |= !holds(job->system_fd, "kvm") << 2;
	wrong |= !holds(job->roms[MACHINE_ROM_NETWORK], "rom") << 3;
	wrong |= (job->roms[MACHINE_ROM_VGA] != -1) << 4;
	wrong |= holds(f->stranger, "stranger") << 5;
	wrong |= (getsid(0) != getpid()) << 6;
	wrong |= !(fcntl(NUMBER, F_GETFD) & FD_CLOEXEC) << 7;
	clone_process_tell(job, -wrong);
	return 0;
}

static void test_descriptors(struct fixture *f, gconstpointer data)
{
	start(f, look);
	g_assert_cmpint(f->status, ==, 0);
}

static int end(struct clone_job *job, void *data)
{
	return 1;
}

static void test_mute(struct fixture *f, gconstpointer data)
{
	start(f, end);
	g_assert_cmpint(f->status, ==, -ECANCELED);
	g_assert_null(f->list); /* and it has been waited for */
}

static int begin_and_end(struct clone_job *job, void *data)
{
	clone_process_tell(job, 0);
	return 0;
}

static void on_timer(void *data)
{
	struct fixture *f = data;

	if (f->list)
		event_timer_set(f->timer, event_loop_now() + LOOK_NS);
	else
		event_loop_stop(f->loop, STOPPED);
}

/* What ends later is noted, but not told again. */
static void test_end(struct fixture *f, gconstpointer data)
{
	f->goes_on = true;
	g_assert_cmpint(event_loop_add_timer(f->loop, on_timer, f, &f->timer), ==, 0);
	event_timer_set(f->timer, event_loop_now() + LOOK_NS);
	start(f, begin_and_end);
	g_assert_cmpint(f->status, ==, 0);
	event_timer_remove(f->timer);
}

#define ADD(name, function) \
	g_test_add("/clone-process/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("descriptors", test_descriptors);
	ADD("mute", test_mute);
	ADD("end", test_end);
	return g_test_run();
}
