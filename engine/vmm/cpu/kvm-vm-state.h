/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What KVM keeps for a VM as a whole, to and from sections of a machine's state that the caller has
 * opened. All vCPUs parked. 0 or negative errno; -EPROTO with the reason in the reader.
 */
#pragma once

#include <stdint.h>

enum { KVM_VM_CLOCK_VERSION = 1, KVM_VM_CHIPS_VERSION = 1 };

struct kvm_vm;
struct state_reader;
struct state_writer;

/*
 * The clock that guests with KVM's clock go by. It is set before the vCPUs' registers are, and has
 * gone on meanwhile, so that the guest knows what time it is: *ret_away_ns says for how long.
 */
int kvm_vm_clock_save(const struct kvm_vm *vm, struct state_writer *writer);
int kvm_vm_clock_load(const struct kvm_vm *vm, struct state_reader *reader, uint64_t *ret_away_ns);

/*
 * PICs, IOAPIC and timer; after the vCPUs' registers are set. Whoever drives an interrupt line has
 * to say its level again afterwards: KVM keeps apart who holds a line up, and that is not in here.
 */
int kvm_vm_chips_save(const struct kvm_vm *vm, struct state_writer *writer);
int kvm_vm_chips_load(const struct kvm_vm *vm, struct state_reader *reader);
