/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accepting clients of the control channel and keeping the table of them.
 *
 * System calls of the server and its clients (control-client.c, channel-map.c) once it is created,
 * which the sandbox must allow on the main thread: accept4, getsockopt (SO_PEERCRED, SO_TYPE),
 * recvmsg, sendmsg, read, write, fcntl (F_GETFL, F_GET_SEALS), newfstatat (that is fstat), mmap,
 * munmap, epoll_ctl, timerfd_settime, close, and those of the allocator. Announcing a state makes
 * no call but write, on whichever thread does it. The sandbox should not allow F_SETFL or FIONBIO:
 * a doorbell's O_NONBLOCK is shared with the client, and a guest that has taken over this process
 * could make the client block by clearing it.
 */
#include "control/control-server.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd-passing.h"
#include "base/fd.h"
#include "control/control-client.h"
#include "loop/event-loop.h"
#include "protocol/control-protocol.h"

enum { MAX_CLIENTS = 16 };

/* How long to leave the listening socket alone when the host has no descriptor left for us. */
#define ACCEPT_RETRY_NS 100000000ULL

struct control_server {
	struct control_service service;
	int listen_fd;
	struct event_source *listen_source;
	struct event_timer *retry_timer;
	struct control_client *clients[MAX_CLIENTS];
	uint32_t watch_interval_ms; /* what operations->watch was told last */
};

static struct control_server *server_of(struct control_service *service)
{
	return (struct control_server *)(void *)((char *)service -
						 offsetof(struct control_server, service));
}

/* The shortest interval any client asks for, 0 if none does. */
static uint32_t shortest_interval(const struct control_server *server)
{
	uint32_t shortest = 0;

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		uint32_t interval;

		if (!server->clients[i])
			continue;
		interval = control_client_watch_interval(server->clients[i]);
		if (interval != 0 && (shortest == 0 || interval < shortest))
			shortest = interval;
	}
	return shortest;
}

static void update_watch(struct control_service *service)
{
	struct control_server *server = server_of(service);
	uint32_t interval_ms = shortest_interval(server);

	if (interval_ms == server->watch_interval_ms)
		return;
	server->watch_interval_ms = interval_ms;
	service->operations->watch(service->machine, interval_ms);
}

static int update_screen_watch(struct control_service *service)
{
	const struct control_server *server = server_of(service);
	bool watched = false;

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (server->clients[i] && control_client_watches_screen(server->clients[i]))
			watched = true;
	}
	return service->operations->watch_screen(service->machine, watched);
}

static void remove_client(struct control_service *service, struct control_client *client)
{
	struct control_server *server = server_of(service);
	bool watched_screen = control_client_watches_screen(client);

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (server->clients[i] == client)
			server->clients[i] = NULL;
	}
	control_client_release_held(client);
	control_client_destroy(client);
	update_watch(service);
	if (watched_screen)
		(void)update_screen_watch(service);
}

static bool peer_uid(int fd, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	*ret_uid = peer.uid;
	return true;
}

/*
 * Root, or the user who made the listening socket: a listening socket's own "peer" is who called
 * listen(2) on it. Both are asked for now, so that both are seen through the same user namespace.
 */
static bool peer_allowed(const struct control_server *server, int fd)
{
	uid_t owner, peer;

	return peer_uid(server->listen_fd, &owner) && peer_uid(fd, &peer) &&
	       (peer == 0 || peer == owner);
}

static int add_client(struct control_server *server, int fd)
{
	if (!peer_allowed(server, fd))
		return -EACCES;
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (!server->clients[i])
			return control_client_create(&server->service, fd, &server->clients[i]);
	}
	return -EBUSY;
}

/* Takes the socket over. */
static void refuse(int fd, int status)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_RESULT, 0);

	message.status = status;
	(void)fd_passing_send(fd, &message, sizeof(message), NULL, 0);
	fd_close(&fd);
}

static void on_retry(void *data)
{
	struct control_server *server = data;

	(void)event_source_set_events(server->listen_source, EPOLLIN);
}

/* A connection that cannot be accepted stays in the queue and would wake us without end. */
static void rest(struct control_server *server)
{
	(void)event_source_set_events(server->listen_source, 0);
	event_timer_set(server->retry_timer, event_loop_now() + ACCEPT_RETRY_NS);
}

static void on_listen(void *data, uint32_t events)
{
	struct control_server *server = data;
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			rest(server);
		return;
	}
	r = add_client(server, fd);
	if (r < 0)
		refuse(fd, r);
}

static int add_sources(struct control_server *server)
{
	struct event_loop *loop = server->service.loop;
	int r;

	/* epoll can report a connection that is gone by the time we accept */
	r = fd_set_nonblocking(server->listen_fd, true);
	if (r < 0)
		return r;
	r = event_loop_add_timer(loop, on_retry, server, &server->retry_timer);
	if (r < 0)
		return r;
	return event_loop_add(loop, server->listen_fd, EPOLLIN, on_listen, server,
			      &server->listen_source);
}

int control_server_create(struct event_loop *loop, int listen_fd, int statistics_fd,
			  const struct control_operations *operations, void *machine,
			  struct control_server **ret_server)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->service = (struct control_service){
		.loop = loop,
		.statistics_fd = statistics_fd,
		.operations = operations,
		.machine = machine,
		.client_closed = remove_client,
		.watch_changed = update_watch,
		.screen_watch_changed = update_screen_watch,
	};
	server->listen_fd = listen_fd;
	r = add_sources(server);
	if (r < 0) {
		server->listen_fd = -1; /* still the caller's */
		control_server_destroy(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

void control_server_destroy(struct control_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		control_client_destroy(server->clients[i]);
	event_source_remove(server->listen_source);
	event_timer_remove(server->retry_timer);
	fd_close(&server->listen_fd);
	free(server);
}

void control_server_announce_state(struct control_server *server)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (server->clients[i])
			control_client_announce_state(server->clients[i]);
	}
}

void control_server_announce_snapshot(struct control_server *server)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (server->clients[i])
			control_client_announce_snapshot(server->clients[i]);
	}
}

void control_server_announce_clone(struct control_server *server)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (server->clients[i])
			control_client_announce_clone(server->clients[i]);
	}
}

void control_server_announce_screen(struct control_server *server)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (server->clients[i])
			control_client_announce_screen(server->clients[i]);
	}
}
