/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/machine-state.h"

static void
test_allowed (void)
{
  /* One letter for each operation, in the order of InnOperation. */
  static const char *const expected[] = {
    [INN_MACHINE_OFF] = "S-----D--t",      [INN_MACHINE_STARTING] = "--F-------",
    [INN_MACHINE_RUNNING] = "-aFRP--s--",  [INN_MACHINE_PAUSED] = "--FR-r-s--",
    [INN_MACHINE_NO_SPACE] = "--F--r----", [INN_MACHINE_SHUTTING_DOWN] = "-aFR------",
    [INN_MACHINE_CRASHED] = "S-----D--t",  [INN_MACHINE_SAVED] = "S-----D-dt",
  };

  for (guint state = 0; state < G_N_ELEMENTS (expected); state++)
    for (guint operation = 0; operation < INN_OPERATION_N; operation++)
      g_assert_cmpint (inn_machine_state_allows ((InnMachineState)state, (InnOperation)operation),
                       ==, expected[state][operation] != '-');
}

/* What is thrown away is not saved. */
static void
test_kinds (void)
{
  for (guint operation = 0; operation < INN_OPERATION_N; operation++)
    {
      g_assert_true (inn_machine_kind_allows (INN_MACHINE_ORDINARY, (InnOperation)operation));
      g_assert_cmpint (inn_machine_kind_allows (INN_MACHINE_DISPOSABLE, (InnOperation)operation),
                       ==, operation != INN_OPERATION_SAVE);
    }
}

static void
test_active (void)
{
  g_assert_false (inn_machine_state_is_active (INN_MACHINE_OFF));
  g_assert_false (inn_machine_state_is_active (INN_MACHINE_CRASHED));
  g_assert_false (inn_machine_state_is_active (INN_MACHINE_SAVED));
  g_assert_true (inn_machine_state_is_active (INN_MACHINE_STARTING));
  g_assert_true (inn_machine_state_is_active (INN_MACHINE_NO_SPACE));
  g_assert_true (inn_machine_state_is_active (INN_MACHINE_SHUTTING_DOWN));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-state/allowed", test_allowed);
  g_test_add_func ("/machine-state/kinds", test_kinds);
  g_test_add_func ("/machine-state/active", test_active);
  return g_test_run ();
}
