/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnThumbnail: dirty tiles shrunk into one small texture. */
#include "console/thumbnail.h"

#include <gtk/gtk.h>

#define BYTES_PER_PIXEL 4
#define INTERVAL_MS     100

/* Wide enough for a 256 pixel picture on a monitor of scale factor 2. */
#define MAX_WIDTH 512

/* A power of two no greater than a tile, so that tiles shrink to whole pixels. */
#define MAX_DIVISOR INN_TILE_SIZE

struct _InnThumbnail
{
  GObject parent_instance;

  InnPixelBuffer *pixels;
  InnDamageMap damage;
  int divisor; /* guest pixels per pixel */
  int width;
  int height;
  guint8 *small;
  GdkTexture *texture;
  guint timeout_id;
};

static void paintable_iface_init (GdkPaintableInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (InnThumbnail,
                               inn_thumbnail,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (GDK_TYPE_PAINTABLE, paintable_iface_init))

/* Shrinks what changed since the last time. */
static void
refresh (InnThumbnail *self)
{
  guint n_tiles = inn_damage_map_get_n_tiles (&self->damage);
  gsize stride = (gsize)self->width * BYTES_PER_PIXEL;
  g_autoptr (GBytes) bytes = NULL;
  gboolean changed = FALSE;

  for (guint i = 0; i < n_tiles; i++)
    {
      InnRectangle tile = inn_damage_map_get_tile (&self->damage, i);

      if (!inn_damage_map_take (&self->damage, i))
        continue;
      inn_pixel_buffer_shrink (self->pixels, tile.x, tile.y, tile.width, tile.height, self->divisor,
                               self->small + (gsize)(tile.y / self->divisor) * stride
                                   + (gsize)(tile.x / self->divisor) * BYTES_PER_PIXEL,
                               stride);
      changed = TRUE;
    }
  if (!changed)
    return;

  bytes = g_bytes_new (self->small, stride * (gsize)self->height);
  g_clear_object (&self->texture);
  self->texture = gdk_memory_texture_new (self->width, self->height,
                                          GDK_MEMORY_B8G8R8A8_PREMULTIPLIED, bytes, stride);
}

static void
inn_thumbnail_snapshot (GdkPaintable *paintable, GdkSnapshot *snapshot, double width, double height)
{
  InnThumbnail *self = INN_THUMBNAIL (paintable);

  if (self->pixels == NULL)
    return;

  refresh (self);
  gdk_paintable_snapshot (GDK_PAINTABLE (self->texture), snapshot, width, height);
}

static int
inn_thumbnail_get_intrinsic_width (GdkPaintable *paintable)
{
  return INN_THUMBNAIL (paintable)->width;
}

static int
inn_thumbnail_get_intrinsic_height (GdkPaintable *paintable)
{
  return INN_THUMBNAIL (paintable)->height;
}

static void
paintable_iface_init (GdkPaintableInterface *iface)
{
  iface->snapshot = inn_thumbnail_snapshot;
  iface->get_intrinsic_width = inn_thumbnail_get_intrinsic_width;
  iface->get_intrinsic_height = inn_thumbnail_get_intrinsic_height;
}

static void
drop_picture (InnThumbnail *self)
{
  g_clear_pointer (&self->small, g_free);
  g_clear_object (&self->texture);
  inn_damage_map_clear (&self->damage);
  g_clear_pointer (&self->pixels, inn_pixel_buffer_unref);
  self->width = 0;
  self->height = 0;
}

static void
inn_thumbnail_finalize (GObject *object)
{
  InnThumbnail *self = INN_THUMBNAIL (object);

  g_clear_handle_id (&self->timeout_id, g_source_remove);
  drop_picture (self);

  G_OBJECT_CLASS (inn_thumbnail_parent_class)->finalize (object);
}

static void
inn_thumbnail_class_init (InnThumbnailClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_thumbnail_finalize;
}

static void
inn_thumbnail_init (InnThumbnail *self)
{
}

InnThumbnail *
inn_thumbnail_new (void)
{
  return g_object_new (INN_TYPE_THUMBNAIL, NULL);
}

static int
divisor_for (const InnPixelBuffer *pixels)
{
  int divisor = 1;

  while (divisor < MAX_DIVISOR && pixels->width / divisor > MAX_WIDTH)
    divisor *= 2;
  return divisor;
}

void
inn_thumbnail_set_pixels (InnThumbnail *self, InnPixelBuffer *pixels)
{
  g_return_if_fail (INN_IS_THUMBNAIL (self));

  drop_picture (self);
  if (pixels != NULL)
    {
      self->pixels = inn_pixel_buffer_ref (pixels);
      self->divisor = divisor_for (pixels);
      self->width = (pixels->width + self->divisor - 1) / self->divisor;
      self->height = (pixels->height + self->divisor - 1) / self->divisor;
      self->small = g_malloc0_n ((gsize)self->width * BYTES_PER_PIXEL, (gsize)self->height);
      inn_damage_map_reset (&self->damage, pixels->width, pixels->height);
    }
  gdk_paintable_invalidate_size (GDK_PAINTABLE (self));
  gdk_paintable_invalidate_contents (GDK_PAINTABLE (self));
}

static gboolean
announce (gpointer user_data)
{
  InnThumbnail *self = user_data;

  self->timeout_id = 0;
  gdk_paintable_invalidate_contents (GDK_PAINTABLE (self));
  return G_SOURCE_REMOVE;
}

void
inn_thumbnail_damage (InnThumbnail *self, const InnRectangle *rectangle)
{
  g_return_if_fail (INN_IS_THUMBNAIL (self));

  if (inn_damage_map_add (&self->damage, rectangle) && self->timeout_id == 0)
    self->timeout_id = g_timeout_add (INTERVAL_MS, announce, self);
}
