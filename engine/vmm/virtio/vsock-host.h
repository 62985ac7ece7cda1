/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's side of a vsock device: programs of this computer reach the guest, and are reached by
 * it, through one listening Unix stream socket. A program connects and says one line:
 *
 *	CONNECT PORT	to be connected to a port of the guest; answered with "OK HOST-PORT" when
 *the guest has accepted, and from there on the socket is the connection LISTEN PORT	to be what
 *answers at that port of the host; answered with "OK PORT". For each connection the guest makes it
 *then gets a line "FROM GUEST-PORT", and with it one end of a socket pair (SCM_RIGHTS) which is the
 *connection
 *
 * What cannot be done is answered by closing the socket; so ends a LISTEN when its socket is
 *closed. Main thread with the device lock held.
 */
#pragma once

#include <stdint.h>

struct event_loop;
struct vsock_host;

/* Connects a port of the guest with fd, which is taken over on success. 0 or negative errno. */
typedef int (*vsock_host_connect)(void *data, uint32_t guest_port, int fd);

/* listen_fd is taken over on success. 0 or negative errno. */
int vsock_host_create(struct event_loop *loop, int listen_fd, vsock_host_connect connect,
		      void *data, struct vsock_host **ret_host);
/* NULL is accepted. */
void vsock_host_destroy(struct vsock_host *host);

/* Hands fd to who listens at a port of the host; the caller's own remains. 0 or -ECONNREFUSED. */
int vsock_host_offer(struct vsock_host *host, uint32_t host_port, uint32_t guest_port, int fd);
