/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A forked child that goes on as a process of its own, while this one does as before. It lives as
 * long as it likes; this process is told once how it began, and takes note when it ends. Main
 * thread.
 */
#pragma once

#include <stdint.h>

#include "machine/machine-roms.h"
#include "protocol/control-protocol.h"

struct event_loop;
struct clone_process;

/* What the child has open, besides 0 to 2 and what its job says. */
struct clone_job {
	int system_fd;
	int roms[MACHINE_ROMS];       /* -1: none */
	int files[CONTROL_MAX_FILES]; /* by the number that each gets; -1: none */
	/*
	 * In the child, as what would be main(): the exit status. All locks of the old process are
	 * lost to it, but for those of libc.
	 */
	int (*run)(struct clone_job *job, void *data);
	void *data;
	int result_fd; /* in the child */
};

/*
 * Only forks and returns the child's record. began: called on the main thread with the device lock
 * held, once: what clone_process_tell() was told, or -ECANCELED when something has ended it before.
 * 0 or negative errno: -ENOMEM, -EAGAIN from fork.
 */
int clone_process_start(struct event_loop *loop, struct clone_job *job,
			void (*began)(void *data, int status), void *began_data,
			struct clone_process **list);
/* In the child. */
void clone_process_tell(const struct clone_job *job, int status);
/* The children go on. */
void clone_processes_forget(struct clone_process **list);
