/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running, paused, stopped by the host's storage, ended: the transitions between them. Main thread
 * with the device lock held, which is let go while vCPUs are waited for.
 */
#pragma once

#include "protocol/statistics-protocol.h"

struct control_operations;
struct machine;

/* The guest's first instruction. */
void machine_start(struct machine *machine);

/* 0; -EINVAL when the machine has ended. Both do nothing when it is so already. */
int machine_pause(struct machine *machine);
int machine_resume(struct machine *machine);
/* One that is held (machine-hold.h) is a paused one from here on. */
void machine_stay_held(struct machine *machine);

/* Asks the guest to shut down. -EINVAL unless running. */
int machine_press_power_button(struct machine *machine);
/* With --no-reboot this ends the machine. 0; -EINVAL when it has ended already. */
int machine_reset(struct machine *machine);
/* Ends it as a person or a signal wants it, without asking the guest. machine: void for callbacks.
 */
void machine_force_off(void *machine);
/* Ends it. text: why, for a person; NULL for none. */
void machine_end(struct machine *machine, enum vmm_end_reason reason, int exit_status, int error,
		 const char *text);

/* Serves what other threads have noted (machine-requests.h). An event source's callback. */
void machine_serve_requests(void *machine);

/* What clients can ask for (control/control-server.h). */
extern const struct control_operations machine_control_operations;
