/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2-tables.h"

#include <errno.h>
#include <glib.h>
#include <sys/mman.h>

#include "base/fd.h"

enum { SIZE = 512, TABLES = 200 };

/* More tables than are held, each beginning with its number. */
static int make_file(void)
{
	int fd = memfd_create("tables", MFD_CLOEXEC);

	for (unsigned int i = 0; i < TABLES; i++) {
		uint8_t number = (uint8_t)i;

		g_assert_cmpint(fd_write_at(fd, &number, 1, i * SIZE), ==, 0);
	}
	return fd;
}

static void test_get(void)
{
	int fd = make_file();
	struct qcow2_tables tables;
	uint8_t *bytes, *again;

	g_assert_cmpint(qcow2_tables_init(&tables, fd, SIZE, 64 * SIZE), ==, 0);
	for (unsigned int i = 1; i < TABLES; i++) {
		g_assert_cmpint(qcow2_tables_get(&tables, i * SIZE, &bytes), ==, 0);
		g_assert_cmpuint(bytes[0], ==, i);
		g_assert_cmpint(qcow2_tables_get(&tables, i * SIZE, &again), ==, 0);
		g_assert_true(again == bytes);
	}
	g_assert_cmpint(qcow2_tables_get(&tables, SIZE, &bytes), ==, 0);
	g_assert_cmpuint(bytes[0], ==, 1);
	g_assert_cmpuint(bytes[SIZE - 1], ==, 0);
	qcow2_tables_finish(&tables);
	fd_close(&fd);
}

static uint8_t read_byte(int fd, uint64_t offset)
{
	uint8_t byte;

	g_assert_cmpint(fd_read_at(fd, &byte, 1, offset), ==, 0);
	return byte;
}

/* Changes stay in memory while there is room, and nothing is lost when there is none. */
static void test_change(void)
{
	int fd = make_file();
	struct qcow2_tables tables;
	unsigned int room;
	uint8_t *bytes;

	g_assert_cmpint(qcow2_tables_init(&tables, fd, SIZE, 64 * SIZE), ==, 0);
	room = qcow2_tables_room(&tables);
	for (unsigned int i = 1; i < TABLES; i++) {
		g_assert_cmpint(qcow2_tables_get(&tables, i * SIZE, &bytes), ==, 0);
		bytes[0]++;
		qcow2_tables_set_dirty(&tables, i * SIZE);
		g_assert_cmpuint(read_byte(fd, i * SIZE), ==, i);
		g_assert_cmpuint(qcow2_tables_room(&tables), ==, room - 1 - (i - 1) % room);
	}
	g_assert_cmpint(qcow2_tables_write(&tables), ==, 0);
	g_assert_cmpuint(qcow2_tables_room(&tables), ==, room);
	for (unsigned int i = 1; i < TABLES; i++)
		g_assert_cmpuint(read_byte(fd, i * SIZE), ==, (uint8_t)(i + 1));
	g_assert_cmpint(qcow2_tables_add(&tables, 5 * SIZE), ==, 0);
	g_assert_cmpint(qcow2_tables_get(&tables, 5 * SIZE, &bytes), ==, 0);
	g_assert_cmpuint(bytes[0], ==, 0);
	g_assert_cmpint(qcow2_tables_write(&tables), ==, 0);
	g_assert_cmpuint(read_byte(fd, 5 * SIZE), ==, 0);
	qcow2_tables_finish(&tables);
	fd_close(&fd);
}

/* A table of several slices that is copied, and what others store of it. */
static void test_slices(void)
{
	enum { TABLE = 16384, SLICES = 4 };
	int fd = memfd_create("tables", MFD_CLOEXEC);
	uint64_t offsets[SLICES];
	g_autofree uint8_t *stored = g_malloc(TABLE);
	struct qcow2_tables tables;
	uint8_t *bytes;

	for (unsigned int i = 0; i < SLICES; i++) {
		uint8_t number = (uint8_t)(i + 1);

		g_assert_cmpint(fd_write_at(fd, &number, 1, TABLE + i * 4096 + 5), ==, 0);
	}
	g_assert_cmpint(qcow2_tables_init(&tables, fd, TABLE, 0), ==, 0);
	g_assert_cmpint(qcow2_tables_get(&tables, TABLE + 3 * 4096 + 5, &bytes), ==, 0);
	g_assert_cmpuint(bytes[0], ==, 4);
	g_assert_cmpint(qcow2_tables_get_all(&tables, TABLE), ==, 0);
	g_assert_cmpint(qcow2_tables_copy(&tables, TABLE, 3 * TABLE), ==, 0);
	g_assert_cmpuint(tables.dirty_count, ==, SLICES);

	qcow2_tables_take(&tables, offsets, stored);
	for (unsigned int i = 0; i < SLICES; i++) {
		g_assert_cmpuint(offsets[i], ==, 3 * TABLE + i * 4096);
		g_assert_cmpuint(stored[i * 4096 + 5], ==, i + 1);
	}
	g_assert_cmpint(qcow2_tables_write(&tables), ==, -EAGAIN);
	/* Changed while it is stored. */
	qcow2_tables_set_dirty(&tables, 3 * TABLE + 4096);
	g_assert_cmpuint(tables.dirty_count, ==, 1);
	qcow2_tables_put_back(&tables, false);
	g_assert_cmpuint(tables.dirty_count, ==, SLICES);
	qcow2_tables_take(&tables, offsets, stored);
	qcow2_tables_put_back(&tables, true);
	g_assert_cmpuint(tables.dirty_count, ==, 0);
	qcow2_tables_finish(&tables);
	fd_close(&fd);
}

static struct qcow2_slice *wanted;

static int load_later(void *data, struct qcow2_tables *tables, struct qcow2_slice *slice)
{
	int *r = data;

	(void)tables;
	wanted = slice;
	return *r;
}

static void test_loader(void)
{
	int fd = make_file(), result = -ENOMEM;
	struct qcow2_tables tables;
	uint8_t *bytes;

	g_assert_cmpint(qcow2_tables_init(&tables, fd, SIZE, 0), ==, 0);
	qcow2_tables_set_loader(&tables, load_later, &result);
	g_assert_cmpint(qcow2_tables_get(&tables, SIZE, &bytes), ==, -ENOMEM);
	result = 0;
	g_assert_cmpint(qcow2_tables_get(&tables, SIZE, &bytes), ==, -EAGAIN);
	wanted->bytes[0] = 77;
	wanted->error = 0;
	g_assert_cmpint(qcow2_tables_get(&tables, SIZE, &bytes), ==, -EAGAIN);
	qcow2_tables_loaded(&tables, wanted, 0);
	g_assert_cmpint(qcow2_tables_get(&tables, SIZE + 1, &bytes), ==, 0);
	g_assert_cmpuint(bytes[-1], ==, 77);

	/* What cannot be read is tried again when it is asked for again. */
	g_assert_cmpint(qcow2_tables_get(&tables, 2 * SIZE, &bytes), ==, -EAGAIN);
	qcow2_tables_loaded(&tables, wanted, -EIO);
	g_assert_cmpint(qcow2_tables_get(&tables, 2 * SIZE, &bytes), ==, -EIO);
	g_assert_cmpint(qcow2_tables_get(&tables, 2 * SIZE, &bytes), ==, -EAGAIN);
	qcow2_tables_loaded(&tables, wanted, 0);

	/* Nothing changed is written by itself. */
	for (unsigned int i = 3; qcow2_tables_room(&tables) > 0; i++) {
		g_assert_cmpint(qcow2_tables_add(&tables, i * SIZE), ==, 0);
		g_assert_cmpuint(i, <, TABLES);
	}
	g_assert_cmpint(qcow2_tables_get(&tables, SIZE, &bytes), ==, -EBUSY);
	g_assert_cmpint(qcow2_tables_write(&tables), ==, 0);
	g_assert_cmpint(qcow2_tables_get(&tables, SIZE, &bytes), ==, -EAGAIN);
	qcow2_tables_finish(&tables);
	fd_close(&fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-tables/get", test_get);
	g_test_add_func("/qcow2-tables/change", test_change);
	g_test_add_func("/qcow2-tables/slices", test_slices);
	g_test_add_func("/qcow2-tables/loader", test_loader);
	return g_test_run();
}
