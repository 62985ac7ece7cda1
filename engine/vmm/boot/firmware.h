/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A firmware image where the processor starts: read-only, so that it ends at 4 GiB, and, for a
 * BIOS, its last 128 KiB also in RAM below 1 MiB, where it runs from.
 *
 * The image is shown to the guest from the page cache, nothing of it is kept here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct firmware;
struct guest_memory;
struct memory_slot_registry;

/*
 * Maps the image. fd is borrowed, for firmware_load() too. low_copy: it is a BIOS. 0, or a negative
 * errno and in *ret_problem the rest of a sentence that begins with the file's name.
 */
int firmware_create(int fd, bool low_copy, struct memory_slot_registry *slots,
		    struct firmware **ret_firmware, const char **ret_problem);
/* NULL is accepted. */
void firmware_destroy(struct firmware *firmware);

/* Guest-physical address of its first byte. */
uint64_t firmware_base(const struct firmware *firmware);
/*
 * The size of the chip with the firmware's variables, right below the image: what fills the image
 * up to a power of two. 0 when it has no such chip.
 */
uint64_t firmware_variables_size(const struct firmware *firmware);

/* What memory below 1 MiB holds at power-on. Can be repeated for a reset. 0 or negative errno. */
int firmware_load(const struct firmware *firmware, struct guest_memory *memory);
