/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2-map.h"

#include <errno.h>
#include <glib.h>

#include "image/qcow2-header.h"

enum { CLUSTER = 65536 };

#define COPIED QCOW2_ENTRY_COPIED

/* Header, refcount table and L1 table in the first three clusters, ten clusters altogether. */
static struct qcow2_layout make_layout(uint64_t incompatible)
{
	const struct qcow2_header header = {
		.version = 3,
		.cluster_bits = 16,
		.virtual_size = (uint64_t)1 << 40,
		.refcount_table_offset = CLUSTER,
		.refcount_table_clusters = 1,
		.l1_offset = 2 * CLUSTER,
		.l1_size = 2048,
		.incompatible_features = incompatible,
	};
	struct qcow2_layout layout;

	qcow2_layout_init(&layout, &header, 10 * CLUSTER);
	return layout;
}

static struct qcow2_mapping map(const struct qcow2_layout *layout, uint64_t descriptor,
				uint64_t bitmap, uint64_t offset)
{
	const struct qcow2_l2_entry entry = {descriptor, bitmap};
	struct qcow2_mapping mapping;

	g_assert_cmpint(qcow2_map_l2_entry(layout, entry, offset, &mapping), ==, 0);
	return mapping;
}

static void assert_broken(const struct qcow2_layout *layout, uint64_t descriptor, uint64_t bitmap)
{
	const struct qcow2_l2_entry entry = {descriptor, bitmap};
	struct qcow2_mapping mapping;

	g_assert_cmpint(qcow2_map_l2_entry(layout, entry, 0, &mapping), ==, -EUCLEAN);
}

static void test_plain(void)
{
	struct qcow2_layout layout = make_layout(0);
	struct qcow2_mapping mapping = map(&layout, 0, 0, 100);

	g_assert_cmpint(mapping.type, ==, QCOW2_UNALLOCATED);
	g_assert_cmpuint(mapping.length, ==, CLUSTER - 100);
	mapping = map(&layout, COPIED | 5 * CLUSTER, 0, 3 * CLUSTER + 100);
	g_assert_cmpint(mapping.type, ==, QCOW2_DATA);
	g_assert_cmpuint(mapping.host_offset, ==, 5 * CLUSTER + 100);
	mapping = map(&layout, COPIED | 5 * CLUSTER | QCOW2_ENTRY_ZERO, 0, 100);
	g_assert_cmpint(mapping.type, ==, QCOW2_ZEROES);
	layout.version = 2; /* knows no such flag */
	mapping = map(&layout, COPIED | 5 * CLUSTER | QCOW2_ENTRY_ZERO, 0, 100);
	g_assert_cmpint(mapping.type, ==, QCOW2_DATA);
}

static void test_where_no_cluster_is(void)
{
	struct qcow2_layout layout = make_layout(0);
	uint64_t offset;

	for (unsigned int cluster = 1; cluster <= 2; cluster++)
		assert_broken(&layout, COPIED | (uint64_t)cluster * CLUSTER, 0);
	assert_broken(&layout, COPIED | (5 * CLUSTER + 512), 0);
	assert_broken(&layout, COPIED | 10 * CLUSTER, 0);
	assert_broken(&layout, QCOW2_ENTRY_OFFSET_MASK, 0);
	g_assert_cmpint(qcow2_map_l1_entry(&layout, 2 * CLUSTER, &offset), ==, -EUCLEAN);
	g_assert_cmpint(qcow2_map_l1_entry(&layout, 10 * CLUSTER, &offset), ==, -EUCLEAN);
	g_assert_cmpint(qcow2_map_l1_entry(&layout, COPIED | 9 * CLUSTER, &offset), ==, 0);
	g_assert_cmpuint(offset, ==, 9 * CLUSTER);
}

static void test_compressed(void)
{
	struct qcow2_layout layout = make_layout(0);
	const uint64_t three_more = QCOW2_ENTRY_COMPRESSED | (uint64_t)3 << 54;
	struct qcow2_mapping mapping = map(&layout, three_more | (4 * CLUSTER + 700), 0, 100);

	g_assert_cmpint(mapping.type, ==, QCOW2_COMPRESSED);
	g_assert_cmpuint(mapping.host_offset, ==, 4 * CLUSTER + 700);
	g_assert_cmpuint(mapping.host_length, ==, 4 * 512 - 188);
	/* cut where the file ends */
	mapping = map(&layout, three_more | (10 * CLUSTER - 10), 0, 100);
	g_assert_cmpuint(mapping.host_length, ==, 10);
	assert_broken(&layout, three_more | 10 * CLUSTER, 0);
	assert_broken(&layout, three_more | 100, 0);
	assert_broken(&layout, QCOW2_ENTRY_COMPRESSED | (((uint64_t)1 << 62) - 1), 0);
}

static void test_subclusters(void)
{
	struct qcow2_layout layout = make_layout(QCOW2_EXTENDED_L2);
	const uint64_t data = COPIED | 5 * CLUSTER;
	/* 0 has data, 1 is zero, 2 is neither */
	const uint64_t bitmap = 1 | (uint64_t)2 << 32;
	struct qcow2_mapping mapping = map(&layout, data, bitmap, 40);

	g_assert_cmpint(mapping.type, ==, QCOW2_DATA);
	g_assert_cmpuint(mapping.host_offset, ==, 5 * CLUSTER + 40);
	g_assert_cmpuint(mapping.length, ==, 2048 - 40);
	g_assert_cmpint(map(&layout, data, bitmap, 2048).type, ==, QCOW2_ZEROES);
	g_assert_cmpint(map(&layout, data, bitmap, 4096).type, ==, QCOW2_UNALLOCATED);
	g_assert_cmpint(map(&layout, 0, (uint64_t)1 << 63, CLUSTER - 1).type, ==, QCOW2_ZEROES);
	assert_broken(&layout, data, 1 | (uint64_t)1 << 32);
	assert_broken(&layout, 0, 1);
}

static void test_indexes(void)
{
	struct qcow2_layout layout = make_layout(0);

	/* an L2 table of 8192 entries stands for 512 MiB */
	g_assert_cmpuint(qcow2_map_l1_index(&layout, ((uint64_t)3 << 29) - 1), ==, 2);
	g_assert_cmpuint(qcow2_map_l2_index(&layout, ((uint64_t)3 << 29) - 1), ==, 8191);
	g_assert_cmpuint(qcow2_map_l2_index(&layout, (uint64_t)3 << 29), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-map/plain", test_plain);
	g_test_add_func("/qcow2-map/where-no-cluster-is", test_where_no_cluster_is);
	g_test_add_func("/qcow2-map/compressed", test_compressed);
	g_test_add_func("/qcow2-map/subclusters", test_subclusters);
	g_test_add_func("/qcow2-map/indexes", test_indexes);
	return g_test_run();
}
