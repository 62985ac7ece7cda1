/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Port writes for which the guest does not wait: KVM keeps them, in order, until some exit or one
 * of the main thread's callbacks has them served (KVM API: KVM_REGISTER_COALESCED_MMIO). For
 * registers that a guest writes often and that change nothing it could notice before it leaves KVM
 * anyway: no interrupt, no address, no memory behind a slot.
 *
 * All calls with the device lock held or before the vCPUs run.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct address_space;
struct posted_writes;

/* vm_fd and ports stay the caller's. 0 or -ENOMEM, also where KVM cannot keep writes. */
int posted_writes_create(int vm_fd, struct address_space *ports, struct posted_writes **ret_posted);
/* NULL is accepted. */
void posted_writes_destroy(struct posted_writes *posted);

/* Writes to these ports are kept from now on. 0 or negative errno, and then each is an exit. */
int posted_writes_add(struct posted_writes *posted, uint16_t port, uint16_t count);

/* Where KVM keeps them: the area of any of the VM's vCPUs. Before that the guest may not run. */
void posted_writes_set_area(struct posted_writes *posted, void *run, size_t size);

/* Serves what has been kept. NULL is accepted: nothing. */
void posted_writes_serve(struct posted_writes *posted);
