/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd-passing.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum { SIZE = 32 };

/* Both ends of a connection and something to pass. */
struct fixture {
	int ends[2];
	int doorbell;
	char message[SIZE + 1]; /* one longer than what is expected */
	int fds[FD_PASSING_MAX];
	size_t fd_count;
};

static unsigned int count_open_fds(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void set_up(struct fixture *fixture, gconstpointer data)
{
	/* blocking on purpose: nothing may block all the same */
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fixture->ends), ==,
			0);
	fixture->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	strcpy(fixture->message, "thirty-two bytes of message 456");
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	fd_close(&fixture->ends[0]);
	fd_close(&fixture->ends[1]);
	fd_close(&fixture->doorbell);
}

static int receive(struct fixture *fixture, size_t max_fds)
{
	return fd_passing_receive(fixture->ends[1], fixture->message, SIZE, fixture->fds, max_fds,
				  &fixture->fd_count, NULL);
}

static void send_fds(struct fixture *fixture, size_t size, size_t count)
{
	const int fds[FD_PASSING_MAX] = {
		fixture->doorbell, fixture->doorbell, fixture->doorbell, fixture->doorbell,
		fixture->doorbell, fixture->doorbell, fixture->doorbell, fixture->doorbell,
	};

	g_assert_cmpint(fd_passing_send(fixture->ends[0], fixture->message, size, fds, count), ==,
			0);
}

static void test_passes(struct fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(receive(fixture, 2), ==, -EAGAIN);
	send_fds(fixture, SIZE, 2);
	memset(fixture->message, 0, SIZE);
	g_assert_cmpint(receive(fixture, 2), ==, 0);
	g_assert_cmpstr(fixture->message, ==, "thirty-two bytes of message 456");
	g_assert_cmpuint(fixture->fd_count, ==, 2);
	for (size_t i = 0; i < 2; i++) {
		g_assert_cmpint(fcntl(fixture->fds[i], F_GETFD), ==, FD_CLOEXEC);
		fd_event_signal(fixture->fds[i]);
		fd_close(&fixture->fds[i]);
	}
	g_assert_cmpuint(fd_event_drain(fixture->doorbell), ==, 2);
}

static void test_refuses(struct fixture *fixture, gconstpointer data)
{
	const struct {
		size_t size, fds;
	} bad[] = {{SIZE - 1, 1}, {SIZE + 1, 1}, {0, 1}, {SIZE, 2}, {SIZE, 3}, {SIZE, 8}};
	unsigned int before = count_open_fds();

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		send_fds(fixture, bad[i].size, bad[i].fds);
		g_assert_cmpint(receive(fixture, 1), ==, -EPROTO);
	}
	g_assert_cmpuint(count_open_fds(), ==, before);
}

/* More descriptors than fit in any buffer of ours: the kernel cuts the list and says so. */
static void test_flood_of_fds(struct fixture *fixture, gconstpointer data)
{
	enum { FLOOD = 64 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FLOOD * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = fixture->message, .iov_len = SIZE};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	unsigned int before = count_open_fds();
	int fds[FLOOD];

	for (size_t i = 0; i < FLOOD; i++)
		fds[i] = fixture->doorbell;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	g_assert_cmpint(sendmsg(fixture->ends[0], &message, 0), ==, SIZE);
	g_assert_cmpint(receive(fixture, FD_PASSING_MAX), ==, -EPROTO);
	g_assert_cmpuint(count_open_fds(), ==, before);
}

static void test_sender(struct fixture *fixture, gconstpointer data)
{
	const int yes = 1;
	struct ucred sender;

	send_fds(fixture, SIZE, 0);
	g_assert_cmpint(fd_passing_receive(fixture->ends[1], fixture->message, SIZE, fixture->fds,
					   0, &fixture->fd_count, &sender),
			==, -EPROTO);
	g_assert_cmpint(setsockopt(fixture->ends[1], SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)),
			==, 0);
	send_fds(fixture, SIZE, 1);
	g_assert_cmpint(fd_passing_receive(fixture->ends[1], fixture->message, SIZE, fixture->fds,
					   1, &fixture->fd_count, &sender),
			==, 0);
	g_assert_cmpint(sender.pid, ==, getpid());
	g_assert_cmpuint(sender.uid, ==, geteuid());
	fd_close(&fixture->fds[0]);
}

static void test_peer_gone(struct fixture *fixture, gconstpointer data)
{
	send_fds(fixture, SIZE, 0);
	fd_close(&fixture->ends[0]);
	g_assert_cmpint(receive(fixture, 0), ==, 0);
	g_assert_cmpint(receive(fixture, 0), ==, -ECONNRESET);
	g_assert_cmpint(fd_passing_send(fixture->ends[1], "", 1, NULL, 0), ==, -EPIPE);
}

static void test_full(struct fixture *fixture, gconstpointer data)
{
	int r;

	do
		r = fd_passing_send(fixture->ends[0], fixture->message, SIZE, NULL, 0);
	while (r == 0);
	g_assert_cmpint(r, ==, -EAGAIN);
}

#define ADD(path, function) \
	g_test_add("/fd-passing/" path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("passes", test_passes);
	ADD("refuses", test_refuses);
	ADD("flood-of-fds", test_flood_of_fds);
	ADD("sender", test_sender);
	ADD("peer-gone", test_peer_gone);
	ADD("full", test_full);
	return g_test_run();
}
