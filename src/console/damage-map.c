/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnDamageMap: from damaged rectangles to dirty tiles. */
#include "console/damage-map.h"

#include <string.h>

/* Cuts [*start, *start + *length) to [0, limit) in 64 bits, where no sum of two ints wraps. */
static gboolean
clip_span (int *start, int *length, int limit)
{
  gint64 first = MAX ((gint64)*start, 0);
  gint64 end = MIN ((gint64)*start + *length, (gint64)limit);

  if (*length <= 0 || first >= end)
    return FALSE;

  *start = (int)first;
  *length = (int)(end - first);
  return TRUE;
}

gboolean
inn_rectangle_clip (InnRectangle *rectangle, int width, int height)
{
  return clip_span (&rectangle->x, &rectangle->width, width)
         && clip_span (&rectangle->y, &rectangle->height, height);
}

void
inn_damage_map_reset (InnDamageMap *self, int width, int height)
{
  g_free (self->dirty);
  self->width = width;
  self->height = height;
  self->columns = (width + INN_TILE_SIZE - 1) / INN_TILE_SIZE;
  self->rows = (height + INN_TILE_SIZE - 1) / INN_TILE_SIZE;
  self->dirty = g_malloc (inn_damage_map_get_n_tiles (self));
  inn_damage_map_add_all (self);
}

void
inn_damage_map_clear (InnDamageMap *self)
{
  g_free (self->dirty);
  memset (self, 0, sizeof *self);
}

gboolean
inn_damage_map_add (InnDamageMap *self, const InnRectangle *rectangle)
{
  InnRectangle inside = *rectangle;
  int first_column, last_column, last_row;

  if (!inn_rectangle_clip (&inside, self->width, self->height))
    return FALSE;

  first_column = inside.x / INN_TILE_SIZE;
  last_column = (inside.x + inside.width - 1) / INN_TILE_SIZE;
  last_row = (inside.y + inside.height - 1) / INN_TILE_SIZE;
  for (int row = inside.y / INN_TILE_SIZE; row <= last_row; row++)
    memset (self->dirty + row * self->columns + first_column, TRUE,
            (gsize)(last_column - first_column + 1));
  return TRUE;
}

void
inn_damage_map_add_all (InnDamageMap *self)
{
  guint n_tiles = inn_damage_map_get_n_tiles (self);

  if (n_tiles > 0)
    memset (self->dirty, TRUE, n_tiles);
}

gboolean
inn_damage_map_take (InnDamageMap *self, guint index)
{
  gboolean dirty = self->dirty[index];

  self->dirty[index] = FALSE;
  return dirty;
}

guint
inn_damage_map_get_n_tiles (const InnDamageMap *self)
{
  return (guint)self->columns * (guint)self->rows;
}

InnRectangle
inn_damage_map_get_tile (const InnDamageMap *self, guint index)
{
  int x = (int)(index % (guint)self->columns) * INN_TILE_SIZE;
  int y = (int)(index / (guint)self->columns) * INN_TILE_SIZE;

  return (InnRectangle){
    .x = x,
    .y = y,
    .width = MIN (INN_TILE_SIZE, self->width - x),
    .height = MIN (INN_TILE_SIZE, self->height - y),
  };
}
