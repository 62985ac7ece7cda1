/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A /dev/vhost-net that remembers what it was told, for programs that are linked with --wrap=ioctl.
 * Every other descriptor is the kernel's affair.
 */
#pragma once

#include <linux/vhost.h>
#include <stdbool.h>
#include <stdint.h>

enum { FAKE_VHOST_RINGS = 2, FAKE_VHOST_REGIONS = 2 };

struct fake_vhost_ring {
	unsigned int size, base;
	struct vhost_vring_addr address;
	int kick_fd, call_fd, error_fd;
	int backend; /* -1: stopped */
};

struct fake_vhost {
	int fd; /* what the device is opened as */
	uint64_t offered, features;
	bool owned;
	unsigned int region_count;
	struct vhost_memory_region regions[FAKE_VHOST_REGIONS];
	struct fake_vhost_ring rings[FAKE_VHOST_RINGS];
	unsigned long refused; /* the request that fails, 0: none */
	unsigned int refused_ring;
};

/* There is one, which offers everything. */
extern struct fake_vhost fake_vhost;

void fake_vhost_init(void);
