/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/hyperv.h"

#include <errno.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cpu/cpuid.h"

#define LEAF_VENDOR          0x40000000U
#define LEAF_INTERFACE       0x40000001U
#define LEAF_VERSION         0x40000002U
#define LEAF_FEATURES        0x40000003U
#define LEAF_RECOMMENDATIONS 0x40000004U
#define LEAF_LIMITS          0x40000005U
#define LEAF_KVM_OFFSET      0x100U /* from where KVM's own leaves are otherwise */

enum {
	FEATURES_EAX = 1 << 0     /* virtual processor run time */
		       | 1 << 1   /* partition reference counter */
		       | 1 << 2   /* synthetic interrupt controller */
		       | 1 << 3   /* synthetic timers */
		       | 1 << 4   /* local APIC registers */
		       | 1 << 5   /* hypercall registers */
		       | 1 << 6   /* virtual processor index */
		       | 1 << 7   /* reset register */
		       | 1 << 9   /* reference time stamp counter */
		       | 1 << 11, /* frequency registers may be read */
	FEATURES_EDX = 1 << 8     /* frequency registers exist */
		       | 1 << 19, /* timers that interrupt directly */
	/* Windows takes an interface without these for none. */
	FEATURES_EAX_LEAST = 1 << 5 | 1 << 6,
	RECOMMENDATIONS_EAX = 1 << 2     /* flush other processors' TLB by hypercall */
			      | 1 << 3   /* local APIC by registers */
			      | 1 << 5   /* relaxed timing: no watchdog for late interrupts */
			      | 1 << 10  /* interprocessor interrupts by hypercall */
			      | 1 << 11, /* processor masks wider than 64 */
	SPINLOCK_RETRIES = 0x1fff,       /* before the hypervisor is told */
};

int hyperv_read_supported(int vcpu_fd, struct cpuid_table *offered)
{
	*offered = (struct cpuid_table){.count = CPUID_MAX_ENTRIES};
	return ioctl(vcpu_fd, KVM_GET_SUPPORTED_HV_CPUID, offered) < 0 ? -errno : 0;
}

int hyperv_enable(int vcpu_fd)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_HYPERV_SYNIC2};

	return ioctl(vcpu_fd, KVM_ENABLE_CAP, &cap) < 0 ? -errno : 0;
}

static const struct kvm_cpuid_entry2 *find_offered(const struct cpuid_table *offered,
						   uint32_t function)
{
	for (uint32_t i = 0; i < offered->count; i++) {
		if (offered->entries[i].function == function)
			return &offered->entries[i];
	}
	return NULL;
}

static void move_kvm_leaves(struct cpuid_table *table)
{
	for (uint32_t i = 0; i < table->count; i++) {
		struct kvm_cpuid_entry2 *leaf = &table->entries[i];

		if (leaf->function == KVM_CPUID_SIGNATURE)
			leaf->eax = KVM_CPUID_FEATURES + LEAF_KVM_OFFSET;
		if (leaf->function == KVM_CPUID_SIGNATURE || leaf->function == KVM_CPUID_FEATURES)
			leaf->function += LEAF_KVM_OFFSET;
	}
}

static void add_vendor(struct cpuid_table *table)
{
	struct kvm_cpuid_entry2 vendor = {.function = LEAF_VENDOR, .eax = LEAF_LIMITS};
	struct kvm_cpuid_entry2 interface = {.function = LEAF_INTERFACE};

	memcpy(&vendor.ebx, "Micr", 4);
	memcpy(&vendor.ecx, "osof", 4);
	memcpy(&vendor.edx, "t Hv", 4);
	memcpy(&interface.eax, "Hv#1", 4);
	cpuid_append(table, &vendor);
	cpuid_append(table, &interface);
}

static void add_abilities(struct cpuid_table *table, const struct cpuid_table *offered,
			  const struct kvm_cpuid_entry2 *features)
{
	const struct kvm_cpuid_entry2 *recommended = find_offered(offered, LEAF_RECOMMENDATIONS);
	const struct kvm_cpuid_entry2 *version = find_offered(offered, LEAF_VERSION);
	const struct kvm_cpuid_entry2 *limits = find_offered(offered, LEAF_LIMITS);
	const struct kvm_cpuid_entry2 abilities[] = {
		{.function = LEAF_FEATURES,
		 .eax = features->eax & FEATURES_EAX,
		 .edx = features->edx & FEATURES_EDX},
		{.function = LEAF_RECOMMENDATIONS,
		 .eax = recommended ? recommended->eax & RECOMMENDATIONS_EAX : 0,
		 .ebx = SPINLOCK_RETRIES},
	};
	const struct kvm_cpuid_entry2 none = {.function = LEAF_VERSION};
	const struct kvm_cpuid_entry2 unlimited = {.function = LEAF_LIMITS};

	cpuid_append(table, version ? version : &none);
	cpuid_append(table, &abilities[0]);
	cpuid_append(table, &abilities[1]);
	cpuid_append(table, limits ? limits : &unlimited);
}

bool hyperv_add(struct cpuid_table *table, const struct cpuid_table *offered)
{
	const struct kvm_cpuid_entry2 *features = find_offered(offered, LEAF_FEATURES);

	if (!features || (features->eax & FEATURES_EAX_LEAST) != FEATURES_EAX_LEAST)
		return false;
	move_kvm_leaves(table);
	add_vendor(table);
	add_abilities(table, offered, features);
	return true;
}
