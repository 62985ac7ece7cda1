/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of a machine, which stands still only until its process has been copied: the copy
 * writes the memory down. Main thread with the device lock held.
 */
#pragma once

struct control_snapshot;
struct machine;

/* 0 or negative errno. */
int machine_snapshot_prepare(struct machine *machine);
void machine_snapshot_finish(struct machine *machine);

/* What a client asks for (control/control-server.h, CONTROL_SNAPSHOT). 0 or negative errno. */
int machine_snapshot_take(struct machine *machine, struct control_snapshot *snapshot);
