/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The paravirtual panic device (QEMU's docs/specs/pvpanic): a guest that panics writes it to port
 * 0x505; the DSDT has it as QEMU0001.
 */
#include <errno.h>
#include <stdlib.h>

#include "bus/address-space.h"
#include "devices/devices.h"

enum {
	PORT = 0x505,
	PANICKED = 1 << 0,
	CRASH_LOADED = 1 << 1, /* panicked, and the guest saves its own dump: it ends by itself */
};

struct pvpanic {
	struct system_requests requests;
};

static uint64_t pvpanic_read(void *device, uint64_t offset, unsigned int size)
{
	return PANICKED | CRASH_LOADED;
}

static void pvpanic_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pvpanic *pvpanic = device;

	if (value & PANICKED)
		pvpanic->requests.panicked(pvpanic->requests.machine);
}

static const struct address_range_ops pvpanic_ops = {
	.read = pvpanic_read,
	.write = pvpanic_write,
};

int pvpanic_create(struct address_space *ports, const struct system_requests *requests,
		   struct pvpanic **ret_pvpanic)
{
	struct pvpanic *pvpanic = calloc(1, sizeof(*pvpanic));
	int r;

	if (!pvpanic)
		return -ENOMEM;
	pvpanic->requests = *requests;
	r = address_space_add(ports, PORT, 1, &pvpanic_ops, pvpanic);
	if (r < 0) {
		free(pvpanic);
		return r;
	}
	*ret_pvpanic = pvpanic;
	return 0;
}

void pvpanic_destroy(struct pvpanic *pvpanic)
{
	free(pvpanic);
}
