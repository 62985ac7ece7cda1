/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/posted-writes.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "bus/address-space.h"

enum {
	PAGE = 4096,
	ENTRIES =
		(PAGE - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio),
	AREA_PAGE = 2, /* of the vCPU's area, on x86 */
};

struct posted_writes {
	int vm_fd;
	struct address_space *ports;
	struct kvm_coalesced_mmio_ring *ring; /* NULL until there is a vCPU, or always */
};

int posted_writes_create(int vm_fd, struct address_space *ports, struct posted_writes **ret_posted)
{
	struct posted_writes *posted = calloc(1, sizeof(*posted));

	if (!posted)
		return -ENOMEM;
	posted->vm_fd = vm_fd;
	posted->ports = ports;
	*ret_posted = posted;
	return 0;
}

void posted_writes_destroy(struct posted_writes *posted)
{
	free(posted);
}

/* The first says where the ring is, so that both are needed. */
static bool is_supported(const struct posted_writes *posted)
{
	return ioctl(posted->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO) == AREA_PAGE &&
	       ioctl(posted->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_PIO) > 0;
}

int posted_writes_add(struct posted_writes *posted, uint16_t port, uint16_t count)
{
	struct kvm_coalesced_mmio_zone zone = {.addr = port, .size = count, .pio = 1};

	if (!is_supported(posted))
		return -EOPNOTSUPP;
	return ioctl(posted->vm_fd, KVM_REGISTER_COALESCED_MMIO, &zone) < 0 ? -errno : 0;
}

void posted_writes_set_area(struct posted_writes *posted, void *run, size_t size)
{
	if (size >= (AREA_PAGE + 1) * PAGE)
		posted->ring = (void *)((char *)run + (size_t)AREA_PAGE * PAGE);
}

static void serve(struct posted_writes *posted, const struct kvm_coalesced_mmio *entry)
{
	uint64_t value = 0;

	if (!entry->pio || entry->len > sizeof(uint32_t))
		return;
	memcpy(&value, entry->data, entry->len);
	address_space_write(posted->ports, entry->phys_addr, entry->len, value);
}

/* What comes while this runs is for the next time. */
void posted_writes_serve(struct posted_writes *posted)
{
	struct kvm_coalesced_mmio_ring *ring = posted ? posted->ring : NULL;
	uint32_t at, last;

	if (!ring)
		return;
	last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
	for (at = ring->first; at != last && at < ENTRIES; at = (at + 1) % ENTRIES) {
		serve(posted, &ring->coalesced_mmio[at]);
		/* the entry may be used again */
		__atomic_store_n(&ring->first, (at + 1) % ENTRIES, __ATOMIC_RELEASE);
	}
}
