/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Doorbells through KVM_IOEVENTFD. Length 0 matches a write of any width and lets KVM signal
 * without decoding the instruction (KVM_CAP_IOEVENTFD_ANY_LENGTH).
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "bus/ioeventfd.h"

struct ioeventfd_kvm {
	struct ioeventfd_registry registry; /* first */
	int vm_fd;
};

static int assign(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd, uint32_t flags)
{
	struct ioeventfd_kvm *self = (struct ioeventfd_kvm *)registry;
	struct kvm_ioeventfd request = {.addr = gpa, .len = 0, .fd = event_fd, .flags = flags};

	return ioctl(self->vm_fd, KVM_IOEVENTFD, &request) < 0 ? -errno : 0;
}

static int kvm_add(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd)
{
	return assign(registry, gpa, event_fd, 0);
}

static int kvm_remove(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd)
{
	return assign(registry, gpa, event_fd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static const struct ioeventfd_registry_ops kvm_ops = {.add = kvm_add, .remove = kvm_remove};

int ioeventfd_kvm_create(int vm_fd, struct ioeventfd_registry **ret_registry)
{
	struct ioeventfd_kvm *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->registry.ops = &kvm_ops;
	self->vm_fd = vm_fd;
	*ret_registry = &self->registry;
	return 0;
}

void ioeventfd_kvm_destroy(struct ioeventfd_registry *registry)
{
	free(registry);
}
