/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operations on one machine as actions: start, shut-down, power-off, reset, pause, resume,
 * delete, save, discard-saved, start-disposable, make-template, make-machine; take-snapshot, clone,
 * cancel-clone. Each is enabled exactly while it is possible. Those that cannot be undone ask
 * first; what goes wrong is told in a dialog.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

/* @owner: the widget whose window the dialogs belong to; the
 * actions do nothing once it is gone. */
GActionGroup *inn_machine_actions_new (InnMachine *machine, GtkWidget *owner);

/* Whether @operation is possible, if need be after switching the machine off (DELETE). */
gboolean inn_machine_actions_can (InnMachine *machine, InnOperation operation, const char **reason);

G_END_DECLS
