/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk whose bytes are in several files: a qcow2 image, the raw or qcow2 image that it builds on,
 * and so on. What is where is told by tables, of which each image holds a bounded part in memory
 * (image/qcow2-metadata.h); the rest is read when it is wanted, and whoever wants it waits in a
 * list meanwhile. Data goes to and from the guest's memory without a copy.
 *
 * Nothing here waits for a file, except: a refcount table that is moved, the mark in an image whose
 * tables are broken (both rare: two writes of fdatasync()), and what is only called when the disk
 * is drained. One compressed cluster (2 MiB at most) is decompressed at a time.
 *
 * Main thread, device lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/block-transfer.h"
#include "image/image-problem.h"

enum { LAYERED_DISK_MAX_LAYERS = 64 };

struct block_transfers;
struct layered_disk;

struct block_layer {
	int fd;
	bool qcow2; /* else raw, which nothing is below */
};

/* Why a layer cannot be used, counted from the top. */
struct block_layer_problem {
	unsigned int layer;
	enum image_problem problem;
	int error; /* negative errno with IMAGE_SYSTEM_ERROR */
};

/* What shall be done with a range of the disk; stays until it completes. */
struct layered_operation {
	enum block_operation operation;
	uint64_t offset, length;
	const struct iovec *iov;
	unsigned int iov_count;
	/*
	 * 0 or negative errno; -EUCLEAN: tables are broken. Never called from
	 * layered_disk_start().
	 */
	void (*complete)(struct layered_operation *operation, int result);
	/* private */
	struct layered_operation *next;
	int (*step)(struct layered_disk *disk, struct layered_operation *operation);
	struct layered_disk *disk;
	uint64_t position;    /* as far as it has been started */
	unsigned int pending; /* parts under way */
	int error;
	bool started; /* wholly */
	unsigned int epoch;
	struct block_transfer transfer; /* where one is enough */
};

/*
 * The descriptors are taken over in any case; transfers is borrowed. 0, or -EINVAL with
 * *ret_problem.
 */
int layered_disk_create(const struct block_layer *layers, unsigned int count, bool read_only,
			struct block_transfers *transfers, struct block_layer_problem *ret_problem,
			struct layered_disk **ret_disk);
/* Idle. What is only in memory is written first, if that is possible. */
void layered_disk_destroy(struct layered_disk *disk);

uint64_t layered_disk_size(const struct layered_disk *disk);

/* True: call layered_disk_run() soon. */
bool layered_disk_start(struct layered_disk *disk, struct layered_operation *operation);
/* Goes on with what waits: after transfers have completed. True: it shall be called again soon. */
bool layered_disk_run(struct layered_disk *disk);
/* Nothing is started and not completed. */
bool layered_disk_is_idle(const struct layered_disk *disk);
/* The layer below the top has been written to: the next flush stores that, too. */
void layered_disk_sync_lower(struct layered_disk *disk);

/* The following want an idle disk and wait for files. 0 or negative errno. */

/* Writes what is only in memory. */
int layered_disk_flush(struct layered_disk *disk);
int layered_disk_grow(struct layered_disk *disk, uint64_t size);
/* fd is taken over if this succeeds. -EINVAL with *ret_problem, or -EMFILE. */
int layered_disk_push(struct layered_disk *disk, int fd, struct block_layer_problem *ret_problem);
/* The top goes, unless it is the only one. */
void layered_disk_pop(struct layered_disk *disk);
int layered_disk_top_fd(const struct layered_disk *disk);
unsigned int layered_disk_length(const struct layered_disk *disk);
