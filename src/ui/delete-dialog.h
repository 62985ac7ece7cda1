/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnDeleteDialog: shows what goes with a machine and what stays, then deletes it.
 */
#pragma once

#include <adwaita.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_DELETE_DIALOG (inn_delete_dialog_get_type ())
G_DECLARE_FINAL_TYPE (InnDeleteDialog, inn_delete_dialog, INN, DELETE_DIALOG, AdwMessageDialog)

/* @widget: where it was asked for; the note that follows appears in its window. */
void inn_delete_dialog_present (InnMachine *machine, GtkWidget *widget);

G_END_DECLS
