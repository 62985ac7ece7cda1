/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/host-load.h"

#include <math.h>

static void
test_processor (void)
{
  InnProcessorTimes before, now;

  g_assert_true (
      inn_processor_times_parse ("cpu  100 0 50 800 50 0 0 0 7 0\ncpu0 1 2 3 4\n", &before));
  g_assert_cmpuint (before.total, ==, 1000);
  g_assert_cmpuint (before.busy, ==, 150);
  g_assert_true (inn_processor_times_parse ("cpu  150 0 75 850 75 0 0 50 7 0\n", &now));
  g_assert_cmpfloat_with_epsilon (inn_processor_times_load (&before, &now), 0.625, 1e-9);
  g_assert_true (isnan (inn_processor_times_load (&now, &now)));
  g_assert_true (isnan (inn_processor_times_load (&now, &before)));
  /* Kernels before 2.6 had four fields. */
  g_assert_true (inn_processor_times_parse ("cpu 1 2 3 4", &now));
  g_assert_cmpuint (now.total, ==, 10);
}

static void
test_bad_processor (void)
{
  static const char *const texts[] = { "", "cpu", "cpu0 1 2 3 4", "cpu 1 2 3", "cpu a b c d" };
  InnProcessorTimes times;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_false (inn_processor_times_parse (texts[i], &times));
}

static void
test_memory (void)
{
  InnHostMemory memory;

  g_assert_true (inn_host_memory_parse (
      "MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    600 kB\n", &memory));
  g_assert_cmpuint (memory.total, ==, 1000 * 1024);
  g_assert_cmpuint (memory.available, ==, 600 * 1024);
  g_assert_false (inn_host_memory_parse ("MemTotal: 1000 kB\n", &memory));
  g_assert_false (inn_host_memory_parse ("MemTotal: 1000\nMemAvailable: 1 kB\n", &memory));
  g_assert_false (
      inn_host_memory_parse ("MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB\n", &memory));
}

static void
on_updated (InnHostLoad *load, guint *updates)
{
  (*updates)++;
}

static void
test_sampler (void)
{
  g_autoptr (InnHostLoad) load = inn_host_load_new ();
  guint updates = 0;

  g_assert_true (isnan (inn_host_load_get_processor (load)));
  g_signal_connect (load, "updated", G_CALLBACK (on_updated), &updates);
  inn_host_load_set_running (load, TRUE);
  inn_host_load_set_running (load, TRUE);
  g_assert_cmpuint (updates, ==, 1);
  while (updates < 2)
    g_main_context_iteration (NULL, TRUE);
  inn_host_load_set_running (load, FALSE);
  g_assert_cmpfloat (inn_host_load_get_processor (load), >=, 0);
  g_assert_cmpfloat (inn_host_load_get_processor (load), <=, 1);
  g_assert_cmpuint (inn_host_load_get_memory_used (load), >, 0);
  g_assert_cmpuint (inn_host_load_get_memory_total (load), ==, inn_host_get_memory ());
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host-load/processor", test_processor);
  g_test_add_func ("/host-load/bad-processor", test_bad_processor);
  g_test_add_func ("/host-load/memory", test_memory);
  g_test_add_func ("/host-load/sampler", test_sampler);
  return g_test_run ();
}
