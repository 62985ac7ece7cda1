/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnDisplay: painting, and when to paint. */
#include "console/display-private.h"

#include "console/guest-cursor.h"

/*
 * Damage arrives in hundreds of rectangles between two frames. Asking GTK for a frame at the first
 * one would let drawing (GDK_PRIORITY_REDRAW) starve the rest; so the frame is asked for when
 * nothing more is waiting, but at the latest after MAX_REDRAW_DELAY_MS.
 */
#define REDRAW_PRIORITY     (G_PRIORITY_LOW + 10)
#define MAX_REDRAW_DELAY_MS 100

#define RESIZE_DELAY_MS 400

G_DEFINE_FINAL_TYPE (InnDisplay, inn_display, GTK_TYPE_WIDGET)

gboolean
inn_display_get_geometry (InnDisplay *self, InnDisplayGeometry *geometry)
{
  GtkWidget *widget = GTK_WIDGET (self);
  InnPixelBuffer *pixels = inn_framebuffer_get_pixels (self->framebuffer);

  if (pixels == NULL)
    return FALSE;

  inn_display_geometry_init (geometry, pixels->width, pixels->height, gtk_widget_get_width (widget),
                             gtk_widget_get_height (widget), gtk_widget_get_scale_factor (widget));
  return TRUE;
}

/* Redrawing. */

static void
cancel_redraw (InnDisplay *self)
{
  g_clear_handle_id (&self->redraw_idle_id, g_source_remove);
  g_clear_handle_id (&self->redraw_timeout_id, g_source_remove);
}

static void
redraw_now (InnDisplay *self)
{
  cancel_redraw (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static gboolean
on_redraw_idle (gpointer user_data)
{
  InnDisplay *self = user_data;

  self->redraw_idle_id = 0;
  redraw_now (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_redraw_timeout (gpointer user_data)
{
  InnDisplay *self = user_data;

  self->redraw_timeout_id = 0;
  redraw_now (self);
  return G_SOURCE_REMOVE;
}

static void
schedule_redraw (InnDisplay *self)
{
  if (self->redraw_idle_id != 0 || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;

  self->redraw_idle_id = g_idle_add_full (REDRAW_PRIORITY, on_redraw_idle, self, NULL);
  self->redraw_timeout_id = g_timeout_add (MAX_REDRAW_DELAY_MS, on_redraw_timeout, self);
}

/* The size of the guest's screen. */

static gboolean
on_resize_timeout (gpointer user_data)
{
  InnDisplay *self = user_data;
  GtkWidget *widget = GTK_WIDGET (self);
  int width, height;

  self->resize_timeout_id = 0;
  if (self->source != NULL && gtk_widget_get_mapped (widget)
      && inn_display_geometry_get_wanted_mode (gtk_widget_get_width (widget),
                                               gtk_widget_get_height (widget),
                                               gtk_widget_get_scale_factor (widget), &width,
                                               &height)
      && (width != self->asked_width || height != self->asked_height))
    {
      self->asked_width = width;
      self->asked_height = height;
      inn_console_source_request_size (self->source, width, height);
    }
  return G_SOURCE_REMOVE;
}

/* Only our own size, being shown and a new source lead here, never the guest's size: a guest that
 * picks another mode would be answered, and answer, for ever. */
static void
schedule_resize (InnDisplay *self)
{
  g_clear_handle_id (&self->resize_timeout_id, g_source_remove);
  self->resize_timeout_id = g_timeout_add (RESIZE_DELAY_MS, on_resize_timeout, self);
}

/* From the source. */

static void
on_source_frame (InnDisplay *self)
{
  InnPixelBuffer *pixels = inn_console_source_get_pixels (self->source);

  inn_framebuffer_set_pixels (self->framebuffer, pixels);
  inn_thumbnail_set_pixels (self->thumbnail, pixels);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  if (self->asked_width == 0)
    schedule_resize (self);
}

static void
on_source_damage (InnDisplay *self, int x, int y, int width, int height)
{
  InnRectangle rectangle = { x, y, width, height };

  inn_thumbnail_damage (self->thumbnail, &rectangle);
  if (inn_framebuffer_damage (self->framebuffer, &rectangle))
    schedule_redraw (self);
}

static void
on_source_cursor (InnDisplay *self, gpointer image, int hot_x, int hot_y)
{
  g_autoptr (GdkCursor) cursor = inn_guest_cursor_new (image, hot_x, hot_y);

  gtk_widget_set_cursor (GTK_WIDGET (self), cursor);
}

/* The widget. */

static void
inn_display_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  InnDisplay *self = INN_DISPLAY (widget);
  InnDisplayGeometry geometry;

  if (inn_display_get_geometry (self, &geometry))
    inn_framebuffer_snapshot (self->framebuffer, &geometry, snapshot);
}

static void
inn_display_measure (GtkWidget *widget,
                     GtkOrientation orientation,
                     int for_size,
                     int *minimum,
                     int *natural,
                     int *minimum_baseline,
                     int *natural_baseline)
{
  InnPixelBuffer *pixels = inn_framebuffer_get_pixels (INN_DISPLAY (widget)->framebuffer);
  int length = pixels == NULL                              ? 0
               : orientation == GTK_ORIENTATION_HORIZONTAL ? pixels->width
                                                           : pixels->height;

  *minimum = 0;
  *natural = length / gtk_widget_get_scale_factor (widget);
}

static void
inn_display_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  schedule_resize (INN_DISPLAY (widget));
}

static void
inn_display_realize (GtkWidget *widget)
{
  InnDisplay *self = INN_DISPLAY (widget);

  GTK_WIDGET_CLASS (inn_display_parent_class)->realize (widget);
  inn_framebuffer_set_kind (self->framebuffer, inn_framebuffer_tile_kind_for (widget));
}

static void
set_shown (InnDisplay *self, gboolean shown)
{
  if (self->source != NULL)
    inn_console_source_set_shown (self->source, shown);
}

static void
inn_display_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (inn_display_parent_class)->map (widget);
  set_shown (INN_DISPLAY (widget), TRUE);
  schedule_resize (INN_DISPLAY (widget));
}

static void
inn_display_unmap (GtkWidget *widget)
{
  InnDisplay *self = INN_DISPLAY (widget);

  inn_display_release_all (self);
  set_shown (self, FALSE);
  cancel_redraw (self);
  GTK_WIDGET_CLASS (inn_display_parent_class)->unmap (widget);
}

static void
inn_display_dispose (GObject *object)
{
  InnDisplay *self = INN_DISPLAY (object);

  inn_display_set_source (self, NULL);
  cancel_redraw (self);
  g_clear_handle_id (&self->resize_timeout_id, g_source_remove);
  g_clear_object (&self->thumbnail);

  G_OBJECT_CLASS (inn_display_parent_class)->dispose (object);
}

static void
inn_display_finalize (GObject *object)
{
  InnDisplay *self = INN_DISPLAY (object);

  g_clear_object (&self->source_signals);
  g_clear_pointer (&self->framebuffer, inn_framebuffer_free);
  g_clear_pointer (&self->held_keys, g_hash_table_unref);

  G_OBJECT_CLASS (inn_display_parent_class)->finalize (object);
}

static void
inn_display_class_init (InnDisplayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = inn_display_dispose;
  object_class->finalize = inn_display_finalize;

  widget_class->snapshot = inn_display_snapshot;
  widget_class->measure = inn_display_measure;
  widget_class->size_allocate = inn_display_size_allocate;
  widget_class->realize = inn_display_realize;
  widget_class->map = inn_display_map;
  widget_class->unmap = inn_display_unmap;

  gtk_widget_class_set_css_name (widget_class, "display");
  /* GTK 4.8 does not know ARIA's "application". */
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
inn_display_init (InnDisplay *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  self->framebuffer = inn_framebuffer_new ();
  self->thumbnail = inn_thumbnail_new ();
  self->source_signals = g_signal_group_new (INN_TYPE_CONSOLE_SOURCE);
  g_signal_group_connect_object (self->source_signals, "frame", G_CALLBACK (on_source_frame), self,
                                 G_CONNECT_SWAPPED);
  g_signal_group_connect_object (self->source_signals, "damage", G_CALLBACK (on_source_damage),
                                 self, G_CONNECT_SWAPPED);
  g_signal_group_connect_object (self->source_signals, "cursor", G_CALLBACK (on_source_cursor),
                                 self, G_CONNECT_SWAPPED);
  g_signal_connect (self, "notify::scale-factor", G_CALLBACK (gtk_widget_queue_resize), NULL);

  gtk_widget_set_focusable (widget, TRUE);
  gtk_widget_set_overflow (widget, GTK_OVERFLOW_HIDDEN);
  inn_display_init_input (self);
}

GtkWidget *
inn_display_new (void)
{
  return g_object_new (INN_TYPE_DISPLAY, NULL);
}

void
inn_display_set_source (InnDisplay *self, InnConsoleSource *source)
{
  g_return_if_fail (INN_IS_DISPLAY (self));

  if (self->source == source)
    return;

  inn_display_release_all (self);
  set_shown (self, FALSE);
  g_signal_group_set_target (self->source_signals, source);
  g_set_object (&self->source, source);
  gtk_widget_set_cursor (GTK_WIDGET (self), NULL);
  self->asked_width = 0;
  self->asked_height = 0;
  if (source != NULL && inn_console_source_get_pixels (source) != NULL)
    on_source_frame (self);
  set_shown (self, gtk_widget_get_mapped (GTK_WIDGET (self)));
}

void
inn_display_clear (InnDisplay *self)
{
  g_return_if_fail (INN_IS_DISPLAY (self));

  inn_framebuffer_set_pixels (self->framebuffer, NULL);
  inn_thumbnail_set_pixels (self->thumbnail, NULL);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

void
inn_display_set_grabbed (InnDisplay *self, gboolean grabbed)
{
  g_return_if_fail (INN_IS_DISPLAY (self));

  self->grabbed = grabbed;
}

GdkPaintable *
inn_display_get_thumbnail (InnDisplay *self)
{
  g_return_val_if_fail (INN_IS_DISPLAY (self), NULL);

  return inn_framebuffer_get_pixels (self->framebuffer) != NULL ? GDK_PAINTABLE (self->thumbnail)
                                                                : NULL;
}
