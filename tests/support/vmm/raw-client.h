/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of the control server made of bare system calls, which can do each step of the protocol
 * wrongly. Aborts the test when something on its own side goes wrong.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocol/control-protocol.h"
#include "protocol/input-protocol.h"

struct raw_client {
	int socket;
	int statistics_fd;           /* from HELLO, -1 before */
	int fds[CONTROL_ATTACH_FDS]; /* what it attaches with */
	struct control_message attach;
	void *memory;
	struct control_rings rings;
	uint64_t last_id;
	struct control_reply last_reply;
};

/* Connects and makes what it would attach with. */
void raw_client_connect(struct raw_client *client, const char *path);
/* Waits for a message. Its status, or -ECONNRESET when the server has hung up. */
int raw_client_receive(struct raw_client *client, enum control_message_type type, uint64_t id);
/* Takes HELLO. 0 or what raw_client_receive() says. */
int raw_client_hello(struct raw_client *client);
/* Sends what client->attach and client->fds say and waits for the result. */
int raw_client_attach(struct raw_client *client);
/* All three of the above; must succeed. */
void raw_client_open(struct raw_client *client, const char *path);
/* Attaches a serial line with this descriptor (borrowed). The status, or -ECONNRESET. */
int raw_client_attach_serial(struct raw_client *client, int fd);

/* Opens the screen: 0 and its descriptors, or the status, or -ECONNRESET. */
int raw_client_open_screen(struct raw_client *client, int ret_fds[CONTROL_SCREEN_FDS]);

/* Sends INSERT with a copy of fd, for a drive with CONTROL_FORCED or not; the status. */
int raw_client_insert(struct raw_client *client, uint32_t drive, int fd);

/* Sends STAGE_LAYER for a disk, or STAGE_MEMORY, with a copy of fd; the status. */
int raw_client_stage_layer(struct raw_client *client, uint32_t disk, int fd);
int raw_client_stage_memory(struct raw_client *client, int fd);
/* The same with STAGE_FILE, under a number, and STAGE_ARGUMENTS. */
int raw_client_stage_file(struct raw_client *client, uint32_t number, int fd);
int raw_client_stage_arguments(struct raw_client *client, int fd);

/* Pushes a command; raw_client_ring() tells the server if it sleeps. Returns the id. */
uint64_t raw_client_push(struct raw_client *client, uint32_t operation, uint64_t argument);
void raw_client_ring(struct raw_client *client);
/* Pushes an input event; raw_client_ring() tells the server. */
void raw_client_push_input(struct raw_client *client, enum input_type type, uint16_t code,
			   int32_t x, int32_t y);
/* Waits for the next reply. Its status, or -ECONNRESET when the server has hung up. */
int raw_client_reply(struct raw_client *client, uint64_t *ret_id);
/* Pushes, rings and waits. */
int raw_client_call(struct raw_client *client, uint32_t operation, uint64_t argument);
/* Waits for an event; false when the server has hung up. */
bool raw_client_event(struct raw_client *client, struct control_event *ret_event);
/* Waits until the server hangs up. */
void raw_client_expect_loss(struct raw_client *client);

void raw_client_close(struct raw_client *client);
