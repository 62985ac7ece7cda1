/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest writes that signal an eventfd without leaving the kernel, behind a seam as interrupt.h.
 */
#pragma once

#include <stdint.h>

struct ioeventfd_registry;

struct ioeventfd_registry_ops {
	/* Any write of any width to this guest-physical address signals event_fd. */
	int (*add)(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd);
	int (*remove)(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd);
};

/* The first member of every implementation. */
struct ioeventfd_registry {
	const struct ioeventfd_registry_ops *ops;
};

/* 0 or negative errno; -EEXIST when the address has one. Device lock held. */
static inline int ioeventfd_add(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd)
{
	return registry->ops->add(registry, gpa, event_fd);
}

static inline int ioeventfd_remove(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd)
{
	return registry->ops->remove(registry, gpa, event_fd);
}

/* KVM_IOEVENTFD, MMIO with length 0. vm_fd stays the caller's. */
int ioeventfd_kvm_create(int vm_fd, struct ioeventfd_registry **ret_registry);
void ioeventfd_kvm_destroy(struct ioeventfd_registry *registry);
