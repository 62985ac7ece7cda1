/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/memory-slots.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "memory/memory-layout.h"

/* The next free number goes to [offset, end) of the region. */
static int install(int vm_fd, uint32_t *number, const struct guest_memory_region *region,
		   uint64_t offset, uint64_t end)
{
	struct kvm_userspace_memory_region slot = {
		.slot = *number,
		.guest_phys_addr = region->gpa + offset,
		.memory_size = end - offset,
		.userspace_addr = (uintptr_t)region->host + offset,
	};

	(*number)++;
	return ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0 ? -errno : 0;
}

/* The first region begins at 0 and is larger than 1 MiB. */
int memory_slots_install(int vm_fd, const struct guest_memory *memory)
{
	const uint64_t window_end = LAYOUT_VGA_WINDOW + LAYOUT_VGA_WINDOW_SIZE;
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	size_t count = guest_memory_regions(memory, regions);
	uint32_t number = 0;
	int r = install(vm_fd, &number, &regions[0], 0, LAYOUT_VGA_WINDOW);

	if (r == 0)
		r = install(vm_fd, &number, &regions[0], window_end, regions[0].size);
	for (size_t i = 1; r == 0 && i < count; i++)
		r = install(vm_fd, &number, &regions[i], 0, regions[i].size);
	return r;
}
