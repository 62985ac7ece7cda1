/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-layers.h"

#include <errno.h>

#include "block/block-backend.h"
#include "control/control-server.h"
#include "machine/machine.h"

static int check_layers(const struct machine *machine, const struct control_snapshot *snapshot)
{
	for (unsigned int i = 0; i < CONTROL_MAX_DRIVES; i++) {
		if (snapshot->layers[i] < 0)
			continue;
		if (i >= machine->config->disk_count)
			return -ENODEV;
		if (machine->config->disks[i].read_only)
			return -EROFS;
	}
	return 0;
}

/* While the guest still runs: most of what would have to be stored while it does not. */
static int flush_disks(struct machine *machine, const struct control_snapshot *snapshot)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < machine->config->disk_count; i++) {
		if (snapshot->layers[i] >= 0)
			r = block_backend_flush(machine->disks[i].backend);
	}
	return r;
}

int machine_layers_prepare(struct machine *machine, const struct control_snapshot *snapshot)
{
	int r = check_layers(machine, snapshot);

	return r == 0 ? flush_disks(machine, snapshot) : r;
}

void machine_layers_pop(struct machine *machine, uint64_t disks)
{
	for (unsigned int i = 0; i < machine->config->disk_count; i++) {
		if (disks >> i & 1)
			block_backend_pop_layer(machine->disks[i].backend);
	}
}

int machine_layers_push(struct machine *machine, struct control_snapshot *snapshot,
			uint64_t *ret_disks)
{
	struct block_layer_problem problem;
	int r = 0;

	*ret_disks = 0;
	for (unsigned int i = 0; r == 0 && i < machine->config->disk_count; i++) {
		if (snapshot->layers[i] < 0)
			continue;
		r = block_backend_push_layer(machine->disks[i].backend, snapshot->layers[i],
					     &problem);
		if (r < 0)
			break;
		snapshot->layers[i] = -1;
		*ret_disks |= 1ULL << i;
	}
	if (r < 0)
		machine_layers_pop(machine, *ret_disks);
	/* the client's file is not what it should be */
	return r == -EINVAL ? -EBADMSG : r;
}
