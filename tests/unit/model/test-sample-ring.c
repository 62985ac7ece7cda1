/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/sample-ring.h"

#include <math.h>

static void
test_empty (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (4);

  g_assert_cmpuint (inn_sample_ring_get_length (ring), ==, 0);
  g_assert_cmpuint (inn_sample_ring_find (ring, 0), ==, 0);
}

static void
push_many (InnSampleRing *ring, guint n)
{
  for (guint i = 0; i < n; i++)
    inn_sample_ring_push (ring, i, i);
}

static void
test_newest_are_kept (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (100);
  guint length;

  push_many (ring, 250);
  length = inn_sample_ring_get_length (ring);
  for (guint i = 1; i < 100; i++)
    {
      InnSample sample = inn_sample_ring_get (ring, length - i);

      g_assert_cmpint (sample.time_us, ==, 250 - i);
      g_assert_cmpfloat (sample.value, ==, 250 - i);
    }
}

/* Nothing is lost between the oldest and the newest: no time, no extreme, no mean. */
static void
test_old_ones_are_merged (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (100);
  double sum = 0, weight = 0;
  guint length;

  push_many (ring, 20000);
  length = inn_sample_ring_get_length (ring);
  g_assert_cmpuint (length, <=, 100 * INN_SAMPLE_RING_LEVELS);
  for (guint i = 0; i < length; i++)
    {
      InnSample sample = inn_sample_ring_get (ring, i);

      if (i > 0)
        g_assert_cmpint (sample.since_us, ==, inn_sample_ring_get (ring, i - 1).time_us);
      g_assert_cmpfloat (sample.greatest, ==, sample.time_us);
      g_assert_cmpfloat (sample.least, ==, i > 0 ? sample.since_us + 1 : 0);
      sum += sample.value * inn_sample_get_weight (&sample);
      weight += inn_sample_get_weight (&sample);
    }
  g_assert_cmpfloat_with_epsilon (sum / weight, 19999 / 2.0, 1);
}

/* Ever coarser, but for ever no longer than this. */
static void
test_forgets_at_last (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (10);

  push_many (ring, 1000000);
  g_assert_cmpuint (inn_sample_ring_get_length (ring), <=, 10 * INN_SAMPLE_RING_LEVELS);
  g_assert_cmpint (inn_sample_ring_get (ring, 0).time_us, <, 1000000 - 8 * 255);
  g_assert_cmpint (inn_sample_ring_get (ring, 0).time_us, >, 1000000 - 10 * 256);
}

static void
test_gaps_stay (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (4);
  guint gaps = 0;

  for (int i = 0; i < 40; i++)
    inn_sample_ring_push (ring, i, i / 4 % 3 == 1 ? NAN : 1);
  for (guint i = 0; i < inn_sample_ring_get_length (ring); i++)
    {
      InnSample sample = inn_sample_ring_get (ring, i);

      g_assert_true (isnan (sample.value) || sample.value == 1);
      gaps += isnan (sample.value) != 0;
      if (i > 0)
        g_assert_cmpint (sample.time_us, >, inn_sample_ring_get (ring, i - 1).time_us);
    }
  g_assert_cmpuint (gaps, >=, 3);
}

/* A mean over time, not over samples. */
static void
test_mean_is_over_time (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (2);

  inn_sample_ring_push (ring, 0, 0);
  inn_sample_ring_push (ring, 60, 1); /* for a minute */
  inn_sample_ring_push (ring, 61, 62);
  inn_sample_ring_push (ring, 62, 0);
  inn_sample_ring_push (ring, 63, 0);
  inn_sample_ring_push (ring, 64, 0);
  inn_sample_ring_push (ring, 65, 0);
  for (guint i = 0; i < inn_sample_ring_get_length (ring); i++)
    if (inn_sample_ring_get (ring, i).greatest == 62)
      g_assert_cmpfloat (inn_sample_ring_get (ring, i).value, <, 35);
}

static void
test_time_never_goes_back (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (4);

  inn_sample_ring_push (ring, 10, 1);
  inn_sample_ring_push (ring, 9, 2);
  inn_sample_ring_push (ring, 10, NAN);
  g_assert_cmpuint (inn_sample_ring_get_length (ring), ==, 2);
  g_assert_true (isnan (inn_sample_ring_get (ring, 1).value));
}

static void
test_find (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (5);

  for (int i = 0; i < 8; i++) /* 10, 30, merged; 40, 50, 60, 70 */
    inn_sample_ring_push (ring, i * 10, 0);
  g_assert_cmpuint (inn_sample_ring_find (ring, 0), ==, 0);
  g_assert_cmpuint (inn_sample_ring_find (ring, 30), ==, 1);
  g_assert_cmpuint (inn_sample_ring_find (ring, 31), ==, 2);
  g_assert_cmpuint (inn_sample_ring_find (ring, 70), ==, 5);
  g_assert_cmpuint (inn_sample_ring_find (ring, 71), ==, 6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sample-ring/empty", test_empty);
  g_test_add_func ("/sample-ring/newest-are-kept", test_newest_are_kept);
  g_test_add_func ("/sample-ring/old-ones-are-merged", test_old_ones_are_merged);
  g_test_add_func ("/sample-ring/forgets-at-last", test_forgets_at_last);
  g_test_add_func ("/sample-ring/gaps-stay", test_gaps_stay);
  g_test_add_func ("/sample-ring/mean-is-over-time", test_mean_is_over_time);
  g_test_add_func ("/sample-ring/time-never-goes-back", test_time_never_goes_back);
  g_test_add_func ("/sample-ring/find", test_find);
  return g_test_run ();
}
