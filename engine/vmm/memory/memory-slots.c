/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/memory-slots.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "memory/guest-memory.h"

int memory_slots_install(int vm_fd, const struct guest_memory *memory)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	size_t count = guest_memory_regions(memory, regions);

	for (size_t i = 0; i < count; i++) {
		struct kvm_userspace_memory_region slot = {
			.slot = (uint32_t)i,
			.guest_phys_addr = regions[i].gpa,
			.memory_size = regions[i].size,
			.userspace_addr = (uintptr_t)regions[i].host,
		};

		if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return -errno;
	}
	return 0;
}
