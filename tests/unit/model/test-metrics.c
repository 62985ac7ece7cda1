/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/metrics.h"

#include <math.h>

#define SECOND G_USEC_PER_SEC

static void
count (gpointer data)
{
  (*(guint *)data)++;
}

static InnCounters *
counters_at (gint64 time_us)
{
  InnCounters *counters = g_new (InnCounters, 1);

  inn_counters_init (counters);
  counters->time_us = time_us;
  return counters;
}

static guint
get_length (InnMetrics *metrics, InnSeries series, guint index)
{
  const InnSampleRing *ring = inn_metrics_get_series (metrics, series, index);

  return ring != NULL ? inn_sample_ring_get_length (ring) : 0;
}

static void
test_rates (void)
{
  g_autoptr (InnMetrics) metrics = inn_metrics_new ();
  g_autofree InnCounters *counters = counters_at (10 * SECOND);
  guint updates = 0;

  g_signal_connect_swapped (metrics, "updated", G_CALLBACK (count), &updates);
  counters->n_vcpus = 2;
  counters->vcpu_ns[0] = 5 * 1000 * 1000 * (gint64)1000;
  counters->vcpu_ns[1] = 0;
  counters->read_bytes = 1000;
  counters->received_bytes = 0;
  counters->memory_held = 4096;
  counters->memory_given = 8192;
  inn_metrics_push (metrics, counters);
  /* One reading makes no rate, but amounts are known at once. */
  g_assert_null (inn_metrics_get_series (metrics, INN_SERIES_CPU, 0));
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_MEMORY_HELD, 0), ==, 4096);
  g_assert_cmpuint (inn_metrics_get_memory_given (metrics), ==, 8192);

  counters->time_us += 2 * SECOND;
  counters->vcpu_ns[0] += 1000000000;
  counters->vcpu_ns[1] += 3000000000;
  counters->read_bytes += 500;
  counters->received_bytes += 100;
  inn_metrics_push (metrics, counters);
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_CPU, 0), ==, 0.5);
  /* More than all of the time cannot be. */
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_CPU, 1), ==, 1);
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_CPU_TOTAL, 0), ==, 0.75);
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_DISK_READ_BYTES, 0), ==, 250);
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_NETWORK_RECEIVED_BYTES, 0), ==, 50);
  g_assert_null (inn_metrics_get_series (metrics, INN_SERIES_NETWORK_SENT_BYTES, 0));
  g_assert_cmpuint (inn_metrics_get_n_vcpus (metrics), ==, 2);
  g_assert_cmpuint (updates, ==, 2);
}

static void
test_unknown (void)
{
  g_autoptr (InnMetrics) metrics = inn_metrics_new ();
  g_autofree InnCounters *counters = counters_at (SECOND);

  inn_metrics_push (metrics, counters);
  counters->time_us += SECOND;
  inn_metrics_push (metrics, counters);
  for (int series = 0; series <= INN_SERIES_EXITS_OTHER; series++)
    {
      g_assert_null (inn_metrics_get_series (metrics, (InnSeries)series, 0));
      g_assert_true (isnan (inn_metrics_get_last (metrics, (InnSeries)series, 0)));
    }
}

static void
test_restart (void)
{
  g_autoptr (InnMetrics) metrics = inn_metrics_new ();
  g_autofree InnCounters *counters = counters_at (SECOND);

  counters->write_bytes = 1000;
  inn_metrics_push (metrics, counters);
  counters->time_us += SECOND;
  counters->write_bytes = 2000;
  inn_metrics_push (metrics, counters);
  counters->time_us += SECOND;
  counters->write_bytes = 10;
  inn_metrics_push (metrics, counters);
  g_assert_true (isnan (inn_metrics_get_last (metrics, INN_SERIES_DISK_WRITE_BYTES, 0)));
  counters->time_us += SECOND;
  counters->write_bytes = 60;
  inn_metrics_push (metrics, counters);
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_DISK_WRITE_BYTES, 0), ==, 50);
  g_assert_cmpuint (get_length (metrics, INN_SERIES_DISK_WRITE_BYTES, 0), ==, 3);
}

static void
test_gap (void)
{
  g_autoptr (InnMetrics) metrics = inn_metrics_new ();
  g_autofree InnCounters *counters = counters_at (SECOND);

  counters->memory_held = 1;
  counters->exits_io = 0;
  inn_metrics_push (metrics, counters);
  counters->time_us += SECOND;
  counters->exits_io = 100;
  inn_metrics_push (metrics, counters);
  inn_metrics_push_gap (metrics, counters->time_us + SECOND);
  g_assert_true (isnan (inn_metrics_get_last (metrics, INN_SERIES_EXITS_IO, 0)));
  g_assert_true (isnan (inn_metrics_get_last (metrics, INN_SERIES_MEMORY_HELD, 0)));
  /* No rate is made across the gap. */
  counters->time_us += 2 * SECOND;
  counters->exits_io = 1000000;
  inn_metrics_push (metrics, counters);
  g_assert_true (isnan (inn_metrics_get_last (metrics, INN_SERIES_EXITS_IO, 0)));
}

static void
test_close_readings (void)
{
  g_autoptr (InnMetrics) metrics = inn_metrics_new ();
  g_autofree InnCounters *counters = counters_at (SECOND);

  counters->memory_held = 1;
  for (int i = 0; i < 1000; i++)
    {
      inn_metrics_push (metrics, counters);
      counters->time_us += SECOND / 1000;
    }
  g_assert_cmpuint (get_length (metrics, INN_SERIES_MEMORY_HELD, 0), ==, 20);
}

/* However closely it is watched, an hour is there, and its peaks. */
static void
test_an_hour (void)
{
  g_autoptr (InnMetrics) metrics = inn_metrics_new ();
  g_autofree InnCounters *counters = counters_at (0);
  const InnSampleRing *ring;
  guint peaks = 0;

  for (int i = 0; i <= 20 * 3600; i++)
    {
      counters->memory_held = i == 100 || i == 30000 ? 1 << 30 : 1 << 20;
      inn_metrics_push (metrics, counters);
      counters->time_us += SECOND / 20;
    }
  ring = inn_metrics_get_series (metrics, INN_SERIES_MEMORY_HELD, 0);
  g_assert_cmpint (inn_sample_ring_get (ring, 0).since_us, ==, 0);
  g_assert_cmpuint (inn_sample_ring_get_length (ring), <, 8192);
  for (guint i = 0; i < inn_sample_ring_get_length (ring); i++)
    peaks += inn_sample_ring_get (ring, i).greatest == 1 << 30;
  g_assert_cmpuint (peaks, ==, 2);
}

static void
test_vcpu_added (void)
{
  g_autoptr (InnMetrics) metrics = inn_metrics_new ();
  g_autofree InnCounters *counters = counters_at (SECOND);

  counters->n_vcpus = 1;
  counters->vcpu_ns[0] = 0;
  inn_metrics_push (metrics, counters);
  counters->time_us += SECOND;
  counters->n_vcpus = 2;
  counters->vcpu_ns[0] = 500000000;
  counters->vcpu_ns[1] = 0;
  inn_metrics_push (metrics, counters);
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_CPU_TOTAL, 0), ==, 0.5);
  counters->time_us += SECOND;
  counters->vcpu_ns[1] = 250000000;
  inn_metrics_push (metrics, counters);
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_CPU, 1), ==, 0.25);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/rates", test_rates);
  g_test_add_func ("/metrics/unknown", test_unknown);
  g_test_add_func ("/metrics/restart", test_restart);
  g_test_add_func ("/metrics/gap", test_gap);
  g_test_add_func ("/metrics/close-readings", test_close_readings);
  g_test_add_func ("/metrics/an-hour", test_an_hour);
  g_test_add_func ("/metrics/vcpu-added", test_vcpu_added);
  return g_test_run ();
}
