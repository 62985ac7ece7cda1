/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Brings into the statistics page what only the kernel knows (KVM's counters, CPU time, resident
 * memory): at the rate a client asks for and once a minute in any case, which goes into the page's
 * history; and notices a guest that does not respond any more. Main thread with the device lock
 * held.
 */
#pragma once

#include <stdint.h>

struct machine;
struct statistics_sampler;

/*
 * Before guest memory is touched: what the process holds by now counts as its own. Does not sample
 * yet. 0 or negative errno.
 */
int statistics_sampler_create(struct machine *machine, struct statistics_sampler **ret_sampler);
void statistics_sampler_destroy(struct statistics_sampler *sampler);

/*
 * The machine is about to start: opens KVM's counters, begins to sample once a minute, and notes
 * when the guest has run.
 */
void statistics_sampler_start(struct statistics_sampler *sampler);
/* Every interval_ms from now on; 0: nobody watches. */
void statistics_sampler_watch(struct statistics_sampler *sampler, uint32_t interval_ms);
/* One sample now. */
void statistics_sampler_take(struct statistics_sampler *sampler);
/* The machine did not run for a while: its time to respond begins anew. */
void statistics_sampler_forgive(struct statistics_sampler *sampler);

/* CLOCK_BOOTTIME now, in nanoseconds. */
uint64_t statistics_sampler_boot_time(void);
