/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine is in one moment, its RAM and disks apart: the state of its parts, and its
 * picture. A copy of the process has all of it. Main thread with the device lock held.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "protocol/memory-file.h"

struct machine;

struct machine_image {
	const struct machine *machine; /* also one in a copy of the process */
	uint8_t *block;                /* room for the state, of which little is touched */
	size_t block_length;
	uint8_t *pixels;      /* NULL: there is no screen */
	uint64_t pixel_bytes; /* as far as something has been drawn */
};

/* The room for it, before the guest has to wait. 0 or -ENOMEM. */
int machine_image_prepare(struct machine_image *image, const struct machine *machine);
void machine_image_finish(struct machine_image *image);

/* While the machine is held. 0 or negative errno. */
int machine_image_take(struct machine_image *image, struct machine *machine);

/*
 * With RAM as it is when it is read. Allocates nothing and takes no lock: it may be called in the
 * child of a process with threads.
 */
void machine_image_describe(const struct machine_image *image,
			    struct memory_file_contents *ret_contents);
