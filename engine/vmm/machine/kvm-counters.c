/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/kvm-counters.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"

enum { MAX_DESCRIPTORS = 1024, MAX_NAME = 256 };

static const char *const counter_names[KVM_COUNTERS] = {
	[KVM_COUNTER_EXITS] = "exits",
	[KVM_COUNTER_HALTS] = "halt_exits",
	[KVM_COUNTER_INTERRUPTS] = "irq_injections",
};

int kvm_counters_open(int vcpu_fd)
{
	int fd = ioctl(vcpu_fd, KVM_GET_STATS_FD, 0);

	return fd < 0 ? -errno : fd;
}

static void note_if_wanted(const struct kvm_stats_desc *descriptor, const char *name,
			   uint32_t data_offset, struct kvm_counter_layout *layout)
{
	for (int i = 0; i < KVM_COUNTERS; i++) {
		if (strcmp(name, counter_names[i]) == 0)
			layout->offset[i] = (uint64_t)data_offset + descriptor->offset;
	}
}

int kvm_counters_find(int stats_fd, struct kvm_counter_layout *ret_layout)
{
	struct kvm_counter_layout layout = {0};
	struct kvm_stats_header header;
	char *descriptors;
	size_t stride;
	int r = fd_read_at(stats_fd, &header, sizeof(header), 0);

	if (r < 0)
		return r;
	if (header.num_desc > MAX_DESCRIPTORS || header.name_size == 0 ||
	    header.name_size > MAX_NAME)
		return -EPROTO;
	stride = sizeof(struct kvm_stats_desc) + header.name_size;
	descriptors = malloc(header.num_desc * stride);
	if (!descriptors)
		return -ENOMEM;
	r = fd_read_at(stats_fd, descriptors, header.num_desc * stride, header.desc_offset);
	for (uint32_t i = 0; r == 0 && i < header.num_desc; i++) {
		char *name = descriptors + i * stride + sizeof(struct kvm_stats_desc);
		struct kvm_stats_desc descriptor;

		memcpy(&descriptor, descriptors + i * stride, sizeof(descriptor));
		name[header.name_size - 1] = '\0';
		note_if_wanted(&descriptor, name, header.data_offset, &layout);
	}
	free(descriptors);
	if (r == 0)
		*ret_layout = layout;
	return r;
}

int kvm_counters_read(int stats_fd, const struct kvm_counter_layout *layout,
		      uint64_t values[KVM_COUNTERS])
{
	for (int i = 0; i < KVM_COUNTERS; i++) {
		int r;

		values[i] = 0;
		if (layout->offset[i] == 0)
			continue;
		r = fd_read_at(stats_fd, &values[i], sizeof(values[i]), layout->offset[i]);
		if (r < 0)
			return r;
	}
	return 0;
}
