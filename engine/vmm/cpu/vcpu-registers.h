/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All registers of a parked vCPU to and from the state of a machine: a section that the caller has
 * opened. What KVM offers here is asked once, so that saving allocates nothing and calls KVM a
 * dozen times. Main thread.
 */
#pragma once

#include <stdint.h>

enum { VCPU_REGISTERS_VERSION = 1 };

struct kvm_vm;
struct state_reader;
struct state_writer;
struct vcpu;
struct vcpu_registers;

/* For every vCPU of the machine; its CPUID is set. 0 or negative errno. */
int vcpu_registers_create(const struct kvm_vm *vm, const struct vcpu *vcpu,
			  struct vcpu_registers **ret_registers);
/* NULL is accepted. */
void vcpu_registers_destroy(struct vcpu_registers *registers);

/* 0 or negative errno. */
int vcpu_registers_save(struct vcpu_registers *registers, const struct vcpu *vcpu,
			struct state_writer *writer);
/* For how long the machine was not there (ns): what is loaded from here on has counted on. */
void vcpu_registers_set_away(struct vcpu_registers *registers, uint64_t away_ns);
/*
 * Into a vCPU that has not run and has the same CPUID; the VM's clock is set, its interrupt chips
 * not yet. 0; -EPROTO with the reason in the reader; another negative errno from KVM. On failure
 * the vCPU cannot be used.
 */
int vcpu_registers_load(struct vcpu_registers *registers, const struct vcpu *vcpu,
			struct state_reader *reader);
