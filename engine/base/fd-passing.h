/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole messages with descriptors over a SOCK_SEQPACKET Unix socket (unix(7), SCM_RIGHTS). Nothing
 * here blocks, whatever the flags of the socket.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct ucred;

enum { FD_PASSING_MAX = 8 };

/*
 * Sends one message with fd_count (up to FD_PASSING_MAX) descriptors, which stay the caller's.
 * 0 or negative errno: -EAGAIN when the peer lets its messages pile up, -EPIPE when it has gone.
 */
int fd_passing_send(int socket, const void *message, size_t size, const int *fds, size_t fd_count);

/*
 * Receives one message of exactly size bytes, with at most max_fds (up to FD_PASSING_MAX)
 * descriptors; they are close-on-exec and the caller's. 0; -EAGAIN when there is none;
 * -ECONNRESET when the peer has gone; -EPROTO for a message of another size or with more
 * descriptors, or where one did not arrive (all that came are closed). fds and *ret_count are
 * written on success only.
 *
 * ret_sender: if not NULL, who sent it as the kernel vouches for it. The socket must have
 * SO_PASSCRED set; -EPROTO where the kernel says nothing.
 */
int fd_passing_receive(int socket, void *message, size_t size, int *fds, size_t max_fds,
		       size_t *ret_count, struct ucred *ret_sender);
