/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSnapshotTree: the snapshots of a machine as a tree that is written from top to bottom: a
 * GListModel of InnSnapshotNode. The first is the present, then come the snapshots, the newest
 * first, each above what it derives from; its line runs down in a lane. Nodes stay as long as their
 * snapshot does. Without snapshots there is not even the present. Pure.
 */
#pragma once

#include "model/snapshots.h"

G_BEGIN_DECLS

/* Branches beyond these share the last. */
#define INN_SNAPSHOT_LANES 12

/* How a row looks. Masks have bit N for lane N. */
typedef struct
{
  guint lane;
  guint n_lanes;   /* of the whole tree */
  guint level;     /* from 1: how many it derives from, and itself */
  gboolean above;  /* its own lane comes from above */
  gboolean below;  /* and goes on below */
  guint passing;   /* lanes that pass by */
  guint joining;   /* lanes from above that end in it */
  gboolean to_now; /* what is above in its lane, or passes in lane 0, leads to the present */
  gboolean is_now;
  gboolean is_current; /* the present derives from it */
} InnSnapshotLanes;

#define INN_TYPE_SNAPSHOT_NODE (inn_snapshot_node_get_type ())
G_DECLARE_FINAL_TYPE (InnSnapshotNode, inn_snapshot_node, INN, SNAPSHOT_NODE, GObject)

/* Signal "changed": its lanes are other ones. */

/* NULL: the present. */
InnSnapshot *inn_snapshot_node_get_snapshot (InnSnapshotNode *self);
const InnSnapshotLanes *inn_snapshot_node_get_lanes (InnSnapshotNode *self);
/* What it derives from, among what is shown; borrowed, or NULL. */
InnSnapshot *inn_snapshot_node_get_parent (InnSnapshotNode *self);

#define INN_TYPE_SNAPSHOT_TREE (inn_snapshot_tree_get_type ())
G_DECLARE_FINAL_TYPE (InnSnapshotTree, inn_snapshot_tree, INN, SNAPSHOT_TREE, GObject)

InnSnapshotTree *inn_snapshot_tree_new (InnSnapshots *snapshots);
/* Shows no row of it, as if it were deleted, or shows it again. */
void inn_snapshot_tree_set_hidden (InnSnapshotTree *self, InnSnapshot *snapshot, gboolean hidden);
/* Where it is; G_MAXUINT: it is not shown. */
guint inn_snapshot_tree_find (InnSnapshotTree *self, InnSnapshot *snapshot);

G_END_DECLS
