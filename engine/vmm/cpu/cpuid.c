/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPUID leaves: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E; KVM's own leaves:
 * Documentation/virt/kvm/x86/cpuid.rst.
 */
#include "cpu/cpuid.h"

#include <errno.h>
#include <linux/kvm_para.h>
#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

static_assert(offsetof(struct cpuid_table, entries) == offsetof(struct kvm_cpuid2, entries),
	      "the kernel reads and writes it as struct kvm_cpuid2");

enum {
	LEAF_VENDOR = 0,
	LEAF_FEATURES = 1,
	LEAF_CACHES = 4,
	LEAF_EXTENDED_FEATURES = 7,
	LEAF_TOPOLOGY = 0xb,
	LEAF_TOPOLOGY_V2 = 0x1f,
};
#define LEAF_AMD_FEATURES  0x80000001U
#define LEAF_ADDRESS_SIZES 0x80000008U
#define LEAF_AMD_CACHES    0x8000001dU
#define LEAF_AMD_TOPOLOGY  0x8000001eU

#define FEATURE_ECX_X2APIC        (1U << 21)
#define FEATURE_ECX_TSC_DEADLINE  (1U << 24)
#define FEATURE_ECX_HYPERVISOR    (1U << 31)
#define FEATURE_EDX_MULTITHREADED (1U << 28) /* more than one logical processor per package */
#define EXTENDED_EBX_SGX          (1U << 2)
#define EXTENDED_ECX_SGX_LC       (1U << 30)
#define AMD_ECX_CMP_LEGACY        (1U << 1)

enum { DEFAULT_PHYSICAL_BITS = 36 }; /* of a processor that does not say */
enum { LEVEL_TYPE_THREAD = 1, LEVEL_TYPE_CORE = 2 };

/*
 * Asynchronous page faults would leave a guest waiting for wake-ups that a snapshot or a clone
 * cannot bring; they gain little when guest RAM is not swapped.
 */
#define KVM_FEATURES_HIDDEN                                                   \
	((1U << KVM_FEATURE_ASYNC_PF) | (1U << KVM_FEATURE_ASYNC_PF_VMEXIT) | \
	 (1U << KVM_FEATURE_ASYNC_PF_INT))

int cpuid_read_supported(int system_fd, struct cpuid_table *table)
{
	*table = (struct cpuid_table){.count = CPUID_MAX_ENTRIES};
	if (ioctl(system_fd, KVM_GET_SUPPORTED_CPUID, table) < 0)
		return -errno;
	return 0;
}

static struct kvm_cpuid_entry2 *find(struct cpuid_table *table, uint32_t function)
{
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->entries[i].function == function)
			return &table->entries[i];
	}
	return NULL;
}

static void remove_leaf(struct cpuid_table *table, uint32_t function)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		if (table->entries[i].function != function)
			table->entries[kept++] = table->entries[i];
	}
	table->count = kept;
}

void cpuid_append(struct cpuid_table *table, const struct kvm_cpuid_entry2 *leaf)
{
	if (table->count < CPUID_MAX_ENTRIES)
		table->entries[table->count++] = *leaf;
}

/* Bits of an APIC id that tell the cores of a package of so many apart. */
static uint32_t core_id_bits(uint32_t vcpus)
{
	uint32_t bits = 0;

	while ((1U << bits) < vcpus)
		bits++;
	return bits;
}

static void set_field(uint32_t *reg, unsigned int low, unsigned int width, uint32_t value)
{
	uint32_t mask = ((1U << width) - 1) << low;

	*reg = (*reg & ~mask) | ((value << low) & mask);
}

static void filter_features(struct cpuid_table *table, uint32_t vcpus)
{
	struct kvm_cpuid_entry2 *leaf = find(table, LEAF_FEATURES);

	if (!leaf)
		return;
	/* KVM's local APIC has both modes, whatever this computer's has */
	leaf->ecx |= FEATURE_ECX_HYPERVISOR | FEATURE_ECX_X2APIC | FEATURE_ECX_TSC_DEADLINE;
	leaf->edx &= ~FEATURE_EDX_MULTITHREADED;
	if (vcpus > 1)
		leaf->edx |= FEATURE_EDX_MULTITHREADED;
	/* 256 ids do not fit this old field; the topology leaves have them */
	set_field(&leaf->ebx, 16, 8, vcpus > 128 ? 255 : 1U << core_id_bits(vcpus));
}

/* Each core its own level 1 and 2, one last level for all. Fields hold the number less one. */
static void filter_caches(struct cpuid_table *table, uint32_t leaf_number, uint32_t vcpus)
{
	uint32_t ids = 1U << core_id_bits(vcpus);

	for (uint32_t i = 0; i < table->count; i++) {
		struct kvm_cpuid_entry2 *leaf = &table->entries[i];
		uint32_t level = (leaf->eax >> 5) & 7;

		if (leaf->function != leaf_number || (leaf->eax & 0x1f) == 0)
			continue;
		set_field(&leaf->eax, 14, 12, level >= 3 ? ids - 1 : 0);
		if (leaf_number == LEAF_CACHES)
			set_field(&leaf->eax, 26, 6, ids > 64 ? 63 : ids - 1);
	}
}

static void append_topology(struct cpuid_table *table, uint32_t function, uint32_t vcpus)
{
	const struct kvm_cpuid_entry2 levels[] = {
		{.index = 0, .eax = 0, .ebx = 1, .ecx = 0 | LEVEL_TYPE_THREAD << 8},
		{.index = 1,
		 .eax = core_id_bits(vcpus),
		 .ebx = vcpus,
		 .ecx = 1 | LEVEL_TYPE_CORE << 8},
		{.index = 2, .ecx = 2},
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct kvm_cpuid_entry2 level = levels[i];

		level.function = function;
		level.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		cpuid_append(table, &level);
	}
}

static void filter_topology(struct cpuid_table *table, uint32_t vcpus)
{
	const struct kvm_cpuid_entry2 *vendor = find(table, LEAF_VENDOR);
	uint32_t last = vendor ? vendor->eax : 0;

	remove_leaf(table, LEAF_TOPOLOGY);
	remove_leaf(table, LEAF_TOPOLOGY_V2);
	if (last >= LEAF_TOPOLOGY)
		append_topology(table, LEAF_TOPOLOGY, vcpus);
	if (last >= LEAF_TOPOLOGY_V2)
		append_topology(table, LEAF_TOPOLOGY_V2, vcpus);
}

static void filter_amd(struct cpuid_table *table, uint32_t vcpus)
{
	struct kvm_cpuid_entry2 *leaf = find(table, LEAF_AMD_FEATURES);

	if (leaf) {
		leaf->ecx &= ~AMD_ECX_CMP_LEGACY;
		if (vcpus > 1 && find(table, LEAF_AMD_TOPOLOGY))
			leaf->ecx |= AMD_ECX_CMP_LEGACY;
	}
	leaf = find(table, LEAF_ADDRESS_SIZES);
	if (leaf) {
		set_field(&leaf->ecx, 0, 8, vcpus - 1);
		set_field(&leaf->ecx, 12, 4, core_id_bits(vcpus));
	}
	leaf = find(table, LEAF_AMD_TOPOLOGY);
	if (leaf)
		leaf->ecx = 0; /* one node */
}

/* Enclaves need memory that this machine does not give. */
static void hide_enclaves(struct cpuid_table *table)
{
	struct kvm_cpuid_entry2 *leaf = find(table, LEAF_EXTENDED_FEATURES);

	if (!leaf)
		return;
	leaf->ebx &= ~EXTENDED_EBX_SGX;
	leaf->ecx &= ~EXTENDED_ECX_SGX_LC;
}

void cpuid_filter(struct cpuid_table *table, uint32_t vcpus)
{
	struct kvm_cpuid_entry2 *kvm = find(table, KVM_CPUID_FEATURES);

	filter_features(table, vcpus);
	filter_caches(table, LEAF_CACHES, vcpus);
	filter_caches(table, LEAF_AMD_CACHES, vcpus);
	filter_amd(table, vcpus);
	hide_enclaves(table);
	if (kvm)
		kvm->eax &= ~KVM_FEATURES_HIDDEN;
	filter_topology(table, vcpus);
}

void cpuid_set_vcpu(struct cpuid_table *table, uint32_t vcpu)
{
	for (uint32_t i = 0; i < table->count; i++) {
		struct kvm_cpuid_entry2 *leaf = &table->entries[i];

		switch (leaf->function) {
		case LEAF_FEATURES:
			set_field(&leaf->ebx, 24, 8, vcpu);
			break;
		case LEAF_TOPOLOGY:
		case LEAF_TOPOLOGY_V2:
			leaf->edx = vcpu;
			break;
		case LEAF_AMD_TOPOLOGY:
			leaf->eax = vcpu;
			leaf->ebx = vcpu & 0xff; /* one thread per core */
			break;
		}
	}
}

unsigned int cpuid_physical_bits(const struct cpuid_table *table)
{
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->entries[i].function == LEAF_ADDRESS_SIZES)
			return table->entries[i].eax & 0xff;
	}
	return DEFAULT_PHYSICAL_BITS;
}
