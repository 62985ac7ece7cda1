/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest RAM as KVM memory slots, one per region, so that the guest's accesses reach it directly.
 */
#pragma once

struct guest_memory;

/* vm_fd: a KVM VM without slots. 0 or negative errno. */
int memory_slots_install(int vm_fd, const struct guest_memory *memory);
