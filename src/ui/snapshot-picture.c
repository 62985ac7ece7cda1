/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The picture of a snapshot.
 */
#include "config.h"

#include "ui/snapshot-picture.h"

#include <adwaita.h>

#include "ui/picture-cover.h"

#define ROW_WIDTH   88
#define ROW_HEIGHT  55
#define ROW_RADIUS  5
#define PANE_WIDTH  256
#define PANE_HEIGHT 160
#define PANE_RADIUS 8
#define MOST_PIXELS 512 /* what is kept in memory, at a scale of two */
#define FRAME_MS    100

struct _InnSnapshotPicture
{
  GtkWidget parent_instance;

  gboolean large;
  char *path; /* of what is shown or being read */
  GCancellable *reading;
  GdkPaintable *paintable;
  gulong contents_changed;
  guint frame; /* pending drawing; 0: none */
};

G_DEFINE_FINAL_TYPE (InnSnapshotPicture, inn_snapshot_picture, GTK_TYPE_WIDGET)

static void
inn_snapshot_picture_measure (GtkWidget *widget,
                              GtkOrientation orientation,
                              int for_size,
                              int *minimum,
                              int *natural,
                              int *minimum_baseline,
                              int *natural_baseline)
{
  const gboolean large = INN_SNAPSHOT_PICTURE (widget)->large;

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    *minimum = *natural = large ? PANE_WIDTH : ROW_WIDTH;
  else
    *minimum = *natural = large ? PANE_HEIGHT : ROW_HEIGHT;
}

static void
inn_snapshot_picture_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  InnSnapshotPicture *self = INN_SNAPSHOT_PICTURE (widget);
  const gboolean dark = adw_style_manager_get_dark (adw_style_manager_get_default ());
  const float width = (float)gtk_widget_get_width (widget);
  const float height = (float)gtk_widget_get_height (widget);
  const GdkRGBA nothing = { 0.5f, 0.5f, 0.5f, dark ? 0.25f : 0.3f };
  graphene_rect_t bounds = GRAPHENE_RECT_INIT (0, 0, width, height);
  GskRoundedRect shape;

  gsk_rounded_rect_init_from_rect (&shape, &bounds, self->large ? PANE_RADIUS : ROW_RADIUS);
  gtk_snapshot_push_rounded_clip (snapshot, &shape);
  if (self->paintable != NULL)
    inn_picture_cover_append (snapshot, self->paintable, width, height);
  else
    gtk_snapshot_append_color (snapshot, &nothing, &bounds);
  gtk_snapshot_pop (snapshot);
  inn_picture_cover_append_outline (snapshot, &shape, dark);
}

static gboolean
on_frame (gpointer user_data)
{
  InnSnapshotPicture *self = user_data;

  self->frame = 0;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  return G_SOURCE_REMOVE;
}

static void
on_contents_changed (InnSnapshotPicture *self)
{
  if (self->frame == 0 && gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->frame = g_timeout_add (FRAME_MS, on_frame, self);
}

static void
stop_reading (InnSnapshotPicture *self)
{
  if (self->reading != NULL)
    g_cancellable_cancel (self->reading);
  g_clear_object (&self->reading);
}

static void
take_paintable (InnSnapshotPicture *self, GdkPaintable *paintable)
{
  if (self->paintable != NULL)
    g_clear_signal_handler (&self->contents_changed, self->paintable);
  g_set_object (&self->paintable, paintable);
  if (paintable != NULL)
    self->contents_changed = g_signal_connect_swapped (paintable, "invalidate-contents",
                                                       G_CALLBACK (on_contents_changed), self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
inn_snapshot_picture_dispose (GObject *object)
{
  InnSnapshotPicture *self = INN_SNAPSHOT_PICTURE (object);

  stop_reading (self);
  g_clear_handle_id (&self->frame, g_source_remove);
  if (self->paintable != NULL)
    g_clear_signal_handler (&self->contents_changed, self->paintable);
  g_clear_object (&self->paintable);

  G_OBJECT_CLASS (inn_snapshot_picture_parent_class)->dispose (object);
}

static void
inn_snapshot_picture_finalize (GObject *object)
{
  g_free (INN_SNAPSHOT_PICTURE (object)->path);

  G_OBJECT_CLASS (inn_snapshot_picture_parent_class)->finalize (object);
}

static void
inn_snapshot_picture_class_init (InnSnapshotPictureClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_snapshot_picture_dispose;
  G_OBJECT_CLASS (klass)->finalize = inn_snapshot_picture_finalize;
  widget_class->measure = inn_snapshot_picture_measure;
  widget_class->snapshot = inn_snapshot_picture_snapshot;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
inn_snapshot_picture_init (InnSnapshotPicture *self)
{
}

void
inn_snapshot_picture_set_large (InnSnapshotPicture *self, gboolean large)
{
  g_return_if_fail (INN_IS_SNAPSHOT_PICTURE (self));

  self->large = large;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
read_picture (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *error = NULL;
  g_autoptr (GdkPixbuf) pixbuf
      = gdk_pixbuf_new_from_file_at_scale (task_data, MOST_PIXELS, MOST_PIXELS,
                                           /* preserve_aspect_ratio= */ TRUE, &error);

  if (pixbuf != NULL)
    g_task_return_pointer (task, gdk_texture_new_for_pixbuf (pixbuf), g_object_unref);
  else
    g_task_return_error (task, error);
}

/* Without the picture there is an empty frame, which is all that there is to say about it. */
static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnSnapshotPicture *self = INN_SNAPSHOT_PICTURE (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = g_task_propagate_pointer (G_TASK (result), &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* another one is shown by now */

  g_clear_object (&self->reading);
  if (texture != NULL)
    take_paintable (self, GDK_PAINTABLE (texture));
}

void
inn_snapshot_picture_set_file (InnSnapshotPicture *self, const char *path)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (INN_IS_SNAPSHOT_PICTURE (self));

  if (path != NULL && g_strcmp0 (self->path, path) == 0)
    return;

  stop_reading (self);
  take_paintable (self, NULL);
  g_free (self->path);
  self->path = g_strdup (path);
  if (path == NULL)
    return;

  self->reading = g_cancellable_new ();
  task = g_task_new (self, self->reading, on_read, NULL);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, read_picture);
}

void
inn_snapshot_picture_set_paintable (InnSnapshotPicture *self, GdkPaintable *paintable)
{
  g_return_if_fail (INN_IS_SNAPSHOT_PICTURE (self));

  stop_reading (self);
  g_clear_pointer (&self->path, g_free);
  take_paintable (self, paintable);
}
