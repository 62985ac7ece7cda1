/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the other end of a stream of frames may send, in pieces as they come, to a client that has
 * room now and then.
 *
 * Input: how many bytes a piece has (u8), how many frames there is room for before the client has
 * to be asked again (u8), then what is sent.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/event-loop.h"
#include "net/net-stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 1 << 17, LAST_TURNS = 4 };

struct player {
	struct event_loop *loop;
	struct net_backend *backend;
	struct nic_statistics statistics;
	int peer;
	const uint8_t *bytes;
	size_t left, piece;
	unsigned int room, room_each, turns_left;
	uint8_t check; /* of all bytes of all frames */
};

static bool on_receive(void *data, const struct virtio_net_hdr_v1 *header, const void *frame,
		       uint32_t length)
{
	struct player *player = data;
	const uint8_t *bytes = frame;

	assert(length >= NET_FRAME_MIN && length <= NET_FRAME_MAX);
	if (player->room == 0)
		return false;
	player->room--;
	for (uint32_t i = 0; i < length; i++)
		player->check ^= bytes[i];
	return true;
}

static void nothing(void *data)
{
}

static const struct net_client client = {
	.receive = on_receive,
	.received = nothing,
	.writable = nothing,
	.carrier_changed = nothing,
};

static void on_turn(void *data, uint32_t events)
{
	struct player *player = data;
	size_t piece = player->left < player->piece ? player->left : player->piece;
	ssize_t n = send(player->peer, player->bytes, piece, MSG_DONTWAIT | MSG_NOSIGNAL);

	player->room = player->room_each;
	player->backend->ops->receive(player->backend);
	if (n > 0) {
		player->bytes += n;
		player->left -= (size_t)n;
	} else if (player->turns_left-- == 0) {
		event_loop_stop(player->loop, 0);
	}
}

static void play(struct player *player)
{
	int pair[2], turn_fd = eventfd(1, EFD_CLOEXEC), r;
	struct event_source *source;

	r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	assert(r == 0);
	player->peer = pair[0];
	net_backend_set_client(player->backend, &client, player);
	r = net_stream_connect(player->backend, pair[1]);
	assert(r == 0);
	r = event_loop_add(player->loop, turn_fd, EPOLLIN, on_turn, player, &source);
	assert(r == 0);
	event_loop_run(player->loop);
	close(player->peer);
	close(turn_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct player player = {.turns_left = LAST_TURNS};
	int r;

	if (size < 2 || size > MAX_INPUT)
		return 0;
	player.piece = data[0] ? data[0] : MAX_INPUT;
	player.room_each = data[1];
	player.bytes = data + 2;
	player.left = size - 2;
	r = event_loop_create(&player.loop);
	assert(r == 0);
	r = net_stream_create(player.loop, &player.statistics, &player.backend);
	assert(r == 0);
	play(&player);
	net_backend_destroy(player.backend);
	event_loop_destroy(player.loop);
	return 0;
}
