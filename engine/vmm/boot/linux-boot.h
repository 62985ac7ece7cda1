/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts a Linux kernel directly: kernel, initrd, command line and boot parameters in guest
 * memory, and the processor in 64-bit mode at the kernel's entry (Documentation/arch/x86/boot.rst,
 * "64-bit Boot Protocol").
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct guest_memory;

struct linux_boot {
	int kernel_fd; /* borrowed; kept by the caller for the next reset */
	int initrd_fd; /* or -1 */
	const char *cmdline;
	uint64_t acpi_rsdp; /* guest-physical address of the ACPI root pointer */
};

/* How the processor has to start. */
struct linux_entry {
	uint64_t rip, rsp, rsi, cr3, gdt_base;
	uint16_t gdt_limit, code_selector, data_selector;
};

enum linux_boot_file { LINUX_BOOT_KERNEL, LINUX_BOOT_INITRD, LINUX_BOOT_CMDLINE };

/* What stands in the way: which of the three, and the rest of a sentence that begins with it. */
struct linux_boot_problem {
	enum linux_boot_file file;
	const char *text;
};

/* Fills it in and returns r, for who finds it. */
static inline int linux_boot_problem_set(struct linux_boot_problem *problem,
					 enum linux_boot_file file, const char *text, int r)
{
	*problem = (struct linux_boot_problem){.file = file, .text = text};
	return r;
}

/*
 * Loads everything straight from the files into guest memory. 0, or a negative errno with
 * *ret_problem filled in. Can be repeated for a reset.
 */
int linux_boot_load(const struct linux_boot *boot, struct guest_memory *memory,
		    struct linux_entry *ret_entry, struct linux_boot_problem *ret_problem);
