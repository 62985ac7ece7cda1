/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One stream between a port of the guest and a socket on the host (virtio 1.2, section 5.10.6): its
 * credit in both directions, its buffer and how it ends. Packets are the device's.
 *
 * What the guest may send without being asked to wait is what the buffer has room for; more than
 * that breaks the rules and the connection. From the host's socket only as much is read as the
 * guest has promised room for.
 *
 * Device lock held. Data moves on the main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct event_loop;
struct event_source;
struct virtio_device;

enum { VSOCK_BUFFER_SIZE = 64 << 10 };

enum vsock_state {
	VSOCK_FREE,
	VSOCK_CONNECTING, /* the guest has been asked */
	VSOCK_CONNECTED,
	VSOCK_CLOSING, /* the host's side is closed; the guest is still to know or to agree */
};

/* What the guest is to be told, bits; the lowest first. */
enum vsock_owed {
	VSOCK_OWED_REQUEST = 1,
	VSOCK_OWED_RESPONSE = 2,
	VSOCK_OWED_CREDIT = 4,
	VSOCK_OWED_SHUTDOWN = 8,
	VSOCK_OWED_RESET = 16, /* forget the connection then */
};

struct vsock_connection {
	const struct virtio_device *device; /* borrowed; while it is paused nothing moves */
	struct event_loop *loop;            /* borrowed */
	/* There is something to be told or sent to the guest. */
	void (*wakened)(struct vsock_connection *connection);
	void *data;
	enum vsock_state state;
	unsigned int owed; /* enum vsock_owed */
	uint32_t host_port, guest_port;
	uint32_t shut_down; /* what VSOCK_OWED_SHUTDOWN says */
	int fd;
	struct event_source *source; /* while something is wanted of the socket */
	uint32_t listened;           /* the events it waits for */
	bool readable;               /* the socket may have something */
	bool host_ended;             /* it will have nothing more */
	bool guest_ended, guest_deaf, end_passed_on;
	/* the guest's promise; free-running counters, as in the header */
	uint32_t guest_room, guest_taken, sent;
	/* ours */
	uint32_t forwarded, told;
	uint8_t *buffer; /* from the guest, not yet taken by the socket; NULL until needed */
	size_t buffered_at, buffered;
};

void vsock_connection_init(struct vsock_connection *connection, const struct virtio_device *device,
			   struct event_loop *loop,
			   void (*wakened)(struct vsock_connection *connection), void *data);
/* Takes the socket over. owed: how it begins. */
void vsock_connection_open(struct vsock_connection *connection, enum vsock_state state,
			   unsigned int owed, uint32_t host_port, uint32_t guest_port, int fd);
/* Closes without a word to the guest; free again. Any thread. */
void vsock_connection_forget(struct vsock_connection *connection);
/* Closes; the guest is told to forget it. */
void vsock_connection_abort(struct vsock_connection *connection);
/* Waits for what is wanted of the socket now; to be called after a pause. */
void vsock_connection_listen(struct vsock_connection *connection);
/* Whether the host's program has gone while the guest has not noticed yet. */
bool vsock_connection_is_abandoned(const struct vsock_connection *connection);

/* What the guest's header says of credit, and what ours is to say. */
void vsock_connection_note_credit(struct vsock_connection *connection, uint32_t room,
				  uint32_t taken);
void vsock_connection_tell_credit(struct vsock_connection *connection, uint32_t *ret_room,
				  uint32_t *ret_taken);

/* The guest has accepted. */
void vsock_connection_accepted(struct vsock_connection *connection);
/* Bytes from the guest: the vector's first length. */
void vsock_connection_deliver(struct vsock_connection *connection, struct iovec *iov,
			      unsigned int count, uint32_t length);
/* VIRTIO_VSOCK_SHUTDOWN_... flags from the guest; they add up. */
void vsock_connection_shut_down(struct vsock_connection *connection, uint32_t flags);

/* Whether there is something for the guest: see owed, or bytes from the socket. */
bool vsock_connection_has_words(const struct vsock_connection *connection);
/*
 * Reads from the socket for the guest into so many buffers. Bytes read; 0 when there was nothing
 * after all, in which case something may be owed now.
 */
uint32_t vsock_connection_fetch(struct vsock_connection *connection, struct iovec *iov,
				unsigned int count);
