/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mathematics of a graph: where its value axis ends, where its time marks are, and which
 * points of a long series are drawn. Pure.
 */
#pragma once

#include <glib.h>

#include "model/sample-ring.h"

G_BEGIN_DECLS

typedef enum
{
  INN_GRAPH_PERCENT, /* 0..1, fixed */
  INN_GRAPH_MEMORY,  /* bytes, fixed */
  INN_GRAPH_BYTES,   /* bytes per second; 1-2-5 steps of a binary unit */
  INN_GRAPH_COUNT,   /* events per second; 1-2-5 steps */
} InnGraphUnit;

/*
 * The upper end of a value axis. It grows at once with what it has to show, and shrinks only after
 * 10 s in which the smaller step would have done; either way it is eased over 200 ms.
 */
typedef struct
{
  InnGraphUnit unit;
  double least;        /* the end is never below this */
  double top;          /* the end it has, or moves to */
  double previous_top; /* the end it moves from */
  gint64 changed_us;   /* when it began to move */
  gint64 room_us;      /* since when a smaller step would do; 0: it would not */
} InnGraphScale;

/* @top: the fixed end, or the least end of a scale with steps. */
void inn_graph_scale_init (InnGraphScale *self, InnGraphUnit unit, double top);
/* Fits the axis to @highest, the greatest value in sight (NAN: none). TRUE when the end moved. */
gboolean inn_graph_scale_fit (InnGraphScale *self, double highest, gint64 now_us);
/* The end to draw with at @now_us. */
double inn_graph_scale_get_top (const InnGraphScale *self, gint64 now_us);
/* The least step, 1, 2 or 5 times a power of ten of the unit's size, that holds @value. */
double inn_graph_scale_get_step (InnGraphUnit unit, double value);
/* The text at @value of an axis that ends at @top: "100 MiB/s", "50", "0". Transfer full. */
char *inn_graph_scale_format_mark (InnGraphUnit unit, double value, double top);
/* A value in full: "46 %", "1.8 GiB", "73 MiB/s", "1,956". Transfer full. */
char *inn_graph_scale_format_value (InnGraphUnit unit, double value);

/* Between the marks of a time axis of @range_us, where @width pixels are wide enough for them;
 * otherwise the range itself, so that only its ends are marked. */
gint64 inn_graph_time_step (gint64 range_us, double width);
/* The text at @before_us before the end: "−5 min", "−4", "now". Transfer full. */
char *inn_graph_time_mark (gint64 range_us, gint64 before_us);

/* One point of a line: what the samples near @time_us say. A gap has NAN values. */
typedef struct
{
  gint64 time_us;
  double mean, least, greatest;
} InnGraphPoint;

/*
 * The points of @ring between @start_us and @end_us, with a neighbour on either side so that the
 * line reaches the edges; at most about @max_points. Samples are merged by intervals that are fixed
 * in time, so that a line does not shimmer as it moves.
 */
GArray *
inn_graph_decimate (const InnSampleRing *ring, gint64 start_us, gint64 end_us, guint max_points);

/* Index of the sample nearest to @time_us, or -1 for an empty ring. */
int inn_graph_find_nearest (const InnSampleRing *ring, gint64 time_us);

G_END_DECLS
