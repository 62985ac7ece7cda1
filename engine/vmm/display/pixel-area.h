/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which parts of a stretch of the pixel file are in use: where a display device puts the pictures
 * its guest makes. Plain state, pure.
 */
#pragma once

#include <stdint.h>

enum { PIXEL_AREA_MAX_PIECES = 256, PIXEL_AREA_ALIGNMENT = 4096 };

struct pixel_piece {
	uint64_t offset, size; /* bytes, whole pages */
};

struct pixel_area {
	uint64_t offset, size; /* of the stretch in the pixel file, whole pages */
	unsigned int count;
	struct pixel_piece pieces[PIXEL_AREA_MAX_PIECES]; /* by offset */
};

void pixel_area_init(struct pixel_area *area, uint64_t offset, uint64_t size);
/* The first gap that is large enough, so that few pages are ever touched. 0 or -ENOSPC. */
int pixel_area_take(struct pixel_area *area, uint64_t size, uint64_t *ret_offset);
/* That place and no other. 0, or -ENOSPC where it is not free. */
int pixel_area_take_at(struct pixel_area *area, uint64_t offset, uint64_t size);
/* offset: of a piece that was taken. */
void pixel_area_give_back(struct pixel_area *area, uint64_t offset);
