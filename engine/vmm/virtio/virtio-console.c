/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Console device (virtio 1.2, section 5.3) with named ports, and on request a console as its port
 * 0. What moves through a port is in console-port.c; here is what the two control queues say.
 *
 * What the guest is still to be told is kept as a few bits for each port, so that it can ask for as
 * much as it likes.
 *
 * System calls after creation: recvfrom, sendmsg, poll, epoll_ctl, close, write (interrupt).
 */
#include "virtio/virtio-devices.h"

#include <assert.h>
#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/iov.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/console-port.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-pci.h"

enum {
	CONTROL_INPUT_QUEUE = 2, /* for the guest to receive */
	CONTROL_OUTPUT_QUEUE = 3,
	MESSAGES_PER_TURN = 64,
	CLASS_COMMUNICATION = 0x078000, /* simple communication, other */
};

/* What the guest is to be told about a port, in this order; bits. */
enum owed {
	OWED_ADD = 1,
	OWED_CONSOLE = 2,
	OWED_NAME = 4,
	OWED_OPEN = 8, /* whether a peer is connected */
};
enum { OWED_ALL = OWED_ADD | OWED_CONSOLE | OWED_NAME | OWED_OPEN };

struct named_port {
	struct console_port port; /* first */
	char name[VIRTIO_CONSOLE_NAME_SIZE];
	bool exists;
	bool ready;        /* the guest has found it */
	unsigned int owed; /* enum owed */
};

struct virtio_console {
	struct virtio_device device; /* first */
	struct virtio_console_config config;
	unsigned int port_count;   /* including port 0, which may not exist */
	struct named_port ports[]; /* by the number the guest knows */
};

static_assert(2 + 2 * (VIRTIO_CONSOLE_MAX_PORTS) <= VIRTIO_DEVICE_MAX_QUEUES,
	      "every port has its queues");

static struct virtio_console *from_device(struct virtio_device *device)
{
	return (void *)((char *)device - offsetof(struct virtio_console, device));
}

static bool has_control(const struct virtio_console *console)
{
	return virtio_device_has_feature(&console->device, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* Port 0 has the first two queues, the control queues come between it and port 1 (5.3.2). */
static unsigned int first_queue(unsigned int id)
{
	return id == 0 ? 0 : 2 + 2 * id;
}

static struct console_port *port_of_queue(struct virtio_console *console, unsigned int queue)
{
	unsigned int id = queue < CONTROL_INPUT_QUEUE ? 0 : (queue - 2) / 2;

	return console->ports[id].exists ? &console->ports[id].port : NULL;
}

/* The control queues */

/* A message the guest is owed, of those about one port the first. Returns its bytes. */
static size_t make_message(struct virtio_console *console, struct named_port *port,
			   unsigned char message[])
{
	size_t length = sizeof(struct virtio_console_control);
	unsigned int owed = port->owed & -port->owed;
	struct virtio_console_control control = {
		.id = htole32((uint32_t)(port - console->ports)),
		.value = htole16(1),
	};

	switch ((enum owed)owed) {
	case OWED_ADD:
		control.event = htole16(VIRTIO_CONSOLE_PORT_ADD);
		break;
	case OWED_CONSOLE:
		control.event = htole16(VIRTIO_CONSOLE_CONSOLE_PORT);
		break;
	case OWED_NAME:
		control.event = htole16(VIRTIO_CONSOLE_PORT_NAME);
		memcpy(message + length, port->name, strlen(port->name));
		length += strlen(port->name);
		break;
	case OWED_OPEN:
		control.event = htole16(VIRTIO_CONSOLE_PORT_OPEN);
		control.value = htole16(console_port_is_connected(&port->port));
		break;
	}
	memcpy(message, &control, sizeof(control));
	port->owed &= ~owed;
	return length;
}

/* 1: told; 0: the guest has no room; -EPROTO. */
static int tell(struct virtio_console *console, struct named_port *port)
{
	unsigned char message[sizeof(struct virtio_console_control) + VIRTIO_CONSOLE_NAME_SIZE];
	struct virtqueue *queue = &console->device.queues[CONTROL_INPUT_QUEUE];
	struct iovec iov[CONSOLE_QUEUE_SIZE];
	struct virtqueue_chain chain;
	int r = virtqueue_pop(queue, iov, &chain);

	if (r <= 0)
		return r;
	if (chain.writable_length < sizeof(struct virtio_console_control)) {
		queue->fault = "control message has no room in a buffer";
		return -EPROTO;
	}
	virtqueue_push(queue, chain.head,
		       (uint32_t)iov_write(iov + chain.readable_count, chain.writable_count, 0,
					   message, make_message(console, port, message)));
	return 1;
}

/* Bounded: each port is owed four messages at most. */
static int tell_all(struct virtio_console *console)
{
	for (unsigned int i = 0; i < console->port_count; i++) {
		while (console->ports[i].owed) {
			int r = tell(console, &console->ports[i]);

			if (r <= 0)
				return r;
		}
	}
	return 1;
}

/* When there is no room now, the guest's next buffers bring us back here. */
static void send_control(struct virtio_console *console)
{
	struct virtio_device *device = &console->device;
	struct virtqueue *queue = &device->queues[CONTROL_INPUT_QUEUE];
	int r;

	if (!virtio_device_running(device) || device->paused || !has_control(console))
		return;
	do
		r = tell_all(console);
	while (r == 0 && virtqueue_enable_notification(queue));
	virtio_device_publish(device, CONTROL_INPUT_QUEUE);
	if (r < 0)
		virtio_device_set_broken(device, queue->fault);
}

static void on_connection_changed(struct console_port *port)
{
	struct named_port *named = (struct named_port *)port;

	if (!named->ready)
		return;
	named->owed |= OWED_OPEN;
	send_control(from_device(port->device));
}

static void introduce_ports(struct virtio_console *console)
{
	for (unsigned int i = 0; i < console->port_count; i++) {
		if (console->ports[i].exists)
			console->ports[i].owed = OWED_ADD;
	}
}

static void introduce(struct virtio_console *console, struct named_port *port)
{
	port->ready = true;
	port->owed |= OWED_NAME;
	if (port == &console->ports[0])
		port->owed |= OWED_CONSOLE;
	if (console_port_is_connected(&port->port))
		port->owed |= OWED_OPEN;
}

/* Section 5.3.6.2. What makes no sense is ignored. */
static void handle_control(struct virtio_console *console,
			   const struct virtio_console_control *control)
{
	uint32_t id = le32toh(control->id);
	uint16_t event = le16toh(control->event), value = le16toh(control->value);
	struct named_port *port = NULL;

	if (event == VIRTIO_CONSOLE_DEVICE_READY) {
		if (value == 1)
			introduce_ports(console);
		return;
	}
	if (id < console->port_count && console->ports[id].exists)
		port = &console->ports[id];
	if (port && event == VIRTIO_CONSOLE_PORT_READY && value == 1)
		introduce(console, port);
	else if (port && event == VIRTIO_CONSOLE_PORT_OPEN)
		console_port_set_open(&port->port, value != 0);
}

static bool take_control(struct virtio_console *console)
{
	struct virtqueue *queue = &console->device.queues[CONTROL_OUTPUT_QUEUE];
	struct iovec iov[CONSOLE_QUEUE_SIZE];
	struct virtqueue_chain chain;
	unsigned int taken = 0;
	int r = 0;

	virtqueue_disable_notification(queue);
	do {
		while (taken < MESSAGES_PER_TURN && (r = virtqueue_pop(queue, iov, &chain)) > 0) {
			struct virtio_console_control control;

			if (iov_read(iov, chain.readable_count, 0, &control, sizeof(control)) ==
			    sizeof(control))
				handle_control(console, &control);
			virtqueue_push(queue, chain.head, 0);
			taken++;
		}
	} while (virtqueue_enable_notification(queue) && taken < MESSAGES_PER_TURN && r >= 0);
	virtio_device_publish(&console->device, CONTROL_OUTPUT_QUEUE);
	if (r < 0)
		virtio_device_set_broken(&console->device, queue->fault);
	send_control(console);
	return r >= 0 && taken >= MESSAGES_PER_TURN;
}

/* The device */

static bool process_port(struct virtio_console *console, unsigned int index)
{
	struct console_port *port = port_of_queue(console, index);

	if (!port)
		return false;
	/* Without control queues there is one port, and the driver is who uses it. */
	if (!has_control(console) && port == &console->ports[0].port)
		port->guest_open = true;
	if (index % 2)
		return console_port_take_output(port);
	console_port_feed_guest(port);
	return false;
}

static bool virtio_console_process(struct virtio_device *device, unsigned int index)
{
	struct virtio_console *console = from_device(device);

	switch (index) {
	case CONTROL_INPUT_QUEUE:
		send_control(console);
		return false;
	case CONTROL_OUTPUT_QUEUE:
		return take_control(console);
	default:
		return process_port(console, index);
	}
}

static bool virtio_console_stop(struct virtio_device *device)
{
	struct virtio_console *console = from_device(device);

	for (unsigned int i = 0; i < console->port_count; i++) {
		console->ports[i].ready = false;
		console->ports[i].owed = 0;
		console_port_reset(&console->ports[i].port);
	}
	return true;
}

static void virtio_console_destroy(struct virtio_device *device)
{
	struct virtio_console *console = from_device(device);

	for (unsigned int i = 0; i < console->port_count; i++)
		console_port_finish(&console->ports[i].port);
	free(console);
}

static void virtio_console_save(const struct virtio_device *device, struct state_writer *writer)
{
	const struct virtio_console *console = (const struct virtio_console *)device;

	state_writer_put8(writer, (uint8_t)console->port_count);
	for (unsigned int i = 0; i < console->port_count; i++) {
		const struct named_port *port = &console->ports[i];

		state_writer_put_bytes(writer, port->name, sizeof(port->name));
		state_writer_put_bool(writer, port->ready);
		state_writer_put8(writer, (uint8_t)port->owed);
		state_writer_put_bool(writer, console_port_is_connected(&port->port));
		console_port_save(&port->port, writer);
	}
}

/* Nobody is connected here yet: a guest that thinks so is told. */
static void load_port(struct named_port *port, struct state_reader *reader)
{
	char name[VIRTIO_CONSOLE_NAME_SIZE];
	bool was_connected;

	state_reader_get_bytes(reader, name, sizeof(name));
	port->ready = state_reader_get_bool(reader);
	port->owed = state_reader_get8(reader);
	was_connected = state_reader_get_bool(reader);
	console_port_load(&port->port, reader);
	state_reader_check(reader, memcmp(name, port->name, sizeof(name)) == 0,
			   "its console ports are others");
	state_reader_check(reader, !(port->owed & ~(unsigned int)OWED_ALL),
			   "a console port is owed what there is not");
	if (port->ready && was_connected)
		port->owed |= OWED_OPEN;
}

static void virtio_console_load(struct virtio_device *device, struct state_reader *reader)
{
	struct virtio_console *console = from_device(device);

	if (!state_reader_check(reader, state_reader_get8(reader) == console->port_count,
				"its console ports are others"))
		return;
	for (unsigned int i = 0; i < console->port_count; i++)
		load_port(&console->ports[i], reader);
}

static unsigned int virtio_console_held(const struct virtio_device *device, unsigned int queue)
{
	const struct virtio_console *console = (const struct virtio_console *)device;

	for (unsigned int i = 0; i < console->port_count; i++) {
		if (console->ports[i].exists && console->ports[i].port.output_queue == queue)
			return console->ports[i].port.output_held;
	}
	return 0;
}

static const struct virtio_device_ops virtio_console_ops = {
	.process = virtio_console_process,
	.stop = virtio_console_stop,
	.destroy = virtio_console_destroy,
	.save = virtio_console_save,
	.load = virtio_console_load,
	.held = virtio_console_held,
};

static struct named_port *find_port(struct virtio_console *console, const char *name)
{
	for (unsigned int i = 0; i < console->port_count; i++) {
		if (console->ports[i].exists && strcmp(console->ports[i].name, name) == 0)
			return &console->ports[i];
	}
	return NULL;
}

int virtio_console_attach(struct virtio_device *device, const char *name, int fd)
{
	struct named_port *port = find_port(from_device(device), name);

	return port ? console_port_attach(&port->port, fd) : -ENODEV;
}

static void init_ports(struct virtio_console *console, struct event_loop *loop,
		       const char *const *names, unsigned int count)
{
	unsigned int next = 1;

	for (unsigned int i = 0; i < console->port_count; i++) {
		struct console_port *port = &console->ports[i].port;

		console_port_init(port, &console->device, loop, first_queue(i), first_queue(i) + 1);
		port->connection_changed = on_connection_changed;
	}
	for (unsigned int i = 0; i < count; i++) {
		bool is_console = strcmp(names[i], VIRTIO_CONSOLE_FIRST) == 0;
		struct named_port *port = &console->ports[is_console ? 0 : next++];

		assert(strlen(names[i]) < sizeof(port->name));
		strcpy(port->name, names[i]);
		port->exists = true;
	}
}

/* Port 0 has its number whether it exists or not. */
static unsigned int count_ports(const char *const *names, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(names[i], VIRTIO_CONSOLE_FIRST) == 0)
			return count;
	}
	return count + 1;
}

int virtio_console_create(const struct virtio_host *host, uint8_t devfn, const char *const *names,
			  unsigned int count, struct virtio_device **ret_device)
{
	unsigned int port_count = count_ports(names, count);
	struct virtio_console *console;
	int r;

	assert(port_count <= VIRTIO_CONSOLE_MAX_PORTS);
	console = calloc(1, sizeof(*console) + port_count * sizeof(console->ports[0]));
	if (!console)
		return -ENOMEM;
	console->port_count = port_count;
	virtio_device_init(&console->device, &virtio_console_ops, VIRTIO_ID_CONSOLE,
			   1ULL << VIRTIO_CONSOLE_F_MULTIPORT);
	for (unsigned int i = 0; i < 2 + 2 * port_count; i++)
		virtio_device_add_queue(&console->device, host->memory, CONSOLE_QUEUE_SIZE);
	init_ports(console, host->loop, names, count);
	console->config.max_nr_ports = htole32(port_count);
	console->device.config = &console->config;
	/* Up to what is offered: no emergency writes. */
	console->device.config_size = offsetof(struct virtio_console_config, emerg_wr);
	r = virtio_pci_create(host, devfn, CLASS_COMMUNICATION, &console->device);
	if (r < 0) {
		free(console);
		return r;
	}
	*ret_device = &console->device;
	return 0;
}
