/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What only a connection does to its machines.
 */
#pragma once

#include "model/machine.h"

G_BEGIN_DECLS

/* The place the machine lives in (not referenced), or NULL when it has left. */
void inn_machine_set_connection (InnMachine *self, InnConnection *connection);

G_END_DECLS
