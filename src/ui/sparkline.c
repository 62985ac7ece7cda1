/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A graph without anything around it.
 */
#include "config.h"

#include "ui/sparkline.h"

#include <math.h>

#include "ui/graph-scale.h"

#define WIDTH     46
#define HEIGHT    16
#define N_SAMPLES 36
#define RANGE_US  (N_SAMPLES * G_USEC_PER_SEC)

struct _InnSparkline
{
  GtkWidget parent_instance;

  InnMetrics *metrics;
};

G_DEFINE_FINAL_TYPE (InnSparkline, inn_sparkline, GTK_TYPE_WIDGET)

/* One piece of line between two gaps, with the area below it. */
static void
draw_piece (cairo_t *cr, GArray *points, guint first, guint after_last, gint64 end_us)
{
  for (int pass = 0; pass < 2; pass++)
    {
      double x = 0;

      for (guint i = first; i < after_last; i++)
        {
          const InnGraphPoint *point = &g_array_index (points, InnGraphPoint, i);

          x = WIDTH * (1 - (double)(end_us - point->time_us) / RANGE_US);
          if (i == first && pass == 0)
            cairo_move_to (cr, x, HEIGHT);
          cairo_line_to (cr, x, 1 + (HEIGHT - 2) * (1 - CLAMP (point->mean, 0, 1)));
        }
      if (pass == 1)
        {
          cairo_stroke (cr);
          break;
        }
      cairo_line_to (cr, x, HEIGHT);
      cairo_save (cr);
      cairo_clip (cr);
      cairo_paint_with_alpha (cr, 0.18);
      cairo_restore (cr);
    }
}

static void
draw (cairo_t *cr, const InnSampleRing *ring)
{
  gint64 end_us = g_get_monotonic_time ();
  g_autoptr (GArray) points = inn_graph_decimate (ring, end_us - RANGE_US, end_us, N_SAMPLES);
  guint first = 0;

  cairo_rectangle (cr, 0, 0, WIDTH, HEIGHT);
  cairo_clip (cr);
  cairo_set_line_width (cr, 1.5);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  for (guint i = 0; i <= points->len; i++)
    if (i == points->len || isnan (g_array_index (points, InnGraphPoint, i).mean))
      {
        if (i > first)
          draw_piece (cr, points, first, i, end_us);
        first = i + 1;
      }
}

static void
inn_sparkline_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  InnSparkline *self = INN_SPARKLINE (widget);
  const InnSampleRing *ring = self->metrics != NULL
                                  ? inn_metrics_get_series (self->metrics, INN_SERIES_CPU_TOTAL, 0)
                                  : NULL;
  GdkRGBA color;
  cairo_t *cr;

  if (ring == NULL)
    return;

  gtk_style_context_get_color (gtk_widget_get_style_context (widget), &color);
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, WIDTH, HEIGHT));
  gdk_cairo_set_source_rgba (cr, &color);
  draw (cr, ring);
  cairo_destroy (cr);
}

static void
inn_sparkline_measure (GtkWidget *widget,
                       GtkOrientation orientation,
                       int for_size,
                       int *minimum,
                       int *natural,
                       int *minimum_baseline,
                       int *natural_baseline)
{
  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? WIDTH : HEIGHT;
}

static void
inn_sparkline_dispose (GObject *object)
{
  g_clear_object (&INN_SPARKLINE (object)->metrics);

  G_OBJECT_CLASS (inn_sparkline_parent_class)->dispose (object);
}

static void
inn_sparkline_class_init (InnSparklineClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_sparkline_dispose;
  widget_class->snapshot = inn_sparkline_snapshot;
  widget_class->measure = inn_sparkline_measure;
  gtk_widget_class_set_css_name (widget_class, "sparkline");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
inn_sparkline_init (InnSparkline *self)
{
}

void
inn_sparkline_set_metrics (InnSparkline *self, InnMetrics *metrics)
{
  g_return_if_fail (INN_IS_SPARKLINE (self));

  g_set_object (&self->metrics, metrics);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
