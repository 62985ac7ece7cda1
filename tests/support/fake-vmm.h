/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fake machine that runs in a thread and serves the control channel at a socket in a temporary
 * directory.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "fake-machine.h"

struct fake_vmm {
	char directory[32];
	char path[64];
	struct event_loop *loop;
	struct fake_machine machine;
	pthread_t thread;
	bool running; /* the thread has not been joined */
};

/* Makes the directory and a socket that listens in it; the descriptor, or aborts. */
int fake_vmm_listen(struct fake_vmm *vmm);
void fake_vmm_start(struct fake_vmm *vmm);
/* Waits for the loop to end; its exit code. */
int fake_vmm_join(struct fake_vmm *vmm);
/* Removes the socket and its directory. */
void fake_vmm_unlisten(struct fake_vmm *vmm);
/* Stops it, unless it has been joined, and frees everything. */
void fake_vmm_stop(struct fake_vmm *vmm);
