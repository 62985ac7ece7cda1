/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a clone shall be, as a client says it in a file of arguments (protocol/control-protocol.h,
 * CONTROL_CLONE). Looked at while the guest still runs, so that nothing but KVM can stand in the
 * way later.
 */
#pragma once

#include "machine/machine-config.h"

struct control_clone;

struct clone_arguments {
	struct machine_config config; /* its strings are below */
	char *bytes;
	char **argv;
};

/*
 * Reads what clone->arguments has, whose files must be among clone->files: a clone can open none.
 * original: what it is a clone of. What is wrong is logged as one sentence. 0; -EINVAL;
 * -EOPNOTSUPP; another negative errno.
 */
int clone_arguments_read(struct clone_arguments *arguments, const struct machine_config *original,
			 const struct control_clone *clone);
/* Also of zeros. */
void clone_arguments_finish(struct clone_arguments *arguments);
