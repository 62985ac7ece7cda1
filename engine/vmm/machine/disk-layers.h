/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of one disk, opened before the sandbox closes; sentences about what is wrong with them.
 */
#pragma once

#include "block/layered-disk.h"
#include "machine/machine-config.h"

struct disk_layers {
	unsigned int count;
	struct block_layer layers[MACHINE_MAX_LAYERS];
	char *names[MACHINE_MAX_LAYERS];
};

/*
 * Opens them all: those of the configuration, or, where that has the disk alone, those that the
 * images name. 0, or -EIO after logging why. The descriptors are the caller's; finish afterwards.
 */
int disk_layers_open(const struct machine_disk_config *config, struct disk_layers *ret_layers);
void disk_layers_finish(struct disk_layers *layers);

/* Logs why the disk cannot be used; r: negative errno, with -EINVAL because of problem. */
void disk_layers_report(const struct disk_layers *layers, int r,
			const struct block_layer_problem *problem);
