/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the names on the command line (disk0, cdrom0, net0) to the Open Firmware paths by which
 * firmware knows the same devices. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	BOOT_MAX_DEVICES = 64,
	BOOT_NAME_SIZE = 16,
	BOOT_PATH_SIZE = 56,
	BOOT_ORDER_SIZE = BOOT_MAX_DEVICES * BOOT_PATH_SIZE,
};

struct boot_device {
	char name[BOOT_NAME_SIZE], path[BOOT_PATH_SIZE];
};
struct boot_devices {
	unsigned int count;
	struct boot_device devices[BOOT_MAX_DEVICES];
};

/* number: from 0, of those with that name; slot: on bus 0. One too many is left out. */
void boot_devices_add_virtio_disk(struct boot_devices *devices, unsigned int number,
				  unsigned int slot);
void boot_devices_add_nic(struct boot_devices *devices, unsigned int number, unsigned int slot);
/* name: "disk" or "cdrom"; port: of the SATA adapter. */
void boot_devices_add_sata(struct boot_devices *devices, const char *name, unsigned int number,
			   unsigned int port);

/* Whether order (NULL: nothing is) has that device. */
bool boot_order_names(const char *order, const char *name, unsigned int number);

/*
 * order: names with commas between them. The paths, one a line. False with the name in ret_unknown
 * (cut off if it is long) when there is no such device or one is named twice.
 */
bool boot_order_build(const struct boot_devices *devices, const char *order,
		      char ret_paths[BOOT_ORDER_SIZE], char ret_unknown[BOOT_NAME_SIZE]);
