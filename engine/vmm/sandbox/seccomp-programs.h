/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The allow-lists as the kernel takes them; compile-rules.c makes them when the VMM is built.
 */
#pragma once

#include <linux/filter.h>

#include "sandbox/seccomp.h"

/* What becomes of a call that is not on the list: it ends the process, or is only logged. */
struct sandbox_programs {
	struct sock_fprog deny, log_only;
};

extern const struct sandbox_programs sandbox_programs[]; /* by enum sandbox_thread */
