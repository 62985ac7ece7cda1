/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnFramebufferTile: the two forms of a tile. */
#include "console/framebuffer-tile.h"

#include <gsk/gsk.h>

#define BYTES_PER_PIXEL 4

InnTileKind
inn_framebuffer_tile_kind_for (GtkWidget *widget)
{
  GskRenderer *renderer = gtk_native_get_renderer (gtk_widget_get_native (widget));

  return GSK_IS_CAIRO_RENDERER (renderer) ? INN_TILE_CAIRO : INN_TILE_TEXTURE;
}

static void
update_texture (InnFramebufferTile *self,
                const InnPixelBuffer *pixels,
                const InnRectangle *source,
                int repeat)
{
  int width = source->width * repeat, height = source->height * repeat;
  gsize stride = (gsize)width * BYTES_PER_PIXEL;
  guint8 *copy = g_malloc (stride * (gsize)height);
  g_autoptr (GBytes) bytes = g_bytes_new_take (copy, stride * (gsize)height);

  inn_pixel_buffer_copy (pixels, source->x, source->y, source->width, source->height, repeat, copy,
                         stride);
  self->texture
      = gdk_memory_texture_new (width, height, GDK_MEMORY_B8G8R8A8_PREMULTIPLIED, bytes, stride);
}

static cairo_surface_t *
create_surface (const InnPixelBuffer *pixels, const InnRectangle *source, int repeat)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, source->width * repeat,
                                                         source->height * repeat);

  cairo_surface_flush (surface);
  inn_pixel_buffer_copy (pixels, source->x, source->y, source->width, source->height, repeat,
                         cairo_image_surface_get_data (surface),
                         (gsize)cairo_image_surface_get_stride (surface));
  cairo_surface_mark_dirty (surface);
  return surface;
}

static void
update_node (InnFramebufferTile *self,
             const InnPixelBuffer *pixels,
             const InnRectangle *source,
             int repeat,
             const graphene_rect_t *target)
{
  cairo_surface_t *surface = create_surface (pixels, source, repeat);
  cairo_t *cr;

  self->node = gsk_cairo_node_new (target);
  cr = gsk_cairo_node_get_draw_context (self->node);
  cairo_translate (cr, target->origin.x, target->origin.y);
  cairo_scale (cr, target->size.width / (source->width * repeat),
               target->size.height / (source->height * repeat));
  cairo_set_source_surface (cr, surface, 0, 0);
  /* Without it a scaled tile fades out at its edges, which shows as a grid. */
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
  cairo_rectangle (cr, 0, 0, source->width * repeat, source->height * repeat);
  cairo_fill (cr);
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
}

void
inn_framebuffer_tile_update (InnFramebufferTile *self,
                             InnTileKind kind,
                             const InnPixelBuffer *pixels,
                             const InnRectangle *source,
                             int repeat,
                             const graphene_rect_t *target)
{
  inn_framebuffer_tile_clear (self);
  if (target->size.width <= 0 || target->size.height <= 0)
    return; /* a sliver that got no device pixel */

  if (kind == INN_TILE_CAIRO)
    update_node (self, pixels, source, repeat, target);
  else
    update_texture (self, pixels, source, repeat);
}

void
inn_framebuffer_tile_snapshot (const InnFramebufferTile *self,
                               GtkSnapshot *snapshot,
                               const graphene_rect_t *target)
{
  if (self->node != NULL)
    gtk_snapshot_append_node (snapshot, self->node);
  else if (self->texture != NULL)
    gtk_snapshot_append_texture (snapshot, self->texture, target);
}

void
inn_framebuffer_tile_clear (InnFramebufferTile *self)
{
  g_clear_object (&self->texture);
  g_clear_pointer (&self->node, gsk_render_node_unref);
}
