/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's part of a network card: see vhost-net.h.
 */
#include "net/vhost-net.h"

#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "memory/guest-memory.h"

enum { NO_FD = -1 };

/* What concerns who serves the queues; headers are the tap interface's affair. */
static const uint64_t ring_features = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_NET_F_MRG_RXBUF |
				      1ULL << VIRTIO_RING_F_INDIRECT_DESC |
				      1ULL << VIRTIO_RING_F_EVENT_IDX;

struct vhost_net {
	int fd;
};

static int call(const struct vhost_net *vhost, unsigned long request, void *argument)
{
	return ioctl(vhost->fd, request, argument) < 0 ? -errno : 0;
}

static int set_fd(const struct vhost_net *vhost, unsigned long request, unsigned int ring, int fd)
{
	struct vhost_vring_file file = {.index = ring, .fd = fd};

	return call(vhost, request, &file);
}

static int set_number(const struct vhost_net *vhost, unsigned long request, unsigned int ring,
		      unsigned int number)
{
	struct vhost_vring_state state = {.index = ring, .num = number};

	return call(vhost, request, &state);
}

static int set_memory(const struct vhost_net *vhost, const struct guest_memory *memory)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	size_t count = guest_memory_regions(memory, regions);
	struct vhost_memory *table = calloc(1, sizeof(*table) + count * sizeof(table->regions[0]));
	int r;

	if (!table)
		return -ENOMEM;
	table->nregions = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = regions[i].gpa,
			.memory_size = regions[i].size,
			.userspace_addr = (uintptr_t)regions[i].host,
		};
	r = call(vhost, VHOST_SET_MEM_TABLE, table);
	free(table);
	return r;
}

static int prepare(const struct vhost_net *vhost, const struct guest_memory *memory)
{
	uint64_t features = 0;
	int r = call(vhost, VHOST_SET_OWNER, NULL);

	if (r == 0)
		r = call(vhost, VHOST_GET_FEATURES, &features);
	if (r == 0 && (features & ring_features) != ring_features)
		r = -ENOTSUP;
	return r == 0 ? set_memory(vhost, memory) : r;
}

int vhost_net_create(int fd, const struct guest_memory *memory, struct vhost_net **ret_vhost)
{
	struct vhost_net *vhost = calloc(1, sizeof(*vhost));
	int r;

	if (!vhost)
		return -ENOMEM;
	vhost->fd = fd;
	r = prepare(vhost, memory);
	if (r < 0) {
		free(vhost);
		return r;
	}
	*ret_vhost = vhost;
	return 0;
}

void vhost_net_destroy(struct vhost_net *vhost)
{
	if (!vhost)
		return;
	fd_close(&vhost->fd);
	free(vhost);
}

static int set_addresses(const struct vhost_net *vhost, unsigned int index,
			 const struct net_ring *ring)
{
	struct vhost_vring_addr address = {
		.index = index,
		.desc_user_addr = (uintptr_t)ring->descriptors,
		.avail_user_addr = (uintptr_t)ring->available,
		.used_user_addr = (uintptr_t)ring->used,
	};

	return call(vhost, VHOST_SET_VRING_ADDR, &address);
}

static int set_ring(const struct vhost_net *vhost, unsigned int index, const struct net_ring *ring,
		    int error_fd)
{
	int r = set_number(vhost, VHOST_SET_VRING_NUM, index, ring->size);

	if (r == 0)
		r = set_number(vhost, VHOST_SET_VRING_BASE, index, ring->next_available);
	if (r == 0)
		r = set_addresses(vhost, index, ring);
	if (r == 0)
		r = set_fd(vhost, VHOST_SET_VRING_CALL, index, ring->call_fd);
	if (r == 0)
		r = set_fd(vhost, VHOST_SET_VRING_ERR, index, error_fd);
	return r == 0 ? set_fd(vhost, VHOST_SET_VRING_KICK, index, ring->kick_fd) : r;
}

/* Waits for the frame under way. What is not set is taken off all the same. */
static void detach(const struct vhost_net *vhost)
{
	for (unsigned int i = 0; i < NET_RINGS; i++)
		(void)set_fd(vhost, VHOST_NET_SET_BACKEND, i, NO_FD);
	for (unsigned int i = 0; i < NET_RINGS; i++) {
		(void)set_fd(vhost, VHOST_SET_VRING_KICK, i, NO_FD);
		(void)set_fd(vhost, VHOST_SET_VRING_CALL, i, NO_FD);
	}
}

int vhost_net_start(struct vhost_net *vhost, int tap_fd, const struct net_ring rings[NET_RINGS],
		    uint64_t features, int error_fd)
{
	int r;

	features &= ring_features;
	r = call(vhost, VHOST_SET_FEATURES, &features);
	for (unsigned int i = 0; r == 0 && i < NET_RINGS; i++)
		r = set_ring(vhost, i, &rings[i], error_fd);
	for (unsigned int i = 0; r == 0 && i < NET_RINGS; i++)
		r = set_fd(vhost, VHOST_NET_SET_BACKEND, i, tap_fd);
	if (r < 0) {
		detach(vhost);
		return r;
	}
	/* It looks at a queue when it is notified; what was added before has been so already. */
	for (unsigned int i = 0; i < NET_RINGS; i++)
		fd_event_signal(rings[i].kick_fd);
	return 0;
}

void vhost_net_stop(struct vhost_net *vhost, uint16_t next_available[NET_RINGS])
{
	detach(vhost);
	for (unsigned int i = 0; i < NET_RINGS; i++) {
		struct vhost_vring_state state = {.index = i};

		(void)call(vhost, VHOST_GET_VRING_BASE, &state);
		next_available[i] = (uint16_t)state.num;
	}
}
