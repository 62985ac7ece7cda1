/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which frames a network card's guest wants to receive, as it says on the control queue
 * (virtio 1.2, section 5.1.6.5). Plain data; device lock held.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio/virtio-devices.h"

enum {
	VIRTIO_NET_FILTER_ADDRESSES = 64, /* of each kind; with more, all of the kind are wanted */
};

struct virtio_net_addresses {
	bool overflow;
	unsigned int count;
	uint8_t macs[VIRTIO_NET_FILTER_ADDRESSES][VIRTIO_NET_MAC_SIZE];
};

struct virtio_net_filter {
	uint8_t mac[VIRTIO_NET_MAC_SIZE]; /* of the card */
	bool promiscuous, all_multicast, all_unicast, no_multicast, no_unicast, no_broadcast;
	struct virtio_net_addresses unicast, multicast;
};

/* Until the driver says something, everything is wanted. */
void virtio_net_filter_init(struct virtio_net_filter *filter,
			    const uint8_t mac[VIRTIO_NET_MAC_SIZE]);

/* A command of class RX or MAC. False: it is unknown or malformed, and nothing has changed. */
bool virtio_net_filter_command(struct virtio_net_filter *filter, uint8_t class, uint8_t command,
			       const uint8_t *data, size_t size);

/* destination: the first six bytes of the frame. */
bool virtio_net_filter_accepts(const struct virtio_net_filter *filter,
			       const uint8_t destination[VIRTIO_NET_MAC_SIZE]);

/* To and from a machine's state. */
void virtio_net_filter_save(const struct virtio_net_filter *filter, struct state_writer *writer);
void virtio_net_filter_load(struct virtio_net_filter *filter, struct state_reader *reader);
