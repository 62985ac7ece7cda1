/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client's reading of a screen page that a hostile VMM wrote. Input: the damage number it saw
 * last, then the start of the page; the rest is zero.
 */
#include "protocol/screen-protocol.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIXEL_BYTES (1ULL << 20)

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* Whoever believes the copy reads these bytes. */
static void check_mode(const struct screen_mode *mode)
{
	if (mode->width == 0)
		return;
	must(mode->height > 0 && mode->stride >= mode->width * 4);
	must(mode->offset + (uint64_t)mode->stride * mode->height <= PIXEL_BYTES);
}

static void check_damage(const struct screen_page *copy, uint32_t seen)
{
	struct screen_rectangle rectangles[SCREEN_DAMAGE_SLOTS];
	int count = screen_damage_since(copy, seen, rectangles);

	must(count >= -1 && count <= SCREEN_DAMAGE_SLOTS);
	for (int i = 0; i < count; i++) {
		must(rectangles[i].width > 0 && rectangles[i].height > 0);
		must(rectangles[i].x + rectangles[i].width <= (int)copy->mode.width);
		must(rectangles[i].y + rectangles[i].height <= (int)copy->mode.height);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct screen_page shared, copy;
	uint32_t seen;
	int r;

	if (size < sizeof(seen) || size - sizeof(seen) > sizeof(shared))
		return 0;
	memcpy(&seen, data, sizeof(seen));
	memset(&shared, 0, sizeof(shared));
	memcpy(&shared, data + sizeof(seen), size - sizeof(seen));
	r = screen_copy(&shared, PIXEL_BYTES, &copy);
	must(r == 0 || r == -EAGAIN || r == -EPROTO || r == -EPROTONOSUPPORT);
	if (r < 0)
		return 0;
	check_mode(&copy.mode);
	must(copy.cursor.width <= SCREEN_CURSOR_SIDE && copy.cursor.height <= SCREEN_CURSOR_SIDE);
	check_damage(&copy, seen);
	return 0;
}
