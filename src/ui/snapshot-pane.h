/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSnapshotPane: all about one snapshot, and what can be done with it: the actions
 * snapshot.restore, snapshot.open, snapshot.rename and snapshot.delete of a widget above it. Signal
 * "closed": it shall go away, while it lies over the list.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/snapshots.h"

G_BEGIN_DECLS

#define INN_TYPE_SNAPSHOT_PANE (inn_snapshot_pane_get_type ())
G_DECLARE_FINAL_TYPE (InnSnapshotPane, inn_snapshot_pane, INN, SNAPSHOT_PANE, GtkWidget)

/* Called once. */
void inn_snapshot_pane_set_snapshots (InnSnapshotPane *self, InnSnapshots *snapshots);
/* NULL: nothing is shown. */
void inn_snapshot_pane_set_snapshot (InnSnapshotPane *self, InnSnapshot *snapshot);
/* Lies over the list, and can be closed. */
void inn_snapshot_pane_set_folded (InnSnapshotPane *self, gboolean folded);
/* Whether it is in sight; GTK 4.8 leaves it in that of screen readers otherwise. */
void inn_snapshot_pane_set_shown (InnSnapshotPane *self, gboolean shown);

G_END_DECLS
