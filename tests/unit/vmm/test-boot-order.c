/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/boot-order.h"

#include <glib.h>
#include <string.h>

static struct boot_devices devices;
static char paths[BOOT_ORDER_SIZE], unknown[BOOT_NAME_SIZE];

static void set_up(void)
{
	memset(&devices, 0, sizeof(devices));
	boot_devices_add_virtio_disk(&devices, 0, 16);
	boot_devices_add_virtio_disk(&devices, 1, 30);
	boot_devices_add_sata(&devices, "disk", 2, 0);
	boot_devices_add_sata(&devices, "cdrom", 0, 5);
	boot_devices_add_nic(&devices, 0, 8);
}

static void assert_order(const char *order, const char *expected)
{
	g_assert_true(boot_order_build(&devices, order, paths, unknown));
	g_assert_cmpstr(paths, ==, expected);
}

static void assert_unknown(const char *order, const char *expected)
{
	g_assert_false(boot_order_build(&devices, order, paths, unknown));
	g_assert_cmpstr(unknown, ==, expected);
}

static void test_paths(void)
{
	set_up();
	assert_order("disk0", "/pci@i0cf8/scsi@10/disk@0,0");
	assert_order("cdrom0,disk1", "/pci@i0cf8/pci8086,2922@1f,2/drive@5/disk@0\n"
				     "/pci@i0cf8/scsi@1e/disk@0,0");
	assert_order("net0,disk2", "/pci@i0cf8/ethernet@8/ethernet-phy@0\n"
				   "/pci@i0cf8/pci8086,2922@1f,2/drive@0/disk@0");
}

static void test_names(void)
{
	g_assert_true(boot_order_names("net0", "net", 0));
	g_assert_true(boot_order_names("disk0,net1,net10", "net", 10));
	g_assert_false(boot_order_names("disk0,net10", "net", 1));
	g_assert_false(boot_order_names("net1", "net", 10));
	g_assert_false(boot_order_names("", "net", 0));
	g_assert_false(boot_order_names(",,", "net", 0));
	g_assert_false(boot_order_names(NULL, "net", 0));
}

static void test_unknown(void)
{
	set_up();
	assert_unknown("", "");
	assert_unknown("disk0,", "");
	assert_unknown("disk0,disk3", "disk3");
	assert_unknown("disk0,disk1,disk0", "disk0");
	assert_unknown("a-name-that-is-much-too-long", "a-name-that-is-");
}

static void test_many(void)
{
	g_autoptr(GString) order = g_string_new("disk0");

	memset(&devices, 0, sizeof(devices));
	for (unsigned int i = 0; i <= BOOT_MAX_DEVICES; i++) {
		boot_devices_add_virtio_disk(&devices, i, i);
		if (i > 0 && i < BOOT_MAX_DEVICES)
			g_string_append_printf(order, ",disk%u", i);
	}
	g_assert_true(boot_order_build(&devices, order->str, paths, unknown));
	g_assert_nonnull(strstr(paths, "scsi@3f/"));
	g_string_append_printf(order, ",disk%u", BOOT_MAX_DEVICES);
	assert_unknown(order->str, "disk64");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/boot-order/paths", test_paths);
	g_test_add_func("/boot-order/names", test_names);
	g_test_add_func("/boot-order/unknown", test_unknown);
	g_test_add_func("/boot-order/many", test_many);
	return g_test_run();
}
