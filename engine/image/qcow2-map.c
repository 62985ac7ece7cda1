/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-map.h.
 */
#include "image/qcow2-map.h"

#include <errno.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "image/qcow2-header.h"

enum {
	SUBCLUSTER_BITS = 5,
	SECTOR_SIZE = 512,
};

void qcow2_layout_init(struct qcow2_layout *layout, const struct qcow2_header *header,
		       uint64_t file_size)
{
	bool extended = header->incompatible_features & QCOW2_EXTENDED_L2;
	uint64_t cluster_size = qcow2_header_cluster_size(header);

	*layout = (struct qcow2_layout){
		.version = header->version,
		.cluster_bits = header->cluster_bits,
		.subcluster_bits = header->cluster_bits - (extended ? SUBCLUSTER_BITS : 0),
		.l2_bits = qcow2_header_l2_bits(header),
		.l2_entry_size = extended ? 16 : 8,
		.cluster_size = cluster_size,
		.virtual_size = header->virtual_size,
		.file_size = file_size,
		.reserved =
			{
				{0, cluster_size},
				{header->l1_offset, (uint64_t)header->l1_size * 8},
				{header->refcount_table_offset,
				 header->refcount_table_clusters * cluster_size},
			},
	};
}

static bool is_reserved(const struct qcow2_layout *layout, struct qcow2_range range)
{
	for (unsigned int i = 0; i < QCOW2_RESERVED_RANGES; i++) {
		const struct qcow2_range *other = &layout->reserved[i];

		if (range.offset < other->offset + other->length &&
		    other->offset < range.offset + range.length)
			return true;
	}
	return false;
}

bool qcow2_layout_has_cluster(const struct qcow2_layout *layout, uint64_t host_offset)
{
	/* The last cluster of a file may be cut: the rest of it was never written. */
	return (host_offset & (layout->cluster_size - 1)) == 0 && host_offset < layout->file_size &&
	       !is_reserved(layout, (struct qcow2_range){host_offset, layout->cluster_size});
}

uint64_t qcow2_map_l1_index(const struct qcow2_layout *layout, uint64_t guest_offset)
{
	return guest_offset >> (layout->cluster_bits + layout->l2_bits);
}

uint64_t qcow2_map_l2_index(const struct qcow2_layout *layout, uint64_t guest_offset)
{
	return (guest_offset >> layout->cluster_bits) & (((uint64_t)1 << layout->l2_bits) - 1);
}

static int map_cluster(const struct qcow2_layout *layout, uint64_t entry, uint64_t *ret_offset)
{
	uint64_t offset = entry & QCOW2_ENTRY_OFFSET_MASK;

	if (offset != 0 && !qcow2_layout_has_cluster(layout, offset))
		return -EUCLEAN;
	*ret_offset = offset;
	return 0;
}

int qcow2_map_l1_entry(const struct qcow2_layout *layout, uint64_t entry, uint64_t *ret_l2_offset)
{
	return map_cluster(layout, entry, ret_l2_offset);
}

int qcow2_map_data_cluster(const struct qcow2_layout *layout, uint64_t descriptor,
			   uint64_t *ret_host_offset)
{
	return map_cluster(layout, descriptor, ret_host_offset);
}

struct qcow2_l2_entry qcow2_map_load(const struct qcow2_layout *layout, const uint8_t *l2_table,
				     uint64_t index)
{
	const uint8_t *at = l2_table + index * layout->l2_entry_size;
	struct qcow2_l2_entry entry = {.descriptor = load_be64(at)};

	if (qcow2_layout_extended(layout))
		entry.bitmap = load_be64(at + 8);
	return entry;
}

void qcow2_map_store(const struct qcow2_layout *layout, uint8_t *l2_table, uint64_t index,
		     struct qcow2_l2_entry entry)
{
	uint8_t *at = l2_table + index * layout->l2_entry_size;

	store_be64(at, entry.descriptor);
	if (qcow2_layout_extended(layout))
		store_be64(at + 8, entry.bitmap);
}

int qcow2_map_compressed(const struct qcow2_layout *layout, uint64_t descriptor,
			 struct qcow2_range *ret_range)
{
	unsigned int offset_bits = 62 - (layout->cluster_bits - 8);
	uint64_t offset = descriptor & (((uint64_t)1 << offset_bits) - 1);
	uint64_t sectors =
		((descriptor & ~(QCOW2_ENTRY_COPIED | QCOW2_ENTRY_COMPRESSED)) >> offset_bits) + 1;
	struct qcow2_range range = {offset, sectors * SECTOR_SIZE - offset % SECTOR_SIZE};

	if (offset >= layout->file_size || is_reserved(layout, range))
		return -EUCLEAN;
	*ret_range = range;
	return 0;
}

static int map_compressed(const struct qcow2_layout *layout, uint64_t descriptor,
			  struct qcow2_mapping *mapping)
{
	struct qcow2_range range;
	int r = qcow2_map_compressed(layout, descriptor, &range);

	if (r < 0)
		return r;
	/* The sectors are counted whole even where the file ends within the last one. */
	if (range.length > layout->file_size - range.offset)
		range.length = layout->file_size - range.offset;
	mapping->type = QCOW2_COMPRESSED;
	mapping->host_offset = range.offset;
	mapping->host_length = (uint32_t)range.length;
	return 0;
}

static int plain_type(const struct qcow2_layout *layout, uint64_t descriptor, uint64_t data,
		      enum qcow2_mapping_type *ret_type)
{
	if (descriptor & QCOW2_ENTRY_ZERO && layout->version >= 3)
		*ret_type = QCOW2_ZEROES;
	else
		*ret_type = data ? QCOW2_DATA : QCOW2_UNALLOCATED;
	return 0;
}

static int subcluster_type(const struct qcow2_layout *layout, uint64_t bitmap, uint64_t data,
			   uint64_t offset_in_cluster, enum qcow2_mapping_type *ret_type)
{
	unsigned int index = (unsigned int)(offset_in_cluster >> layout->subcluster_bits);
	bool allocated = bitmap >> index & 1;
	bool zero = bitmap >> (index + QCOW2_SUBCLUSTERS) & 1;

	if (allocated && (zero || !data))
		return -EUCLEAN;
	*ret_type = zero ? QCOW2_ZEROES : allocated ? QCOW2_DATA : QCOW2_UNALLOCATED;
	return 0;
}

int qcow2_map_l2_entry(const struct qcow2_layout *layout, struct qcow2_l2_entry entry,
		       uint64_t guest_offset, struct qcow2_mapping *ret_mapping)
{
	uint64_t in_cluster = guest_offset & (layout->cluster_size - 1);
	uint64_t unit = (uint64_t)1 << layout->subcluster_bits;
	struct qcow2_mapping mapping = {.length = unit - (guest_offset & (unit - 1))};
	uint64_t data;
	int r;

	if (entry.descriptor & QCOW2_ENTRY_COMPRESSED) {
		mapping.length = layout->cluster_size - in_cluster;
		r = map_compressed(layout, entry.descriptor, &mapping);
		if (r < 0)
			return r;
		*ret_mapping = mapping;
		return 0;
	}

	r = qcow2_map_data_cluster(layout, entry.descriptor, &data);
	if (r < 0)
		return r;
	r = qcow2_layout_extended(layout)
		    ? subcluster_type(layout, entry.bitmap, data, in_cluster, &mapping.type)
		    : plain_type(layout, entry.descriptor, data, &mapping.type);
	if (r < 0)
		return r;
	if (mapping.type == QCOW2_DATA)
		mapping.host_offset = data + in_cluster;
	*ret_mapping = mapping;
	return 0;
}
