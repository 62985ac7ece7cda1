/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest RAM as KVM memory slots, so that the guest's accesses reach it directly. One per region,
 * but that nothing of RAM is seen through the window of a display adapter at 0xA0000: where there
 * is no adapter, nobody answers, as in any PC.
 */
#pragma once

#include "memory/guest-memory.h"

/* Slots that RAM takes at most, numbered from 0. */
enum { MEMORY_SLOTS_MAX = GUEST_MEMORY_MAX_REGIONS + 1 };

/* vm_fd: a KVM VM without slots. 0 or negative errno. */
int memory_slots_install(int vm_fd, const struct guest_memory *memory);
