/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lanes of a row.
 */
#include "config.h"

#include "ui/snapshot-lane-view.h"

#include <adwaita.h>
#include <math.h>

#include "ui/graph-palette.h"

#define FIRST_LANE    20.0
#define LANE_DISTANCE 22.0
#define AFTER_LAST    18.0
#define LINE_WIDTH    2.0
#define NODE_RADIUS   5.5
#define NOW_RADIUS    5.0
#define HALO_RADIUS   8.0
#define HALO_ALPHA    0.25
#define TRUNK_ALPHA   0.38f
#define BRANCH_COLOR  3 /* of the palette: the first lane beside the trunk */

struct _InnSnapshotLaneView
{
  GtkWidget parent_instance;

  InnSnapshotLanes lanes;
};

G_DEFINE_FINAL_TYPE (InnSnapshotLaneView, inn_snapshot_lane_view, GTK_TYPE_WIDGET)

/* What one row is drawn with. */
typedef struct
{
  const InnSnapshotLanes *lanes;
  cairo_t *cr;
  double width, height, middle;
  gboolean mirrored;
  gboolean dark;
  GdkRGBA trunk, accent;
} Drawing;

static double
get_x (const Drawing *drawing, guint lane)
{
  const double x = FIRST_LANE + LANE_DISTANCE * lane;

  return drawing->mirrored ? drawing->width - x : x;
}

static GdkRGBA
get_color (const Drawing *drawing, guint lane)
{
  return lane == 0 ? drawing->trunk
                   : inn_graph_palette_get (BRANCH_COLOR + lane - 1, drawing->dark);
}

/* What leads to the present is dotted. */
static void
draw_line (const Drawing *drawing, guint lane, double from, double to, gboolean to_now)
{
  static const double dots[] = { 2.5, 2.5 };
  const GdkRGBA color = to_now ? drawing->accent : get_color (drawing, lane);

  gdk_cairo_set_source_rgba (drawing->cr, &color);
  cairo_set_dash (drawing->cr, dots, to_now ? G_N_ELEMENTS (dots) : 0, 0);
  cairo_move_to (drawing->cr, get_x (drawing, lane), from);
  cairo_line_to (drawing->cr, get_x (drawing, lane), to);
  cairo_stroke (drawing->cr);
  cairo_set_dash (drawing->cr, NULL, 0, 0);
}

/* From above into the node. */
static void
draw_curve (const Drawing *drawing, guint lane)
{
  const GdkRGBA color = get_color (drawing, lane);
  const double from = get_x (drawing, lane), to = get_x (drawing, drawing->lanes->lane);
  const double end = drawing->middle - NODE_RADIUS;

  gdk_cairo_set_source_rgba (drawing->cr, &color);
  cairo_move_to (drawing->cr, from, 0);
  cairo_curve_to (drawing->cr, from, end * 0.85, to, end * 0.3, to, end);
  cairo_stroke (drawing->cr);
}

static void
draw_lines (const Drawing *drawing)
{
  const InnSnapshotLanes *lanes = drawing->lanes;
  const double radius = lanes->is_now ? NOW_RADIUS : NODE_RADIUS;

  cairo_set_line_width (drawing->cr, LINE_WIDTH);
  for (guint i = 0; i < INN_SNAPSHOT_LANES; i++)
    {
      if (lanes->passing & 1u << i)
        draw_line (drawing, i, 0, drawing->height, i == 0 && lanes->to_now);
      if (lanes->joining & 1u << i)
        draw_curve (drawing, i);
    }
  if (lanes->above)
    draw_line (drawing, lanes->lane, 0, drawing->middle - radius,
               lanes->lane == 0 && lanes->to_now);
  if (lanes->below)
    draw_line (drawing, lanes->lane, drawing->middle + radius, drawing->height, lanes->is_now);
}

static void
draw_disc (const Drawing *drawing, double radius, double alpha)
{
  GdkRGBA color = drawing->accent;

  color.alpha *= (float)alpha;
  gdk_cairo_set_source_rgba (drawing->cr, &color);
  cairo_arc (drawing->cr, get_x (drawing, drawing->lanes->lane), drawing->middle, radius, 0,
             2 * G_PI);
  cairo_fill (drawing->cr);
}

static void
draw_node (const Drawing *drawing)
{
  const GdkRGBA color = get_color (drawing, drawing->lanes->lane);

  if (drawing->lanes->is_now)
    {
      draw_disc (drawing, HALO_RADIUS, HALO_ALPHA);
      draw_disc (drawing, NOW_RADIUS, 1);
    }
  else if (drawing->lanes->is_current)
    draw_disc (drawing, NODE_RADIUS, 1);
  else
    {
      gdk_cairo_set_source_rgba (drawing->cr, &color);
      cairo_arc (drawing->cr, get_x (drawing, drawing->lanes->lane), drawing->middle,
                 NODE_RADIUS - LINE_WIDTH / 2, 0, 2 * G_PI);
      cairo_stroke (drawing->cr);
    }
}

static void
inn_snapshot_lane_view_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  InnSnapshotLaneView *self = INN_SNAPSHOT_LANE_VIEW (widget);
  GtkStyleContext *style = gtk_widget_get_style_context (widget);
  const int width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  Drawing drawing = { .lanes = &self->lanes,
                      .width = width,
                      .height = height,
                      .middle = height / 2.0,
                      .mirrored = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL,
                      .dark = adw_style_manager_get_dark (adw_style_manager_get_default ()) };

  gtk_style_context_get_color (style, &drawing.trunk);
  drawing.trunk.alpha *= TRUNK_ALPHA;
  if (!gtk_style_context_lookup_color (style, "accent_color", &drawing.accent))
    drawing.accent = inn_graph_palette_get (0, drawing.dark);
  drawing.cr = gtk_snapshot_append_cairo (snapshot,
                                          &GRAPHENE_RECT_INIT (0, 0, (float)width, (float)height));
  draw_lines (&drawing);
  draw_node (&drawing);
  cairo_destroy (drawing.cr);
}

static void
inn_snapshot_lane_view_measure (GtkWidget *widget,
                                GtkOrientation orientation,
                                int for_size,
                                int *minimum,
                                int *natural,
                                int *minimum_baseline,
                                int *natural_baseline)
{
  const guint n_lanes = MAX (INN_SNAPSHOT_LANE_VIEW (widget)->lanes.n_lanes, 1);

  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL
                            ? (int)ceil (FIRST_LANE + LANE_DISTANCE * (n_lanes - 1) + AFTER_LAST)
                            : 0;
}

static void
inn_snapshot_lane_view_class_init (InnSnapshotLaneViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->snapshot = inn_snapshot_lane_view_snapshot;
  widget_class->measure = inn_snapshot_lane_view_measure;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
inn_snapshot_lane_view_init (InnSnapshotLaneView *self)
{
}

void
inn_snapshot_lane_view_set_lanes (InnSnapshotLaneView *self, const InnSnapshotLanes *lanes)
{
  g_return_if_fail (INN_IS_SNAPSHOT_LANE_VIEW (self));

  self->lanes = *lanes;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}
