/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-header.h.
 */
#include "image/qcow2-header.h"

#include <errno.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"

enum {
	MAGIC = 0x514649fb, /* "QFI", 0xfb */

	/* offsets of fields */
	VERSION = 4,
	BACKING_FILE_OFFSET = 8,
	BACKING_FILE_LENGTH = 16,
	CLUSTER_BITS = 20,
	VIRTUAL_SIZE = 24,
	ENCRYPTION = 32,
	L1_SIZE = 36,
	L1_OFFSET = 40,
	REFCOUNT_TABLE_OFFSET = 48,
	REFCOUNT_TABLE_CLUSTERS = 56,
	SNAPSHOT_COUNT = 60,
	SNAPSHOTS_OFFSET = 64,
	LENGTH_2 = 72, /* of a header of version 2 */
	INCOMPATIBLE_FEATURES = 72,
	COMPATIBLE_FEATURES = 80,
	AUTOCLEAR_FEATURES = 88,
	REFCOUNT_ORDER = 96,
	HEADER_LENGTH = 100,
	LENGTH_3 = 104, /* of the shortest header of version 3 */
	COMPRESSION = 104,

	REFCOUNT_ORDER_2 = 4, /* of every image of version 2 */
	KNOWN_FEATURES = QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_COMPRESSION_TYPE | QCOW2_EXTENDED_L2,
	EXTENDED_MIN_CLUSTER_BITS = 14, /* 32 subclusters of a sector each */

	EXTENSION_HEADER = 8, /* type and length */
	EXTENSION_END = 0,

	WRITTEN_LENGTH_3 = 112, /* with the compression type */
};

#define EXTENSION_BACKING_FORMAT 0xe2792acau

/* What is inside the first cluster and was read. */
struct header_area {
	const uint8_t *bytes;
	size_t length;
	size_t extensions; /* where they begin */
};

bool qcow2_header_probe(const void *bytes, size_t length)
{
	return length >= 4 && load_be32(bytes) == MAGIC;
}

static enum image_problem parse_features(struct header_area *area, struct qcow2_header *header)
{
	const uint8_t *bytes = area->bytes;
	uint32_t header_length;

	if (area->length < LENGTH_3)
		return IMAGE_TRUNCATED;
	header->incompatible_features = load_be64(bytes + INCOMPATIBLE_FEATURES);
	header->compatible_features = load_be64(bytes + COMPATIBLE_FEATURES);
	header->autoclear_features = load_be64(bytes + AUTOCLEAR_FEATURES);
	header->refcount_order = load_be32(bytes + REFCOUNT_ORDER);
	header_length = load_be32(bytes + HEADER_LENGTH);

	if (header->incompatible_features & QCOW2_EXTERNAL_DATA)
		return IMAGE_EXTERNAL_DATA;
	if (header->incompatible_features & ~(uint64_t)KNOWN_FEATURES)
		return IMAGE_UNKNOWN_FEATURE;
	if (header_length < LENGTH_3 || header_length % 8 || header_length > area->length)
		return IMAGE_BAD_HEADER;
	if (header->refcount_order > QCOW2_MAX_REFCOUNT_ORDER)
		return IMAGE_BAD_HEADER;
	area->extensions = header_length;
	return IMAGE_GOOD;
}

static enum image_problem parse_compression(const struct header_area *area,
					    struct qcow2_header *header)
{
	bool named = header->incompatible_features & QCOW2_COMPRESSION_TYPE;
	unsigned int type = QCOW2_ZLIB;

	if (area->extensions > COMPRESSION)
		type = area->bytes[COMPRESSION];
	if (type != QCOW2_ZLIB && type != QCOW2_ZSTD)
		return IMAGE_UNKNOWN_COMPRESSION;
	if (named != (type != QCOW2_ZLIB))
		return IMAGE_BAD_HEADER;
	header->compression = type;
	return IMAGE_GOOD;
}

static bool table_fits(uint64_t offset, uint64_t length, uint64_t cluster_size, uint64_t file_size)
{
	return offset >= cluster_size && range_fits(offset, length, file_size);
}

static enum image_problem check_tables(const struct qcow2_header *header, uint64_t file_size)
{
	uint64_t cluster_size = qcow2_header_cluster_size(header);
	uint64_t l1_bytes = (uint64_t)header->l1_size * 8;
	uint64_t refcount_bytes = header->refcount_table_clusters * cluster_size;
	unsigned int l1_shift = header->cluster_bits + qcow2_header_l2_bits(header);
	uint64_t needed = header->virtual_size >> l1_shift;

	if (header->virtual_size & (((uint64_t)1 << l1_shift) - 1))
		needed++;
	if (l1_bytes > QCOW2_MAX_L1_BYTES || needed > QCOW2_MAX_L1_BYTES / 8 ||
	    refcount_bytes > QCOW2_MAX_REFCOUNT_TABLE_BYTES ||
	    header->snapshot_count > QCOW2_MAX_SNAPSHOTS)
		return IMAGE_TOO_LARGE;
	if (header->l1_size < needed || header->refcount_table_clusters == 0 ||
	    header->l1_offset % cluster_size || header->refcount_table_offset % cluster_size ||
	    header->snapshots_offset % cluster_size)
		return IMAGE_BAD_HEADER;
	if ((l1_bytes && !table_fits(header->l1_offset, l1_bytes, cluster_size, file_size)) ||
	    !table_fits(header->refcount_table_offset, refcount_bytes, cluster_size, file_size))
		return IMAGE_TRUNCATED;
	return IMAGE_GOOD;
}

static enum image_problem parse_fields(struct header_area *area, struct qcow2_header *header)
{
	const uint8_t *bytes = area->bytes;

	header->cluster_bits = load_be32(bytes + CLUSTER_BITS);
	header->virtual_size = load_be64(bytes + VIRTUAL_SIZE);
	header->l1_size = load_be32(bytes + L1_SIZE);
	header->l1_offset = load_be64(bytes + L1_OFFSET);
	header->refcount_table_offset = load_be64(bytes + REFCOUNT_TABLE_OFFSET);
	header->refcount_table_clusters = load_be32(bytes + REFCOUNT_TABLE_CLUSTERS);
	header->snapshot_count = load_be32(bytes + SNAPSHOT_COUNT);
	header->snapshots_offset = load_be64(bytes + SNAPSHOTS_OFFSET);
	header->refcount_order = REFCOUNT_ORDER_2;

	if (header->cluster_bits < QCOW2_MIN_CLUSTER_BITS ||
	    header->cluster_bits > QCOW2_MAX_CLUSTER_BITS)
		return IMAGE_BAD_HEADER;
	if (area->length > qcow2_header_cluster_size(header))
		area->length = (size_t)qcow2_header_cluster_size(header);
	area->extensions = LENGTH_2;
	return IMAGE_GOOD;
}

static enum image_problem parse_versions(struct header_area *area, struct qcow2_header *header)
{
	enum image_problem problem = parse_fields(area, header);

	if (problem == IMAGE_GOOD && header->version == 3)
		problem = parse_features(area, header);
	if (problem == IMAGE_GOOD && header->version == 3)
		problem = parse_compression(area, header);
	if (problem != IMAGE_GOOD)
		return problem;
	if (load_be32(area->bytes + ENCRYPTION))
		return IMAGE_ENCRYPTED;
	if (header->incompatible_features & QCOW2_EXTENDED_L2 &&
	    header->cluster_bits < EXTENDED_MIN_CLUSTER_BITS)
		return IMAGE_BAD_HEADER;
	return IMAGE_GOOD;
}

/* A text of a file has no NUL within it. */
static bool copy_text(char *text, size_t size, const uint8_t *bytes, size_t length)
{
	if (length >= size || memchr(bytes, '\0', length))
		return false;
	memcpy(text, bytes, length);
	text[length] = '\0';
	return true;
}

/* The extensions fill the space up to end, or have a last one. Those we do not know say nothing
 * about how the image is read. */
static enum image_problem parse_extensions(const struct header_area *area, size_t end,
					   struct qcow2_header *header)
{
	size_t at = area->extensions;

	while (end - at >= EXTENSION_HEADER) {
		uint32_t type = load_be32(area->bytes + at);
		uint32_t length = load_be32(area->bytes + at + 4);

		if (type == EXTENSION_END)
			return IMAGE_GOOD;
		at += EXTENSION_HEADER;
		if (length > end - at)
			return IMAGE_BAD_HEADER;
		if (type == EXTENSION_BACKING_FORMAT &&
		    !copy_text(header->backing_format, sizeof(header->backing_format),
			       area->bytes + at, length))
			return IMAGE_BAD_HEADER;
		length += -length % 8;
		at = length > end - at ? end : at + length;
	}
	return IMAGE_GOOD;
}

static enum image_problem parse_texts(const struct header_area *area, struct qcow2_header *header)
{
	uint64_t offset = load_be64(area->bytes + BACKING_FILE_OFFSET);
	uint32_t length = load_be32(area->bytes + BACKING_FILE_LENGTH);
	size_t end = area->length;

	if (offset != 0) {
		if (offset < area->extensions || !range_fits(offset, length, area->length) ||
		    !copy_text(header->backing_file, sizeof(header->backing_file),
			       area->bytes + offset, length))
			return IMAGE_BAD_HEADER;
		end = (size_t)offset;
	}
	return parse_extensions(area, end, header);
}

enum image_problem qcow2_header_parse(const void *bytes, size_t length, uint64_t file_size,
				      struct qcow2_header *ret_header)
{
	struct header_area area = {.bytes = bytes, .length = length};
	struct qcow2_header header = {0};
	enum image_problem problem;

	if (!qcow2_header_probe(bytes, length))
		return IMAGE_NOT_QCOW2;
	if (length < LENGTH_2)
		return IMAGE_TRUNCATED;
	header.version = load_be32(area.bytes + VERSION);
	if (header.version != 2 && header.version != 3)
		return IMAGE_VERSION;

	problem = parse_versions(&area, &header);
	if (problem == IMAGE_GOOD)
		problem = check_tables(&header, file_size);
	if (problem == IMAGE_GOOD)
		problem = parse_texts(&area, &header);
	if (problem == IMAGE_GOOD)
		*ret_header = header;
	return problem;
}

static void write_fields(const struct qcow2_header *header, uint8_t *bytes)
{
	store_be32(bytes, MAGIC);
	store_be32(bytes + VERSION, header->version);
	store_be32(bytes + CLUSTER_BITS, header->cluster_bits);
	store_be64(bytes + VIRTUAL_SIZE, header->virtual_size);
	store_be32(bytes + L1_SIZE, header->l1_size);
	store_be64(bytes + L1_OFFSET, header->l1_offset);
	store_be64(bytes + REFCOUNT_TABLE_OFFSET, header->refcount_table_offset);
	store_be32(bytes + REFCOUNT_TABLE_CLUSTERS, header->refcount_table_clusters);
	store_be32(bytes + SNAPSHOT_COUNT, header->snapshot_count);
	store_be64(bytes + SNAPSHOTS_OFFSET, header->snapshots_offset);
	if (header->version < 3)
		return;
	store_be64(bytes + INCOMPATIBLE_FEATURES, header->incompatible_features);
	store_be64(bytes + COMPATIBLE_FEATURES, header->compatible_features);
	store_be64(bytes + AUTOCLEAR_FEATURES, header->autoclear_features);
	store_be32(bytes + REFCOUNT_ORDER, header->refcount_order);
	store_be32(bytes + HEADER_LENGTH, WRITTEN_LENGTH_3);
	bytes[COMPRESSION] = (uint8_t)header->compression;
}

int qcow2_header_write(const struct qcow2_header *header, uint8_t *bytes, size_t size)
{
	size_t format_length = strlen(header->backing_format);
	size_t name_length = strlen(header->backing_file);
	size_t at = header->version < 3 ? LENGTH_2 : WRITTEN_LENGTH_3;

	memset(bytes, 0, size);
	write_fields(header, bytes);
	if (format_length > 0) {
		store_be32(bytes + at, EXTENSION_BACKING_FORMAT);
		store_be32(bytes + at + 4, (uint32_t)format_length);
		memcpy(bytes + at + EXTENSION_HEADER, header->backing_format, format_length);
		at += EXTENSION_HEADER + (format_length + 7) / 8 * 8;
	}
	at += EXTENSION_HEADER; /* the last one: zeroes */
	if (name_length == 0)
		return 0;
	if (name_length > size - at)
		return -ENAMETOOLONG;
	store_be64(bytes + BACKING_FILE_OFFSET, at);
	store_be32(bytes + BACKING_FILE_LENGTH, (uint32_t)name_length);
	memcpy(bytes + at, header->backing_file, name_length);
	return 0;
}
