/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Brings every part back to power-on and loads the kernel again, in the order it has to be done.
 */
#pragma once

struct linux_boot_problem;
struct machine;

/* vCPUs parked, disks drained of what they can do. 0 or negative errno. */
int machine_reset_parts(struct machine *machine);

/* Boot files in memory and the first vCPU at their entry. Logs what stands in the way. */
int machine_load_guest(struct machine *machine);

/* Says in a sentence why the kernel cannot be started. */
void machine_log_boot_problem(const struct machine *machine,
			      const struct linux_boot_problem *problem);
