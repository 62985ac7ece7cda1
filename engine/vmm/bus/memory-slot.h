/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Host memory that the guest reaches directly at a guest-physical address: firmware, option ROMs,
 * video memory. Behind a seam as interrupt.h. RAM has slots of its own (memory/memory-slots.h).
 *
 * Several slots may show the same host memory, at different addresses. All calls with the device
 * lock held or before the vCPUs run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct memory_slot;
struct memory_slot_registry;

enum { MEMORY_SLOT_PAGE_SIZE = 4096 };

enum memory_slot_flags {
	MEMORY_SLOT_READ_ONLY = 1 << 0,   /* the guest's writes come as MMIO */
	MEMORY_SLOT_TRACK_DIRTY = 1 << 1, /* see memory_slot_take_dirty() */
};

struct memory_slot_registry_ops {
	int (*create)(struct memory_slot_registry *registry, struct memory_slot **ret_slot);
	int (*map)(struct memory_slot *slot, uint64_t gpa);
	void (*unmap)(struct memory_slot *slot);
	int (*take_dirty)(struct memory_slot *slot, uint64_t *bitmap);
	void (*destroy)(struct memory_slot *slot);
};

/* The first member of every implementation. */
struct memory_slot_registry {
	const struct memory_slot_registry_ops *ops;
};
struct memory_slot {
	struct memory_slot_registry *registry;
	void *host;
	uint64_t size;
	unsigned int flags;
	bool mapped;
	uint64_t gpa; /* while mapped */
};

/*
 * host: aligned to a page, stays the caller's and valid until the slot is destroyed. size: bytes,
 * whole pages. Mapped nowhere yet. 0, -ENOSPC or -ENOMEM.
 */
int memory_slot_create(struct memory_slot_registry *registry, void *host, uint64_t size,
		       unsigned int flags, struct memory_slot **ret_slot);
/* Unmaps. NULL is accepted. */
void memory_slot_destroy(struct memory_slot *slot);

/*
 * The guest sees the memory at gpa (a multiple of the page size) and nowhere else. 0 or negative
 * errno, and then nowhere: -EEXIST where RAM or another slot is, -EINVAL.
 */
int memory_slot_map(struct memory_slot *slot, uint64_t gpa);
void memory_slot_unmap(struct memory_slot *slot);

/*
 * The pages the guest has written since the last call or since it was mapped: one bit a page, the
 * lowest bit of the first word being the first page; memory_slot_dirty_words() words. What was
 * written before an unmapping is forgotten. 0 or negative errno.
 */
int memory_slot_take_dirty(struct memory_slot *slot, uint64_t *bitmap);

static inline uint64_t memory_slot_dirty_words(uint64_t size)
{
	return (size / MEMORY_SLOT_PAGE_SIZE + 63) / 64;
}

/* KVM_SET_USER_MEMORY_REGION and KVM_GET_DIRTY_LOG, beside RAM. vm_fd stays the caller's. */
int memory_slot_kvm_create(int vm_fd, struct memory_slot_registry **ret_registry);
/* Every slot must be gone. NULL is accepted. */
void memory_slot_kvm_destroy(struct memory_slot_registry *registry);
