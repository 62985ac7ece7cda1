/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Order and lanes of the tree of snapshots. A tree is written one row to a line: the id, its lane,
 * then what is above (| or : to the present), below, passing and joining.
 */
#include "fake-snapshots.h"
#include "ui/snapshot-tree.h"

typedef struct
{
  FakeSnapshots *fake;
  InnSnapshotTree *tree;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->fake = fake_snapshots_new (NULL, NULL);
  fixture->tree = inn_snapshot_tree_new (INN_SNAPSHOTS (fixture->fake));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->tree);
  g_object_unref (fixture->fake);
}

static void
print_row (GString *text, InnSnapshotNode *node)
{
  const InnSnapshotLanes *lanes = inn_snapshot_node_get_lanes (node);
  InnSnapshot *snapshot = inn_snapshot_node_get_snapshot (node);

  g_assert_cmpint (lanes->is_now, ==, snapshot == NULL);
  g_string_append_printf (text, "%s %u%s%s",
                          snapshot != NULL ? inn_snapshot_get_id (snapshot) : "now", lanes->lane,
                          lanes->above ? " up" : "", lanes->below ? " down" : "");
  if (lanes->passing != 0)
    g_string_append_printf (text, " pass%x", lanes->passing);
  if (lanes->joining != 0)
    g_string_append_printf (text, " join%x", lanes->joining);
  g_string_append_printf (text, "%s%s\n", lanes->to_now ? " to-now" : "",
                          lanes->is_current ? " current" : "");
}

static void
assert_tree (Fixture *fixture, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (fixture->tree)); i++)
    {
      g_autoptr (InnSnapshotNode) node = g_list_model_get_item (G_LIST_MODEL (fixture->tree), i);

      print_row (text, node);
    }
  g_assert_cmpstr (text->str, ==, expected);
}

static guint
get_n_lanes (Fixture *fixture)
{
  g_autoptr (InnSnapshotNode) now = g_list_model_get_item (G_LIST_MODEL (fixture->tree), 0);

  return inn_snapshot_node_get_lanes (now)->n_lanes;
}

/* @parents: by letter, "-" for none: the parent of "a", of "b", and so on; each is newer than those
 * before. */
static void
fill (Fixture *fixture, const char *parents, const char *current)
{
  GPtrArray *snapshots = g_ptr_array_new ();

  for (guint i = 0; parents[i] != '\0'; i++)
    {
      const char id[] = { (char)('a' + (char)i), '\0' };
      const char parent[] = { parents[i], '\0' };
      const InnSnapshotFacts facts
          = { .name = id, .time = i + 1, .parent = parents[i] != '-' ? parent : NULL };

      g_ptr_array_add (snapshots, inn_snapshot_new (id, &facts));
    }
  inn_snapshots_update (INN_SNAPSHOTS (fixture->fake), snapshots, current, NULL);
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  assert_tree (fixture, "");
}

static void
test_line (Fixture *fixture, gconstpointer data)
{
  fill (fixture, "-ab", "c");
  assert_tree (fixture, "now 0 down to-now\n"
                        "c 0 up down to-now current\n"
                        "b 0 up down\n"
                        "a 0 up\n");
  g_assert_cmpuint (get_n_lanes (fixture), ==, 1);
}

/* The example that is looked at: a branch that ends in the trunk. */
static void
test_branch (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnSnapshotNode) kept = NULL;

  fake_snapshots_fill (fixture->fake, g_get_real_time (), NULL);
  assert_tree (fixture, "now 0 down to-now\n"
                        "update 0 up down to-now current\n"
                        "kept 1 down pass1\n"
                        "kernel 1 up down pass1\n"
                        "tools 0 up down join2\n"
                        "login 0 up down\n"
                        "fresh 0 up\n");
  g_assert_cmpuint (get_n_lanes (fixture), ==, 2);
  kept = g_list_model_get_item (G_LIST_MODEL (fixture->tree), 2);
  g_assert_cmpuint (inn_snapshot_node_get_lanes (kept)->level, ==, 5);
  g_assert_cmpstr (inn_snapshot_get_id (inn_snapshot_node_get_parent (kept)), ==, "kernel");
}

/* The present is on an old one: what is newer stands beside its line. */
static void
test_went_back (Fixture *fixture, gconstpointer data)
{
  fill (fixture, "-ab", "a");
  assert_tree (fixture, "now 0 down to-now\n"
                        "c 1 down pass1 to-now\n"
                        "b 1 up down pass1 to-now\n"
                        "a 0 up join2 to-now current\n");
}

static void
test_several_branches (Fixture *fixture, gconstpointer data)
{
  fill (fixture, "-aabc", "b"); /* d on b, e on c */
  assert_tree (fixture, "now 0 down to-now\n"
                        "e 1 down pass1 to-now\n"
                        "d 2 down pass3 to-now\n"
                        "c 1 up down pass5 to-now\n"
                        "b 0 up down pass2 join4 to-now current\n"
                        "a 0 up join2\n");
  g_assert_cmpuint (get_n_lanes (fixture), ==, 3);
}

/* The present derives from nothing: its lane is free for others. */
static void
test_no_current (Fixture *fixture, gconstpointer data)
{
  fill (fixture, "-a", NULL);
  assert_tree (fixture, "now 0\n"
                        "b 0 down\n"
                        "a 0 up\n");
  fill (fixture, "-a", "gone");
  assert_tree (fixture, "now 0\n"
                        "b 0 down\n"
                        "a 0 up\n");
}

/* Whatever a back end says, each row is there once and the lines run down. */
static void
test_nonsense (Fixture *fixture, gconstpointer data)
{
  fill (fixture, "ba", "a");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->tree)), ==, 3);
  fill (fixture, "a", "a");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->tree)), ==, 2);
  fill (fixture, "c--", "a"); /* older than what it derives from */
  assert_tree (fixture, "now 0 down to-now\n"
                        "b 1 pass1 to-now\n"
                        "a 0 up down to-now current\n"
                        "c 0 up\n");
  fill (fixture, "-aaaaaaaaaaaaaaaaaaaa", "a");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->tree)), ==, 22);
  g_assert_cmpuint (get_n_lanes (fixture), ==, INN_SNAPSHOT_LANES);
}

static void
count (guint *n)
{
  (*n)++;
}

/* What is hidden looks as if it were deleted; what stays keeps its node. */
static void
test_hidden (Fixture *fixture, gconstpointer data)
{
  InnSnapshots *snapshots = INN_SNAPSHOTS (fixture->fake);
  InnSnapshot *kernel;
  guint n_changes = 0;

  fake_snapshots_fill (fixture->fake, g_get_real_time (), NULL);
  kernel = inn_snapshots_find (snapshots, "kernel");
  g_assert_cmpuint (inn_snapshot_tree_find (fixture->tree, kernel), ==, 3);
  g_signal_connect_swapped (fixture->tree, "items-changed", G_CALLBACK (count), &n_changes);
  inn_snapshot_tree_set_hidden (fixture->tree, kernel, TRUE);
  assert_tree (fixture, "now 0 down to-now\n"
                        "update 0 up down to-now current\n"
                        "kept 1 down pass1\n"
                        "tools 0 up down join2\n"
                        "login 0 up down\n"
                        "fresh 0 up\n");
  g_assert_cmpuint (inn_snapshot_tree_find (fixture->tree, kernel), ==, G_MAXUINT);
  inn_snapshot_tree_set_hidden (fixture->tree, inn_snapshots_find (snapshots, "update"), TRUE);
  inn_snapshot_tree_set_hidden (fixture->tree, kernel, FALSE);
  assert_tree (fixture, "now 0 down to-now\n"
                        "kept 1 down pass1 to-now\n"
                        "kernel 1 up down pass1 to-now\n"
                        "tools 0 up down join2 to-now current\n"
                        "login 0 up down\n"
                        "fresh 0 up\n");
  g_assert_cmpuint (n_changes, ==, 3);
}

static void
add (const char *path, void (*test) (Fixture *fixture, gconstpointer data))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/snapshot-tree/empty", test_empty);
  add ("/snapshot-tree/line", test_line);
  add ("/snapshot-tree/branch", test_branch);
  add ("/snapshot-tree/went-back", test_went_back);
  add ("/snapshot-tree/several-branches", test_several_branches);
  add ("/snapshot-tree/no-current", test_no_current);
  add ("/snapshot-tree/nonsense", test_nonsense);
  add ("/snapshot-tree/hidden", test_hidden);
  return g_test_run ();
}
