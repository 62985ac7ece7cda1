/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Restarting a machine so that what waits for the next start takes effect: the guest is asked to
 * shut down, and started again once it is off.
 */
#pragma once

#include <gio/gio.h>

#include "model/machine.h"

G_BEGIN_DECLS

/* A guest that does not shut down in time runs on, and is not started again later. */
void inn_machine_restart_run_async (InnMachine *machine,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean inn_machine_restart_run_finish (InnMachine *machine, GAsyncResult *result, GError **error);

G_END_DECLS
