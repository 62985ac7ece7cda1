/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all backends have in common: see net-backend.h.
 */
#include "net/net-backend.h"

#include <stddef.h>

#include "control/statistics-page.h"

static bool no_room(void *data, const struct virtio_net_hdr_v1 *header, const void *frame,
		    uint32_t length)
{
	return false;
}

static void nothing(void *data)
{
}

static const struct net_client nobody = {
	.receive = no_room,
	.received = nothing,
	.writable = nothing,
	.carrier_changed = nothing,
};

void net_backend_init(struct net_backend *backend, const struct net_backend_ops *ops,
		      struct nic_statistics *statistics)
{
	*backend = (struct net_backend){.ops = ops, .client = &nobody, .statistics = statistics};
}

void net_backend_set_client(struct net_backend *backend, const struct net_client *client,
			    void *data)
{
	backend->client = client ? client : &nobody;
	backend->client_data = data;
}

void net_backend_set_carrier(struct net_backend *backend, bool carrier)
{
	if (backend->carrier == carrier)
		return;
	backend->carrier = carrier;
	backend->client->carrier_changed(backend->client_data);
}

void net_backend_count_sent(struct net_backend *backend, uint32_t length)
{
	statistics_add(&backend->statistics->sent_packets, 1);
	statistics_add(&backend->statistics->sent_bytes, length);
}

void net_backend_count_send_drops(struct net_backend *backend, unsigned int packets)
{
	statistics_add(&backend->statistics->send_drops, packets);
}

void net_backend_count(struct net_backend *backend)
{
	if (backend->lends)
		backend->ops->count(backend);
}

void net_backend_destroy(struct net_backend *backend)
{
	if (backend)
		backend->ops->destroy(backend);
}
