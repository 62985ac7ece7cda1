/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all snapshots have in common, whatever is behind them: the list, the order of what is asked
 * for, what is refused, what is cancelled.
 */
#include "fake-snapshots.h"
#include "model/error.h"

typedef struct
{
  FakeSnapshots *fake;
  InnSnapshots *snapshots;
  guint n_updates, n_changes, n_activities;
  double progress;
  guint n_progress, n_destroyed;
} Fixture;

static char *
make_clone (InnCloneKind kind, const char *name, gpointer data)
{
  return g_strdup_printf ("%d-%s", (int)kind, name);
}

static void
count (gpointer snapshots, guint *n)
{
  (*n)++;
}

static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, Fixture *fixture)
{
  g_assert_cmpuint (position + added, <=, g_list_model_get_n_items (model));
  fixture->n_changes++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->fake = fake_snapshots_new (make_clone, NULL);
  fixture->snapshots = INN_SNAPSHOTS (fixture->fake);
  fake_snapshots_fill (fixture->fake, g_get_real_time (), NULL);
  fake_snapshots_set_running (fixture->fake, TRUE);
  g_signal_connect (fixture->snapshots, "updated", G_CALLBACK (count), &fixture->n_updates);
  g_signal_connect (fixture->snapshots, "activity", G_CALLBACK (count), &fixture->n_activities);
  g_signal_connect (fixture->snapshots, "items-changed", G_CALLBACK (on_items_changed), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->fake);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static InnSnapshot *
get (Fixture *fixture, const char *id)
{
  InnSnapshot *snapshot = inn_snapshots_find (fixture->snapshots, id);

  g_assert_nonnull (snapshot);
  return snapshot;
}

static char *
list_ids (Fixture *fixture)
{
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (fixture->snapshots)); i++)
    {
      g_autoptr (InnSnapshot) snapshot
          = g_list_model_get_item (G_LIST_MODEL (fixture->snapshots), i);

      g_string_append_printf (ids, "%s%s", i > 0 ? " " : "", inn_snapshot_get_id (snapshot));
    }
  return g_string_free (ids, FALSE);
}

static void
assert_ids (Fixture *fixture, const char *expected)
{
  g_autofree char *ids = list_ids (fixture);

  g_assert_cmpstr (ids, ==, expected);
}

/* In any order given, the oldest comes first. */
static void
test_list (Fixture *fixture, gconstpointer data)
{
  GPtrArray *turned = g_ptr_array_new ();
  const InnSnapshotFacts old = { .name = "Old", .time = 1 };
  const InnSnapshotFacts new = { .name = "New", .time = 2, .parent = "old" };

  assert_ids (fixture, "fresh login tools kernel kept update");
  g_assert_cmpstr (inn_snapshots_get_current (fixture->snapshots), ==, "update");
  g_assert_cmpuint (inn_snapshots_get_space (fixture->snapshots)->used, >, 0);
  g_assert_null (inn_snapshots_find (fixture->snapshots, "nowhere"));
  g_assert_null (inn_snapshots_find (fixture->snapshots, NULL));

  g_ptr_array_add (turned, inn_snapshot_new ("new", &new));
  g_ptr_array_add (turned, inn_snapshot_new ("old", &old));
  inn_snapshots_update (fixture->snapshots, turned, "new", NULL);
  assert_ids (fixture, "old new");
  g_assert_cmpuint (inn_snapshots_get_space (fixture->snapshots)->used, ==, 0);
  g_assert_cmpstr (inn_snapshot_get_facts (get (fixture, "new"))->note, ==, "");
}

/* Who holds a snapshot sees it change; the list does not. */
static void
test_objects_stay (Fixture *fixture, gconstpointer data)
{
  InnSnapshot *tools = get (fixture, "tools");
  g_autoptr (GAsyncResult) result = NULL;
  guint n_changed = 0;

  g_signal_connect (tools, "changed", G_CALLBACK (count), &n_changed);
  inn_snapshots_change_async (fixture->snapshots, tools, "Tools", NULL, NULL, on_result, &result);
  g_assert_true (inn_snapshots_change_finish (fixture->snapshots, wait_for (&result), NULL));
  g_assert_true (get (fixture, "tools") == tools);
  g_assert_cmpstr (inn_snapshot_get_name (tools), ==, "Tools");
  g_assert_cmpstr (inn_snapshot_get_facts (tools)->note, ==, "Compiler and debugger.");
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_cmpuint (fixture->n_updates, ==, 1);
  g_assert_cmpuint (fixture->n_changes, ==, 0);
}

static void
test_take (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (InnSnapshot) snapshot = NULL;
  g_autoptr (GError) error = NULL;
  InnSnapshotOperation operation = INN_SNAPSHOT_DELETE;
  guint64 pause_us = 0;

  g_assert_false (inn_snapshots_get_activity (fixture->snapshots, NULL, NULL));
  inn_snapshots_take_async (fixture->snapshots, "Mine", "Note", NULL, on_result, &result);
  g_assert_true (inn_snapshots_get_activity (fixture->snapshots, &operation, NULL));
  g_assert_cmpint (operation, ==, INN_SNAPSHOT_TAKE);
  snapshot = inn_snapshots_take_finish (fixture->snapshots, wait_for (&result), &pause_us, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (inn_snapshot_get_name (snapshot), ==, "Mine");
  g_assert_cmpstr (inn_snapshot_get_parent (snapshot), ==, "update");
  g_assert_cmpstr (inn_snapshots_get_current (fixture->snapshots), ==,
                   inn_snapshot_get_id (snapshot));
  g_assert_cmpuint (pause_us, ==, 3100);
  g_assert_false (inn_snapshots_get_activity (fixture->snapshots, NULL, NULL));
  g_assert_cmpuint (fixture->n_activities, ==, 2);
  g_assert_cmpuint (fixture->n_changes, ==, 1);
}

static void
test_restore (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_snapshots_restore_async (fixture->snapshots, get (fixture, "login"), TRUE, NULL, on_result,
                               &result);
  g_assert_true (inn_snapshots_restore_finish (fixture->snapshots, wait_for (&result), NULL));
  assert_ids (fixture, "fresh login tools kernel kept update made-1");
  g_assert_true (inn_snapshot_get_facts (get (fixture, "made-1"))->kept);
  g_assert_cmpstr (inn_snapshots_get_current (fixture->snapshots), ==, "login");
}

/* One thing at a time, in the order it was asked for; what has become impossible is refused when
 * its turn comes. */
static void
test_order (Fixture *fixture, gconstpointer data)
{
  InnSnapshot *kernel = get (fixture, "kernel");
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GAsyncResult) third = NULL;
  g_autoptr (GError) error = NULL;
  InnSnapshot *subject = NULL;

  inn_snapshots_delete_async (fixture->snapshots, kernel, NULL, on_result, &first);
  inn_snapshots_restore_async (fixture->snapshots, kernel, TRUE, NULL, on_result, &second);
  inn_snapshots_delete_async (fixture->snapshots, get (fixture, "update"), NULL, on_result, &third);
  g_assert_true (inn_snapshots_get_activity (fixture->snapshots, NULL, &subject));
  g_assert_true (subject == kernel);

  g_assert_true (inn_snapshots_delete_finish (fixture->snapshots, wait_for (&first), NULL));
  g_assert_false (inn_snapshots_restore_finish (fixture->snapshots, wait_for (&second), &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED);
  g_assert_true (inn_snapshots_delete_finish (fixture->snapshots, wait_for (&third), NULL));
  assert_ids (fixture, "fresh login tools kept");
  g_assert_cmpstr (inn_snapshot_get_parent (get (fixture, "kept")), ==, "tools");
  g_assert_cmpstr (inn_snapshots_get_current (fixture->snapshots), ==, "tools");
}

static void
assert_take_cancelled (Fixture *fixture, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (inn_snapshots_take_finish (fixture->snapshots, wait_for (result), NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (result);
}

/* By whoever asked, or by whoever sees that it is under way. */
static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *first = NULL, *second = NULL;

  inn_snapshots_cancel (fixture->snapshots); /* nothing */
  inn_snapshots_take_async (fixture->snapshots, NULL, NULL, cancellable, on_result, &first);
  inn_snapshots_take_async (fixture->snapshots, NULL, NULL, NULL, on_result, &second);
  g_cancellable_cancel (cancellable);
  assert_take_cancelled (fixture, &first);
  inn_snapshots_cancel (fixture->snapshots);
  assert_take_cancelled (fixture, &second);
  assert_ids (fixture, "fresh login tools kernel kept update");
}

static void
test_refusals (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnSnapshots) none = inn_snapshots_new_refusing ("Nothing is kept here");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (none)), ==, 0);
  g_assert_cmpstr (inn_snapshots_get_refusal (none, INN_SNAPSHOT_TAKE, NULL), ==,
                   "Nothing is kept here");
  for (guint kind = 0; kind < INN_CLONE_N; kind++)
    g_assert_nonnull (inn_snapshots_get_clone_refusal (none, (InnCloneKind)kind, NULL));

  g_assert_null (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_TAKE, NULL));
  fake_snapshots_refuse (fixture->fake, INN_SNAPSHOT_TAKE, "Not on Sundays");
  inn_snapshots_take_async (fixture->snapshots, NULL, NULL, NULL, on_result, &result);
  g_assert_null (inn_snapshots_take_finish (fixture->snapshots, wait_for (&result), NULL, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED);
  g_assert_cmpstr (error->message, ==, "Not on Sundays.");
}

static void
on_progress (double fraction, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_cmpfloat (fraction, >=, fixture->progress);
  fixture->progress = fraction;
  fixture->n_progress++;
}

static void
on_destroy (gpointer user_data)
{
  ((Fixture *)user_data)->n_destroyed++;
}

static void
test_clone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *id = NULL;
  guint64 size = 1;

  g_assert_cmpfloat (inn_snapshots_get_clone_progress (fixture->snapshots), <, 0);
  g_assert_true (inn_snapshots_get_clone_size (fixture->snapshots, INN_CLONE_LINKED, NULL, &size));
  g_assert_cmpuint (size, ==, 0);
  inn_snapshots_clone_async (fixture->snapshots, INN_CLONE_FULL, "Copy", NULL, on_progress, fixture,
                             on_destroy, NULL, on_result, &result);
  g_assert_cmpfloat (inn_snapshots_get_clone_progress (fixture->snapshots), ==, 0);
  g_assert_nonnull (inn_snapshots_get_clone_refusal (fixture->snapshots, INN_CLONE_LINKED, NULL));
  g_assert_null (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_TAKE, NULL));
  id = inn_snapshots_clone_finish (fixture->snapshots, wait_for (&result), NULL, NULL);
  g_assert_cmpstr (id, ==, "1-Copy");
  g_assert_cmpuint (fixture->n_progress, >, 10);
  g_clear_object (&result);
  g_assert_cmpuint (fixture->n_destroyed, ==, 1);
  g_assert_cmpfloat (inn_snapshots_get_clone_progress (fixture->snapshots), <, 0);
}

static void
test_clone_trouble (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) refused = NULL;
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GError) error = NULL;

  inn_snapshots_clone_async (fixture->snapshots, INN_CLONE_LIVE, "Twin", get (fixture, "tools"),
                             on_progress, fixture, on_destroy, NULL, on_result, &refused);
  g_assert_null (
      inn_snapshots_clone_finish (fixture->snapshots, wait_for (&refused), NULL, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_clear_object (&refused);
  g_assert_cmpuint (fixture->n_destroyed, ==, 1);

  inn_snapshots_clone_async (fixture->snapshots, INN_CLONE_FULL, "Copy", NULL, NULL, NULL, NULL,
                             NULL, on_result, &cancelled);
  inn_snapshots_cancel_clone (fixture->snapshots);
  g_assert_null (
      inn_snapshots_clone_finish (fixture->snapshots, wait_for (&cancelled), NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
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
  add ("/snapshots/list", test_list);
  add ("/snapshots/objects-stay", test_objects_stay);
  add ("/snapshots/take", test_take);
  add ("/snapshots/restore", test_restore);
  add ("/snapshots/order", test_order);
  add ("/snapshots/cancel", test_cancel);
  add ("/snapshots/refusals", test_refusals);
  add ("/snapshots/clone", test_clone);
  add ("/snapshots/clone-trouble", test_clone_trouble);
  return g_test_run ();
}
