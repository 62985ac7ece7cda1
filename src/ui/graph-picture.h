/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnGraphPicture: everything one drawing of a graph depends on, and the drawing itself. A value
 * that lives as long as the drawing; it owns nothing.
 */
#pragma once

#include <gtk/gtk.h>

#include "ui/graph-scale.h"

G_BEGIN_DECLS

/* Room around the plot: value marks on the right, time marks below, half a mark on top. */
#define INN_GRAPH_MARGIN_RIGHT  72
#define INN_GRAPH_MARGIN_BOTTOM 22
#define INN_GRAPH_MARGIN_TOP    8

typedef struct
{
  const InnSampleRing *ring; /* NULL: nothing known */
  GdkRGBA color;
  gboolean dashed;
} InnGraphLine;

typedef struct
{
  double plot_width, plot_height;
  GdkRGBA foreground;  /* of the text; everything grey is made of it */
  GdkRGBA card;        /* what the graph is drawn on */
  double contrast;     /* 1, or 2 in high contrast: factor of faint parts */
  PangoLayout *layout; /* in the font of the marks */
  InnGraphUnit unit;
  double top;
  gint64 range_us, end_us;
  gint64 cursor_us;        /* -1: no crosshair */
  const char *cursor_text; /* the time in the pill, NULL for no pill */
  const InnGraphLine *lines;
  guint n_lines;
} InnGraphPicture;

/* Above this, each series is a strip of colour instead of a line. */
#define INN_GRAPH_MAX_LINES    8
#define INN_GRAPH_STRIP_HEIGHT 12

void inn_graph_picture_draw (const InnGraphPicture *self, cairo_t *cr);

G_END_DECLS
