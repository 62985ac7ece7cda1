/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A forked child that writes down what this process has in its private memory, as it is at the
 * fork, while this process goes on. Main thread.
 *
 * Other threads may hold any lock at that moment, so the child does nothing but system calls: its
 * job must not allocate, nor call what does. It keeps two descriptors and no rights.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct event_loop;
struct event_source;

struct snapshot_child {
	struct event_loop *loop;
	pid_t pid;     /* 0: there is none */
	int result_fd; /* its end can be seen here */
	struct event_source *source;
	int niceness; /* of the child */
	int score_fd; /* how readily the kernel ends this process for want of memory, or -1 */
	void (*ended)(void *data, int status);
	void *data;
};

struct snapshot_job {
	int fd; /* where it is written to */
	/* In the child. 0 or negative errno. */
	int (*write)(const void *data, int fd);
	const void *data;
};

/*
 * score_fd: /proc/self/oom_score_adj, taken over, or -1: the child is as likely to be ended as this
 * process. ended: called on the main thread with the device lock held when
 * the child has gone: what its job has answered, or -ECANCELED when something has ended it.
 */
void snapshot_child_init(struct snapshot_child *child, struct event_loop *loop, int score_fd,
			 void (*ended)(void *data, int status), void *data);
/* A child that is still at work goes on by itself. */
void snapshot_child_finish(struct snapshot_child *child);

/* There is no other. job->fd stays the caller's. 0 or negative errno: -ENOMEM, -EAGAIN from fork.
 */
int snapshot_child_start(struct snapshot_child *child, const struct snapshot_job *job);

static inline bool snapshot_child_is_at_work(const struct snapshot_child *child)
{
	return child->pid != 0;
}
