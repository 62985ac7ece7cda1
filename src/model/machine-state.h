/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The states of a machine, the operations on it, and which is allowed when. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  INN_MACHINE_OFF,
  INN_MACHINE_STARTING,
  INN_MACHINE_RUNNING,
  INN_MACHINE_PAUSED,
  INN_MACHINE_NO_SPACE, /* paused because this computer could not store what the guest wrote */
  INN_MACHINE_SHUTTING_DOWN,
  INN_MACHINE_CRASHED, /* off, and not because anybody asked for it */
  INN_MACHINE_SAVED,   /* off; a start goes on where the guest was when it was saved */
} InnMachineState;

/* What is special about a machine now. */
typedef enum
{
  INN_MACHINE_ORDINARY,
  INN_MACHINE_DISPOSABLE, /* it runs, and what it changes is thrown away when it ends */
  INN_MACHINE_TEMPLATE,   /* it is only cloned, and stays as it is */
} InnMachineKind;

typedef enum
{
  INN_OPERATION_START,
  INN_OPERATION_SHUT_DOWN, /* ask the guest */
  INN_OPERATION_POWER_OFF, /* at once */
  INN_OPERATION_RESET,
  INN_OPERATION_PAUSE,
  INN_OPERATION_RESUME,
  INN_OPERATION_DELETE,        /* with the disks that were made for it */
  INN_OPERATION_SAVE,          /* its memory to disk, then off */
  INN_OPERATION_DISCARD_SAVED, /* the next start is an ordinary one */
  INN_OPERATION_START_DISPOSABLE,
  INN_OPERATION_MAKE_TEMPLATE,
  INN_OPERATION_MAKE_MACHINE, /* of a template */
} InnOperation;

#define INN_OPERATION_N (INN_OPERATION_MAKE_MACHINE + 1)

/* Whether a machine in @state can be asked to do @operation. */
gboolean inn_machine_state_allows (InnMachineState state, InnOperation operation);
/* Whether a machine of @kind can, in some state. */
gboolean inn_machine_kind_allows (InnMachineKind kind, InnOperation operation);

/* Whether there is a guest in memory: starting, running, paused, no space, shutting down. */
gboolean inn_machine_state_is_active (InnMachineState state);

G_END_DECLS
