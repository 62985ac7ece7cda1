/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/vsock-connection.h"

#include <errno.h>
#include <linux/virtio_vsock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/iov.h"
#include "loop/event-loop.h"
#include "virtio/virtio-device.h"

enum { PACKET_SIZE = 64 << 10, BOTH_WAYS = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND };

static void on_socket(void *data, uint32_t events);

void vsock_connection_init(struct vsock_connection *connection, const struct virtio_device *device,
			   struct event_loop *loop,
			   void (*wakened)(struct vsock_connection *connection), void *data)
{
	*connection = (struct vsock_connection){
		.device = device,
		.loop = loop,
		.wakened = wakened,
		.data = data,
		.fd = -1,
	};
}

static uint32_t wanted_events(const struct vsock_connection *connection)
{
	uint32_t events = 0;

	if (connection->fd < 0 || connection->device->paused ||
	    connection->state != VSOCK_CONNECTED)
		return 0;
	if (!connection->readable && !connection->host_ended && !connection->guest_deaf)
		events |= EPOLLIN;
	if (connection->buffered > 0)
		events |= EPOLLOUT;
	return events;
}

/* Nothing wanted, nothing listened to: one that has hung up would wake us without end. */
void vsock_connection_listen(struct vsock_connection *connection)
{
	uint32_t events = wanted_events(connection);

	if (events == connection->listened)
		return;
	if (!events) {
		event_source_remove(connection->source);
		connection->source = NULL;
	} else if (connection->source) {
		(void)event_source_set_events(connection->source, events);
	} else if (event_loop_add(connection->loop, connection->fd, events, on_socket, connection,
				  &connection->source) < 0) {
		connection->source = NULL;
		events = 0;
	}
	connection->listened = events;
}

void vsock_connection_open(struct vsock_connection *connection, enum vsock_state state,
			   unsigned int owed, uint32_t host_port, uint32_t guest_port, int fd)
{
	connection->state = state;
	connection->owed = owed;
	connection->host_port = host_port;
	connection->guest_port = guest_port;
	connection->fd = fd;
	vsock_connection_listen(connection);
}

static void close_socket(struct vsock_connection *connection)
{
	event_source_remove(connection->source);
	connection->source = NULL;
	connection->listened = 0;
	fd_close(&connection->fd);
	free(connection->buffer);
	connection->buffer = NULL;
	connection->buffered = 0;
}

void vsock_connection_forget(struct vsock_connection *connection)
{
	close_socket(connection);
	vsock_connection_init(connection, connection->device, connection->loop, connection->wakened,
			      connection->data);
}

void vsock_connection_abort(struct vsock_connection *connection)
{
	close_socket(connection);
	connection->state = VSOCK_CLOSING;
	connection->owed = VSOCK_OWED_RESET;
}

static bool has_hung_up(int fd)
{
	struct pollfd state = {.fd = fd};

	return poll(&state, 1, 0) > 0 && state.revents & (POLLHUP | POLLERR);
}

bool vsock_connection_is_abandoned(const struct vsock_connection *connection)
{
	return connection->state == VSOCK_CLOSING ||
	       (connection->state == VSOCK_CONNECTING && has_hung_up(connection->fd));
}

void vsock_connection_note_credit(struct vsock_connection *connection, uint32_t room,
				  uint32_t taken)
{
	connection->guest_room = room;
	connection->guest_taken = taken;
}

void vsock_connection_tell_credit(struct vsock_connection *connection, uint32_t *ret_room,
				  uint32_t *ret_taken)
{
	*ret_room = VSOCK_BUFFER_SIZE;
	*ret_taken = connection->told = connection->forwarded;
}

/* Bytes the guest has room for. A guest that says it has taken what was never sent has none. */
static uint32_t credit(const struct vsock_connection *connection)
{
	uint32_t outstanding = connection->sent - connection->guest_taken;

	return outstanding < connection->guest_room ? connection->guest_room - outstanding : 0;
}

static void count_forwarded(struct vsock_connection *connection, size_t bytes)
{
	connection->forwarded += (uint32_t)bytes;
	if (connection->forwarded - connection->told >= VSOCK_BUFFER_SIZE / 2)
		connection->owed |= VSOCK_OWED_CREDIT;
}

/* What the guest has ended goes on to the socket when that has all the bytes before. */
static void pass_end_on(struct vsock_connection *connection)
{
	if (!connection->guest_ended || connection->buffered > 0)
		return;
	if (connection->guest_deaf) {
		vsock_connection_abort(connection);
		return;
	}
	if (!connection->end_passed_on)
		(void)shutdown(connection->fd, SHUT_WR);
	connection->end_passed_on = true;
}

/* 0, or -EPIPE when the program has gone. */
static int flush(struct vsock_connection *connection)
{
	while (connection->buffered > 0) {
		ssize_t sent = send(connection->fd, connection->buffer + connection->buffered_at,
				    connection->buffered, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? 0 : -EPIPE;
		connection->buffered_at += (size_t)sent;
		connection->buffered -= (size_t)sent;
		count_forwarded(connection, (size_t)sent);
	}
	return 0;
}

/* What the socket takes at once, without a copy of ours; 0 or -EPIPE. */
static int send_directly(struct vsock_connection *connection, struct iovec **iov,
			 unsigned int *count)
{
	while (*count > 0) {
		struct msghdr message = {.msg_iov = *iov, .msg_iovlen = *count};
		ssize_t sent = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? 0 : -EPIPE;
		iov_drop_front(iov, count, (uint64_t)sent);
		count_forwarded(connection, (size_t)sent);
	}
	return 0;
}

/* The credit the guest was given has made sure that there is room. 0 or -ENOMEM. */
static int keep(struct vsock_connection *connection, const struct iovec *iov, unsigned int count)
{
	size_t length = (size_t)iov_length(iov, count);

	if (length == 0)
		return 0;
	if (!connection->buffer)
		connection->buffer = malloc(VSOCK_BUFFER_SIZE);
	if (!connection->buffer)
		return -ENOMEM;
	memmove(connection->buffer, connection->buffer + connection->buffered_at,
		connection->buffered);
	connection->buffered_at = 0;
	iov_read(iov, count, 0, connection->buffer + connection->buffered, length);
	connection->buffered += length;
	return 0;
}

void vsock_connection_deliver(struct vsock_connection *connection, struct iovec *iov,
			      unsigned int count, uint32_t length)
{
	int r = 0;

	if (connection->state == VSOCK_CLOSING) /* nobody is there any more */
		return;
	if (connection->state != VSOCK_CONNECTED || connection->guest_ended ||
	    length > VSOCK_BUFFER_SIZE - connection->buffered) {
		vsock_connection_abort(connection);
		return;
	}
	iov_keep_front(iov, &count, length);
	if (connection->buffered == 0)
		r = send_directly(connection, &iov, &count);
	if (r == 0)
		r = keep(connection, iov, count);
	if (r < 0)
		vsock_connection_abort(connection);
	else
		vsock_connection_listen(connection);
}

void vsock_connection_accepted(struct vsock_connection *connection)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "OK %u\n", connection->host_port);

	if (connection->state != VSOCK_CONNECTING ||
	    send(connection->fd, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) != length) {
		vsock_connection_abort(connection);
		return;
	}
	connection->state = VSOCK_CONNECTED;
	vsock_connection_listen(connection);
}

void vsock_connection_shut_down(struct vsock_connection *connection, uint32_t flags)
{
	if (flags & VIRTIO_VSOCK_SHUTDOWN_SEND)
		connection->guest_ended = true;
	if (flags & VIRTIO_VSOCK_SHUTDOWN_RCV)
		connection->guest_deaf = true;
	if (connection->state == VSOCK_CONNECTED) {
		if (connection->guest_deaf)
			(void)shutdown(connection->fd, SHUT_RD);
		pass_end_on(connection);
		vsock_connection_listen(connection);
	} else if (connection->guest_ended && connection->guest_deaf) {
		vsock_connection_abort(connection);
	}
}

bool vsock_connection_has_words(const struct vsock_connection *connection)
{
	if (connection->state == VSOCK_FREE)
		return false;
	return connection->owed || (connection->state == VSOCK_CONNECTED && connection->readable &&
				    !connection->guest_deaf && credit(connection) > 0);
}

/* A program that has only ended its half may still listen; one that is gone does not. */
static void end_by_host(struct vsock_connection *connection)
{
	connection->host_ended = true;
	connection->owed |= VSOCK_OWED_SHUTDOWN;
	connection->shut_down = VIRTIO_VSOCK_SHUTDOWN_SEND;
	if (!has_hung_up(connection->fd))
		return;
	connection->shut_down = BOTH_WAYS;
	close_socket(connection);
	connection->state = VSOCK_CLOSING;
}

uint32_t vsock_connection_fetch(struct vsock_connection *connection, struct iovec *iov,
				unsigned int count)
{
	uint32_t most = credit(connection) < PACKET_SIZE ? credit(connection) : PACKET_SIZE;
	struct msghdr message = {.msg_iov = iov};
	ssize_t got;

	iov_keep_front(iov, &count, most);
	message.msg_iovlen = count;
	got = recvmsg(connection->fd, &message, MSG_DONTWAIT);
	/* Less than there was room for was all there is for now. */
	connection->readable = got > 0 && (uint64_t)got == iov_length(iov, count);
	if (got > 0)
		connection->sent += (uint32_t)got;
	else if (got == 0)
		end_by_host(connection);
	else if (errno != EAGAIN && errno != EINTR)
		vsock_connection_abort(connection);
	vsock_connection_listen(connection);
	return got > 0 ? (uint32_t)got : 0;
}

static void on_socket(void *data, uint32_t events)
{
	struct vsock_connection *connection = data;

	if (connection->device->paused) {
		vsock_connection_listen(connection);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !connection->host_ended)
		connection->readable = true;
	if (flush(connection) < 0)
		vsock_connection_abort(connection);
	else
		pass_end_on(connection);
	vsock_connection_listen(connection);
	if (vsock_connection_has_words(connection))
		connection->wakened(connection);
}
