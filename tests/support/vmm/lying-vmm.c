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
#include "protocol/screen-protocol.h"
#include "protocol/statistics-protocol.h"

/* One client that is lied to. */
struct liar {
	int socket;
	enum lie lie;
	struct channel_map map;
	struct screen_page *page; /* the screen it was given; NULL: none */
};

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

static struct screen_page make_page(enum lie lie)
{
	struct screen_page page = {
		.header =
			{
				.magic = SCREEN_MAGIC + (lie == LIE_SCREEN_PAGE_MAGIC),
				.major = SCREEN_MAJOR + (lie == SCREEN_MAJOR_OTHER),
				.size = sizeof(page),
				.pixel_bytes =
					LYING_VMM_PIXEL_BYTES + (lie == LIE_SCREEN_PIXEL_BYTES),
				.sequence = lie == SCREEN_BEING_WRITTEN,
			},
		.mode =
			{
				.generation = 1,
				.width = LYING_VMM_WIDTH,
				.height = LYING_VMM_HEIGHT,
				.stride = LYING_VMM_WIDTH * 4,
				.format = SCREEN_FORMAT_BGRX,
			},
	};

	if (lie == LIE_SCREEN_MODE_OUTSIDE)
		page.mode.offset = LYING_VMM_PIXEL_BYTES - 4;
	else if (lie == LIE_SCREEN_MODE_WIDE)
		page.mode.width = UINT32_MAX;
	else if (lie == LIE_SCREEN_STRIDE)
		page.mode.stride -= 4;
	else if (lie == LIE_SCREEN_FORMAT)
		page.mode.format = 0;
	else if (lie == LIE_SCREEN_CURSOR)
		page.cursor.width = SCREEN_CURSOR_SIDE + 1;
	return page;
}

static int make_file(size_t size)
{
	int fd = memfd_create("lies", MFD_ALLOW_SEALING);

	must(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	return fd;
}

/* *ret_page: the page as its writer sees it, who mapped it before the seals. */
static int make_page_file(enum lie lie, struct screen_page **ret_page)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
	int fd = make_file(sizeof(**ret_page));

	if (lie == LIE_SCREEN_PAGE_EVENTFD) {
		fd_close(&fd);
		return eventfd(0, EFD_CLOEXEC);
	}
	*ret_page = mmap(NULL, sizeof(**ret_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(*ret_page != MAP_FAILED);
	**ret_page = make_page(lie);
	if (lie == LIE_SCREEN_PAGE_SHORT)
		must(ftruncate(fd, sizeof(**ret_page) - 64) == 0);
	if (lie == LIE_SCREEN_PAGE_UNSEALED)
		seals = F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
	else if (lie == LIE_SCREEN_PAGE_WRITABLE)
		seals = F_SEAL_SHRINK | F_SEAL_GROW;
	must(fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static int make_pixel_file(enum lie lie)
{
	size_t size = LYING_VMM_PIXEL_BYTES;
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
	int fd;

	if (lie == LIE_SCREEN_PIXELS_UNSEALED)
		seals = F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
	else if (lie == LIE_SCREEN_PIXELS_WRITABLE)
		seals = F_SEAL_SHRINK | F_SEAL_GROW;
	else if (lie == LIE_SCREEN_PIXELS_EMPTY)
		size = 0;
	else if (lie == LIE_SCREEN_PIXELS_HUGE)
		size = SCREEN_MAX_PIXEL_BYTES + 4096;
	fd = make_file(size);
	must(fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static void send_screen(struct liar *liar, uint64_t id)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_SCREEN, id);
	int fds[CONTROL_SCREEN_FDS] = {
		[CONTROL_SCREEN_PAGE] = make_page_file(liar->lie, &liar->page),
		[CONTROL_SCREEN_PIXELS] = make_pixel_file(liar->lie),
	};
	size_t count = liar->lie == LIE_SCREEN_ONE_FILE ? 1 : CONTROL_SCREEN_FDS;

	(void)fd_passing_send(liar->socket, &message, sizeof(message), fds, count);
	for (size_t i = 0; i < CONTROL_SCREEN_FDS; i++)
		fd_close(&fds[i]);
}

static void lie_to_open_screen(struct liar *liar, uint64_t id)
{
	if (liar->lie == LIE_SCREEN_REFUSED_WELL)
		send_result(liar->socket, id, 0);
	else
		send_screen(liar, id + (liar->lie == LIE_SCREEN_UNASKED));
	if (liar->lie == LIE_SCREEN_TWICE)
		send_result(liar->socket, id, 0);
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

static void lie_to_command(struct liar *liar, const struct control_command *command)
{
	struct channel_map *map = &liar->map;

	switch (liar->lie) {
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
	case LIE_SCREEN_LATER:
		liar->page->mode.offset = LYING_VMM_PIXEL_BYTES;
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

/* False when the client has gone. */
static bool serve_socket(struct liar *liar)
{
	struct control_message message;
	int fds[CONTROL_MAX_FDS];
	size_t fd_count;
	int r = fd_passing_receive(liar->socket, &message, sizeof(message), fds, CONTROL_MAX_FDS,
				   &fd_count, NULL);

	if (r == 0 && message.type == CONTROL_MESSAGE_OPEN_SCREEN)
		lie_to_open_screen(liar, message.id);
	return r == 0 || r == -EAGAIN;
}

/* Lies to whatever is asked until the client has had enough. */
static void serve_client(struct liar *liar)
{
	struct ring *commands = &liar->map.rings.commands;
	struct pollfd fds[] = {
		{.fd = liar->socket, .events = POLLIN},
		{.fd = liar->map.own_doorbell, .events = POLLIN},
	};
	struct control_command command;

	while (serve_socket(liar)) {
		while (ring_pop(commands, &command) > 0)
			lie_to_command(liar, &command);
		if (ring_prepare_sleep(commands) > 0)
			continue;
		must(poll(fds, 2, -1) > 0 || errno == EINTR);
		(void)fd_event_drain(liar->map.own_doorbell);
	}
}

static void serve(struct liar *liar)
{
	struct control_message message;
	int socket = liar->socket;
	enum lie lie = liar->lie;

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
	channel_map_init(&liar->map);
	if (!receive_attach(socket, &message, &liar->map))
		return;
	send_result(socket, message.id + (lie == LIE_RESULT_ID), lie == LIE_RESULT_STATUS ? 1 : 0);
	lie_after_attach(socket, lie);
	serve_client(liar);
	channel_map_close(&liar->map);
	if (liar->page)
		munmap(liar->page, sizeof(*liar->page));
}

void lying_vmm_serve(int listen_fd, enum lie lie)
{
	struct liar liar = {.lie = lie};

	liar.socket = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	must(liar.socket >= 0);
	serve(&liar);
	fd_close(&liar.socket);
}
