/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-net-backend.h"

#include <glib.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "base/iov.h"

static void keep(struct fake_net_backend *fake, const struct net_packet *packet)
{
	struct fake_net_packet *kept = &fake->packets[fake->count++ % FAKE_NET_BACKEND_PACKETS];

	g_assert_false(fake->lent);
	g_assert_cmpuint(packet->length, >=, NET_FRAME_MIN);
	g_assert_cmpuint(packet->length, <=, NET_FRAME_MAX);
	g_assert_cmpuint(iov_length(packet->iov, packet->iov_count), ==, packet->length);
	kept->header = packet->header;
	kept->length = packet->length;
	iov_read(packet->iov, packet->iov_count, 0, kept->bytes, sizeof(kept->bytes));
	net_backend_count_sent(&fake->backend, packet->length);
}

static unsigned int fake_send(struct net_backend *backend, const struct net_packet *packets,
			      unsigned int count)
{
	struct fake_net_backend *fake = (struct fake_net_backend *)backend;
	unsigned int taken = 0;

	fake->calls++;
	for (; taken < count && fake->room > 0; taken++, fake->room--)
		keep(fake, &packets[taken]);
	return taken;
}

static void fake_receive(struct net_backend *backend)
{
	((struct fake_net_backend *)backend)->asked++;
}

static void fake_set_guest_offloads(struct net_backend *backend, uint64_t features)
{
	((struct fake_net_backend *)backend)->offloads = features;
}

static int fake_start_rings(struct net_backend *backend, const struct net_ring rings[NET_RINGS],
			    uint64_t features, int error_fd)
{
	struct fake_net_backend *fake = (struct fake_net_backend *)backend;

	g_assert_false(fake->lent);
	fake->starts++;
	if (fake->lend_error)
		return fake->lend_error;
	fake->lent = true;
	fake->features = features;
	fake->error_fd = error_fd;
	memcpy(fake->rings, rings, sizeof(fake->rings));
	return 0;
}

static void fake_stop_rings(struct net_backend *backend, uint16_t next_available[NET_RINGS])
{
	struct fake_net_backend *fake = (struct fake_net_backend *)backend;

	g_assert_true(fake->lent);
	fake->lent = false;
	for (unsigned int i = 0; i < NET_RINGS; i++)
		next_available[i] = fake->rings[i].next_available;
}

static void fake_count(struct net_backend *backend)
{
}

unsigned int fake_net_backend_serve_ring(struct fake_net_backend *fake, unsigned int index,
					 uint32_t written)
{
	struct net_ring *ring = &fake->rings[index];
	const struct vring_avail *available = ring->available;
	struct vring_used *used = ring->used;
	unsigned int count = 0;

	g_assert_true(fake->lent);
	for (; ring->next_available != available->idx && count < ring->size; count++) {
		struct vring_used_elem *element = &used->ring[used->idx % ring->size];

		element->id = available->ring[ring->next_available++ % ring->size];
		element->len = written;
		used->idx++;
	}
	return count;
}

static void fake_destroy(struct net_backend *backend)
{
}

static const struct net_backend_ops fake_ops = {
	.send = fake_send,
	.receive = fake_receive,
	.set_guest_offloads = fake_set_guest_offloads,
	.start_rings = fake_start_rings,
	.stop_rings = fake_stop_rings,
	.count = fake_count,
	.destroy = fake_destroy,
};

void fake_net_backend_init(struct fake_net_backend *fake, bool offloads, uint16_t mtu)
{
	memset(fake, 0, sizeof(*fake));
	net_backend_init(&fake->backend, &fake_ops, &fake->statistics);
	fake->backend.carrier = true;
	fake->backend.offloads = offloads;
	fake->backend.mtu = mtu;
	fake->room = UINT32_MAX;
}

bool fake_net_backend_deliver(struct fake_net_backend *fake, const struct virtio_net_hdr_v1 *header,
			      const void *frame, uint32_t length)
{
	const struct net_client *client = fake->backend.client;
	bool taken = client->receive(fake->backend.client_data, header, frame, length);

	client->received(fake->backend.client_data);
	return taken;
}

void fake_net_backend_make_room(struct fake_net_backend *fake, unsigned int room)
{
	fake->room = room;
	fake->backend.client->writable(fake->backend.client_data);
}
