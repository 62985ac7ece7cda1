/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox: which system calls a thread may make once the guest runs (seccomp-rules.c). There
 * is no way to open a file, to start a program or to make a socket: everything is open before.
 */
#pragma once

#include <stdbool.h>

struct sandbox_filter;

enum sandbox_thread { SANDBOX_MAIN_THREAD, SANDBOX_VCPU_THREAD };

/*
 * For the whole process, before its first filter: no new privileges, no core dumps (they would
 * hold the guest's memory), and in builds with assertions a message that names a denied system
 * call. 0 or negative errno.
 */
int sandbox_prepare(void);

/* The filter of one kind of thread. log_only: denied calls are only logged by the kernel. */
int sandbox_filter_create(enum sandbox_thread thread, bool log_only,
			  struct sandbox_filter **ret_filter);
void sandbox_filter_destroy(struct sandbox_filter *filter);

/* Confines the calling thread, for good. 0 or negative errno. */
int sandbox_filter_apply(const struct sandbox_filter *filter);
