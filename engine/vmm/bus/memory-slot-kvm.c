/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory slots through KVM (KVM API: KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG). KVM knows a
 * slot by a small number; those of RAM come first.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "bus/memory-slot.h"
#include "memory/memory-slots.h"

enum { MAX_SLOTS = 64, FIRST_NUMBER = MEMORY_SLOTS_MAX };

struct memory_slot_kvm {
	struct memory_slot_registry registry; /* first */
	int vm_fd;
	uint64_t in_use; /* a bit for each number from FIRST_NUMBER on */
};

struct kvm_slot {
	struct memory_slot slot; /* first */
	unsigned int number;     /* from 0 */
};

static int set_region(struct memory_slot *base, uint64_t gpa, uint64_t size)
{
	const struct kvm_slot *slot = (struct kvm_slot *)base;
	struct kvm_userspace_memory_region region = {
		.slot = FIRST_NUMBER + slot->number,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)base->host,
	};

	if (size > 0 && base->flags & MEMORY_SLOT_READ_ONLY)
		region.flags |= KVM_MEM_READONLY;
	if (size > 0 && base->flags & MEMORY_SLOT_TRACK_DIRTY)
		region.flags |= KVM_MEM_LOG_DIRTY_PAGES;
	return ioctl(((struct memory_slot_kvm *)base->registry)->vm_fd, KVM_SET_USER_MEMORY_REGION,
		     &region) < 0
		       ? -errno
		       : 0;
}

static int kvm_map(struct memory_slot *slot, uint64_t gpa)
{
	return set_region(slot, gpa, slot->size);
}

static void kvm_unmap(struct memory_slot *slot)
{
	(void)set_region(slot, slot->gpa, 0);
}

static int kvm_take_dirty(struct memory_slot *base, uint64_t *bitmap)
{
	const struct kvm_slot *slot = (struct kvm_slot *)base;
	struct kvm_dirty_log log = {
		.slot = FIRST_NUMBER + slot->number,
		.dirty_bitmap = bitmap,
	};

	return ioctl(((struct memory_slot_kvm *)base->registry)->vm_fd, KVM_GET_DIRTY_LOG, &log) < 0
		       ? -errno
		       : 0;
}

static int kvm_create(struct memory_slot_registry *registry, struct memory_slot **ret_slot)
{
	struct memory_slot_kvm *self = (struct memory_slot_kvm *)registry;
	struct kvm_slot *slot;
	unsigned int number = 0;

	while (number < MAX_SLOTS && self->in_use >> number & 1)
		number++;
	if (number == MAX_SLOTS)
		return -ENOSPC;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->number = number;
	self->in_use |= 1ULL << number;
	*ret_slot = &slot->slot;
	return 0;
}

static void kvm_destroy(struct memory_slot *base)
{
	struct kvm_slot *slot = (struct kvm_slot *)base;

	((struct memory_slot_kvm *)base->registry)->in_use &= ~(1ULL << slot->number);
	free(slot);
}

static const struct memory_slot_registry_ops kvm_ops = {
	.create = kvm_create,
	.map = kvm_map,
	.unmap = kvm_unmap,
	.take_dirty = kvm_take_dirty,
	.destroy = kvm_destroy,
};

int memory_slot_kvm_create(int vm_fd, struct memory_slot_registry **ret_registry)
{
	struct memory_slot_kvm *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->registry.ops = &kvm_ops;
	self->vm_fd = vm_fd;
	*ret_registry = &self->registry;
	return 0;
}

void memory_slot_kvm_destroy(struct memory_slot_registry *registry)
{
	free(registry);
}
