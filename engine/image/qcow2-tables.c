/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-tables.h.
 */
#include "image/qcow2-tables.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "image/image-file.h"

enum {
	MAX_SLOTS = 64,
	MIN_SLOTS = 16,
	WANTED_BYTES = 4 << 20,
};

int qcow2_tables_init(struct qcow2_tables *tables, int fd, size_t table_size)
{
	size_t slot_count = WANTED_BYTES / table_size;

	if (slot_count > MAX_SLOTS)
		slot_count = MAX_SLOTS;
	if (slot_count < MIN_SLOTS)
		slot_count = MIN_SLOTS;
	*tables = (struct qcow2_tables){
		.fd = fd,
		.table_size = table_size,
		.slot_count = (unsigned int)slot_count,
		.slots = calloc(slot_count, sizeof(struct qcow2_table)),
	};
	return tables->slots ? 0 : -ENOMEM;
}

void qcow2_tables_finish(struct qcow2_tables *tables)
{
	for (unsigned int i = 0; tables->slots && i < tables->slot_count; i++)
		free(tables->slots[i].bytes);
	free(tables->slots);
	tables->slots = NULL;
}

static struct qcow2_table *find(struct qcow2_tables *tables, uint64_t offset)
{
	for (unsigned int i = 0; i < tables->slot_count; i++) {
		if (tables->slots[i].offset == offset)
			return &tables->slots[i];
	}
	return NULL;
}

static bool is_better_victim(const struct qcow2_table *table, const struct qcow2_table *other)
{
	if (table->dirty != other->dirty)
		return other->dirty;
	return table->last_use < other->last_use;
}

static int write_table(struct qcow2_tables *tables, struct qcow2_table *table)
{
	int r = fd_write_at(tables->fd, table->bytes, tables->table_size, table->offset);

	if (r < 0)
		return r;
	table->dirty = false;
	tables->dirty_count--;
	return 0;
}

/* A slot with room for a table, and without one. */
static int vacate(struct qcow2_tables *tables, struct qcow2_table **ret_table)
{
	struct qcow2_table *table = &tables->slots[0];
	int r = 0;

	for (unsigned int i = 1; i < tables->slot_count; i++) {
		if (is_better_victim(&tables->slots[i], table))
			table = &tables->slots[i];
	}
	if (table->dirty)
		r = write_table(tables, table);
	if (r < 0)
		return r;
	if (!table->bytes)
		table->bytes = malloc(tables->table_size);
	if (!table->bytes)
		return -ENOMEM;
	table->offset = 0;
	*ret_table = table;
	return 0;
}

static int load(struct qcow2_tables *tables, uint64_t offset, struct qcow2_table **ret_table)
{
	struct qcow2_table *table;
	int r = vacate(tables, &table);

	if (r < 0)
		return r;
	r = image_file_read(tables->fd, table->bytes, tables->table_size, offset);
	if (r < 0)
		return r;
	table->offset = offset;
	*ret_table = table;
	return 0;
}

int qcow2_tables_get(struct qcow2_tables *tables, uint64_t offset, uint8_t **ret_bytes)
{
	struct qcow2_table *table = find(tables, offset);
	int r = table ? 0 : load(tables, offset, &table);

	if (r < 0)
		return r;
	table->last_use = ++tables->uses;
	*ret_bytes = table->bytes;
	return 0;
}

int qcow2_tables_add(struct qcow2_tables *tables, uint64_t offset, uint8_t **ret_bytes)
{
	struct qcow2_table *table = find(tables, offset);
	int r = table ? 0 : vacate(tables, &table);

	if (r < 0)
		return r;
	memset(table->bytes, 0, tables->table_size);
	table->offset = offset;
	table->last_use = ++tables->uses;
	qcow2_tables_set_dirty(tables, offset);
	*ret_bytes = table->bytes;
	return 0;
}

void qcow2_tables_set_dirty(struct qcow2_tables *tables, uint64_t offset)
{
	struct qcow2_table *table = find(tables, offset);

	assert(table);
	if (!table->dirty)
		tables->dirty_count++;
	table->dirty = true;
}

int qcow2_tables_write(struct qcow2_tables *tables)
{
	for (unsigned int i = 0; i < tables->slot_count; i++) {
		int r = tables->slots[i].dirty ? write_table(tables, &tables->slots[i]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

unsigned int qcow2_tables_room(const struct qcow2_tables *tables)
{
	return tables->slot_count - tables->dirty_count;
}
