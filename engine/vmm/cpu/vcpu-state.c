/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processor state after power-on: Intel SDM volume 3A, table 9-1; at the start of a kernel:
 * Documentation/arch/x86/boot.rst, 64-bit boot protocol.
 */
#include "cpu/vcpu-state.h"

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/byte-order.h"
#include "cpu/vcpu.h"

#define MSR_TSC           0x10
#define MSR_MISC_ENABLE   0x1a0
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MSR_TSC_DEADLINE  0x6e0
#define MSR_VP_INDEX      0x40000002 /* of Microsoft's hypervisor: the number of the vCPU */
#define MISC_FAST_STRINGS 1ULL
#define MISC_NO_BTS       (1ULL << 11)
#define MISC_NO_PEBS      (1ULL << 12)
#define MTRR_ENABLED      (1ULL << 11)
#define MTRR_WRITE_BACK   6ULL

#define CR0_PE          (1ULL << 0)
#define CR0_MP          (1ULL << 1)
#define CR0_ET          (1ULL << 4)
#define CR0_NE          (1ULL << 5)
#define CR0_WP          (1ULL << 16)
#define CR0_PG          (1ULL << 31)
#define CR4_PAE         (1ULL << 5)
#define EFER_LME        (1ULL << 8)
#define EFER_LMA        (1ULL << 10)
#define RFLAGS_RESERVED (1ULL << 1)
#define RFLAGS_IF       (1ULL << 9)
#define APIC_BASE_BSP   (1ULL << 8)
#define DR6_POWER_ON    0xffff0ff0ULL
#define DR7_POWER_ON    0x400ULL
#define RDX_POWER_ON    0x600ULL /* family 6 */
#define RIP_POWER_ON    0xfff0ULL

/* local APIC registers (Intel SDM volume 3A, section 10.4.1) */
enum {
	APIC_ID = 0x20,
	APIC_LVT_TIMER = 0x320,
	APIC_INITIAL_COUNT = 0x380,
	APIC_LVT_MASKED = 1 << 16,
	APIC_LVT_TSC_DEADLINE = 2 << 17,
	APIC_LVT_TIMER_MODE = 3 << 17,
};

/* struct kvm_msrs with room for two. */
struct msr_pair {
	uint32_t count, padding;
	struct kvm_msr_entry entries[2];
};
static_assert(offsetof(struct msr_pair, entries) == offsetof(struct kvm_msrs, entries),
	      "the kernel reads and writes it as struct kvm_msrs");

enum { MAX_MSRS = 1024 }; /* many times what KVM keeps */

struct vcpu_power_on {
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_msrs *msrs;
	_Alignas(struct kvm_xsave) uint8_t xsave[sizeof(struct kvm_xsave)];
};

int vcpu_set_cpuid(const struct vcpu *vcpu, const struct cpuid_table *table)
{
	return ioctl(vcpu_fd(vcpu), KVM_SET_CPUID2, table) < 0 ? -errno : 0;
}

/* The numbers of the MSRs KVM keeps for a vCPU. 0 or negative errno. */
static int read_msr_numbers(int system_fd, struct kvm_msr_list **ret_list)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + MAX_MSRS * sizeof(list->indices[0]));

	if (!list)
		return -ENOMEM;
	list->nmsrs = MAX_MSRS;
	if (ioctl(system_fd, KVM_GET_MSR_INDEX_LIST, list) < 0) {
		int r = -errno;

		free(list);
		return r;
	}
	*ret_list = list;
	return 0;
}

/*
 * The time stamp counters run on through a reset, so that they stay in step with each other; and
 * each vCPU keeps its number.
 */
static struct kvm_msrs *msrs_from_list(const struct kvm_msr_list *list)
{
	struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + list->nmsrs * sizeof(msrs->entries[0]));

	for (uint32_t i = 0; msrs && i < list->nmsrs; i++) {
		if (list->indices[i] != MSR_TSC && list->indices[i] != MSR_VP_INDEX)
			msrs->entries[msrs->nmsrs++].index = list->indices[i];
	}
	return msrs;
}

/* KVM_GET_MSRS stops at one this CPU does not have; such are left out. */
static int read_msrs(int fd, struct kvm_msrs *msrs)
{
	for (;;) {
		int done = ioctl(fd, KVM_GET_MSRS, msrs);

		if (done < 0)
			return -errno;
		if ((uint32_t)done >= msrs->nmsrs)
			return 0;
		msrs->nmsrs--;
		memmove(&msrs->entries[done], &msrs->entries[done + 1],
			(msrs->nmsrs - (uint32_t)done) * sizeof(msrs->entries[0]));
	}
}

static int read_power_on_msrs(int system_fd, const struct vcpu *vcpu, struct kvm_msrs **ret_msrs)
{
	struct kvm_msr_list *list = NULL;
	struct kvm_msrs *msrs;
	int r = read_msr_numbers(system_fd, &list);

	if (r < 0)
		return r;
	msrs = msrs_from_list(list);
	free(list);
	if (!msrs)
		return -ENOMEM;
	r = read_msrs(vcpu_fd(vcpu), msrs);
	if (r < 0) {
		free(msrs);
		return r;
	}
	*ret_msrs = msrs;
	return 0;
}

int vcpu_power_on_read(int system_fd, const struct vcpu *vcpu, struct vcpu_power_on **ret_state)
{
	struct vcpu_power_on *state = calloc(1, sizeof(*state));
	int fd = vcpu_fd(vcpu), r;

	if (!state)
		return -ENOMEM;
	r = read_power_on_msrs(system_fd, vcpu, &state->msrs);
	if (r == 0 && (ioctl(fd, KVM_GET_SREGS, &state->sregs) < 0 ||
		       ioctl(fd, KVM_GET_LAPIC, &state->lapic) < 0 ||
		       ioctl(fd, KVM_GET_XSAVE, state->xsave) < 0))
		r = -errno;
	if (r < 0) {
		vcpu_power_on_destroy(state);
		return r;
	}
	*ret_state = state;
	return 0;
}

void vcpu_power_on_destroy(struct vcpu_power_on *state)
{
	if (!state)
		return;
	free(state->msrs);
	free(state);
}

/* KVM_SET_MSRS stops at one it does not take; such are skipped. */
static int write_msrs(int fd, const struct kvm_msrs *msrs)
{
	struct kvm_msrs *rest = malloc(sizeof(*rest) + msrs->nmsrs * sizeof(rest->entries[0]));
	uint32_t at = 0;
	int done = 0;

	if (!rest)
		return -ENOMEM;
	while (at < msrs->nmsrs && done >= 0) {
		rest->nmsrs = msrs->nmsrs - at;
		memcpy(rest->entries, &msrs->entries[at], rest->nmsrs * sizeof(rest->entries[0]));
		done = ioctl(fd, KVM_SET_MSRS, rest);
		at += (uint32_t)done + 1;
	}
	free(rest);
	return done < 0 ? -errno : 0;
}

static int apply_apic(const struct vcpu_power_on *state, const struct vcpu *vcpu)
{
	struct kvm_lapic_state lapic = state->lapic;

	store_le32(&lapic.regs[APIC_ID], vcpu_number(vcpu) << 24);
	return ioctl(vcpu_fd(vcpu), KVM_SET_LAPIC, &lapic) < 0 ? -errno : 0;
}

static int apply_registers(const struct vcpu_power_on *state, const struct vcpu *vcpu)
{
	struct kvm_regs regs = {
		.rflags = RFLAGS_RESERVED, .rip = RIP_POWER_ON, .rdx = RDX_POWER_ON};
	struct kvm_debugregs debugregs = {.dr6 = DR6_POWER_ON, .dr7 = DR7_POWER_ON};
	struct kvm_vcpu_events events = {.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
						  KVM_VCPUEVENT_VALID_SHADOW};
	struct kvm_sregs sregs = state->sregs;
	int fd = vcpu_fd(vcpu);

	if (vcpu_number(vcpu) != 0)
		sregs.apic_base &= ~APIC_BASE_BSP;
	if (ioctl(fd, KVM_SET_VCPU_EVENTS, &events) < 0 || ioctl(fd, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(fd, KVM_SET_REGS, &regs) < 0 || ioctl(fd, KVM_SET_DEBUGREGS, &debugregs) < 0 ||
	    ioctl(fd, KVM_SET_XSAVE, state->xsave) < 0)
		return -errno;
	return 0;
}

int vcpu_power_on_apply(const struct vcpu_power_on *state, const struct vcpu *vcpu)
{
	struct kvm_mp_state mp_state = {.mp_state = vcpu_number(vcpu) == 0
							    ? KVM_MP_STATE_RUNNABLE
							    : KVM_MP_STATE_UNINITIALIZED};
	struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = 1}};
	int r = apply_registers(state, vcpu);

	if (r == 0)
		r = write_msrs(vcpu_fd(vcpu), state->msrs);
	if (r == 0)
		r = apply_apic(state, vcpu);
	if (r == 0 && ioctl(vcpu_fd(vcpu), KVM_SET_MP_STATE, &mp_state) < 0)
		r = -errno;
	/* A CPU without XSAVE has no XCR0 to reset. */
	(void)ioctl(vcpu_fd(vcpu), KVM_SET_XCRS, &xcrs);
	return r;
}

int vcpu_set_firmware_state(const struct vcpu *vcpu)
{
	struct msr_pair msrs = {
		.count = 2,
		.entries = {{.index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED | MTRR_WRITE_BACK},
			    {.index = MSR_MISC_ENABLE,
			     .data = MISC_FAST_STRINGS | MISC_NO_BTS | MISC_NO_PEBS}},
	};

	/* A CPU without one of them boots all the same. */
	return ioctl(vcpu_fd(vcpu), KVM_SET_MSRS, &msrs) < 0 ? -errno : 0;
}

static struct kvm_segment flat_segment(uint16_t selector, bool is_code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = is_code ? 0xb : 0x3, /* accessed, readable or writable */
		.present = 1,
		.db = !is_code,
		.s = 1,
		.l = is_code,
		.g = 1,
	};
}

int vcpu_set_entry(const struct vcpu *vcpu, const struct vcpu_power_on *state,
		   const struct vcpu_entry *entry)
{
	struct kvm_regs regs = {
		.rflags = RFLAGS_RESERVED,
		.rip = entry->rip,
		.rsp = entry->rsp,
		.rsi = entry->rsi,
	};
	struct kvm_segment data = flat_segment(entry->data_selector, /* is_code= */ false);
	struct kvm_sregs sregs = state->sregs;

	sregs.cs = flat_segment(entry->code_selector, /* is_code= */ true);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt = (struct kvm_dtable){.base = entry->gdt_base, .limit = entry->gdt_limit};
	sregs.idt = (struct kvm_dtable){.base = 0, .limit = 0};
	sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs.cr3 = entry->cr3;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(vcpu_fd(vcpu), KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(vcpu_fd(vcpu), KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

static int timer_is_set(int fd, bool *ret_set)
{
	struct msr_pair deadline = {.count = 1, .entries = {{.index = MSR_TSC_DEADLINE}}};
	struct kvm_lapic_state lapic;
	uint32_t lvt;

	if (ioctl(fd, KVM_GET_LAPIC, &lapic) < 0)
		return -errno;
	lvt = load_le32(&lapic.regs[APIC_LVT_TIMER]);
	if (lvt & APIC_LVT_MASKED) {
		*ret_set = false;
	} else if ((lvt & APIC_LVT_TIMER_MODE) == APIC_LVT_TSC_DEADLINE) {
		if (ioctl(fd, KVM_GET_MSRS, &deadline) < 0)
			return -errno;
		*ret_set = deadline.entries[0].data != 0;
	} else {
		*ret_set = load_le32(&lapic.regs[APIC_INITIAL_COUNT]) != 0;
	}
	return 0;
}

int vcpu_is_reachable(const struct vcpu *vcpu, bool *ret_started, bool *ret_reachable)
{
	struct kvm_mp_state mp_state;
	struct kvm_regs regs;
	int fd = vcpu_fd(vcpu);

	if (ioctl(fd, KVM_GET_MP_STATE, &mp_state) < 0 || ioctl(fd, KVM_GET_REGS, &regs) < 0)
		return -errno;
	*ret_started = mp_state.mp_state == KVM_MP_STATE_RUNNABLE ||
		       mp_state.mp_state == KVM_MP_STATE_HALTED;
	*ret_reachable = *ret_started && (regs.rflags & RFLAGS_IF);
	if (!*ret_reachable || mp_state.mp_state == KVM_MP_STATE_HALTED)
		return 0;
	return timer_is_set(fd, ret_reachable);
}

void vcpu_excuse_pause(const struct vcpu *vcpu)
{
	(void)ioctl(vcpu_fd(vcpu), KVM_KVMCLOCK_CTRL, 0);
}
