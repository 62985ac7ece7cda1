/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One virtual machine of KVM with its interrupt chips and timer in the kernel, without vCPUs and
 * memory. What the host's KVM must have is checked here.
 */
#pragma once

#include <stddef.h>

struct kvm_vm {
	int system_fd;          /* /dev/kvm, owned */
	int vm_fd;              /* owned */
	size_t run_size;        /* bytes of the area a vCPU shares with us */
	unsigned int max_vcpus; /* of this host */
};

/*
 * Opens /dev/kvm and checks it: 0; -ENOENT, -ENODEV or -EACCES from opening; -EPROTO when this KVM
 * is too old or lacks something needed; other negative errno. On failure vm needs no finish.
 */
int kvm_vm_open(struct kvm_vm *vm);
/* As that, of a descriptor that is open already and is taken over when this succeeds. */
int kvm_vm_adopt(struct kvm_vm *vm, int system_fd);
/* Creates the VM with its interrupt chips and timer. 0 or negative errno. */
int kvm_vm_create(struct kvm_vm *vm);
/* Closes both descriptors. Also after a kvm_vm_create() that did not succeed. */
void kvm_vm_finish(struct kvm_vm *vm);

/* PICs, IOAPIC and timer as after power-on. No vCPU may run. 0 or negative errno. */
int kvm_vm_reset_chips(struct kvm_vm *vm);
