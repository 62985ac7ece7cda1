/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's disks and CD-ROM drives, on virtio or the SATA adapter, and what holds their data.
 * Messages are logged. Main thread.
 */
#pragma once

struct machine;

/* slot: on bus 0, of the first virtio disk. 0 or negative errno. */
int machine_create_drives(struct machine *machine, unsigned int slot);
/* Half-built ones are accepted. */
void machine_destroy_drives(struct machine *machine);

/* No new requests, and none under way when it returns. */
void machine_pause_drives(struct machine *machine);
/* Also retries what storage could not take. */
void machine_resume_drives(struct machine *machine);
