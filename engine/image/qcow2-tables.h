/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of one cluster each (L2 tables, refcount blocks) of a qcow2 image, those used last held in
 * memory, in slices. Knows nothing about what they say. Changed ones are written when asked for, or
 * when their place is needed and every slice held is changed.
 *
 * With a loader nothing here waits for the file: slices are read and written by others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QCOW2_MAX_SLICES = 16 }; /* of one table */

struct qcow2_slice {
	uint64_t offset; /* in the file; 0: the slot is free */
	uint8_t *bytes;
	unsigned int next; /* with the same hash */
	bool used;         /* since a place was looked for here */
	bool dirty, loading, taken, held;
	int error; /* of loading; told once */
};

struct qcow2_tables;

/*
 * Begins to read the slice, tables->slice_size bytes, zero behind the end of the file;
 * qcow2_tables_loaded() follows later. 0 or negative errno.
 */
typedef int (*qcow2_loader)(void *data, struct qcow2_tables *tables, struct qcow2_slice *slice);

struct qcow2_tables {
	int fd; /* borrowed */
	qcow2_loader load;
	void *load_data;
	size_t table_size, slice_size;
	unsigned int slot_count;
	struct qcow2_slice *slots;
	unsigned int *buckets, bucket_bits; /* the first slot with that hash */
	unsigned int hand;                  /* where a place is looked for next */
	unsigned int *dirty, dirty_count;   /* slots */
	unsigned int *taken, taken_count;
};

/* bytes: of slices held at most, but 64 slices at least. 0 or -ENOMEM; finish in either case. */
int qcow2_tables_init(struct qcow2_tables *tables, int fd, size_t table_size, size_t bytes);
/* A zeroed struct is accepted. */
void qcow2_tables_finish(struct qcow2_tables *tables);
/* NULL: slices are read at once again. Nothing is being loaded. */
void qcow2_tables_set_loader(struct qcow2_tables *tables, qcow2_loader load, void *data);
/* result: 0 or negative errno. */
void qcow2_tables_loaded(struct qcow2_tables *tables, struct qcow2_slice *slice, int result);

/*
 * The bytes at offset, which is not 0, up to the end of the slice that they are in; what the file
 * does not have of it is zero. They stay until the next call. 0 or negative errno; with a loader
 * -EAGAIN until the slice is there, -EBUSY when there is no place for it before something is
 * stored. In both cases nothing has changed.
 */
int qcow2_tables_get(struct qcow2_tables *tables, uint64_t offset, uint8_t **ret_bytes);
/* The whole table at offset is in memory until the next call. As qcow2_tables_get(). */
int qcow2_tables_get_all(struct qcow2_tables *tables, uint64_t offset);
/* A table of zeroes that is about to be written to offset, of which none was. 0 or negative errno.
 */
int qcow2_tables_add(struct qcow2_tables *tables, uint64_t offset);
/* The same with the bytes of a table that is in memory. */
int qcow2_tables_copy(struct qcow2_tables *tables, uint64_t from, uint64_t to);
/* The slice with the byte at offset, which is in memory, was changed. */
void qcow2_tables_set_dirty(struct qcow2_tables *tables, uint64_t offset);
/* Writes every changed slice. 0 or negative errno; -EAGAIN while some are taken. */
int qcow2_tables_write(struct qcow2_tables *tables);
/* Slices that can still be changed before one has to be written. */
unsigned int qcow2_tables_room(const struct qcow2_tables *tables);

/*
 * For others to write: copies the dirty_count changed slices, which do not count as changed then,
 * to bytes, and their places in the file to offsets, in the order of these.
 */
void qcow2_tables_take(struct qcow2_tables *tables, uint64_t *offsets, uint8_t *bytes);
/* What was taken is in the file; or is not, and counts as changed again. */
void qcow2_tables_put_back(struct qcow2_tables *tables, bool stored);
