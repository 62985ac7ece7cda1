/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames over a stream socket: see net-stream.h.
 *
 * What has come is read in large pieces into one buffer, and what goes out is gathered from guest
 * memory by one call for several frames. A frame the socket takes only a part of is copied, so that
 * guest memory is never looked at again after send().
 */
#include "net/net-stream.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/iov.h"
#include "control/statistics-page.h"
#include "loop/event-loop.h"

enum {
	PREFIX_SIZE = 4,
	INPUT_SIZE = 256 << 10, /* more than a socket holds by default */
	PACKETS_PER_CALL = 64,
	IOV_PER_CALL = 1024, /* UIO_MAXIOV */
	/* Linux keeps up to so many bytes of one call in one piece (UNIX_SKB_FRAGS_SZ). */
	BYTES_PER_CALL = 32 << 10,
};

/* What one call sends. */
struct gathering {
	unsigned int packets, iov_count;
	size_t bytes;
	uint32_t prefixes[PACKETS_PER_CALL];
	struct iovec iov[IOV_PER_CALL];
};

struct net_stream {
	struct net_backend backend; /* first */
	struct event_loop *loop;
	int fd; /* -1: not connected */
	struct event_source *source;
	uint32_t events; /* what the source waits for */
	bool stalled;    /* the client had no room */
	bool blocked;    /* the socket had no room */
	size_t input_begin, input_end;
	size_t rest_begin, rest_end; /* the end of a frame whose beginning has gone out */
	char input[INPUT_SIZE];
	char rest[PREFIX_SIZE + NET_FRAME_MAX];
	struct gathering gathering;
};

static struct net_stream *from_backend(struct net_backend *backend)
{
	return (struct net_stream *)backend;
}

static void update_events(struct net_stream *stream)
{
	uint32_t events = stream->stalled ? 0 : EPOLLIN;

	if (stream->blocked)
		events |= EPOLLOUT;
	if (stream->fd < 0 || events == stream->events)
		return;
	if (event_source_set_events(stream->source, events) == 0)
		stream->events = events;
}

static uint32_t frame_length(const struct net_stream *stream)
{
	uint32_t length;

	memcpy(&length, stream->input + stream->input_begin, sizeof(length));
	return be32toh(length);
}

static bool frame_complete(const struct net_stream *stream)
{
	size_t available = stream->input_end - stream->input_begin;

	return available >= PREFIX_SIZE && available - PREFIX_SIZE >= frame_length(stream);
}

static void count_receive_drop(struct net_stream *stream)
{
	statistics_add(&stream->backend.statistics->receive_drops, 1);
}

static void forget_input(struct net_stream *stream)
{
	while (frame_complete(stream) && frame_length(stream) <= NET_FRAME_MAX) {
		count_receive_drop(stream);
		stream->input_begin += PREFIX_SIZE + frame_length(stream);
	}
	stream->input_begin = stream->input_end = 0;
	stream->stalled = false;
}

static void disconnect(struct net_stream *stream)
{
	event_source_remove(stream->source);
	stream->source = NULL;
	fd_close(&stream->fd);
	forget_input(stream);
	stream->rest_begin = stream->rest_end = 0;
	stream->blocked = false;
}

static void lose_connection(struct net_stream *stream)
{
	disconnect(stream);
	net_backend_set_carrier(&stream->backend, false);
	/* What waited for room is dropped now. */
	stream->backend.client->writable(stream->backend.client_data);
}

/* Receiving */

/* The frame at the front. False: the client has no room for it. */
static bool deliver_frame(struct net_stream *stream, uint32_t length)
{
	const struct net_client *client = stream->backend.client;

	if (length < NET_FRAME_MIN) {
		count_receive_drop(stream);
		return true;
	}
	return client->receive(stream->backend.client_data, /* header= */ NULL,
			       stream->input + stream->input_begin + PREFIX_SIZE, length);
}

/* All whole frames, as far as there is room. -EPROTO: no length can be believed any more. */
static int deliver(struct net_stream *stream)
{
	stream->stalled = false;
	while (stream->input_end - stream->input_begin >= PREFIX_SIZE && !stream->stalled) {
		uint32_t length = frame_length(stream);

		if (length > NET_FRAME_MAX)
			return -EPROTO;
		if (!frame_complete(stream))
			break;
		if (deliver_frame(stream, length))
			stream->input_begin += PREFIX_SIZE + length;
		else
			stream->stalled = true;
	}
	return 0;
}

/* So that the rest of a frame fits behind its beginning, which is all that is left. */
static void compact(struct net_stream *stream)
{
	size_t left = stream->input_end - stream->input_begin;

	memmove(stream->input, stream->input + stream->input_begin, left);
	stream->input_begin = 0;
	stream->input_end = left;
}

static void deliver_and_publish(struct net_stream *stream)
{
	int r = deliver(stream);

	stream->backend.client->received(stream->backend.client_data);
	if (!stream->stalled)
		compact(stream);
	if (r < 0)
		lose_connection(stream);
	else
		update_events(stream);
}

static void read_input(struct net_stream *stream)
{
	ssize_t n = recv(stream->fd, stream->input + stream->input_end,
			 INPUT_SIZE - stream->input_end, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose_connection(stream);
		return;
	}
	stream->input_end += (size_t)n;
	deliver_and_publish(stream);
}

static void net_stream_receive(struct net_backend *backend)
{
	struct net_stream *stream = from_backend(backend);

	if (stream->stalled)
		deliver_and_publish(stream);
}

/* Sending */

static void gather(struct gathering *gathering, const struct net_packet *packet)
{
	uint32_t *prefix = &gathering->prefixes[gathering->packets++];

	*prefix = htobe32(packet->length);
	gathering->iov[gathering->iov_count++] = (struct iovec){prefix, PREFIX_SIZE};
	memcpy(&gathering->iov[gathering->iov_count], packet->iov,
	       packet->iov_count * sizeof(packet->iov[0]));
	gathering->iov_count += packet->iov_count;
	gathering->bytes += PREFIX_SIZE + packet->length;
}

/*
 * A call is one piece of the socket's, or one frame, which is two at most. passt of 2023 reads the
 * rest of a frame it has seen the beginning of by one call: what comes in more pieces than that, or
 * is cut inside its prefix, makes it lose its place in the stream.
 */
static bool has_room(const struct gathering *gathering, const struct net_packet *packet)
{
	return gathering->packets < PACKETS_PER_CALL &&
	       packet->iov_count < IOV_PER_CALL - gathering->iov_count &&
	       (gathering->packets == 0 ||
		gathering->bytes + PREFIX_SIZE + packet->length <= BYTES_PER_CALL);
}

static ssize_t send_gathered(struct net_stream *stream, struct gathering *gathering)
{
	struct msghdr message = {.msg_iov = gathering->iov, .msg_iovlen = gathering->iov_count};
	ssize_t n;

	do
		n = sendmsg(stream->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The part of a packet behind its first bytes, copied. */
static void keep_rest(struct net_stream *stream, const struct net_packet *packet, size_t sent)
{
	char *rest = stream->rest;
	uint32_t prefix = htobe32(packet->length);

	memcpy(rest, &prefix, PREFIX_SIZE);
	iov_read(packet->iov, packet->iov_count, 0, rest + PREFIX_SIZE, packet->length);
	stream->rest_begin = sent;
	stream->rest_end = PREFIX_SIZE + packet->length;
	stream->blocked = true;
}

/* How many of the packets so many bytes are, the last one perhaps not whole. */
static unsigned int account(struct net_stream *stream, const struct net_packet *packets,
			    unsigned int count, size_t sent)
{
	unsigned int i = 0;

	for (; i < count && sent > 0; i++) {
		size_t length = PREFIX_SIZE + packets[i].length;

		net_backend_count_sent(&stream->backend, packets[i].length);
		if (sent < length)
			keep_rest(stream, &packets[i], sent);
		sent -= sent < length ? sent : length;
	}
	return i;
}

static unsigned int send_some(struct net_stream *stream, const struct net_packet *packets,
			      unsigned int count)
{
	struct gathering *gathering = &stream->gathering;
	ssize_t n;

	gathering->packets = gathering->iov_count = 0;
	gathering->bytes = 0;
	while (gathering->packets < count && has_room(gathering, &packets[gathering->packets]))
		gather(gathering, &packets[gathering->packets]);
	n = send_gathered(stream, gathering);
	if (n >= 0)
		return account(stream, packets, gathering->packets, (size_t)n);
	if (n == -EAGAIN) {
		stream->blocked = true;
		return 0;
	}
	/* Its end will be read too; until then, and for want of memory, frames are lost. */
	net_backend_count_send_drops(&stream->backend, gathering->packets);
	return gathering->packets;
}

static unsigned int net_stream_send(struct net_backend *backend, const struct net_packet *packets,
				    unsigned int count)
{
	struct net_stream *stream = from_backend(backend);
	unsigned int sent = 0;

	if (stream->fd < 0) {
		net_backend_count_send_drops(backend, count);
		return count;
	}
	while (sent < count && !stream->blocked)
		sent += send_some(stream, packets + sent, count - sent);
	update_events(stream);
	return sent;
}

static void flush_rest(struct net_stream *stream)
{
	ssize_t n = send(stream->fd, stream->rest + stream->rest_begin,
			 stream->rest_end - stream->rest_begin, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		stream->rest_begin += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		stream->rest_begin = stream->rest_end; /* its end will be read too */
}

static void write_output(struct net_stream *stream)
{
	if (stream->rest_begin < stream->rest_end)
		flush_rest(stream);
	stream->blocked = stream->rest_begin < stream->rest_end;
	if (!stream->blocked)
		stream->backend.client->writable(stream->backend.client_data);
	update_events(stream);
}

/* The connection */

static void on_socket(void *data, uint32_t events)
{
	struct net_stream *stream = data;

	if (events & EPOLLOUT)
		write_output(stream);
	/* Gone while nobody can take what it said last; it would be reported again and again. */
	if (stream->stalled && (events & (EPOLLHUP | EPOLLERR)))
		lose_connection(stream);
	else if (!stream->stalled && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		read_input(stream);
}

static int check_socket(int fd)
{
	int type;
	socklen_t length = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
		return -errno;
	return type == SOCK_STREAM ? 0 : -EPROTOTYPE;
}

int net_stream_connect(struct net_backend *backend, int fd)
{
	struct net_stream *stream = from_backend(backend);
	struct event_source *source = NULL;
	int r = check_socket(fd);

	if (r == 0)
		r = event_loop_add(stream->loop, fd, EPOLLIN, on_socket, stream, &source);
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	disconnect(stream);
	stream->fd = fd;
	stream->source = source;
	stream->events = EPOLLIN;
	net_backend_set_carrier(backend, true);
	backend->client->writable(backend->client_data);
	return 0;
}

static void net_stream_destroy(struct net_backend *backend)
{
	struct net_stream *stream = from_backend(backend);

	disconnect(stream);
	free(stream);
}

static const struct net_backend_ops net_stream_ops = {
	.send = net_stream_send,
	.receive = net_stream_receive,
	.destroy = net_stream_destroy,
};

int net_stream_create(struct event_loop *loop, struct nic_statistics *statistics,
		      struct net_backend **ret_backend)
{
	struct net_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	net_backend_init(&stream->backend, &net_stream_ops, statistics);
	stream->loop = loop;
	stream->fd = -1;
	*ret_backend = &stream->backend;
	return 0;
}
