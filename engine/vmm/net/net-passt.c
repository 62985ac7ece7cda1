/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net-passt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd-passing.h"
#include "base/fd.h"
#include "loop/event-loop.h"
#include "net/net-stream.h"

enum { PATIENCE_MS = 20000 };

struct net_passt {
	struct net_backend *stream;
	int channel; /* -1: the keeper is gone */
	struct event_source *source;
	net_passt_notice notice;
	void *data;
};

/* One message. ret_fd: -1 without a descriptor. 0 or negative errno. */
static int receive_message(int channel, struct net_keeper_message *message, int *ret_fd)
{
	size_t fd_count;
	int fd = -1, r = fd_passing_receive(channel, message, sizeof(*message), &fd, 1, &fd_count,
					    /* ret_sender= */ NULL);

	if (r < 0)
		return r;
	if (!net_keeper_message_valid(message, fd_count)) {
		fd_close(&fd);
		return -EPROTO;
	}
	*ret_fd = fd;
	return 0;
}

static void close_channel(struct net_passt *passt)
{
	event_source_remove(passt->source);
	passt->source = NULL;
	fd_close(&passt->channel);
}

/* A connection that is there goes on without the keeper. */
static void on_channel(void *data, uint32_t events)
{
	struct net_passt *passt = data;
	struct net_keeper_message message;
	int fd, r = receive_message(passt->channel, &message, &fd);

	if (r == -EAGAIN)
		return;
	if (r < 0 || message.type == NET_KEEPER_FAILED)
		close_channel(passt);
	if (r == 0 && message.text[0] != '\0')
		passt->notice(passt->data, message.text);
	if (r == 0 && message.type == NET_KEEPER_CONNECTION)
		(void)net_stream_connect(passt->stream, fd);
}

static int await_message(int channel, struct net_keeper_message *message, int *ret_fd)
{
	struct pollfd wait = {.fd = channel, .events = POLLIN};
	int n;

	do
		n = poll(&wait, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : receive_message(channel, message, ret_fd);
}

static int begin(struct net_passt *passt, struct event_loop *loop, char text[NET_KEEPER_TEXT_SIZE])
{
	struct net_keeper_message message;
	int fd, r = await_message(passt->channel, &message, &fd);

	if (r < 0)
		return r;
	snprintf(text, NET_KEEPER_TEXT_SIZE, "%s", message.text);
	if (message.type == NET_KEEPER_FAILED)
		return -ENOTCONN;
	if (message.type == NET_KEEPER_CONNECTION)
		r = net_stream_connect(passt->stream, fd);
	else
		passt->notice(passt->data, text);
	if (r < 0)
		return r;
	return event_loop_add(loop, passt->channel, EPOLLIN, on_channel, passt, &passt->source);
}

int net_passt_create(struct event_loop *loop, int channel, struct net_backend *stream,
		     net_passt_notice notice, void *data, char text[NET_KEEPER_TEXT_SIZE],
		     struct net_passt **ret_passt)
{
	struct net_passt *passt = calloc(1, sizeof(*passt));
	int r;

	if (!passt) {
		fd_close(&channel);
		return -ENOMEM;
	}
	*passt = (struct net_passt){
		.stream = stream,
		.channel = channel,
		.notice = notice,
		.data = data,
	};
	r = begin(passt, loop, text);
	if (r < 0) {
		net_passt_destroy(passt);
		return r;
	}
	*ret_passt = passt;
	return 0;
}

void net_passt_destroy(struct net_passt *passt)
{
	if (!passt)
		return;
	close_channel(passt);
	free(passt);
}
