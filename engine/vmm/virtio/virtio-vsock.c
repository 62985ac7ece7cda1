/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Socket device (virtio 1.2, section 5.10): streams between ports of the guest and programs on this
 * computer. The programs' side is in vsock-host.h, each stream in vsock-connection.h; here are the
 * packets.
 *
 * Nothing a guest sends is stored beyond a bound: bytes by the credit of their connection, answers
 * to packets of no connection by a short list, for which the guest's next packets wait.
 *
 * System calls after creation: accept4, recvfrom, recvmsg, sendto, sendmsg, socketpair, shutdown,
 * poll, epoll_ctl, timerfd_settime, close, write (interrupt).
 */
#include "virtio/virtio-devices.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <linux/vm_sockets.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "base/iov.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-pci.h"
#include "virtio/vsock-connection.h"
#include "virtio/vsock-host.h"

enum {
	RX_QUEUE, /* for the guest to receive */
	TX_QUEUE,
	EVENT_QUEUE,
	QUEUE_SIZE = 128,
	MAX_CONNECTIONS = 64,
	MAX_RESETS = 32,
	PACKETS_PER_TURN = 64,
	CLASS_COMMUNICATION = 0x078000, /* simple communication, other */
};

/* Ports of our side that connections from the host come from, above those programs listen at. */
#define FIRST_HOST_PORT 0x40000000U

struct port_pair {
	uint32_t host, guest;
};

struct virtio_vsock {
	struct virtio_device device; /* first */
	struct vsock_host *host;
	struct virtio_vsock_config config;
	uint32_t last_host_port;
	bool event_owed;   /* the guest is to be told that no connection has survived */
	unsigned int turn; /* the connection that may speak next */
	unsigned int reset_count;
	struct port_pair resets[MAX_RESETS]; /* the guest is to be told that there are no such */
	struct vsock_connection connections[MAX_CONNECTIONS];
};

static struct virtio_vsock *from_device(struct virtio_device *device)
{
	return (void *)((char *)device - offsetof(struct virtio_vsock, device));
}

static bool may_move(const struct virtio_vsock *vsock)
{
	return virtio_device_running(&vsock->device) && !vsock->device.paused;
}

static struct vsock_connection *find(struct virtio_vsock *vsock, uint32_t host_port,
				     uint32_t guest_port)
{
	for (unsigned int i = 0; i < MAX_CONNECTIONS; i++) {
		struct vsock_connection *connection = &vsock->connections[i];

		if (connection->state != VSOCK_FREE && connection->host_port == host_port &&
		    connection->guest_port == guest_port)
			return connection;
	}
	return NULL;
}

/* A place for a connection. One that only waits for the guest to agree to its end gives way. */
static struct vsock_connection *claim(struct virtio_vsock *vsock)
{
	struct vsock_connection *abandoned = NULL;

	for (unsigned int i = 0; i < MAX_CONNECTIONS; i++) {
		struct vsock_connection *connection = &vsock->connections[i];

		if (connection->state == VSOCK_FREE)
			return connection;
		if (!abandoned && vsock_connection_is_abandoned(connection))
			abandoned = connection;
	}
	if (abandoned)
		vsock_connection_forget(abandoned);
	return abandoned;
}

/* To the guest */

struct room {
	uint16_t head;
	struct iovec *iov; /* writable */
	unsigned int count;
};

static void put_packet(struct virtio_vsock *vsock, const struct room *room,
		       struct virtio_vsock_hdr *header, uint32_t payload)
{
	header->src_cid = htole64(VMADDR_CID_HOST);
	header->dst_cid = vsock->config.guest_cid;
	header->type = htole16(VIRTIO_VSOCK_TYPE_STREAM);
	header->len = htole32(payload);
	iov_write(room->iov, room->count, 0, header, sizeof(*header));
	virtqueue_push(&vsock->device.queues[RX_QUEUE], room->head,
		       (uint32_t)sizeof(*header) + payload);
}

static void tell_reset(struct virtio_vsock *vsock, const struct room *room)
{
	const struct port_pair *ports = &vsock->resets[--vsock->reset_count];
	struct virtio_vsock_hdr header = {
		.src_port = htole32(ports->host),
		.dst_port = htole32(ports->guest),
		.op = htole16(VIRTIO_VSOCK_OP_RST),
	};

	put_packet(vsock, room, &header, 0);
}

static void fill_header(struct vsock_connection *connection, struct virtio_vsock_hdr *header,
			uint16_t op)
{
	uint32_t room, taken;

	vsock_connection_tell_credit(connection, &room, &taken);
	*header = (struct virtio_vsock_hdr){
		.src_port = htole32(connection->host_port),
		.dst_port = htole32(connection->guest_port),
		.op = htole16(op),
		.buf_alloc = htole32(room),
		.fwd_cnt = htole32(taken),
	};
}

static void tell_owed(struct virtio_vsock *vsock, struct vsock_connection *connection,
		      const struct room *room)
{
	static const uint16_t ops[] = {VIRTIO_VSOCK_OP_REQUEST, VIRTIO_VSOCK_OP_RESPONSE,
				       VIRTIO_VSOCK_OP_CREDIT_UPDATE, VIRTIO_VSOCK_OP_SHUTDOWN,
				       VIRTIO_VSOCK_OP_RST};
	unsigned int bit = (unsigned int)__builtin_ctz(connection->owed);
	struct virtio_vsock_hdr header;

	connection->owed &= ~(1U << bit);
	fill_header(connection, &header, ops[bit]);
	if (ops[bit] == VIRTIO_VSOCK_OP_SHUTDOWN)
		header.flags = htole32(connection->shut_down);
	put_packet(vsock, room, &header, 0);
	if (ops[bit] == VIRTIO_VSOCK_OP_RST)
		vsock_connection_forget(connection);
}

static void send_bytes(struct virtio_vsock *vsock, struct vsock_connection *connection,
		       const struct room *room)
{
	struct iovec payload[QUEUE_SIZE], *iov = payload;
	unsigned int count = room->count;
	struct virtio_vsock_hdr header;
	uint32_t got;

	for (unsigned int i = 0; i < count; i++)
		payload[i] = room->iov[i];
	iov_drop_front(&iov, &count, sizeof(header));
	got = vsock_connection_fetch(connection, iov, count);
	if (got == 0) {
		/* The room is taken; what is owed now, or our credit, may as well be told in it. */
		if (!connection->owed)
			connection->owed = VSOCK_OWED_CREDIT;
		tell_owed(vsock, connection, room);
		return;
	}
	fill_header(connection, &header, VIRTIO_VSOCK_OP_RW);
	put_packet(vsock, room, &header, got);
}

/* Whose turn it is; NULL when nobody has anything to say. */
static struct vsock_connection *next_speaker(struct virtio_vsock *vsock)
{
	for (unsigned int i = 0; i < MAX_CONNECTIONS; i++) {
		struct vsock_connection *connection =
			&vsock->connections[(vsock->turn + i) % MAX_CONNECTIONS];

		if (vsock_connection_has_words(connection))
			return connection;
	}
	return NULL;
}

static void speak_for(struct virtio_vsock *vsock, struct vsock_connection *speaker,
		      const struct room *room)
{
	vsock->turn = (unsigned int)(speaker - vsock->connections) + 1;
	if (speaker->owed)
		tell_owed(vsock, speaker, room);
	else
		send_bytes(vsock, speaker, room);
}

/* 1: one packet has gone to the guest; 0: there is none, or no room for it; -EPROTO. */
static int speak(struct virtio_vsock *vsock)
{
	struct virtqueue *queue = &vsock->device.queues[RX_QUEUE];
	struct vsock_connection *speaker = vsock->reset_count ? NULL : next_speaker(vsock);
	struct iovec iov[QUEUE_SIZE];
	struct virtqueue_chain chain;
	struct room room;
	int r;

	if (!speaker && !vsock->reset_count)
		return 0;
	r = virtqueue_pop(queue, iov, &chain);
	if (r <= 0)
		return r;
	/* A payload that never has room would keep a connection speaking for ever. */
	if (chain.writable_length <= sizeof(struct virtio_vsock_hdr)) {
		queue->fault = "socket packet has no room in a buffer";
		return -EPROTO;
	}
	room = (struct room){chain.head, iov + chain.readable_count, chain.writable_count};
	if (speaker)
		speak_for(vsock, speaker, &room);
	else
		tell_reset(vsock, &room);
	return 1;
}

static void pump(struct virtio_vsock *vsock)
{
	struct virtio_device *device = &vsock->device;
	struct virtqueue *queue = &device->queues[RX_QUEUE];
	bool full = vsock->reset_count == MAX_RESETS, more = true;
	int r = 1;

	if (!may_move(vsock))
		return;
	virtqueue_disable_notification(queue);
	for (unsigned int i = 0; r > 0 && i < PACKETS_PER_TURN; i++)
		r = speak(vsock);
	/* Buffers that come while there is nothing to say need not be told of. */
	if (r <= 0)
		more = r == 0 && (vsock->reset_count || next_speaker(vsock)) &&
		       virtqueue_enable_notification(queue);
	if (more)
		device->transport->ops->schedule(device->transport, RX_QUEUE);
	virtio_device_publish(device, RX_QUEUE);
	if (r < 0)
		virtio_device_set_broken(device, queue->fault);
	if (full && vsock->reset_count < MAX_RESETS)
		device->transport->ops->schedule(device->transport, TX_QUEUE);
}

static void on_wakened(struct vsock_connection *connection)
{
	pump(connection->data);
}

/* From the guest */

static void owe_reset(struct virtio_vsock *vsock, uint32_t host_port, uint32_t guest_port)
{
	vsock->resets[vsock->reset_count++] = (struct port_pair){host_port, guest_port};
}

/* A guest's program wants to reach one on the host. 0 or negative errno. */
static int accept_request(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header,
			  uint32_t host_port, uint32_t guest_port)
{
	struct vsock_connection *connection = claim(vsock);
	int ends[2], r;

	if (!connection)
		return -EBUSY;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	r = vsock_host_offer(vsock->host, host_port, guest_port, ends[1]);
	fd_close(&ends[1]);
	if (r < 0) {
		fd_close(&ends[0]);
		return r;
	}
	vsock_connection_open(connection, VSOCK_CONNECTED, VSOCK_OWED_RESPONSE, host_port,
			      guest_port, ends[0]);
	vsock_connection_note_credit(connection, le32toh(header->buf_alloc),
				     le32toh(header->fwd_cnt));
	return 0;
}

/* A packet of no connection. Nothing answers a reset (section 5.10.6.4). */
static void handle_stray(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header,
			 uint32_t host_port, uint32_t guest_port)
{
	uint16_t operation = le16toh(header->op);
	bool is_stream = le16toh(header->type) == VIRTIO_VSOCK_TYPE_STREAM;

	if (operation == VIRTIO_VSOCK_OP_RST)
		return;
	if (operation == VIRTIO_VSOCK_OP_REQUEST && is_stream &&
	    accept_request(vsock, header, host_port, guest_port) == 0)
		return;
	owe_reset(vsock, host_port, guest_port);
}

static void handle(struct virtio_vsock *vsock, struct vsock_connection *connection,
		   const struct virtio_vsock_hdr *header, struct iovec *payload, unsigned int count)
{
	vsock_connection_note_credit(connection, le32toh(header->buf_alloc),
				     le32toh(header->fwd_cnt));
	switch (le16toh(header->op)) {
	case VIRTIO_VSOCK_OP_RST:
		vsock_connection_forget(connection);
		break;
	case VIRTIO_VSOCK_OP_RESPONSE:
		vsock_connection_accepted(connection);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		vsock_connection_shut_down(connection, le32toh(header->flags));
		break;
	case VIRTIO_VSOCK_OP_RW:
		vsock_connection_deliver(connection, payload, count, le32toh(header->len));
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		connection->owed |= VSOCK_OWED_CREDIT;
		break;
	default:
		vsock_connection_abort(connection);
		break;
	}
}

/* Packets that are not between this guest and this host are dropped (section 5.10.6.2). */
static void take_packet(struct virtio_vsock *vsock, struct iovec *iov, unsigned int count,
			uint64_t length)
{
	struct virtio_vsock_hdr header;
	struct vsock_connection *connection;
	uint32_t host_port, guest_port;

	if (length < sizeof(header))
		return;
	iov_read(iov, count, 0, &header, sizeof(header));
	iov_drop_front(&iov, &count, sizeof(header));
	if (le64toh(header.dst_cid) != VMADDR_CID_HOST || header.src_cid != vsock->config.guest_cid)
		return;
	host_port = le32toh(header.dst_port);
	guest_port = le32toh(header.src_port);
	connection = find(vsock, host_port, guest_port);
	if (!connection)
		handle_stray(vsock, &header, host_port, guest_port);
	else if (le16toh(header.type) != VIRTIO_VSOCK_TYPE_STREAM ||
		 le32toh(header.len) > length - sizeof(header))
		vsock_connection_abort(connection);
	else
		handle(vsock, connection, &header, iov, count);
}

/* Each packet is owed one reset at most, so there is room for that in the list before it is taken.
 */
static bool take_packets(struct virtio_vsock *vsock)
{
	struct virtqueue *queue = &vsock->device.queues[TX_QUEUE];
	struct iovec iov[QUEUE_SIZE];
	struct virtqueue_chain chain;
	unsigned int taken = 0;
	bool more;
	int r = 1;

	virtqueue_disable_notification(queue);
	while (taken < PACKETS_PER_TURN && vsock->reset_count < MAX_RESETS &&
	       (r = virtqueue_pop(queue, iov, &chain)) > 0) {
		take_packet(vsock, iov, chain.readable_count, chain.readable_length);
		virtqueue_push(queue, chain.head, 0);
		taken++;
	}
	more = r > 0 ? vsock->reset_count < MAX_RESETS : virtqueue_enable_notification(queue);
	virtio_device_publish(&vsock->device, TX_QUEUE);
	if (r < 0)
		virtio_device_set_broken(&vsock->device, queue->fault);
	pump(vsock);
	return more && r >= 0;
}

/* Section 5.10.6.7. Where there is no room, the guest's next buffer brings us back here. */
static void tell_event(struct virtio_vsock *vsock)
{
	const struct virtio_vsock_event event = {htole32(VIRTIO_VSOCK_EVENT_TRANSPORT_RESET)};
	struct virtio_device *device = &vsock->device;
	struct virtqueue *queue = &device->queues[EVENT_QUEUE];
	struct iovec iov[QUEUE_SIZE];
	struct virtqueue_chain chain;
	int r;

	if (!vsock->event_owed)
		return;
	do
		r = virtqueue_pop(queue, iov, &chain);
	while (r == 0 && virtqueue_enable_notification(queue));
	if (r > 0) {
		virtqueue_push(queue, chain.head,
			       (uint32_t)iov_write(iov + chain.readable_count, chain.writable_count,
						   0, &event, sizeof(event)));
		vsock->event_owed = false;
		virtio_device_publish(device, EVENT_QUEUE);
	}
	if (r < 0)
		virtio_device_set_broken(device, queue->fault);
}

/* The device */

static bool virtio_vsock_process(struct virtio_device *device, unsigned int index)
{
	struct virtio_vsock *vsock = from_device(device);

	switch (index) {
	case RX_QUEUE:
		for (unsigned int i = 0; i < MAX_CONNECTIONS; i++)
			vsock_connection_listen(&vsock->connections[i]);
		pump(vsock);
		return false;
	case TX_QUEUE:
		return take_packets(vsock);
	default:
		tell_event(vsock);
		return false;
	}
}

static bool virtio_vsock_stop(struct virtio_device *device)
{
	struct virtio_vsock *vsock = from_device(device);

	for (unsigned int i = 0; i < MAX_CONNECTIONS; i++)
		vsock_connection_forget(&vsock->connections[i]);
	vsock->reset_count = 0;
	vsock->event_owed = false;
	return true;
}

static void virtio_vsock_destroy(struct virtio_device *device)
{
	struct virtio_vsock *vsock = from_device(device);

	vsock_host_destroy(vsock->host);
	free(vsock);
}

/* Connections end with the machine that is saved: what is at their other end stays with it. */
static void virtio_vsock_save(const struct virtio_device *device, struct state_writer *writer)
{
	state_writer_put32(writer, ((const struct virtio_vsock *)device)->last_host_port);
}

/* The guest asks for its address again when it hears of it, which may be another now. */
static void virtio_vsock_load(struct virtio_device *device, struct state_reader *reader)
{
	struct virtio_vsock *vsock = from_device(device);

	vsock->last_host_port = state_reader_get32(reader);
	vsock->event_owed = virtio_device_running(device);
}

static const struct virtio_device_ops virtio_vsock_ops = {
	.process = virtio_vsock_process,
	.stop = virtio_vsock_stop,
	.destroy = virtio_vsock_destroy,
	.save = virtio_vsock_save,
	.load = virtio_vsock_load,
};

/* A program on the host wants to reach one in the guest. */
static int connect_to_guest(void *data, uint32_t guest_port, int fd)
{
	struct virtio_vsock *vsock = data;
	struct vsock_connection *connection;

	if (!virtio_device_running(&vsock->device))
		return -ENOTCONN;
	connection = claim(vsock);
	if (!connection)
		return -EBUSY;
	do
		vsock->last_host_port = (vsock->last_host_port + 1) | FIRST_HOST_PORT;
	while (find(vsock, vsock->last_host_port, guest_port));
	vsock_connection_open(connection, VSOCK_CONNECTING, VSOCK_OWED_REQUEST,
			      vsock->last_host_port, guest_port, fd);
	pump(vsock);
	return 0;
}

int virtio_vsock_create(const struct virtio_host *host, uint8_t devfn, uint32_t guest_cid,
			int listen_fd, struct virtio_device **ret_device)
{
	struct virtio_vsock *vsock = calloc(1, sizeof(*vsock));
	int r = 0;

	if (!vsock) {
		fd_close(&listen_fd);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < MAX_CONNECTIONS; i++)
		vsock_connection_init(&vsock->connections[i], &vsock->device, host->loop,
				      on_wakened, vsock);
	vsock->config.guest_cid = htole64(guest_cid);
	virtio_device_init(&vsock->device, &virtio_vsock_ops, VIRTIO_ID_VSOCK, 0);
	for (unsigned int i = RX_QUEUE; i <= EVENT_QUEUE; i++)
		virtio_device_add_queue(&vsock->device, host->memory, QUEUE_SIZE);
	vsock->device.config = &vsock->config;
	vsock->device.config_size = sizeof(vsock->config);
	if (listen_fd >= 0)
		r = vsock_host_create(host->loop, listen_fd, connect_to_guest, vsock, &vsock->host);
	if (r < 0)
		fd_close(&listen_fd);
	else
		r = virtio_pci_create(host, devfn, CLASS_COMMUNICATION, &vsock->device);
	if (r < 0) {
		vsock_host_destroy(vsock->host);
		free(vsock);
		return r;
	}
	*ret_device = &vsock->device;
	return 0;
}
