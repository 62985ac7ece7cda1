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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-tables/get", test_get);
	return g_test_run();
}
