/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/pci-config-space.h"

#include <errno.h>
#include <glib.h>
#include <linux/pci_regs.h>
#include <string.h>

/* Every width at every offset agrees with the bytes. */
static void test_widths(void)
{
	struct pci_config_space config;

	pci_config_space_init(&config);
	for (unsigned int i = 0; i < PCI_CONFIG_SPACE_SIZE; i++)
		pci_config_space_define(&config, i, 1, i ^ 0xa5, 0xff);
	for (unsigned int size = 1; size <= 8; size *= 2) {
		for (unsigned int offset = 0; offset < PCI_CONFIG_SPACE_EXTENDED_SIZE; offset++) {
			uint64_t expected = 0;

			for (unsigned int i = 0; i < size && offset + i < 256; i++)
				expected |= (uint64_t)((offset + i) ^ 0xa5) << (8 * i);
			g_assert_cmphex(pci_config_space_read(&config, offset, size), ==, expected);
		}
	}
}

static void test_write_mask(void)
{
	struct pci_config_space config;

	pci_config_space_init(&config);
	pci_config_space_define(&config, 0x40, 4, 0x12345678, 0x00ff0ff0);
	pci_config_space_write(&config, 0x40, 4, 0xffffffff);
	g_assert_cmphex(pci_config_space_read(&config, 0x40, 4), ==, 0x12ff5ff8);
	pci_config_space_write(&config, 0x40, 4, 0);
	g_assert_cmphex(pci_config_space_read(&config, 0x40, 4), ==, 0x12005008);
	/* One byte of it, and a write that begins before it. */
	pci_config_space_write(&config, 0x42, 1, 0x5a);
	g_assert_cmphex(pci_config_space_read(&config, 0x40, 4), ==, 0x125a5008);
	pci_config_space_write(&config, 0x3f, 4, 0xaabbccdd);
	g_assert_cmphex(pci_config_space_read(&config, 0x3f, 1), ==, 0);
	g_assert_cmphex(pci_config_space_read(&config, 0x40, 4), ==, 0x12aa5bc8);
	pci_config_space_reset(&config);
	g_assert_cmphex(pci_config_space_read(&config, 0x40, 4), ==, 0x12345678);
}

static void test_edge(void)
{
	struct pci_config_space config, before;

	pci_config_space_init(&config);
	pci_config_space_define(&config, 0xfc, 4, 0, 0xffffffff);
	pci_config_space_write(&config, 0xfe, 8, ~0ULL);
	g_assert_cmphex(pci_config_space_read(&config, 0xfc, 8), ==, 0xffff0000);
	before = config;
	pci_config_space_write(&config, 0x100, 4, ~0ULL);
	pci_config_space_write(&config, 0xffc, 4, ~0ULL);
	g_assert_cmpmem(&config, sizeof(config), &before, sizeof(before));
	g_assert_cmphex(pci_config_space_read(&config, 0x100, 4), ==, 0);
}

static void test_capabilities(void)
{
	struct pci_config_space config;
	int first, second, last = 0, r;
	unsigned int at, count = 0;

	pci_config_space_init(&config);
	g_assert_cmphex(pci_config_space_read(&config, PCI_STATUS, 2), ==, 0);
	first = pci_config_space_add_capability(&config, PCI_CAP_ID_MSIX, 12);
	second = pci_config_space_add_capability(&config, PCI_CAP_ID_VNDR, 17);
	g_assert_cmpint(first, ==, 0x40);
	g_assert_cmpint(second, ==, 0x4c);
	g_assert_cmphex(pci_config_space_read(&config, PCI_STATUS, 2), ==, PCI_STATUS_CAP_LIST);
	while ((r = pci_config_space_add_capability(&config, PCI_CAP_ID_VNDR, 16)) > 0)
		last = r;
	g_assert_cmpint(r, ==, -ENOSPC);
	g_assert_cmpint(last + 16, <=, 256);
	/* Read-only, linked in order, ends. */
	pci_config_space_write(&config, (unsigned int)first, 2, 0xffff);
	for (at = (unsigned int)pci_config_space_read(&config, PCI_CAPABILITY_LIST, 1); at;
	     at = (unsigned int)pci_config_space_read(&config, at + PCI_CAP_LIST_NEXT, 1)) {
		g_assert_cmpuint(at % 4, ==, 0);
		g_assert_cmphex(pci_config_space_read(&config, at, 1), ==,
				count == 0 ? PCI_CAP_ID_MSIX : PCI_CAP_ID_VNDR);
		count++;
	}
	g_assert_cmpuint(count, ==, 2 + (256 - 0x60) / 16 - 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pci-config-space/widths", test_widths);
	g_test_add_func("/pci-config-space/write-mask", test_write_mask);
	g_test_add_func("/pci-config-space/edge", test_edge);
	g_test_add_func("/pci-config-space/capabilities", test_capabilities);
	return g_test_run();
}
