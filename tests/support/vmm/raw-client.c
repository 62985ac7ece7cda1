/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "raw-client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd-passing.h"
#include "base/fd.h"

enum { CONNECT_TRIES = 1000, CONNECT_PAUSE_US = 1000 };

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* A socket that is there is not always listened on yet. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), r = -1;

	must(fd >= 0 && strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	for (unsigned int i = 0; i < CONNECT_TRIES; i++) {
		r = connect(fd, (struct sockaddr *)&address, sizeof(address));
		if (r < 0 && errno == ECONNREFUSED)
			usleep(CONNECT_PAUSE_US);
		else
			break;
	}
	must(r == 0);
	return fd;
}

static void make_channel(struct raw_client *client)
{
	struct control_layout layout = control_layout_make();
	int fd = memfd_create("raw-client", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0 && ftruncate(fd, layout.size) == 0);
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	client->memory = mmap(NULL, layout.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(client->memory != MAP_FAILED);
	memcpy(client->memory, &layout, sizeof(layout));
	control_rings_init(&client->rings, client->memory, &layout);
	client->attach = control_message_make(CONTROL_MESSAGE_ATTACH, ++client->last_id);
	client->attach.size = layout.size;
	client->fds[CONTROL_ATTACH_MEMORY] = fd;
	client->fds[CONTROL_ATTACH_VMM_DOORBELL] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	client->fds[CONTROL_ATTACH_CLIENT_DOORBELL] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(client->fds[CONTROL_ATTACH_CLIENT_DOORBELL] >= 0);
}

void raw_client_connect(struct raw_client *client, const char *path)
{
	*client = (struct raw_client){.statistics_fd = -1};
	make_channel(client);
	client->socket = connect_to(path);
}

int raw_client_receive(struct raw_client *client, enum control_message_type type, uint64_t id)
{
	struct pollfd poll_fd = {.fd = client->socket, .events = POLLIN};
	struct control_message message;
	size_t fd_count;
	int fd = -1;
	int r;

	must(poll(&poll_fd, 1, -1) == 1);
	r = fd_passing_receive(client->socket, &message, sizeof(message), &fd, 1, &fd_count, NULL);
	if (r < 0)
		return r;
	must(control_message_validate(&message, fd_count, CONTROL_SIDE_VMM) == 0);
	if (fd_count == 1)
		client->statistics_fd = fd;
	must(message.type == type || message.status < 0);
	must(message.id == id);
	return message.status;
}

int raw_client_hello(struct raw_client *client)
{
	return raw_client_receive(client, CONTROL_MESSAGE_HELLO, 0);
}

int raw_client_attach(struct raw_client *client)
{
	must(fd_passing_send(client->socket, &client->attach, sizeof(client->attach), client->fds,
			     CONTROL_ATTACH_FDS) == 0);
	return raw_client_receive(client, CONTROL_MESSAGE_RESULT, client->attach.id);
}

void raw_client_open(struct raw_client *client, const char *path)
{
	raw_client_connect(client, path);
	must(raw_client_hello(client) == 0);
	must(raw_client_attach(client) == 0);
}

int raw_client_attach_serial(struct raw_client *client, int fd)
{
	struct control_message message =
		control_message_make(CONTROL_MESSAGE_ATTACH_SERIAL, ++client->last_id);

	must(fd_passing_send(client->socket, &message, sizeof(message), &fd, 1) == 0);
	return raw_client_receive(client, CONTROL_MESSAGE_RESULT, message.id);
}

int raw_client_insert(struct raw_client *client, uint32_t drive, int fd)
{
	struct control_message message =
		control_message_make(CONTROL_MESSAGE_INSERT, ++client->last_id);

	message.drive = drive;
	must(fd_passing_send(client->socket, &message, sizeof(message), &fd, 1) == 0);
	return raw_client_receive(client, CONTROL_MESSAGE_RESULT, message.id);
}

static int stage(struct raw_client *client, enum control_message_type type, uint32_t disk, int fd)
{
	struct control_message message = control_message_make(type, ++client->last_id);

	message.drive = disk;
	must(fd_passing_send(client->socket, &message, sizeof(message), &fd, 1) == 0);
	return raw_client_receive(client, CONTROL_MESSAGE_RESULT, message.id);
}

int raw_client_stage_layer(struct raw_client *client, uint32_t disk, int fd)
{
	return stage(client, CONTROL_MESSAGE_STAGE_LAYER, disk, fd);
}

int raw_client_stage_memory(struct raw_client *client, int fd)
{
	return stage(client, CONTROL_MESSAGE_STAGE_MEMORY, 0, fd);
}

int raw_client_stage_file(struct raw_client *client, uint32_t number, int fd)
{
	return stage(client, CONTROL_MESSAGE_STAGE_FILE, number, fd);
}

int raw_client_stage_arguments(struct raw_client *client, int fd)
{
	return stage(client, CONTROL_MESSAGE_STAGE_ARGUMENTS, 0, fd);
}

int raw_client_open_screen(struct raw_client *client, int ret_fds[CONTROL_SCREEN_FDS])
{
	struct control_message message =
		control_message_make(CONTROL_MESSAGE_OPEN_SCREEN, ++client->last_id);
	struct pollfd poll_fd = {.fd = client->socket, .events = POLLIN};
	size_t fd_count;
	int r;

	must(fd_passing_send(client->socket, &message, sizeof(message), NULL, 0) == 0);
	must(poll(&poll_fd, 1, -1) == 1);
	r = fd_passing_receive(client->socket, &message, sizeof(message), ret_fds,
			       CONTROL_SCREEN_FDS, &fd_count, NULL);
	if (r < 0)
		return r;
	must(control_message_validate(&message, fd_count, CONTROL_SIDE_VMM) == 0);
	must(message.id == client->last_id);
	return message.status;
}

uint64_t raw_client_push(struct raw_client *client, uint32_t operation, uint64_t argument)
{
	struct control_command command = {
		.id = ++client->last_id,
		.operation = operation,
		.arguments = {argument},
	};

	must(ring_push(&client->rings.commands, &command) == 0);
	return command.id;
}

void raw_client_push_input(struct raw_client *client, enum input_type type, uint16_t code,
			   int32_t x, int32_t y)
{
	const struct input_event event = {.type = (uint16_t)type, .code = code, .x = x, .y = y};

	must(ring_push(&client->rings.inputs, &event) == 0);
}

void raw_client_ring(struct raw_client *client)
{
	bool commands = ring_take_wakeup(&client->rings.commands);
	bool inputs = ring_take_wakeup(&client->rings.inputs);

	if (commands || inputs)
		fd_event_signal(client->fds[CONTROL_ATTACH_VMM_DOORBELL]);
}

/* Waits for a slot, in the way a client should. False when the server has hung up before one. */
static bool wait_slot(struct raw_client *client, struct ring *ring, void *slot)
{
	struct pollfd fds[] = {
		{.fd = client->fds[CONTROL_ATTACH_CLIENT_DOORBELL], .events = POLLIN},
		{.fd = client->socket, .events = POLLIN},
	};
	bool lost = false;

	for (;;) {
		int r = ring_pop(ring, slot);

		must(r >= 0);
		if (r == 1 || lost)
			return r == 1;
		r = ring_prepare_sleep(ring);
		must(r >= 0);
		if (r == 1)
			continue;
		must(poll(fds, 2, -1) > 0);
		(void)fd_event_drain(fds[0].fd);
		lost = fds[1].revents != 0; /* look once more: it may have come before */
	}
}

int raw_client_reply(struct raw_client *client, uint64_t *ret_id)
{
	struct control_reply reply;

	if (!wait_slot(client, &client->rings.replies, &reply))
		return -ECONNRESET;
	must(control_status_valid(reply.status));
	client->last_reply = reply;
	*ret_id = reply.id;
	return reply.status;
}

int raw_client_call(struct raw_client *client, uint32_t operation, uint64_t argument)
{
	uint64_t id = raw_client_push(client, operation, argument);
	uint64_t answered;
	int r;

	raw_client_ring(client);
	r = raw_client_reply(client, &answered);
	must(r == -ECONNRESET || answered == id);
	return r;
}

bool raw_client_event(struct raw_client *client, struct control_event *ret_event)
{
	return wait_slot(client, &client->rings.events, ret_event);
}

void raw_client_expect_loss(struct raw_client *client)
{
	struct pollfd poll_fd = {.fd = client->socket, .events = POLLIN};
	char bytes[256];

	do
		must(poll(&poll_fd, 1, -1) == 1);
	while (recv(client->socket, bytes, sizeof(bytes), 0) > 0);
}

void raw_client_close(struct raw_client *client)
{
	munmap(client->memory, control_layout_make().size);
	fd_close(&client->socket);
	fd_close(&client->statistics_fd);
	for (int i = 0; i < CONTROL_ATTACH_FDS; i++)
		fd_close(&client->fds[i]);
}
