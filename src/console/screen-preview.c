/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnScreenPreview: a source that is never shown, refreshed by a clock, and a thumbnail of it. */
#include "console/screen-preview.h"

#include "console/shared-memory-source.h"
#include "console/thumbnail.h"

#define REFRESH_SECONDS 2

struct _InnScreenPreview
{
  GObject parent_instance;

  InnConsoleSource *source;
  InnThumbnail *thumbnail;
  guint refresh_id; /* while active */
};

enum
{
  SIGNAL_ENDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (InnScreenPreview, inn_screen_preview, G_TYPE_OBJECT)

static void
on_frame (InnScreenPreview *self)
{
  inn_thumbnail_set_pixels (self->thumbnail, inn_console_source_get_pixels (self->source));
}

static void
on_damage (InnScreenPreview *self, int x, int y, int width, int height)
{
  InnRectangle rectangle = { x, y, width, height };

  inn_thumbnail_damage (self->thumbnail, &rectangle);
}

static void
on_ended (InnScreenPreview *self)
{
  inn_screen_preview_set_active (self, FALSE);
  g_signal_emit (self, signals[SIGNAL_ENDED], 0);
}

static gboolean
on_refresh (gpointer user_data)
{
  InnScreenPreview *self = user_data;

  inn_console_source_refresh_async (self->source, NULL, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

static void
inn_screen_preview_dispose (GObject *object)
{
  InnScreenPreview *self = INN_SCREEN_PREVIEW (object);

  g_clear_handle_id (&self->refresh_id, g_source_remove);
  if (self->source != NULL)
    inn_console_source_close (self->source);
  g_clear_object (&self->source);
  g_clear_object (&self->thumbnail);

  G_OBJECT_CLASS (inn_screen_preview_parent_class)->dispose (object);
}

static void
inn_screen_preview_class_init (InnScreenPreviewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = inn_screen_preview_dispose;

  signals[SIGNAL_ENDED] = g_signal_new ("ended", INN_TYPE_SCREEN_PREVIEW, G_SIGNAL_RUN_LAST, 0,
                                        NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
inn_screen_preview_init (InnScreenPreview *self)
{
  self->thumbnail = inn_thumbnail_new ();
}

InnScreenPreview *
inn_screen_preview_new (InnSharedScreen *screen)
{
  InnScreenPreview *self;

  g_return_val_if_fail (INN_IS_SHARED_SCREEN (screen), NULL);

  self = g_object_new (INN_TYPE_SCREEN_PREVIEW, NULL);
  self->source = inn_shared_memory_source_new (screen);
  g_signal_connect_object (self->source, "frame", G_CALLBACK (on_frame), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->source, "damage", G_CALLBACK (on_damage), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->source, "ended", G_CALLBACK (on_ended), self, G_CONNECT_SWAPPED);

  return self;
}

void
inn_screen_preview_set_active (InnScreenPreview *self, gboolean active)
{
  g_return_if_fail (INN_IS_SCREEN_PREVIEW (self));

  if (active == (self->refresh_id != 0))
    return;

  g_clear_handle_id (&self->refresh_id, g_source_remove);
  if (!active)
    return;

  self->refresh_id = g_timeout_add_seconds (REFRESH_SECONDS, on_refresh, self);
  on_refresh (self);
}

GdkPaintable *
inn_screen_preview_get_paintable (InnScreenPreview *self)
{
  g_return_val_if_fail (INN_IS_SCREEN_PREVIEW (self), NULL);

  return GDK_PAINTABLE (self->thumbnail);
}
