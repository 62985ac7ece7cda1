/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of a machine without its memory: what each of its parts saves and loads, in one table.
 * Main thread, every vCPU parked.
 */
#pragma once

struct machine;
struct state_reader;
struct state_writer;

/* Regions of the memory file (protocol/memory-file.h) that belong to the state. */
#define MACHINE_STATE_FLASH "flash" /* all of the chip with the variables */
#define MACHINE_STATE_PIXELS \
	"pixels" /* the beginning of the screen's pixel file, behind it zeros */

/* After the vCPUs: learns what there is to save, so that saving need not. 0 or negative errno. */
int machine_state_prepare(struct machine *machine);
void machine_state_finish(struct machine *machine);

/*
 * Nothing is under way in any part. Allocates nothing; a state that is too large for the writer's
 * block is told by state_writer_finish(). 0 or negative errno from KVM.
 */
int machine_state_save(struct machine *machine, struct state_writer *writer);

/*
 * Into a machine like the one that was saved, which has not run, with its memory in place but no
 * guest loaded. What stands in the way is logged, and then the machine is only good for being
 * destroyed. 0; -EPROTO: it is not the state of such a machine, or this computer cannot run it;
 * another negative errno from KVM.
 */
int machine_state_load(struct machine *machine, struct state_reader *reader);
