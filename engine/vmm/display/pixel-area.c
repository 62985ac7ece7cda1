/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display/pixel-area.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

void pixel_area_init(struct pixel_area *area, uint64_t offset, uint64_t size)
{
	assert(offset % PIXEL_AREA_ALIGNMENT == 0 && size % PIXEL_AREA_ALIGNMENT == 0);
	*area = (struct pixel_area){.offset = offset, .size = size};
}

/* Where the gap before piece number i ends; there is one more gap than pieces. */
static uint64_t gap_end(const struct pixel_area *area, unsigned int i)
{
	return i < area->count ? area->pieces[i].offset : area->offset + area->size;
}

static void insert(struct pixel_area *area, unsigned int at, struct pixel_piece piece)
{
	memmove(&area->pieces[at + 1], &area->pieces[at], (area->count - at) * sizeof(piece));
	area->pieces[at] = piece;
	area->count++;
}

static bool can_hold(const struct pixel_area *area, uint64_t size)
{
	return size > 0 && size <= area->size && area->count < PIXEL_AREA_MAX_PIECES;
}

/* In whole pages. */
static uint64_t round_up(uint64_t size)
{
	return (size + PIXEL_AREA_ALIGNMENT - 1) & ~(uint64_t)(PIXEL_AREA_ALIGNMENT - 1);
}

int pixel_area_take(struct pixel_area *area, uint64_t size, uint64_t *ret_offset)
{
	uint64_t start = area->offset;

	if (!can_hold(area, size))
		return -ENOSPC;
	size = round_up(size);
	for (unsigned int i = 0; i <= area->count; i++) {
		if (size <= gap_end(area, i) - start) {
			insert(area, i, (struct pixel_piece){start, size});
			*ret_offset = start;
			return 0;
		}
		if (i < area->count)
			start = area->pieces[i].offset + area->pieces[i].size;
	}
	return -ENOSPC;
}

int pixel_area_take_at(struct pixel_area *area, uint64_t offset, uint64_t size)
{
	uint64_t start = area->offset;
	unsigned int i = 0;

	if (!can_hold(area, size) || offset % PIXEL_AREA_ALIGNMENT != 0)
		return -ENOSPC;
	size = round_up(size);
	while (i < area->count && area->pieces[i].offset < offset) {
		start = area->pieces[i].offset + area->pieces[i].size;
		i++;
	}
	if (offset < start || offset > gap_end(area, i) || size > gap_end(area, i) - offset)
		return -ENOSPC;
	insert(area, i, (struct pixel_piece){offset, size});
	return 0;
}

void pixel_area_give_back(struct pixel_area *area, uint64_t offset)
{
	unsigned int i = 0;

	while (i < area->count && area->pieces[i].offset != offset)
		i++;
	assert(i < area->count);
	area->count--;
	memmove(&area->pieces[i], &area->pieces[i + 1],
		(area->count - i) * sizeof(area->pieces[0]));
}
