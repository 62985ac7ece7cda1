/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this computer counts at one of its network interfaces (rtnetlink).
 *
 * System calls after opening: sendto, recvfrom, close.
 */
#pragma once

#include <linux/if_link.h>
#include <stdint.h>

struct interface_counters {
	int fd;
	uint32_t index;    /* the interface's */
	uint32_t sequence; /* of the last question */
};

/* 0, -ENODEV when this network has no such interface, or negative errno. */
int interface_counters_open(struct interface_counters *counters, const char *interface);
/* Since the interface was made. 0 or negative errno. */
int interface_counters_read(struct interface_counters *counters,
			    struct rtnl_link_stats64 *ret_values);
void interface_counters_close(struct interface_counters *counters);
