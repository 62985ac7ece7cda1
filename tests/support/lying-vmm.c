/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lying-vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd-passing.h"
#include "base/fd.h"
#include "control/channel-map.h"
#include "protocol/control-protocol.h"
#include "protocol/statistics-protocol.h"

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void wait_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	while (poll(&poll_fd, 1, -1) < 0)
		must(errno == EINTR);
}

static int make_statistics(enum lie lie)
{
	struct statistics_page *page = calloc(1, sizeof(*page));
	size_t size = sizeof(*page);
	int fd = lie == LIE_STATISTICS_EVENTFD ? eventfd(0, EFD_CLOEXEC)
					       : memfd_create("lies", MFD_ALLOW_SEALING);

	must(page && fd >= 0);
	page->header.magic = STATISTICS_MAGIC + (lie == LIE_STATISTICS_MAGIC);
	page->header.major = STATISTICS_MAJOR + (lie == LIE_STATISTICS_MAJOR);
	page->header.size = (uint32_t)size;
	if (lie == LIE_STATISTICS_SIZE)
		size -= 4096;
	must(lie == LIE_STATISTICS_EVENTFD || write(fd, page, size) > 0);
	free(page);
	if (lie != LIE_STATISTICS_UNSEALED)
		(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

static void send_hello(int socket, enum lie lie)
{
	struct {
		struct control_message message;
		uint64_t more;
	} hello = {.message = control_message_make(CONTROL_MESSAGE_HELLO, 0)};
	size_t size = sizeof(hello.message);
	size_t fd_count = 1;
	int fds[2];

	fds[0] = fds[1] = make_statistics(lie);
	hello.message.size = sizeof(struct statistics_page);
	hello.message.magic += lie == LIE_MAGIC;
	hello.message.major += lie == LIE_MAJOR;
	if (lie == LIE_SHORT_HELLO)
		size -= 8;
	if (lie == LIE_LONG_HELLO)
		size += 8;
	if (lie == LIE_NO_STATISTICS)
		fd_count = 0;
	if (lie == LIE_TWO_STATISTICS)
		fd_count = 2;
	must(fd_passing_send(socket, &hello, size, fds, fd_count) == 0);
	fd_close(&fds[0]);
}

static void send_result(int socket, uint64_t id, int status)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_RESULT, id);

	message.status = status;
	/* the client may have seen through an earlier lie and gone */
	(void)fd_passing_send(socket, &message, sizeof(message), NULL, 0);
}

/* False when the client has hung up instead. */
static bool receive_attach(int socket, struct control_message *message, struct channel_map *map)
{
	int fds[CONTROL_ATTACH_FDS];
	size_t fd_count;

	wait_readable(socket);
	if (fd_passing_receive(socket, message, sizeof(*message), fds, CONTROL_ATTACH_FDS,
			       &fd_count, NULL) < 0)
		return false;
	must(fd_count == CONTROL_ATTACH_FDS);
	must(channel_map_open(map, fds, message->size) == 0);
	return true;
}

static void send_reply(struct channel_map *map, uint64_t id, int32_t status)
{
	struct control_reply reply = {.id = id, .status = status};

	must(ring_push(&map->rings.replies, &reply) == 0);
}

static void lie_after_attach(int socket, enum lie lie)
{
	switch (lie) {
	case LIE_STRAY_RESULT:
		send_result(socket, 12345, 0);
		break;
	case LIE_SECOND_HELLO:
		send_hello(socket, N_LIES);
		break;
	default:
		break;
	}
}

static void lie_to_command(struct channel_map *map, const struct control_command *command,
			   enum lie lie)
{
	switch (lie) {
	case LIE_EVENT_INDEX:
		map->rings.events.memory->producer = 1000000;
		break;
	case LIE_REPLY_INDEX:
		map->rings.replies.memory->producer = UINT32_MAX;
		break;
	case LIE_REPLY_ID:
		send_reply(map, command->id + 1000, 0);
		break;
	case LIE_REPLY_TWICE:
		send_reply(map, command->id, 0);
		send_reply(map, command->id, 0);
		break;
	case LIE_REPLY_STATUS:
		send_reply(map, command->id, 1);
		break;
	case LIE_COMMAND_INDEX:
		map->rings.commands.memory->consumer = 1000;
		send_reply(map, command->id, 0);
		break;
	case EVENT_LOST:
		map->rings.events.memory->dropped++;
		send_reply(map, command->id, 0);
		break;
	default:
		break;
	}
	fd_event_signal(map->peer_doorbell);
}

static bool client_has_gone(int socket)
{
	char byte;

	return recv(socket, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Lies to each command until the client has had enough. */
static void serve_commands(int socket, struct channel_map *map, enum lie lie)
{
	struct pollfd fds[] = {
		{.fd = socket, .events = POLLIN},
		{.fd = map->own_doorbell, .events = POLLIN},
	};
	struct control_command command;

	while (!client_has_gone(socket)) {
		while (ring_pop(&map->rings.commands, &command) > 0)
			lie_to_command(map, &command, lie);
		if (ring_prepare_sleep(&map->rings.commands) > 0)
			continue;
		must(poll(fds, 2, -1) > 0 || errno == EINTR);
		(void)fd_event_drain(map->own_doorbell);
	}
}

static void serve(int socket, enum lie lie)
{
	struct control_message message;
	struct channel_map map;

	if (lie == LIE_CLOSE)
		return;
	if (lie == LIE_REFUSE) {
		send_result(socket, 0, -EBUSY);
		return;
	}
	if (lie == LIE_RESULT_FIRST)
		send_result(socket, 0, 0);
	else
		send_hello(socket, lie);
	channel_map_init(&map);
	if (!receive_attach(socket, &message, &map))
		return;
	send_result(socket, message.id + (lie == LIE_RESULT_ID), lie == LIE_RESULT_STATUS ? 1 : 0);
	lie_after_attach(socket, lie);
	serve_commands(socket, &map, lie);
	channel_map_close(&map);
}

void lying_vmm_serve(int listen_fd, enum lie lie)
{
	int socket = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	must(socket >= 0);
	serve(socket, lie);
	fd_close(&socket);
}
