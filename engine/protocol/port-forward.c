/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/port-forward.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* A port from 1 on; *text moves behind it. */
static bool parse_port(const char **text, uint16_t *ret_port)
{
	unsigned int port = 0;
	const char *c = *text;

	while (*c >= '0' && *c <= '9' && port <= UINT16_MAX)
		port = port * 10 + (unsigned int)(*c++ - '0');
	if (c == *text || port == 0 || port > UINT16_MAX)
		return false;
	*text = c;
	*ret_port = (uint16_t)port;
	return true;
}

/* Up to "/", without the brackets of IPv6; *text moves behind it. */
static bool parse_address(const char **text, char address[PORT_FORWARD_ADDRESS_SIZE])
{
	const char *start = *text, *slash = strchr(start, '/');
	size_t length;

	if (!slash)
		return true;
	*text = slash + 1;
	length = (size_t)(slash - start);
	if (length >= 2 && start[0] == '[' && slash[-1] == ']') {
		start++;
		length -= 2;
	}
	if (length == 0 || length >= PORT_FORWARD_ADDRESS_SIZE)
		return false;
	memcpy(address, start, length);
	return true;
}

static bool address_valid(const char *address)
{
	unsigned char binary[sizeof(struct in6_addr)];

	return address[0] == '\0' || inet_pton(AF_INET, address, binary) == 1 ||
	       inet_pton(AF_INET6, address, binary) == 1;
}

bool port_forward_valid(const struct port_forward *forward)
{
	return forward->first > 0 && forward->first <= forward->last && forward->to > 0 &&
	       forward->last - forward->first <= UINT16_MAX - forward->to &&
	       address_valid(forward->address);
}

static bool parse_ports(const char *text, struct port_forward *forward)
{
	if (!parse_port(&text, &forward->first))
		return false;
	forward->last = forward->first;
	if (*text == '-') {
		text++;
		if (!parse_port(&text, &forward->last))
			return false;
	}
	if (*text++ != ':' || !parse_port(&text, &forward->to))
		return false;
	return *text == '\0';
}

bool port_forward_parse(const char *text, struct port_forward *ret_forward)
{
	struct port_forward forward = {.udp = strncmp(text, "udp:", 4) == 0};

	if (!forward.udp && strncmp(text, "tcp:", 4) != 0)
		return false;
	text += 4;
	if (!parse_address(&text, forward.address) || !parse_ports(text, &forward) ||
	    !port_forward_valid(&forward))
		return false;
	*ret_forward = forward;
	return true;
}

void port_forward_format(const struct port_forward *forward, char text[PORT_FORWARD_TEXT_SIZE])
{
	bool v6 = strchr(forward->address, ':');
	char range[8] = "";

	if (forward->last != forward->first)
		snprintf(range, sizeof(range), "-%u", forward->last);
	snprintf(text, PORT_FORWARD_TEXT_SIZE, "%s:%s%s%s%s%u%s:%u", forward->udp ? "udp" : "tcp",
		 v6 ? "[" : "", forward->address, v6 ? "]" : "", forward->address[0] ? "/" : "",
		 forward->first, range, forward->to);
}
