/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/linux-boot.h"

#include <errno.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "boot/e820.h"
#include "boot/linux-header.h"
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"

enum {
	PAGE_SIZE = 4096,

	/* fields of the zero page by offset (Documentation/arch/x86/zero-page.rst) */
	ZP_ACPI_RSDP = 0x070,
	ZP_EXT_RAMDISK_IMAGE = 0x0c0,
	ZP_EXT_RAMDISK_SIZE = 0x0c4,
	ZP_E820_ENTRIES = 0x1e8,
	ZP_VID_MODE = 0x1fa,
	ZP_TYPE_OF_LOADER = 0x210,
	ZP_RAMDISK_IMAGE = 0x218,
	ZP_RAMDISK_SIZE = 0x21c,
	ZP_CMD_LINE_PTR = 0x228,
	ZP_E820_TABLE = 0x2d0,

	LOADER_UNDEFINED = 0xff,
	VID_MODE_NORMAL = 0xffff,
	ENTRY_64_OFFSET = 0x200,

	PAGE_PRESENT = 1 << 0,
	PAGE_WRITABLE = 1 << 1,
	PAGE_LARGE = 1 << 7,
	TABLE_ENTRIES = 512,
	DIRECTORIES = 4, /* of 1 GiB each */

	GDT_CODE = 2, /* the boot protocol fixes these two places: selectors 0x10 and 0x18 */
	GDT_DATA = 3,
	GDT_ENTRIES = 4,
};

#define GDT_FLAT_CODE 0x00af9b000000ffffULL /* 64-bit, execute and read, accessed */
#define GDT_FLAT_DATA 0x00cf93000000ffffULL /* read and write, accessed */
#define LARGE_PAGE    (2ULL << 20)

/* Everything that is decided before memory is written. */
struct plan {
	struct linux_header header;
	uint64_t ram_end; /* of low RAM */
	uint64_t kernel;  /* addresses */
	uint64_t initrd, initrd_size;
};

static int plan_kernel(const struct linux_boot *boot, struct plan *plan,
		       struct linux_boot_problem *ret_problem)
{
	uint8_t start[LINUX_HEADER_READ];
	const char *reason;
	uint64_t size = 0;
	size_t length;

	if (fd_regular_size(boot->kernel_fd, &size) < 0)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL,
					      "is not a regular file", -EINVAL);
	length = size < sizeof(start) ? (size_t)size : sizeof(start);
	if (fd_read_at(boot->kernel_fd, start, length, 0) < 0)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL, "cannot be read",
					      -EIO);
	reason = linux_header_parse(start, length, size, &plan->header);
	if (reason)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL, reason, -ENOEXEC);
	if (!linux_header_place(&plan->header, plan->ram_end, &plan->kernel))
		return linux_boot_problem_set(
			ret_problem, LINUX_BOOT_KERNEL,
			"does not fit into the machine's memory; give it more", -ENOSPC);
	return 0;
}

static int plan_initrd(const struct linux_boot *boot, struct plan *plan,
		       struct linux_boot_problem *ret_problem)
{
	uint64_t kernel_end = plan->kernel + plan->header.memory_size;

	if (boot->initrd_fd < 0)
		return 0;
	if (fd_regular_size(boot->initrd_fd, &plan->initrd_size) < 0)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_INITRD,
					      "is not a regular file", -EINVAL);
	if (!linux_header_place_initrd(&plan->header, plan->initrd_size, kernel_end, plan->ram_end,
				       &plan->initrd))
		return linux_boot_problem_set(
			ret_problem, LINUX_BOOT_INITRD,
			"does not fit into the machine's memory; give it more", -ENOSPC);
	return 0;
}

static int plan_cmdline(const struct linux_boot *boot, const struct plan *plan,
			struct linux_boot_problem *ret_problem)
{
	size_t length = strlen(boot->cmdline);

	if (length >= LAYOUT_CMDLINE_SIZE || length > plan->header.cmdline_max)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_CMDLINE,
					      "is too long for this kernel", -E2BIG);
	return 0;
}

static int load_file(int fd, uint64_t offset, uint64_t size, struct guest_memory *memory,
		     uint64_t gpa)
{
	void *host = guest_memory_at(memory, gpa, size);

	return host ? fd_read_at(fd, host, size, offset) : -EFAULT;
}

static void write_e820(uint8_t *zero_page, const struct guest_memory *memory)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	struct e820_entry entries[E820_MAX_ENTRIES];
	size_t region_count = guest_memory_regions(memory, regions);
	size_t count = e820_build(regions, region_count, entries);

	for (size_t i = 0; i < count; i++)
		e820_store(zero_page + ZP_E820_TABLE + i * E820_ENTRY_SIZE, &entries[i]);
	zero_page[ZP_E820_ENTRIES] = (uint8_t)count;
}

static int write_zero_page(const struct linux_boot *boot, const struct plan *plan,
			   struct guest_memory *memory)
{
	uint8_t zero_page[PAGE_SIZE] = {0};

	memcpy(zero_page + LINUX_HEADER_OFFSET, plan->header.bytes, plan->header.length);
	zero_page[ZP_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	store_le16(zero_page + ZP_VID_MODE, VID_MODE_NORMAL);
	store_le32(zero_page + ZP_CMD_LINE_PTR, LAYOUT_CMDLINE);
	store_le32(zero_page + ZP_RAMDISK_IMAGE, (uint32_t)plan->initrd);
	store_le32(zero_page + ZP_EXT_RAMDISK_IMAGE, (uint32_t)(plan->initrd >> 32));
	store_le32(zero_page + ZP_RAMDISK_SIZE, (uint32_t)plan->initrd_size);
	store_le32(zero_page + ZP_EXT_RAMDISK_SIZE, (uint32_t)(plan->initrd_size >> 32));
	store_le64(zero_page + ZP_ACPI_RSDP, boot->acpi_rsdp);
	write_e820(zero_page, memory);
	return guest_memory_write(memory, LAYOUT_ZERO_PAGE, zero_page, sizeof(zero_page));
}

/* The first 4 GiB at their own addresses, in pages of 2 MiB. */
static int write_page_tables(struct guest_memory *memory)
{
	const uint64_t flags = PAGE_PRESENT | PAGE_WRITABLE;
	uint64_t pointers = LAYOUT_PAGE_TABLES + PAGE_SIZE;
	uint64_t directories = pointers + PAGE_SIZE;
	uint8_t table[PAGE_SIZE] = {0};
	int r;

	store_le64(table, pointers | flags);
	r = guest_memory_write(memory, LAYOUT_PAGE_TABLES, table, sizeof(table));
	for (uint64_t i = 0; i < DIRECTORIES; i++)
		store_le64(table + 8 * i, (directories + i * PAGE_SIZE) | flags);
	if (r == 0)
		r = guest_memory_write(memory, pointers, table, sizeof(table));
	for (uint64_t i = 0; r == 0 && i < DIRECTORIES; i++) {
		for (uint64_t j = 0; j < TABLE_ENTRIES; j++)
			store_le64(table + 8 * j,
				   (i * TABLE_ENTRIES + j) * LARGE_PAGE | flags | PAGE_LARGE);
		r = guest_memory_write(memory, directories + i * PAGE_SIZE, table, sizeof(table));
	}
	return r;
}

static int write_gdt(struct guest_memory *memory)
{
	uint8_t gdt[8 * GDT_ENTRIES] = {0};

	store_le64(gdt + 8 * GDT_CODE, GDT_FLAT_CODE);
	store_le64(gdt + 8 * GDT_DATA, GDT_FLAT_DATA);
	return guest_memory_write(memory, LAYOUT_GDT, gdt, sizeof(gdt));
}

static int write_tables(const struct linux_boot *boot, const struct plan *plan,
			struct guest_memory *memory)
{
	int r = write_zero_page(boot, plan, memory);

	if (r == 0)
		r = guest_memory_write(memory, LAYOUT_CMDLINE, boot->cmdline,
				       strlen(boot->cmdline) + 1);
	if (r == 0)
		r = write_page_tables(memory);
	return r == 0 ? write_gdt(memory) : r;
}

static int load_files(const struct linux_boot *boot, const struct plan *plan,
		      struct guest_memory *memory, struct linux_boot_problem *ret_problem)
{
	const struct linux_header *header = &plan->header;
	int r = load_file(boot->kernel_fd, header->payload_offset, header->payload_size, memory,
			  plan->kernel);

	if (r < 0)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL, "cannot be read", r);
	if (boot->initrd_fd < 0)
		return 0;
	r = load_file(boot->initrd_fd, 0, plan->initrd_size, memory, plan->initrd);
	return r < 0 ? linux_boot_problem_set(ret_problem, LINUX_BOOT_INITRD, "cannot be read", r)
		     : 0;
}

int linux_boot_load(const struct linux_boot *boot, struct guest_memory *memory,
		    struct linux_entry *ret_entry, struct linux_boot_problem *ret_problem)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	struct plan plan = {0};
	int r;

	(void)guest_memory_regions(memory, regions);
	plan.ram_end = regions[0].size;
	r = plan_kernel(boot, &plan, ret_problem);
	if (r == 0)
		r = plan_initrd(boot, &plan, ret_problem);
	if (r == 0)
		r = plan_cmdline(boot, &plan, ret_problem);
	if (r == 0)
		r = load_files(boot, &plan, memory, ret_problem);
	if (r < 0)
		return r;
	if (write_tables(boot, &plan, memory) < 0)
		return linux_boot_problem_set(
			ret_problem, LINUX_BOOT_KERNEL,
			"does not fit into the machine's memory; give it more", -ENOSPC);
	*ret_entry = (struct linux_entry){
		.rip = plan.kernel + ENTRY_64_OFFSET,
		.rsp = LAYOUT_ZERO_PAGE + 2 * PAGE_SIZE,
		.rsi = LAYOUT_ZERO_PAGE,
		.cr3 = LAYOUT_PAGE_TABLES,
		.gdt_base = LAYOUT_GDT,
		.gdt_limit = 8 * GDT_ENTRIES - 1,
		.code_selector = 8 * GDT_CODE,
		.data_selector = 8 * GDT_DATA,
	};
	return 0;
}
