/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/linux-boot.h"

#include <errno.h>
#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "boot/e820.h"
#include "boot/linux-header.h"
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"
#include "payload-kernel.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static uint8_t image[PAYLOAD_KERNEL_SIZE];

static void make_image(void)
{
	payload_kernel_make(image, "\xf4", 1);
}

static const char *parse(struct linux_header *header)
{
	return linux_header_parse(image, LINUX_HEADER_READ, sizeof(image), header);
}

static void test_header(void)
{
	struct linux_header header;

	make_image();
	g_assert_null(parse(&header));
	g_assert_cmpuint(header.payload_offset, ==, PAYLOAD_KERNEL_SETUP);
	g_assert_cmpuint(header.payload_size, ==, 4096);
	g_assert_cmphex(header.preferred_address, ==, 16 * MIB);
	g_assert_cmphex(header.memory_size, ==, 4 * MIB);
	g_assert_cmphex(header.initrd_end, ==, 2 * GIB);
	g_assert_cmpuint(header.length, ==, 0x26c - LINUX_HEADER_OFFSET);
	g_assert_true(header.relocatable);
}

/* One byte or two set to something wrong, and what is said about it. */
static void assert_refused(size_t at, uint16_t value, const char *part_of_reason)
{
	struct linux_header header;
	const char *reason;

	make_image();
	store_le16(image + at, value);
	reason = parse(&header);
	g_assert_nonnull(reason);
	g_assert_nonnull(strstr(reason, part_of_reason));
}

static void test_hostile_header(void)
{
	struct linux_header header;

	assert_refused(0x1fe, 0, "not a Linux kernel");
	assert_refused(0x202, 0, "not a Linux kernel");
	assert_refused(0x206, 0x0206, "too old");
	assert_refused(0x211, 0, "too old");
	assert_refused(0x236, 0, "64-bit");
	assert_refused(0x1f1, 255, "damaged");    /* setup sectors beyond the end */
	assert_refused(0x230, 0x1000, "damaged"); /* alignment not a power of two: 0x201000 */
	assert_refused(0x201, 0x4810, "damaged"); /* ends before its last field */
	make_image();
	g_assert_nonnull(linux_header_parse(image, 0x1f0, 0x1f0, &header));
	g_assert_nonnull(linux_header_parse(image, 0, 0, &header));
	/* only the setup sectors, no code */
	g_assert_nonnull(linux_header_parse(image, LINUX_HEADER_READ, LINUX_HEADER_READ, &header));
}

static void test_place(void)
{
	struct linux_header header;
	uint64_t address;

	make_image();
	g_assert_null(parse(&header));
	g_assert_true(linux_header_place(&header, 64 * MIB, &address));
	g_assert_cmphex(address, ==, 16 * MIB);
	g_assert_true(linux_header_place(&header, 8 * MIB, &address));
	g_assert_cmphex(address, ==, 2 * MIB);
	g_assert_false(linux_header_place(&header, 4 * MIB, &address));
	header.relocatable = false;
	g_assert_false(linux_header_place(&header, 8 * MIB, &address));
	header.preferred_address = UINT64_MAX - 4096;
	g_assert_false(linux_header_place(&header, 64 * MIB, &address));
	header.preferred_address = 0; /* would overwrite the tables */
	g_assert_false(linux_header_place(&header, 64 * MIB, &address));
}

static void test_place_initrd(void)
{
	struct linux_header header;
	uint64_t address;

	make_image();
	g_assert_null(parse(&header));
	g_assert_true(linux_header_place_initrd(&header, 5000, 20 * MIB, 64 * MIB, &address));
	g_assert_cmphex(address, ==, 64 * MIB - 8192);
	g_assert_true(linux_header_place_initrd(&header, MIB, 20 * MIB, 3 * GIB, &address));
	g_assert_cmphex(address, ==, 2 * GIB - MIB);
	g_assert_false(linux_header_place_initrd(&header, 45 * MIB, 20 * MIB, 64 * MIB, &address));
	g_assert_false(
		linux_header_place_initrd(&header, UINT64_MAX, 20 * MIB, 64 * MIB, &address));
}

static void test_e820(void)
{
	const struct guest_memory_region regions[] = {
		{.gpa = 0, .size = 2 * GIB},
		{.gpa = 4 * GIB, .size = GIB},
	};
	struct e820_entry entries[E820_MAX_ENTRIES];
	size_t count = e820_build(regions, 2, entries);
	uint64_t ram = 0, end = 0;

	for (size_t i = 0; i < count; i++) {
		g_assert_cmphex(entries[i].base, >=, end); /* in order, nothing twice */
		end = entries[i].base + entries[i].size;
		ram += entries[i].type == E820_RAM ? entries[i].size : 0;
	}
	g_assert_cmphex(end, ==, 5 * GIB);
	g_assert_cmphex(ram, ==, 3 * GIB - (MIB - LAYOUT_LOW_RAM_END));
	g_assert_cmpuint(e820_build(regions, 1, entries), ==, count - 1);
}

static int make_file(const void *bytes, size_t length)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	g_assert_cmpint(write(fd, bytes, length), ==, (ssize_t)length);
	return fd;
}

static uint64_t read_field(struct guest_memory *memory, uint64_t gpa, size_t length)
{
	uint8_t bytes[8] = {0};

	g_assert_cmpint(guest_memory_read(memory, gpa, bytes, length), ==, 0);
	return load_le64(bytes);
}

static void test_load(void)
{
	struct linux_boot boot = {.cmdline = "console=ttyS0", .acpi_rsdp = LAYOUT_ACPI_TABLES};
	struct linux_boot_problem problem;
	struct guest_memory *memory;
	struct linux_entry entry;
	char cmdline[14], initrd[7];

	make_image();
	boot.kernel_fd = make_file(image, sizeof(image));
	boot.initrd_fd = make_file("initrd", 6);
	g_assert_cmpint(guest_memory_create(64 * MIB, &memory), ==, 0);
	g_assert_cmpint(linux_boot_load(&boot, memory, &entry, &problem), ==, 0);

	g_assert_cmphex(entry.rip, ==, 16 * MIB + 0x200);
	g_assert_cmphex(read_field(memory, entry.rip, 1), ==, 0xf4);
	g_assert_cmphex(entry.rsi, ==, LAYOUT_ZERO_PAGE);
	g_assert_cmphex(read_field(memory, entry.rsi + 0x70, 8), ==, LAYOUT_ACPI_TABLES);
	g_assert_cmphex(read_field(memory, entry.rsi + 0x202, 4), ==, 0x53726448);
	g_assert_cmphex(read_field(memory, entry.rsi + 0x210, 1), ==, 0xff);
	g_assert_cmphex(read_field(memory, entry.rsi + 0x1e8, 1), ==, 5);
	g_assert_cmphex(read_field(memory, entry.rsi + 0x218, 4), ==, 64 * MIB - 4096);
	g_assert_cmphex(read_field(memory, entry.rsi + 0x21c, 4), ==, 6);
	guest_memory_read(memory, 64 * MIB - 4096, initrd, sizeof(initrd));
	g_assert_cmpstr(initrd, ==, "initrd");
	guest_memory_read(memory, LAYOUT_CMDLINE, cmdline, sizeof(cmdline));
	g_assert_cmpstr(cmdline, ==, "console=ttyS0");
	/* the page tables lead the entry back to itself */
	g_assert_cmphex(read_field(memory, entry.cr3, 8), ==, (entry.cr3 + 4096) | 3);
	g_assert_cmphex(read_field(memory, entry.cr3 + 8192 + 8 * 8, 8), ==, 16 * MIB | 0x83);
	/* code segment in its place */
	g_assert_cmphex(read_field(memory, entry.gdt_base + 0x10, 8), ==, 0x00af9b000000ffff);
	guest_memory_destroy(memory);
	fd_close(&boot.kernel_fd);
	fd_close(&boot.initrd_fd);
}

static void test_load_problems(void)
{
	g_autofree char *long_cmdline = g_strnfill(3000, 'x');
	struct linux_boot boot = {.initrd_fd = -1, .cmdline = ""};
	struct linux_boot_problem problem;
	struct guest_memory *memory;
	struct linux_entry entry;
	int pipe_fds[2];

	make_image();
	g_assert_cmpint(guest_memory_create(4 * MIB, &memory), ==, 0);
	boot.kernel_fd = make_file(image, sizeof(image));
	g_assert_cmpint(linux_boot_load(&boot, memory, &entry, &problem), ==, -ENOSPC);
	g_assert_cmpint(problem.file, ==, LINUX_BOOT_KERNEL);
	guest_memory_destroy(memory);

	g_assert_cmpint(guest_memory_create(64 * MIB, &memory), ==, 0);
	boot.cmdline = long_cmdline;
	g_assert_cmpint(linux_boot_load(&boot, memory, &entry, &problem), ==, -E2BIG);
	g_assert_cmpint(problem.file, ==, LINUX_BOOT_CMDLINE);
	boot.cmdline = "";
	boot.initrd_fd = memfd_create("test", MFD_CLOEXEC);
	g_assert_cmpint(ftruncate(boot.initrd_fd, 1LL << 40), ==, 0);
	g_assert_cmpint(linux_boot_load(&boot, memory, &entry, &problem), ==, -ENOSPC);
	g_assert_cmpint(problem.file, ==, LINUX_BOOT_INITRD);
	fd_close(&boot.initrd_fd);
	fd_close(&boot.kernel_fd);
	g_assert_cmpint(pipe(pipe_fds), ==, 0);
	boot.kernel_fd = pipe_fds[0];
	g_assert_cmpint(linux_boot_load(&boot, memory, &entry, &problem), ==, -EINVAL);
	fd_close(&pipe_fds[0]);
	fd_close(&pipe_fds[1]);
	guest_memory_destroy(memory);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/linux-boot/header", test_header);
	g_test_add_func("/linux-boot/hostile-header", test_hostile_header);
	g_test_add_func("/linux-boot/place", test_place);
	g_test_add_func("/linux-boot/place-initrd", test_place_initrd);
	g_test_add_func("/linux-boot/e820", test_e820);
	g_test_add_func("/linux-boot/load", test_load);
	g_test_add_func("/linux-boot/load-problems", test_load_problems);
	return g_test_run();
}
