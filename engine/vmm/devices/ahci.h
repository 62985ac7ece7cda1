/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The SATA adapter of an ICH9 chipset in AHCI mode (AHCI 1.3.1): PCI function 00:1f.2 with six
 * ports for disks and CD-ROM drives. Firmware and every system bring a driver for it.
 *
 * Only ports with a drive are implemented, so that nobody waits for the others. Device lock held,
 * or before the vCPUs run.
 */
#pragma once

#include <stdbool.h>

struct ahci;
struct block_backend;
struct event_loop;
struct guest_memory;
struct pci_host_bridge;
struct state_reader;
struct state_writer;

enum { AHCI_PORTS = 6, AHCI_DEVFN = 31 << 3 | 2 };

/* Everything is borrowed and must outlive it. 0 or negative errno. */
int ahci_create(struct pci_host_bridge *bridge, struct guest_memory *memory,
		struct event_loop *loop, struct ahci **ret_ahci);
/* Waits for what is under way. NULL is accepted. */
void ahci_destroy(struct ahci *ahci);

/*
 * Before the guest runs: puts a drive on a free port. The backend stays the caller's and must
 * outlive the adapter. serial: at most 20 bytes, or NULL. 0 or -ENOMEM.
 */
int ahci_add_disk(struct ahci *ahci, unsigned int port, struct block_backend *backend,
		  const char *serial);
/* backend: a removable one, with or without a medium. */
int ahci_add_cdrom(struct ahci *ahci, unsigned int port, struct block_backend *backend);

/*
 * The host's hand at the CD-ROM drive of a port (one that ahci_add_cdrom() has put there), at any
 * time. -EBUSY: the guest has locked the tray and is asked to let the medium go; unless forced. fd
 * is taken over, if this succeeds. Main thread. 0 or negative errno.
 */
int ahci_cdrom_insert(struct ahci *ahci, unsigned int port, int fd, bool force);
int ahci_cdrom_eject(struct ahci *ahci, unsigned int port, bool force);
/* Whether there is a medium in it; the guest may have ejected it. */
bool ahci_cdrom_loaded(const struct ahci *ahci, unsigned int port);

/* Stops taking commands until resumed; what was taken completes (pause, drain). */
void ahci_pause(struct ahci *ahci);
void ahci_resume(struct ahci *ahci);
/* Whether no command is under way. */
bool ahci_is_idle(const struct ahci *ahci);

/*
 * As in devices.h, with everything on its ports; after the memory and pci_host_bridge_load(). No
 * command is under way; what is issued is taken when the adapter, which load leaves paused, goes
 * on. A disk that has become larger shows its old size; a CD that is another is news to the guest.
 */
enum { AHCI_STATE_VERSION = 1 };
void ahci_save(const struct ahci *ahci, struct state_writer *writer);
int ahci_load(struct ahci *ahci, struct state_reader *reader);
