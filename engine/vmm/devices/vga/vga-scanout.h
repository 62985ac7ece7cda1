/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Brings a VGA's picture onto the screen and says what has changed of it. Pixels that screens
 * understand are shown where they lie in video memory, which is where the pixel file begins; all
 * others are drawn behind it. Main thread, device lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "devices/vga/vga-picture.h"

struct screen;
struct vga_memory;
struct vga_registers;

struct vga_scanout {
	struct screen *screen;
	uint64_t drawing;           /* offset of the drawn picture in the pixel file */
	struct vga_picture picture; /* on the screen */
	vga_cell *cells;            /* of a text picture, as drawn */
};

/* Bytes of a pixel file that begins with so much video memory. */
uint64_t vga_scanout_pixel_bytes(uint32_t memory_size);

/* 0 or -ENOMEM. */
int vga_scanout_init(struct vga_scanout *scanout, struct screen *screen, uint32_t memory_size);
void vga_scanout_finish(struct vga_scanout *scanout);

/*
 * Uses up the memory's marks. all: they are not known to be complete, so that everything is drawn.
 * Whether anything was different.
 */
bool vga_scanout_update(struct vga_scanout *scanout, const struct vga_registers *registers,
			struct vga_memory *memory, bool all);
