/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scales, time marks and decimation of graphs.
 */
#include "config.h"

#include "ui/graph-scale.h"

#include <glib/gi18n.h>
#include <math.h>

#include "model/format.h"

#define SHRINK_AFTER_US (10 * G_USEC_PER_SEC)
#define EASE_US         (G_USEC_PER_SEC / 5)
#define MARK_WIDTH      56.0 /* room one time mark needs, in pixels */

void
inn_graph_scale_init (InnGraphScale *self, InnGraphUnit unit, double top)
{
  *self = (InnGraphScale){ .unit = unit, .least = top, .top = top, .previous_top = top };
}

static gboolean
has_steps (InnGraphUnit unit)
{
  return unit == INN_GRAPH_BYTES || unit == INN_GRAPH_COUNT;
}

double
inn_graph_scale_get_step (InnGraphUnit unit, double value)
{
  static const double steps[] = { 1, 2, 5, 10 };
  double size = 1, decade;

  if (unit == INN_GRAPH_BYTES)
    while (value > 500 * size)
      size *= 1024;

  value /= size;
  if (!(value > 1))
    return size;

  decade = pow (10, floor (log10 (value)));
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (value <= steps[i] * decade * (1 + 1e-9))
      return steps[i] * decade * size;

  return 10 * decade * size;
}

static void
move_top (InnGraphScale *self, double top, gint64 now_us)
{
  self->previous_top = inn_graph_scale_get_top (self, now_us);
  self->top = top;
  self->changed_us = now_us;
  self->room_us = 0;
}

gboolean
inn_graph_scale_fit (InnGraphScale *self, double highest, gint64 now_us)
{
  double step;

  if (!has_steps (self->unit))
    return FALSE;

  step = MAX (inn_graph_scale_get_step (self->unit, isfinite (highest) ? highest : 0), self->least);
  if (step > self->top)
    {
      move_top (self, step, now_us);
      return TRUE;
    }
  if (step == self->top)
    {
      self->room_us = 0;
      return FALSE;
    }

  if (self->room_us == 0)
    self->room_us = now_us;
  if (now_us - self->room_us < SHRINK_AFTER_US)
    return FALSE;

  move_top (self, step, now_us);
  return TRUE;
}

double
inn_graph_scale_get_top (const InnGraphScale *self, gint64 now_us)
{
  double progress = (double)(now_us - self->changed_us) / EASE_US;
  double rest;

  if (progress >= 1 || self->changed_us == 0)
    return self->top;

  rest = 1 - CLAMP (progress, 0, 1);
  return self->top + (self->previous_top - self->top) * rest * rest * rest;
}

char *
inn_graph_scale_format_value (InnGraphUnit unit, double value)
{
  if (!isfinite (value))
    return g_strdup (INN_FORMAT_UNKNOWN);

  switch (unit)
    {
    case INN_GRAPH_PERCENT:
      return inn_format_percent (value);
    case INN_GRAPH_MEMORY:
      return inn_format_memory ((guint64)MAX (value, 0));
    case INN_GRAPH_BYTES:
      return inn_format_byte_rate (value);
    case INN_GRAPH_COUNT:
      return inn_format_count (value);
    default:
      g_return_val_if_reached (NULL);
    }
}

char *
inn_graph_scale_format_mark (InnGraphUnit unit, double value, double top)
{
  if (value <= 0)
    return g_strdup ("0");
  if (value >= top || unit == INN_GRAPH_PERCENT || unit == INN_GRAPH_COUNT)
    return inn_graph_scale_format_value (unit, value);

  return inn_format_memory_like ((guint64)value, (guint64)top);
}

gint64
inn_graph_time_step (gint64 range_us, double width)
{
  guint parts = range_us > 5 * 60 * G_USEC_PER_SEC ? 4 : 5;

  return width >= (parts + 1) * MARK_WIDTH ? range_us / parts : range_us;
}

char *
inn_graph_time_mark (gint64 range_us, gint64 before_us)
{
  gboolean minutes = range_us >= 60 * G_USEC_PER_SEC;
  int number = (int)(before_us / (minutes ? 60 * G_USEC_PER_SEC : G_USEC_PER_SEC));

  if (before_us <= 0)
    return g_strdup (C_ ("time axis", "now"));
  if (before_us < range_us)
    return g_strdup_printf ("−%d", number);
  if (minutes)
    return g_strdup_printf (_ ("−%d min"), number);

  return g_strdup_printf (_ ("−%d s"), number);
}

/* Gathers samples until one falls into another interval. */
typedef struct
{
  gint64 interval;
  gint64 slot;
  gint64 last_time;
  double sum, weight, least, greatest;
  guint n;
} Bucket;

static void
flush_bucket (Bucket *bucket, GArray *points)
{
  InnGraphPoint point;

  if (bucket->n == 0)
    return;

  /* A lone sample keeps its own time, several share the middle of their interval. */
  point.time_us
      = bucket->n == 1 ? bucket->last_time : bucket->slot * bucket->interval + bucket->interval / 2;
  point.mean = bucket->sum / bucket->weight;
  point.least = bucket->least;
  point.greatest = bucket->greatest;
  g_array_append_val (points, point);
  bucket->n = 0;
}

static void
add_to_bucket (Bucket *bucket, InnSample sample, GArray *points)
{
  gint64 slot = sample.time_us / bucket->interval;

  if (bucket->n > 0 && slot != bucket->slot)
    flush_bucket (bucket, points);

  if (bucket->n == 0)
    {
      bucket->slot = slot;
      bucket->sum = bucket->weight = 0;
      bucket->least = sample.least;
      bucket->greatest = sample.greatest;
    }
  bucket->sum += sample.value * inn_sample_get_weight (&sample);
  bucket->weight += inn_sample_get_weight (&sample);
  bucket->least = MIN (bucket->least, sample.least);
  bucket->greatest = MAX (bucket->greatest, sample.greatest);
  bucket->last_time = sample.time_us;
  bucket->n++;
}

GArray *
inn_graph_decimate (const InnSampleRing *ring, gint64 start_us, gint64 end_us, guint max_points)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (InnGraphPoint));
  guint length = inn_sample_ring_get_length (ring);
  guint first = inn_sample_ring_find (ring, start_us);
  guint last = MIN (inn_sample_ring_find (ring, end_us) + 1, length);
  Bucket bucket = { .interval = MAX ((end_us - start_us) / MAX (max_points, 1), 1) };

  if (first > 0)
    first--;
  if (last - first <= max_points)
    bucket.interval = 1;

  for (guint i = first; i < last; i++)
    {
      InnSample sample = inn_sample_ring_get (ring, i);

      if (isnan (sample.value))
        {
          InnGraphPoint gap = { sample.time_us, NAN, NAN, NAN };

          flush_bucket (&bucket, points);
          g_array_append_val (points, gap);
        }
      else
        add_to_bucket (&bucket, sample, points);
    }
  flush_bucket (&bucket, points);

  return points;
}

int
inn_graph_find_nearest (const InnSampleRing *ring, gint64 time_us)
{
  guint length = inn_sample_ring_get_length (ring);
  guint after = inn_sample_ring_find (ring, time_us);

  if (length == 0)
    return -1;
  if (after == 0)
    return 0;
  if (after == length)
    return (int)length - 1;

  if (inn_sample_ring_get (ring, after).time_us - time_us
      < time_us - inn_sample_ring_get (ring, after - 1).time_us)
    return (int)after;

  return (int)after - 1;
}
