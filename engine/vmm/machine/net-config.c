/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/net-config.h"

#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/port-forward.h"

struct complaint {
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct complaint *complaint,
							 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(complaint->text, complaint->size, format, arguments);
	va_end(arguments);
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "52:54:00:12:34:56" */
static bool read_mac(const char *string, uint8_t mac[VIRTIO_NET_MAC_SIZE])
{
	for (unsigned int i = 0; i < VIRTIO_NET_MAC_SIZE; i++, string += 3) {
		int high = hex_digit(string[0]);
		int low = high < 0 ? -1 : hex_digit(string[1]);

		if (low < 0 || string[2] != (i + 1 < VIRTIO_NET_MAC_SIZE ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool is_zero(const uint8_t mac[VIRTIO_NET_MAC_SIZE])
{
	static const uint8_t zero[VIRTIO_NET_MAC_SIZE];

	return memcmp(mac, zero, sizeof(zero)) == 0;
}

static bool parse_mac(const char *string, struct machine_nic_config *nic,
		      const struct complaint *complaint)
{
	if (!read_mac(string, nic->mac))
		return refuse(complaint, "\"%s\" is not a MAC address like 52:54:00:12:34:56.",
			      string);
	if ((nic->mac[0] & 1) || is_zero(nic->mac))
		return refuse(complaint,
			      "A network card cannot have the MAC address %s, which means several; "
			      "choose one like 52:54:00:12:34:56.",
			      string);
	nic->has_mac = true;
	return true;
}

static bool parse_forward(const char *string, struct machine_nic_config *nic,
			  const struct complaint *complaint)
{
	struct port_forward forward;

	if (nic->kind != NET_USER)
		return refuse(complaint, "Ports can only be forwarded to a card of --net user.");
	if (!port_forward_parse(string, &forward))
		return refuse(complaint,
			      "\"%s\" is not a forwarded port; write it like tcp:8080:80.", string);
	if (nic->forward_count == MACHINE_MAX_FORWARDS)
		return refuse(complaint, "A network card can have %d forwarded ports at most.",
			      MACHINE_MAX_FORWARDS);
	nic->forwards[nic->forward_count++] = string;
	return true;
}

static bool parse_property(const char *property, struct machine_nic_config *nic,
			   const struct complaint *complaint)
{
	if (strncmp(property, "mac=", 4) == 0)
		return parse_mac(property + 4, nic, complaint);
	if (strncmp(property, "forward=", 8) == 0)
		return parse_forward(property + 8, nic, complaint);
	if (strcmp(property, "link=up") == 0 || strcmp(property, "link=down") == 0) {
		nic->link_down = strcmp(property, "link=down") == 0;
		return true;
	}
	return refuse(complaint, "\"%s\" is not a property of a network card.", property);
}

static bool parse_fd(const char *string, struct machine_nic_config *nic,
		     const struct complaint *complaint)
{
	char *end;
	unsigned long fd = strtoul(string, &end, 10);

	if (string[0] < '0' || string[0] > '9' || *end != '\0' || fd > INT_MAX)
		return refuse(complaint, "\"%s\" is not a file descriptor.", string);
	nic->kind = NET_FD;
	nic->fd = (int)fd;
	return true;
}

static bool parse_kind(const char *string, struct machine_nic_config *nic,
		       const struct complaint *complaint)
{
	if (strcmp(string, "user") == 0)
		return true;
	if (strncmp(string, "fd=", 3) == 0)
		return parse_fd(string + 3, nic, complaint);
	if (strncmp(string, "tap=", 4) != 0)
		return refuse(complaint,
			      "A network card can be none, user, tap=INTERFACE or fd=N; not "
			      "\"%s\".",
			      string);
	if (string[4] == '\0' || strlen(string + 4) >= IFNAMSIZ)
		return refuse(complaint, "\"%s\" cannot be the name of a network interface.",
			      string + 4);
	nic->kind = NET_TAP;
	nic->interface = string + 4;
	return true;
}

bool net_config_parse(char *string, struct machine_net_config *config, char *text, size_t text_size)
{
	const struct complaint complaint = {text, text_size};
	struct machine_nic_config nic = {.kind = NET_USER, .fd = -1};
	char *rest = string, *property;

	if (strcmp(string, "none") == 0)
		return true;
	if (config->nic_count == MACHINE_MAX_NICS)
		return refuse(&complaint, "A machine can have %d network cards at most.",
			      MACHINE_MAX_NICS);
	if (!parse_kind(strsep(&rest, ","), &nic, &complaint))
		return false;
	while ((property = strsep(&rest, ",")))
		if (!parse_property(property, &nic, &complaint))
			return false;
	config->nics[config->nic_count++] = nic;
	return true;
}

/* FNV-1a: the same in every build, which is all that matters here. */
static uint32_t hash(const char *string, uint32_t seed)
{
	uint32_t value = 2166136261u ^ seed;

	for (; *string; string++)
		value = (value ^ (uint8_t)*string) * 16777619u;
	return value;
}

static bool is_taken(const struct machine_net_config *config, unsigned int number)
{
	const struct machine_nic_config *nic = &config->nics[number];

	for (unsigned int i = 0; i < config->nic_count; i++)
		if (i != number && config->nics[i].has_mac &&
		    memcmp(config->nics[i].mac, nic->mac, VIRTIO_NET_MAC_SIZE) == 0)
			return true;
	return false;
}

static void choose_mac(struct machine_net_config *config, unsigned int number, const char *identity)
{
	struct machine_nic_config *nic = &config->nics[number];
	uint32_t value = hash(identity ? identity : "", number);

	do {
		const uint8_t mac[VIRTIO_NET_MAC_SIZE] = {
			0x52,           0x54, 0x00, (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			(uint8_t)value,
		};

		memcpy(nic->mac, mac, sizeof(mac));
		value++;
	} while (is_taken(config, number));
	nic->has_mac = true;
}

bool net_config_complete(struct machine_net_config *config, const char *identity, char *text,
			 size_t text_size)
{
	const struct complaint complaint = {text, text_size};

	for (unsigned int i = 0; i < config->nic_count; i++)
		if (config->nics[i].has_mac && is_taken(config, i))
			return refuse(&complaint,
				      "Two network cards have the same MAC address; give each one "
				      "of its own.");
	for (unsigned int i = 0; i < config->nic_count; i++)
		if (!config->nics[i].has_mac)
			choose_mac(config, i, identity);
	return true;
}
