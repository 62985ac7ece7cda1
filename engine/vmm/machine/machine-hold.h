/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bringing a machine to a standstill, and letting it go on. Main thread with the device lock held,
 * which is let go while vCPUs are waited for. The machine's state (machine-run-state.h) is not
 * touched.
 */
#pragma once

#include <stdint.h>

struct machine;

/* Every vCPU parked, or running again. */
void machine_park_vcpus(struct machine *machine);
void machine_unpark_vcpus(struct machine *machine);

/*
 * No vCPU runs and no request is under way: nothing changes guest memory any more. Waits for as
 * long as that takes. What the host's storage could not take is held back.
 */
void machine_stop_parts(struct machine *machine);
void machine_go_on(struct machine *machine);

/*
 * Holds a machine that runs or is paused so still that it can be saved. Nothing is held back then
 * and nothing is waited for much longer than a disk may take. 0; else the machine goes on as
 * before: -EINVAL: it has ended; -ENOSPC: there is data that this computer could not store;
 * -ETIMEDOUT: a disk does not answer; -EBUSY: the guest is just being reset or turned off.
 * *ret_begin_ns: when it began to stand still (CLOCK_MONOTONIC).
 */
int machine_hold(struct machine *machine, uint64_t *ret_begin_ns);
/* As it was before, running or paused. */
void machine_release(struct machine *machine);
