/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnFramebuffer: a guest's picture cut into tiles. Damage only marks tiles; pixels are copied when
 * a frame is drawn, so what changes ten times between two frames is copied once.
 */
#pragma once

#include <gtk/gtk.h>

#include "console/damage-map.h"
#include "console/display-geometry.h"
#include "console/framebuffer-tile.h"
#include "console/pixel-buffer.h"

G_BEGIN_DECLS

typedef struct _InnFramebuffer InnFramebuffer;

InnFramebuffer *inn_framebuffer_new (void);
void inn_framebuffer_free (InnFramebuffer *self);

/* Shows the picture in @pixels from now on; NULL for none. */
void inn_framebuffer_set_pixels (InnFramebuffer *self, InnPixelBuffer *pixels);
/* Borrowed, or NULL. */
InnPixelBuffer *inn_framebuffer_get_pixels (InnFramebuffer *self);
/* The tiles fit the renderer that drew them: another one starts from nothing. */
void inn_framebuffer_set_kind (InnFramebuffer *self, InnTileKind kind);

/* A rectangle changed; it may lie anywhere. FALSE: nothing of it is in the picture. */
gboolean inn_framebuffer_damage (InnFramebuffer *self, const InnRectangle *rectangle);

/* Copies what is dirty and draws all. @geometry is for the size of the picture. */
void inn_framebuffer_snapshot (InnFramebuffer *self,
                               const InnDisplayGeometry *geometry,
                               GtkSnapshot *snapshot);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnFramebuffer, inn_framebuffer_free)

G_END_DECLS
