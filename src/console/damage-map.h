/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnDamageMap: which tiles of a picture have changed. Pure: no toolkit, no pixels. Rectangles may
 * come from a hostile guest; they are clipped here before anything else sees them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Side of a tile in guest pixels: small enough that a cursor's worth of damage is a small upload,
 * large enough that a full screen is some forty tiles. */
#define INN_TILE_SIZE 256

typedef struct
{
  int x;
  int y;
  int width;
  int height;
} InnRectangle;

typedef struct
{
  int width;
  int height;
  int columns;
  int rows;
  guint8 *dirty; /* one byte per tile, row by row */
} InnDamageMap;

/* Cuts @rectangle to a picture of @width × @height. FALSE: nothing of it is inside. */
gboolean inn_rectangle_clip (InnRectangle *rectangle, int width, int height);

/* An empty map is all zeros. Sizes are those of an InnPixelBuffer; every tile starts dirty. */
void inn_damage_map_reset (InnDamageMap *self, int width, int height);
void inn_damage_map_clear (InnDamageMap *self);

/* Marks the tiles the rectangle touches. FALSE: it is wholly outside, nothing changed. */
gboolean inn_damage_map_add (InnDamageMap *self, const InnRectangle *rectangle);
void inn_damage_map_add_all (InnDamageMap *self);

/* Whether tile @index was dirty; it no longer is. */
gboolean inn_damage_map_take (InnDamageMap *self, guint index);
guint inn_damage_map_get_n_tiles (const InnDamageMap *self);
/* The pixels of tile @index; tiles at the right and bottom edge are smaller. */
InnRectangle inn_damage_map_get_tile (const InnDamageMap *self, guint index);

G_END_DECLS
