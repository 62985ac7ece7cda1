/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System control port A, 0x92 (IBM PS/2 Hardware Interface Technical Reference): bit 1 is the A20
 * gate, always open here; writing bit 0 resets the processor.
 */
#include <errno.h>
#include <stdlib.h>

#include "bus/address-space.h"
#include "devices/devices.h"

enum { PORT = 0x92, RESET = 1 << 0, A20 = 1 << 1 };

struct fast_reset {
	struct system_requests requests;
};

static uint64_t fast_reset_read(void *device, uint64_t offset, unsigned int size)
{
	return A20;
}

static void fast_reset_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct fast_reset *reset = device;

	if (value & RESET)
		reset->requests.reset(reset->requests.machine);
}

static const struct address_range_ops fast_reset_ops = {
	.read = fast_reset_read,
	.write = fast_reset_write,
};

int fast_reset_create(struct address_space *ports, const struct system_requests *requests,
		      struct fast_reset **ret_reset)
{
	struct fast_reset *reset = calloc(1, sizeof(*reset));
	int r;

	if (!reset)
		return -ENOMEM;
	reset->requests = *requests;
	r = address_space_add(ports, PORT, 1, &fast_reset_ops, reset);
	if (r < 0) {
		free(reset);
		return r;
	}
	*ret_reset = reset;
	return 0;
}

void fast_reset_destroy(struct fast_reset *reset)
{
	free(reset);
}
