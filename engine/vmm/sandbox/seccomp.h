/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox: which system calls a thread may make once the guest runs (seccomp-rules.c). There
 * is no way to open a file, to start a program or to make a socket: everything is open before.
 */
#pragma once

#include <stdbool.h>

enum sandbox_thread { SANDBOX_MAIN_THREAD, SANDBOX_VCPU_THREAD, SANDBOX_READ_AHEAD_THREAD };

/*
 * For the whole process, before its first filter: no new privileges, no core dumps (they would
 * hold the guest's memory), and in builds with assertions a message that names a denied system
 * call. 0 or negative errno.
 */
int sandbox_prepare(void);

/*
 * Confines the calling thread, for good. log_only: the kernel only logs calls that are not allowed.
 * 0 or negative errno.
 */
int sandbox_apply(enum sandbox_thread thread, bool log_only);
