/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns cumulative counters into rates and keeps one ring per series. */
#include "model/metrics.h"

#include <math.h>

/* Twenty a second for half a minute as they came, and for almost two hours ever more coarsely.
 * Closer readings are skipped: their rates are noise. */
#define RING_CAPACITY   512
#define MIN_INTERVAL_US (G_USEC_PER_SEC / 20)

#define N_SERIES (INN_SERIES_EXITS_OTHER + 1)

struct _InnMetrics
{
  GObject parent_instance;

  InnSampleRing *series[N_SERIES]; /* NULL while unknown; INN_SERIES_CPU is in vcpus */
  GPtrArray *vcpus;                /* of InnSampleRing, NULL elements while unknown */
  InnCounters last;
  gboolean have_last;
  guint n_vcpus;
  guint64 memory_given;
};

G_DEFINE_FINAL_TYPE (InnMetrics, inn_metrics, G_TYPE_OBJECT)

enum
{
  UPDATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
inn_metrics_finalize (GObject *object)
{
  InnMetrics *self = INN_METRICS (object);

  for (guint i = 0; i < N_SERIES; i++)
    g_clear_pointer (&self->series[i], inn_sample_ring_free);
  g_clear_pointer (&self->vcpus, g_ptr_array_unref);

  G_OBJECT_CLASS (inn_metrics_parent_class)->finalize (object);
}

static void
inn_metrics_class_init (InnMetricsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_metrics_finalize;

  signals[UPDATED] = g_signal_new ("updated", INN_TYPE_METRICS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
inn_metrics_init (InnMetrics *self)
{
  self->vcpus = g_ptr_array_new_with_free_func ((GDestroyNotify)inn_sample_ring_free);
}

InnMetrics *
inn_metrics_new (void)
{
  return g_object_new (INN_TYPE_METRICS, NULL);
}

void
inn_counters_init (InnCounters *counters)
{
  g_return_if_fail (counters != NULL);

  /* Every counter is 64 bits of ones while unknown. */
  memset (counters, 0xff, sizeof *counters);
  counters->time_us = g_get_monotonic_time ();
  counters->n_vcpus = 0;
}

/* A series exists from its first known value on; after that an unknown value is a gap. */
static void
append (InnSampleRing **ring, gint64 time_us, double value)
{
  if (*ring == NULL)
    {
      if (isnan (value))
        return;
      *ring = inn_sample_ring_new (RING_CAPACITY);
    }
  inn_sample_ring_push (*ring, time_us, value);
}

static double
amount (guint64 value)
{
  return value == G_MAXUINT64 ? NAN : (double)value;
}

static gboolean
went_back (guint64 before, guint64 now)
{
  return before != G_MAXUINT64 && now < before;
}

/* Per second; NAN when either end is unknown. */
static double
rate (guint64 before, guint64 now, double seconds)
{
  if (before == G_MAXUINT64 || now == G_MAXUINT64 || now < before)
    return NAN;
  return (double)(now - before) / seconds;
}

static const struct
{
  InnSeries series;
  gsize offset;
} counted[] = {
  { INN_SERIES_DISK_READ_BYTES, offsetof (InnCounters, read_bytes) },
  { INN_SERIES_DISK_WRITE_BYTES, offsetof (InnCounters, write_bytes) },
  { INN_SERIES_DISK_READ_OPERATIONS, offsetof (InnCounters, read_operations) },
  { INN_SERIES_DISK_WRITE_OPERATIONS, offsetof (InnCounters, write_operations) },
  { INN_SERIES_NETWORK_RECEIVED_BYTES, offsetof (InnCounters, received_bytes) },
  { INN_SERIES_NETWORK_SENT_BYTES, offsetof (InnCounters, sent_bytes) },
  { INN_SERIES_EXITS_INTERRUPT, offsetof (InnCounters, exits_interrupt) },
  { INN_SERIES_EXITS_HALT, offsetof (InnCounters, exits_halt) },
  { INN_SERIES_EXITS_IO, offsetof (InnCounters, exits_io) },
  { INN_SERIES_EXITS_OTHER, offsetof (InnCounters, exits_other) },
};

static guint64
counter_at (const InnCounters *counters, gsize offset)
{
  return *(const guint64 *)(gconstpointer)((const char *)counters + offset);
}

/* The machine was started anew between the readings. */
static gboolean
is_restart (const InnCounters *before, const InnCounters *now)
{
  for (guint i = 0; i < G_N_ELEMENTS (counted); i++)
    if (went_back (counter_at (before, counted[i].offset), counter_at (now, counted[i].offset)))
      return TRUE;
  for (guint i = 0; i < MIN (before->n_vcpus, now->n_vcpus); i++)
    if (went_back (before->vcpu_ns[i], now->vcpu_ns[i]))
      return TRUE;
  return FALSE;
}

static void
push_vcpus (InnMetrics *self, const InnCounters *now, double seconds)
{
  double sum = 0;
  guint known = 0;

  for (guint i = 0; i < self->vcpus->len; i++)
    {
      InnSampleRing **ring = (InnSampleRing **)&g_ptr_array_index (self->vcpus, i);
      double fraction = NAN;

      if (i < now->n_vcpus && i < self->last.n_vcpus)
        fraction = rate (self->last.vcpu_ns[i], now->vcpu_ns[i], seconds) / 1e9;
      if (!isnan (fraction))
        {
          fraction = MIN (fraction, 1.0);
          sum += fraction;
          known++;
        }
      append (ring, now->time_us, fraction);
    }
  append (&self->series[INN_SERIES_CPU_TOTAL], now->time_us, known > 0 ? sum / known : NAN);
}

static void
push_rates (InnMetrics *self, const InnCounters *now)
{
  double seconds = (double)(now->time_us - self->last.time_us) / G_USEC_PER_SEC;

  for (guint i = 0; i < G_N_ELEMENTS (counted); i++)
    append (&self->series[counted[i].series], now->time_us,
            rate (counter_at (&self->last, counted[i].offset), counter_at (now, counted[i].offset),
                  seconds));
  push_vcpus (self, now, seconds);
}

static void
push_gap_in_rates (InnMetrics *self, gint64 time_us)
{
  for (guint i = 0; i < G_N_ELEMENTS (counted); i++)
    append (&self->series[counted[i].series], time_us, NAN);
  for (guint i = 0; i < self->vcpus->len; i++)
    append ((InnSampleRing **)&g_ptr_array_index (self->vcpus, i), time_us, NAN);
  append (&self->series[INN_SERIES_CPU_TOTAL], time_us, NAN);
}

void
inn_metrics_push (InnMetrics *self, const InnCounters *counters)
{
  g_return_if_fail (INN_IS_METRICS (self));
  g_return_if_fail (counters != NULL && counters->n_vcpus <= INN_METRICS_MAX_VCPUS);

  if (self->have_last && counters->time_us - self->last.time_us < MIN_INTERVAL_US)
    return;

  self->n_vcpus = counters->n_vcpus;
  if (self->vcpus->len < self->n_vcpus)
    g_ptr_array_set_size (self->vcpus, (int)self->n_vcpus);
  if (counters->memory_given != G_MAXUINT64)
    self->memory_given = counters->memory_given;

  append (&self->series[INN_SERIES_MEMORY_HELD], counters->time_us, amount (counters->memory_held));
  append (&self->series[INN_SERIES_MEMORY_USED], counters->time_us, amount (counters->memory_used));
  if (self->have_last && is_restart (&self->last, counters))
    push_gap_in_rates (self, counters->time_us);
  else if (self->have_last)
    push_rates (self, counters);

  self->last = *counters;
  self->have_last = TRUE;
  g_signal_emit (self, signals[UPDATED], 0);
}

void
inn_metrics_push_gap (InnMetrics *self, gint64 time_us)
{
  g_return_if_fail (INN_IS_METRICS (self));

  append (&self->series[INN_SERIES_MEMORY_HELD], time_us, NAN);
  append (&self->series[INN_SERIES_MEMORY_USED], time_us, NAN);
  push_gap_in_rates (self, time_us);
  self->have_last = FALSE;
  g_signal_emit (self, signals[UPDATED], 0);
}

guint
inn_metrics_get_n_vcpus (InnMetrics *self)
{
  g_return_val_if_fail (INN_IS_METRICS (self), 0);

  return self->n_vcpus;
}

guint64
inn_metrics_get_memory_given (InnMetrics *self)
{
  g_return_val_if_fail (INN_IS_METRICS (self), 0);

  return self->memory_given;
}

const InnSampleRing *
inn_metrics_get_series (InnMetrics *self, InnSeries series, guint index)
{
  g_return_val_if_fail (INN_IS_METRICS (self), NULL);
  g_return_val_if_fail ((guint)series < N_SERIES, NULL);

  if (series != INN_SERIES_CPU)
    return self->series[series];
  return index < self->vcpus->len ? g_ptr_array_index (self->vcpus, index) : NULL;
}

double
inn_metrics_get_last (InnMetrics *self, InnSeries series, guint index)
{
  const InnSampleRing *ring = inn_metrics_get_series (self, series, index);
  guint length = ring != NULL ? inn_sample_ring_get_length (ring) : 0;

  return length > 0 ? inn_sample_ring_get (ring, length - 1).value : NAN;
}
