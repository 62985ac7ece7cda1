/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ports of this computer that lead to a guest: "tcp:8080:80", or with an address to listen at and
 * a range, "udp:127.0.0.1/5000-5009:6000" ("tcp:[::1]/8080:80" in IPv6). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PORT_FORWARD_ADDRESS_SIZE = 46, /* INET6_ADDRSTRLEN */
	PORT_FORWARD_TEXT_SIZE = 96,
};

struct port_forward {
	bool udp;                                /* else TCP */
	char address[PORT_FORWARD_ADDRESS_SIZE]; /* numeric; "": all of this computer's */
	uint16_t first, last;                    /* here */
	uint16_t to;                             /* what first becomes in the guest */
};

/* Whether the fields make sense: ports from 1 on, ranges that fit, a numeric address. */
bool port_forward_valid(const struct port_forward *forward);
/* False, and *ret_forward untouched, when it is not one. */
bool port_forward_parse(const char *text, struct port_forward *ret_forward);
/* As port_forward_parse() reads it. */
void port_forward_format(const struct port_forward *forward, char text[PORT_FORWARD_TEXT_SIZE]);
