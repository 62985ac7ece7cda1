/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's disks and CD-ROM drives, on virtio or the SATA adapter, and what holds their data.
 * Messages are logged. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct machine;

/* slot: on bus 0, of the first virtio disk. 0 or negative errno. */
int machine_create_drives(struct machine *machine, unsigned int slot);
/* Half-built ones are accepted. */
void machine_destroy_drives(struct machine *machine);

/*
 * As ahci_cdrom_insert() and ahci_cdrom_eject(), for a CD-ROM drive from 0. -ENODEV: there is no
 * such drive.
 */
int machine_insert_medium(struct machine *machine, unsigned int number, int fd, bool force);
int machine_eject_medium(struct machine *machine, unsigned int number, bool force);

/*
 * See block_backend_grow(); disks are counted from 0. -ENODEV: there is none; -EOPNOTSUPP: not on
 * the SATA adapter, which has no way to tell a guest.
 */
int machine_grow_disk(struct machine *machine, unsigned int number, uint64_t size);

/* No new requests from here on; what is under way goes on. */
void machine_pause_drives(struct machine *machine);
/*
 * Waits for what is under way. 0; -ETIMEDOUT: it still is, at that time (CLOCK_MONOTONIC); -ENOSPC:
 * there is data that this computer could not store. Both only where there is a deadline.
 */
int machine_drain_drives(struct machine *machine, uint64_t deadline_ns);
/* Also retries what storage could not take. */
void machine_resume_drives(struct machine *machine);
