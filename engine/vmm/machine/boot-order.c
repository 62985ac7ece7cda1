/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See boot-order.h. Paths are in the form of QEMU's "bootorder": Open Firmware's, with the PCI bus
 * by the port of its configuration registers (IEEE 1275).
 */
#include "machine/boot-order.h"

#include <stdio.h>
#include <string.h>

#define BUS "/pci@i0cf8"

static struct boot_device *add(struct boot_devices *devices, const char *name, unsigned int number)
{
	struct boot_device *device = &devices->devices[devices->count];

	if (devices->count == BOOT_MAX_DEVICES)
		return NULL;
	devices->count++;
	snprintf(device->name, sizeof(device->name), "%s%u", name, number);
	return device;
}

void boot_devices_add_virtio_disk(struct boot_devices *devices, unsigned int number,
				  unsigned int slot)
{
	struct boot_device *device = add(devices, "disk", number);

	if (device)
		snprintf(device->path, sizeof(device->path), BUS "/scsi@%x/disk@0,0", slot);
}

void boot_devices_add_nic(struct boot_devices *devices, unsigned int number, unsigned int slot)
{
	struct boot_device *device = add(devices, "net", number);

	if (device)
		snprintf(device->path, sizeof(device->path), BUS "/ethernet@%x/ethernet-phy@0",
			 slot);
}

void boot_devices_add_sata(struct boot_devices *devices, const char *name, unsigned int number,
			   unsigned int port)
{
	struct boot_device *device = add(devices, name, number);

	if (device)
		snprintf(device->path, sizeof(device->path),
			 BUS "/pci8086,2922@1f,2/drive@%x/disk@0", port);
}

static const struct boot_device *find(const struct boot_devices *devices, const char *name)
{
	for (unsigned int i = 0; i < devices->count; i++) {
		if (strcmp(devices->devices[i].name, name) == 0)
			return &devices->devices[i];
	}
	return NULL;
}

bool boot_order_names(const char *order, const char *name, unsigned int number)
{
	char wanted[BOOT_NAME_SIZE];
	size_t length = (size_t)snprintf(wanted, sizeof(wanted), "%s%u", name, number);

	while (order) {
		if (strcspn(order, ",") == length && strncmp(order, wanted, length) == 0)
			return true;
		order = strchr(order, ',');
		if (order)
			order++;
	}
	return false;
}

/* Each path is appended once, so that they all have room. */
static bool append(char paths[BOOT_ORDER_SIZE], const struct boot_device *device)
{
	size_t used = strlen(paths);

	if (!device || strstr(paths, device->path))
		return false;
	snprintf(paths + used, BOOT_ORDER_SIZE - used, "%s%s", used > 0 ? "\n" : "", device->path);
	return true;
}

bool boot_order_build(const struct boot_devices *devices, const char *order,
		      char ret_paths[BOOT_ORDER_SIZE], char ret_unknown[BOOT_NAME_SIZE])
{
	ret_paths[0] = '\0';
	for (;;) {
		size_t length = strcspn(order, ",");
		char name[BOOT_NAME_SIZE];

		snprintf(name, sizeof(name), "%.*s", (int)(length < 100 ? length : 100), order);
		if (!append(ret_paths, find(devices, name))) {
			strcpy(ret_unknown, name);
			return false;
		}
		if (order[length] == '\0')
			return true;
		order += length + 1;
	}
}
