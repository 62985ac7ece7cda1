/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a vCPU left KVM_RUN for, served from the buses. Works on the kvm_run area alone.
 */
#pragma once

#include <stddef.h>

struct address_space;
struct event_loop;
struct kvm_run;
struct posted_writes;
struct statistics_vcpu;

/* Where port I/O and MMIO go; borrowed. */
struct vcpu_bus {
	struct address_space *ports;
	struct address_space *mmio;
	struct event_loop *loop;      /* the device lock is taken around each access */
	struct posted_writes *posted; /* served before each access; NULL: none */
};

enum vcpu_exit {
	VCPU_EXIT_SERVED,
	VCPU_EXIT_RESET,    /* the guest asks for it through KVM */
	VCPU_EXIT_SHUTDOWN, /* triple fault: what a PC's chipset makes a reset of */
	VCPU_EXIT_CRASH,    /* KVM cannot run the vCPU's state any further */
};

enum { VCPU_EXIT_TEXT_SIZE = 200 };

/*
 * Serves one exit (after KVM_RUN returned 0) and counts it. For a crash text says why, for a
 * person. vCPU thread, device lock not held.
 */
enum vcpu_exit vcpu_exit_serve(struct kvm_run *run, const struct vcpu_bus *bus,
			       struct statistics_vcpu *statistics, char text[VCPU_EXIT_TEXT_SIZE]);
