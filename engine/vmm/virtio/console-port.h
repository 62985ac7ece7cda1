/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One port of a console device: the bytes between its two queues and the peer that a client has
 * connected (virtio 1.2, section 5.3.6).
 *
 * Neither side can make the other or the machine store more than a little: what the guest sends
 * stays in its own buffers until the peer takes it, and the peer is not listened to while the guest
 * has no room. Without a peer what the guest sends is dropped.
 *
 * Device lock held. Data moves on the main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct event_loop;
struct event_source;
struct state_reader;
struct state_writer;
struct virtio_device;

enum { CONSOLE_QUEUE_SIZE = 64, CONSOLE_PORT_INPUT_SIZE = 16 << 10 };

struct console_port {
	struct virtio_device *device; /* borrowed */
	struct event_loop *loop;      /* borrowed */
	unsigned int input_queue, output_queue;
	/* The peer came or went: the guest is to be told. */
	void (*connection_changed)(struct console_port *port);
	bool guest_open;             /* somebody in the guest uses the port */
	int peer_fd;                 /* -1: no peer */
	struct event_source *source; /* while something is wanted of the peer */
	uint32_t listened;           /* the events it waits for */
	/* read from the peer, not yet taken by the guest */
	size_t input_at, input_count;
	uint8_t input[CONSOLE_PORT_INPUT_SIZE];
	/* the guest's buffer that the peer has taken a part of, or none of */
	bool output_held;
	uint16_t output_head;
	unsigned int output_count;
	struct iovec *output; /* in output_iov: what is left */
	struct iovec output_iov[CONSOLE_QUEUE_SIZE];
};

/* input_queue: the guest receives from it; output_queue: it sends to it. */
void console_port_init(struct console_port *port, struct virtio_device *device,
		       struct event_loop *loop, unsigned int input_queue,
		       unsigned int output_queue);
void console_port_finish(struct console_port *port);

/*
 * Connects a stream socket, which is taken over on success. Whoever else holds it may clear its
 * O_NONBLOCK; that does no harm here. 0, or -EBUSY while another peer is connected.
 */
int console_port_attach(struct console_port *port, int fd);
bool console_port_is_connected(const struct console_port *port);

/* The guest opens or closes the port. What it has not read is gone when it closes. */
void console_port_set_open(struct console_port *port, bool open);
/* The device is reset. The peer stays. Any thread. */
void console_port_reset(struct console_port *port);

/*
 * To and from a machine's state. The peer stays with the machine that was saved: what it has sent
 * reaches the guest here too, what it has not taken of a buffer is lost.
 */
void console_port_save(const struct console_port *port, struct state_writer *writer);
void console_port_load(struct console_port *port, struct state_reader *reader);

/* For process(), when the guest has given buffers to the queue. True: call again soon. */
void console_port_feed_guest(struct console_port *port);
bool console_port_take_output(struct console_port *port);
