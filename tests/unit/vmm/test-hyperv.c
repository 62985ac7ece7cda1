/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/hyperv.h"

#include <glib.h>
#include <string.h>

#include "cpu/cpuid.h"

static struct cpuid_table table, offered;

static void add(struct cpuid_table *to, uint32_t function, uint32_t eax, uint32_t ebx, uint32_t edx)
{
	const struct kvm_cpuid_entry2 leaf = {
		.function = function, .eax = eax, .ebx = ebx, .edx = edx};

	cpuid_append(to, &leaf);
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function)
{
	const struct kvm_cpuid_entry2 *found = NULL;

	for (uint32_t i = 0; i < table.count; i++) {
		if (table.entries[i].function != function)
			continue;
		g_assert_null(found);
		found = &table.entries[i];
	}
	return found;
}

/* As KVM has them: its own leaves, and all it knows of the other interface. */
static void make_tables(uint32_t features)
{
	table.count = offered.count = 0;
	add(&table, 0, 0x1f, 0, 0);
	add(&table, 0x40000000, 0x40000001, 0x4b4d564b, 0x4d);
	add(&table, 0x40000001, 0x0100007b, 0, 0);
	add(&offered, 0x40000000, 0x40000082, 0x7263694d, 0x76482074);
	add(&offered, 0x40000001, 0x31237648, 0, 0);
	add(&offered, 0x40000002, 0x3839, 0xa0000, 0);
	add(&offered, 0x40000003, features, 0x1030, 0xffffffff);
	add(&offered, 0x40000004, 0xffffffff, 0xffffffff, 0);
	add(&offered, 0x40000005, 1024, 64, 0);
	add(&offered, 0x4000000a, 0x80000, 0, 0);
}

static void test_add(void)
{
	char vendor[13] = "";

	make_tables(0xffffffff);
	g_assert_true(hyperv_add(&table, &offered));
	memcpy(vendor, &leaf(0x40000000)->ebx, 4);
	memcpy(vendor + 4, &leaf(0x40000000)->ecx, 4);
	memcpy(vendor + 8, &leaf(0x40000000)->edx, 4);
	g_assert_cmpstr(vendor, ==, "Microsoft Hv");
	g_assert_cmphex(leaf(0x40000000)->eax, ==, 0x40000005);
	g_assert_cmpmem(&leaf(0x40000001)->eax, 4, "Hv#1", 4);
	g_assert_cmphex(leaf(0x40000002)->eax, ==, 0x3839);
	/* Not: statistics, idle register, re-enlightenment, debugging, crash registers, ... */
	g_assert_cmphex(leaf(0x40000003)->eax, ==, 0xaff);
	g_assert_cmphex(leaf(0x40000003)->ebx, ==, 0);
	g_assert_cmphex(leaf(0x40000003)->edx, ==, 1 << 8 | 1 << 19);
	g_assert_cmphex(leaf(0x40000004)->eax, ==, 1 << 2 | 1 << 3 | 1 << 5 | 1 << 10 | 1 << 11);
	g_assert_cmphex(leaf(0x40000004)->ebx, ==, 0x1fff);
	g_assert_cmpuint(leaf(0x40000005)->eax, ==, 1024);
	g_assert_null(leaf(0x4000000a));
	/* KVM's own are behind. */
	g_assert_cmphex(leaf(0x40000100)->eax, ==, 0x40000101);
	g_assert_cmphex(leaf(0x40000100)->ebx, ==, 0x4b4d564b);
	g_assert_cmphex(leaf(0x40000101)->eax, ==, 0x0100007b);
	g_assert_nonnull(leaf(0));
}

/* Only what KVM has, and nothing at all of one that has too little. */
static void test_less(void)
{
	make_tables(1 << 5 | 1 << 6 | 1 << 9);
	g_assert_true(hyperv_add(&table, &offered));
	g_assert_cmphex(leaf(0x40000003)->eax, ==, 1 << 5 | 1 << 6 | 1 << 9);
	make_tables(1 << 5);
	g_assert_false(hyperv_add(&table, &offered));
	g_assert_cmphex(leaf(0x40000001)->eax, ==, 0x0100007b);
	g_assert_cmpuint(table.count, ==, 3);
	offered.count = 0;
	g_assert_false(hyperv_add(&table, &offered));
	g_assert_cmpuint(table.count, ==, 3);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hyperv/add", test_add);
	g_test_add_func("/hyperv/less", test_less);
	return g_test_run();
}
