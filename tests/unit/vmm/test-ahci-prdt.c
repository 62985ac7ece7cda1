/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/ahci-prdt.h"

#include <errno.h>
#include <glib.h>

#include "base/byte-order.h"
#include "base/iov.h"
#include "memory/guest-memory.h"

enum { MEMORY = 2 << 20, TABLE = 0x1000, DATA = 0x100000, MAX = 8 };

struct fixture {
	struct guest_memory *memory;
	struct ahci_prdt prdt;
	struct iovec iov[MAX];
	unsigned int count;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_assert_cmpint(guest_memory_create(MEMORY, &fixture->memory), ==, 0);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	guest_memory_destroy(fixture->memory);
}

static void set_entry(struct fixture *fixture, unsigned int index, uint64_t gpa, uint32_t length)
{
	uint8_t entry[16] = {0};

	store_le64(entry, gpa);
	store_le32(entry + 12, length - 1);
	guest_memory_write(fixture->memory, TABLE + index * 16, entry, sizeof(entry));
}

static void begin(struct fixture *fixture, unsigned int entries)
{
	ahci_prdt_init(&fixture->prdt, fixture->memory, TABLE, entries);
}

static int64_t next(struct fixture *fixture, unsigned int max, uint32_t limit, uint32_t granule)
{
	int64_t bytes =
		ahci_prdt_next(&fixture->prdt, fixture->iov, max, limit, granule, &fixture->count);

	if (bytes >= 0)
		g_assert_cmpint(iov_length(fixture->iov, fixture->count), ==, bytes);
	return bytes;
}

static size_t position(struct fixture *fixture, unsigned int index)
{
	return (size_t)((char *)fixture->iov[index].iov_base -
			(char *)guest_memory_at(fixture->memory, 0, 1));
}

/* Pieces that end inside an entry, at its end, and behind several small ones. */
static void test_pieces(struct fixture *fixture, gconstpointer unused)
{
	set_entry(fixture, 0, DATA, 1000);
	set_entry(fixture, 1, DATA + 0x1000, 2);
	set_entry(fixture, 2, DATA + 0x2000, 22);
	set_entry(fixture, 3, DATA + 0x3000, 4096);
	begin(fixture, 4);
	/* 1024 bytes in three entries, cut to two sectors: all of it. */
	g_assert_cmpint(next(fixture, 3, 4096, 512), ==, 1024);
	g_assert_cmpuint(fixture->count, ==, 3);
	g_assert_cmpint(next(fixture, 3, 512, 512), ==, 512);
	g_assert_cmpuint(position(fixture, 0), ==, DATA + 0x3000);
	g_assert_cmpint(next(fixture, 3, 8192, 512), ==, 3584);
	g_assert_cmpuint(position(fixture, 0), ==, DATA + 0x3000 + 512);
	g_assert_cmpint(next(fixture, 3, 512, 512), ==, 0);

	/* Room for two entries only: what is more than a sector is given back, entry and a half. */
	set_entry(fixture, 0, DATA, 510);
	set_entry(fixture, 1, DATA + 0x1000, 4);
	set_entry(fixture, 2, DATA + 0x2000, 508);
	set_entry(fixture, 3, DATA + 0x3000, 2);
	begin(fixture, 4);
	g_assert_cmpint(next(fixture, 2, 4096, 512), ==, 512);
	g_assert_cmpuint(fixture->iov[1].iov_len, ==, 2);
	g_assert_cmpint(next(fixture, 8, 4096, 512), ==, 512);
	g_assert_cmpuint(fixture->count, ==, 3);
	g_assert_cmpuint(position(fixture, 0), ==, DATA + 0x1002);
	g_assert_cmpuint(position(fixture, 2), ==, DATA + 0x3000);
	g_assert_cmpint(next(fixture, 8, 4096, 512), ==, 0);
}

/* Several whole entries go back, and the piece began inside the first. */
static void test_give_back(struct fixture *fixture, gconstpointer unused)
{
	set_entry(fixture, 0, DATA, 512 + 100);
	for (unsigned int i = 1; i < 6; i++)
		set_entry(fixture, i, DATA + i * 0x1000, 100);
	begin(fixture, 6);
	g_assert_cmpint(next(fixture, 8, 512, 512), ==, 512);
	g_assert_cmpint(next(fixture, 5, 4096, 512), ==, 0);
	g_assert_cmpuint(fixture->count, ==, 0);
	g_assert_cmpint(next(fixture, 6, 4096, 512), ==, 512);
	g_assert_cmpuint(position(fixture, 0), ==, DATA + 512);
	g_assert_cmpint(next(fixture, 8, 4096, 2), ==, 88);
	g_assert_cmpuint(position(fixture, 0), ==, DATA + 0x5000 + 12);
}

static void test_odd(struct fixture *fixture, gconstpointer unused)
{
	/* Lowest bits that have to be what they are. */
	set_entry(fixture, 0, DATA + 1, 511);
	begin(fixture, 1);
	g_assert_cmpint(next(fixture, 8, 4096, 1), ==, 512);
	g_assert_cmpuint(position(fixture, 0), ==, DATA);
	/* Any length by single bytes. */
	begin(fixture, 1);
	g_assert_cmpint(next(fixture, 8, 7, 1), ==, 7);
	g_assert_cmpint(next(fixture, 8, 4096, 1), ==, 505);
	begin(fixture, 0);
	g_assert_cmpint(next(fixture, 8, 4096, 1), ==, 0);
}

static void test_outside(struct fixture *fixture, gconstpointer unused)
{
	const uint64_t bad[] = {MEMORY, MEMORY - 1022, UINT64_MAX - 1023, 1ULL << 40};

	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++) {
		set_entry(fixture, 0, bad[i], 1024);
		begin(fixture, 1);
		g_assert_cmpint(next(fixture, 8, 4096, 512), ==, -EFAULT);
	}
	ahci_prdt_init(&fixture->prdt, fixture->memory, MEMORY - 8, 1);
	g_assert_cmpint(next(fixture, 8, 4096, 512), ==, -EFAULT);
	/* An entry that has become shorter than what was taken of it. */
	set_entry(fixture, 0, DATA, 1024);
	begin(fixture, 1);
	g_assert_cmpint(next(fixture, 8, 512, 512), ==, 512);
	set_entry(fixture, 0, DATA, 512);
	g_assert_cmpint(next(fixture, 8, 512, 512), ==, -EFAULT);
}

#define ADD(name, function) \
	g_test_add("/ahci-prdt/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("pieces", test_pieces);
	ADD("give-back", test_give_back);
	ADD("odd", test_odd);
	ADD("outside", test_outside);
	return g_test_run();
}
