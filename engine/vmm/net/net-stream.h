/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames over a stream socket, each after its length as 32 bits in network order: what passt
 * speaks, and QEMU's "-netdev stream". The other end is as hostile as a guest.
 *
 * While there is no connection there is no carrier, and what the guest sends is dropped and
 * counted. Main thread, device lock held.
 *
 * System calls: recvfrom, sendmsg, epoll_ctl, close.
 */
#pragma once

#include "net/net-backend.h"

struct event_loop;

/* Not connected yet. 0 or -ENOMEM. */
int net_stream_create(struct event_loop *loop, struct nic_statistics *statistics,
		      struct net_backend **ret_backend);
/*
 * A connected stream socket, which is taken over in every case, instead of what there was. Frames
 * under way on the old one are lost. 0, -EPROTOTYPE when it is no such socket, or negative errno.
 */
int net_stream_connect(struct net_backend *backend, int fd);
