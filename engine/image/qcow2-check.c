/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-check.h. Every use of a cluster is counted in memory, then compared.
 */
#include "image/qcow2-check.h"

#include <errno.h>
#include <stdlib.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "image/image-file.h"
#include "image/qcow2-header.h"
#include "image/qcow2-image.h"
#include "image/qcow2-map.h"
#include "image/qcow2-refcount.h"

enum {
	MAX_CLUSTERS = 1 << 28, /* a GiB of counts */

	/* of an entry of the snapshot table */
	SNAPSHOT_L1_SIZE = 8,
	SNAPSHOT_ID_LENGTH = 12,
	SNAPSHOT_NAME_LENGTH = 14,
	SNAPSHOT_EXTRA_LENGTH = 36,
	SNAPSHOT_HEADER = 40,

	AUTOCLEAR_BITMAPS = 1 << 0,
};

struct check {
	int fd;
	struct qcow2_header header;
	struct qcow2_layout layout;
	struct qcow2_refcounts refcounts;
	struct qcow2_check_report report;
	uint32_t *uses; /* of each cluster of the file */
	uint64_t clusters;
	uint8_t *l1_part, *l2_table; /* a cluster each */
	uint64_t l1_left; /* bytes; more of snapshots than the file has: some come twice */
};

/* A table of L1 entries: the active one, or a snapshot's. */
struct l1_table {
	uint64_t offset;
	uint64_t entries;
	bool active;
	uint64_t l2_left; /* more tables than clusters: some come twice */
};

static void count_use(struct check *check, uint64_t cluster)
{
	if (cluster >= check->clusters)
		check->report.corruptions++;
	else if (check->uses[cluster] < UINT32_MAX)
		check->uses[cluster]++;
}

static void count_range(struct check *check, uint64_t offset, uint64_t length)
{
	unsigned int bits = check->layout.cluster_bits;

	if (length == 0)
		return;
	for (uint64_t i = offset >> bits; i <= (offset + length - 1) >> bits; i++)
		count_use(check, i);
}

/* The flag of an entry of the active tables says whether the count is 1. */
static int check_copied(struct check *check, uint64_t entry, uint64_t host_offset)
{
	uint64_t count;
	int r = qcow2_refcounts_get(&check->refcounts, host_offset >> check->layout.cluster_bits,
				    &count);

	if (r == -EUCLEAN)
		return 0; /* is found where blocks are counted */
	if (r == 0 && !!(entry & QCOW2_ENTRY_COPIED) != (count == 1))
		check->report.corruptions++;
	return r;
}

static void check_compressed(struct check *check, uint64_t descriptor)
{
	struct qcow2_range range;

	if (descriptor & QCOW2_ENTRY_COPIED ||
	    qcow2_map_compressed(&check->layout, descriptor, &range) < 0) {
		check->report.corruptions++;
		return;
	}
	count_range(check, range.offset, range.length);
}

static int check_l2_entry(struct check *check, struct qcow2_l2_entry entry, bool active)
{
	uint64_t both = entry.bitmap & entry.bitmap >> QCOW2_SUBCLUSTERS, host;

	if (entry.descriptor & QCOW2_ENTRY_COMPRESSED) {
		check_compressed(check, entry.descriptor);
		return 0;
	}
	if (qcow2_map_data_cluster(&check->layout, entry.descriptor, &host) < 0 || both != 0 ||
	    (host == 0 && (uint32_t)entry.bitmap != 0)) {
		check->report.corruptions++;
		return 0;
	}
	if (host == 0)
		return 0;
	count_use(check, host >> check->layout.cluster_bits);
	return active ? check_copied(check, entry.descriptor, host) : 0;
}

static int check_l2_table(struct check *check, uint64_t offset, bool active)
{
	int r = image_file_read(check->fd, check->l2_table, (size_t)check->layout.cluster_size,
				offset);

	for (uint64_t i = 0; r == 0 && i < (uint64_t)1 << check->layout.l2_bits; i++)
		r = check_l2_entry(check, qcow2_map_load(&check->layout, check->l2_table, i),
				   active);
	return r;
}

static int check_l1_entry(struct check *check, struct l1_table *table, uint64_t entry)
{
	uint64_t offset;
	int r;

	if (qcow2_map_l1_entry(&check->layout, entry, &offset) < 0) {
		check->report.corruptions++;
		return 0;
	}
	if (offset == 0)
		return 0;
	if (table->l2_left == 0) {
		check->report.corruptions++;
		return 0;
	}
	table->l2_left--;
	count_use(check, offset >> check->layout.cluster_bits);
	r = table->active ? check_copied(check, entry, offset) : 0;
	return r == 0 ? check_l2_table(check, offset, table->active) : r;
}

static int check_l1_table(struct check *check, uint64_t offset, uint64_t entries, bool active)
{
	struct l1_table table = {offset, entries, active, check->clusters};
	uint64_t per_cluster = check->layout.cluster_size / 8;

	count_range(check, offset, entries * 8);
	for (uint64_t i = 0; i < entries; i++) {
		int r = 0;

		if (i % per_cluster == 0)
			r = image_file_read(check->fd, check->l1_part,
					    (size_t)check->layout.cluster_size, offset + i * 8);
		if (r == 0)
			r = check_l1_entry(check, &table,
					   load_be64(check->l1_part + i % per_cluster * 8));
		if (r < 0)
			return r;
	}
	return 0;
}

/* One entry of the snapshot table; *at moves behind it. */
static int check_snapshot(struct check *check, uint64_t *at, bool *ret_broken)
{
	uint64_t cluster_size = check->layout.cluster_size, file_size = check->layout.file_size;
	uint8_t start[SNAPSHOT_HEADER];
	uint64_t l1_offset, l1_size, length;
	int r;

	*ret_broken = !range_fits(*at, SNAPSHOT_HEADER, file_size);
	if (*ret_broken)
		return 0;
	r = image_file_read(check->fd, start, sizeof(start), *at);
	if (r < 0)
		return r;
	l1_offset = load_be64(start);
	l1_size = load_be32(start + SNAPSHOT_L1_SIZE);
	length = SNAPSHOT_HEADER + (uint64_t)load_be32(start + SNAPSHOT_EXTRA_LENGTH) +
		 load_be16(start + SNAPSHOT_ID_LENGTH) + load_be16(start + SNAPSHOT_NAME_LENGTH);
	*at += (length + 7) & ~(uint64_t)7;
	*ret_broken = l1_offset % cluster_size || l1_size > QCOW2_MAX_L1_BYTES / 8 ||
		      !range_fits(l1_offset, l1_size * 8, file_size) ||
		      l1_size * 8 > check->l1_left;
	if (*ret_broken)
		return 0;
	check->l1_left -= l1_size * 8;
	return check_l1_table(check, l1_offset, l1_size, false);
}

static int check_snapshots(struct check *check)
{
	uint64_t at = check->header.snapshots_offset;

	for (uint32_t i = 0; i < check->header.snapshot_count; i++) {
		bool broken;
		int r = check_snapshot(check, &at, &broken);

		if (r < 0)
			return r;
		if (broken) {
			check->report.corruptions++;
			return 0;
		}
	}
	if (check->header.snapshot_count > 0)
		count_range(check, check->header.snapshots_offset,
			    at - check->header.snapshots_offset);
	return 0;
}

static void count_blocks(struct check *check)
{
	for (uint64_t i = 0; i < check->refcounts.table_entries; i++) {
		uint64_t offset = load_be64(check->refcounts.table + i * 8);

		if (offset == 0)
			continue;
		if (!qcow2_layout_has_cluster(&check->layout, offset))
			check->report.corruptions++;
		else
			count_use(check, offset >> check->layout.cluster_bits);
	}
}

static int compare(struct check *check)
{
	struct qcow2_check_report *report = &check->report;

	report->leaks_unknown = check->header.autoclear_features & AUTOCLEAR_BITMAPS;
	for (uint64_t i = 0; i < check->clusters; i++) {
		uint64_t count;
		int r = qcow2_refcounts_get(&check->refcounts, i, &count);

		if (r == -EUCLEAN)
			count = 0; /* by a block that was counted as broken */
		else if (r < 0)
			return r;
		if (count < check->uses[i])
			report->corruptions++;
		else if (count > check->uses[i] && !report->leaks_unknown)
			report->leaks++;
		if (check->uses[i] > 0)
			report->clusters_used++;
	}
	return 0;
}

static int init_check(struct check *check)
{
	uint64_t file_size;
	int r = image_file_size(check->fd, &file_size);

	if (r < 0)
		return r;
	qcow2_layout_init(&check->layout, &check->header, file_size);
	check->l1_left = file_size;
	check->clusters = file_size / check->layout.cluster_size + 1;
	if (file_size % check->layout.cluster_size == 0)
		check->clusters--;
	if (check->clusters > MAX_CLUSTERS)
		return -EFBIG;
	check->uses = calloc((size_t)check->clusters, sizeof(*check->uses));
	check->l1_part = malloc((size_t)check->layout.cluster_size);
	check->l2_table = malloc((size_t)check->layout.cluster_size);
	if (!check->uses || !check->l1_part || !check->l2_table)
		return -ENOMEM;
	return qcow2_refcounts_init(&check->refcounts, check->fd, &check->header, &check->layout);
}

static int run_check(struct check *check)
{
	const struct qcow2_header *header = &check->header;
	int r = init_check(check);

	if (r < 0)
		return r;
	count_use(check, 0);
	count_range(check, header->refcount_table_offset, check->refcounts.table_entries * 8);
	count_blocks(check);
	r = check_l1_table(check, header->l1_offset, header->l1_size, true);
	if (r == 0)
		r = check_snapshots(check);
	return r == 0 ? compare(check) : r;
}

enum image_problem qcow2_check(int fd, struct qcow2_check_report *ret_report, int *ret_error)
{
	struct check check = {.fd = fd};
	enum image_problem problem = qcow2_image_read_header(fd, &check.header, ret_error);
	int r;

	if (problem != IMAGE_GOOD)
		return problem;
	r = run_check(&check);
	qcow2_refcounts_finish(&check.refcounts);
	free(check.uses);
	free(check.l1_part);
	free(check.l2_table);
	if (r < 0) {
		*ret_error = r;
		return IMAGE_SYSTEM_ERROR;
	}
	*ret_report = check.report;
	return IMAGE_GOOD;
}
