/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2-header.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/byte-order.h"

enum {
	CLUSTER = 4096,
	FILE_SIZE = 16 * CLUSTER,
	EXTENSIONS = 112,
};

static void put64(uint8_t *bytes, size_t at, uint64_t value)
{
	value = htobe64(value);
	memcpy(bytes + at, &value, sizeof(value));
}

/* Version 3: 1 MiB in clusters of 4 KiB, over "base" which is raw. */
static void fill(uint8_t *bytes)
{
	memset(bytes, 0, CLUSTER);
	memcpy(bytes, "QFI\xfb", 4);
	store_be32(bytes + 4, 3);
	put64(bytes, 8, 200);
	store_be32(bytes + 16, 4);
	store_be32(bytes + 20, 12);
	put64(bytes, 24, 1 << 20);
	store_be32(bytes + 36, 1);
	put64(bytes, 40, 3 * CLUSTER);
	put64(bytes, 48, CLUSTER);
	store_be32(bytes + 56, 1);
	store_be32(bytes + 96, 4);
	store_be32(bytes + 100, EXTENSIONS);
	store_be32(bytes + EXTENSIONS, 0xe2792aca);
	store_be32(bytes + EXTENSIONS + 4, 3);
	memcpy(bytes + EXTENSIONS + 8, "raw", 3);
	memcpy(bytes + 200, "base", 4);
}

static enum image_problem parse(const uint8_t *bytes, struct qcow2_header *header)
{
	return qcow2_header_parse(bytes, CLUSTER, FILE_SIZE, header);
}

static void test_good(void)
{
	struct qcow2_header header;
	uint8_t bytes[CLUSTER];

	fill(bytes);
	g_assert_cmpint(parse(bytes, &header), ==, IMAGE_GOOD);
	g_assert_cmpuint(header.version, ==, 3);
	g_assert_cmpuint(header.virtual_size, ==, 1 << 20);
	g_assert_cmpuint(qcow2_header_cluster_size(&header), ==, CLUSTER);
	g_assert_cmpuint(qcow2_header_l2_bits(&header), ==, 9);
	g_assert_cmpstr(header.backing_file, ==, "base");
	g_assert_cmpstr(header.backing_format, ==, "raw");

	/* What version 3 has is not looked at in version 2. */
	fill(bytes);
	store_be32(bytes + 4, 2);
	memset(bytes + 72, 0, 128);
	g_assert_cmpint(parse(bytes, &header), ==, IMAGE_GOOD);
	g_assert_cmpuint(header.refcount_order, ==, 4);
	g_assert_cmpstr(header.backing_format, ==, "");
}

static void assert_refused32(size_t at, uint32_t value, enum image_problem problem)
{
	struct qcow2_header header;
	uint8_t bytes[CLUSTER];

	fill(bytes);
	store_be32(bytes + at, value);
	g_assert_cmpint(parse(bytes, &header), ==, problem);
}

static void assert_refused64(size_t at, uint64_t value, enum image_problem problem)
{
	struct qcow2_header header;
	uint8_t bytes[CLUSTER];

	fill(bytes);
	put64(bytes, at, value);
	g_assert_cmpint(parse(bytes, &header), ==, problem);
}

static void test_refused(void)
{
	assert_refused32(0, 0x51464900, IMAGE_NOT_QCOW2);
	assert_refused32(4, 1, IMAGE_VERSION);
	assert_refused32(4, 4, IMAGE_VERSION);
	assert_refused32(20, 8, IMAGE_BAD_HEADER);
	assert_refused32(20, 22, IMAGE_BAD_HEADER);
	assert_refused32(20, UINT32_MAX, IMAGE_BAD_HEADER);
	assert_refused32(32, 2, IMAGE_ENCRYPTED);
	assert_refused64(72, 4, IMAGE_EXTERNAL_DATA);
	assert_refused64(72, 32, IMAGE_UNKNOWN_FEATURE);
	assert_refused64(72, (uint64_t)1 << 63, IMAGE_UNKNOWN_FEATURE);
	assert_refused64(72, 16, IMAGE_BAD_HEADER); /* subclusters of less than a sector */
	assert_refused64(72, 8, IMAGE_BAD_HEADER);  /* a compression type that is the default */
	assert_refused32(96, 7, IMAGE_BAD_HEADER);
	assert_refused32(100, 96, IMAGE_BAD_HEADER);
	assert_refused32(100, 108, IMAGE_BAD_HEADER);
	assert_refused32(100, CLUSTER + 8, IMAGE_BAD_HEADER);
	assert_refused32(104, 0x02000000, IMAGE_UNKNOWN_COMPRESSION);
	assert_refused32(104, 0x01000000, IMAGE_BAD_HEADER);
}

static void test_bounds(void)
{
	assert_refused64(24, UINT64_MAX, IMAGE_TOO_LARGE);
	assert_refused64(24, (uint64_t)4 << 20, IMAGE_BAD_HEADER); /* needs more of L1 */
	assert_refused32(36, UINT32_MAX, IMAGE_TOO_LARGE);
	assert_refused32(36, 4 * CLUSTER, IMAGE_TRUNCATED);
	assert_refused64(40, 3 * CLUSTER + 8, IMAGE_BAD_HEADER);
	assert_refused64(40, 0, IMAGE_TRUNCATED);
	assert_refused64(40, FILE_SIZE, IMAGE_TRUNCATED);
	assert_refused64(40, UINT64_MAX - CLUSTER + 1, IMAGE_TRUNCATED);
	assert_refused64(48, 8, IMAGE_BAD_HEADER);
	assert_refused32(56, 0, IMAGE_BAD_HEADER);
	assert_refused32(56, UINT32_MAX, IMAGE_TOO_LARGE);
	assert_refused32(60, UINT32_MAX, IMAGE_TOO_LARGE);
	assert_refused64(8, CLUSTER, IMAGE_BAD_HEADER);
	assert_refused64(8, UINT64_MAX, IMAGE_BAD_HEADER);
	assert_refused64(8, 8, IMAGE_BAD_HEADER);
	assert_refused32(16, 1024, IMAGE_BAD_HEADER);
	assert_refused32(16, 5, IMAGE_BAD_HEADER); /* a NUL in the name */
	assert_refused32(EXTENSIONS + 4, UINT32_MAX, IMAGE_BAD_HEADER);
	assert_refused32(EXTENSIONS + 4, 16, IMAGE_BAD_HEADER);
}

static void test_short(void)
{
	struct qcow2_header header;
	uint8_t bytes[CLUSTER];

	fill(bytes);
	for (size_t length = 0; length < 204; length++) {
		g_autofree uint8_t *copy = g_malloc(length + 1);

		memcpy(copy, bytes, length);
		g_assert_cmpint(qcow2_header_parse(copy, length, FILE_SIZE, &header), !=,
				IMAGE_GOOD);
	}
}

/* What is written is read as it was. */
static void test_write(void)
{
	struct qcow2_header header, again;
	uint8_t bytes[CLUSTER];

	for (uint32_t version = 2; version <= 3; version++) {
		fill(bytes);
		g_assert_cmpint(parse(bytes, &header), ==, IMAGE_GOOD);
		header.version = version;
		g_assert_cmpint(qcow2_header_write(&header, bytes, CLUSTER), ==, 0);
		g_assert_cmpint(parse(bytes, &again), ==, IMAGE_GOOD);
		g_assert_cmpmem(&again, sizeof(again), &header, sizeof(header));
	}
	header.incompatible_features = QCOW2_COMPRESSION_TYPE;
	header.compression = QCOW2_ZSTD;
	g_assert_cmpint(qcow2_header_write(&header, bytes, CLUSTER), ==, 0);
	g_assert_cmpint(parse(bytes, &again), ==, IMAGE_GOOD);
	g_assert_cmpint(again.compression, ==, QCOW2_ZSTD);

	memset(header.backing_file, 'a', sizeof(header.backing_file) - 1);
	g_assert_cmpint(qcow2_header_write(&header, bytes, 512), ==, -ENAMETOOLONG);
	g_assert_cmpint(qcow2_header_write(&header, bytes, CLUSTER), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-header/good", test_good);
	g_test_add_func("/qcow2-header/refused", test_refused);
	g_test_add_func("/qcow2-header/bounds", test_bounds);
	g_test_add_func("/qcow2-header/short", test_short);
	g_test_add_func("/qcow2-header/write", test_write);
	return g_test_run();
}
