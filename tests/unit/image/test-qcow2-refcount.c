/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2-refcount.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "image/qcow2-header.h"
#include "image/qcow2-map.h"

enum {
	CLUSTER = 512,
	ORDER = 6,
	PER_BLOCK = CLUSTER / 8,
};

struct fixture {
	struct qcow2_header header;
	struct qcow2_layout layout;
	struct qcow2_refcounts refcounts;
	int fd;
};

/* Header, refcount table, refcount block and L1 table, a cluster each. */
static void fixture_init(struct fixture *fixture)
{
	uint8_t file[4 * CLUSTER] = {0};

	fixture->header = (struct qcow2_header){
		.version = 3,
		.cluster_bits = 9,
		.refcount_order = ORDER,
		.refcount_table_offset = CLUSTER,
		.refcount_table_clusters = 1,
		.l1_offset = 3 * CLUSTER,
		.l1_size = 1,
	};
	store_be64(file + CLUSTER, 2 * CLUSTER);
	for (unsigned int i = 0; i < 4; i++)
		qcow2_refcount_store(file + 2 * CLUSTER, i, ORDER, 1);
	fixture->fd = memfd_create("image", MFD_CLOEXEC);
	g_assert_cmpint(fd_write_at(fixture->fd, file, sizeof(file), 0), ==, 0);
	qcow2_layout_init(&fixture->layout, &fixture->header, sizeof(file));
	g_assert_cmpint(qcow2_refcounts_init(&fixture->refcounts, fixture->fd, &fixture->header,
					     &fixture->layout),
			==, 0);
}

static void fixture_finish(struct fixture *fixture)
{
	qcow2_refcounts_finish(&fixture->refcounts);
	fd_close(&fixture->fd);
}

static void test_widths(void)
{
	for (unsigned int order = 0; order <= 6; order++) {
		uint64_t max = order == 6 ? UINT64_MAX : ((uint64_t)1 << (1 << order)) - 1;
		uint8_t block[64] = {0};
		uint64_t count = 512 >> order;

		for (uint64_t i = 0; i < count; i++)
			qcow2_refcount_store(block, i, order, i % 3 == 0 ? max : 0);
		for (uint64_t i = 0; i < count; i++)
			g_assert_cmpuint(qcow2_refcount_load(block, i, order), ==,
					 i % 3 == 0 ? max : 0);
	}
}

/* Counts of less than a byte begin in its lowest bits, longer ones are big-endian. */
static void test_bytes(void)
{
	uint8_t block[16] = {0};

	qcow2_refcount_store(block, 1, 0, 1);
	qcow2_refcount_store(block, 5, 2, 0xa);
	qcow2_refcount_store(block, 2, 4, 0x1234);
	g_assert_cmpmem(block, 8, "\x02\0\xa0\0\x12\x34\0\0", 8);
}

/* Far beyond the first table: blocks are added, the table moves twice. */
static void test_growth(void)
{
	const unsigned int allocations = 20000;
	struct fixture fixture;
	uint64_t offset, count, last = 0, table = CLUSTER;
	struct qcow2_refcounts again;

	fixture_init(&fixture);
	for (unsigned int i = 0; i < allocations; i++) {
		g_assert_cmpint(qcow2_refcounts_allocate(&fixture.refcounts, &offset), ==, 0);
		g_assert_cmpuint(offset, >, last);
		g_assert_cmpuint(offset % CLUSTER, ==, 0);
		last = offset;
	}
	g_assert_cmpint(qcow2_refcounts_apply_released(&fixture.refcounts), ==, 0);
	g_assert_cmpint(qcow2_refcounts_store(&fixture.refcounts), ==, 0);
	g_assert_cmpuint(fixture.header.refcount_table_offset, >, table);

	/* All of it is in the file: the old table's place is free, everything else is used. */
	g_assert_cmpint(qcow2_refcounts_init(&again, fixture.fd, &fixture.header, &fixture.layout),
			==, 0);
	for (uint64_t i = 2; i <= last / CLUSTER; i++) {
		g_assert_cmpint(qcow2_refcounts_get(&fixture.refcounts, i, &count), ==, 0);
		g_assert_cmpuint(count, <=, 1);
		g_assert_cmpint(qcow2_refcounts_get(&again, i, &offset), ==, 0);
		g_assert_cmpuint(offset, ==, count);
	}
	g_assert_cmpint(qcow2_refcounts_get(&again, 1, &count), ==, 0);
	g_assert_cmpuint(count, ==, 0);
	qcow2_refcounts_finish(&again);
	fixture_finish(&fixture);
}

static void test_release(void)
{
	struct fixture fixture;
	uint64_t first, second, third, count;

	fixture_init(&fixture);
	g_assert_cmpint(qcow2_refcounts_allocate(&fixture.refcounts, &first), ==, 0);
	g_assert_cmpint(qcow2_refcounts_release(&fixture.refcounts, first + 100), ==, 0);
	/* not before that is stored */
	g_assert_cmpint(qcow2_refcounts_allocate(&fixture.refcounts, &second), ==, 0);
	g_assert_cmpuint(second, !=, first);
	g_assert_cmpint(qcow2_refcounts_apply_released(&fixture.refcounts), ==, 0);
	g_assert_cmpint(qcow2_refcounts_get(&fixture.refcounts, first / CLUSTER, &count), ==, 0);
	g_assert_cmpuint(count, ==, 0);
	g_assert_cmpint(qcow2_refcounts_allocate(&fixture.refcounts, &third), ==, 0);
	g_assert_cmpuint(third, ==, first);
	/* more often than it is used */
	for (int i = 0; i < 2; i++)
		g_assert_cmpint(qcow2_refcounts_release(&fixture.refcounts, second), ==, 0);
	g_assert_cmpint(qcow2_refcounts_apply_released(&fixture.refcounts), ==, -EUCLEAN);
	fixture_finish(&fixture);
}

/* Counts that give away the header or a table, and a table that points nowhere. */
static void test_broken(void)
{
	uint8_t file[CLUSTER];
	struct fixture fixture;
	uint64_t offset;

	fixture_init(&fixture);
	memset(file, 0, sizeof(file));
	g_assert_cmpint(fd_write_at(fixture.fd, file, CLUSTER, 2 * CLUSTER), ==, 0);
	g_assert_cmpint(qcow2_refcounts_allocate(&fixture.refcounts, &offset), ==, -EUCLEAN);
	fixture_finish(&fixture);

	fixture_init(&fixture);
	for (unsigned int i = 0; i < 4; i++) {
		const uint64_t places[] = {CLUSTER, 3 * CLUSTER, 5 * CLUSTER, UINT64_MAX};

		store_be64(fixture.refcounts.table, places[i]);
		g_assert_cmpint(qcow2_refcounts_allocate(&fixture.refcounts, &offset), ==,
				-EUCLEAN);
	}
	fixture_finish(&fixture);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-refcount/widths", test_widths);
	g_test_add_func("/qcow2-refcount/bytes", test_bytes);
	g_test_add_func("/qcow2-refcount/growth", test_growth);
	g_test_add_func("/qcow2-refcount/release", test_release);
	g_test_add_func("/qcow2-refcount/broken", test_broken);
	return g_test_run();
}
