/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scales that do not jump, marks that fit, and lines that keep their peaks and gaps.
 */
#include "config.h"

#include <locale.h>
#include <math.h>

#include "ui/graph-scale.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define MIB    (1024.0 * 1024.0)

static void
test_steps (void)
{
  g_assert_cmpfloat (inn_graph_scale_get_step (INN_GRAPH_COUNT, 0), ==, 1);
  g_assert_cmpfloat (inn_graph_scale_get_step (INN_GRAPH_COUNT, 1.1), ==, 2);
  g_assert_cmpfloat (inn_graph_scale_get_step (INN_GRAPH_COUNT, 2), ==, 2);
  g_assert_cmpfloat (inn_graph_scale_get_step (INN_GRAPH_COUNT, 7271), ==, 10000);
  g_assert_cmpfloat (inn_graph_scale_get_step (INN_GRAPH_BYTES, 73 * MIB), ==, 100 * MIB);
  g_assert_cmpfloat (inn_graph_scale_get_step (INN_GRAPH_BYTES, 500 * 1024), ==, 500 * 1024);
  g_assert_cmpfloat (inn_graph_scale_get_step (INN_GRAPH_BYTES, 501 * 1024), ==, MIB);
}

static void
test_grows_at_once_and_shrinks_late (void)
{
  InnGraphScale scale;
  gint64 now = 100 * SECOND;

  inn_graph_scale_init (&scale, INN_GRAPH_COUNT, 100);
  g_assert_true (inn_graph_scale_fit (&scale, 900, now));
  g_assert_cmpfloat (scale.top, ==, 1000);

  g_assert_false (inn_graph_scale_fit (&scale, 50, now += SECOND));
  g_assert_false (inn_graph_scale_fit (&scale, 50, now += 9 * SECOND));
  /* One peak in between, and the ten seconds begin anew. */
  g_assert_false (inn_graph_scale_fit (&scale, 900, now += SECOND / 2));
  g_assert_false (inn_graph_scale_fit (&scale, 50, now += SECOND));
  g_assert_false (inn_graph_scale_fit (&scale, 50, now += 9 * SECOND));
  g_assert_true (inn_graph_scale_fit (&scale, 50, now += 2 * SECOND));
  /* Never below what it began with. */
  g_assert_cmpfloat (scale.top, ==, 100);
}

static void
test_eases (void)
{
  InnGraphScale scale;
  gint64 now = 100 * SECOND;
  double middle;

  inn_graph_scale_init (&scale, INN_GRAPH_COUNT, 100);
  inn_graph_scale_fit (&scale, 900, now);
  g_assert_cmpfloat (inn_graph_scale_get_top (&scale, now), ==, 100);
  middle = inn_graph_scale_get_top (&scale, now + SECOND / 10);
  g_assert_cmpfloat (middle, >, 100);
  g_assert_cmpfloat (middle, <, 1000);
  g_assert_cmpfloat (inn_graph_scale_get_top (&scale, now + SECOND / 5), ==, 1000);
}

static void
test_fixed_scales_stay (void)
{
  InnGraphScale scale;

  inn_graph_scale_init (&scale, INN_GRAPH_PERCENT, 1);
  g_assert_false (inn_graph_scale_fit (&scale, 7, SECOND));
  g_assert_cmpfloat (inn_graph_scale_get_top (&scale, 2 * SECOND), ==, 1);
}

static void
assert_mark (InnGraphUnit unit, double value, double top, const char *expected)
{
  g_autofree char *mark = inn_graph_scale_format_mark (unit, value, top);

  g_assert_cmpstr (mark, ==, expected);
}

static void
test_marks (void)
{
  assert_mark (INN_GRAPH_BYTES, 100 * MIB, 100 * MIB, "100\u202fMiB/s");
  assert_mark (INN_GRAPH_BYTES, 50 * MIB, 100 * MIB, "50");
  assert_mark (INN_GRAPH_BYTES, 0, 100 * MIB, "0");
  assert_mark (INN_GRAPH_BYTES, 0.5 * MIB, MIB, "0.5");
  assert_mark (INN_GRAPH_PERCENT, 0.5, 1, "50\u202f%");
  assert_mark (INN_GRAPH_MEMORY, 2048 * MIB, 4096 * MIB, "2");
}

static void
assert_time_mark (gint64 range, gint64 before, const char *expected)
{
  g_autofree char *mark = inn_graph_time_mark (range, before);

  g_assert_cmpstr (mark, ==, expected);
}

static void
test_time_marks (void)
{
  assert_time_mark (300 * SECOND, 300 * SECOND, "−5 min");
  assert_time_mark (300 * SECOND, 240 * SECOND, "−4");
  assert_time_mark (300 * SECOND, 0, "now");
  assert_time_mark (10 * SECOND, 10 * SECOND, "−10 s");
  assert_time_mark (10 * SECOND, 2 * SECOND, "−2");
  assert_time_mark (3600 * SECOND, 3600 * SECOND, "−60 min");

  g_assert_cmpint (inn_graph_time_step (300 * SECOND, 640), ==, 60 * SECOND);
  g_assert_cmpint (inn_graph_time_step (3600 * SECOND, 640), ==, 900 * SECOND);
  g_assert_cmpint (inn_graph_time_step (300 * SECOND, 150), ==, 300 * SECOND);
}

/* One sample a second, its value the number of the second. */
static InnSampleRing *
make_ramp (guint n)
{
  InnSampleRing *ring = inn_sample_ring_new (n);

  for (guint i = 0; i < n; i++)
    inn_sample_ring_push (ring, i * SECOND, i);

  return ring;
}

static void
test_few_samples_are_kept (void)
{
  g_autoptr (InnSampleRing) ring = make_ramp (100);
  g_autoptr (GArray) points = inn_graph_decimate (ring, 10 * SECOND, 20 * SECOND, 640);

  /* A neighbour on either side leads the line to the edges. */
  g_assert_cmpuint (points->len, ==, 12);
  g_assert_cmpfloat (g_array_index (points, InnGraphPoint, 0).mean, ==, 9);
  g_assert_cmpint (g_array_index (points, InnGraphPoint, 11).time_us, ==, 20 * SECOND);
}

static void
test_many_samples_keep_their_extremes (void)
{
  g_autoptr (InnSampleRing) ring = make_ramp (6000);
  g_autoptr (GArray) points = inn_graph_decimate (ring, 0, 6000 * SECOND, 100);
  double greatest = 0;

  g_assert_cmpuint (points->len, >=, 95);
  g_assert_cmpuint (points->len, <=, 105);
  for (guint i = 0; i < points->len; i++)
    {
      InnGraphPoint *point = &g_array_index (points, InnGraphPoint, i);

      g_assert_cmpfloat (point->least, <=, point->mean);
      g_assert_cmpfloat (point->mean, <=, point->greatest);
      greatest = MAX (greatest, point->greatest);
    }
  g_assert_cmpfloat (greatest, ==, 5999);
}

/* What the ring itself has merged counts as much as what it stands for. */
static void
test_merged_samples_keep_their_weight (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (64);
  g_autoptr (GArray) points = NULL;

  for (guint i = 0; i < 3600; i++)
    inn_sample_ring_push (ring, i * SECOND, i == 1800 ? 1000 : 10);
  points = inn_graph_decimate (ring, 0, 3600 * SECOND, 1);
  g_assert_cmpuint (points->len, ==, 1);
  g_assert_cmpfloat (g_array_index (points, InnGraphPoint, 0).greatest, ==, 1000);
  g_assert_cmpfloat (g_array_index (points, InnGraphPoint, 0).least, ==, 10);
  g_assert_cmpfloat_with_epsilon (g_array_index (points, InnGraphPoint, 0).mean, 10.275, 0.01);
}

/* As time goes on, what was merged before is merged the same way. */
static void
test_merging_does_not_shimmer (void)
{
  g_autoptr (InnSampleRing) ring = make_ramp (6000);
  g_autoptr (GArray) before = inn_graph_decimate (ring, 1000 * SECOND, 4000 * SECOND, 100);
  g_autoptr (GArray) after = inn_graph_decimate (ring, 1007 * SECOND, 4007 * SECOND, 100);
  guint n_same = 0;

  for (guint i = 0; i < before->len; i++)
    for (guint j = 0; j < after->len; j++)
      {
        InnGraphPoint *a = &g_array_index (before, InnGraphPoint, i);
        InnGraphPoint *b = &g_array_index (after, InnGraphPoint, j);

        n_same += a->time_us == b->time_us && a->mean == b->mean;
      }
  g_assert_cmpuint (n_same, >=, 95);
}

static void
test_gaps_stay_gaps (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (100);
  g_autoptr (GArray) points = NULL;
  guint n_gaps = 0;

  for (guint i = 0; i < 100; i++)
    inn_sample_ring_push (ring, i * SECOND, i == 50 ? NAN : 1);
  points = inn_graph_decimate (ring, 0, 100 * SECOND, 10);
  for (guint i = 0; i < points->len; i++)
    n_gaps += isnan (g_array_index (points, InnGraphPoint, i).mean) != 0;
  g_assert_cmpuint (n_gaps, ==, 1);
}

static void
test_nothing (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (10);
  g_autoptr (GArray) points = inn_graph_decimate (ring, 0, SECOND, 100);

  g_assert_cmpuint (points->len, ==, 0);
  g_assert_cmpint (inn_graph_find_nearest (ring, 0), ==, -1);
}

static void
test_nearest (void)
{
  g_autoptr (InnSampleRing) ring = make_ramp (10);

  g_assert_cmpint (inn_graph_find_nearest (ring, -5 * SECOND), ==, 0);
  g_assert_cmpint (inn_graph_find_nearest (ring, 3 * SECOND + 1), ==, 3);
  g_assert_cmpint (inn_graph_find_nearest (ring, 4 * SECOND - 1), ==, 4);
  g_assert_cmpint (inn_graph_find_nearest (ring, 99 * SECOND), ==, 9);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/graph-scale/steps", test_steps);
  g_test_add_func ("/graph-scale/hysteresis", test_grows_at_once_and_shrinks_late);
  g_test_add_func ("/graph-scale/eases", test_eases);
  g_test_add_func ("/graph-scale/fixed", test_fixed_scales_stay);
  g_test_add_func ("/graph-scale/marks", test_marks);
  g_test_add_func ("/graph-scale/time-marks", test_time_marks);
  g_test_add_func ("/graph-scale/few-samples", test_few_samples_are_kept);
  g_test_add_func ("/graph-scale/many-samples", test_many_samples_keep_their_extremes);
  g_test_add_func ("/graph-scale/merged-samples", test_merged_samples_keep_their_weight);
  g_test_add_func ("/graph-scale/no-shimmer", test_merging_does_not_shimmer);
  g_test_add_func ("/graph-scale/gaps", test_gaps_stay_gaps);
  g_test_add_func ("/graph-scale/nothing", test_nothing);
  g_test_add_func ("/graph-scale/nearest", test_nearest);
  return g_test_run ();
}
