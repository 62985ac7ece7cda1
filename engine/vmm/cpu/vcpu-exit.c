/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exit reasons of KVM_RUN (Documentation/virt/kvm/api.rst, section 5).
 */
#include "cpu/vcpu-exit.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bus/address-space.h"
#include "bus/posted-writes.h"
#include "control/statistics-page.h"
#include "loop/event-loop.h"

static void serve_port(struct kvm_run *run, const struct vcpu_bus *bus)
{
	unsigned int size = run->io.size;
	char *data = (char *)run + run->io.data_offset;

	event_loop_lock(bus->loop);
	posted_writes_serve(bus->posted);
	for (uint32_t i = 0; i < run->io.count; i++, data += size) {
		uint64_t value = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, size);
			address_space_write(bus->ports, run->io.port, size, value);
		} else {
			value = address_space_read(bus->ports, run->io.port, size);
			memcpy(data, &value, size);
		}
	}
	event_loop_unlock(bus->loop);
}

/* An access of size bytes with a size that a bus transaction has. */
static void serve_transaction(struct address_space *mmio, uint64_t address, uint8_t *data,
			      unsigned int size, bool is_write)
{
	uint64_t value = 0;

	if (is_write) {
		memcpy(&value, data, size);
		address_space_write(mmio, address, size, value);
	} else {
		value = address_space_read(mmio, address, size);
		memcpy(data, &value, size);
	}
}

/* KVM cuts accesses at page boundaries, so that sizes like 3 occur; they are served by bytes. */
static void serve_mmio(struct kvm_run *run, const struct vcpu_bus *bus)
{
	unsigned int length = run->mmio.len;
	unsigned int size = length & (length - 1) ? 1 : length;

	event_loop_lock(bus->loop);
	posted_writes_serve(bus->posted);
	for (unsigned int at = 0; at < length; at += size)
		serve_transaction(bus->mmio, run->mmio.phys_addr + at, &run->mmio.data[at], size,
				  run->mmio.is_write);
	event_loop_unlock(bus->loop);
}

static void describe_instruction(const struct kvm_run *run, char text[VCPU_EXIT_TEXT_SIZE])
{
	const uint64_t with_bytes = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	size_t used = strlen(text), count = run->emulation_failure.insn_size;

	if (run->emulation_failure.ndata < 1 || !(run->emulation_failure.flags & with_bytes))
		return;
	if (count > sizeof(run->emulation_failure.insn_bytes))
		count = sizeof(run->emulation_failure.insn_bytes);
	used += (size_t)snprintf(text + used, VCPU_EXIT_TEXT_SIZE - used, " (bytes:");
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, VCPU_EXIT_TEXT_SIZE - used, " %02x",
					 run->emulation_failure.insn_bytes[i]);
	snprintf(text + used, VCPU_EXIT_TEXT_SIZE - used, ")");
}

static void describe_internal_error(const struct kvm_run *run, char text[VCPU_EXIT_TEXT_SIZE])
{
	if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION) {
		snprintf(text, VCPU_EXIT_TEXT_SIZE, "KVM met an internal error (suberror %u)",
			 run->internal.suberror);
		return;
	}
	snprintf(text, VCPU_EXIT_TEXT_SIZE,
		 "This computer's KVM cannot run an instruction of the guest");
	describe_instruction(run, text);
}

/* Registers of Microsoft's hypervisor that it has for us: only what needs no answer is offered. */
static enum vcpu_exit serve_hyperv(struct kvm_run *run)
{
	enum { UNKNOWN_HYPERCALL = 2 };

	if (run->hyperv.type == KVM_EXIT_HYPERV_HCALL)
		run->hyperv.u.hcall.result = UNKNOWN_HYPERCALL;
	return VCPU_EXIT_SERVED;
}

static enum vcpu_exit serve_system_event(const struct kvm_run *run, char text[VCPU_EXIT_TEXT_SIZE])
{
	if (run->system_event.type == KVM_SYSTEM_EVENT_RESET)
		return VCPU_EXIT_RESET;
	snprintf(text, VCPU_EXIT_TEXT_SIZE, "The guest's system has crashed (event %u)",
		 run->system_event.type);
	return VCPU_EXIT_CRASH;
}

static enum vcpu_exit serve_rare(struct kvm_run *run, char text[VCPU_EXIT_TEXT_SIZE])
{
	switch (run->exit_reason) {
	case KVM_EXIT_HYPERV:
		return serve_hyperv(run);
	case KVM_EXIT_SYSTEM_EVENT:
		return serve_system_event(run, text);
	case KVM_EXIT_SHUTDOWN:
		return VCPU_EXIT_SHUTDOWN;
	case KVM_EXIT_INTERNAL_ERROR:
		describe_internal_error(run, text);
		return VCPU_EXIT_CRASH;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(text, VCPU_EXIT_TEXT_SIZE,
			 "The processor does not accept the state of the guest (reason %#llx)",
			 (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		return VCPU_EXIT_CRASH;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return VCPU_EXIT_SERVED;
	default:
		snprintf(text, VCPU_EXIT_TEXT_SIZE, "KVM returned with an unexpected reason (%u)",
			 run->exit_reason);
		return VCPU_EXIT_CRASH;
	}
}

enum vcpu_exit vcpu_exit_serve(struct kvm_run *run, const struct vcpu_bus *bus,
			       struct statistics_vcpu *statistics, char text[VCPU_EXIT_TEXT_SIZE])
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		statistics_add(&statistics->exits_port, 1);
		serve_port(run, bus);
		return VCPU_EXIT_SERVED;
	case KVM_EXIT_MMIO:
		statistics_add(&statistics->exits_mmio, 1);
		serve_mmio(run, bus);
		return VCPU_EXIT_SERVED;
	default:
		statistics_add(&statistics->exits_other, 1);
		return serve_rare(run, text);
	}
}
