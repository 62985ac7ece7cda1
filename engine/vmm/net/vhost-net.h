/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The queues of a network card served by the kernel of this computer (/dev/vhost-net), which moves
 * frames between guest memory and a tap interface by itself. Main thread.
 *
 * It copies from and to this process' memory as any system call does: nothing is pinned, and while
 * it is stopped it touches none of it.
 *
 * System calls after creation: ioctl (VHOST_SET_FEATURES, VHOST_SET_VRING_...,
 * VHOST_GET_VRING_BASE, VHOST_NET_SET_BACKEND), close.
 */
#pragma once

#include <stdint.h>

#include "net/net-backend.h"

struct guest_memory;
struct vhost_net;

/*
 * fd: of /dev/vhost-net, taken over on success. memory: borrowed. 0, -ENOTSUP where the kernel
 * cannot do what every card needs, or negative errno.
 */
int vhost_net_create(int fd, const struct guest_memory *memory, struct vhost_net **ret_vhost);
/* NULL is accepted. Stopped. */
void vhost_net_destroy(struct vhost_net *vhost);

/*
 * As net_backend_ops.start_rings, with frames through the tap interface. 0 or negative errno; it is
 * stopped then.
 */
int vhost_net_start(struct vhost_net *vhost, int tap_fd, const struct net_ring rings[NET_RINGS],
		    uint64_t features, int error_fd);
/* When this returns nothing is under way. As net_backend_ops.stop_rings. */
void vhost_net_stop(struct vhost_net *vhost, uint16_t next_available[NET_RINGS]);
