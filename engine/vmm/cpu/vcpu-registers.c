/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts are KVM's structures as they are: its interface to programs does not change. KVM checks
 * what it is given; here it is only seen to that it is given all of it.
 */
#include "cpu/vcpu-registers.h"

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cpu/kvm-vm.h"
#include "cpu/vcpu.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

#define NS_PER_MS 1000000U

enum {
	MAX_LISTED = 1024, /* many times what KVM lists */
	MAX_MSRS = MAX_LISTED + 64,
	MSRS_AT_ONCE = 128, /* KVM takes 255 */

	MSR_TSC = 0x10,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_MTRR_FIRST = 0x200, /* bases and masks of eight */
	MSR_MTRR_LAST = 0x20f,
	MSR_HYPERV_RESET = 0x40000003,
	MSR_HYPERV_TIME = 0x40000020,
	MSR_HYPERV_TSC_FREQUENCY = 0x40000022,
	MSR_HYPERV_APIC_FREQUENCY = 0x40000023,
	MSR_HYPERV_SIEFP = 0x40000082,
	MSR_HYPERV_SIMP = 0x40000083,
	MSR_HYPERV_SINT_FIRST = 0x40000090,
	MSR_HYPERV_SINT_LAST = 0x4000009f,
	MSR_HYPERV_TIMER_FIRST = 0x400000b0, /* configuration and count of four */
	MSR_HYPERV_TIMER_LAST = 0x400000b7,
	MSR_KVM_ASYNC_PF = 0x4b564d02,
};

/* Registers that KVM keeps without listing them. */
static const struct {
	uint32_t first, last;
} unlisted[] = {
	{MSR_MTRR_FIRST, MSR_MTRR_LAST}, /* memory types, and the fixed ranges and default: */
	{0x250, 0x250},
	{0x258, 0x259},
	{0x268, 0x26f},
	{0x2ff, 0x2ff},
	{MSR_HYPERV_SIEFP, MSR_HYPERV_SIMP},
	{MSR_HYPERV_SINT_FIRST, MSR_HYPERV_SINT_LAST},
	{MSR_HYPERV_TIMER_FIRST, MSR_HYPERV_TIMER_LAST},
};

/* struct kvm_msrs with room. */
struct msr_block {
	uint32_t count, padding;
	struct kvm_msr_entry entries[MAX_MSRS];
};

/* Everything but the MSRs. */
struct parts {
	struct kvm_mp_state mp_state;
	uint32_t tsc_khz; /* 0: KVM cannot say */
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
};
static_assert(sizeof(struct parts) == 2080, "version 1 has it like this, without gaps");

struct vcpu_registers {
	bool has_sregs2, has_xsave2, has_xcrs;
	uint64_t away_ns;
	uint32_t xsave_size;
	uint8_t *xsave;         /* xsave_size bytes */
	struct msr_block known; /* the numbers alone count */
	struct msr_block msrs;
	struct parts parts;
};

static int control(const struct vcpu *vcpu, unsigned long request, void *argument)
{
	return ioctl(vcpu_fd(vcpu), request, argument) < 0 ? -errno : 0;
}

/* Those that only tell what is so anyway, and one whose writing is a reset. */
static bool is_left_out(uint32_t index)
{
	return index == MSR_HYPERV_RESET || index == MSR_HYPERV_TIME ||
	       index == MSR_HYPERV_TSC_FREQUENCY || index == MSR_HYPERV_APIC_FREQUENCY;
}

static struct kvm_msr_entry *find_msr(struct msr_block *msrs, uint32_t index)
{
	for (uint32_t i = 0; i < msrs->count; i++) {
		if (msrs->entries[i].index == index)
			return &msrs->entries[i];
	}
	return NULL;
}

/*
 * Has KVM read or write (KVM_GET_MSRS, KVM_SET_MSRS) the entries one after the other, up to one
 * that the vCPU does not have or whose value it refuses. *ret_done: how many are before that. 0 or
 * negative errno.
 */
static int transfer_msrs(const struct vcpu *vcpu, unsigned long request,
			 struct kvm_msr_entry *entries, uint32_t count, uint32_t *ret_done)
{
	struct {
		uint32_t count, padding;
		struct kvm_msr_entry entries[MSRS_AT_ONCE];
	} pass = {0};
	int done;

	for (*ret_done = 0; *ret_done < count; *ret_done += (uint32_t)done) {
		struct kvm_msr_entry *next = &entries[*ret_done];

		pass.count = count - *ret_done < MSRS_AT_ONCE ? count - *ret_done : MSRS_AT_ONCE;
		memcpy(pass.entries, next, pass.count * sizeof(*next));
		done = ioctl(vcpu_fd(vcpu), request, &pass);
		if (done < 0)
			return -errno;
		memcpy(next, pass.entries, (uint32_t)done * sizeof(*next));
		if ((uint32_t)done < pass.count) {
			*ret_done += (uint32_t)done;
			return 0;
		}
	}
	return 0;
}

static void consider_msr(struct msr_block *known, uint32_t index)
{
	if (known->count < MAX_MSRS && !is_left_out(index) && !find_msr(known, index))
		known->entries[known->count++] = (struct kvm_msr_entry){.index = index};
}

static int consider_listed(struct msr_block *known, int system_fd)
{
	struct kvm_msr_list *list =
		calloc(1, sizeof(*list) + MAX_LISTED * sizeof(list->indices[0]));
	int r = 0;

	if (!list)
		return -ENOMEM;
	list->nmsrs = MAX_LISTED;
	if (ioctl(system_fd, KVM_GET_MSR_INDEX_LIST, list) < 0)
		r = -errno;
	for (uint32_t i = 0; r == 0 && i < list->nmsrs; i++)
		consider_msr(known, list->indices[i]);
	free(list);
	return r;
}

/* Leaves out what this vCPU does not have. */
static int learn_msrs(struct msr_block *known, const struct vcpu *vcpu)
{
	uint32_t at = 0, kept = 0, done;
	int r = 0;

	while (r == 0 && at < known->count) {
		struct kvm_msr_entry *next = &known->entries[at];

		r = transfer_msrs(vcpu, KVM_GET_MSRS, next, known->count - at, &done);
		memmove(&known->entries[kept], next, done * sizeof(*next));
		kept += done;
		at += done + 1;
	}
	known->count = kept;
	return r;
}

static int find_msrs(struct msr_block *known, int system_fd, const struct vcpu *vcpu)
{
	int r = consider_listed(known, system_fd);

	for (size_t i = 0; i < sizeof(unlisted) / sizeof(unlisted[0]); i++) {
		for (uint32_t n = unlisted[i].first; n <= unlisted[i].last; n++)
			consider_msr(known, n);
	}
	return r == 0 ? learn_msrs(known, vcpu) : r;
}

static int extension(const struct kvm_vm *vm, int capability)
{
	return ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, capability);
}

int vcpu_registers_create(const struct kvm_vm *vm, const struct vcpu *vcpu,
			  struct vcpu_registers **ret_registers)
{
	struct vcpu_registers *registers = calloc(1, sizeof(*registers));
	int xsave_size = extension(vm, KVM_CAP_XSAVE2), r = -ENOMEM;

	if (!registers)
		return -ENOMEM;
	registers->has_sregs2 = extension(vm, KVM_CAP_SREGS2) > 0;
	registers->has_xcrs = extension(vm, KVM_CAP_XCRS) > 0;
	registers->has_xsave2 = xsave_size >= (int)sizeof(struct kvm_xsave);
	registers->xsave_size =
		registers->has_xsave2 ? (uint32_t)xsave_size : sizeof(struct kvm_xsave);
	registers->xsave = calloc(1, registers->xsave_size);
	if (registers->xsave)
		r = find_msrs(&registers->known, vm->system_fd, vcpu);
	if (r < 0) {
		vcpu_registers_destroy(registers);
		return r;
	}
	*ret_registers = registers;
	return 0;
}

void vcpu_registers_destroy(struct vcpu_registers *registers)
{
	if (!registers)
		return;
	free(registers->xsave);
	free(registers);
}

/* Saving */

static int get_sregs(const struct vcpu_registers *registers, const struct vcpu *vcpu,
		     struct kvm_sregs2 *sregs)
{
	struct kvm_sregs old;
	int r;

	if (registers->has_sregs2)
		return control(vcpu, KVM_GET_SREGS2, sregs);
	r = control(vcpu, KVM_GET_SREGS, &old);
	/* The same up to here; interrupts that wait are among the events. */
	memcpy(sregs, &old, offsetof(struct kvm_sregs2, flags));
	return r;
}

/* In an order in which no call changes what the next one reads. */
static int get_parts(struct vcpu_registers *registers, const struct vcpu *vcpu)
{
	unsigned long get_xsave = registers->has_xsave2 ? KVM_GET_XSAVE2 : KVM_GET_XSAVE;
	struct parts *parts = &registers->parts;
	int r = control(vcpu, KVM_GET_MP_STATE, &parts->mp_state), khz;

	if (r == 0)
		r = control(vcpu, KVM_GET_REGS, &parts->regs);
	if (r == 0)
		r = get_sregs(registers, vcpu, &parts->sregs);
	if (r == 0)
		r = control(vcpu, get_xsave, registers->xsave);
	if (r == 0 && registers->has_xcrs)
		r = control(vcpu, KVM_GET_XCRS, &parts->xcrs);
	if (r == 0)
		r = control(vcpu, KVM_GET_DEBUGREGS, &parts->debugregs);
	if (r == 0)
		r = control(vcpu, KVM_GET_LAPIC, &parts->lapic);
	if (r == 0)
		r = control(vcpu, KVM_GET_VCPU_EVENTS, &parts->events);
	khz = ioctl(vcpu_fd(vcpu), KVM_GET_TSC_KHZ, 0);
	parts->tsc_khz = khz > 0 ? (uint32_t)khz : 0;
	return r;
}

static int get_msrs(struct vcpu_registers *registers, const struct vcpu *vcpu)
{
	struct msr_block *msrs = &registers->msrs;
	uint32_t done;
	int r;

	msrs->count = registers->known.count;
	memcpy(msrs->entries, registers->known.entries, msrs->count * sizeof(msrs->entries[0]));
	r = transfer_msrs(vcpu, KVM_GET_MSRS, msrs->entries, msrs->count, &done);
	return r == 0 && done < msrs->count ? -EIO : r;
}

int vcpu_registers_save(struct vcpu_registers *registers, const struct vcpu *vcpu,
			struct state_writer *writer)
{
	int r;

	memset(&registers->parts, 0, sizeof(registers->parts));
	r = get_parts(registers, vcpu);
	if (r == 0)
		r = get_msrs(registers, vcpu);
	if (r < 0)
		return r;
	state_writer_put_bytes(writer, &registers->parts, sizeof(registers->parts));
	state_writer_put32(writer, registers->xsave_size);
	state_writer_put_bytes(writer, registers->xsave, registers->xsave_size);
	state_writer_put32(writer, registers->msrs.count);
	for (uint32_t i = 0; i < registers->msrs.count; i++) {
		state_writer_put32(writer, registers->msrs.entries[i].index);
		state_writer_put64(writer, registers->msrs.entries[i].data);
	}
	return 0;
}

/* Loading */

static void take_xsave(struct vcpu_registers *registers, struct state_reader *reader)
{
	uint32_t size = state_reader_get32(reader);

	memset(registers->xsave, 0, registers->xsave_size);
	if (state_reader_check(reader,
			       size >= sizeof(struct kvm_xsave) && size <= registers->xsave_size,
			       "this computer's processor has less registers"))
		state_reader_get_bytes(reader, registers->xsave, size);
}

static void take_msrs(struct vcpu_registers *registers, struct state_reader *reader)
{
	uint32_t count = state_reader_get32(reader);
	struct msr_block *msrs = &registers->msrs;

	msrs->count = 0;
	if (!state_reader_check(reader, count <= registers->known.count,
				"this computer's processor has less registers"))
		return;
	for (uint32_t i = 0; i < count; i++) {
		struct kvm_msr_entry entry = {.index = state_reader_get32(reader)};

		entry.data = state_reader_get64(reader);
		if (state_reader_check(reader, find_msr(&registers->known, entry.index),
				       "this computer's processor lacks a register"))
			msrs->entries[msrs->count++] = entry;
	}
}

static int set_sregs(const struct vcpu_registers *registers, const struct vcpu *vcpu,
		     struct kvm_sregs2 *sregs)
{
	struct kvm_sregs old = {0};

	if (registers->has_sregs2)
		return control(vcpu, KVM_SET_SREGS2, sregs);
	memcpy(&old, sregs, offsetof(struct kvm_sregs2, flags));
	return control(vcpu, KVM_SET_SREGS, &old);
}

/* Where the frequency is the processor's own there is nothing to set, and maybe no way to. */
static int set_tsc_khz(const struct vcpu *vcpu, uint32_t khz)
{
	if (khz == 0 || ioctl(vcpu_fd(vcpu), KVM_GET_TSC_KHZ, 0) == (int)khz)
		return 0;
	return ioctl(vcpu_fd(vcpu), KVM_SET_TSC_KHZ, (unsigned long)khz) < 0 ? -errno : 0;
}

static int set_parts(struct vcpu_registers *registers, const struct vcpu *vcpu)
{
	struct parts *parts = &registers->parts;
	int r = set_tsc_khz(vcpu, parts->tsc_khz);

	if (r == 0)
		r = control(vcpu, KVM_SET_MP_STATE, &parts->mp_state);
	if (r == 0)
		r = set_sregs(registers, vcpu, &parts->sregs);
	if (r == 0)
		r = control(vcpu, KVM_SET_REGS, &parts->regs);
	if (r == 0 && registers->has_xcrs)
		r = control(vcpu, KVM_SET_XCRS, &parts->xcrs);
	if (r == 0)
		r = control(vcpu, KVM_SET_XSAVE, registers->xsave);
	if (r == 0)
		r = control(vcpu, KVM_SET_DEBUGREGS, &parts->debugregs);
	if (r == 0)
		r = control(vcpu, KVM_SET_LAPIC, &parts->lapic);
	return r;
}

/* A register that cannot be set need not be when it says what it should. */
static bool holds(const struct vcpu *vcpu, const struct kvm_msr_entry *entry)
{
	struct kvm_msr_entry found = {.index = entry->index};
	uint32_t done;

	return transfer_msrs(vcpu, KVM_GET_MSRS, &found, 1, &done) == 0 && done == 1 &&
	       found.data == entry->data;
}

void vcpu_registers_set_away(struct vcpu_registers *registers, uint64_t away_ns)
{
	registers->away_ns = away_ns;
}

/* A guest may go by this clock instead of KVM's: both have gone on. */
static void advance_tsc(struct vcpu_registers *registers)
{
	struct kvm_msr_entry *tsc = find_msr(&registers->msrs, MSR_TSC);
	uint64_t khz = registers->parts.tsc_khz;

	if (tsc)
		tsc->data += registers->away_ns / NS_PER_MS * khz +
			     registers->away_ns % NS_PER_MS * khz / NS_PER_MS;
}

/* Those act when they are set, so they come after what they need. */
static void put_late_last(struct msr_block *msrs)
{
	static const uint32_t late[] = {MSR_TSC_DEADLINE, MSR_KVM_ASYNC_PF};

	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		struct kvm_msr_entry *found = find_msr(msrs, late[i]), *last, entry;

		if (!found)
			continue;
		entry = *found;
		last = &msrs->entries[msrs->count - 1];
		memmove(found, found + 1, (size_t)(last - found) * sizeof(entry));
		*last = entry;
	}
}

static int set_msrs(struct vcpu_registers *registers, const struct vcpu *vcpu,
		    struct state_reader *reader)
{
	struct msr_block *msrs = &registers->msrs;
	uint32_t at = 0, done;
	int r = 0;

	put_late_last(msrs);
	while (r == 0 && at < msrs->count) {
		r = transfer_msrs(vcpu, KVM_SET_MSRS, &msrs->entries[at], msrs->count - at, &done);
		at += done;
		if (r < 0 || at == msrs->count)
			return r;
		state_reader_check(reader, holds(vcpu, &msrs->entries[at]),
				   "this computer's processor refuses the value of a register");
		r = state_reader_result(reader);
		at++;
	}
	return r;
}

int vcpu_registers_load(struct vcpu_registers *registers, const struct vcpu *vcpu,
			struct state_reader *reader)
{
	struct kvm_vcpu_events *events = &registers->parts.events;
	int r;

	state_reader_get_bytes(reader, &registers->parts, sizeof(registers->parts));
	take_xsave(registers, reader);
	take_msrs(registers, reader);
	r = state_reader_result(reader);
	advance_tsc(registers);
	if (r == 0)
		r = set_parts(registers, vcpu);
	if (r == 0)
		r = set_msrs(registers, vcpu, reader);
	if (r == 0)
		r = control(vcpu, KVM_SET_VCPU_EVENTS, events);
	return r;
}
