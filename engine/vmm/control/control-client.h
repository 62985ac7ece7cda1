/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One client of the control server: its socket, its channel, and the commands that come through
 * it. Main thread, device lock held, except where said otherwise.
 */
#pragma once

#include <stdint.h>

#include "control/control-server.h"

struct control_client;

/* What the clients of one server share; outlives them. */
struct control_service {
	struct event_loop *loop;
	int statistics_fd;
	const struct control_operations *operations;
	void *machine;
	/* The client has died or broken the protocol; must destroy it. */
	void (*client_closed)(struct control_service *service, struct control_client *client);
	/* A client's watch interval has changed. */
	void (*watch_changed)(struct control_service *service);
	/* A client watches the screen, or does no more. 0 or negative errno. */
	int (*screen_watch_changed)(struct control_service *service);
};

/* Greets the client on a connected socket, which is taken over on success. 0 or negative errno. */
int control_client_create(struct control_service *service, int socket,
			  struct control_client **ret_client);
/* Closes the channel and everything that came through it. NULL is accepted. */
void control_client_destroy(struct control_client *client);

/* Lets go of the keys and buttons that the client holds down: it has gone, and nobody else would.
 */
void control_client_release_held(struct control_client *client);

/*
 * Pushes an event. Never blocks and never destroys the client. Any thread with the device
 * lock held.
 */
void control_client_announce_state(struct control_client *client);
void control_client_announce_snapshot(struct control_client *client);
void control_client_announce_clone(struct control_client *client);
/* As control_client_announce_state(), if the client watches the screen. */
void control_client_announce_screen(struct control_client *client);

/* Milliseconds between samples as the client has asked for, 0 if it does not watch. */
uint32_t control_client_watch_interval(const struct control_client *client);
bool control_client_watches_screen(const struct control_client *client);
