/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/machine-state.h"

static void
test_allowed (void)
{
  /* One letter for each operation, in the order of InnOperation. */
  static const char *const expected[] = {
    [INN_MACHINE_OFF] = "S-----D--tTM",      [INN_MACHINE_STARTING] = "--F---------",
    [INN_MACHINE_RUNNING] = "-aFRP--s----",  [INN_MACHINE_PAUSED] = "--FR-r-s----",
    [INN_MACHINE_NO_SPACE] = "--F--r------", [INN_MACHINE_SHUTTING_DOWN] = "-aFR--------",
    [INN_MACHINE_CRASHED] = "S-----D--tTM",  [INN_MACHINE_SAVED] = "S-----D-dtTM",
  };

  for (guint state = 0; state < G_N_ELEMENTS (expected); state++)
    for (guint operation = 0; operation < INN_OPERATION_N; operation++)
      g_assert_cmpint (inn_machine_state_allows ((InnMachineState)state, (InnOperation)operation),
                       ==, expected[state][operation] != '-');
}

/* What is thrown away is not saved, and a template only cloned. */
static void
test_kinds (void)
{
  /* The operations that no machine of a kind allows, as above. */
  static const char *const never[] = {
    [INN_MACHINE_ORDINARY] = "-----------M",
    [INN_MACHINE_DISPOSABLE] = "-------s--TM",
    [INN_MACHINE_TEMPLATE] = "S-------dtT-",
  };

  for (guint kind = 0; kind < G_N_ELEMENTS (never); kind++)
    for (guint operation = 0; operation < INN_OPERATION_N; operation++)
      g_assert_cmpint (inn_machine_kind_allows ((InnMachineKind)kind, (InnOperation)operation), ==,
                       never[kind][operation] == '-');
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
