/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/checked-arithmetic.h"

#include <glib.h>

static void test_range(void)
{
	g_assert_true(range_fits(0, 0, 0));
	g_assert_true(range_fits(0, 10, 10));
	g_assert_true(range_fits(10, 0, 10));
	g_assert_false(range_fits(10, 1, 10));
	g_assert_false(range_fits(11, 0, 10));
	g_assert_false(range_fits(UINT64_MAX, 2, UINT64_MAX));
	g_assert_false(range_fits(1, UINT64_MAX, UINT64_MAX));
	g_assert_true(range_fits(1, UINT64_MAX - 1, UINT64_MAX));
}

static void test_sum_and_product(void)
{
	uint64_t value = 7;

	g_assert_true(checked_add(UINT64_MAX - 1, 1, &value));
	g_assert_cmpuint(value, ==, UINT64_MAX);
	g_assert_false(checked_add(UINT64_MAX, 1, &value));
	g_assert_cmpuint(value, ==, UINT64_MAX);
	g_assert_true(checked_multiply(UINT64_C(1) << 32, UINT64_C(1) << 31, &value));
	g_assert_cmpuint(value, ==, UINT64_C(1) << 63);
	g_assert_false(checked_multiply(UINT64_C(1) << 32, UINT64_C(1) << 32, &value));
	g_assert_cmpuint(value, ==, UINT64_C(1) << 63);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/checked-arithmetic/range", test_range);
	g_test_add_func("/checked-arithmetic/sum-and-product", test_sum_and_product);
	return g_test_run();
}
