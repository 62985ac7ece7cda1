/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small pictures of screens.
 */
#include "config.h"

#include "ui/picture-cover.h"

void
inn_picture_cover_append (GtkSnapshot *snapshot,
                          GdkPaintable *paintable,
                          double width,
                          double height)
{
  const double ratio = gdk_paintable_get_intrinsic_aspect_ratio (paintable);
  double drawn_width = width, drawn_height = height;

  /* Cover the whole rectangle and centre what is cut off. */
  if (ratio > width / height)
    drawn_width = height * ratio;
  else if (ratio > 0)
    drawn_height = width / ratio;

  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float)(width - drawn_width) / 2,
                                                          (float)(height - drawn_height) / 2));
  gdk_paintable_snapshot (paintable, snapshot, drawn_width, drawn_height);
  gtk_snapshot_restore (snapshot);
}

void
inn_picture_cover_append_outline (GtkSnapshot *snapshot, const GskRoundedRect *shape, gboolean dark)
{
  const float grey = dark ? 1 : 0;
  const GdkRGBA outline = { grey, grey, grey, dark ? 0.12f : 0.14f };

  gtk_snapshot_append_border (snapshot, shape, (float[4]){ 1, 1, 1, 1 },
                              (GdkRGBA[4]){ outline, outline, outline, outline });
}
