/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSnapshotLaneView: the lines of the tree that are in one row, and the row's node.
 */
#pragma once

#include <gtk/gtk.h>

#include "ui/snapshot-tree.h"

G_BEGIN_DECLS

#define INN_TYPE_SNAPSHOT_LANE_VIEW (inn_snapshot_lane_view_get_type ())
G_DECLARE_FINAL_TYPE (InnSnapshotLaneView,
                      inn_snapshot_lane_view,
                      INN,
                      SNAPSHOT_LANE_VIEW,
                      GtkWidget)

void inn_snapshot_lane_view_set_lanes (InnSnapshotLaneView *self, const InnSnapshotLanes *lanes);

G_END_DECLS
