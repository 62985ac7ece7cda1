/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's isa-debug-exit at port 0xF4: writing a value ends the VMM with exit status
 * (value << 1) | 1. For test suites; only there when asked for.
 */
#include <errno.h>
#include <stdlib.h>

#include "bus/address-space.h"
#include "devices/devices.h"

enum { PORT = 0xf4, PORTS = 4 };

struct debug_exit {
	struct system_requests requests;
};

static uint64_t debug_exit_read(void *device, uint64_t offset, unsigned int size)
{
	return 0;
}

static void debug_exit_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct debug_exit *self = device;

	/* A process's exit status has eight bits. */
	self->requests.debug_exit(self->requests.machine, (int)((value << 1 | 1) & 0xff));
}

static const struct address_range_ops debug_exit_ops = {
	.read = debug_exit_read,
	.write = debug_exit_write,
};

int debug_exit_create(struct address_space *ports, const struct system_requests *requests,
		      struct debug_exit **ret_exit)
{
	struct debug_exit *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return -ENOMEM;
	self->requests = *requests;
	r = address_space_add(ports, PORT, PORTS, &debug_exit_ops, self);
	if (r < 0) {
		free(self);
		return r;
	}
	*ret_exit = self;
	return 0;
}

void debug_exit_destroy(struct debug_exit *self)
{
	free(self);
}
