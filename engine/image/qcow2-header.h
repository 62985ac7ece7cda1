/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a qcow2 image, versions 2 and 3 (QEMU, docs/interop/qcow2.txt, "Header" and
 * "Header extensions"). Pure: bytes in, struct out. What parses is within every bound stated here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/image-problem.h"

enum {
	/* As much of the file's start as is looked at; the header ends before. */
	QCOW2_HEADER_READ = 64 << 10,

	QCOW2_MIN_CLUSTER_BITS = 9,
	QCOW2_MAX_CLUSTER_BITS = 21,
	QCOW2_MAX_REFCOUNT_ORDER = 6,
	QCOW2_MAX_L1_BYTES = 32 << 20,
	QCOW2_MAX_REFCOUNT_TABLE_BYTES = 8 << 20,
	QCOW2_MAX_SNAPSHOTS = 65536,
	QCOW2_BACKING_FILE_SIZE = 1024, /* with the NUL */
	QCOW2_BACKING_FORMAT_SIZE = 16, /* with the NUL */
};

enum qcow2_incompatible_feature {
	QCOW2_DIRTY = 1 << 0, /* refcounts may be too low */
	QCOW2_CORRUPT = 1 << 1,
	QCOW2_EXTERNAL_DATA = 1 << 2,
	QCOW2_COMPRESSION_TYPE = 1 << 3,
	QCOW2_EXTENDED_L2 = 1 << 4,
};

enum qcow2_compatible_feature {
	QCOW2_LAZY_REFCOUNTS = 1 << 0,
};

enum qcow2_compression {
	QCOW2_ZLIB = 0,
	QCOW2_ZSTD = 1,
};

struct qcow2_header {
	uint32_t version; /* 2 or 3 */
	uint32_t cluster_bits;
	uint64_t virtual_size; /* bytes; all of it has an L1 entry */
	uint64_t l1_offset;    /* of a cluster, inside the file like all of the table */
	uint32_t l1_size;      /* entries */
	uint32_t refcount_table_clusters;
	uint64_t refcount_table_offset; /* as l1_offset */
	uint64_t snapshots_offset;
	uint32_t snapshot_count;
	uint32_t refcount_order; /* a refcount has 1 << this bits */
	uint64_t incompatible_features, compatible_features, autoclear_features;
	enum qcow2_compression compression;
	char backing_file[QCOW2_BACKING_FILE_SIZE];     /* "": none */
	char backing_format[QCOW2_BACKING_FORMAT_SIZE]; /* "": not said */
};

/* Where fields are that change while an image is open. */
enum qcow2_header_field {
	QCOW2_FIELD_VIRTUAL_SIZE = 24,
	QCOW2_FIELD_L1 = 36,                    /* 32 bits of size, then 64 of offset */
	QCOW2_FIELD_REFCOUNT_TABLE = 48,        /* 64 bits of offset, then 32 of size */
	QCOW2_FIELD_INCOMPATIBLE_FEATURES = 72, /* version 3 */
	QCOW2_FIELD_AUTOCLEAR_FEATURES = 88,    /* version 3 */
};

/* Whether a file that begins so says that it is qcow2. */
bool qcow2_header_probe(const void *bytes, size_t length);

/*
 * Parses the start of a file: QCOW2_HEADER_READ bytes of it, or all when it is shorter. Dirty and
 * corrupt images parse; everything that would be read wrong is refused.
 */
enum image_problem qcow2_header_parse(const void *bytes, size_t length, uint64_t file_size,
				      struct qcow2_header *ret_header);

/*
 * The bytes of the first cluster, which has room for size bytes. What is in the header is not
 * checked. 0, or -ENAMETOOLONG when the name of the backing file does not fit.
 */
int qcow2_header_write(const struct qcow2_header *header, uint8_t *bytes, size_t size);

static inline uint64_t qcow2_header_cluster_size(const struct qcow2_header *header)
{
	return (uint64_t)1 << header->cluster_bits;
}

/* As a power of two, the entries of an L2 table. */
static inline unsigned int qcow2_header_l2_bits(const struct qcow2_header *header)
{
	return header->cluster_bits - (header->incompatible_features & QCOW2_EXTENDED_L2 ? 4 : 3);
}
