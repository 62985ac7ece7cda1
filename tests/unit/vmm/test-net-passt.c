/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net-passt.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd-passing.h"
#include "loop/event-loop.h"
#include "net/net-stream.h"

struct fixture {
	struct event_loop *loop;
	struct nic_statistics statistics;
	struct net_backend *stream;
	struct net_passt *passt;
	int keeper;  /* its end of the channel */
	int channel; /* ours, until it is taken over */
	unsigned int notices, carrier_changes;
	bool quiet; /* a notice does not end the loop */
	char text[NET_KEEPER_TEXT_SIZE];
};

static bool no_room(void *data, const struct virtio_net_hdr_v1 *header, const void *frame,
		    uint32_t length)
{
	return false;
}

static void nothing(void *data)
{
}

/* Each test waits for the change it makes. */
static void on_carrier_changed(void *data)
{
	struct fixture *fixture = data;

	fixture->carrier_changes++;
	event_loop_stop(fixture->loop, 0);
}

static const struct net_client client = {
	.receive = no_room,
	.received = nothing,
	.writable = nothing,
	.carrier_changed = on_carrier_changed,
};

static void on_notice(void *data, const char *text)
{
	struct fixture *fixture = data;

	fixture->notices++;
	g_strlcpy(fixture->text, text, sizeof(fixture->text));
	if (!fixture->quiet)
		event_loop_stop(fixture->loop, 0);
}

static void set_up(struct fixture *fixture, gconstpointer data)
{
	int pair[2];

	g_assert_cmpint(event_loop_create(&fixture->loop), ==, 0);
	g_assert_cmpint(net_stream_create(fixture->loop, &fixture->statistics, &fixture->stream),
			==, 0);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
	fixture->keeper = pair[0];
	fixture->channel = pair[1];
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	net_passt_destroy(fixture->passt);
	net_backend_destroy(fixture->stream);
	event_loop_destroy(fixture->loop);
	if (fixture->keeper >= 0)
		close(fixture->keeper);
}

static void say(struct fixture *fixture, uint32_t type, const char *text, int fd)
{
	struct net_keeper_message message = {.magic = NET_KEEPER_MAGIC, .type = type};

	g_strlcpy(message.text, text, sizeof(message.text));
	g_assert_cmpint(
		fd_passing_send(fixture->keeper, &message, sizeof(message), &fd, fd < 0 ? 0 : 1),
		==, 0);
}

/* Hands over a connection; passt's end of it. */
static int say_connection(struct fixture *fixture)
{
	int pair[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	say(fixture, NET_KEEPER_CONNECTION, "", pair[1]);
	close(pair[1]);
	return pair[0];
}

static int create(struct fixture *fixture)
{
	char text[NET_KEEPER_TEXT_SIZE];
	int r = net_passt_create(fixture->loop, fixture->channel, fixture->stream, on_notice,
				 fixture, text, &fixture->passt);

	if (r == -ENOTCONN)
		g_strlcpy(fixture->text, text, sizeof(fixture->text));
	net_backend_set_client(fixture->stream, &client, fixture);
	return r;
}

static void test_connection(struct fixture *fixture, gconstpointer data)
{
	int passt = say_connection(fixture);
	char byte;

	g_assert_cmpint(create(fixture), ==, 0);
	g_assert_true(fixture->stream->carrier);
	/* Another one instead: the first is closed. */
	close(say_connection(fixture));
	g_assert_cmpint(event_loop_run(fixture->loop), ==, 0);
	g_assert_cmpint(read(passt, &byte, 1), ==, 0);
	close(passt);
}

static void test_refused(struct fixture *fixture, gconstpointer data)
{
	say(fixture, NET_KEEPER_FAILED, "Install it.", -1);
	g_assert_cmpint(create(fixture), ==, -ENOTCONN);
	g_assert_cmpstr(fixture->text, ==, "Install it.");
	g_assert_cmpint(close(fixture->channel), ==, -1); /* taken over all the same */
}

static void test_no_keeper(struct fixture *fixture, gconstpointer data)
{
	close(fixture->keeper);
	fixture->keeper = -1;
	g_assert_cmpint(create(fixture), ==, -ECONNRESET);
}

static void test_waiting(struct fixture *fixture, gconstpointer data)
{
	int passt;

	say(fixture, NET_KEEPER_WAITING, "Later.", -1);
	fixture->quiet = true;
	g_assert_cmpint(create(fixture), ==, 0);
	g_assert_cmpuint(fixture->notices, ==, 1);
	g_assert_cmpstr(fixture->text, ==, "Later.");
	g_assert_false(fixture->stream->carrier);
	passt = say_connection(fixture);
	g_assert_cmpint(event_loop_run(fixture->loop), ==, 0);
	g_assert_true(fixture->stream->carrier);
	close(passt);
}

static void test_notice(struct fixture *fixture, gconstpointer data)
{
	int passt = say_connection(fixture);

	g_assert_cmpint(create(fixture), ==, 0);
	say(fixture, NET_KEEPER_FAILED, "Never again.", -1);
	g_assert_cmpint(event_loop_run(fixture->loop), ==, 0);
	g_assert_cmpstr(fixture->text, ==, "Never again.");
	g_assert_true(fixture->stream->carrier); /* what there is goes on */
	close(passt);
}

/* What a keeper must not say ends the channel, not the connection, and leaks no descriptor. */
static void test_nonsense(struct fixture *fixture, gconstpointer data)
{
	const struct net_keeper_message nonsense = {.magic = 1, .type = NET_KEEPER_CONNECTION};
	int passt = say_connection(fixture), pair[2];
	char byte;

	g_assert_cmpint(create(fixture), ==, 0);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	g_assert_cmpint(fd_passing_send(fixture->keeper, &nonsense, sizeof(nonsense), &pair[1], 1),
			==, 0);
	close(pair[1]);
	close(passt); /* noticed after that */
	g_assert_cmpint(event_loop_run(fixture->loop), ==, 0);
	g_assert_cmpuint(fixture->carrier_changes, ==, 1);
	g_assert_cmpint(read(pair[0], &byte, 1), ==, 0);
	close(pair[0]);
}

#define ADD(path, function) \
	g_test_add("/net-passt/" path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("connection", test_connection);
	ADD("refused", test_refused);
	ADD("no-keeper", test_no_keeper);
	ADD("waiting", test_waiting);
	ADD("notice", test_notice);
	ADD("nonsense", test_nonsense);
	return g_test_run();
}
