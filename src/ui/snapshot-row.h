/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSnapshotRow: a snapshot in the tree, or the present: lanes, picture, name, age and size.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"
#include "ui/snapshot-tree.h"

G_BEGIN_DECLS

#define INN_TYPE_SNAPSHOT_ROW (inn_snapshot_row_get_type ())
G_DECLARE_FINAL_TYPE (InnSnapshotRow, inn_snapshot_row, INN, SNAPSHOT_ROW, GtkWidget)

GtkWidget *inn_snapshot_row_new (InnSnapshotNode *node, InnMachine *machine);
/* With fewer words, and the size below the name. */
void inn_snapshot_row_set_narrow (InnSnapshotRow *self, gboolean narrow);

G_END_DECLS
