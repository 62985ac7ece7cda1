/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest's CPUID instruction says: the host's CPU as far as KVM can virtualize it, in one
 * package of as many one-thread cores as the machine has vCPUs; APIC id = vCPU number.
 * Pure but for cpuid_read_supported().
 */
#pragma once

#include <linux/kvm.h>
#include <stdint.h>

enum { CPUID_MAX_ENTRIES = 256 };

/* struct kvm_cpuid2 with room. */
struct cpuid_table {
	uint32_t count;
	uint32_t padding;
	struct kvm_cpuid_entry2 entries[CPUID_MAX_ENTRIES];
};

/* What this host's KVM can offer. 0 or negative errno. */
int cpuid_read_supported(int system_fd, struct cpuid_table *table);

/*
 * Makes of what KVM supports what a guest with vcpus (1 to 255) shall see, but for the fields that
 * are different on each vCPU.
 */
void cpuid_filter(struct cpuid_table *table, uint32_t vcpus);
/* How many bits a physical address has. */
unsigned int cpuid_physical_bits(const struct cpuid_table *table);
/* Sets the fields that identify one vCPU. Can be called again for the next. */
void cpuid_set_vcpu(struct cpuid_table *table, uint32_t vcpu);

/* Adds a leaf, if there is room. */
void cpuid_append(struct cpuid_table *table, const struct kvm_cpuid_entry2 *leaf);
