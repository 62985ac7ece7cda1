/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's side of a network card: where the guest's frames go and where those for it come from.
 * A backend knows no device; a card gives it a client to call. Neither side waits for the other:
 * who has no room says so and is asked again.
 *
 * Main thread, device lock held.
 */
#pragma once

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "protocol/statistics-protocol.h"

struct net_backend;

enum {
	NET_FRAME_MIN = 14,    /* bytes of an Ethernet header */
	NET_FRAME_MAX = 65550, /* the largest IP packet with its Ethernet header, one byte spare */
};

/* A frame of the guest's. The header is a checked copy, zero where there are no offloads. */
struct net_packet {
	struct virtio_net_hdr_v1 header;
	const struct iovec *iov; /* of guest memory, which may change while it is read */
	unsigned int iov_count;
	uint32_t length; /* of iov, from NET_FRAME_MIN to NET_FRAME_MAX */
};

enum { NET_RING_RECEIVE, NET_RING_TRANSMIT, NET_RINGS };

/* A queue of a card, of which nothing is under way. The parts of it are in guest memory. */
struct net_ring {
	uint16_t size, next_available;
	void *descriptors, *available, *used;
	int kick_fd, call_fd; /* eventfds: the driver notifies, the driver is interrupted */
};

/* What a card does for its backend. */
struct net_client {
	/*
	 * A frame of NET_FRAME_MIN to NET_FRAME_MAX bytes for the guest, valid during the call; the
	 * client counts it, also when it drops it. header: NULL for none. False: there is no room
	 * now; the backend keeps the frame, stops reading and offers it again when
	 * net_backend_receive() is called.
	 */
	bool (*receive)(void *data, const struct virtio_net_hdr_v1 *header, const void *frame,
			uint32_t length);
	/* After some calls of receive(): show the guest what it got. */
	void (*received)(void *data);
	/* What could not be sent can be tried again. */
	void (*writable)(void *data);
	/* backend->carrier has changed. */
	void (*carrier_changed)(void *data);
};

struct net_backend_ops {
	/*
	 * Sends frames in order and counts those it takes, dropped ones included. How many were
	 * taken; if not all, writable() will be called.
	 */
	unsigned int (*send)(struct net_backend *backend, const struct net_packet *packets,
			     unsigned int count);
	/* Goes on after receive() had no room. */
	void (*receive)(struct net_backend *backend);
	/* features: bits VIRTIO_NET_F_GUEST_... the guest can take. NULL without offloads. */
	void (*set_guest_offloads)(struct net_backend *backend, uint64_t features);
	/*
	 * Leaves the card's queues to the kernel; send() and receive() are not called until they
	 * are taken back. features: as negotiated. error_fd: an eventfd that is signalled when the
	 * guest breaks the rules. 0 or negative errno; nothing has changed then. NULL unless the
	 * backend lends.
	 */
	int (*start_rings)(struct net_backend *backend, const struct net_ring rings[NET_RINGS],
			   uint64_t features, int error_fd);
	/* Takes them back, with nothing under way: which entry of each is the next to take. */
	void (*stop_rings)(struct net_backend *backend, uint16_t next_available[NET_RINGS]);
	/* Counts what the kernel has done since the last time. NULL unless the backend lends. */
	void (*count)(struct net_backend *backend);
	void (*destroy)(struct net_backend *backend);
};

struct net_backend {
	const struct net_backend_ops *ops;
	const struct net_client *client; /* never NULL */
	void *client_data;
	struct nic_statistics *statistics; /* borrowed, never NULL */
	bool carrier;                      /* there is something at the other end */
	bool offloads;                     /* checksums and segmentation can be left to it */
	bool lends;                        /* start_rings() may be tried */
	uint16_t mtu;                      /* 0: not known */
};

/* For backends. Until net_backend_set_client() frames find no room. */
void net_backend_init(struct net_backend *backend, const struct net_backend_ops *ops,
		      struct nic_statistics *statistics);
void net_backend_set_carrier(struct net_backend *backend, bool carrier);
/* A frame that reached the other end; one that did not. */
void net_backend_count_sent(struct net_backend *backend, uint32_t length);
void net_backend_count_send_drops(struct net_backend *backend, unsigned int packets);

/* For cards. NULL: nobody any more. */
void net_backend_set_client(struct net_backend *backend, const struct net_client *client,
			    void *data);
/* Brings the statistics up to date. */
void net_backend_count(struct net_backend *backend);
/* NULL is accepted. */
void net_backend_destroy(struct net_backend *backend);
