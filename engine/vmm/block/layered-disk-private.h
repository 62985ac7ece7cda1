/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk of several layers, for the sources that work on one.
 *
 * An operation is taken as far as possible by its step; what it still needs, it waits for in one of
 * two lists, and its step goes on from there. Steps return 0 when everything of it is under way,
 * -EAGAIN to be called again when something has completed, -EBUSY when tables have to be stored
 * first, or another negative errno.
 */
#pragma once

#include <stddef.h>

#include "block/block-transfers.h"
#include "block/layered-disk.h"
#include "image/qcow2-metadata.h"

struct layer {
	struct qcow2_image *image; /* which has the descriptor; NULL for raw */
	int fd;                    /* of either */
	uint64_t size;
};

struct operation_list {
	struct layered_operation *first, *last;
};

/* Clusters that are being allocated: nothing else may change what is there. */
struct allocation;

struct offsets {
	uint64_t *at;
	size_t count;
};

struct store;
struct give_back;

struct layered_disk {
	struct block_transfers *transfers;
	unsigned int layer_count;
	struct layer layers[LAYERED_DISK_MAX_LAYERS]; /* the top first */
	bool read_only;
	bool corrupt;          /* the top: its tables stay as they are */
	bool lower_unsynced;   /* what is below the top is in its file, but may not be stored */
	bool starting;         /* inside layered_disk_start() */
	bool again;            /* something waits that nothing will wake */
	unsigned int active;   /* operations that have not completed */
	unsigned int epoch;    /* 0 or 1 */
	unsigned int parts[2]; /* transfers of data under way, by the epoch they were started in */
	size_t compressed;     /* bytes that are held to be decompressed */
	size_t filled;         /* and to be put around the guest's in new clusters */
	struct operation_list waiting, waiting_for_store;
	struct allocation *allocations;
	struct store *store;
	struct give_back *give_back;
};

/* What some bytes of the disk are. */
enum extent_kind {
	EXTENT_ZERO,
	EXTENT_DATA,
	EXTENT_COMPRESSED,
};

struct extent {
	enum extent_kind kind;
	const struct layer *layer;
	uint64_t offset;      /* in its file, of data or of the compressed cluster */
	uint32_t host_length; /* of the latter */
	uint64_t length;      /* bytes of the disk, not 0 */
};

/* Of either kind of bytes above; one that is larger by itself is held alone. */
enum { LAYERED_MAX_BUFFERED = 16 << 20 };

/* Zeroes to write from. */
extern const char layered_zeroes[];
enum { LAYERED_ZEROES_SIZE = 256 << 10 };

/* layered-disk.c */

static inline struct layered_operation *layered_operation_of(struct block_transfer *transfer)
{
	return (void *)((char *)transfer - offsetof(struct layered_operation, transfer));
}

static inline struct qcow2_image *layered_disk_top(const struct layered_disk *disk)
{
	return disk->layers[0].image;
}

/* As layered_disk_start(), for operations of our own, which may complete at once. */
void layered_begin(struct layered_disk *disk, struct layered_operation *operation);
/* Something of the operation is under way, and has ended. */
void layered_part_begins(struct layered_operation *operation);
void layered_part_ends(struct layered_disk *disk, struct layered_operation *operation, int result);
/* Waiting operations that a store served: they go on, or end with the error. */
void layered_serve(struct layered_disk *disk, struct operation_list *list, int result);
void layered_append(struct operation_list *list, struct layered_operation *operation);

/* Reads or writes a part of the operation's bytes, where they are in a file. 0 or -ENOMEM. */
int layered_transfer(struct layered_disk *disk, struct layered_operation *operation,
		     const struct layer *layer, uint64_t offset, uint64_t length);

/* layered-read.c */

int layered_read(struct layered_disk *disk, struct layered_operation *operation);
/* As steps; at most length bytes from offset on, which may be behind the end of the disk. */
int layered_locate(struct layered_disk *disk, uint64_t offset, uint64_t length,
		   struct extent *ret_extent);

/* layered-write.c */

int layered_write(struct layered_disk *disk, struct layered_operation *operation);

/* layered-allocate.c */

/* Begins to write some of the operation's bytes from its position on, of which piece is the first,
 * where that takes new clusters or changes of tables. As steps; moves the position. */
int layered_allocate(struct layered_disk *disk, struct layered_operation *operation,
		     const struct qcow2_piece *piece);
/* Whether clusters of that range are being allocated. */
bool layered_is_allocating(const struct layered_disk *disk, uint64_t offset, uint64_t length);

/* layered-erase.c */

int layered_erase(struct layered_disk *disk, struct layered_operation *operation);

/* layered-store.c */

int layered_flush(struct layered_disk *disk, struct layered_operation *operation);
/* 0 or -ENOMEM. */
int layered_store_create(struct layered_disk *disk);
void layered_store_destroy(struct layered_disk *disk);
bool layered_store_is_running(const struct layered_disk *disk);
/* Whether any table has changed that is not being stored. */
bool layered_store_is_needed(const struct layered_disk *disk);
/* Stores tables, if that is not going on already: to make room in time. */
void layered_store_begin(struct layered_disk *disk);
/* Before a change: 0, or -EBUSY. */
int layered_store_room(struct layered_disk *disk);

/* layered-give-back.c */

int layered_give_back_create(struct layered_disk *disk);
void layered_give_back_destroy(struct layered_disk *disk);
/* The first clusters that were released: nothing in the file points to them any more. */
void layered_give_back(struct layered_disk *disk, size_t count);
