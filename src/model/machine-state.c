/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of what is allowed in which state. */
#include "model/machine-state.h"

#define CAN(operation) (1u << INN_OPERATION_##operation)
/* Of every machine that is off, in whatever way. */
#define CAN_OFF                                                                                    \
  (CAN (START) | CAN (DELETE) | CAN (START_DISPOSABLE) | CAN (MAKE_TEMPLATE) | CAN (MAKE_MACHINE))

/* A paused guest cannot react to a request to shut down; one that ignored a request may be asked
 * again. A machine that has just crashed is off. */
static const guint allowed[] = {
  [INN_MACHINE_OFF] = CAN_OFF,
  [INN_MACHINE_STARTING] = CAN (POWER_OFF),
  [INN_MACHINE_RUNNING]
  = CAN (SHUT_DOWN) | CAN (POWER_OFF) | CAN (RESET) | CAN (PAUSE) | CAN (SAVE),
  [INN_MACHINE_PAUSED] = CAN (RESUME) | CAN (POWER_OFF) | CAN (RESET) | CAN (SAVE),
  [INN_MACHINE_NO_SPACE] = CAN (RESUME) | CAN (POWER_OFF),
  [INN_MACHINE_SHUTTING_DOWN] = CAN (SHUT_DOWN) | CAN (POWER_OFF) | CAN (RESET),
  [INN_MACHINE_CRASHED] = CAN_OFF,
  [INN_MACHINE_SAVED] = CAN_OFF | CAN (DISCARD_SAVED),
};

static const guint never[] = {
  [INN_MACHINE_ORDINARY] = CAN (MAKE_MACHINE),
  [INN_MACHINE_DISPOSABLE] = CAN (SAVE) | CAN (MAKE_TEMPLATE) | CAN (MAKE_MACHINE),
  [INN_MACHINE_TEMPLATE]
  = CAN (START) | CAN (START_DISPOSABLE) | CAN (DISCARD_SAVED) | CAN (MAKE_TEMPLATE),
};

gboolean
inn_machine_kind_allows (InnMachineKind kind, InnOperation operation)
{
  g_return_val_if_fail ((guint)kind < G_N_ELEMENTS (never), FALSE);
  g_return_val_if_fail ((guint)operation < INN_OPERATION_N, FALSE);

  return (never[kind] & (1u << operation)) == 0;
}

gboolean
inn_machine_state_allows (InnMachineState state, InnOperation operation)
{
  g_return_val_if_fail ((guint)state < G_N_ELEMENTS (allowed), FALSE);
  g_return_val_if_fail ((guint)operation < INN_OPERATION_N, FALSE);

  return (allowed[state] & (1u << operation)) != 0;
}

gboolean
inn_machine_state_is_active (InnMachineState state)
{
  return state != INN_MACHINE_OFF && state != INN_MACHINE_CRASHED && state != INN_MACHINE_SAVED;
}
