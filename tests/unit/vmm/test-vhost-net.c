/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/vhost-net.h"

#include <errno.h>
#include <glib.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake-vhost.h"
#include "memory/guest-memory.h"

#define RING_FEATURES                                                  \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_NET_F_MRG_RXBUF | \
	 1ULL << VIRTIO_RING_F_INDIRECT_DESC | 1ULL << VIRTIO_RING_F_EVENT_IDX)

enum { TAP_FD = 1000, ERROR_FD = 1001, CALL_FD = 1002 };

struct fixture {
	struct guest_memory *memory;
	struct vhost_net *vhost;
	struct net_ring rings[NET_RINGS];
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
	/* More than fits below the gap of a PC, so that there are two regions. */
	g_assert_cmpint(guest_memory_create(4ULL << 30, &fixture->memory), ==, 0);
	fake_vhost_init();
	for (unsigned int i = 0; i < NET_RINGS; i++)
		fixture->rings[i] = (struct net_ring){
			.size = 128,
			.next_available = (uint16_t)(0xfff0 + i),
			.descriptors = guest_memory_at(fixture->memory, 0x10000 * (i + 1), 16),
			.available = guest_memory_at(fixture->memory, 0x11000 * (i + 1), 16),
			.used = guest_memory_at(fixture->memory, 0x12000 * (i + 1), 16),
			.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			.call_fd = CALL_FD,
		};
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	vhost_net_destroy(fixture->vhost);
	for (unsigned int i = 0; i < NET_RINGS; i++)
		close(fixture->rings[i].kick_fd);
	guest_memory_destroy(fixture->memory);
}

static int create(struct fixture *fixture)
{
	return vhost_net_create(fake_vhost.fd, fixture->memory, &fixture->vhost);
}

static int start(struct fixture *fixture)
{
	return vhost_net_start(fixture->vhost, TAP_FD, fixture->rings,
			       RING_FEATURES | 1ULL << VIRTIO_NET_F_CSUM, ERROR_FD);
}

static void test_create(struct fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(create(fixture), ==, 0);
	g_assert_true(fake_vhost.owned);
	g_assert_cmpuint(fake_vhost.region_count, ==, 2);
	g_assert_cmphex(fake_vhost.regions[1].guest_phys_addr, ==, 4ULL << 30);
	g_assert_cmphex(fake_vhost.regions[1].memory_size, ==, 2ULL << 30);
	g_assert_true((void *)(uintptr_t)fake_vhost.regions[1].userspace_addr ==
		      guest_memory_at(fixture->memory, 4ULL << 30, 1));
}

static void test_create_refused(struct fixture *fixture, gconstpointer data)
{
	fake_vhost.offered = ~(1ULL << VIRTIO_NET_F_MRG_RXBUF);
	g_assert_cmpint(create(fixture), ==, -ENOTSUP);
	fake_vhost.offered = UINT64_MAX;
	fake_vhost.refused = VHOST_SET_OWNER;
	g_assert_cmpint(create(fixture), ==, -EOPNOTSUPP);
	close(fake_vhost.fd); /* has stayed ours */
}

static void test_start(struct fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(create(fixture), ==, 0);
	g_assert_cmpint(start(fixture), ==, 0);
	/* Only what concerns rings: the interface has been told of the rest. */
	g_assert_cmphex(fake_vhost.features, ==, RING_FEATURES);
	for (unsigned int i = 0; i < NET_RINGS; i++) {
		const struct fake_vhost_ring *ring = &fake_vhost.rings[i];
		eventfd_t kicks;

		g_assert_cmpuint(ring->size, ==, 128);
		g_assert_cmpuint(ring->base, ==, 0xfff0 + i);
		g_assert_cmphex(ring->address.desc_user_addr, ==,
				(uintptr_t)fixture->rings[i].descriptors);
		g_assert_cmphex(ring->address.avail_user_addr, ==,
				(uintptr_t)fixture->rings[i].available);
		g_assert_cmphex(ring->address.used_user_addr, ==,
				(uintptr_t)fixture->rings[i].used);
		g_assert_cmpint(ring->kick_fd, ==, fixture->rings[i].kick_fd);
		g_assert_cmpint(ring->call_fd, ==, CALL_FD);
		g_assert_cmpint(ring->error_fd, ==, ERROR_FD);
		g_assert_cmpint(ring->backend, ==, TAP_FD);
		/* What was there before is looked at. */
		g_assert_cmpint(eventfd_read(ring->kick_fd, &kicks), ==, 0);
	}
}

static void test_stop(struct fixture *fixture, gconstpointer data)
{
	uint16_t next[NET_RINGS];

	g_assert_cmpint(create(fixture), ==, 0);
	g_assert_cmpint(start(fixture), ==, 0);
	fake_vhost.rings[0].base = 7;
	fake_vhost.rings[1].base = 0xffff;
	vhost_net_stop(fixture->vhost, next);
	g_assert_cmpuint(next[0], ==, 7);
	g_assert_cmpuint(next[1], ==, 0xffff);
	for (unsigned int i = 0; i < NET_RINGS; i++) {
		g_assert_cmpint(fake_vhost.rings[i].backend, ==, -1);
		g_assert_cmpint(fake_vhost.rings[i].kick_fd, ==, -1);
		g_assert_cmpint(fake_vhost.rings[i].call_fd, ==, -1);
	}
	g_assert_cmpint(start(fixture), ==, 0);
}

/* Whichever request fails, nothing of it goes on, and it can be tried again. */
static void test_start_refused(struct fixture *fixture, gconstpointer data)
{
	static const struct {
		unsigned long request;
		unsigned int ring; /* from 1; 0: the device */
	} failures[] = {
		{VHOST_SET_FEATURES, 0},   {VHOST_SET_VRING_NUM, 1},   {VHOST_SET_VRING_BASE, 2},
		{VHOST_SET_VRING_ADDR, 2}, {VHOST_SET_VRING_CALL, 1},  {VHOST_SET_VRING_ERR, 1},
		{VHOST_SET_VRING_KICK, 2}, {VHOST_NET_SET_BACKEND, 2},
	};

	g_assert_cmpint(create(fixture), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
		uint16_t next[NET_RINGS];

		fake_vhost.refused = failures[i].request;
		fake_vhost.refused_ring = failures[i].ring;
		g_assert_cmpint(start(fixture), ==, -EOPNOTSUPP);
		g_assert_cmpint(fake_vhost.rings[0].backend, ==, -1);
		g_assert_cmpint(fake_vhost.rings[1].backend, ==, -1);
		fake_vhost.refused = 0;
		g_assert_cmpint(start(fixture), ==, 0);
		vhost_net_stop(fixture->vhost, next);
	}
}

#define ADD(path, function) \
	g_test_add("/vhost-net/" path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("create", test_create);
	ADD("create-refused", test_create_refused);
	ADD("start", test_start);
	ADD("stop", test_stop);
	ADD("start-refused", test_start_refused);
	return g_test_run();
}
