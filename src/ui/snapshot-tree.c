/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tree of snapshots: order and lanes.
 */
#include "ui/snapshot-tree.h"

struct _InnSnapshotNode
{
  GObject parent_instance;

  InnSnapshot *snapshot; /* NULL: the present */
  InnSnapshot *parent;   /* borrowed from the tree's snapshots */
  InnSnapshotLanes lanes;
};

G_DEFINE_FINAL_TYPE (InnSnapshotNode, inn_snapshot_node, G_TYPE_OBJECT)

struct _InnSnapshotTree
{
  GObject parent_instance;

  InnSnapshots *snapshots;
  GPtrArray *nodes;   /* of InnSnapshotNode, as they are shown */
  GHashTable *hidden; /* ids */
  InnSnapshotNode *now;
};

static void inn_snapshot_tree_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (InnSnapshotTree,
                               inn_snapshot_tree,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      inn_snapshot_tree_list_model_init))

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* ---- nodes ---- */

static void
inn_snapshot_node_finalize (GObject *object)
{
  InnSnapshotNode *self = INN_SNAPSHOT_NODE (object);

  g_clear_object (&self->snapshot);

  G_OBJECT_CLASS (inn_snapshot_node_parent_class)->finalize (object);
}

static void
inn_snapshot_node_class_init (InnSnapshotNodeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_snapshot_node_finalize;

  signals[CHANGED] = g_signal_new ("changed", INN_TYPE_SNAPSHOT_NODE, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
inn_snapshot_node_init (InnSnapshotNode *self)
{
}

static InnSnapshotNode *
node_new (InnSnapshot *snapshot)
{
  InnSnapshotNode *self = g_object_new (INN_TYPE_SNAPSHOT_NODE, NULL);

  g_set_object (&self->snapshot, snapshot);
  return self;
}

InnSnapshot *
inn_snapshot_node_get_snapshot (InnSnapshotNode *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOT_NODE (self), NULL);

  return self->snapshot;
}

const InnSnapshotLanes *
inn_snapshot_node_get_lanes (InnSnapshotNode *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOT_NODE (self), NULL);

  return &self->lanes;
}

InnSnapshot *
inn_snapshot_node_get_parent (InnSnapshotNode *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOT_NODE (self), NULL);

  return self->parent;
}

/* ---- the tree ---- */

static GType
inn_snapshot_tree_get_item_type (GListModel *model)
{
  return INN_TYPE_SNAPSHOT_NODE;
}

static guint
inn_snapshot_tree_get_n_items (GListModel *model)
{
  return INN_SNAPSHOT_TREE (model)->nodes->len;
}

static gpointer
inn_snapshot_tree_get_item (GListModel *model, guint position)
{
  GPtrArray *nodes = INN_SNAPSHOT_TREE (model)->nodes;

  return position < nodes->len ? g_object_ref (g_ptr_array_index (nodes, position)) : NULL;
}

static void
inn_snapshot_tree_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = inn_snapshot_tree_get_item_type;
  iface->get_n_items = inn_snapshot_tree_get_n_items;
  iface->get_item = inn_snapshot_tree_get_item;
}

static gboolean
is_hidden (InnSnapshotTree *self, InnSnapshot *snapshot)
{
  return g_hash_table_contains (self->hidden, inn_snapshot_get_id (snapshot));
}

/* The nearest that @id is, or derives from, and that is shown. A back end may tell of a circle, so
 * the way is no longer than the list. */
static InnSnapshot *
find_shown (InnSnapshotTree *self, const char *id)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->snapshots));
  InnSnapshot *snapshot = inn_snapshots_find (self->snapshots, id);

  for (guint i = 0; snapshot != NULL && i <= n; i++)
    {
      if (!is_hidden (self, snapshot))
        return snapshot;
      snapshot = inn_snapshots_find (self->snapshots, inn_snapshot_get_parent (snapshot));
    }
  return NULL;
}

/* Whether one of @nodes derives from @node. */
static gboolean
has_child (GPtrArray *nodes, InnSnapshotNode *node)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      InnSnapshotNode *other = g_ptr_array_index (nodes, i);

      if (other != node && other->parent == node->snapshot)
        return TRUE;
    }
  return FALSE;
}

/* Takes the newest that nothing left derives from: clocks are set back, lines only run down. */
static InnSnapshotNode *
take_next (GPtrArray *left)
{
  guint index = left->len - 1; /* in a circle */

  for (guint i = left->len; i-- > 0;)
    if (!has_child (left, g_ptr_array_index (left, i)))
      {
        index = i;
        break;
      }
  return g_ptr_array_steal_index (left, index);
}

static InnSnapshotNode *
find_node (InnSnapshotTree *self, InnSnapshot *snapshot)
{
  for (guint i = 0; i < self->nodes->len; i++)
    {
      InnSnapshotNode *node = g_ptr_array_index (self->nodes, i);

      if (node->snapshot == snapshot)
        return node;
    }
  return NULL;
}

/* What is shown, the present first; nodes are those that were there. */
static GPtrArray *
order_nodes (InnSnapshotTree *self)
{
  GListModel *model = G_LIST_MODEL (self->snapshots);
  g_autoptr (GPtrArray) left = g_ptr_array_new ();
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (InnSnapshot) snapshot = g_list_model_get_item (model, i);
      InnSnapshotNode *known = find_node (self, snapshot);
      InnSnapshotNode *node;

      if (is_hidden (self, snapshot))
        continue;
      node = known != NULL ? g_object_ref (known) : node_new (snapshot);
      node->parent = find_shown (self, inn_snapshot_get_parent (snapshot));
      g_ptr_array_add (left, node);
    }
  if (left->len == 0)
    return nodes;

  self->now->parent = find_shown (self, inn_snapshots_get_current (self->snapshots));
  g_ptr_array_add (nodes, g_object_ref (self->now));
  while (left->len > 0)
    g_ptr_array_add (nodes, take_next (left));
  return nodes;
}

/* What each lane leads down to while rows are written; NULL: it is free. */
typedef struct
{
  InnSnapshot *goals[INN_SNAPSHOT_LANES];
} Lanes;

static guint
find_lane (const Lanes *lanes, InnSnapshot *goal)
{
  for (guint i = 0; i < INN_SNAPSHOT_LANES; i++)
    if (lanes->goals[i] == goal)
      return i;
  return INN_SNAPSHOT_LANES;
}

/* Writes one row: the lanes that lead to @node end in it, the others pass, and its own goes on. */
static InnSnapshotLanes
place (InnSnapshotNode *node, Lanes *lanes)
{
  InnSnapshotLanes row = { .is_now = node->snapshot == NULL };
  guint lane = row.is_now ? 0 : find_lane (lanes, node->snapshot);

  row.above = !row.is_now && lane < INN_SNAPSHOT_LANES;
  if (lane == INN_SNAPSHOT_LANES)
    lane = MIN (find_lane (lanes, NULL), INN_SNAPSHOT_LANES - 1);
  row.lane = lane;
  for (guint i = 0; i < INN_SNAPSHOT_LANES; i++)
    {
      if (i == lane || lanes->goals[i] == NULL)
        continue;
      if (lanes->goals[i] != node->snapshot)
        {
          row.passing |= 1u << i;
          continue;
        }
      row.joining |= 1u << i;
      lanes->goals[i] = NULL;
    }
  lanes->goals[lane] = node->parent;
  row.below = node->parent != NULL;
  return row;
}

static guint
count_level (InnSnapshotTree *self, InnSnapshotNode *node)
{
  guint level = 1;

  for (InnSnapshot *parent = node->parent; parent != NULL && level <= self->nodes->len; level++)
    parent = find_shown (self, inn_snapshot_get_parent (parent));
  return level;
}

static gboolean
lanes_equal (const InnSnapshotLanes *left, const InnSnapshotLanes *right)
{
  return left->lane == right->lane && left->n_lanes == right->n_lanes && left->level == right->level
         && left->above == right->above && left->below == right->below
         && left->passing == right->passing && left->joining == right->joining
         && left->to_now == right->to_now && left->is_now == right->is_now
         && left->is_current == right->is_current;
}

/* Writes all rows; @rows has room for them. */
static void
place_all (InnSnapshotTree *self, InnSnapshotLanes *rows)
{
  InnSnapshot *current = self->now->parent;
  gboolean to_now = current != NULL; /* the current one is further down */
  guint n_lanes = 0;
  Lanes lanes = { { NULL } };

  for (guint i = 0; i < self->nodes->len; i++)
    {
      InnSnapshotNode *node = g_ptr_array_index (self->nodes, i);

      rows[i] = place (node, &lanes);
      rows[i].level = count_level (self, node);
      rows[i].to_now = to_now;
      rows[i].is_current = node->snapshot != NULL && node->snapshot == current;
      to_now = to_now && !rows[i].is_current;
      n_lanes = MAX (n_lanes, rows[i].lane + 1);
    }
  for (guint i = 0; i < self->nodes->len; i++)
    rows[i].n_lanes = n_lanes;
}

static void
update_lanes (InnSnapshotTree *self)
{
  g_autofree InnSnapshotLanes *rows = g_new (InnSnapshotLanes, self->nodes->len);

  place_all (self, rows);
  for (guint i = 0; i < self->nodes->len; i++)
    {
      InnSnapshotNode *node = g_ptr_array_index (self->nodes, i);

      if (lanes_equal (&node->lanes, &rows[i]))
        continue;
      node->lanes = rows[i];
      g_signal_emit (node, signals[CHANGED], 0);
    }
}

static void
update (InnSnapshotTree *self)
{
  GPtrArray *nodes = order_nodes (self);
  g_autoptr (GPtrArray) before = self->nodes;
  const guint shorter = MIN (before->len, nodes->len);
  guint start = 0, end = 0;

  while (start < shorter && before->pdata[start] == nodes->pdata[start])
    start++;
  while (end < shorter - start
         && before->pdata[before->len - 1 - end] == nodes->pdata[nodes->len - 1 - end])
    end++;

  self->nodes = nodes;
  update_lanes (self);
  if (before->len != start + end || nodes->len != start + end)
    g_list_model_items_changed (G_LIST_MODEL (self), start, before->len - start - end,
                                nodes->len - start - end);
}

static void
inn_snapshot_tree_finalize (GObject *object)
{
  InnSnapshotTree *self = INN_SNAPSHOT_TREE (object);

  g_ptr_array_unref (self->nodes);
  g_hash_table_unref (self->hidden);
  g_object_unref (self->now);
  g_clear_object (&self->snapshots);

  G_OBJECT_CLASS (inn_snapshot_tree_parent_class)->finalize (object);
}

static void
inn_snapshot_tree_class_init (InnSnapshotTreeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_snapshot_tree_finalize;
}

static void
inn_snapshot_tree_init (InnSnapshotTree *self)
{
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  self->hidden = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->now = node_new (NULL);
}

InnSnapshotTree *
inn_snapshot_tree_new (InnSnapshots *snapshots)
{
  InnSnapshotTree *self;

  g_return_val_if_fail (INN_IS_SNAPSHOTS (snapshots), NULL);

  self = g_object_new (INN_TYPE_SNAPSHOT_TREE, NULL);
  self->snapshots = g_object_ref (snapshots);
  g_signal_connect_object (snapshots, "updated", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
  return self;
}

void
inn_snapshot_tree_set_hidden (InnSnapshotTree *self, InnSnapshot *snapshot, gboolean hidden)
{
  g_return_if_fail (INN_IS_SNAPSHOT_TREE (self));
  g_return_if_fail (INN_IS_SNAPSHOT (snapshot));

  if (hidden)
    g_hash_table_add (self->hidden, g_strdup (inn_snapshot_get_id (snapshot)));
  else
    g_hash_table_remove (self->hidden, inn_snapshot_get_id (snapshot));
  update (self);
}

guint
inn_snapshot_tree_find (InnSnapshotTree *self, InnSnapshot *snapshot)
{
  g_return_val_if_fail (INN_IS_SNAPSHOT_TREE (self), G_MAXUINT);

  for (guint i = 0; i < self->nodes->len; i++)
    if (((InnSnapshotNode *)g_ptr_array_index (self->nodes, i))->snapshot == snapshot)
      return i;
  return G_MAXUINT;
}
