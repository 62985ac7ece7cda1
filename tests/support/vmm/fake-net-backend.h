/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A network backend that keeps what the guest sends and hands over what a test says. Main thread.
 */
#pragma once

#include "net/net-backend.h"

enum { FAKE_NET_BACKEND_PACKETS = 256, FAKE_NET_BACKEND_BYTES = 128 };

struct fake_net_packet {
	struct virtio_net_hdr_v1 header;
	uint32_t length;
	uint8_t bytes[FAKE_NET_BACKEND_BYTES]; /* the first ones */
};

/*
 * Also plays a kernel that takes queues, if a test sets backend.lends: it does what it is told to.
 */
struct fake_net_backend {
	struct net_backend backend; /* first */
	struct nic_statistics statistics;
	unsigned int room;  /* packets it takes before it is full */
	unsigned int calls; /* of send() */
	unsigned int count; /* packets taken */
	unsigned int asked; /* calls of receive() */
	uint64_t offloads;  /* last told */
	bool lent;
	int lend_error;      /* what start_rings() answers */
	unsigned int starts; /* calls of start_rings() */
	uint64_t features;   /* of the last */
	int error_fd;
	struct net_ring rings[NET_RINGS];
	struct fake_net_packet packets[FAKE_NET_BACKEND_PACKETS];
};

/* With a carrier and room for everything. */
void fake_net_backend_init(struct fake_net_backend *fake, bool offloads, uint16_t mtu);
/* A frame for the guest, as part of a batch of one. Whether it had room. */
bool fake_net_backend_deliver(struct fake_net_backend *fake, const struct virtio_net_hdr_v1 *header,
			      const void *frame, uint32_t length);
/*
 * While the queues are lent: returns what the driver has made available, as if of so many bytes;
 * how many buffers.
 */
unsigned int fake_net_backend_serve_ring(struct fake_net_backend *fake, unsigned int ring,
					 uint32_t written);
/* Makes room for so many packets more and says so. */
void fake_net_backend_make_room(struct fake_net_backend *fake, unsigned int room);
