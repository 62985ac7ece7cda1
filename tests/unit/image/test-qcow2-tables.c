/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2-tables.h"

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

	g_assert_cmpint(qcow2_tables_init(&tables, fd, SIZE), ==, 0);
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

	g_assert_cmpint(qcow2_tables_init(&tables, fd, SIZE), ==, 0);
	room = qcow2_tables_room(&tables);
	for (unsigned int i = 1; i < TABLES; i++) {
		g_assert_cmpint(qcow2_tables_get(&tables, i * SIZE, &bytes), ==, 0);
		bytes[0]++;
		qcow2_tables_set_dirty(&tables, i * SIZE);
		g_assert_cmpuint(read_byte(fd, i * SIZE), ==, i);
		g_assert_cmpuint(qcow2_tables_room(&tables), ==, i < room ? room - i : 0);
	}
	g_assert_cmpint(qcow2_tables_write(&tables), ==, 0);
	g_assert_cmpuint(qcow2_tables_room(&tables), ==, room);
	for (unsigned int i = 1; i < TABLES; i++)
		g_assert_cmpuint(read_byte(fd, i * SIZE), ==, (uint8_t)(i + 1));
	g_assert_cmpint(qcow2_tables_add(&tables, 5 * SIZE, &bytes), ==, 0);
	g_assert_cmpuint(bytes[0], ==, 0);
	g_assert_cmpint(qcow2_tables_write(&tables), ==, 0);
	g_assert_cmpuint(read_byte(fd, 5 * SIZE), ==, 0);
	qcow2_tables_finish(&tables);
	fd_close(&fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-tables/get", test_get);
	g_test_add_func("/qcow2-tables/change", test_change);
	return g_test_run();
}
