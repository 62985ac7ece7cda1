/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net-stream.h"

#include <endian.h>
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/event-loop.h"

/* System calls are counted: see meson.build. */
static unsigned int recv_calls, sendmsg_calls;

ssize_t __real_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
	recv_calls++;
	return __real_recv(fd, buffer, size, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	sendmsg_calls++;
	return __real_sendmsg(fd, message, flags);
}

enum { TURNS = 16 };

struct fixture {
	struct event_loop *loop;
	struct nic_statistics statistics;
	struct net_backend *backend;
	int peer;          /* our end of its connection */
	unsigned int room; /* frames the client takes */
	unsigned int frames, batches, writables, carrier_changes;
	uint32_t last_length;
	uint8_t last_first, last_last; /* bytes */
	unsigned int turns;
	int turn_fd; /* always readable */
};

static bool on_receive(void *data, const struct virtio_net_hdr_v1 *header, const void *frame,
		       uint32_t length)
{
	struct fixture *fixture = data;
	const uint8_t *bytes = frame;

	g_assert_null(header);
	g_assert_cmpuint(length, >=, NET_FRAME_MIN);
	g_assert_cmpuint(length, <=, NET_FRAME_MAX);
	if (fixture->room == 0)
		return false;
	fixture->room--;
	fixture->frames++;
	fixture->last_length = length;
	fixture->last_first = bytes[0];
	fixture->last_last = bytes[length - 1];
	return true;
}

static void on_received(void *data)
{
	((struct fixture *)data)->batches++;
}

static void on_writable(void *data)
{
	((struct fixture *)data)->writables++;
}

static void on_carrier_changed(void *data)
{
	((struct fixture *)data)->carrier_changes++;
}

static const struct net_client client = {
	.receive = on_receive,
	.received = on_received,
	.writable = on_writable,
	.carrier_changed = on_carrier_changed,
};

static void connect_peer(struct fixture *fixture)
{
	int pair[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	fixture->peer = pair[0];
	g_assert_cmpint(net_stream_connect(fixture->backend, pair[1]), ==, 0);
}

static void set_up(struct fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(event_loop_create(&fixture->loop), ==, 0);
	g_assert_cmpint(net_stream_create(fixture->loop, &fixture->statistics, &fixture->backend),
			==, 0);
	net_backend_set_client(fixture->backend, &client, fixture);
	fixture->room = UINT32_MAX;
	connect_peer(fixture);
	recv_calls = sendmsg_calls = 0;
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	net_backend_destroy(fixture->backend);
	event_loop_destroy(fixture->loop);
	if (fixture->turn_fd > 0)
		close(fixture->turn_fd);
	if (fixture->peer >= 0)
		close(fixture->peer);
}

static void on_turn(void *data, uint32_t events)
{
	struct fixture *fixture = data;

	if (++fixture->turns == TURNS)
		event_loop_stop(fixture->loop, 0);
}

/* Serves what is ready now, and what follows from that. Once a test: a loop stops for good. */
static void settle(struct fixture *fixture)
{
	struct event_source *source;

	fixture->turn_fd = eventfd(1, EFD_CLOEXEC);
	g_assert_cmpint(
		event_loop_add(fixture->loop, fixture->turn_fd, EPOLLIN, on_turn, fixture, &source),
		==, 0);
	g_assert_cmpint(event_loop_run(fixture->loop), ==, 0);
}

static void put_prefix(uint8_t *bytes, uint32_t length)
{
	length = htobe32(length);
	memcpy(bytes, &length, sizeof(length));
}

static void peer_writes(struct fixture *fixture, const void *bytes, size_t length)
{
	g_assert_cmpint(write(fixture->peer, bytes, length), ==, (ssize_t)length);
}

static void test_burst(struct fixture *fixture, gconstpointer data)
{
	enum { FRAMES = 100, LENGTH = 1000 };
	static uint8_t bytes[FRAMES * (4 + LENGTH)];

	for (unsigned int i = 0; i < FRAMES; i++) {
		uint8_t *frame = bytes + i * (4 + LENGTH);

		put_prefix(frame, LENGTH);
		memset(frame + 4, (int)i, LENGTH);
	}
	peer_writes(fixture, bytes, sizeof(bytes));
	settle(fixture);
	g_assert_cmpuint(fixture->frames, ==, FRAMES);
	g_assert_cmpuint(fixture->last_length, ==, LENGTH);
	g_assert_cmpuint(fixture->last_last, ==, FRAMES - 1);
	/* One call for what had come, shown to the guest at once. */
	g_assert_cmpuint(recv_calls, <=, 2);
	g_assert_cmpuint(fixture->batches, <=, 2);
}

struct dribble {
	struct fixture *fixture;
	uint8_t bytes[4 + 60];
	size_t sent;
	struct event_timer *timer;
};

static void write_one_byte(void *data)
{
	struct dribble *dribble = data;

	if (dribble->sent == sizeof(dribble->bytes)) {
		event_loop_stop(dribble->fixture->loop, 0);
		return;
	}
	g_assert_cmpuint(dribble->fixture->frames, ==, 0);
	peer_writes(dribble->fixture, dribble->bytes + dribble->sent++, 1);
	event_timer_set(dribble->timer, 1); /* the next turn */
}

static void test_byte_by_byte(struct fixture *fixture, gconstpointer data)
{
	struct dribble dribble = {.fixture = fixture};

	put_prefix(dribble.bytes, 60);
	g_assert_cmpint(
		event_loop_add_timer(fixture->loop, write_one_byte, &dribble, &dribble.timer), ==,
		0);
	event_timer_set(dribble.timer, 1);
	g_assert_cmpint(event_loop_run(fixture->loop), ==, 0);
	g_assert_cmpuint(fixture->frames, ==, 1);
	g_assert_cmpuint(fixture->last_length, ==, 60);
}

static void test_largest(struct fixture *fixture, gconstpointer data)
{
	static uint8_t bytes[4 + NET_FRAME_MAX];

	put_prefix(bytes, NET_FRAME_MAX);
	bytes[4] = 7;
	bytes[4 + NET_FRAME_MAX - 1] = 9;
	peer_writes(fixture, bytes, sizeof(bytes));
	settle(fixture);
	g_assert_cmpuint(fixture->frames, ==, 1);
	g_assert_cmpuint(fixture->last_first, ==, 7);
	g_assert_cmpuint(fixture->last_last, ==, 9);
}

/* A length nobody has leaves no way to find the next frame. */
static void test_oversized(struct fixture *fixture, gconstpointer data)
{
	uint8_t bytes[4 + 60];

	put_prefix(bytes, NET_FRAME_MAX + 1);
	peer_writes(fixture, bytes, sizeof(bytes));
	settle(fixture);
	g_assert_cmpuint(fixture->frames, ==, 0);
	g_assert_false(fixture->backend->carrier);
	g_assert_cmpint(send(fixture->peer, bytes, 1, MSG_NOSIGNAL), ==, -1);
}

static void test_too_short(struct fixture *fixture, gconstpointer data)
{
	uint8_t bytes[4 + 4 + 13 + 4 + 14] = {0};

	put_prefix(bytes, 0);
	put_prefix(bytes + 4, 13);
	put_prefix(bytes + 4 + 4 + 13, 14);
	peer_writes(fixture, bytes, sizeof(bytes));
	settle(fixture);
	g_assert_cmpuint(fixture->frames, ==, 1);
	g_assert_cmpuint(fixture->statistics.receive_drops, ==, 2);
	g_assert_true(fixture->backend->carrier);
}

/* Without room nothing is read, nothing is lost, and nothing spins. */
static void test_back_pressure(struct fixture *fixture, gconstpointer data)
{
	uint8_t bytes[3][4 + 100] = {0};

	for (int i = 0; i < 3; i++) {
		put_prefix(bytes[i], 100);
		bytes[i][4] = (uint8_t)i;
	}
	fixture->room = 1;
	peer_writes(fixture, bytes[0], 2 * sizeof(bytes[0]));
	settle(fixture);
	g_assert_cmpuint(fixture->frames, ==, 1);
	g_assert_cmpuint(recv_calls, ==, 1);
	peer_writes(fixture, bytes[2], sizeof(bytes[2]));
	fixture->room = UINT32_MAX;
	fixture->backend->ops->receive(fixture->backend);
	g_assert_cmpuint(fixture->frames, ==, 2);
	g_assert_cmpuint(fixture->last_first, ==, 1);
	g_assert_cmpuint(fixture->statistics.receive_drops, ==, 0);
}

/* A peer that has gone while there was no room must not be reported for ever. */
static void test_gone_without_room(struct fixture *fixture, gconstpointer data)
{
	uint8_t bytes[2][4 + 100] = {0};

	put_prefix(bytes[0], 100);
	put_prefix(bytes[1], 100);
	fixture->room = 0;
	peer_writes(fixture, bytes, sizeof(bytes));
	close(fixture->peer);
	fixture->peer = -1;
	settle(fixture);
	g_assert_false(fixture->backend->carrier);
	g_assert_cmpuint(fixture->statistics.receive_drops, ==, 2);
}

static void test_death_and_replacement(struct fixture *fixture, gconstpointer data)
{
	uint8_t bytes[4 + 60] = {0};
	struct iovec iov = {bytes, 60};
	const struct net_packet packet = {.iov = &iov, .iov_count = 1, .length = 60};

	close(fixture->peer);
	fixture->peer = -1;
	settle(fixture);
	g_assert_false(fixture->backend->carrier);
	/* the first connection, and its end */
	g_assert_cmpuint(fixture->carrier_changes, ==, 2);
	/* What is sent meanwhile is lost, and counted. */
	g_assert_cmpuint(fixture->backend->ops->send(fixture->backend, &packet, 1), ==, 1);
	g_assert_cmpuint(fixture->statistics.send_drops, ==, 1);
	connect_peer(fixture);
	g_assert_true(fixture->backend->carrier);
	g_assert_cmpuint(fixture->carrier_changes, ==, 3);
	g_assert_cmpuint(fixture->backend->ops->send(fixture->backend, &packet, 1), ==, 1);
	g_assert_cmpint(read(fixture->peer, bytes, sizeof(bytes)), ==, sizeof(bytes));
	g_assert_cmpuint(fixture->statistics.sent_packets, ==, 1);
	g_assert_cmpuint(fixture->statistics.sent_bytes, ==, 60);
}

/* Half a frame of the old connection is no beginning of one of the new. */
static void test_replacement_in_a_frame(struct fixture *fixture, gconstpointer data)
{
	uint8_t bytes[4 + 60] = {0};
	int old;

	put_prefix(bytes, 60);
	bytes[4] = 5;
	peer_writes(fixture, bytes, 30);
	old = fixture->peer;
	connect_peer(fixture);
	peer_writes(fixture, bytes, sizeof(bytes));
	settle(fixture);
	g_assert_cmpuint(fixture->frames, ==, 1);
	g_assert_cmpuint(fixture->last_first, ==, 5);
	close(old);
}

static void test_not_a_stream(struct fixture *fixture, gconstpointer data)
{
	int pair[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	g_assert_cmpint(net_stream_connect(fixture->backend, pair[0]), ==, -EPROTOTYPE);
	g_assert_cmpint(close(pair[0]), ==, -1); /* taken over all the same */
	close(pair[1]);
	g_assert_true(fixture->backend->carrier);
}

static void read_exactly(int fd, uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = read(fd, bytes, length);

		g_assert_cmpint(n, >, 0);
		bytes += n;
		length -= (size_t)n;
	}
}

static void test_send_batch(struct fixture *fixture, gconstpointer data)
{
	enum { PACKETS = 60, LENGTH = 200 };
	static uint8_t frames[PACKETS][LENGTH];
	struct iovec iov[PACKETS][2];
	struct net_packet packets[PACKETS] = {0};
	uint8_t read_back[4 + LENGTH];

	for (unsigned int i = 0; i < PACKETS; i++) {
		memset(frames[i], (int)i, LENGTH);
		iov[i][0] = (struct iovec){frames[i], 7};
		iov[i][1] = (struct iovec){frames[i] + 7, LENGTH - 7};
		packets[i] = (struct net_packet){.iov = iov[i], .iov_count = 2, .length = LENGTH};
	}
	g_assert_cmpuint(fixture->backend->ops->send(fixture->backend, packets, PACKETS), ==,
			 PACKETS);
	g_assert_cmpuint(sendmsg_calls, ==, 1);
	for (unsigned int i = 0; i < PACKETS; i++) {
		uint32_t length;

		read_exactly(fixture->peer, read_back, sizeof(read_back));
		memcpy(&length, read_back, sizeof(length));
		g_assert_cmpuint(be32toh(length), ==, LENGTH);
		g_assert_cmpmem(read_back + 4, LENGTH, frames[i], LENGTH);
	}
	g_assert_cmpuint(fixture->statistics.sent_packets, ==, PACKETS);
}

/*
 * What one call sent is together for a peer that reads between calls: small frames are whole there,
 * and a large one, which the socket splits, is alone.
 */
static void test_send_pieces(struct fixture *fixture, gconstpointer data)
{
	enum { PACKETS = 6 };
	static const uint32_t lengths[PACKETS] = {1500, 20000, 12000, NET_FRAME_MAX, 1500, 32000};
	static uint8_t frame[NET_FRAME_MAX];
	struct iovec iov[PACKETS];
	struct net_packet packets[PACKETS] = {0};

	for (unsigned int i = 0; i < PACKETS; i++) {
		iov[i] = (struct iovec){frame, lengths[i]};
		packets[i] =
			(struct net_packet){.iov = &iov[i], .iov_count = 1, .length = lengths[i]};
	}
	g_assert_cmpuint(fixture->backend->ops->send(fixture->backend, packets, PACKETS), ==,
			 PACKETS);
	/* The first two; the third with the first two would be 33512 bytes. */
	g_assert_cmpuint(sendmsg_calls, ==, 5);
}

/* Sends until the socket is full, and has the loop go on when the peer has read everything. */
static void test_full_socket(struct fixture *fixture, gconstpointer data)
{
	static uint8_t frame[NET_FRAME_MAX], read_back[4 + NET_FRAME_MAX];
	struct iovec iov = {frame, sizeof(frame)};
	const struct net_packet packet = {.iov = &iov, .iov_count = 1, .length = sizeof(frame)};
	unsigned int taken = 0, more;

	memset(frame, 0x55, sizeof(frame));
	while ((more = fixture->backend->ops->send(fixture->backend, &packet, 1)) > 0) {
		taken += more;
		g_assert_cmpuint(taken, <, 1000);
	}
	fixture->writables = 0;
	/* Guest memory is not looked at again: what it holds now must not go out. */
	memset(frame, 0xaa, sizeof(frame));
	for (unsigned int i = 0; i + 1 < taken; i++)
		read_exactly(fixture->peer, read_back, sizeof(read_back));
	settle(fixture);
	g_assert_cmpuint(fixture->writables, ==, 1);
	read_exactly(fixture->peer, read_back, sizeof(read_back));
	for (size_t i = 4; i < sizeof(read_back); i++)
		g_assert_cmphex(read_back[i], ==, 0x55);
	g_assert_cmpuint(fixture->statistics.sent_packets, ==, taken);
	g_assert_cmpuint(fixture->backend->ops->send(fixture->backend, &packet, 1), ==, 1);
}

#define ADD(path, function) \
	g_test_add("/net-stream/" path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("burst", test_burst);
	ADD("byte-by-byte", test_byte_by_byte);
	ADD("largest", test_largest);
	ADD("oversized", test_oversized);
	ADD("too-short", test_too_short);
	ADD("back-pressure", test_back_pressure);
	ADD("gone-without-room", test_gone_without_room);
	ADD("death-and-replacement", test_death_and_replacement);
	ADD("replacement-in-a-frame", test_replacement_in_a_frame);
	ADD("not-a-stream", test_not_a_stream);
	ADD("send-batch", test_send_batch);
	ADD("send-pieces", test_send_pieces);
	ADD("full-socket", test_full_socket);
	return g_test_run();
}
