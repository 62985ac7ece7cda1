/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How often each cluster of a qcow2 image is used (QEMU, docs/interop/qcow2.txt, "Host cluster
 * management"): counting, finding free clusters, and giving clusters back once it is safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/qcow2-tables.h"

struct qcow2_header;
struct qcow2_layout;

struct qcow2_refcounts {
	int fd;                      /* borrowed */
	struct qcow2_header *header; /* borrowed; where the table is changes */
	struct qcow2_layout *layout; /* borrowed; grows with the file */
	unsigned int order;
	unsigned int block_bits; /* refcounts in a block, as a power of two */
	uint8_t *table;          /* as it shall be in the file */
	uint64_t table_entries;
	bool table_dirty;
	struct qcow2_tables blocks;
	uint64_t first_free; /* no cluster below this index is free */

	/* Offsets of clusters with one user less as soon as that is stored. */
	uint64_t *released;
	size_t released_count, released_room;
};

/* A refcount of 1 << order bits in a block, and its change. Pure. */
uint64_t qcow2_refcount_load(const uint8_t *block, uint64_t index, unsigned int order);
void qcow2_refcount_store(uint8_t *block, uint64_t index, unsigned int order, uint64_t count);

/* 0 or negative errno; finish in either case. */
int qcow2_refcounts_init(struct qcow2_refcounts *refcounts, int fd, struct qcow2_header *header,
			 struct qcow2_layout *layout);
/* A zeroed struct is accepted. */
void qcow2_refcounts_finish(struct qcow2_refcounts *refcounts);

/* Of the cluster at that index. 0 or negative errno: -EUCLEAN when the table is broken. */
int qcow2_refcounts_get(struct qcow2_refcounts *refcounts, uint64_t cluster, uint64_t *ret_count);

/* 0 or negative errno as above; the cluster is one that a block counts. */
int qcow2_refcounts_set(struct qcow2_refcounts *refcounts, uint64_t cluster, uint64_t count);

/* A free cluster, which has one user now; its bytes are anything. 0 or negative errno. */
int qcow2_refcounts_allocate(struct qcow2_refcounts *refcounts, uint64_t *ret_host_offset);

/* The same for one or more in a row. */
int qcow2_refcounts_allocate_up_to(struct qcow2_refcounts *refcounts, uint64_t wanted,
				   uint64_t *ret_host_offset, uint64_t *ret_count);
/* The same for so many clusters in a row, at the end of the file. */
int qcow2_refcounts_allocate_run(struct qcow2_refcounts *refcounts, uint64_t count,
				 uint64_t *ret_host_offset);

/* One user less of the cluster with this offset in it, from the next apply on. 0 or -ENOMEM. */
int qcow2_refcounts_release(struct qcow2_refcounts *refcounts, uint64_t host_offset);
/* Nothing in the file uses what was released. 0 or negative errno. */
int qcow2_refcounts_apply_released(struct qcow2_refcounts *refcounts);

/* Every count is in the file, and so is whatever else was written to it. 0 or negative errno. */
int qcow2_refcounts_store(struct qcow2_refcounts *refcounts);
