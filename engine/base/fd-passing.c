/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd-passing.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

/* Ancillary data of one message. The union gives the alignment CMSG_FIRSTHDR() relies on. */
union control_buffer {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(FD_PASSING_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

/* What came with a message. The kernel may fit one descriptor more than was asked for. */
struct ancillary {
	int fds[sizeof(union control_buffer) / sizeof(int)];
	size_t fd_count;
	struct ucred sender;
	bool has_sender;
};

int fd_passing_send(int socket, const void *message, size_t size, const int *fds, size_t fd_count)
{
	union control_buffer control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)message, .iov_len = size};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	assert(fd_count <= FD_PASSING_MAX);

	if (fd_count > 0) {
		struct cmsghdr *cmsg;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	for (;;) {
		if (sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

static void read_ancillary(struct msghdr *header, struct ancillary *ancillary)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		size_t length = cmsg->cmsg_len - CMSG_LEN(0);

		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type == SCM_RIGHTS) {
			memcpy(ancillary->fds + ancillary->fd_count, CMSG_DATA(cmsg), length);
			ancillary->fd_count += length / sizeof(int);
		} else if (cmsg->cmsg_type == SCM_CREDENTIALS &&
			   length == sizeof(ancillary->sender)) {
			memcpy(&ancillary->sender, CMSG_DATA(cmsg), length);
			ancillary->has_sender = true;
		}
	}
}

static ssize_t receive_message(int socket, struct msghdr *header)
{
	for (;;) {
		ssize_t n = recvmsg(socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
	}
}

int fd_passing_receive(int socket, void *message, size_t size, int *fds, size_t max_fds,
		       size_t *ret_count, struct ucred *ret_sender)
{
	union control_buffer control = {0};
	struct iovec iov = {.iov_base = message, .iov_len = size};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct ancillary ancillary = {.fd_count = 0};
	ssize_t n;

	assert(max_fds <= FD_PASSING_MAX);

	n = receive_message(socket, &header);
	if (n < 0)
		return (int)n;
	read_ancillary(&header, &ancillary);
	if (n == 0 && ancillary.fd_count == 0)
		return -ECONNRESET;
	if ((size_t)n != size || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    ancillary.fd_count > max_fds || (ret_sender && !ancillary.has_sender)) {
		for (size_t i = 0; i < ancillary.fd_count; i++)
			fd_close(&ancillary.fds[i]);
		return -EPROTO;
	}
	for (size_t i = 0; i < ancillary.fd_count; i++)
		fds[i] = ancillary.fds[i];
	*ret_count = ancillary.fd_count;
	if (ret_sender)
		*ret_sender = ancillary.sender;
	return 0;
}
