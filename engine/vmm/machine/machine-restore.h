/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine that goes on where one like it was: in a file, or in the process that this one is a
 * copy of (struct machine_origin). What stands in the way is logged as one sentence. 0 or negative
 * errno; all of them do nothing for a machine that starts anew.
 */
#pragma once

#include <stdint.h>

struct machine;

/* Looks at the file, which has to be of a machine with as much memory. */
int machine_restore_open(struct machine *machine);
/* Reads and checks no more of what it went on from. Half-built machines are accepted. */
void machine_restore_close(struct machine *machine);

/* Gives the machine what was in its memory; instead of guest_memory_create(). */
int machine_restore_memory(struct machine *machine);
/* Puts what was in its flash chip of size bytes into the file that the chip is made from. */
int machine_restore_flash(struct machine *machine, uint64_t size, int fd);
/* Loads the state of all parts; instead of machine_load_guest(). */
int machine_restore_parts(struct machine *machine);
/*
 * Starts to read what was in its memory, which the guest will ask for, and then to check it, on a
 * thread that calls confine(machine) first. The file is not needed otherwise then. A machine that
 * turns out to go on from damaged memory is ended. Nothing can stand in the way.
 */
void machine_restore_read_ahead(struct machine *machine, int (*confine)(void *machine));
