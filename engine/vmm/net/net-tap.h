/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames through a tap interface of this computer, with checksums and segmentation left to whoever
 * needs them (a virtio header before each frame). Main thread, device lock held.
 *
 * System calls after creation: read, writev, ioctl (TUNSETOFFLOAD), epoll_ctl, close, and those of
 * vhost-net.h and interface-counters.h.
 */
#pragma once

#include "net/net-backend.h"

struct event_loop;
struct vhost_net;

/* Opens a tap interface that is there, non-blocking. A descriptor or negative errno. */
int net_tap_open(const char *interface);
/* Whether the descriptor is a tap interface's. */
bool net_tap_is(int fd);

/* fd: is taken over on success. 0, -EINVAL for one without a virtio header, or negative errno. */
int net_tap_create(int fd, struct event_loop *loop, struct nic_statistics *statistics,
		   struct net_backend **ret_backend);
/*
 * From now on the kernel serves the card's queues while it can. vhost: is taken over on success. 0,
 * or negative errno where its frames could not be counted. Before there is a card.
 */
int net_tap_set_vhost(struct net_backend *backend, struct vhost_net *vhost);
