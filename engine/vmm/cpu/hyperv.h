/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Enlightenments: what a Windows guest uses of the interface of Microsoft's hypervisor ("Hypervisor
 * Top-Level Functional Specification", chapters 2 and 3), as far as the host's KVM has it. KVM's
 * own leaves move behind, where guests that know them look too.
 */
#pragma once

#include <stdbool.h>

struct cpuid_table;

/* What the KVM of this vCPU offers; all leaves. 0 or negative errno where it has no such thing. */
int hyperv_read_supported(int vcpu_fd, struct cpuid_table *offered);

/*
 * Adds to what the guest sees what is used here of what is offered. Whether it did: a KVM without
 * the least that a guest has to have is as one without any.
 */
bool hyperv_add(struct cpuid_table *table, const struct cpuid_table *offered);

/* Turns on a vCPU's synthetic interrupt controller. Before it first runs. 0 or negative errno. */
int hyperv_enable(int vcpu_fd);
