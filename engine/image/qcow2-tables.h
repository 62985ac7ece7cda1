/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of one cluster each (L2 tables, refcount blocks) of a qcow2 image, the last used ones held
 * in memory. Knows nothing about what they say. Changed ones are written when asked for, or when
 * their place is needed and every table held is changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qcow2_table {
	uint64_t offset; /* in the file; 0: the slot is free */
	uint64_t last_use;
	uint8_t *bytes;
	bool dirty;
};

struct qcow2_tables {
	int fd; /* borrowed */
	size_t table_size;
	unsigned int slot_count;
	struct qcow2_table *slots;
	uint64_t uses;
	unsigned int dirty_count;
};

/* 0 or -ENOMEM. */
int qcow2_tables_init(struct qcow2_tables *tables, int fd, size_t table_size);
/* A zeroed struct is accepted. */
void qcow2_tables_finish(struct qcow2_tables *tables);

/*
 * The table at offset, which is not 0; what the file does not have of it is zero. Stays until the
 * next call. 0 or negative errno.
 */
int qcow2_tables_get(struct qcow2_tables *tables, uint64_t offset, uint8_t **ret_bytes);
/* A table of zeroes that is about to be written to offset. As qcow2_tables_get(). */
int qcow2_tables_add(struct qcow2_tables *tables, uint64_t offset, uint8_t **ret_bytes);
/* The table at offset, got or added last, was changed. */
void qcow2_tables_set_dirty(struct qcow2_tables *tables, uint64_t offset);
/* Writes every changed table. 0 or negative errno. */
int qcow2_tables_write(struct qcow2_tables *tables);
/* Tables that can still be changed before one has to be written. */
unsigned int qcow2_tables_room(const struct qcow2_tables *tables);
