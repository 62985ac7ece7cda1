/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/snapshot-child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/event-loop.h"

enum {
	NICER = 10, /* than this process: the guest comes first */
	SCORE_SIZE = 16,
};

/* The kernel ends the child before it ends any machine. */
static const char child_score[] = "900";

void snapshot_child_init(struct snapshot_child *child, struct event_loop *loop, int score_fd,
			 void (*ended)(void *data, int status), void *data)
{
	*child = (struct snapshot_child){
		.loop = loop,
		.result_fd = -1,
		.niceness = getpriority(PRIO_PROCESS, 0) + NICER,
		.score_fd = score_fd,
		.ended = ended,
		.data = data,
	};
}

static void forget(struct snapshot_child *child)
{
	event_source_remove(child->source);
	child->source = NULL;
	fd_close(&child->result_fd);
	child->pid = 0;
}

void snapshot_child_finish(struct snapshot_child *child)
{
	if (!child->loop)
		return;
	forget(child);
	fd_close(&child->score_fd);
}

/* The child */

static void close_range_between(int first, int last)
{
	if (first <= last)
		(void)close_range((unsigned int)first, (unsigned int)last, 0);
}

static void close_all_but(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	close_range_between(0, low - 1);
	close_range_between(low + 1, high - 1);
	close_range_between(high + 1, INT_MAX);
}

static _Noreturn void run(const struct snapshot_child *child, const struct snapshot_job *job,
			  int result_fd)
{
	int32_t status;

	close_all_but(job->fd, result_fd);
	(void)setpriority(PRIO_PROCESS, 0, child->niceness);
	status = job->write(job->data, job->fd);
	_exit(write(result_fd, &status, sizeof(status)) == (ssize_t)sizeof(status) ? 0 : 1);
}

/* The parent */

/* Its memory has gone by now, so there is no wait to speak of. */
static void on_end(void *data, uint32_t events)
{
	struct snapshot_child *child = data;
	int32_t status;

	if (read(child->result_fd, &status, sizeof(status)) != (ssize_t)sizeof(status))
		status = -ECANCELED;
	(void)waitpid(child->pid, NULL, 0);
	forget(child);
	child->ended(child->data, status);
}

/* What a child is born with; this process has it only for so long. */
static void set_score(const struct snapshot_child *child, const char *score)
{
	if (child->score_fd >= 0)
		(void)!write(child->score_fd, score, strlen(score));
}

static pid_t fork_with_score(const struct snapshot_child *child)
{
	char own[SCORE_SIZE] = "0";
	pid_t pid;

	if (child->score_fd >= 0)
		(void)!pread(child->score_fd, own, sizeof(own) - 1, 0);
	set_score(child, child_score);
	pid = fork();
	if (pid != 0) {
		int error = errno;

		set_score(child, own);
		errno = error;
	}
	return pid;
}

/* Nothing is read before the end: events other than a hang-up are not asked for. */
static int watch(struct snapshot_child *child, int result_fd)
{
	int r = event_loop_add(child->loop, result_fd, 0, on_end, child, &child->source);

	if (r == 0)
		child->result_fd = result_fd;
	return r;
}

int snapshot_child_start(struct snapshot_child *child, const struct snapshot_job *job)
{
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r = watch(child, ends[0]);
	if (r < 0) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return r;
	}
	child->pid = fork_with_score(child);
	if (child->pid == 0)
		run(child, job, ends[1]);
	r = child->pid < 0 ? -errno : 0;
	fd_close(&ends[1]);
	if (r < 0)
		forget(child);
	return r;
}
