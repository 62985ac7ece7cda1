/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/cpuid-state.h"

#include <errno.h>
#include <glib.h>

#include "state-block.h"

static struct cpuid_table seen, offered;

static void add(struct cpuid_table *table, uint32_t function, uint32_t index, uint32_t eax,
		uint32_t ebx, uint32_t ecx, uint32_t edx)
{
	const struct kvm_cpuid_entry2 entry = {
		.function = function,
		.index = index,
		.flags = index ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		.eax = eax,
		.ebx = ebx,
		.ecx = ecx,
		.edx = edx,
	};

	cpuid_append(table, &entry);
}

static void make_table(struct cpuid_table *table)
{
	memset(table, 0, sizeof(*table));
	add(table, 0, 0, 0xd, 0x68747541, 0x444d4163, 0x69746e65);
	add(table, 1, 0, 0x800f12, 0, 1U << 31 | 1 << 26, 1 << 25);
	add(table, 7, 0, 0, 1 << 5, 0, 0);
	add(table, 0x40000000, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d);
	add(table, 0x40000001, 0, 1 << 3 | 1 << 5, 0, 0, 0);
	add(table, 0x80000008, 0, 0x3028, 0, 0, 0);
}

static struct kvm_cpuid_entry2 *leaf(struct cpuid_table *table, uint32_t function)
{
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->entries[i].function == function)
			return &table->entries[i];
	}
	return NULL;
}

static void assert_missing(const char *expected)
{
	char name[CPUID_FEATURE_NAME_SIZE] = "";

	g_assert_cmpint(cpuid_find_missing(&seen, &offered, name), ==, expected != NULL);
	g_assert_cmpstr(name, ==, expected ? expected : "");
}

static void test_missing(void)
{
	make_table(&seen);
	make_table(&offered);
	assert_missing(NULL);
	/* more than was promised, and another model, do no harm */
	leaf(&offered, 7)->ebx |= 1 << 16;
	leaf(&offered, 1)->eax = 0x870f10;
	assert_missing(NULL);
	leaf(&offered, 0x40000001)->eax = 1 << 3;
	assert_missing("the feature steal_time");
	leaf(&offered, 7)->ebx = 0;
	assert_missing("the feature avx2");
	leaf(&offered, 1)->ecx = 1U << 31;
	assert_missing("the feature xsave");
	leaf(&seen, 1)->edx |= 1 << 10;
	assert_missing("the feature of bit 10 in EDX of CPUID leaf 0x1.0");
	leaf(&offered, 0x80000008)->eax = 0x3024;
	assert_missing("memory addresses as wide");
	leaf(&offered, 0x40000000)->ebx = 0x7263694d;
	assert_missing("the same hypervisor's interface");
	leaf(&offered, 0)->ebx = 0x756e6547;
	assert_missing("the same maker");
}

/* A processor without a leaf has none of its features. */
static void test_missing_leaf(void)
{
	make_table(&seen);
	make_table(&offered);
	leaf(&offered, 7)->function = 0x16;
	assert_missing("the feature avx2");
	leaf(&seen, 7)->function = 0x16;
	assert_missing(NULL);
	add(&seen, 7, 2, 0, 0, 0, 1 << 2);
	assert_missing("the feature of bit 2 in EDX of CPUID leaf 0x7.2");
}

static void test_save(void)
{
	struct state_block *block = g_new(struct state_block, 1);

	make_table(&seen);
	STATE_BLOCK_SAVE(block, cpuid_state_save, &seen);
	STATE_BLOCK_LOAD(block, cpuid_state_load, &offered);
	g_assert_cmpmem(&seen, sizeof(seen), &offered, sizeof(offered));
	STATE_BLOCK_REFUSE(block, cpuid_state_load, &offered, 1, 2,
			   "no processor says so much of itself");
	STATE_BLOCK_REFUSE(block, cpuid_state_load, &offered, 0, 7,
			   "a part has less than it should");
	g_free(block);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cpuid-state/missing", test_missing);
	g_test_add_func("/cpuid-state/missing-leaf", test_missing_leaf);
	g_test_add_func("/cpuid-state/save", test_save);
	return g_test_run();
}
