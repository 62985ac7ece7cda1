/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The layers that a client has staged for a machine's disks: what has been written so far stays
 * below them as it is. Main thread with the device lock held; 0 or negative errno.
 */
#pragma once

#include <stdint.h>

struct control_snapshot;
struct machine;

/* Before the guest has to wait: whether there are such disks, and that what they have is stored. */
int machine_layers_prepare(struct machine *machine, const struct control_snapshot *snapshot);
/*
 * While the machine is held: its disks go on in the layers. What is pushed is no more in the
 * snapshot. Where this fails nothing has changed.
 */
int machine_layers_push(struct machine *machine, struct control_snapshot *snapshot,
			uint64_t *ret_disks);
/* Takes back what was pushed: disks as bits. */
void machine_layers_pop(struct machine *machine, uint64_t disks);
