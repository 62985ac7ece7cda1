/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network cards a machine shall have: --net none | user[,forward=tcp|udp:PORT:PORT]... |
 * tap=INTERFACE | fd=N, each with mac=... and link=up|down. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio/virtio-devices.h"

enum { MACHINE_MAX_NICS = 8, MACHINE_MAX_FORWARDS = 64 };

enum net_kind { NET_USER, NET_TAP, NET_FD };

struct machine_nic_config {
	enum net_kind kind;
	const char *interface; /* of NET_TAP */
	int fd;                /* of NET_FD */
	bool link_down;
	bool has_mac;
	uint8_t mac[VIRTIO_NET_MAC_SIZE];
	unsigned int forward_count; /* of NET_USER */
	const char *forwards[MACHINE_MAX_FORWARDS];
};

struct machine_net_config {
	unsigned int nic_count;
	struct machine_nic_config nics[MACHINE_MAX_NICS];
};

/* One --net option, cut into pieces that config points to. False, with a sentence in text. */
bool net_config_parse(char *string, struct machine_net_config *config, char *text,
		      size_t text_size);
/*
 * Gives those without an address one that stays the same for the same identity (NULL: none).
 * False, with a sentence in text, when two have the same.
 */
bool net_config_complete(struct machine_net_config *config, const char *identity, char *text,
			 size_t text_size);
