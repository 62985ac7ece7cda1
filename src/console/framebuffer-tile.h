/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnFramebufferTile: one square of a guest's picture in the form the renderer likes to keep. As
 * long as the object a tile appends stays the same, nothing is copied or uploaded again.
 */
#pragma once

#include <gtk/gtk.h>

#include "console/damage-map.h"
#include "console/pixel-buffer.h"

G_BEGIN_DECLS

typedef enum
{
  INN_TILE_TEXTURE, /* uploaded once and kept by the GPU */
  INN_TILE_CAIRO,   /* GSK's cairo renderer downloads textures every frame, but not cairo nodes */
} InnTileKind;

typedef struct
{
  GdkTexture *texture; /* INN_TILE_TEXTURE */
  GskRenderNode *node; /* INN_TILE_CAIRO; drawn for one place */
} InnFramebufferTile;

/* What the renderer of a realized widget wants. */
InnTileKind inn_framebuffer_tile_kind_for (GtkWidget *widget);

/* Copies the pixels of @source, each repeated @repeat × @repeat times, to be shown at @target. */
void inn_framebuffer_tile_update (InnFramebufferTile *self,
                                  InnTileKind kind,
                                  const InnPixelBuffer *pixels,
                                  const InnRectangle *source,
                                  int repeat,
                                  const graphene_rect_t *target);
/* Draws it. @target is that of the last update. */
void inn_framebuffer_tile_snapshot (const InnFramebufferTile *self,
                                    GtkSnapshot *snapshot,
                                    const graphene_rect_t *target);
void inn_framebuffer_tile_clear (InnFramebufferTile *self);

G_END_DECLS
