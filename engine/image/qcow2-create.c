/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-create.h. In the file: header, refcount table, refcount blocks, L1 table.
 */
#include "image/qcow2-create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "image/qcow2-refcount.h"

enum {
	SECTOR_SIZE = 512,
	REFCOUNT_ORDER = 4,
};

struct plan {
	struct qcow2_header header;
	uint64_t cluster_size;
	uint64_t blocks; /* of refcounts */
	uint64_t first_block;
	uint64_t clusters; /* of the file */
};

static uint64_t divide_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

static bool copy_text(char *text, size_t size, const char *from)
{
	return !from || (size_t)snprintf(text, size, "%s", from) < size;
}

static int fill_header(struct qcow2_header *header, const struct qcow2_create_options *options)
{
	*header = (struct qcow2_header){
		.version = options->version,
		.cluster_bits = options->cluster_bits,
		.virtual_size = options->virtual_size,
		.refcount_order = REFCOUNT_ORDER,
		.compression = options->compression,
	};
	if (options->cluster_bits < QCOW2_MIN_CLUSTER_BITS ||
	    options->cluster_bits > QCOW2_MAX_CLUSTER_BITS || options->virtual_size == 0 ||
	    options->virtual_size % SECTOR_SIZE || options->virtual_size > INT64_MAX)
		return -EINVAL;
	if (options->extended_l2)
		header->incompatible_features |= QCOW2_EXTENDED_L2;
	if (options->compression != QCOW2_ZLIB)
		header->incompatible_features |= QCOW2_COMPRESSION_TYPE;
	if (options->version < 3 && header->incompatible_features)
		return -EINVAL;
	if (!copy_text(header->backing_file, sizeof(header->backing_file), options->backing_file) ||
	    !copy_text(header->backing_format, sizeof(header->backing_format),
		       options->backing_format))
		return -EINVAL;
	return 0;
}

static int make_plan(struct plan *plan, const struct qcow2_create_options *options)
{
	struct qcow2_header *header = &plan->header;
	uint64_t per_block, l1_entries, l1_clusters, table_clusters, clusters;
	int r = fill_header(header, options);

	if (r < 0)
		return r;
	plan->cluster_size = qcow2_header_cluster_size(header);
	per_block = plan->cluster_size * 8 >> REFCOUNT_ORDER;
	l1_entries =
		divide_up(header->virtual_size, plan->cluster_size << qcow2_header_l2_bits(header));
	if (l1_entries > QCOW2_MAX_L1_BYTES / 8)
		return -EFBIG;
	l1_clusters = divide_up(l1_entries * 8, plan->cluster_size);

	/* The blocks count themselves and the table that names them, too. */
	plan->blocks = 0;
	do {
		plan->blocks++;
		table_clusters = divide_up(plan->blocks * 8, plan->cluster_size);
		clusters = 1 + table_clusters + plan->blocks + l1_clusters;
	} while (plan->blocks * per_block < clusters);

	plan->clusters = clusters;
	plan->first_block = 1 + table_clusters;
	header->refcount_table_offset = plan->cluster_size;
	header->refcount_table_clusters = (uint32_t)table_clusters;
	header->l1_size = (uint32_t)l1_entries;
	header->l1_offset = (plan->first_block + plan->blocks) * plan->cluster_size;
	return 0;
}

static int write_blocks(int fd, const struct plan *plan, uint8_t *cluster)
{
	uint64_t per_block = plan->cluster_size * 8 >> REFCOUNT_ORDER;
	uint8_t entry[8];

	for (uint64_t i = 0; i < plan->blocks; i++) {
		uint64_t offset = (plan->first_block + i) * plan->cluster_size;
		int r;

		memset(cluster, 0, (size_t)plan->cluster_size);
		for (uint64_t j = 0; j < per_block && i * per_block + j < plan->clusters; j++)
			qcow2_refcount_store(cluster, j, REFCOUNT_ORDER, 1);
		r = fd_write_at(fd, cluster, (size_t)plan->cluster_size, offset);
		if (r < 0)
			return r;
		store_be64(entry, offset);
		r = fd_write_at(fd, entry, sizeof(entry),
				plan->header.refcount_table_offset + i * 8);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What is written is what would be read. */
static int write_header(int fd, const struct plan *plan, uint8_t *cluster)
{
	size_t size = (size_t)plan->cluster_size;
	struct qcow2_header read_back;
	int r = qcow2_header_write(&plan->header, cluster, size);

	if (r < 0)
		return r;
	if (qcow2_header_parse(cluster, size < QCOW2_HEADER_READ ? size : QCOW2_HEADER_READ,
			       plan->clusters * plan->cluster_size, &read_back) != IMAGE_GOOD)
		return -EINVAL;
	r = fd_write_at(fd, cluster, size, 0);
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int qcow2_create(int fd, const struct qcow2_create_options *options)
{
	struct plan plan;
	uint8_t *cluster;
	int r = make_plan(&plan, options);

	if (r < 0)
		return r;
	cluster = malloc((size_t)plan.cluster_size);
	if (!cluster)
		return -ENOMEM;
	if (ftruncate(fd, (off_t)(plan.clusters * plan.cluster_size)) < 0)
		r = -errno;
	if (r == 0)
		r = write_blocks(fd, &plan, cluster);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = write_header(fd, &plan, cluster);
	free(cluster);
	return r;
}
