/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-tables.h.
 */
#include "image/qcow2-tables.h"

#include <stdlib.h>
#include <string.h>
#include <errno.h>

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

static struct qcow2_table *find_oldest(struct qcow2_tables *tables)
{
	struct qcow2_table *oldest = &tables->slots[0];

	for (unsigned int i = 1; i < tables->slot_count; i++) {
		if (tables->slots[i].last_use < oldest->last_use)
			oldest = &tables->slots[i];
	}
	return oldest;
}

static int load(struct qcow2_tables *tables, uint64_t offset, struct qcow2_table **ret_table)
{
	struct qcow2_table *table = find_oldest(tables);
	int r;

	if (!table->bytes)
		table->bytes = malloc(tables->table_size);
	if (!table->bytes)
		return -ENOMEM;
	table->offset = 0;
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
