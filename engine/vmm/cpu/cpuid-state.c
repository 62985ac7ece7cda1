/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leaves and bits: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E. Features are named as
 * Linux does in /proc/cpuinfo, by which they can be looked up.
 */
#include "cpu/cpuid-state.h"

#include <stdio.h>
#include <string.h>

#include "state/state-reader.h"
#include "state/state-writer.h"

#define LEAF_VENDOR        0x0U
#define LEAF_ADDRESS_SIZES 0x80000008U
#define LEAF_HYPERVISOR    0x40000000U

enum cpuid_register { EAX, EBX, ECX, EDX, REGISTERS };

/* Registers in which each bit is a feature; names of the bits from 0 on, "-" for one without. */
static const struct {
	uint32_t function, index;
	enum cpuid_register place;
	const char *names;
} features[] = {
	{0x1, 0, EDX,
	 "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - "
	 "ds acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
	{0x1, 0, ECX,
	 "sse3 pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - "
	 "pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave osxsave avx "
	 "f16c rdrand hypervisor"},
	{0x7, 0, EBX,
	 "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a "
	 "avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er "
	 "avx512cd sha_ni avx512bw avx512vl"},
	{0x7, 0, ECX,
	 "prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 shstk gfni vaes vpclmulqdq "
	 "avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - "
	 "bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc pks"},
	{0x7, 0, EDX,
	 "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - "
	 "serialize - tsxldtrk - pconfig arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 "
	 "spec_ctrl intel_stibp flush_l1d arch_capabilities core_capabilities spec_ctrl_ssbd"},
	{0x7, 1, EAX,
	 "sha512 sm3 sm4 - avx_vnni avx512_bf16 - cmpccxadd - - fzrm fsrs fsrc - - - - fred lkgs - "
	 "- amx_fp16 hreset avx_ifma - - lam - - - - -"},
	{0x7, 1, EDX, ""},
	{0x7, 2, EDX, ""},
	{0xd, 0, EAX,
	 "x87 sse avx mpx mpx avx512f avx512f avx512f - pku - - - - - - - amx_tile amx_tile"},
	{0xd, 0, EDX, ""},
	{0xd, 1, EAX, "xsaveopt xsavec xgetbv1 xsaves xfd"},
	{0x80000001, 0, EDX,
	 "fpu vme de pse tsc msr pae mce cx8 apic - syscall mtrr pge mca cmov pat pse36 - mp nx - "
	 "mmxext mmx fxsr fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow"},
	{0x80000001, 0, ECX,
	 "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs "
	 "xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext "
	 "ptsc perfctr_llc mwaitx - -"},
	{0x80000007, 0, EDX, "- - - - - - - - constant_tsc"},
	{0x80000008, 0, EBX,
	 "clzero irperf xsaveerptr - rdpru - - - - wbnoinvd - - ibpb - ibrs amd_stibp - - - - - - "
	 "- amd_ppin amd_ssbd virt_ssbd amd_ssb_no cppc amd_psfd - - -"},
	{0x80000021, 0, EAX, ""},
	/* KVM's own, behind Microsoft's interface where there is that too */
	{0x40000001, 0, EAX,
	 "kvmclock nop_io_delay mmu_op kvmclock2 async_pf steal_time pv_eoi pv_unhalt - "
	 "pv_tlb_flush async_pf_vmexit pv_send_ipi poll_control pv_sched_yield async_pf_int "
	 "msi_ext_dest_id"},
	{0x40000101, 0, EAX,
	 "kvmclock nop_io_delay mmu_op kvmclock2 async_pf steal_time pv_eoi pv_unhalt - "
	 "pv_tlb_flush async_pf_vmexit pv_send_ipi poll_control pv_sched_yield async_pf_int "
	 "msi_ext_dest_id"},
	{0x40000003, 0, EAX, ""},
	{0x40000003, 0, EBX, ""},
	{0x40000003, 0, EDX, ""},
};

void cpuid_state_save(const struct cpuid_table *table, struct state_writer *writer)
{
	state_writer_put32(writer, table->count);
	for (uint32_t i = 0; i < table->count; i++) {
		const struct kvm_cpuid_entry2 *entry = &table->entries[i];

		state_writer_put32(writer, entry->function);
		state_writer_put32(writer, entry->index);
		state_writer_put32(writer, entry->flags);
		state_writer_put32(writer, entry->eax);
		state_writer_put32(writer, entry->ebx);
		state_writer_put32(writer, entry->ecx);
		state_writer_put32(writer, entry->edx);
	}
}

int cpuid_state_load(struct cpuid_table *table, struct state_reader *reader)
{
	uint32_t count = state_reader_get32(reader);

	*table = (struct cpuid_table){0};
	if (!state_reader_check(reader, count <= CPUID_MAX_ENTRIES,
				"no processor says so much of itself"))
		return state_reader_result(reader);
	for (table->count = 0; table->count < count; table->count++) {
		struct kvm_cpuid_entry2 *entry = &table->entries[table->count];

		entry->function = state_reader_get32(reader);
		entry->index = state_reader_get32(reader);
		entry->flags = state_reader_get32(reader);
		entry->eax = state_reader_get32(reader);
		entry->ebx = state_reader_get32(reader);
		entry->ecx = state_reader_get32(reader);
		entry->edx = state_reader_get32(reader);
	}
	return state_reader_result(reader);
}

/* All zeros where there is no such leaf. */
static void read_leaf(const struct cpuid_table *table, uint32_t function, uint32_t index,
		      uint32_t registers[REGISTERS])
{
	memset(registers, 0, REGISTERS * sizeof(registers[0]));
	for (uint32_t i = 0; i < table->count; i++) {
		const struct kvm_cpuid_entry2 *entry = &table->entries[i];

		if (entry->function != function || entry->index != index)
			continue;
		registers[EAX] = entry->eax;
		registers[EBX] = entry->ebx;
		registers[ECX] = entry->ecx;
		registers[EDX] = entry->edx;
		return;
	}
}

/* Whose processor it is, or whose hypervisor. */
static bool same_maker(const struct cpuid_table *a, const struct cpuid_table *b, uint32_t function)
{
	uint32_t left[REGISTERS], right[REGISTERS];

	read_leaf(a, function, 0, left);
	read_leaf(b, function, 0, right);
	return memcmp(&left[EBX], &right[EBX], (REGISTERS - EBX) * sizeof(left[0])) == 0;
}

static void name_feature(size_t number, unsigned int bit, char name[CPUID_FEATURE_NAME_SIZE])
{
	static const char *const registers[REGISTERS] = {"EAX", "EBX", "ECX", "EDX"};
	const char *word = features[number].names;
	int length;

	for (unsigned int i = 0; i < bit && *word; i++) {
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	length = (int)strcspn(word, " ");
	if (length == 0 || *word == '-')
		snprintf(name, CPUID_FEATURE_NAME_SIZE,
			 "the feature of bit %u in %s of CPUID leaf %#x.%u", bit,
			 registers[features[number].place], features[number].function,
			 features[number].index);
	else
		snprintf(name, CPUID_FEATURE_NAME_SIZE, "the feature %.*s", length, word);
}

static bool find_missing_feature(const struct cpuid_table *seen, const struct cpuid_table *offered,
				 char name[CPUID_FEATURE_NAME_SIZE])
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		uint32_t left[REGISTERS], right[REGISTERS], missing;

		read_leaf(seen, features[i].function, features[i].index, left);
		read_leaf(offered, features[i].function, features[i].index, right);
		missing = left[features[i].place] & ~right[features[i].place];
		if (missing) {
			name_feature(i, (unsigned int)__builtin_ctz(missing), name);
			return true;
		}
	}
	return false;
}

bool cpuid_find_missing(const struct cpuid_table *seen, const struct cpuid_table *offered,
			char name[CPUID_FEATURE_NAME_SIZE])
{
	const char *missing = NULL;

	if (!same_maker(seen, offered, LEAF_VENDOR))
		missing = "the same maker";
	else if (!same_maker(seen, offered, LEAF_HYPERVISOR))
		missing = "the same hypervisor's interface";
	else if (cpuid_physical_bits(seen) > cpuid_physical_bits(offered))
		missing = "memory addresses as wide";
	if (!missing)
		return find_missing_feature(seen, offered, name);
	snprintf(name, CPUID_FEATURE_NAME_SIZE, "%s", missing);
	return true;
}
