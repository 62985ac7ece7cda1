/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Serving one client of the control channel (protocol/control-protocol.h). Everything the client
 * writes is copied once and then checked; what breaks the protocol ends this client alone.
 */
#include "control/control-client.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd-passing.h"
#include "base/fd.h"
#include "control/channel-map.h"
#include "loop/event-loop.h"
#include "protocol/input-protocol.h"

enum {
	/*
	 * Slots of a ring looked at for one doorbell, so that a flooding client does not keep the
	 * others waiting.
	 */
	SLOTS_PER_TURN = 128,
	SWITCHES = INPUT_MAX_KEY + 1, /* keys and buttons, whose codes are apart */
};

struct control_client {
	struct control_service *service;
	int socket;
	struct event_source *socket_source;
	struct event_source *doorbell_source; /* NULL until attached */
	struct channel_map map;               /* open when attached */
	uint32_t watch_interval_ms;
	bool watches_screen;
	struct control_snapshot staged;
	struct control_clone staged_clone;
	bool held[SWITCHES]; /* keys and buttons that are down */
	bool broken; /* found to lie where it could not be ended; its doorbell has been rung */
};

static int send_result(struct control_client *client, uint64_t id, int status)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_RESULT, id);

	message.status = status;
	return fd_passing_send(client->socket, &message, sizeof(message), NULL, 0);
}

static int watch(struct control_client *client, uint32_t interval_ms)
{
	client->watch_interval_ms = interval_ms;
	client->service->watch_changed(client->service);
	return 0;
}

static int watch_screen(struct control_client *client, bool watch)
{
	int r;

	client->watches_screen = watch;
	r = client->service->screen_watch_changed(client->service);
	if (r < 0)
		client->watches_screen = false;
	return r;
}

static void init_staged(struct control_client *client)
{
	client->staged = (struct control_snapshot){.memory = -1};
	for (size_t i = 0; i < CONTROL_MAX_DRIVES; i++)
		client->staged.layers[i] = -1;
	client->staged_clone.arguments = -1;
	for (size_t i = 0; i < CONTROL_MAX_FILES; i++)
		client->staged_clone.files[i] = -1;
}

static void drop_staged(struct control_client *client)
{
	fd_close(&client->staged.memory);
	for (size_t i = 0; i < CONTROL_MAX_DRIVES; i++)
		fd_close(&client->staged.layers[i]);
	fd_close(&client->staged_clone.arguments);
	for (size_t i = 0; i < CONTROL_MAX_FILES; i++)
		fd_close(&client->staged_clone.files[i]);
}

/* What was staged is used up, whatever comes of it. */
static int snapshot(struct control_client *client, const struct control_command *command,
		    struct control_reply *reply)
{
	const struct control_operations *operations = client->service->operations;
	struct control_snapshot *staged = &client->staged;
	int r;

	staged->hold = command->arguments[0] & CONTROL_SNAPSHOT_HOLD;
	r = command->operation == CONTROL_CLONE
		    ? operations->clone(client->service->machine, staged, &client->staged_clone)
		    : operations->snapshot(client->service->machine, staged);
	if (r == 0) {
		reply->value = staged->pause_us;
		reply->number = staged->number;
	}
	drop_staged(client);
	init_staged(client);
	return r;
}

/* 0 or the negative errno that the client is told. */
static int execute(struct control_client *client, const struct control_command *command,
		   struct control_reply *reply)
{
	const struct control_operations *operations = client->service->operations;
	void *machine = client->service->machine;
	int r = control_command_validate(command);

	if (r < 0)
		return r;
	switch ((enum control_operation)command->operation) {
	case CONTROL_PING:
		return 0;
	case CONTROL_SHUTDOWN:
		return operations->shutdown(machine);
	case CONTROL_POWER_OFF:
		return operations->power_off(machine);
	case CONTROL_RESET:
		return operations->reset(machine);
	case CONTROL_PAUSE:
		return operations->pause(machine);
	case CONTROL_RESUME:
		return operations->resume(machine);
	case CONTROL_SET_LINK:
		return operations->set_link(machine, (unsigned int)command->arguments[0],
					    command->arguments[1]);
	case CONTROL_EJECT:
		return operations->eject(machine, (unsigned int)command->arguments[0],
					 command->arguments[1]);
	case CONTROL_GROW_DISK:
		return operations->grow_disk(machine, (unsigned int)command->arguments[0],
					     command->arguments[1]);
	case CONTROL_SNAPSHOT:
	case CONTROL_CLONE:
		return snapshot(client, command, reply);
	case CONTROL_WATCH:
		return watch(client, (uint32_t)command->arguments[0]);
	case CONTROL_WATCH_SCREEN:
		return watch_screen(client, command->arguments[0]);
	case CONTROL_REFRESH_SCREEN:
		return operations->refresh_screen(machine);
	case CONTROL_RESIZE_SCREEN:
		return operations->resize_screen(machine, (uint32_t)command->arguments[0],
						 (uint32_t)command->arguments[1]);
	case CONTROL_SET_BALLOON:
		return operations->set_balloon(machine, command->arguments[0]);
	}
	return -EOPNOTSUPP;
}

/* What one slot asks for, of which this is a copy. 0 or negative errno: the client is ended. */
typedef int (*slot_func)(struct control_client *client, const void *slot);

/* The reply is in shared memory when this returns, even if the process ends right after. */
static int execute_and_reply(struct control_client *client, const void *slot)
{
	const struct control_command *command = slot;
	struct control_reply reply = {.id = command->id};
	int r;

	reply.status = execute(client, command, &reply);
	r = ring_push(&client->map.rings.replies, &reply);

	/* full: more commands under way than there are reply slots */
	return r == -EAGAIN ? -EPROTO : r;
}

/* What the machine makes of it is not told: it may have no such device, or be paused. */
static int take_input(struct control_client *client, const void *slot)
{
	const struct input_event *event = slot;
	int r = input_event_validate(event);

	if (r < 0)
		return r;
	if (event->type == INPUT_KEY || event->type == INPUT_BUTTON)
		client->held[event->code] = event->x;
	(void)client->service->operations->input(client->service->machine, event);
	return 0;
}

/* Takes slots until there are none and a doorbell is asked for, or the turn is over. */
static int take_slots(struct control_client *client, struct ring *ring, void *slot, slot_func take)
{
	for (int i = 0; i < SLOTS_PER_TURN; i++) {
		int r = ring_pop(ring, slot);

		if (r == 1)
			r = take(client, slot);
		else if (r == 0 && (r = ring_prepare_sleep(ring)) == 0)
			return 0;
		if (r < 0)
			return r;
	}
	fd_event_signal(client->map.own_doorbell); /* go on in the next turn */
	return 0;
}

/* Input first, which somebody waits for. */
static int take_rings(struct control_client *client)
{
	struct control_rings *rings = &client->map.rings;
	struct control_command command;
	struct input_event event;
	int r = take_slots(client, &rings->inputs, &event, take_input);

	if (r < 0)
		return r;
	return take_slots(client, &rings->commands, &command, execute_and_reply);
}

static int serve_rings(struct control_client *client)
{
	struct ring *replies = &client->map.rings.replies;
	uint32_t before = replies->own;
	int r = client->broken ? -EPROTO : take_rings(client);

	/* input has no replies, and must not wake who sent it */
	if (replies->own != before && ring_take_wakeup(replies))
		fd_event_signal(client->map.peer_doorbell);
	return r;
}

static void on_doorbell(void *data, uint32_t events)
{
	struct control_client *client = data;

	(void)fd_event_drain(client->map.own_doorbell);
	if (serve_rings(client) < 0)
		client->service->client_closed(client->service, client);
}

static int open_channel(struct control_client *client, uint32_t size, const int *fds)
{
	int r = channel_map_open(&client->map, fds, size);

	if (r < 0)
		return r;
	return event_loop_add(client->service->loop, client->map.own_doorbell, EPOLLIN, on_doorbell,
			      client, &client->doorbell_source);
}

static int attach(struct control_client *client, const struct control_message *message,
		  const int *fds)
{
	int r = open_channel(client, message->size, fds);

	if (r < 0) {
		(void)send_result(client, message->id, r);
		return r;
	}
	r = send_result(client, message->id, 0);
	if (r < 0)
		return r;
	/* so that the first command and the first key ring */
	return serve_rings(client);
}

/*
 * The client keeps the other end and could keep this one too, so O_NONBLOCK says what it means
 * today, not that the socket will never block.
 */
static int check_stream(int fd)
{
	int type;
	socklen_t length = sizeof(type);
	int flags = fcntl(fd, F_GETFL);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
		return -errno;
	return type == SOCK_STREAM && flags >= 0 && (flags & O_NONBLOCK) ? 0 : -EINVAL;
}

static int attach_stream(struct control_client *client, const struct control_message *message,
			 int fd)
{
	const struct control_operations *operations = client->service->operations;
	void *machine = client->service->machine;
	int r = check_stream(fd);

	if (r == 0 && message->type == CONTROL_MESSAGE_ATTACH_SERIAL)
		r = operations->attach_serial(machine, fd);
	else if (r == 0)
		r = operations->attach_port(machine, message->name, fd);
	if (r < 0)
		fd_close(&fd);
	return send_result(client, message->id, r);
}

static int insert(struct control_client *client, const struct control_message *message, int fd)
{
	int r = client->service->operations->insert(client->service->machine,
						    message->drive & ~CONTROL_FORCED, fd,
						    message->drive & CONTROL_FORCED);

	if (r < 0)
		fd_close(&fd);
	return send_result(client, message->id, r);
}

/* A file of the client's on some file system, that can be written. */
static int check_file(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat status;

	if (flags < 0 || fstat(fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) && (flags & O_ACCMODE) == O_RDWR ? 0 : -EINVAL;
}

/* Where what a message brings is kept. */
static int *staging_place(struct control_client *client, const struct control_message *message)
{
	switch (message->type) {
	case CONTROL_MESSAGE_STAGE_MEMORY:
		return &client->staged.memory;
	case CONTROL_MESSAGE_STAGE_ARGUMENTS:
		return &client->staged_clone.arguments;
	case CONTROL_MESSAGE_STAGE_FILE:
		return &client->staged_clone.files[message->drive];
	default:
		return &client->staged.layers[message->drive];
	}
}

/* What a clone is given may be of any kind; the clone finds out. */
static bool is_of_clone(const struct control_message *message)
{
	return message->type == CONTROL_MESSAGE_STAGE_FILE ||
	       message->type == CONTROL_MESSAGE_STAGE_ARGUMENTS;
}

/* One that was staged before for the same gives way. */
static int stage(struct control_client *client, const struct control_message *message, int fd)
{
	int *place = staging_place(client, message);
	int r = is_of_clone(message) ? 0 : check_file(fd);

	if (r == 0) {
		fd_close(place);
		*place = fd;
	} else {
		fd_close(&fd);
	}
	return send_result(client, message->id, r);
}

static int open_screen(struct control_client *client, const struct control_message *message)
{
	struct control_message answer = control_message_make(CONTROL_MESSAGE_SCREEN, message->id);
	int fds[CONTROL_SCREEN_FDS];
	int r = client->service->operations->open_screen(client->service->machine, fds);

	if (r < 0)
		return send_result(client, message->id, r);
	return fd_passing_send(client->socket, &answer, sizeof(answer), fds, CONTROL_SCREEN_FDS);
}

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fd_close(&fds[i]);
}

static bool is_staging(const struct control_message *message)
{
	return message->type == CONTROL_MESSAGE_STAGE_LAYER ||
	       message->type == CONTROL_MESSAGE_STAGE_MEMORY || is_of_clone(message);
}

/* The descriptors are taken over in every case. */
static int handle_message(struct control_client *client, const struct control_message *message,
			  int *fds, size_t fd_count)
{
	bool attached = client->doorbell_source;
	int r = control_message_validate(message, fd_count, CONTROL_SIDE_CLIENT);

	if (r == 0 && message->type == CONTROL_MESSAGE_ATTACH && !attached)
		return attach(client, message, fds);
	if (r == 0 && message->type == CONTROL_MESSAGE_OPEN_SCREEN && attached)
		return open_screen(client, message);
	if (r == 0 && message->type == CONTROL_MESSAGE_INSERT && attached)
		return insert(client, message, fds[0]);
	if (r == 0 && is_staging(message) && attached)
		return stage(client, message, fds[0]);
	if (r == 0 && message->type != CONTROL_MESSAGE_ATTACH && attached)
		return attach_stream(client, message, fds[0]);
	close_all(fds, fd_count);
	return r < 0 ? r : -EPROTO;
}

/* One message a turn; the loop calls again while there are more. */
static void on_socket(void *data, uint32_t events)
{
	struct control_client *client = data;
	struct control_message message;
	int fds[CONTROL_MAX_FDS];
	size_t fd_count;
	int r;

	r = fd_passing_receive(client->socket, &message, sizeof(message), fds, CONTROL_MAX_FDS,
			       &fd_count, /* ret_sender= */ NULL);
	if (r == -EAGAIN)
		return;
	if (r == 0)
		r = handle_message(client, &message, fds, fd_count);
	if (r < 0)
		client->service->client_closed(client->service, client);
}

static int send_hello(int socket, int statistics_fd)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_HELLO, 0);

	message.size = sizeof(struct statistics_area);
	return fd_passing_send(socket, &message, sizeof(message), &statistics_fd, 1);
}

int control_client_create(struct control_service *service, int socket,
			  struct control_client **ret_client)
{
	struct control_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return -ENOMEM;
	client->service = service;
	init_staged(client);
	channel_map_init(&client->map);
	r = send_hello(socket, service->statistics_fd);
	if (r < 0)
		goto free_client;
	r = event_loop_add(service->loop, socket, EPOLLIN, on_socket, client,
			   &client->socket_source);
	if (r < 0)
		goto free_client;
	client->socket = socket;
	*ret_client = client;
	return 0;

free_client:
	free(client);
	return r;
}

void control_client_destroy(struct control_client *client)
{
	if (!client)
		return;
	event_source_remove(client->doorbell_source);
	event_source_remove(client->socket_source);
	drop_staged(client);
	channel_map_close(&client->map);
	fd_close(&client->socket);
	free(client);
}

void control_client_release_held(struct control_client *client)
{
	for (uint16_t code = 0; code < SWITCHES; code++) {
		const struct input_event event = {
			.type = code >= BTN_LEFT && code <= BTN_TASK ? INPUT_BUTTON : INPUT_KEY,
			.code = code,
		};

		if (client->held[code])
			(void)take_input(client, &event);
	}
}

static void announce(struct control_client *client, enum control_event_type type)
{
	struct control_event event = {.type = type};
	struct ring *events = &client->map.rings.events;

	if (!client->doorbell_source)
		return;
	if (ring_push_or_drop(events, &event) < 0) {
		/* this may be inside one of the client's own commands: on_doorbell() ends it */
		client->broken = true;
		fd_event_signal(client->map.own_doorbell);
	} else if (ring_take_wakeup(events)) {
		fd_event_signal(client->map.peer_doorbell);
	}
}

void control_client_announce_state(struct control_client *client)
{
	announce(client, CONTROL_EVENT_STATE);
}

void control_client_announce_snapshot(struct control_client *client)
{
	announce(client, CONTROL_EVENT_SNAPSHOT);
}

void control_client_announce_clone(struct control_client *client)
{
	announce(client, CONTROL_EVENT_CLONE);
}

void control_client_announce_screen(struct control_client *client)
{
	if (client->watches_screen)
		announce(client, CONTROL_EVENT_SCREEN);
}

uint32_t control_client_watch_interval(const struct control_client *client)
{
	return client->watch_interval_ms;
}

bool control_client_watches_screen(const struct control_client *client)
{
	return client->watches_screen;
}
