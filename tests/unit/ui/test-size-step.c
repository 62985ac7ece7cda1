/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The buttons beside a size.
 */
#include "config.h"

#include "ui/size-step.h"

static void
test_step (void)
{
  g_assert_cmpuint (inn_size_step (64, 1, 64), ==, 96);
  g_assert_cmpuint (inn_size_step (96, 1, 64), ==, 128);
  g_assert_cmpuint (inn_size_step (100, 1, 64), ==, 128);
  g_assert_cmpuint (inn_size_step (128, -1, 64), ==, 96);
  g_assert_cmpuint (inn_size_step (100, -1, 64), ==, 96);
  g_assert_cmpuint (inn_size_step (64, -1, 64), ==, 64);
  g_assert_cmpuint (inn_size_step (1, -1, 64), ==, 64);
  g_assert_cmpuint (inn_size_step (0, 1, 64), ==, 64);
}

/* It ends, whatever it is given. */
static void
test_ends (void)
{
  g_assert_cmpuint (inn_size_step (G_MAXUINT64, 1, 64), ==, G_MAXUINT64);
  g_assert_cmpuint (inn_size_step (5, 1, 0), ==, 6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/size-step/step", test_step);
  g_test_add_func ("/size-step/ends", test_ends);
  return g_test_run ();
}
