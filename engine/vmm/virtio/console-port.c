/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/console-port.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/iov.h"
#include "loop/event-loop.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/virtio-device.h"

enum { CHAINS_PER_TURN = 64 };

static void on_peer(void *data, uint32_t events);

void console_port_init(struct console_port *port, struct virtio_device *device,
		       struct event_loop *loop, unsigned int input_queue, unsigned int output_queue)
{
	port->device = device;
	port->loop = loop;
	port->input_queue = input_queue;
	port->output_queue = output_queue;
	port->peer_fd = -1;
}

bool console_port_is_connected(const struct console_port *port)
{
	return port->peer_fd >= 0;
}

static bool may_move(const struct console_port *port)
{
	return virtio_device_running(port->device) && !port->device->paused;
}

static bool wants_input(const struct console_port *port)
{
	return port->guest_open && port->input_count == 0 && may_move(port);
}

/*
 * Nothing wanted, nothing listened to: a peer that has hung up would wake us without end. It is
 * missed when it is next read from or written to, or when another peer wants its place.
 */
static void update_source(struct console_port *port)
{
	uint32_t events = 0;

	if (port->peer_fd >= 0 && wants_input(port))
		events |= EPOLLIN;
	if (port->peer_fd >= 0 && port->output_held && may_move(port))
		events |= EPOLLOUT;
	if (events == port->listened)
		return;
	if (!events) {
		event_source_remove(port->source);
		port->source = NULL;
	} else if (port->source) {
		(void)event_source_set_events(port->source, events);
	} else if (event_loop_add(port->loop, port->peer_fd, events, on_peer, port, &port->source) <
		   0) {
		port->source = NULL;
		events = 0;
	}
	port->listened = events;
}

static void return_output(struct console_port *port)
{
	virtqueue_push(&port->device->queues[port->output_queue], port->output_head, 0);
	port->output_held = false;
}

static void close_peer(struct console_port *port)
{
	event_source_remove(port->source);
	port->source = NULL;
	port->listened = 0;
	fd_close(&port->peer_fd);
}

/* The peer has gone. What it sent before still reaches the guest; what it did not take is lost. */
static void lose_peer(struct console_port *port)
{
	close_peer(port);
	if (port->output_held) {
		return_output(port);
		virtio_device_publish(port->device, port->output_queue);
	}
	/* What waits behind it is dropped too, in its turn. */
	port->device->transport->ops->schedule(port->device->transport, port->output_queue);
	port->connection_changed(port);
}

void console_port_finish(struct console_port *port)
{
	close_peer(port);
}

static bool has_hung_up(int fd)
{
	struct pollfd state = {.fd = fd};

	return poll(&state, 1, 0) > 0 && state.revents & (POLLHUP | POLLERR);
}

int console_port_attach(struct console_port *port, int fd)
{
	if (port->peer_fd >= 0 && !has_hung_up(port->peer_fd))
		return -EBUSY;
	if (port->peer_fd >= 0)
		lose_peer(port);
	port->peer_fd = fd;
	port->connection_changed(port);
	update_source(port);
	return 0;
}

void console_port_set_open(struct console_port *port, bool open)
{
	port->guest_open = open;
	if (!open)
		port->input_count = 0;
	update_source(port);
}

void console_port_reset(struct console_port *port)
{
	port->output_held = false;
	console_port_set_open(port, false);
}

/* 1: given to the guest; 0: it has no room; or negative errno. */
static int give_input(struct console_port *port)
{
	struct virtqueue *queue = &port->device->queues[port->input_queue];
	struct iovec iov[CONSOLE_QUEUE_SIZE];
	struct virtqueue_chain chain;
	size_t given;
	int r = virtqueue_pop(queue, iov, &chain);

	if (r <= 0)
		return r;
	given = iov_write(iov + chain.readable_count, chain.writable_count, 0,
			  &port->input[port->input_at], port->input_count);
	virtqueue_push(queue, chain.head, (uint32_t)given);
	port->input_at += given;
	port->input_count -= given;
	return 1;
}

/* Chains without room come back empty, as many as are there: each costs the guest one too. */
void console_port_feed_guest(struct console_port *port)
{
	struct virtqueue *queue = &port->device->queues[port->input_queue];
	bool more = true;
	int r = 1;

	if (!may_move(port))
		return;
	virtqueue_disable_notification(queue);
	for (unsigned int i = 0; port->input_count > 0 && r > 0 && i < CHAINS_PER_TURN; i++)
		r = give_input(port);
	/* Buffers that come while nothing waits for them need not be told of. */
	if (port->input_count == 0 || r < 0)
		more = false;
	else if (r == 0)
		more = virtqueue_enable_notification(queue);
	if (more)
		port->device->transport->ops->schedule(port->device->transport, port->input_queue);
	virtio_device_publish(port->device, port->input_queue);
	if (r < 0)
		virtio_device_set_broken(port->device, queue->fault);
	update_source(port);
}

static void receive(struct console_port *port)
{
	ssize_t got = recv(port->peer_fd, port->input, sizeof(port->input), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		lose_peer(port);
		return;
	}
	port->input_at = 0;
	port->input_count = (size_t)got;
	console_port_feed_guest(port);
}

/* 1: the peer has all of it; 0: it has no room; -EPIPE: it has gone. */
static int send_output(struct console_port *port)
{
	while (port->output_count > 0) {
		struct msghdr message = {
			.msg_iov = port->output,
			.msg_iovlen = port->output_count,
		};
		ssize_t sent = sendmsg(port->peer_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? 0 : -EPIPE;
		iov_drop_front(&port->output, &port->output_count, (uint64_t)sent);
	}
	return 1;
}

/* 1: the next buffer of the guest's is held; 0: there is none; or negative errno. */
static int take_chain(struct console_port *port)
{
	struct virtqueue_chain chain;
	int r = virtqueue_pop(&port->device->queues[port->output_queue], port->output_iov, &chain);

	if (r <= 0)
		return r;
	port->output_held = true;
	port->output_head = chain.head;
	port->output = port->output_iov;
	port->output_count = chain.readable_count;
	return 1;
}

/* 1: one buffer is done with; 0: there is none, or no room for it; or negative errno. */
static int move_output(struct console_port *port)
{
	int r = port->output_held ? 1 : take_chain(port);

	if (r > 0 && port->peer_fd >= 0)
		r = send_output(port);
	if (r > 0)
		return_output(port);
	return r;
}

bool console_port_take_output(struct console_port *port)
{
	struct virtqueue *queue = &port->device->queues[port->output_queue];
	unsigned int moved = 0;
	bool more = false;
	int r = 1;

	virtqueue_disable_notification(queue);
	while (r > 0 && moved++ < CHAINS_PER_TURN)
		r = move_output(port);
	if (r > 0)
		more = true;
	else if (r == 0 && !port->output_held)
		more = virtqueue_enable_notification(queue);
	virtio_device_publish(port->device, port->output_queue);
	if (r == -EPIPE)
		lose_peer(port);
	else if (r < 0)
		virtio_device_set_broken(port->device, queue->fault);
	update_source(port);
	return more;
}

static void on_peer(void *data, uint32_t events)
{
	struct console_port *port = data;

	if (!may_move(port)) {
		update_source(port);
		return;
	}
	if (port->output_held && console_port_take_output(port))
		port->device->transport->ops->schedule(port->device->transport, port->output_queue);
	if (port->peer_fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR) && wants_input(port))
		receive(port);
}

void console_port_save(const struct console_port *port, struct state_writer *writer)
{
	state_writer_put_bool(writer, port->guest_open);
	state_writer_put_bool(writer, port->output_held);
	state_writer_put16(writer, port->output_head);
	state_writer_put16(writer, (uint16_t)port->input_count);
	state_writer_put_bytes(writer, &port->input[port->input_at], port->input_count);
}

void console_port_load(struct console_port *port, struct state_reader *reader)
{
	uint16_t count;

	port->guest_open = state_reader_get_bool(reader);
	port->output_held = state_reader_get_bool(reader);
	port->output_head = state_reader_get16(reader);
	port->output_count = 0;
	count = state_reader_get16(reader);
	if (!state_reader_check(reader, count <= sizeof(port->input),
				"more waits for a console port than can"))
		return;
	state_reader_get_bytes(reader, port->input, count);
	port->input_at = 0;
	port->input_count = count;
}
