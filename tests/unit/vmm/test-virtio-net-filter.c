/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtio-net-filter.h"

#include <errno.h>
#include <glib.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "base/byte-order.h"
#include "state-block.h"

static const uint8_t own[6] = {0x52, 0x54, 0, 0, 0, 1}, second[6] = {0x52, 0x54, 0, 0, 0, 2},
		     third[6] = {0x52, 0x54, 0, 0, 0, 3}, group[6] = {1, 0, 0x5e, 0, 0, 1},
		     everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static bool set(struct virtio_net_filter *filter, uint8_t mode, uint8_t value)
{
	return virtio_net_filter_command(filter, VIRTIO_NET_CTRL_RX, mode, &value, 1);
}

static bool set_tables(struct virtio_net_filter *filter, const uint8_t *data, size_t size)
{
	return virtio_net_filter_command(filter, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET,
					 data, size);
}

static void test_modes(void)
{
	struct virtio_net_filter filter;

	virtio_net_filter_init(&filter, own);
	g_assert_true(virtio_net_filter_accepts(&filter, third));
	g_assert_true(set(&filter, VIRTIO_NET_CTRL_RX_PROMISC, 0));
	g_assert_true(virtio_net_filter_accepts(&filter, own));
	g_assert_true(virtio_net_filter_accepts(&filter, everybody));
	g_assert_false(virtio_net_filter_accepts(&filter, third));
	g_assert_false(virtio_net_filter_accepts(&filter, group));
	g_assert_true(set(&filter, VIRTIO_NET_CTRL_RX_ALLMULTI, 1));
	g_assert_true(virtio_net_filter_accepts(&filter, group));
	g_assert_true(set(&filter, VIRTIO_NET_CTRL_RX_NOMULTI, 1));
	g_assert_false(virtio_net_filter_accepts(&filter, group));
	g_assert_true(set(&filter, VIRTIO_NET_CTRL_RX_ALLUNI, 1));
	g_assert_true(virtio_net_filter_accepts(&filter, third));
	g_assert_true(set(&filter, VIRTIO_NET_CTRL_RX_NOUNI, 1));
	g_assert_false(virtio_net_filter_accepts(&filter, own));
	g_assert_true(set(&filter, VIRTIO_NET_CTRL_RX_NOBCAST, 1));
	g_assert_false(virtio_net_filter_accepts(&filter, everybody));
}

static void test_tables(void)
{
	uint8_t data[4 + 6 + 4 + 6] = {1};
	struct virtio_net_filter filter;

	virtio_net_filter_init(&filter, own);
	set(&filter, VIRTIO_NET_CTRL_RX_PROMISC, 0);
	memcpy(data + 4, second, 6);
	data[10] = 1;
	memcpy(data + 14, group, 6);
	g_assert_true(set_tables(&filter, data, sizeof(data)));
	g_assert_true(virtio_net_filter_accepts(&filter, second));
	g_assert_true(virtio_net_filter_accepts(&filter, group));
	g_assert_false(virtio_net_filter_accepts(&filter, third));
	/* Nothing has changed after a table that is cut off, too long, or counts to nowhere. */
	for (size_t size = 0; size < sizeof(data); size++)
		g_assert_false(set_tables(&filter, data, size));
	store_le32(data, 0xffffffff);
	g_assert_false(set_tables(&filter, data, sizeof(data)));
	store_le32(data, 0x2aaaaaab); /* times six: 2 */
	g_assert_false(set_tables(&filter, data, sizeof(data)));
	g_assert_true(virtio_net_filter_accepts(&filter, second));
}

/* Too many to keep: all of the kind are wanted. */
static void test_overflow(void)
{
	static uint8_t data[4 + (VIRTIO_NET_FILTER_ADDRESSES + 1) * 6 + 4];
	struct virtio_net_filter filter;

	virtio_net_filter_init(&filter, own);
	set(&filter, VIRTIO_NET_CTRL_RX_PROMISC, 0);
	store_le32(data, VIRTIO_NET_FILTER_ADDRESSES + 1);
	g_assert_true(set_tables(&filter, data, sizeof(data)));
	g_assert_true(virtio_net_filter_accepts(&filter, third));
	g_assert_false(virtio_net_filter_accepts(&filter, group));
}

static void test_refused(void)
{
	struct virtio_net_filter filter;
	uint8_t two[2] = {0, 0};

	virtio_net_filter_init(&filter, own);
	g_assert_false(set(&filter, VIRTIO_NET_CTRL_RX_NOBCAST + 1, 0));
	g_assert_false(virtio_net_filter_command(&filter, VIRTIO_NET_CTRL_RX, 0, two, 2));
	g_assert_false(virtio_net_filter_command(&filter, VIRTIO_NET_CTRL_RX, 0, two, 0));
	g_assert_false(virtio_net_filter_command(&filter, VIRTIO_NET_CTRL_MAC,
						 VIRTIO_NET_CTRL_MAC_ADDR_SET, two, 2));
	g_assert_false(virtio_net_filter_command(&filter, VIRTIO_NET_CTRL_MAC, 9, own, 6));
	g_assert_false(virtio_net_filter_command(&filter, VIRTIO_NET_CTRL_VLAN, 0, two, 2));
	g_assert_true(virtio_net_filter_command(&filter, VIRTIO_NET_CTRL_MAC,
						VIRTIO_NET_CTRL_MAC_ADDR_SET, third, 6));
	g_assert_cmpmem(filter.mac, 6, third, 6);
}

static int load(struct virtio_net_filter *filter, struct state_reader *reader)
{
	virtio_net_filter_load(filter, reader);
	return state_reader_result(reader);
}

static void test_state(void)
{
	static struct state_block block;
	struct virtio_net_filter filter, other;
	uint8_t data[4 + 6 + 4 + 6] = {1};

	memcpy(data + 4, second, 6);
	data[10] = 1;
	memcpy(data + 14, group, 6);
	virtio_net_filter_init(&filter, own);
	g_assert_true(set(&filter, VIRTIO_NET_CTRL_RX_PROMISC, 0));
	g_assert_true(set(&filter, VIRTIO_NET_CTRL_RX_NOBCAST, 1));
	g_assert_true(set_tables(&filter, data, sizeof(data)));
	STATE_BLOCK_SAVE(&block, virtio_net_filter_save, &filter);

	virtio_net_filter_init(&other, third);
	STATE_BLOCK_LOAD(&block, load, &other);
	g_assert_true(virtio_net_filter_accepts(&other, own));
	g_assert_true(virtio_net_filter_accepts(&other, second));
	g_assert_true(virtio_net_filter_accepts(&other, group));
	g_assert_false(virtio_net_filter_accepts(&other, third));
	g_assert_false(virtio_net_filter_accepts(&other, everybody));
	STATE_BLOCK_REFUSE(&block, load, &other, 13, VIRTIO_NET_FILTER_ADDRESSES + 1,
			   "a network card cannot have so many addresses");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-net-filter/modes", test_modes);
	g_test_add_func("/virtio-net-filter/tables", test_tables);
	g_test_add_func("/virtio-net-filter/overflow", test_overflow);
	g_test_add_func("/virtio-net-filter/refused", test_refused);
	g_test_add_func("/virtio-net-filter/state", test_state);
	return g_test_run();
}
