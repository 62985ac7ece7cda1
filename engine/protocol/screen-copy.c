/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader's side of a screen page.
 */
#include <errno.h>
#include <stdbool.h>

#include "base/checked-arithmetic.h"
#include "protocol/screen-protocol.h"

enum { MAX_TRIES = 64, BYTES_PER_PIXEL = 4 };

/* Word by word and atomic: the writer may be at work, and nothing may be read twice. */
static void copy_words(void *to, const void *from, size_t size)
{
	const uint64_t *shared = from;
	uint64_t *own = to;

	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		own[i] = __atomic_load_n(&shared[i], __ATOMIC_RELAXED);
}

static int check_header(const struct screen_header *header)
{
	if (header->magic != SCREEN_MAGIC)
		return -EPROTO;
	if (header->major != SCREEN_MAJOR)
		return -EPROTONOSUPPORT;
	return header->size == sizeof(struct screen_page) ? 0 : -EPROTO;
}

static bool mode_valid(const struct screen_mode *mode, uint64_t pixel_bytes)
{
	if (mode->width == 0)
		return true;
	if (mode->width > SCREEN_MAX_WIDTH || mode->height == 0 ||
	    mode->height > SCREEN_MAX_HEIGHT || mode->stride > SCREEN_MAX_STRIDE)
		return false;
	if (mode->format != SCREEN_FORMAT_BGRX && mode->format != SCREEN_FORMAT_RGBX)
		return false;
	if (mode->stride < mode->width * BYTES_PER_PIXEL || mode->stride % BYTES_PER_PIXEL != 0 ||
	    mode->offset % BYTES_PER_PIXEL != 0)
		return false;
	return range_fits(mode->offset, (uint64_t)mode->stride * mode->height, pixel_bytes);
}

static bool cursor_valid(const struct screen_cursor *cursor)
{
	return cursor->visible <= 1 && cursor->width <= SCREEN_CURSOR_SIDE &&
	       cursor->height <= SCREEN_CURSOR_SIDE &&
	       (!cursor->visible ||
		(cursor->hot_x < cursor->width && cursor->hot_y < cursor->height));
}

/* Of a consistent copy. */
static int check(const struct screen_page *copy, uint64_t pixel_bytes)
{
	int r = check_header(&copy->header);

	if (r < 0)
		return r;
	if (copy->header.pixel_bytes != pixel_bytes)
		return -EPROTO;
	return mode_valid(&copy->mode, pixel_bytes) && cursor_valid(&copy->cursor) ? 0 : -EPROTO;
}

int screen_copy(const struct screen_page *shared, uint64_t pixel_bytes, struct screen_page *copy)
{
	for (int i = 0; i < MAX_TRIES; i++) {
		uint32_t sequence = __atomic_load_n(&shared->header.sequence, __ATOMIC_ACQUIRE);

		if (sequence & 1)
			continue;
		copy_words(copy, shared, sizeof(*copy));
		/* the copy is complete before the sequence is looked at again */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&shared->header.sequence, __ATOMIC_RELAXED) == sequence)
			return check(copy, pixel_bytes);
	}
	return -EAGAIN;
}

/* The part of a rectangle that is on the screen; false: none. */
static bool clip(struct screen_rectangle *rectangle, const struct screen_mode *mode)
{
	if (rectangle->x >= mode->width || rectangle->y >= mode->height)
		return false;
	if (rectangle->width > mode->width - rectangle->x)
		rectangle->width = (uint16_t)(mode->width - rectangle->x);
	if (rectangle->height > mode->height - rectangle->y)
		rectangle->height = (uint16_t)(mode->height - rectangle->y);
	return rectangle->width > 0 && rectangle->height > 0;
}

int screen_damage_since(const struct screen_page *copy, uint32_t seen,
			struct screen_rectangle rectangles[SCREEN_DAMAGE_SLOTS])
{
	uint32_t since = copy->damage.count - seen;
	int count = 0;

	if (since > SCREEN_DAMAGE_SLOTS)
		return -1;
	for (uint32_t i = seen; i != copy->damage.count; i++) {
		struct screen_rectangle rectangle = copy->damage.slots[i % SCREEN_DAMAGE_SLOTS];

		if (clip(&rectangle, &copy->mode))
			rectangles[count++] = rectangle;
	}
	return count;
}
