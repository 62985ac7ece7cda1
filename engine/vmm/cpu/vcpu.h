/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A virtual CPU: its KVM descriptor, the area it shares with KVM, and the thread that runs it.
 *
 * The thread is either running the guest or parked. A parked vCPU has completed every access it
 * had begun: its registers are whole and may be read and written by the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/vcpu-exit.h"

struct kvm_vm;
struct statistics_vcpu;
struct vcpu;

enum vcpu_stop {
	VCPU_STOP_RESET, /* by the guest */
	VCPU_STOP_TRIPLE_FAULT,
	VCPU_STOP_CRASH,      /* KVM cannot run its state any further */
	VCPU_STOP_HOST_ERROR, /* KVM_RUN was refused, or the thread could not be confined */
};

/* What every vCPU of a machine stands on; borrowed, must outlive the vCPUs. */
struct vcpu_host {
	const struct kvm_vm *vm;
	struct vcpu_bus bus;
	/* Runs first on each vCPU's thread. 0, or negative errno: the vCPU then never runs. */
	int (*confine)(void *data);
	/* The vCPU parks by itself; text is for a person, NULL for none. On its thread, no lock
	 * held. */
	void (*stopped)(void *data, enum vcpu_stop stop, int error, const char *text);
	void *data;
};

/* Where a vCPU starts in 64-bit mode with paging on and flat segments. */
struct vcpu_entry {
	uint64_t rip, rsp, rsi;
	uint64_t cr3;
	uint64_t gdt_base;
	uint16_t gdt_limit, code_selector, data_selector;
};

/* Once per process, before any vCPU is created: the signal that interrupts KVM_RUN. */
int vcpu_install_kick_signal(void);

/* Number 0 is the one that boots. statistics: its line of the page. 0 or negative errno. */
int vcpu_create(const struct vcpu_host *host, unsigned int number,
		struct statistics_vcpu *statistics, struct vcpu **ret_vcpu);
/* Ends the thread; it must be parked or be asked to stop. NULL is accepted. */
void vcpu_destroy(struct vcpu *vcpu);

/* Starts the thread, parked. 0 or negative errno. */
int vcpu_start_thread(struct vcpu *vcpu);

/*
 * Main thread. vcpu_run() wants it parked. To stop several, ask all, then wait for each; while
 * waiting the device lock must not be held, since the vCPU may need it to complete an access.
 */
void vcpu_run(struct vcpu *vcpu);
void vcpu_ask_to_stop(struct vcpu *vcpu);
void vcpu_wait_until_parked(struct vcpu *vcpu);

/* For the state functions (vcpu-state.h). */
int vcpu_fd(const struct vcpu *vcpu);
unsigned int vcpu_number(const struct vcpu *vcpu);
/* What it shares with KVM, vm->run_size bytes. */
void *vcpu_run_area(const struct vcpu *vcpu);
/* CPU time the thread has used. */
uint64_t vcpu_cpu_time_ns(const struct vcpu *vcpu);
