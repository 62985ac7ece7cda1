/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net-tap.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake-vhost.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "net/vhost-net.h"

#define INTERFACE "innkeeper-test"
#define PROTOCOL  0x88b5 /* for local experiments */

struct fixture {
	struct event_loop *loop;
	struct nic_statistics statistics;
	struct net_backend *backend;
	int packets; /* a socket that sees and sends what goes through the interface */
	unsigned int room, frames;
	uint32_t last_length;
};

/* In a network of the test's own. False where that cannot be had. */
static bool make_interface(void)
{
	struct ifreq request = {.ifr_name = INTERFACE, .ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), control;

	if (fd < 0 || unshare(CLONE_NEWNET) < 0)
		return false;
	close(fd);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0)
		return false;
	close(fd);
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP;
	g_assert_cmpint(ioctl(control, SIOCSIFFLAGS, &request), ==, 0);
	close(control);
	return true;
}

static bool on_receive(void *data, const struct virtio_net_hdr_v1 *header, const void *frame,
		       uint32_t length)
{
	struct fixture *fixture = data;
	const uint8_t *bytes = frame;

	g_assert_nonnull(header);
	if (bytes[12] != PROTOCOL >> 8 || bytes[13] != (PROTOCOL & 0xff))
		return true; /* what the kernel says by itself */
	if (fixture->room == 0) {
		event_loop_stop(fixture->loop, 0);
		return false;
	}
	fixture->frames++;
	fixture->last_length = length;
	event_loop_stop(fixture->loop, 0);
	return true;
}

static void nothing(void *data)
{
}

static void on_carrier_changed(void *data)
{
	event_loop_stop(((struct fixture *)data)->loop, 0);
}

static const struct net_client client = {
	.receive = on_receive,
	.received = nothing,
	.writable = nothing,
	.carrier_changed = on_carrier_changed,
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htobe16(PROTOCOL),
		.sll_ifindex = (int)if_nametoindex(INTERFACE),
	};
	int fd = net_tap_open(INTERFACE);

	g_assert_cmpint(fd, >=, 0);
	g_assert_true(net_tap_is(fd));
	g_assert_cmpint(event_loop_create(&fixture->loop), ==, 0);
	g_assert_cmpint(net_tap_create(fd, fixture->loop, &fixture->statistics, &fixture->backend),
			==, 0);
	net_backend_set_client(fixture->backend, &client, fixture);
	fixture->room = 100;
	fixture->packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htobe16(PROTOCOL));
	g_assert_cmpint(bind(fixture->packets, (const struct sockaddr *)&address, sizeof(address)),
			==, 0);
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	net_backend_destroy(fixture->backend);
	event_loop_destroy(fixture->loop);
	close(fixture->packets);
}

static void make_frame(uint8_t *frame, size_t length)
{
	memset(frame, 0x11, length);
	memset(frame, 0xff, 6);
	frame[12] = PROTOCOL >> 8;
	frame[13] = PROTOCOL & 0xff;
}

static void test_send(struct fixture *fixture, gconstpointer data)
{
	uint8_t frame[100], seen[200];
	struct iovec iov[2] = {{frame, 5}, {frame + 5, 95}};
	const struct net_packet packet = {.iov = iov, .iov_count = 2, .length = 100};

	make_frame(frame, sizeof(frame));
	g_assert_true(fixture->backend->offloads);
	g_assert_cmpuint(fixture->backend->mtu, ==, 1500);
	g_assert_cmpuint(fixture->backend->ops->send(fixture->backend, &packet, 1), ==, 1);
	g_assert_cmpint(recv(fixture->packets, seen, sizeof(seen), 0), ==, 100);
	g_assert_cmpmem(seen, 100, frame, 100);
	g_assert_cmpuint(fixture->statistics.sent_packets, ==, 1);
}

/* The kernel finds fault with a header: the frame is lost and counted, nothing more. */
static void test_bad_header(struct fixture *fixture, gconstpointer data)
{
	uint8_t frame[100];
	struct iovec iov = {frame, 100};
	const struct net_packet packet = {
		.header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			   .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			   .gso_size = 0,
			   .csum_start = 5000,
			   .csum_offset = 60000},
		.iov = &iov,
		.iov_count = 1,
		.length = 100,
	};

	make_frame(frame, sizeof(frame));
	g_assert_cmpuint(fixture->backend->ops->send(fixture->backend, &packet, 1), ==, 1);
	g_assert_cmpuint(fixture->statistics.send_drops, ==, 1);
	g_assert_true(fixture->backend->carrier);
}

static void test_receive(struct fixture *fixture, gconstpointer data)
{
	uint8_t frame[300];

	make_frame(frame, sizeof(frame));
	g_assert_cmpint(send(fixture->packets, frame, sizeof(frame), 0), ==, sizeof(frame));
	g_assert_cmpint(event_loop_run(fixture->loop), ==, 0);
	g_assert_cmpuint(fixture->frames, ==, 1);
	g_assert_cmpuint(fixture->last_length, ==, 300);
}

static void send_without_room(struct fixture *fixture)
{
	uint8_t frame[300];

	make_frame(frame, sizeof(frame));
	fixture->room = 0;
	g_assert_cmpint(send(fixture->packets, frame, sizeof(frame), 0), ==, sizeof(frame));
	g_assert_cmpint(event_loop_run(fixture->loop), ==, 0);
	g_assert_cmpuint(fixture->frames, ==, 0);
}

static void test_back_pressure(struct fixture *fixture, gconstpointer data)
{
	send_without_room(fixture);
	fixture->room = 1;
	fixture->backend->ops->receive(fixture->backend);
	g_assert_cmpuint(fixture->frames, ==, 1);
	g_assert_cmpuint(fixture->last_length, ==, 300);
}

static void test_offloads(struct fixture *fixture, gconstpointer data)
{
	fixture->backend->ops->set_guest_offloads(fixture->backend,
						  1ULL << VIRTIO_NET_F_GUEST_CSUM |
							  1ULL << VIRTIO_NET_F_GUEST_TSO4);
	test_receive(fixture, data);
}

/* The kernel takes the frames while it has the queues; one that waited for room is lost. */
static void test_lent(struct fixture *fixture, gconstpointer data)
{
	const int kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const struct net_ring rings[NET_RINGS] = {{.kick_fd = kick_fd}, {.kick_fd = kick_fd}};
	struct net_backend *backend = fixture->backend;
	struct guest_memory *memory;
	struct vhost_net *vhost;
	uint16_t next[NET_RINGS];

	g_assert_cmpint(guest_memory_create(2 << 20, &memory), ==, 0);
	fake_vhost_init();
	g_assert_cmpint(vhost_net_create(fake_vhost.fd, memory, &vhost), ==, 0);
	g_assert_false(backend->lends);
	g_assert_cmpint(net_tap_set_vhost(backend, vhost), ==, 0);
	g_assert_true(backend->lends);
	send_without_room(fixture);
	g_assert_cmpint(backend->ops->start_rings(backend, rings, 0, -1), ==, 0);
	g_assert_cmpint(fake_vhost.rings[1].backend, >=, 0);
	g_assert_cmpuint(fixture->statistics.receive_drops, ==, 1);
	fixture->room = 1;
	backend->ops->receive(backend);
	g_assert_cmpuint(fixture->frames, ==, 0);
	net_backend_count(backend);
	g_assert_cmpuint(fixture->statistics.sent_packets, ==, 0);
	backend->ops->stop_rings(backend, next);
	g_assert_cmpint(fake_vhost.rings[1].backend, ==, -1);
	/* Refused, the card keeps them. */
	fake_vhost.refused = VHOST_SET_FEATURES;
	g_assert_cmpint(backend->ops->start_rings(backend, rings, 0, -1), ==, -EOPNOTSUPP);
	g_assert_cmpuint(fixture->frames, ==, 0);
	guest_memory_destroy(memory);
	close(kick_fd);
	fake_vhost.fd = -1;
}

static void test_open_errors(void)
{
	g_assert_cmpint(net_tap_open("no-such-one"), ==, -ENODEV);
	g_assert_cmpint(net_tap_open("a-name-that-is-too-long"), ==, -ENODEV);
	g_assert_cmpint(net_tap_open("lo"), ==, -EINVAL);
	g_assert_false(net_tap_is(0));
}

static void test_in_use(struct fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(net_tap_open(INTERFACE), ==, -EBUSY);
}

/* Without the header in front of each frame it would not be understood. */
static void test_no_header(void)
{
	struct ifreq request = {.ifr_name = INTERFACE, .ifr_flags = IFF_TAP | IFF_NO_PI};
	struct nic_statistics statistics = {0};
	struct net_backend *backend;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	g_assert_cmpint(ioctl(fd, TUNSETIFF, &request), ==, 0);
	g_assert_cmpint(net_tap_create(fd, NULL, &statistics, &backend), ==, -EINVAL);
	close(fd);
}

#define ADD(path, function) \
	g_test_add("/net-tap/" path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (!make_interface()) {
		g_print("1..0 # SKIP only root can make a tap interface, and not everywhere\n");
		return 77;
	}
	g_test_add_func("/net-tap/open-errors", test_open_errors);
	ADD("send", test_send);
	ADD("bad-header", test_bad_header);
	ADD("receive", test_receive);
	ADD("back-pressure", test_back_pressure);
	ADD("offloads", test_offloads);
	ADD("in-use", test_in_use);
	ADD("lent", test_lent);
	g_test_add_func("/net-tap/no-header", test_no_header);
	return g_test_run();
}
