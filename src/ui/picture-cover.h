/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small pictures of screens: they cover a rectangle with rounded corners.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Covers @width × @height with @paintable; what is too much on two sides is for the caller to
 * clip. */
void inn_picture_cover_append (GtkSnapshot *snapshot,
                               GdkPaintable *paintable,
                               double width,
                               double height);
/* The hairline around @shape that sets it off in either style. */
void inn_picture_cover_append_outline (GtkSnapshot *snapshot,
                                       const GskRoundedRect *shape,
                                       gboolean dark);

G_END_DECLS
