/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tap interface: see net-tap.h. One read() or writev() is one frame.
 */
#include "net/net-tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "control/statistics-page.h"
#include "loop/event-loop.h"
#include "net/interface-counters.h"
#include "net/vhost-net.h"

enum {
	HEADER_SIZE = sizeof(struct virtio_net_hdr_v1),
	FRAMES_PER_TURN = 64,
	MAX_IOV = 1024, /* UIO_MAXIOV */
};

struct net_tap {
	struct net_backend backend; /* first */
	int fd;
	struct event_source *source; /* NULL: the interface is gone */
	uint32_t events;             /* what the source waits for */
	bool blocked;                /* it had no room */
	uint32_t held;               /* bytes of a frame the client had no room for, 0: none */
	struct vhost_net *vhost;     /* NULL: the kernel serves no queues */
	bool lent;                   /* it does so now */
	struct interface_counters counters; /* where there is vhost */
	struct rtnl_link_stats64 counted;   /* what is in the statistics already, while lent */
	char input[HEADER_SIZE + NET_FRAME_MAX];
	struct iovec iov[MAX_IOV];
};

static struct net_tap *from_backend(struct net_backend *backend)
{
	return (struct net_tap *)backend;
}

static void update_events(struct net_tap *tap)
{
	uint32_t events = (tap->held || tap->lent ? 0 : EPOLLIN) | (tap->blocked ? EPOLLOUT : 0);

	if (tap->source && events != tap->events &&
	    event_source_set_events(tap->source, events) == 0)
		tap->events = events;
}

/* Somebody has removed the interface. */
static void lose_interface(struct net_tap *tap)
{
	event_source_remove(tap->source);
	tap->source = NULL;
	tap->blocked = false;
	net_backend_set_carrier(&tap->backend, false);
}

/* False: the client has no room. */
static bool deliver(struct net_tap *tap, uint32_t length)
{
	const struct net_client *client = tap->backend.client;
	struct virtio_net_hdr_v1 header;

	memcpy(&header, tap->input, sizeof(header));
	return client->receive(tap->backend.client_data, &header, tap->input + HEADER_SIZE,
			       length - HEADER_SIZE);
}

/* One frame. 1, 0 when there is none or no room for it, or negative errno. */
static int receive_one(struct net_tap *tap)
{
	ssize_t n = read(tap->fd, tap->input, sizeof(tap->input));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	/* One that was cut off fills the buffer, which has a byte more than any frame. */
	if (n < HEADER_SIZE + NET_FRAME_MIN || n == sizeof(tap->input)) {
		statistics_add(&tap->backend.statistics->receive_drops, 1);
		return 1;
	}
	if (deliver(tap, (uint32_t)n))
		return 1;
	tap->held = (uint32_t)n;
	return 0;
}

static void receive_some(struct net_tap *tap)
{
	int r = 1;

	for (unsigned int i = 0; r > 0 && i < FRAMES_PER_TURN; i++)
		r = receive_one(tap);
	tap->backend.client->received(tap->backend.client_data);
	if (r < 0)
		lose_interface(tap);
	else
		update_events(tap);
}

static void net_tap_receive(struct net_backend *backend)
{
	struct net_tap *tap = from_backend(backend);

	if (!tap->held || !deliver(tap, tap->held))
		return;
	tap->held = 0;
	backend->client->received(backend->client_data);
	update_events(tap);
}

/* False: there is no room. */
static bool send_one(struct net_tap *tap, const struct net_packet *packet)
{
	struct virtio_net_hdr_v1 header = packet->header;
	ssize_t n;

	if (packet->iov_count >= MAX_IOV) {
		net_backend_count_send_drops(&tap->backend, 1);
		return true;
	}
	tap->iov[0] = (struct iovec){&header, sizeof(header)};
	memcpy(&tap->iov[1], packet->iov, packet->iov_count * sizeof(packet->iov[0]));
	do
		n = writev(tap->fd, tap->iov, (int)packet->iov_count + 1);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0) /* the interface is down, or the kernel finds fault with the header */
		net_backend_count_send_drops(&tap->backend, 1);
	else
		net_backend_count_sent(&tap->backend, packet->length);
	return true;
}

static unsigned int net_tap_send(struct net_backend *backend, const struct net_packet *packets,
				 unsigned int count)
{
	struct net_tap *tap = from_backend(backend);
	unsigned int sent = 0;

	if (!tap->source) {
		net_backend_count_send_drops(backend, count);
		return count;
	}
	while (sent < count && send_one(tap, &packets[sent]))
		sent++;
	tap->blocked = sent < count;
	update_events(tap);
	return sent;
}

static void net_tap_set_guest_offloads(struct net_backend *backend, uint64_t features)
{
	static const struct {
		unsigned int feature, flags;
	} offloads[] = {
		{VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4},
		{VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6},
		{VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN},
	};
	unsigned long flags = 0;

	if (features >> VIRTIO_NET_F_GUEST_CSUM & 1) {
		flags = TUN_F_CSUM;
		for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++)
			if (features >> offloads[i].feature & 1)
				flags |= offloads[i].flags;
	}
	/* Refused, nothing is left to the guest, which is slower and right. */
	(void)ioctl(from_backend(backend)->fd, TUNSETOFFLOAD, flags);
}

/* The queues with the kernel */

/* What the guest sends the interface receives. */
static void net_tap_count(struct net_backend *backend)
{
	struct net_tap *tap = from_backend(backend);
	struct nic_statistics *statistics = backend->statistics;
	struct rtnl_link_stats64 now, *before = &tap->counted;

	if (!tap->lent || interface_counters_read(&tap->counters, &now) < 0)
		return;
	statistics_add(&statistics->sent_packets, now.rx_packets - before->rx_packets);
	statistics_add(&statistics->sent_bytes, now.rx_bytes - before->rx_bytes);
	statistics_add(&statistics->send_drops, now.rx_dropped - before->rx_dropped);
	statistics_add(&statistics->received_packets, now.tx_packets - before->tx_packets);
	statistics_add(&statistics->received_bytes, now.tx_bytes - before->tx_bytes);
	statistics_add(&statistics->receive_drops, now.tx_dropped - before->tx_dropped);
	*before = now;
}

/* A frame that had no room goes: those that come behind it would overtake it. */
static void drop_held(struct net_tap *tap)
{
	if (tap->held)
		statistics_add(&tap->backend.statistics->receive_drops, 1);
	tap->held = 0;
	tap->blocked = false;
}

static int net_tap_start_rings(struct net_backend *backend, const struct net_ring rings[NET_RINGS],
			       uint64_t features, int error_fd)
{
	struct net_tap *tap = from_backend(backend);
	int r = tap->source ? interface_counters_read(&tap->counters, &tap->counted) : -ENODEV;

	if (r == 0)
		r = vhost_net_start(tap->vhost, tap->fd, rings, features, error_fd);
	if (r < 0)
		return r;
	drop_held(tap);
	tap->lent = true;
	update_events(tap);
	return 0;
}

static void net_tap_stop_rings(struct net_backend *backend, uint16_t next_available[NET_RINGS])
{
	struct net_tap *tap = from_backend(backend);

	vhost_net_stop(tap->vhost, next_available);
	net_tap_count(backend);
	tap->lent = false;
	update_events(tap);
}

static void on_tap(void *data, uint32_t events)
{
	struct net_tap *tap = data;

	if (events & EPOLLOUT) {
		tap->blocked = false;
		tap->backend.client->writable(tap->backend.client_data);
		update_events(tap);
	}
	if ((tap->held || tap->lent) && (events & (EPOLLHUP | EPOLLERR)))
		lose_interface(tap);
	else if (!tap->held && !tap->lent && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		receive_some(tap);
}

static void net_tap_destroy(struct net_backend *backend)
{
	struct net_tap *tap = from_backend(backend);

	event_source_remove(tap->source);
	vhost_net_destroy(tap->vhost);
	interface_counters_close(&tap->counters);
	fd_close(&tap->fd);
	free(tap);
}

static const struct net_backend_ops net_tap_ops = {
	.send = net_tap_send,
	.receive = net_tap_receive,
	.set_guest_offloads = net_tap_set_guest_offloads,
	.start_rings = net_tap_start_rings,
	.stop_rings = net_tap_stop_rings,
	.count = net_tap_count,
	.destroy = net_tap_destroy,
};

/* Creation */

int net_tap_open(const char *interface)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd, r;

	if (strlen(interface) >= IFNAMSIZ || if_nametoindex(interface) == 0)
		return -ENODEV; /* the kernel would make a new one that leads nowhere */
	strcpy(request.ifr_name, interface);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = ioctl(fd, TUNSETIFF, &request);
	if (r < 0 && errno == EINVAL) {
		request.ifr_flags |= IFF_MULTI_QUEUE; /* made for several queues */
		r = ioctl(fd, TUNSETIFF, &request);
	}
	if (r < 0) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	return fd;
}

bool net_tap_is(int fd)
{
	struct ifreq request;

	return ioctl(fd, TUNGETIFF, &request) == 0;
}

static int set_up_header(int fd, struct ifreq *interface)
{
	int size = HEADER_SIZE, little_endian = 1;

	if (ioctl(fd, TUNGETIFF, interface) < 0)
		return -errno;
	if (!(interface->ifr_flags & IFF_VNET_HDR) || !(interface->ifr_flags & IFF_TAP))
		return -EINVAL;
	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 || ioctl(fd, TUNSETVNETLE, &little_endian) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, 0UL) < 0)
		return -errno;
	return fd_set_nonblocking(fd, 1);
}

/* 0 when it cannot be known. */
static uint16_t find_mtu(struct ifreq *interface)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known = fd >= 0 && ioctl(fd, SIOCGIFMTU, interface) == 0 && interface->ifr_mtu >= 68 &&
		     interface->ifr_mtu <= UINT16_MAX;

	fd_close(&fd);
	return known ? (uint16_t)interface->ifr_mtu : 0;
}

int net_tap_create(int fd, struct event_loop *loop, struct nic_statistics *statistics,
		   struct net_backend **ret_backend)
{
	struct net_tap *tap;
	struct ifreq interface;
	int r = set_up_header(fd, &interface);

	if (r < 0)
		return r;
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return -ENOMEM;
	net_backend_init(&tap->backend, &net_tap_ops, statistics);
	tap->backend.carrier = tap->backend.offloads = true;
	tap->backend.mtu = find_mtu(&interface);
	tap->events = EPOLLIN;
	tap->counters.fd = -1;
	r = event_loop_add(loop, fd, EPOLLIN, on_tap, tap, &tap->source);
	if (r < 0) {
		free(tap);
		return r;
	}
	tap->fd = fd;
	*ret_backend = &tap->backend;
	return 0;
}

int net_tap_set_vhost(struct net_backend *backend, struct vhost_net *vhost)
{
	struct net_tap *tap = from_backend(backend);
	struct rtnl_link_stats64 values;
	struct ifreq interface;
	int r;

	if (ioctl(tap->fd, TUNGETIFF, &interface) < 0)
		return -errno;
	r = interface_counters_open(&tap->counters, interface.ifr_name);
	if (r == 0)
		r = interface_counters_read(&tap->counters, &values);
	if (r < 0) {
		interface_counters_close(&tap->counters);
		return r;
	}
	tap->vhost = vhost;
	backend->lends = true;
	return 0;
}
