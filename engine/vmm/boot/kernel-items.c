/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See kernel-items.h. The boot protocol of a BIOS: Documentation/arch/x86/boot.rst. UEFI firmware
 * puts the pieces of the kernel together again and needs none of the addresses.
 */
#include "boot/kernel-items.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "boot/linux-boot.h"
#include "boot/linux-header.h"
#include "devices/fw-cfg.h"
#include "memory/memory-layout.h"

enum {
	/* where they go in conventional memory */
	SETUP_ADDRESS = 0x10000,
	CMDLINE_ADDRESS = 0x20000,
	HEAP_END = CMDLINE_ADDRESS - SETUP_ADDRESS - 0x200,

	/* offsets in the setup code */
	TYPE_OF_LOADER = 0x210,
	LOAD_FLAGS = 0x211,
	RAMDISK_IMAGE = 0x218,
	RAMDISK_SIZE = 0x21c,
	HEAP_END_POINTER = 0x224,
	CMD_LINE_POINTER = 0x228,

	LOADER_UNDEFINED = 0xff,
	CAN_USE_HEAP = 1 << 7,
};

struct kernel {
	struct linux_header header;
	uint64_t size; /* of the file */
	uint32_t initrd_address, initrd_size;
};

static int read_kernel(const struct linux_boot *boot, struct kernel *kernel,
		       struct linux_boot_problem *ret_problem)
{
	uint8_t start[LINUX_HEADER_READ];
	const char *reason;
	size_t length;

	if (fd_regular_size(boot->kernel_fd, &kernel->size) < 0)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL,
					      "is not a regular file", -EINVAL);
	length = kernel->size < sizeof(start) ? (size_t)kernel->size : sizeof(start);
	if (fd_read_at(boot->kernel_fd, start, length, 0) < 0)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL, "cannot be read",
					      -EIO);
	reason = linux_header_parse(start, length, kernel->size, &kernel->header);
	if (reason)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL, reason, -ENOEXEC);
	if (kernel->header.payload_offset > CMDLINE_ADDRESS - SETUP_ADDRESS ||
	    kernel->size - kernel->header.payload_offset > UINT32_MAX)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL, "is too large",
					      -EFBIG);
	return 0;
}

static int place_initrd(const struct linux_boot *boot, struct kernel *kernel, uint64_t ram_end,
			struct linux_boot_problem *ret_problem)
{
	uint64_t size = 0, address, kernel_end;

	if (boot->initrd_fd < 0)
		return 0;
	if (fd_regular_size(boot->initrd_fd, &size) < 0)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_INITRD,
					      "is not a regular file", -EINVAL);
	kernel_end = LAYOUT_KERNEL_MINIMUM + kernel->header.memory_size;
	if (size > UINT32_MAX ||
	    !linux_header_place_initrd(&kernel->header, size, kernel_end, ram_end, &address))
		return linux_boot_problem_set(
			ret_problem, LINUX_BOOT_INITRD,
			"does not fit into the machine's memory; give it more", -ENOSPC);
	kernel->initrd_address = (uint32_t)address;
	kernel->initrd_size = (uint32_t)size;
	return 0;
}

static int check_cmdline(const struct linux_boot *boot, const struct kernel *kernel,
			 struct linux_boot_problem *ret_problem)
{
	size_t length = strlen(boot->cmdline);

	if (length >= LAYOUT_CMDLINE_SIZE || length > kernel->header.cmdline_max)
		return linux_boot_problem_set(ret_problem, LINUX_BOOT_CMDLINE,
					      "is too long for this kernel", -E2BIG);
	return 0;
}

/* What a boot loader tells the setup code. linux_header_parse() has seen that it is that long. */
static void fill_setup(uint8_t *setup, const struct kernel *kernel)
{
	setup[TYPE_OF_LOADER] = LOADER_UNDEFINED;
	setup[LOAD_FLAGS] |= CAN_USE_HEAP;
	store_le16(setup + HEAP_END_POINTER, HEAP_END);
	store_le32(setup + CMD_LINE_POINTER, CMDLINE_ADDRESS);
	store_le32(setup + RAMDISK_IMAGE, kernel->initrd_address);
	store_le32(setup + RAMDISK_SIZE, kernel->initrd_size);
}

static int add_setup(struct fw_cfg *config, const struct linux_boot *boot,
		     const struct kernel *kernel)
{
	size_t size = (size_t)kernel->header.payload_offset;
	uint8_t *setup = malloc(size);
	int r = setup ? fd_read_at(boot->kernel_fd, setup, size, 0) : -ENOMEM;

	if (r == 0) {
		fill_setup(setup, kernel);
		r = fw_cfg_add(config, FW_CFG_SETUP_DATA, setup, size);
	}
	if (r == 0)
		r = fw_cfg_add_u32(config, FW_CFG_SETUP_SIZE, (uint32_t)size);
	if (r == 0)
		r = fw_cfg_add_u32(config, FW_CFG_SETUP_ADDRESS, SETUP_ADDRESS);
	free(setup);
	return r;
}

static int add_kernel(struct fw_cfg *config, const struct linux_boot *boot,
		      const struct kernel *kernel)
{
	uint64_t offset = kernel->header.payload_offset;
	uint32_t size = (uint32_t)(kernel->size - offset);
	int r = fw_cfg_add_fd(config, FW_CFG_KERNEL_DATA, boot->kernel_fd, offset, size);

	if (r == 0)
		r = fw_cfg_add_u32(config, FW_CFG_KERNEL_SIZE, size);
	return r == 0 ? fw_cfg_add_u32(config, FW_CFG_KERNEL_ADDRESS, LAYOUT_KERNEL_MINIMUM) : r;
}

static int add_initrd(struct fw_cfg *config, const struct linux_boot *boot,
		      const struct kernel *kernel)
{
	int r;

	if (boot->initrd_fd < 0)
		return 0;
	r = fw_cfg_add_fd(config, FW_CFG_INITRD_DATA, boot->initrd_fd, 0, kernel->initrd_size);
	if (r == 0)
		r = fw_cfg_add_u32(config, FW_CFG_INITRD_SIZE, kernel->initrd_size);
	return r == 0 ? fw_cfg_add_u32(config, FW_CFG_INITRD_ADDRESS, kernel->initrd_address) : r;
}

static int add_cmdline(struct fw_cfg *config, const char *cmdline)
{
	uint32_t size = (uint32_t)strlen(cmdline) + 1;
	int r = fw_cfg_add(config, FW_CFG_CMDLINE_DATA, cmdline, size);

	if (r == 0)
		r = fw_cfg_add_u32(config, FW_CFG_CMDLINE_SIZE, size);
	return r == 0 ? fw_cfg_add_u32(config, FW_CFG_CMDLINE_ADDRESS, CMDLINE_ADDRESS) : r;
}

int kernel_items_add(struct fw_cfg *config, const struct linux_boot *boot, uint64_t ram_end,
		     struct linux_boot_problem *ret_problem)
{
	struct kernel kernel = {0};
	int r = read_kernel(boot, &kernel, ret_problem);

	if (r == 0)
		r = place_initrd(boot, &kernel, ram_end, ret_problem);
	if (r == 0)
		r = check_cmdline(boot, &kernel, ret_problem);
	if (r < 0)
		return r;
	r = add_setup(config, boot, &kernel);
	if (r == 0)
		r = add_kernel(config, boot, &kernel);
	if (r == 0)
		r = add_initrd(config, boot, &kernel);
	if (r == 0)
		r = add_cmdline(config, boot->cmdline);
	return r < 0 ? linux_boot_problem_set(ret_problem, LINUX_BOOT_KERNEL, "cannot be read", r)
		     : 0;
}
