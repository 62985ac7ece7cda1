/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every place must do, whatever is behind it: one suite for all back ends.
 */
#pragma once

#include "model/connection.h"

G_BEGIN_DECLS

typedef struct
{
  /* A new, closed connection. Each test makes its own. */
  InnConnection *(*connect) (void);
  /* A machine that runs there without an end and does not react to being shut down, or NULL when
   * no machine can be made there. */
  InnNewMachine *(*describe) (void);
} ContractPlace;

/* Adds the tests under @prefix, e.g. "/libvirt/contract". @place must stay. */
void contract_add_tests (const char *prefix, const ContractPlace *place);

/* For tests of one back end. */

/* Runs the main loop until @condition (@data); ends the test after a minute. */
void contract_wait (gboolean (*condition) (gpointer data), gpointer data);
#define CONTRACT_WAIT(condition, data) contract_wait ((gboolean (*) (gpointer)) (condition), (data))

/* A connection that is open. */
InnConnection *contract_open (const ContractPlace *place);
/* Closes it and drops the last reference. */
void contract_close (InnConnection *connection);

InnMachine *contract_create (InnConnection *connection, const InnNewMachine *description);
/* Does it and expects that it is done. */
void contract_run (InnMachine *machine, InnOperation operation);
/* Does it and expects that it fails so. */
void contract_run_refused (InnMachine *machine, InnOperation operation, int code);
/* Does it and expects that it is done. Borrowed. */
InnSnapshot *contract_take (InnSnapshots *snapshots, const char *name, const char *note);
void contract_restore (InnSnapshots *snapshots, InnSnapshot *snapshot, gboolean keep_present);
void contract_delete_snapshot (InnSnapshots *snapshots, InnSnapshot *snapshot);
/* Transfer full. */
InnMachine *contract_clone (InnMachine *machine, InnCloneKind kind, const char *name);
int contract_open_console (InnMachine *machine, InnConsoleKind kind);
/* Reads until @text has come. */
void contract_expect_text (int fd, const char *text);

G_END_DECLS
