/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * KVM's own counters of a vCPU, read through a descriptor and found by name
 * (Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD).
 */
#pragma once

#include <stdint.h>

enum kvm_counter { KVM_COUNTER_EXITS, KVM_COUNTER_HALTS, KVM_COUNTER_INTERRUPTS, KVM_COUNTERS };

/* Where they are in the data; the same for every vCPU. */
struct kvm_counter_layout {
	uint64_t offset[KVM_COUNTERS]; /* in the file; 0: this KVM does not count it */
};

/* A new descriptor for the counters, or negative errno where KVM has none. */
int kvm_counters_open(int vcpu_fd);
/* 0 or negative errno. */
int kvm_counters_find(int stats_fd, struct kvm_counter_layout *ret_layout);
/* What is not counted reads 0. 0 or negative errno. */
int kvm_counters_read(int stats_fd, const struct kvm_counter_layout *layout,
		      uint64_t values[KVM_COUNTERS]);
