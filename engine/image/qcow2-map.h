/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the bytes of a qcow2 image are: what its L1 and L2 entries mean (QEMU,
 * docs/interop/qcow2.txt, "Cluster mapping"). Pure. Every entry is checked against the layout
 * before anything is read or written where it points.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct qcow2_header;

#define QCOW2_ENTRY_COPIED      ((uint64_t)1 << 63) /* refcount 1: may be written in place */
#define QCOW2_ENTRY_COMPRESSED  ((uint64_t)1 << 62)
#define QCOW2_ENTRY_ZERO        ((uint64_t)1 << 0) /* without subclusters, version 3 */
#define QCOW2_ENTRY_OFFSET_MASK (((uint64_t)1 << 56) - 512)

enum {
	QCOW2_SUBCLUSTERS = 32,
	QCOW2_RESERVED_HEADER = 0,
	QCOW2_RESERVED_L1,
	QCOW2_RESERVED_REFCOUNT_TABLE,
	QCOW2_RESERVED_RANGES,
};

#define QCOW2_ALL_ZERO ((uint64_t)UINT32_MAX << 32) /* in the bitmap */

struct qcow2_range {
	uint64_t offset, length;
};

struct qcow2_layout {
	unsigned int version;
	unsigned int cluster_bits;
	unsigned int subcluster_bits; /* cluster_bits when there are none */
	unsigned int l2_bits;
	unsigned int l2_entry_size; /* bytes: 8, with subclusters 16 */
	uint64_t cluster_size;
	uint64_t virtual_size;
	uint64_t file_size;
	/* Header, L1 table and refcount table: no entry may point there. */
	struct qcow2_range reserved[QCOW2_RESERVED_RANGES];
};

enum qcow2_mapping_type {
	QCOW2_UNALLOCATED, /* the backing file's, or zero */
	QCOW2_ZEROES,
	QCOW2_DATA,
	QCOW2_COMPRESSED,
};

struct qcow2_l2_entry {
	uint64_t descriptor;
	uint64_t bitmap; /* of subclusters: allocated below, zero above; 0 without */
};

struct qcow2_mapping {
	enum qcow2_mapping_type type;
	/* DATA: of the byte asked for. COMPRESSED: of the compressed data. Otherwise 0. */
	uint64_t host_offset;
	uint32_t host_length; /* COMPRESSED: at most so many bytes; inside the file */
	uint64_t length;      /* bytes from the one asked for that this holds for; not 0 */
};

void qcow2_layout_init(struct qcow2_layout *layout, const struct qcow2_header *header,
		       uint64_t file_size);

static inline bool qcow2_layout_extended(const struct qcow2_layout *layout)
{
	return layout->subcluster_bits != layout->cluster_bits;
}

/* Whether a cluster of the image may begin there. */
bool qcow2_layout_has_cluster(const struct qcow2_layout *layout, uint64_t host_offset);

uint64_t qcow2_map_l1_index(const struct qcow2_layout *layout, uint64_t guest_offset);
uint64_t qcow2_map_l2_index(const struct qcow2_layout *layout, uint64_t guest_offset);

/* Where the L2 table of an L1 entry is; 0: there is none. 0 or -EUCLEAN. */
int qcow2_map_l1_entry(const struct qcow2_layout *layout, uint64_t entry, uint64_t *ret_l2_offset);

/* From and to the bytes of a table of the layout's cluster size. */
struct qcow2_l2_entry qcow2_map_load(const struct qcow2_layout *layout, const uint8_t *l2_table,
				     uint64_t index);

void qcow2_map_store(const struct qcow2_layout *layout, uint8_t *l2_table, uint64_t index,
		     struct qcow2_l2_entry entry);

/* The data cluster of an entry that is not compressed, 0: none. 0 or -EUCLEAN. */
int qcow2_map_data_cluster(const struct qcow2_layout *layout, uint64_t descriptor,
			   uint64_t *ret_host_offset);
/* The compressed data of such an entry: in the file, where it begins there. 0 or -EUCLEAN. */
int qcow2_map_compressed(const struct qcow2_layout *layout, uint64_t descriptor,
			 struct qcow2_range *ret_range);

/* What the entry of guest_offset's cluster says about it. 0 or -EUCLEAN. */
int qcow2_map_l2_entry(const struct qcow2_layout *layout, struct qcow2_l2_entry entry,
		       uint64_t guest_offset, struct qcow2_mapping *ret_mapping);
