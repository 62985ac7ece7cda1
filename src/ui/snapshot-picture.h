/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSnapshotPicture: what was on the screen, small: from a file, or from a paintable that lives.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_SNAPSHOT_PICTURE (inn_snapshot_picture_get_type ())
G_DECLARE_FINAL_TYPE (InnSnapshotPicture, inn_snapshot_picture, INN, SNAPSHOT_PICTURE, GtkWidget)

/* As large as in the pane instead of as in a row. */
void inn_snapshot_picture_set_large (InnSnapshotPicture *self, gboolean large);
/* @path: of a PNG; NULL: none. Read in the background. */
void inn_snapshot_picture_set_file (InnSnapshotPicture *self, const char *path);
/* NULL: none. */
void inn_snapshot_picture_set_paintable (InnSnapshotPicture *self, GdkPaintable *paintable);

G_END_DECLS
