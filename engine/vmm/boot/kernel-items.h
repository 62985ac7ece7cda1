/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Linux kernel that firmware is to start: as items of fw_cfg. Kernel and initrd are read from
 * their files when the guest fetches them; nothing of them is kept.
 */
#pragma once

#include <stdint.h>

struct fw_cfg;
struct linux_boot;
struct linux_boot_problem;

/*
 * boot: its descriptors stay open as long as the guest may boot. ram_end: of low RAM. 0, or a
 * negative errno with *ret_problem filled in.
 */
int kernel_items_add(struct fw_cfg *config, const struct linux_boot *boot, uint64_t ram_end,
		     struct linux_boot_problem *ret_problem);
