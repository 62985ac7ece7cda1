/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clones of a machine, which stands still only until its process has been copied: the copy composes
 * another machine around the memory it has inherited, and goes on as that one's process. Main
 * thread with the device lock held.
 *
 * The old machine's memory is left where it is in the copy: its parts would talk to the descriptors
 * of the process that has them. What is shared with anybody is not in the copy (MADV_DONTFORK).
 */
#pragma once

struct control_clone;
struct control_snapshot;
struct machine;

int machine_clones_prepare(struct machine *machine);
/* NULL and half-built machines are accepted; the clones go on. */
void machine_clones_finish(struct machine *machine);

/* What a client asks for (protocol/control-protocol.h, CONTROL_CLONE). 0 or negative errno. */
int machine_clone_take(struct machine *machine, struct control_snapshot *snapshot,
		       struct control_clone *clone);
