/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/address-space.h"

#include <errno.h>
#include <glib.h>

struct device {
	uint64_t value, offset;
	unsigned int size, writes;
};

static uint64_t on_read(void *data, uint64_t offset, unsigned int size)
{
	struct device *device = data;

	device->offset = offset;
	device->size = size;
	return device->value;
}

static void on_write(void *data, uint64_t offset, unsigned int size, uint64_t value)
{
	struct device *device = data;

	*device = (struct device){value, offset, size, device->writes + 1};
}

static const struct address_range_ops ops = {.read = on_read, .write = on_write};

static void test_dispatch(void)
{
	struct device first = {.value = 0x11}, second = {.value = 0x22};
	struct address_space *space;

	g_assert_cmpint(address_space_create(0x10000, &space), ==, 0);
	g_assert_cmpint(address_space_add(space, 0x70, 2, &ops, &second), ==, 0);
	g_assert_cmpint(address_space_add(space, 0x60, 1, &ops, &first), ==, 0);
	g_assert_cmphex(address_space_read(space, 0x60, 1), ==, 0x11);
	g_assert_cmphex(address_space_read(space, 0x71, 1), ==, 0x22);
	g_assert_cmpuint(second.offset, ==, 1);
	address_space_write(space, 0x70, 2, 0xabcd);
	g_assert_cmphex(second.value, ==, 0xabcd);
	g_assert_cmpuint(second.size, ==, 2);

	address_space_remove(space, 0x70);
	address_space_remove(space, 0x61); /* none starts there */
	g_assert_cmphex(address_space_read(space, 0x71, 1), ==, 0xff);
	g_assert_cmphex(address_space_read(space, 0x60, 1), ==, 0x11);
	address_space_destroy(space);
}

static void test_unclaimed(void)
{
	struct address_space *space;

	g_assert_cmpint(address_space_create(0, &space), ==, 0);
	g_assert_cmphex(address_space_read(space, 0x1000, 1), ==, 0xff);
	g_assert_cmphex(address_space_read(space, 0x1000, 4), ==, 0xffffffff);
	g_assert_cmphex(address_space_read(space, UINT64_MAX - 3, 8), ==, UINT64_MAX);
	address_space_write(space, 0x1000, 8, 0);
	address_space_destroy(space);
}

static void test_refused_ranges(void)
{
	struct device device = {0};
	struct address_space *space;

	g_assert_cmpint(address_space_create(0x10000, &space), ==, 0);
	g_assert_cmpint(address_space_add(space, 0x10, 0, &ops, &device), ==, -EINVAL);
	g_assert_cmpint(address_space_add(space, 0xffff, 2, &ops, &device), ==, -EINVAL);
	g_assert_cmpint(address_space_add(space, 0x10000, 1, &ops, &device), ==, -EINVAL);
	g_assert_cmpint(address_space_add(space, 0x10, UINT64_MAX, &ops, &device), ==, -EINVAL);
	g_assert_cmpint(address_space_add(space, 0xfff0, 0x10, &ops, &device), ==, 0);
	g_assert_cmpint(address_space_add(space, 0x100, 0x10, &ops, &device), ==, 0);
	g_assert_cmpint(address_space_add(space, 0x10f, 1, &ops, &device), ==, -EEXIST);
	g_assert_cmpint(address_space_add(space, 0xf0, 0x11, &ops, &device), ==, -EEXIST);
	g_assert_cmpint(address_space_add(space, 0x80, 0x1000, &ops, &device), ==, -EEXIST);
	g_assert_cmpint(address_space_add(space, 0xf0, 0x10, &ops, &device), ==, 0);
	address_space_destroy(space);
}

static void test_whole_space(void)
{
	struct device device = {.value = 5};
	struct address_space *space;

	g_assert_cmpint(address_space_create(0, &space), ==, 0);
	g_assert_cmpint(address_space_add(space, UINT64_MAX, 1, &ops, &device), ==, 0);
	g_assert_cmpint(address_space_add(space, UINT64_MAX - 1, 3, &ops, &device), ==, -EINVAL);
	g_assert_cmphex(address_space_read(space, UINT64_MAX, 1), ==, 5);
	address_space_destroy(space);
}

static void test_crossing(void)
{
	struct device device = {.value = 0x11}, next = {.value = 0x22};
	struct address_space *space;

	g_assert_cmpint(address_space_create(0x10000, &space), ==, 0);
	g_assert_cmpint(address_space_add(space, 0x100, 2, &ops, &device), ==, 0);
	g_assert_cmpint(address_space_add(space, 0x102, 1, &ops, &next), ==, 0);
	g_assert_cmphex(address_space_read(space, 0x100, 4), ==, 0xff221111);
	address_space_write(space, 0x101, 4, 0xddccbbaa);
	g_assert_cmphex(device.value, ==, 0xaa);
	g_assert_cmphex(next.value, ==, 0xbb);
	g_assert_cmpuint(device.writes, ==, 1);
	address_space_destroy(space);
}

static void test_many(void)
{
	struct device devices[100] = {0};
	struct address_space *space;

	g_assert_cmpint(address_space_create(0x10000, &space), ==, 0);
	for (unsigned int i = 0; i < 100; i++) {
		unsigned int n = i * 37 % 100; /* in no order */

		devices[n].value = n;
		g_assert_cmpint(address_space_add(space, n * 16, 8, &ops, &devices[n]), ==, 0);
	}
	for (unsigned int i = 0; i < 100; i++) {
		unsigned int n = i * 61 % 100;

		g_assert_cmpuint(address_space_read(space, n * 16 + 7, 1), ==, n);
		g_assert_cmphex(address_space_read(space, n * 16 + 8, 1), ==, 0xff);
	}
	address_space_destroy(space);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/address-space/dispatch", test_dispatch);
	g_test_add_func("/address-space/unclaimed", test_unclaimed);
	g_test_add_func("/address-space/refused-ranges", test_refused_ranges);
	g_test_add_func("/address-space/whole-space", test_whole_space);
	g_test_add_func("/address-space/crossing", test_crossing);
	g_test_add_func("/address-space/many", test_many);
	return g_test_run();
}
