/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest wants to receive: see virtio-net-filter.h. Section numbers are of virtio 1.2.
 */
#include "virtio/virtio-net-filter.h"

#include <linux/virtio_net.h>
#include <string.h>

#include "base/byte-order.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

void virtio_net_filter_init(struct virtio_net_filter *filter,
			    const uint8_t mac[VIRTIO_NET_MAC_SIZE])
{
	memset(filter, 0, sizeof(*filter));
	memcpy(filter->mac, mac, VIRTIO_NET_MAC_SIZE);
	filter->promiscuous = true;
}

/* Section 5.1.6.5.1: one byte, on or off. */
static bool set_mode(struct virtio_net_filter *filter, uint8_t command, const uint8_t *data,
		     size_t size)
{
	bool *const modes[] = {
		[VIRTIO_NET_CTRL_RX_PROMISC] = &filter->promiscuous,
		[VIRTIO_NET_CTRL_RX_ALLMULTI] = &filter->all_multicast,
		[VIRTIO_NET_CTRL_RX_ALLUNI] = &filter->all_unicast,
		[VIRTIO_NET_CTRL_RX_NOMULTI] = &filter->no_multicast,
		[VIRTIO_NET_CTRL_RX_NOUNI] = &filter->no_unicast,
		[VIRTIO_NET_CTRL_RX_NOBCAST] = &filter->no_broadcast,
	};

	if (command >= sizeof(modes) / sizeof(modes[0]) || size != 1)
		return false;
	*modes[command] = data[0] != 0;
	return true;
}

/* One table of section 5.1.6.5.2; returns its size, 0 when it is cut off. */
static size_t read_table(struct virtio_net_addresses *table, const uint8_t *data, size_t size)
{
	uint32_t count;

	if (size < sizeof(count))
		return 0;
	count = load_le32(data);
	if (count > (size - sizeof(count)) / VIRTIO_NET_MAC_SIZE)
		return 0;
	table->overflow = count > VIRTIO_NET_FILTER_ADDRESSES;
	table->count = table->overflow ? 0 : count;
	memcpy(table->macs, data + sizeof(count), (size_t)table->count * VIRTIO_NET_MAC_SIZE);
	return sizeof(count) + (size_t)count * VIRTIO_NET_MAC_SIZE;
}

static bool set_tables(struct virtio_net_filter *filter, const uint8_t *data, size_t size)
{
	struct virtio_net_addresses unicast = {.count = 0}, multicast = {.count = 0};
	size_t first = read_table(&unicast, data, size);
	size_t second = first ? read_table(&multicast, data + first, size - first) : 0;

	if (second == 0 || first + second != size)
		return false;
	filter->unicast = unicast;
	filter->multicast = multicast;
	return true;
}

static bool set_mac(struct virtio_net_filter *filter, const uint8_t *data, size_t size)
{
	if (size != VIRTIO_NET_MAC_SIZE)
		return false;
	memcpy(filter->mac, data, size);
	return true;
}

bool virtio_net_filter_command(struct virtio_net_filter *filter, uint8_t class, uint8_t command,
			       const uint8_t *data, size_t size)
{
	if (class == VIRTIO_NET_CTRL_RX)
		return set_mode(filter, command, data, size);
	if (class == VIRTIO_NET_CTRL_MAC && command == VIRTIO_NET_CTRL_MAC_TABLE_SET)
		return set_tables(filter, data, size);
	if (class == VIRTIO_NET_CTRL_MAC && command == VIRTIO_NET_CTRL_MAC_ADDR_SET)
		return set_mac(filter, data, size);
	return false;
}

static bool has(const struct virtio_net_addresses *table, const uint8_t *mac)
{
	for (unsigned int i = 0; i < table->count; i++)
		if (memcmp(table->macs[i], mac, VIRTIO_NET_MAC_SIZE) == 0)
			return true;
	return table->overflow;
}

bool virtio_net_filter_accepts(const struct virtio_net_filter *filter,
			       const uint8_t destination[VIRTIO_NET_MAC_SIZE])
{
	static const uint8_t broadcast[VIRTIO_NET_MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (filter->promiscuous)
		return true;
	if (memcmp(destination, broadcast, sizeof(broadcast)) == 0)
		return !filter->no_broadcast;
	if (destination[0] & 1)
		return !filter->no_multicast &&
		       (filter->all_multicast || has(&filter->multicast, destination));
	return !filter->no_unicast &&
	       (filter->all_unicast || memcmp(destination, filter->mac, VIRTIO_NET_MAC_SIZE) == 0 ||
		has(&filter->unicast, destination));
}

static void save_table(const struct virtio_net_addresses *table, struct state_writer *writer)
{
	state_writer_put_bool(writer, table->overflow);
	state_writer_put8(writer, (uint8_t)table->count);
	state_writer_put_bytes(writer, table->macs, (size_t)table->count * VIRTIO_NET_MAC_SIZE);
}

void virtio_net_filter_save(const struct virtio_net_filter *filter, struct state_writer *writer)
{
	state_writer_put_bytes(writer, filter->mac, sizeof(filter->mac));
	state_writer_put_bool(writer, filter->promiscuous);
	state_writer_put_bool(writer, filter->all_multicast);
	state_writer_put_bool(writer, filter->all_unicast);
	state_writer_put_bool(writer, filter->no_multicast);
	state_writer_put_bool(writer, filter->no_unicast);
	state_writer_put_bool(writer, filter->no_broadcast);
	save_table(&filter->unicast, writer);
	save_table(&filter->multicast, writer);
}

static void load_table(struct virtio_net_addresses *table, struct state_reader *reader)
{
	uint8_t count;

	table->overflow = state_reader_get_bool(reader);
	count = state_reader_get8(reader);
	if (!state_reader_check(reader, count <= VIRTIO_NET_FILTER_ADDRESSES,
				"a network card cannot have so many addresses"))
		return;
	table->count = count;
	state_reader_get_bytes(reader, table->macs, (size_t)count * VIRTIO_NET_MAC_SIZE);
}

void virtio_net_filter_load(struct virtio_net_filter *filter, struct state_reader *reader)
{
	state_reader_get_bytes(reader, filter->mac, sizeof(filter->mac));
	filter->promiscuous = state_reader_get_bool(reader);
	filter->all_multicast = state_reader_get_bool(reader);
	filter->all_unicast = state_reader_get_bool(reader);
	filter->no_multicast = state_reader_get_bool(reader);
	filter->no_unicast = state_reader_get_bool(reader);
	filter->no_broadcast = state_reader_get_bool(reader);
	load_table(&filter->unicast, reader);
	load_table(&filter->multicast, reader);
}
