/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/guest-memory.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static struct guest_memory *create(uint64_t size)
{
	struct guest_memory *memory;

	g_assert_cmpint(guest_memory_create(size, &memory), ==, 0);
	g_assert_cmpuint(guest_memory_size(memory), ==, size);
	return memory;
}

static void test_sizes(void)
{
	struct guest_memory *memory;

	g_assert_cmpint(guest_memory_create(0, &memory), ==, -EINVAL);
	g_assert_cmpint(guest_memory_create(3 * MIB, &memory), ==, -EINVAL);
	g_assert_cmpint(guest_memory_create(UINT64_MAX - 2 * MIB + 1, &memory), ==, -EINVAL);
	guest_memory_destroy(create(2 * MIB));
	guest_memory_destroy(NULL);
}

static void assert_regions(uint64_t size, uint64_t low, uint64_t high)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	struct guest_memory *memory = create(size);

	g_assert_cmpuint(guest_memory_regions(memory, regions), ==, high ? 2 : 1);
	g_assert_cmphex(regions[0].gpa, ==, 0);
	g_assert_cmphex(regions[0].size, ==, low);
	g_assert_cmphex((uintptr_t)regions[0].host % (2 * MIB), ==, 0);
	if (high) {
		g_assert_cmphex(regions[1].gpa, ==, 4 * GIB);
		g_assert_cmphex(regions[1].size, ==, high);
		g_assert_cmphex((uintptr_t)regions[1].host % (2 * MIB), ==, 0);
	}
	guest_memory_destroy(memory);
}

static void test_split(void)
{
	assert_regions(512 * MIB, 512 * MIB, 0);
	assert_regions(0xB0000000, 0xB0000000, 0);
	assert_regions(0xB0000000 + 2 * MIB, 2 * GIB, 0xB0000000 + 2 * MIB - 2 * GIB);
	assert_regions(64 * GIB, 2 * GIB, 62 * GIB);
}

static void test_bounds(void)
{
	struct guest_memory *memory = create(4 * GIB);
	uint8_t bytes[4] = {1, 2, 3, 4}, back[4] = {0};

	g_assert_cmpint(guest_memory_write(memory, 2 * GIB - 4, bytes, 4), ==, 0);
	g_assert_cmpint(guest_memory_read(memory, 2 * GIB - 4, back, 4), ==, 0);
	g_assert_cmpmem(back, 4, bytes, 4);
	/* into the hole, out of the end, around it */
	g_assert_cmpint(guest_memory_write(memory, 2 * GIB - 3, bytes, 4), ==, -EFAULT);
	g_assert_cmpint(guest_memory_read(memory, 3 * GIB, back, 1), ==, -EFAULT);
	g_assert_cmpint(guest_memory_read(memory, 6 * GIB - 3, back, 4), ==, -EFAULT);
	g_assert_cmpint(guest_memory_read(memory, UINT64_MAX, back, 4), ==, -EFAULT);
	g_assert_null(guest_memory_at(memory, 4 * GIB, SIZE_MAX));
	g_assert_null(guest_memory_at(memory, 4 * GIB - 1, 2));
	g_assert_nonnull(guest_memory_at(memory, 4 * GIB, 2 * GIB));
	guest_memory_destroy(memory);
}

static void test_discard(void)
{
	struct guest_memory *memory = create(4 * MIB);
	char *bytes = guest_memory_at(memory, 0, 4 * MIB);

	memset(bytes, 'x', 4 * MIB);
	g_assert_cmpint(guest_memory_discard(memory, bytes + 4095, 2 * 4096), ==, 0);
	g_assert_cmpint(guest_memory_discard(memory, bytes + 9 * 4096 + 1, 4096), ==, 0);
	g_assert_cmpint(guest_memory_discard(memory, bytes + 4 * MIB, 0), ==, 0);
	g_assert_cmpint(bytes[4095], ==, 'x');
	g_assert_cmpint(bytes[4096], ==, 0);
	g_assert_cmpint(bytes[2 * 4096 - 1], ==, 0);
	g_assert_cmpint(bytes[2 * 4096], ==, 'x');
	g_assert_cmpint(bytes[10 * 4096 - 1], ==, 'x');
	g_assert_cmpint(bytes[10 * 4096], ==, 'x');
	/* A huge page and a little around it. */
	g_assert_cmpint(guest_memory_discard(memory, bytes + 2 * MIB - 10, 2 * MIB + 10), ==, 0);
	g_assert_cmpint(bytes[2 * MIB - 1], ==, 'x');
	for (size_t i = 2 * MIB; i < 4 * MIB; i++)
		g_assert_cmpint(bytes[i], ==, 0);
	guest_memory_destroy(memory);
}

/* Nothing is lost, and nothing comes back that was given away. */
static void test_collapse(void)
{
	struct guest_memory *memory = create(6 * MIB);
	char *bytes = guest_memory_at(memory, 0, 6 * MIB);
	unsigned char present[512];
	unsigned int there = 0;
	int r;

	memset(bytes, 'x', 4 * MIB); /* the last has never been touched */
	g_assert_cmpint(guest_memory_discard(memory, bytes + 2 * MIB, MIB), ==, 0);
	r = guest_memory_collapse(memory, 0, 6 * MIB);
	g_assert_true(r == 0 || r == -EINVAL);
	for (size_t i = 0; i < 6 * MIB; i += 4096)
		g_assert_cmpint(bytes[i], ==,
				i < 2 * MIB || (i >= 3 * MIB && i < 4 * MIB) ? 'x' : 0);
	guest_memory_destroy(memory);

	memory = create(2 * MIB);
	bytes = guest_memory_at(memory, 0, 2 * MIB);
	memset(bytes, 'x', 2 * MIB);
	g_assert_cmpint(guest_memory_discard(memory, bytes, MIB), ==, 0);
	(void)guest_memory_collapse(memory, 0, 2 * MIB);
	g_assert_cmpint(mincore(bytes, 2 * MIB, present), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(present); i++)
		there += present[i] & 1;
	g_assert_cmpuint(there, ==, 256);
	guest_memory_destroy(memory);
}

/* Private, and zeros where it is given back, whatever the file has there. */
static void test_from_file(void)
{
	g_autofree char *content = g_malloc(2 * MIB);
	struct guest_memory *memory, *other;
	int fd = memfd_create("memory", MFD_CLOEXEC);
	char *bytes, *same, byte;

	memset(content, 'f', 2 * MIB);
	g_assert_cmpint(ftruncate(fd, 6 * MIB), ==, 0);
	g_assert_cmpint(pwrite(fd, content, 2 * MIB, 2 * MIB), ==, 2 * MIB);
	g_assert_cmpint(guest_memory_create_from_file(4 * MIB, fd, 4096, &memory), ==, -EINVAL);
	g_assert_cmpint(guest_memory_create_from_file(4 * MIB, fd, 2 * MIB, &memory), ==, 0);
	g_assert_cmpint(guest_memory_create_from_file(4 * MIB, fd, 2 * MIB, &other), ==, 0);
	bytes = guest_memory_at(memory, 0, 4 * MIB);
	same = guest_memory_at(other, 0, 4 * MIB);
	g_assert_cmpint(bytes[0], ==, 'f');
	g_assert_cmpint(bytes[2 * MIB], ==, 0);
	bytes[0] = 'x';
	bytes[5 * 4096] = 'x';
	g_assert_cmpint(same[0], ==, 'f');
	g_assert_cmpint(pread(fd, &byte, 1, 2 * MIB), ==, 1);
	g_assert_cmpint(byte, ==, 'f');
	g_assert_cmpint(guest_memory_discard(memory, bytes + 4096, 8 * 4096), ==, 0);
	g_assert_cmpint(bytes[0], ==, 'x');
	g_assert_cmpint(bytes[4096], ==, 0);
	g_assert_cmpint(bytes[5 * 4096], ==, 0);
	g_assert_cmpint(bytes[9 * 4096 - 1], ==, 0);
	g_assert_cmpint(bytes[9 * 4096], ==, 'f');
	bytes[4096] = 'y';
	g_assert_cmpint(bytes[4096], ==, 'y');
	guest_memory_destroy(other);
	guest_memory_destroy(memory);
	close(fd);
}

/* What is above 4 GiB for the guest lies right behind the rest in the file. */
static void test_split_file(void)
{
	static const char low[] = "low", high[] = "high";
	struct guest_memory *memory;
	int fd = memfd_create("memory", MFD_CLOEXEC);
	char text[sizeof(high)];

	g_assert_cmpint(ftruncate(fd, 2 * MIB + 3 * GIB), ==, 0);
	g_assert_cmpint(pwrite(fd, low, sizeof(low), 2 * MIB + 2 * GIB - sizeof(low)), ==,
			sizeof(low));
	g_assert_cmpint(pwrite(fd, high, sizeof(high), 2 * MIB + 2 * GIB), ==, sizeof(high));
	g_assert_cmpint(guest_memory_create_from_file(3 * GIB, fd, 2 * MIB, &memory), ==, 0);
	g_assert_cmpint(guest_memory_read(memory, 2 * GIB - sizeof(low), text, sizeof(low)), ==, 0);
	g_assert_cmpstr(text, ==, low);
	g_assert_cmpint(guest_memory_read(memory, 4 * GIB, text, sizeof(high)), ==, 0);
	g_assert_cmpstr(text, ==, high);
	g_assert_cmpint(guest_memory_read(memory, 2 * GIB, text, 1), ==, -EFAULT);
	guest_memory_destroy(memory);
	close(fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guest-memory/sizes", test_sizes);
	g_test_add_func("/guest-memory/split", test_split);
	g_test_add_func("/guest-memory/bounds", test_bounds);
	g_test_add_func("/guest-memory/discard", test_discard);
	g_test_add_func("/guest-memory/collapse", test_collapse);
	g_test_add_func("/guest-memory/from-file", test_from_file);
	g_test_add_func("/guest-memory/split-file", test_split_file);
	return g_test_run();
}
