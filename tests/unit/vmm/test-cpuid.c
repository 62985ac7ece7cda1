/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/cpuid.h"

#include <glib.h>

static struct cpuid_table table;

static void add(uint32_t function, uint32_t index, uint32_t eax, uint32_t ebx, uint32_t ecx,
		uint32_t edx)
{
	table.entries[table.count++] = (struct kvm_cpuid_entry2){
		.function = function,
		.index = index,
		.eax = eax,
		.ebx = ebx,
		.ecx = ecx,
		.edx = edx,
	};
}

static struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < table.count; i++) {
		if (table.entries[i].function == function && table.entries[i].index == index)
			return &table.entries[i];
	}
	return NULL;
}

/* What a KVM could support, with the topology of the host in it. */
static void make_table(uint32_t last_basic)
{
	table.count = 0;
	add(0, 0, last_basic, 0, 0, 0);
	add(1, 0, 0, 0x07400800, 1 << 24 | 1 << 3, 1U << 28);
	add(4, 0, 0xfc004121, 0, 0, 0); /* level 1, 64 cores */
	add(4, 1, 0xfc1fc163, 0, 0, 0); /* level 3, shared by 128 */
	add(4, 2, 0, 0, 0, 0);
	add(7, 0, 0, 1 << 2 | 1 << 8, 1 << 30, 0);
	add(0xb, 0, 1, 2, 0x100, 7);
	add(0xb, 1, 7, 128, 0x201, 7);
	add(0x40000001, 0, 1 << 4 | 1 << 10 | 1 << 14 | 1 << 3 | 1, 0, 0, 0);
	add(0x80000001, 0, 0, 0, 0, 0);
	add(0x80000008, 0, 0x3030, 0, 0x707f, 0);
	add(0x8000001d, 3, 0x1fc163, 0, 0, 0);
	add(0x8000001e, 0, 7, 0x103, 0x701, 0);
}

static void test_features(void)
{
	make_table(0x1f);
	g_assert_cmpuint(cpuid_physical_bits(&table), ==, 48);
	cpuid_filter(&table, 1);
	g_assert_cmphex(leaf(1, 0)->ecx, ==, 1U << 31 | 1 << 24 | 1 << 21 | 1 << 3);
	g_assert_cmphex(leaf(1, 0)->edx & 1U << 28, ==, 0);
	g_assert_cmphex(leaf(7, 0)->ebx, ==, 1 << 8); /* no enclaves */
	g_assert_cmphex(leaf(7, 0)->ecx, ==, 0);
	g_assert_cmphex(leaf(0x40000001, 0)->eax, ==, 1 << 3 | 1); /* no asynchronous faults */
	make_table(0x1f);
	cpuid_filter(&table, 2);
	g_assert_cmphex(leaf(1, 0)->edx & 1U << 28, !=, 0);
}

static void test_topology(void)
{
	make_table(0x1f);
	cpuid_filter(&table, 6);
	cpuid_set_vcpu(&table, 5);
	g_assert_cmphex(leaf(1, 0)->ebx, ==, 0x05080800);
	g_assert_cmphex(leaf(4, 0)->eax, ==, 7U << 26 | 0x121); /* a core's own */
	g_assert_cmphex(leaf(4, 1)->eax, ==, 7U << 26 | 7 << 14 | 0x163);
	g_assert_cmphex(leaf(4, 2)->eax, ==, 0);
	for (uint32_t function = 0xb; function <= 0x1f; function += 0x14) {
		g_assert_cmphex(leaf(function, 0)->eax, ==, 0);
		g_assert_cmphex(leaf(function, 0)->ebx, ==, 1);
		g_assert_cmphex(leaf(function, 0)->ecx, ==, 0x100);
		g_assert_cmphex(leaf(function, 1)->eax, ==, 3);
		g_assert_cmphex(leaf(function, 1)->ebx, ==, 6);
		g_assert_cmphex(leaf(function, 1)->ecx, ==, 0x201);
		g_assert_cmphex(leaf(function, 1)->edx, ==, 5);
		g_assert_cmphex(leaf(function, 2)->ebx, ==, 0);
	}
	g_assert_cmphex(leaf(0x80000001, 0)->ecx, ==, 2);
	g_assert_cmphex(leaf(0x80000008, 0)->ecx, ==, 0x3005);
	g_assert_cmphex(leaf(0x8000001d, 3)->eax, ==, 7 << 14 | 0x163);
	g_assert_cmphex(leaf(0x8000001e, 0)->eax, ==, 5);
	g_assert_cmphex(leaf(0x8000001e, 0)->ebx, ==, 5);
	g_assert_cmphex(leaf(0x8000001e, 0)->ecx, ==, 0);
}

static void test_limits(void)
{
	make_table(0xa);
	cpuid_filter(&table, 255);
	cpuid_set_vcpu(&table, 254);
	g_assert_null(leaf(0xb, 0)); /* beyond the last leaf of this CPU */
	g_assert_cmphex(leaf(1, 0)->ebx >> 24, ==, 254);
	g_assert_cmphex(leaf(4, 0)->eax >> 26, ==, 63);
	/* the next vCPU, from the same table */
	cpuid_set_vcpu(&table, 3);
	g_assert_cmphex(leaf(1, 0)->ebx >> 24, ==, 3);

	make_table(0x1f);
	while (table.count < CPUID_MAX_ENTRIES)
		add(0x50000000 + table.count, 0, 0, 0, 0, 0);
	cpuid_filter(&table, 4);
	g_assert_cmpuint(table.count, <=, CPUID_MAX_ENTRIES);
	table.count = 0;
	cpuid_filter(&table, 4);
	cpuid_set_vcpu(&table, 0);
	g_assert_cmpuint(table.count, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cpuid/features", test_features);
	g_test_add_func("/cpuid/topology", test_topology);
	g_test_add_func("/cpuid/limits", test_limits);
	return g_test_run();
}
