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
test_forgets_the_oldest (void)
{
  g_autoptr (InnSampleRing) ring = inn_sample_ring_new (100);

  for (int i = 0; i < 250; i++)
    inn_sample_ring_push (ring, i, i * 2.0);
  g_assert_cmpuint (inn_sample_ring_get_length (ring), ==, 100);
  for (guint i = 0; i < 100; i++)
    {
      InnSample sample = inn_sample_ring_get (ring, i);

      g_assert_cmpint (sample.time_us, ==, 150 + i);
      g_assert_cmpfloat (sample.value, ==, (150 + i) * 2.0);
    }
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

  for (int i = 0; i < 8; i++) /* 30, 40, 50, 60, 70 remain */
    inn_sample_ring_push (ring, i * 10, 0);
  g_assert_cmpuint (inn_sample_ring_find (ring, 0), ==, 0);
  g_assert_cmpuint (inn_sample_ring_find (ring, 30), ==, 0);
  g_assert_cmpuint (inn_sample_ring_find (ring, 31), ==, 1);
  g_assert_cmpuint (inn_sample_ring_find (ring, 70), ==, 4);
  g_assert_cmpuint (inn_sample_ring_find (ring, 71), ==, 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sample-ring/empty", test_empty);
  g_test_add_func ("/sample-ring/forgets-the-oldest", test_forgets_the_oldest);
  g_test_add_func ("/sample-ring/time-never-goes-back", test_time_never_goes_back);
  g_test_add_func ("/sample-ring/find", test_find);
  return g_test_run ();
}
