/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network device (virtio 1.2, section 5.1) over a network backend: one pair of queues and the
 * control queue.
 *
 * What one notification finds goes to the backend as one batch. Nothing taken from a queue outlives
 * the call that took it: a frame there is no room for is put back, so a reset or a pause finds
 * nothing under way. The pair may be lent to the kernel, which gives it back before them too.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/iov.h"
#include "control/statistics-page.h"
#include "net/net-backend.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/net-queue-lending.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-devices.h"
#include "virtio/virtio-net-filter.h"
#include "virtio/virtio-pci.h"

enum {
	QUEUE_PAIRS = 1,
	CONTROL_QUEUE = 2 * QUEUE_PAIRS, /* after the pairs: receive, transmit, receive, ... */
	QUEUE_SIZE = 256,
	CONTROL_QUEUE_SIZE = 64,
	HEADER_SIZE = sizeof(struct virtio_net_hdr_v1),
	PACKETS_PER_BATCH = 64,
	IOV_PER_BATCH = 4 * QUEUE_SIZE,
	ROUNDS_PER_TURN = 4,
	COMMANDS_PER_TURN = 16,
	/* Both address tables as long as they are kept, with room for some that are not. */
	COMMAND_LIMIT = 4096,
	CLASS_ETHERNET = 0x020000,
};

struct virtio_net {
	struct virtio_device device; /* first */
	struct net_backend *backend;
	struct virtio_net_config config;
	uint8_t mac[VIRTIO_NET_MAC_SIZE]; /* as made; the driver may choose another */
	struct virtio_net_filter filter;
	bool cable;
	struct net_queue_lending lending;
	uint64_t offloads; /* guest offloads the backend has been told of */
	/* Room for one call to work in. */
	struct net_packet packets[PACKETS_PER_BATCH];
	uint16_t heads[PACKETS_PER_BATCH];
	struct iovec iov[IOV_PER_BATCH];
	struct {
		uint16_t head;
		uint32_t written;
	} buffers[QUEUE_SIZE];
};

static struct virtio_net *from_device(struct virtio_device *device)
{
	return (void *)((char *)device - offsetof(struct virtio_net, device));
}

static unsigned int receive_queue(unsigned int pair)
{
	return 2 * pair;
}

static unsigned int transmit_queue(unsigned int pair)
{
	return 2 * pair + 1;
}

/* Offloads: section 5.1.6.2 and 5.1.6.4 */

static bool has(const struct virtio_net *net, unsigned int feature)
{
	return virtio_device_has_feature(&net->device, feature);
}

/* Whether who gets a frame with this header has agreed to take such ones. */
static bool header_negotiated(const struct virtio_net *net, const struct virtio_net_hdr_v1 *header,
			      unsigned int csum, unsigned int tso4, unsigned int tso6,
			      unsigned int ecn)
{
	if ((header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && !has(net, csum))
		return false;
	if ((header->gso_type & VIRTIO_NET_HDR_GSO_ECN) && !has(net, ecn))
		return false;
	switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return has(net, tso4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return has(net, tso6);
	default:
		return false;
	}
}

static bool guest_takes(const struct virtio_net *net, const struct virtio_net_hdr_v1 *header)
{
	return header_negotiated(net, header, VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4,
				 VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_ECN);
}

static bool backend_takes(const struct virtio_net *net, const struct virtio_net_hdr_v1 *header)
{
	return header_negotiated(net, header, VIRTIO_NET_F_CSUM, VIRTIO_NET_F_HOST_TSO4,
				 VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_HOST_ECN);
}

/* Once a driver is up, before its first frame. */
static void tell_offloads(struct virtio_net *net)
{
	const uint64_t mask = 1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_GUEST_TSO4 |
			      1ULL << VIRTIO_NET_F_GUEST_TSO6 | 1ULL << VIRTIO_NET_F_GUEST_ECN;
	uint64_t wanted = net->device.accepted_features & mask;

	if (wanted == net->offloads || !net->backend->ops->set_guest_offloads)
		return;
	net->offloads = wanted;
	net->backend->ops->set_guest_offloads(net->backend, wanted);
}

/* Receiving: section 5.1.6.4 */

enum placement { PLACED, NO_ROOM, TOO_LARGE, BROKEN };

static enum placement fail(struct virtio_net *net, const char *reason)
{
	virtio_device_set_broken(&net->device, reason);
	return BROKEN;
}

/*
 * The next buffer. Where there is none, the guest is asked to notify of one beyond all that it has
 * given so far, and looked at once more.
 */
static int take_buffer(struct virtqueue *queue, struct iovec *iov,
		       struct virtqueue_chain *ret_chain)
{
	int r = virtqueue_pop(queue, iov, ret_chain);

	if (r != 0 || !virtqueue_enable_notification(queue))
		return r;
	virtqueue_disable_notification(queue);
	return virtqueue_pop(queue, iov, ret_chain);
}

/*
 * Writes the frame into as many buffers as it takes, behind room for the header; which these are is
 * in net->buffers, and the first one's elements in *ret_first. *count: how many were taken.
 */
static enum placement fill_buffers(struct virtio_net *net, struct virtqueue *queue,
				   const uint8_t *frame, uint32_t length, unsigned int *count,
				   struct virtqueue_chain *ret_first)
{
	const unsigned int most = has(net, VIRTIO_NET_F_MRG_RXBUF) ? queue->size : 1;
	uint32_t done = 0;

	for (*count = 0; done < length; (*count)++) {
		uint32_t offset = *count == 0 ? HEADER_SIZE : 0;
		struct iovec *iov = *count == 0 ? net->iov : net->iov + QUEUE_SIZE;
		struct virtqueue_chain chain;
		size_t part;
		int r;

		if (*count == most)
			return TOO_LARGE;
		r = take_buffer(queue, iov, &chain);
		if (r <= 0)
			return r == 0 ? NO_ROOM : fail(net, queue->fault);
		if (chain.writable_length <= offset)
			return fail(net, "receive buffer without room");
		part = iov_write(iov + chain.readable_count, chain.writable_count, offset,
				 frame + done, length - done);
		net->buffers[*count].head = chain.head;
		net->buffers[*count].written = offset + (uint32_t)part;
		done += (uint32_t)part;
		if (*count == 0)
			*ret_first = chain;
	}
	return PLACED;
}

static void write_header(struct virtio_net *net, const struct virtio_net_hdr_v1 *header,
			 unsigned int buffers, const struct virtqueue_chain *first)
{
	struct virtio_net_hdr_v1 final = *header;

	final.num_buffers = htole16((uint16_t)buffers);
	if (!has(net, VIRTIO_NET_F_GUEST_CSUM))
		final.flags = 0;
	iov_write(net->iov + first->readable_count, first->writable_count, 0, &final,
		  sizeof(final));
}

static enum placement place(struct virtio_net *net, const struct virtio_net_hdr_v1 *header,
			    const void *frame, uint32_t length)
{
	struct virtqueue *queue = &net->device.queues[receive_queue(0)];
	struct virtqueue_chain first = {0};
	unsigned int count;
	enum placement placement = fill_buffers(net, queue, frame, length, &count, &first);

	if (placement != PLACED) {
		virtqueue_unpop(queue, count);
		return placement;
	}
	write_header(net, header, count, &first);
	for (unsigned int i = 0; i < count; i++)
		virtqueue_push(queue, net->buffers[i].head, net->buffers[i].written);
	return PLACED;
}

static bool wants(const struct virtio_net *net, const struct virtio_net_hdr_v1 *header,
		  const void *frame)
{
	struct nic_statistics *statistics = net->backend->statistics;

	if (!net->cable || !guest_takes(net, header)) {
		statistics_add(&statistics->receive_drops, 1);
		return false;
	}
	if (!virtio_net_filter_accepts(&net->filter, frame)) {
		statistics_add(&statistics->receive_filtered, 1);
		return false;
	}
	return true;
}

static bool on_receive(void *data, const struct virtio_net_hdr_v1 *header, const void *frame,
		       uint32_t length)
{
	static const struct virtio_net_hdr_v1 no_header;
	struct virtio_net *net = data;
	struct nic_statistics *statistics = net->backend->statistics;

	if (net->device.paused || !virtio_device_running(&net->device))
		return false;
	if (!header)
		header = &no_header;
	if (!wants(net, header, frame))
		return true;
	switch (place(net, header, frame, length)) {
	case PLACED:
		statistics_add(&statistics->received_packets, 1);
		statistics_add(&statistics->received_bytes, length);
		return true;
	case TOO_LARGE:
		statistics_add(&statistics->receive_drops, 1);
		return true;
	default:
		return false;
	}
}

static void on_received(void *data)
{
	struct virtio_net *net = data;

	virtio_device_publish(&net->device, receive_queue(0));
}

/* Sending: section 5.1.6.2 */

/* Takes the header off a frame; false for what is none. */
static bool read_packet(const struct virtio_net *net, const struct virtqueue_chain *chain,
			struct iovec *iov, struct net_packet *packet)
{
	unsigned int count = chain->readable_count;

	if (chain->readable_length < HEADER_SIZE + NET_FRAME_MIN ||
	    chain->readable_length > HEADER_SIZE + NET_FRAME_MAX)
		return false;
	iov_read(iov, count, 0, &packet->header, HEADER_SIZE);
	if (!backend_takes(net, &packet->header))
		return false;
	iov_drop_front(&iov, &count, HEADER_SIZE);
	packet->header.num_buffers = 0;
	packet->header.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	packet->iov = iov;
	packet->iov_count = count;
	packet->length = (uint32_t)chain->readable_length - HEADER_SIZE;
	return true;
}

static void drop(struct virtio_net *net, struct virtqueue *queue, uint16_t head)
{
	statistics_add(&net->backend->statistics->send_drops, 1);
	virtqueue_push(queue, head, 0);
}

/*
 * Takes frames until there is a batch or no more. Those that are returned stay in order: what is
 * dropped is so before the first of a batch, or begins the next one.
 */
static unsigned int collect(struct virtio_net *net, struct virtqueue *queue)
{
	unsigned int count = 0, drops = 0, used = 0;

	while (count < PACKETS_PER_BATCH && drops < QUEUE_SIZE &&
	       used <= IOV_PER_BATCH - QUEUE_SIZE) {
		struct iovec *iov = net->iov + used;
		struct virtqueue_chain chain;

		if (virtqueue_pop(queue, iov, &chain) <= 0)
			break;
		if (net->cable && read_packet(net, &chain, iov, &net->packets[count])) {
			net->heads[count++] = chain.head;
			used += chain.readable_count;
		} else if (count == 0) {
			drop(net, queue, chain.head);
			drops++;
		} else {
			virtqueue_unpop(queue, 1);
			break;
		}
	}
	return count;
}

/* One batch. False: the backend has no room for all of it. */
static bool transmit_batch(struct virtio_net *net, struct virtqueue *queue)
{
	unsigned int count = collect(net, queue), sent = count;

	if (count > 0)
		sent = net->backend->ops->send(net->backend, net->packets, count);
	for (unsigned int i = 0; i < sent; i++)
		virtqueue_push(queue, net->heads[i], 0);
	virtqueue_unpop(queue, count - sent);
	return sent == count;
}

/* True: there is more than one turn's. */
static bool transmit(struct virtio_net *net, unsigned int index)
{
	struct virtqueue *queue = &net->device.queues[index];
	unsigned int rounds = 0;
	bool more = true;

	virtqueue_disable_notification(queue);
	while (more && rounds++ < ROUNDS_PER_TURN) {
		/* While the backend is full there is nothing to be notified of. */
		if (!transmit_batch(net, queue))
			more = false;
		else
			more = virtqueue_enable_notification(queue);
	}
	virtio_device_publish(&net->device, index);
	if (queue->fault)
		virtio_device_set_broken(&net->device, queue->fault);
	return more;
}

static void on_writable(void *data)
{
	struct virtio_net *net = data;

	virtio_device_notified(&net->device, transmit_queue(0));
}

/* The control queue: section 5.1.6.5 */

static bool command_offered(const struct virtio_net *net, uint8_t class, uint8_t command)
{
	if (class == VIRTIO_NET_CTRL_RX)
		return has(net, command <= VIRTIO_NET_CTRL_RX_ALLMULTI
					? VIRTIO_NET_F_CTRL_RX
					: VIRTIO_NET_F_CTRL_RX_EXTRA);
	if (class == VIRTIO_NET_CTRL_MAC && command == VIRTIO_NET_CTRL_MAC_TABLE_SET)
		return has(net, VIRTIO_NET_F_CTRL_RX);
	return has(net, VIRTIO_NET_F_CTRL_MAC_ADDR);
}

static uint8_t carry_out(struct virtio_net *net, const struct iovec *iov,
			 const struct virtqueue_chain *chain)
{
	uint8_t command[COMMAND_LIMIT];
	struct virtio_net_ctrl_hdr header;
	size_t size;

	if (chain->readable_length < sizeof(header) || chain->readable_length > sizeof(command))
		return VIRTIO_NET_ERR;
	size = iov_read(iov, chain->readable_count, 0, command, sizeof(command));
	memcpy(&header, command, sizeof(header));
	if (!command_offered(net, header.class, header.cmd) ||
	    !virtio_net_filter_command(&net->filter, header.class, header.cmd,
				       command + sizeof(header), size - sizeof(header)))
		return VIRTIO_NET_ERR;
	memcpy(net->config.mac, net->filter.mac, sizeof(net->config.mac));
	return VIRTIO_NET_OK;
}

/* True: there is more than one turn's. */
static bool serve_commands(struct virtio_net *net)
{
	struct virtqueue *queue = &net->device.queues[CONTROL_QUEUE];
	struct virtqueue_chain chain;
	unsigned int served = 0;
	int r = 0;

	virtqueue_disable_notification(queue);
	do {
		while (served < COMMANDS_PER_TURN &&
		       (r = virtqueue_pop(queue, net->iov, &chain)) > 0) {
			uint8_t result = carry_out(net, net->iov, &chain);

			iov_write(net->iov + chain.readable_count, chain.writable_count, 0, &result,
				  sizeof(result));
			virtqueue_push(queue, chain.head, chain.writable_length > 0 ? 1 : 0);
			served++;
		}
	} while (r >= 0 && virtqueue_enable_notification(queue) && served < COMMANDS_PER_TURN);
	virtio_device_publish(&net->device, CONTROL_QUEUE);
	if (r < 0) {
		virtio_device_set_broken(&net->device, queue->fault);
		net_queue_lending_wake(&net->lending);
	}
	return served >= COMMANDS_PER_TURN;
}

/* The pair with the kernel */

/*
 * It does not write how many buffers a frame took unless that was negotiated, which is one all the
 * same (section 5.1.6.4.1).
 */
static bool may_lend(const struct virtio_net *net)
{
	const struct virtio_device *device = &net->device;
	const struct virtqueue *receive = &device->queues[receive_queue(0)];
	const struct virtqueue *transmit = &device->queues[transmit_queue(0)];

	return virtio_device_running(device) && !device->paused && net->cable &&
	       net->backend->carrier && has(net, VIRTIO_NET_F_MRG_RXBUF) && receive->ready &&
	       transmit->ready;
}

static void update_lending(struct virtio_net *net)
{
	net_queue_lending_set(&net->lending, may_lend(net));
}

static void on_wake(void *device)
{
	update_lending(from_device(device));
	virtio_device_idle(device);
}

static void virtio_net_vectors_changed(struct virtio_device *device)
{
	struct virtio_net *net = from_device(device);

	if (!net->lending.lent)
		return;
	net->lending.stale = true;
	net_queue_lending_wake(&net->lending);
}

/* A reset that waits for the kernel need not wait any longer either. */
static void virtio_net_pause(struct virtio_device *device)
{
	on_wake(device);
}

/* The link: section 5.1.4 */

static void update_link(struct virtio_net *net)
{
	uint16_t up = net->cable && net->backend->carrier ? VIRTIO_NET_S_LINK_UP : 0;

	if (net->config.status == htole16(up))
		return;
	net->config.status = htole16(up);
	statistics_add(&net->backend->statistics->link, up ? 1 : (uint64_t)-1);
	if (net->device.transport)
		virtio_device_config_changed(&net->device);
}

static void on_carrier_changed(void *data)
{
	update_lending(data);
	update_link(data);
}

void virtio_net_set_link(struct virtio_device *device, bool up)
{
	struct virtio_net *net = from_device(device);

	net->cable = up;
	update_lending(net);
	update_link(net);
}

static const struct net_client client = {
	.receive = on_receive,
	.received = on_received,
	.writable = on_writable,
	.carrier_changed = on_carrier_changed,
};

/* The device */

static bool virtio_net_process(struct virtio_device *device, unsigned int index)
{
	struct virtio_net *net = from_device(device);

	tell_offloads(net);
	if (index == CONTROL_QUEUE)
		return serve_commands(net);
	update_lending(net);
	if (net->lending.lent)
		return false;
	if (index == transmit_queue(0))
		return transmit(net, index);
	virtqueue_disable_notification(&device->queues[index]);
	net->backend->ops->receive(net->backend);
	return false;
}

static bool virtio_net_stop(struct virtio_device *device)
{
	struct virtio_net *net = from_device(device);

	virtio_net_filter_init(&net->filter, net->mac);
	memcpy(net->config.mac, net->mac, sizeof(net->mac));
	net->lending.refused = false;
	if (!net->lending.lent)
		return true;
	net_queue_lending_wake(&net->lending);
	return false;
}

static void virtio_net_drain(struct virtio_device *device)
{
	on_wake(device);
}

static void virtio_net_destroy(struct virtio_device *device)
{
	struct virtio_net *net = from_device(device);

	net_backend_set_client(net->backend, NULL, NULL);
	net_queue_lending_finish(&net->lending);
	free(net);
}

static void virtio_net_save(const struct virtio_device *device, struct state_writer *writer)
{
	const struct virtio_net *net = (const struct virtio_net *)device;

	state_writer_put_bool(writer, net->cable);
	state_writer_put_bool(writer, net->config.status);
	virtio_net_filter_save(&net->filter, writer);
}

/* The backend is told of offloads with the first frame. */
static void virtio_net_load(struct virtio_device *device, struct state_reader *reader)
{
	struct virtio_net *net = from_device(device);
	bool was_up;

	net->cable = state_reader_get_bool(reader);
	was_up = state_reader_get_bool(reader);
	virtio_net_filter_load(&net->filter, reader);
	if (state_reader_result(reader) < 0)
		return;
	memcpy(net->config.mac, net->filter.mac, sizeof(net->config.mac));
	update_link(net);
	if (was_up != (net->config.status != 0))
		virtio_device_config_changed(device);
}

static const struct virtio_device_ops virtio_net_ops = {
	.process = virtio_net_process,
	.stop = virtio_net_stop,
	.pause = virtio_net_pause,
	.vectors_changed = virtio_net_vectors_changed,
	.drain = virtio_net_drain,
	.destroy = virtio_net_destroy,
	.save = virtio_net_save,
	.load = virtio_net_load,
};

static uint64_t features(const struct net_backend *backend)
{
	uint64_t offered = 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS |
			   1ULL << VIRTIO_NET_F_MRG_RXBUF | 1ULL << VIRTIO_NET_F_CTRL_VQ |
			   1ULL << VIRTIO_NET_F_CTRL_RX | 1ULL << VIRTIO_NET_F_CTRL_RX_EXTRA |
			   1ULL << VIRTIO_NET_F_CTRL_MAC_ADDR;

	if (backend->mtu)
		offered |= 1ULL << VIRTIO_NET_F_MTU;
	if (!backend->offloads)
		return offered;
	return offered | 1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_TSO4 |
	       1ULL << VIRTIO_NET_F_HOST_TSO6 | 1ULL << VIRTIO_NET_F_HOST_ECN |
	       1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_GUEST_TSO4 |
	       1ULL << VIRTIO_NET_F_GUEST_TSO6 | 1ULL << VIRTIO_NET_F_GUEST_ECN;
}

static void init_net(struct virtio_net *net, const struct virtio_host *host,
		     struct net_backend *backend, const uint8_t mac[VIRTIO_NET_MAC_SIZE])
{
	struct virtio_device *device = &net->device;

	virtio_device_init(device, &virtio_net_ops, VIRTIO_ID_NET, features(backend));
	for (unsigned int i = 0; i < 2 * QUEUE_PAIRS; i++)
		virtio_device_add_queue(device, host->memory, QUEUE_SIZE);
	virtio_device_add_queue(device, host->memory, CONTROL_QUEUE_SIZE);
	device->config = &net->config;
	/* Up to what is filled in. */
	device->config_size = offsetof(struct virtio_net_config, speed);
	net->backend = backend;
	net->cable = true;
	memcpy(net->mac, mac, sizeof(net->mac));
	memcpy(net->config.mac, mac, sizeof(net->config.mac));
	virtio_net_filter_init(&net->filter, mac);
	net->config.max_virtqueue_pairs = htole16(QUEUE_PAIRS);
	net->config.mtu = htole16(backend->mtu);
	update_link(net);
}

int virtio_net_create(const struct virtio_host *host, uint8_t devfn, struct net_backend *backend,
		      const uint8_t mac[VIRTIO_NET_MAC_SIZE], struct virtio_device **ret_device)
{
	struct virtio_net *net = calloc(1, sizeof(*net));
	int r;

	if (!net)
		return -ENOMEM;
	init_net(net, host, backend, mac);
	r = net_queue_lending_init(&net->lending, &net->device, backend, host->loop, on_wake);
	if (r == 0)
		r = virtio_pci_create(host, devfn, CLASS_ETHERNET, &net->device);
	if (r < 0) {
		net_queue_lending_finish(&net->lending);
		free(net);
		return r;
	}
	net_backend_set_client(backend, &client, net);
	*ret_device = &net->device;
	return 0;
}
