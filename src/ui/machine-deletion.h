/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Deleting a machine that may be running: switches it off, waits until it is off, deletes it.
 */
#pragma once

#include <gio/gio.h>

#include "model/machine.h"

G_BEGIN_DECLS

void inn_machine_deletion_run_async (InnMachine *machine,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean
inn_machine_deletion_run_finish (InnMachine *machine, GAsyncResult *result, GError **error);

G_END_DECLS
