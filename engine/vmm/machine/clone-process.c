/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/clone-process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/event-loop.h"
#include "protocol/exit-status.h"

enum { FIRST_OF_OURS = STDERR_FILENO + 1, ABOVE_ALL = CONTROL_MAX_FILES };

struct clone_process {
	struct clone_process **list;
	struct clone_process *next;
	pid_t pid;
	int result_fd; /* the child holds its other end for as long as it lives */
	struct event_source *source;
	bool told;
	void (*began)(void *data, int status);
	void *began_data;
};

/* The child */

/* Another number, not below that, for what is open under *fd. */
static int renumber(int *fd, int lowest)
{
	int number = *fd < 0 ? -1 : fcntl(*fd, F_DUPFD_CLOEXEC, lowest);

	if (*fd >= 0 && number < 0)
		return -errno;
	*fd = number;
	return 0;
}

/* What is kept gets out of the way, all else below goes, and it comes down where it belongs. */
static int keep_descriptors(struct clone_job *job)
{
	int r = renumber(&job->system_fd, ABOVE_ALL);

	if (r == 0)
		r = renumber(&job->result_fd, ABOVE_ALL);
	for (int i = 0; r == 0 && i < MACHINE_ROMS; i++)
		r = renumber(&job->roms[i], ABOVE_ALL);
	for (int i = 0; r == 0 && i < CONTROL_MAX_FILES; i++)
		r = renumber(&job->files[i], ABOVE_ALL);
	if (r < 0)
		return r;
	(void)close_range(FIRST_OF_OURS, ABOVE_ALL - 1, 0);
	for (int i = 0; r == 0 && i < CONTROL_MAX_FILES; i++) {
		if (job->files[i] >= 0 && dup3(job->files[i], i, O_CLOEXEC) < 0)
			r = -errno;
	}
	if (r == 0)
		r = renumber(&job->system_fd, FIRST_OF_OURS);
	if (r == 0)
		r = renumber(&job->result_fd, FIRST_OF_OURS);
	for (int i = 0; r == 0 && i < MACHINE_ROMS; i++)
		r = renumber(&job->roms[i], FIRST_OF_OURS);
	(void)close_range(ABOVE_ALL, INT_MAX, 0);
	return r;
}

static _Noreturn void become(struct clone_job *job)
{
	int r = keep_descriptors(job);

	if (r < 0) {
		clone_process_tell(job, r);
		_exit(EXIT_STATUS_HOST_ERROR);
	}
	(void)setsid();
	_exit(job->run(job, job->data));
}

void clone_process_tell(const struct clone_job *job, int status)
{
	int32_t word = status;

	/* when the other process has gone nobody wants to know */
	(void)!write(job->result_fd, &word, sizeof(word));
}

/* The parent */

static void forget(struct clone_process *process)
{
	struct clone_process **place = process->list;

	while (*place != process)
		place = &(*place)->next;
	*place = process->next;
	event_source_remove(process->source);
	fd_close(&process->result_fd);
	free(process);
}

static void tell(struct clone_process *process, int status)
{
	if (!process->told)
		process->began(process->began_data, status);
	process->told = true;
}

/* Its memory has gone by the time its end can be seen, so there is no wait to speak of. */
static void on_result(void *data, uint32_t events)
{
	struct clone_process *process = data;
	int32_t status;

	if (read(process->result_fd, &status, sizeof(status)) == (ssize_t)sizeof(status)) {
		tell(process, status);
		return;
	}
	(void)waitpid(process->pid, NULL, 0);
	tell(process, -ECANCELED);
	forget(process);
}

static struct clone_process *add(struct event_loop *loop, int result_fd,
				 struct clone_process **list)
{
	struct clone_process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	if (event_loop_add(loop, result_fd, EPOLLIN, on_result, process, &process->source) < 0) {
		free(process);
		return NULL;
	}
	process->result_fd = result_fd;
	process->list = list;
	process->next = *list;
	*list = process;
	return process;
}

int clone_process_start(struct event_loop *loop, struct clone_job *job,
			void (*began)(void *data, int status), void *began_data,
			struct clone_process **list)
{
	struct clone_process *process;
	int ends[2], r = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	process = add(loop, ends[0], list);
	if (!process) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return -ENOMEM;
	}
	process->began = began;
	process->began_data = began_data;
	job->result_fd = ends[1];
	process->pid = fork();
	if (process->pid == 0)
		become(job);
	if (process->pid < 0) {
		r = -errno;
		forget(process);
	}
	fd_close(&ends[1]);
	return r;
}

void clone_processes_forget(struct clone_process **list)
{
	while (*list)
		forget(*list);
}
