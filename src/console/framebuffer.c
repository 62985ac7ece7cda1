/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnFramebuffer: tiles, their damage, and drawing them. */
#include "console/framebuffer.h"

struct _InnFramebuffer
{
  InnPixelBuffer *pixels;
  InnDamageMap damage;
  InnFramebufferTile *tiles;
  InnTileKind kind;
  InnDisplayGeometry geometry; /* the one the tiles were made for */
  int repeat;                  /* likewise; 0: none yet */
};

InnFramebuffer *
inn_framebuffer_new (void)
{
  return g_new0 (InnFramebuffer, 1);
}

static void
clear_tiles (InnFramebuffer *self)
{
  guint n_tiles = inn_damage_map_get_n_tiles (&self->damage);

  for (guint i = 0; i < n_tiles; i++)
    inn_framebuffer_tile_clear (&self->tiles[i]);
}

static void
drop_picture (InnFramebuffer *self)
{
  clear_tiles (self);
  g_clear_pointer (&self->tiles, g_free);
  inn_damage_map_clear (&self->damage);
  g_clear_pointer (&self->pixels, inn_pixel_buffer_unref);
}

void
inn_framebuffer_free (InnFramebuffer *self)
{
  drop_picture (self);
  g_free (self);
}

void
inn_framebuffer_set_pixels (InnFramebuffer *self, InnPixelBuffer *pixels)
{
  drop_picture (self);
  if (pixels == NULL)
    return;

  self->pixels = inn_pixel_buffer_ref (pixels);
  inn_damage_map_reset (&self->damage, pixels->width, pixels->height);
  self->tiles = g_new0 (InnFramebufferTile, inn_damage_map_get_n_tiles (&self->damage));
}

InnPixelBuffer *
inn_framebuffer_get_pixels (InnFramebuffer *self)
{
  return self->pixels;
}

void
inn_framebuffer_set_kind (InnFramebuffer *self, InnTileKind kind)
{
  self->kind = kind;
  clear_tiles (self);
  inn_damage_map_add_all (&self->damage);
}

gboolean
inn_framebuffer_damage (InnFramebuffer *self, const InnRectangle *rectangle)
{
  return inn_damage_map_add (&self->damage, rectangle);
}

void
inn_framebuffer_snapshot (InnFramebuffer *self,
                          const InnDisplayGeometry *geometry,
                          GtkSnapshot *snapshot)
{
  guint n_tiles = inn_damage_map_get_n_tiles (&self->damage);
  int repeat = inn_display_geometry_get_repeat (geometry);

  /* Textures can be drawn anywhere, but cairo nodes and repeated pixels are made to measure. */
  if (repeat != self->repeat
      || (self->kind == INN_TILE_CAIRO && !inn_display_geometry_equal (&self->geometry, geometry)))
    inn_damage_map_add_all (&self->damage);
  self->geometry = *geometry;
  self->repeat = repeat;

  for (guint i = 0; i < n_tiles; i++)
    {
      InnRectangle source = inn_damage_map_get_tile (&self->damage, i);
      graphene_rect_t target = inn_display_geometry_map (geometry, &source);

      if (inn_damage_map_take (&self->damage, i))
        inn_framebuffer_tile_update (&self->tiles[i], self->kind, self->pixels, &source, repeat,
                                     &target);
      inn_framebuffer_tile_snapshot (&self->tiles[i], snapshot, &target);
    }
}
