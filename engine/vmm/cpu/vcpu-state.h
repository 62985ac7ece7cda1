/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers of a parked vCPU: as after power-on, at the start of a kernel, and whether the guest
 * on it can still be reached. Main thread.
 */
#pragma once

#include <stdbool.h>

struct cpuid_table;
struct vcpu;
struct vcpu_entry;
struct vcpu_power_on;

/* What its CPUID instruction says. Before it first runs. 0 or negative errno. */
int vcpu_set_cpuid(const struct vcpu *vcpu, const struct cpuid_table *table);

/*
 * What a new vCPU's registers are before anything has set them, for resets: KVM has no call that
 * brings a vCPU back there. vcpu: never run, its CPUID set. 0 or negative errno.
 */
int vcpu_power_on_read(int system_fd, const struct vcpu *vcpu, struct vcpu_power_on **ret_state);
/* NULL is accepted. */
void vcpu_power_on_destroy(struct vcpu_power_on *state);

/* Any vCPU of the same machine, back to power-on; but 0 it waits to be started. */
int vcpu_power_on_apply(const struct vcpu_power_on *state, const struct vcpu *vcpu);

/* What firmware sets on every processor before a system starts (memory types, fast strings). */
int vcpu_set_firmware_state(const struct vcpu *vcpu);
/* Segments, paging and registers of the vCPU that boots, which is in its power-on state. */
int vcpu_set_entry(const struct vcpu *vcpu, const struct vcpu_power_on *state,
		   const struct vcpu_entry *entry);

/*
 * Whether an interrupt could still get through to it: halted with interrupts enabled, or running
 * with them enabled while its timer is set. *ret_started: false for one that was never started.
 */
int vcpu_is_reachable(const struct vcpu *vcpu, bool *ret_started, bool *ret_reachable);

/* Tells a guest with KVM's clock that it was stopped, so that it reports no lock-up. */
void vcpu_excuse_pause(const struct vcpu *vcpu);
