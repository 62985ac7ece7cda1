/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The allow-lists of the sandbox, as data.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/seccomp.h"

struct sandbox_rules {
	const int *calls; /* allowed with any arguments */
	size_t call_count;
	const uint32_t *ioctls; /* allowed requests */
	size_t ioctl_count;
	bool may_copy; /* the process; and in the copy make threads */
};

const struct sandbox_rules *sandbox_rules_of(enum sandbox_thread thread);
