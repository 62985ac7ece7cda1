/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-net-backend.h"

#include <glib.h>
#include <string.h>

#include "base/iov.h"

static void keep(struct fake_net_backend *fake, const struct net_packet *packet)
{
	struct fake_net_packet *kept = &fake->packets[fake->count++ % FAKE_NET_BACKEND_PACKETS];

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

static void fake_destroy(struct net_backend *backend)
{
}

static const struct net_backend_ops fake_ops = {
	.send = fake_send,
	.receive = fake_receive,
	.set_guest_offloads = fake_set_guest_offloads,
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
