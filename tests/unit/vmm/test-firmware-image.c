/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/firmware.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "fake-memory-slots.h"
#include "memory/guest-memory.h"

enum { KIB = 1 << 10, MEMORY_SIZE = 2 << 20 };

struct fixture {
	struct fake_memory_slots slots;
	struct guest_memory *memory;
	struct firmware *firmware;
	const char *problem;
	int fd;
};

/* Each KiB of the image holds its number. */
static void set_up(struct fixture *f, unsigned int kib)
{
	uint8_t block[KIB];

	*f = (struct fixture){.fd = memfd_create("image", MFD_CLOEXEC)};
	fake_memory_slots_init(&f->slots);
	g_assert_cmpint(guest_memory_create(MEMORY_SIZE, &f->memory), ==, 0);
	for (unsigned int i = 0; i < kib; i++) {
		memset(block, (int)(i + 1), sizeof(block));
		g_assert_cmpint(write(f->fd, block, sizeof(block)), ==, sizeof(block));
	}
}

static void tear_down(struct fixture *f)
{
	firmware_destroy(f->firmware);
	g_assert_cmpuint(f->slots.count, ==, 0);
	guest_memory_destroy(f->memory);
	fd_close(&f->fd);
}

static int create(struct fixture *f, bool low_copy)
{
	return firmware_create(f->fd, low_copy, &f->slots.registry, &f->firmware, &f->problem);
}

static uint8_t byte_at(struct fixture *f, uint64_t gpa)
{
	return *(uint8_t *)guest_memory_at(f->memory, gpa, 1);
}

static void test_bios(void)
{
	struct fixture f;

	set_up(&f, 256);
	g_assert_cmpint(create(&f, /* low_copy= */ true), ==, 0);
	g_assert_cmphex(firmware_base(f.firmware), ==, 0xfffc0000);
	g_assert_cmpuint(f.slots.count, ==, 1);
	memset(guest_memory_at(f.memory, 0xc0000, 0x40000), 0xee, 0x40000); /* an earlier guest */
	*(uint8_t *)guest_memory_at(f.memory, 0xbffff, 1) = 0xee;
	*(uint8_t *)guest_memory_at(f.memory, 0x100000, 1) = 0xee;
	g_assert_cmpint(firmware_load(f.firmware, f.memory), ==, 0);
	g_assert_cmphex(byte_at(&f, 0xbffff), ==, 0xee);
	g_assert_cmphex(byte_at(&f, 0xc0000), ==, 0);
	g_assert_cmphex(byte_at(&f, 0xdffff), ==, 0);
	g_assert_cmphex(byte_at(&f, 0xe0000), ==, 129);
	g_assert_cmphex(byte_at(&f, 0xfffff), ==, (uint8_t)256);
	g_assert_cmphex(byte_at(&f, 0x100000), ==, 0xee);
	tear_down(&f);
}

static void test_small_bios(void)
{
	struct fixture f;

	set_up(&f, 64);
	g_assert_cmpint(create(&f, /* low_copy= */ true), ==, 0);
	g_assert_cmphex(firmware_base(f.firmware), ==, 0xffff0000);
	g_assert_cmpint(firmware_load(f.firmware, f.memory), ==, 0);
	g_assert_cmphex(byte_at(&f, 0xeffff), ==, 0);
	g_assert_cmphex(byte_at(&f, 0xf0000), ==, 1);
	g_assert_cmphex(byte_at(&f, 0xfffff), ==, 64);
	tear_down(&f);
}

static void test_no_low_copy(void)
{
	struct fixture f;

	set_up(&f, 256);
	g_assert_cmpint(create(&f, /* low_copy= */ false), ==, 0);
	g_assert_cmpint(firmware_load(f.firmware, f.memory), ==, 0);
	g_assert_cmphex(byte_at(&f, 0xe0000), ==, 0);
	tear_down(&f);
}

static void assert_variables_size(unsigned int kib, uint64_t size)
{
	struct fixture f;

	set_up(&f, kib);
	g_assert_cmpint(create(&f, /* low_copy= */ false), ==, 0);
	g_assert_cmpuint(firmware_variables_size(f.firmware), ==, size);
	tear_down(&f);
}

/* Image and variables together fill a power of two. */
static void test_variables_size(void)
{
	assert_variables_size(3568, 528 * KIB);
	assert_variables_size(1920, 128 * KIB);
	assert_variables_size(2048, 0);
	assert_variables_size(64, 0);
}

static void assert_refused(unsigned int kib, size_t more, const char *part_of_problem)
{
	struct fixture f;

	set_up(&f, kib);
	g_assert_cmpint(ftruncate(f.fd, (off_t)(kib * KIB + more)), ==, 0);
	g_assert_cmpint(create(&f, /* low_copy= */ true), ==, -EINVAL);
	g_assert_nonnull(strstr(f.problem, part_of_problem));
	tear_down(&f);
}

static void test_refused(void)
{
	struct fixture f;

	assert_refused(0, 0, "size");
	assert_refused(60, 0, "size");
	assert_refused(64, 100, "size");
	assert_refused(8 * 1024, 4 * KIB, "size");

	set_up(&f, 64);
	f.slots.map_error = -EEXIST;
	g_assert_cmpint(create(&f, /* low_copy= */ true), ==, -EEXIST);
	tear_down(&f);
}

/* The file is cut short behind our back: an error at the next reset, not a fault. */
static void test_shrinks(void)
{
	struct fixture f;

	set_up(&f, 256);
	g_assert_cmpint(create(&f, /* low_copy= */ true), ==, 0);
	g_assert_cmpint(ftruncate(f.fd, 64 * KIB), ==, 0);
	g_assert_cmpint(firmware_load(f.firmware, f.memory), ==, -ENODATA);
	tear_down(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/firmware-image/bios", test_bios);
	g_test_add_func("/firmware-image/small-bios", test_small_bios);
	g_test_add_func("/firmware-image/no-low-copy", test_no_low_copy);
	g_test_add_func("/firmware-image/variables-size", test_variables_size);
	g_test_add_func("/firmware-image/refused", test_refused);
	g_test_add_func("/firmware-image/shrinks", test_shrinks);
	return g_test_run();
}
