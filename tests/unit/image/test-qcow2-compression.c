/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2-compression.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { CLUSTER = 4096, ROOM = 2 * CLUSTER };

static void fill(uint8_t *cluster)
{
	for (int i = 0; i < CLUSTER; i++)
		cluster[i] = (uint8_t)(i / 7);
}

static size_t deflate_cluster(const uint8_t *cluster, uint8_t *data)
{
	z_stream stream = {
		.next_in = (z_const Bytef *)cluster,
		.avail_in = CLUSTER,
		.next_out = data,
		.avail_out = ROOM,
	};

	g_assert_cmpint(deflateInit2(&stream, 6, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY), ==, Z_OK);
	g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
	deflateEnd(&stream);
	return ROOM - stream.avail_out;
}

static void check(enum qcow2_compression compression, const uint8_t *data, size_t length,
		  const uint8_t *cluster)
{
	uint8_t result[CLUSTER];

	/* with a rest of a sector behind the end */
	g_assert_cmpint(qcow2_decompress(compression, data, length + 100, result, CLUSTER), ==, 0);
	g_assert_cmpmem(result, CLUSTER, cluster, CLUSTER);
	g_assert_cmpint(qcow2_decompress(compression, data, length / 2, result, CLUSTER), ==,
			-EUCLEAN);
	g_assert_cmpint(qcow2_decompress(compression, data, 0, result, CLUSTER), ==, -EUCLEAN);
	g_assert_cmpint(qcow2_decompress(compression, cluster + 64, 500, result, CLUSTER), ==,
			-EUCLEAN);
}

static void test_zlib(void)
{
	uint8_t cluster[CLUSTER], data[ROOM] = {0};

	fill(cluster);
	check(QCOW2_ZLIB, data, deflate_cluster(cluster, data), cluster);
}

static void test_zstd(void)
{
	uint8_t cluster[CLUSTER], data[ROOM] = {0};
	size_t length;

	fill(cluster);
	length = ZSTD_compress(data, ROOM, cluster, CLUSTER, 3);
	g_assert_false(ZSTD_isError(length));
	check(QCOW2_ZSTD, data, length, cluster);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-compression/zlib", test_zlib);
	g_test_add_func("/qcow2-compression/zstd", test_zstd);
	return g_test_run();
}
