/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drawing a graph with cairo: grid, area, lines, marks and crosshair, or a heat strip for each of
 * many series.
 */
#include "config.h"

#include "ui/graph-picture.h"

#include <math.h>

#define LINE_WIDTH    1.5
#define MARK_GAP      8.0
#define PILL_PADDING  6.0
#define N_GRID_PARTS  2
#define MAX_DASH_FROM 4 /* series from the fifth on are dashed as well */

static void
set_color (cairo_t *cr, const GdkRGBA *color, double alpha)
{
  cairo_set_source_rgba (cr, color->red, color->green, color->blue, MIN (alpha, 1.0));
}

static double
time_to_x (const InnGraphPicture *self, gint64 time_us)
{
  return self->plot_width * (1 - (double)(self->end_us - time_us) / (double)self->range_us);
}

static double
value_to_y (const InnGraphPicture *self, double value)
{
  return INN_GRAPH_MARGIN_TOP + self->plot_height * (1 - CLAMP (value / self->top, 0, 1));
}

static void
draw_text (const InnGraphPicture *self,
           cairo_t *cr,
           const char *text,
           double x,
           double y,
           double align)
{
  int width, height;

  pango_layout_set_text (self->layout, text, -1);
  pango_layout_get_pixel_size (self->layout, &width, &height);
  cairo_move_to (cr, round (x - width * align), round (y - height / 2.0));
  pango_cairo_show_layout (cr, self->layout);
}

static void
draw_horizontal (const InnGraphPicture *self, cairo_t *cr, double y, double alpha)
{
  set_color (cr, &self->foreground, alpha * self->contrast);
  cairo_rectangle (cr, 0, round (y), self->plot_width, 1);
  cairo_fill (cr);
}

static void
draw_grid (const InnGraphPicture *self, cairo_t *cr)
{
  for (guint i = 0; i <= N_GRID_PARTS; i++)
    {
      double value = self->top * i / N_GRID_PARTS;
      g_autofree char *mark = inn_graph_scale_format_mark (self->unit, value, self->top);

      draw_horizontal (self, cr, value_to_y (self, value), i == 0 ? 0.16 : 0.08);
      set_color (cr, &self->foreground, 0.6 * self->contrast);
      draw_text (self, cr, mark, self->plot_width + MARK_GAP, value_to_y (self, value), 0);
    }
}

/* The first mark is flush left and the last flush right; none is drawn under the pill. */
static void
draw_time_marks (const InnGraphPicture *self, cairo_t *cr)
{
  gint64 step = inn_graph_time_step (self->range_us, self->plot_width);
  double y = INN_GRAPH_MARGIN_TOP + self->plot_height + 12;
  double cursor_x = self->cursor_text != NULL ? time_to_x (self, self->cursor_us) : -1000;

  set_color (cr, &self->foreground, 0.6 * self->contrast);
  for (gint64 before = self->range_us; before >= 0; before -= step)
    {
      g_autofree char *mark = inn_graph_time_mark (self->range_us, before);
      double x = time_to_x (self, self->end_us - before);
      double align = before == self->range_us ? 0 : before == 0 ? 1 : 0.5;

      if (fabs (x + (0.5 - align) * 40 - cursor_x) > 52)
        draw_text (self, cr, mark, x, y, align);
    }
}

/* Adds the line's pieces to the path; with @to_base each is closed along the base. */
static void
trace (const InnGraphPicture *self, cairo_t *cr, GArray *points, gboolean to_base)
{
  double base = INN_GRAPH_MARGIN_TOP + self->plot_height;
  gboolean open = FALSE;
  double x = 0;

  cairo_new_path (cr);
  for (guint i = 0; i < points->len; i++)
    {
      const InnGraphPoint *point = &g_array_index (points, InnGraphPoint, i);

      if (isnan (point->mean))
        {
          if (open && to_base)
            cairo_line_to (cr, x, base);
          open = FALSE;
          continue;
        }

      x = time_to_x (self, point->time_us);
      if (!open)
        cairo_move_to (cr, x, to_base ? base : value_to_y (self, point->mean));
      cairo_line_to (cr, x, value_to_y (self, point->mean));
      open = TRUE;
    }
  if (open && to_base)
    cairo_line_to (cr, x, base);
}

static gboolean
is_merged (GArray *points)
{
  for (guint i = 0; i < points->len; i++)
    {
      const InnGraphPoint *point = &g_array_index (points, InnGraphPoint, i);

      if (point->least < point->greatest)
        return TRUE;
    }

  return FALSE;
}

/* From least to greatest of each interval, between two gaps. */
static void
fill_band_piece (const InnGraphPicture *self,
                 cairo_t *cr,
                 GArray *points,
                 guint first,
                 guint after_last)
{
  for (guint i = first; i < after_last; i++)
    {
      const InnGraphPoint *point = &g_array_index (points, InnGraphPoint, i);

      cairo_line_to (cr, time_to_x (self, point->time_us), value_to_y (self, point->greatest));
    }
  for (guint i = after_last; i > first; i--)
    {
      const InnGraphPoint *point = &g_array_index (points, InnGraphPoint, i - 1);

      cairo_line_to (cr, time_to_x (self, point->time_us), value_to_y (self, point->least));
    }
  cairo_close_path (cr);
  cairo_fill (cr);
}

static void
fill_band (const InnGraphPicture *self, cairo_t *cr, GArray *points)
{
  guint first = 0;

  for (guint i = 0; i <= points->len; i++)
    if (i == points->len || isnan (g_array_index (points, InnGraphPoint, i).mean))
      {
        if (i > first)
          fill_band_piece (self, cr, points, first, i);
        first = i + 1;
      }
}

static void
draw_line (const InnGraphPicture *self, cairo_t *cr, guint index)
{
  static const double dashes[] = { 4, 3 };
  const InnGraphLine *line = &self->lines[index];
  g_autoptr (GArray) points = NULL;

  if (line->ring == NULL)
    return;

  points = inn_graph_decimate (line->ring, self->end_us - self->range_us, self->end_us,
                               (guint)self->plot_width);
  if (index == 0)
    {
      set_color (cr, &line->color, (self->n_lines < 3 ? 0.14 : 0.10) * self->contrast);
      trace (self, cr, points, TRUE);
      cairo_fill (cr);
    }
  if (is_merged (points))
    {
      set_color (cr, &line->color, 0.10 * self->contrast);
      fill_band (self, cr, points);
    }

  set_color (cr, &line->color, 1);
  cairo_set_dash (cr, dashes, line->dashed || index >= MAX_DASH_FROM ? 2 : 0, 0);
  trace (self, cr, points, FALSE);
  cairo_stroke (cr);
}

static void
draw_lines (const InnGraphPicture *self, cairo_t *cr)
{
  cairo_save (cr);
  cairo_rectangle (cr, 0, 0, self->plot_width, INN_GRAPH_MARGIN_TOP + self->plot_height + 1);
  cairo_clip (cr);
  cairo_set_line_width (cr, LINE_WIDTH);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_BUTT);
  /* The first series lies on top of the others. */
  for (guint i = self->n_lines; i > 0; i--)
    draw_line (self, cr, i - 1);
  cairo_restore (cr);
}

static void
draw_dot (const InnGraphPicture *self, cairo_t *cr, const InnGraphLine *line)
{
  int index = line->ring != NULL ? inn_graph_find_nearest (line->ring, self->cursor_us) : -1;
  double x, y, value;

  if (index < 0)
    return;
  value = inn_sample_ring_get (line->ring, (guint)index).value;
  if (isnan (value))
    return;

  x = time_to_x (self, self->cursor_us);
  y = value_to_y (self, value);
  cairo_arc (cr, x, y, 4, 0, 2 * G_PI);
  set_color (cr, &self->card, 1);
  cairo_fill (cr);
  cairo_arc (cr, x, y, 2.8, 0, 2 * G_PI);
  set_color (cr, &line->color, 1);
  cairo_fill (cr);
}

static void
rounded_rectangle (cairo_t *cr, double x, double y, double width, double height, double radius)
{
  cairo_new_sub_path (cr);
  cairo_arc (cr, x + width - radius, y + radius, radius, -G_PI / 2, 0);
  cairo_arc (cr, x + width - radius, y + height - radius, radius, 0, G_PI / 2);
  cairo_arc (cr, x + radius, y + height - radius, radius, G_PI / 2, G_PI);
  cairo_arc (cr, x + radius, y + radius, radius, G_PI, 3 * G_PI / 2);
  cairo_close_path (cr);
}

static void
draw_pill (const InnGraphPicture *self, cairo_t *cr)
{
  double x, y = INN_GRAPH_MARGIN_TOP + self->plot_height + 12;
  int width, height;

  pango_layout_set_text (self->layout, self->cursor_text, -1);
  pango_layout_get_pixel_size (self->layout, &width, &height);
  x = CLAMP (time_to_x (self, self->cursor_us), width / 2.0 + PILL_PADDING,
             self->plot_width - width / 2.0 - PILL_PADDING);

  set_color (cr, &self->foreground, 0.85);
  rounded_rectangle (cr, x - width / 2.0 - PILL_PADDING, y - height / 2.0 - 1,
                     width + 2 * PILL_PADDING, height + 2, height / 2.0 + 1);
  cairo_fill (cr);
  set_color (cr, &self->card, 1);
  draw_text (self, cr, self->cursor_text, x, y, 0.5);
}

static void
draw_cursor (const InnGraphPicture *self, cairo_t *cr)
{
  set_color (cr, &self->foreground, 0.55);
  cairo_rectangle (cr, round (time_to_x (self, self->cursor_us)), INN_GRAPH_MARGIN_TOP, 1,
                   self->plot_height);
  cairo_fill (cr);
  for (guint i = self->n_lines; i > 0; i--)
    draw_dot (self, cr, &self->lines[i - 1]);
  if (self->cursor_text != NULL)
    draw_pill (self, cr);
}

/* One row: the darker, the busier. */
static void
draw_strip (const InnGraphPicture *self, cairo_t *cr, guint index)
{
  double y = INN_GRAPH_MARGIN_TOP + index * INN_GRAPH_STRIP_HEIGHT;
  const InnSampleRing *ring = self->lines[index].ring;
  g_autoptr (GArray) points = NULL;

  set_color (cr, &self->foreground, 0.05 * self->contrast);
  cairo_rectangle (cr, 0, y, self->plot_width, INN_GRAPH_STRIP_HEIGHT - 2);
  cairo_fill (cr);
  if (ring == NULL)
    return;

  points = inn_graph_decimate (ring, self->end_us - self->range_us, self->end_us,
                               (guint)self->plot_width);
  for (guint i = 1; i < points->len; i++)
    {
      const InnGraphPoint *point = &g_array_index (points, InnGraphPoint, i);
      double left = MAX (time_to_x (self, (point - 1)->time_us), 0);
      double right = MIN (time_to_x (self, point->time_us), self->plot_width);

      if (isnan (point->mean) || right <= left)
        continue;
      set_color (cr, &self->lines[0].color, CLAMP (point->mean / self->top, 0, 1));
      cairo_rectangle (cr, left, y, right - left, INN_GRAPH_STRIP_HEIGHT - 2);
      cairo_fill (cr);
    }
}

static void
draw_strips (const InnGraphPicture *self, cairo_t *cr)
{
  for (guint i = 0; i < self->n_lines; i++)
    {
      g_autofree char *number = g_strdup_printf ("%u", i);

      draw_strip (self, cr, i);
      set_color (cr, &self->foreground, 0.6 * self->contrast);
      draw_text (self, cr, number, self->plot_width + MARK_GAP,
                 INN_GRAPH_MARGIN_TOP + (i + 0.5) * INN_GRAPH_STRIP_HEIGHT - 1, 0);
    }
}

static void
draw_strips_cursor (const InnGraphPicture *self, cairo_t *cr)
{
  InnGraphPicture without_lines = *self;

  without_lines.n_lines = 0;
  draw_cursor (&without_lines, cr);
}

void
inn_graph_picture_draw (const InnGraphPicture *self, cairo_t *cr)
{
  gboolean strips = self->n_lines > INN_GRAPH_MAX_LINES;

  if (strips)
    draw_strips (self, cr);
  else
    {
      draw_grid (self, cr);
      draw_lines (self, cr);
    }

  draw_time_marks (self, cr);
  if (self->cursor_us < 0)
    return;
  if (strips)
    draw_strips_cursor (self, cr);
  else
    draw_cursor (self, cr);
}
