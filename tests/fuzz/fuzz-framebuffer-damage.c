/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Damage as a hostile guest would tell of it: clipping, tiles and scaling of any rectangle on a
 * screen of any size in any area. Checks the arithmetic against a second, plain way to do it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "console/damage-map.h"
#include "console/display-geometry.h"
#include "console/pixel-buffer.h"

/* A third of a pixel is no float; far from the origin it is off by up to 1/256. */
#define ROUNDING 0.01f

struct input {
	uint16_t guest_width, guest_height;
	uint16_t area_width, area_height;
	uint8_t scale_factor;
} __attribute__((packed));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool spans_meet(int64_t start, int64_t length, int64_t other_start, int64_t other_length)
{
	return length > 0 && start < other_start + other_length && other_start < start + length;
}

static void check_tiles(InnDamageMap *map, const InnRectangle *damage)
{
	guint n_tiles = inn_damage_map_get_n_tiles(map);
	bool any = false;

	for (guint i = 0; i < n_tiles; i++) {
		InnRectangle tile = inn_damage_map_get_tile(map, i);
		bool touched = spans_meet(damage->x, damage->width, tile.x, tile.width) &&
			       spans_meet(damage->y, damage->height, tile.y, tile.height);

		g_assert_true(tile.width > 0 && tile.x + tile.width <= map->width);
		g_assert_true(tile.height > 0 && tile.y + tile.height <= map->height);
		g_assert_true(inn_damage_map_take(map, i) == touched);
		any = any || touched;
	}
	g_assert_false(inn_damage_map_add(map, damage) != any);
	for (guint i = 0; i < n_tiles; i++)
		inn_damage_map_take(map, i);
}

static void check_place(const InnDisplayGeometry *geometry, InnRectangle rectangle)
{
	float right = (float)(geometry->x + geometry->width) / (float)geometry->scale_factor;
	float bottom = (float)(geometry->y + geometry->height) / (float)geometry->scale_factor;
	graphene_rect_t place;
	int x, y;

	if (!inn_rectangle_clip(&rectangle, geometry->guest_width, geometry->guest_height))
		return;
	place = inn_display_geometry_map(geometry, &rectangle);
	g_assert_true(place.origin.x >= 0 && place.origin.x + place.size.width <= right + ROUNDING);
	g_assert_true(place.origin.y >= 0 &&
		      place.origin.y + place.size.height <= bottom + ROUNDING);
	g_assert_true(place.size.width >= 0 && place.size.height >= 0);

	inn_display_geometry_unmap(geometry, place.origin.x, place.origin.y, &x, &y);
	g_assert_true(x >= 0 && x < geometry->guest_width);
	g_assert_true(y >= 0 && y < geometry->guest_height);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	InnDisplayGeometry geometry;
	InnDamageMap map = {0};
	struct input input;

	if (size < sizeof(input))
		return 0;
	memcpy(&input, data, sizeof(input));
	if (input.guest_width == 0 || input.guest_width > INN_PIXEL_BUFFER_MAX_SIDE ||
	    input.guest_height == 0 || input.guest_height > INN_PIXEL_BUFFER_MAX_SIDE)
		return 0;

	inn_display_geometry_init(&geometry, input.guest_width, input.guest_height,
				  input.area_width, input.area_height, 1 + input.scale_factor % 4);
	inn_damage_map_reset(&map, input.guest_width, input.guest_height);
	for (guint i = 0; i < inn_damage_map_get_n_tiles(&map); i++)
		inn_damage_map_take(&map, i);

	data += sizeof(input);
	size -= sizeof(input);
	for (; size >= sizeof(InnRectangle);
	     data += sizeof(InnRectangle), size -= sizeof(InnRectangle)) {
		InnRectangle rectangle;

		memcpy(&rectangle, data, sizeof(rectangle));
		inn_damage_map_add(&map, &rectangle);
		check_tiles(&map, &rectangle);
		check_place(&geometry, rectangle);
	}
	inn_damage_map_clear(&map);
	return 0;
}
