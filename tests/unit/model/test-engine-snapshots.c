/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots and clones of the engine's machines, as the window uses them. The VMM plays its part
 * without a guest.
 */
#include "contract.h"
#include "model/engine/engine-connection.h"
#include "model/error.h"
#include "temporary-directory.h"

typedef struct
{
  char *folder;
  char *image;
  InnConnection *connection;
  InnMachine *machine;
  InnSnapshots *snapshots; /* of the machine */
  double progress;
} Fixture;

static gboolean
is_open (InnConnection *connection)
{
  return inn_connection_get_state (connection) == INN_CONNECTION_OPEN;
}

static InnConnection *
open_place (Fixture *fixture)
{
  g_autofree char *data = g_build_filename (fixture->folder, "data", NULL);
  g_autofree char *state = g_build_filename (fixture->folder, "state", NULL);
  g_autofree char *runtime = g_build_filename (fixture->folder, "run", NULL);
  g_autoptr (InnEngine) engine = inn_engine_new (data, state, runtime);
  InnConnection *connection = inn_engine_connection_new (engine);

  inn_connection_open (connection);
  CONTRACT_WAIT (is_open, connection);
  return connection;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (InnNewMachine) description = inn_new_machine_new ();

  fixture->folder = temporary_directory_new ();
  fixture->image = temporary_directory_add_file (fixture->folder, "image", "not really one", -1);
  fixture->connection = open_place (fixture);
  description->name = g_strdup ("web");
  description->medium = INN_MEDIUM_ISO;
  description->medium_path = g_strdup (fixture->image);
  description->memory = 64 << 20;
  description->vcpus = 1;
  description->disk_size = 1 << 20;
  fixture->machine = contract_create (fixture->connection, description);
  fixture->snapshots = inn_machine_get_snapshots (fixture->machine);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  if (inn_machine_state_is_active (inn_machine_get_state (fixture->machine)))
    contract_run (fixture->machine, INN_OPERATION_POWER_OFF);
  g_object_unref (fixture->machine);
  contract_close (fixture->connection);
  temporary_directory_free (fixture->folder);
  g_free (fixture->image);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gboolean
has_result (GAsyncResult **result)
{
  return *result != NULL;
}

static InnSnapshot *
take (Fixture *fixture, const char *name)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnSnapshot) snapshot = NULL;
  guint64 pause_us = 1;

  inn_snapshots_take_async (fixture->snapshots, name, "A note", NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  snapshot = inn_snapshots_take_finish (fixture->snapshots, result, &pause_us, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pause_us, ==, 0); /* it is off */
  g_assert_true (inn_snapshots_find (fixture->snapshots, inn_snapshot_get_id (snapshot))
                 == snapshot);
  return snapshot; /* the list keeps it */
}

static guint
count (Fixture *fixture)
{
  return g_list_model_get_n_items (G_LIST_MODEL (fixture->snapshots));
}

static void
test_take (Fixture *fixture, gconstpointer unused)
{
  InnSnapshot *first = take (fixture, "First");
  const InnSnapshotFacts *facts = inn_snapshot_get_facts (first);
  InnSnapshot *second = take (fixture, NULL);

  g_assert_cmpuint (count (fixture), ==, 2);
  g_assert_cmpstr (facts->name, ==, "First");
  g_assert_cmpstr (facts->note, ==, "A note");
  g_assert_false (facts->running);
  g_assert_true (facts->size_known);
  g_assert_null (facts->trouble);
  g_assert_cmpstr (inn_snapshot_get_name (second), !=, "");
  g_assert_cmpstr (inn_snapshot_get_parent (second), ==, inn_snapshot_get_id (first));
  g_assert_cmpstr (inn_snapshots_get_current (fixture->snapshots), ==,
                   inn_snapshot_get_id (second));
  g_assert_cmpuint (inn_snapshots_get_space (fixture->snapshots)->free, >, 0);
}

static void
test_restore (Fixture *fixture, gconstpointer unused)
{
  InnSnapshot *first = take (fixture, "First");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  take (fixture, "Second");
  inn_snapshots_restore_async (fixture->snapshots, first, TRUE, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  inn_snapshots_restore_finish (fixture->snapshots, result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (inn_snapshots_get_current (fixture->snapshots), ==, inn_snapshot_get_id (first));
}

static void
test_change_and_delete (Fixture *fixture, gconstpointer unused)
{
  InnSnapshot *first = take (fixture, "First");
  InnSnapshot *second = take (fixture, "Second");
  g_autoptr (GAsyncResult) changed = NULL;
  g_autoptr (GAsyncResult) deleted = NULL;
  g_autoptr (GError) error = NULL;

  inn_snapshots_change_async (fixture->snapshots, second, "Renamed", "", NULL, on_result, &changed);
  CONTRACT_WAIT (has_result, &changed);
  inn_snapshots_change_finish (fixture->snapshots, changed, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (inn_snapshot_get_name (second), ==, "Renamed");
  g_assert_cmpstr (inn_snapshot_get_facts (second)->note, ==, "");

  inn_snapshots_delete_async (fixture->snapshots, first, NULL, on_result, &deleted);
  CONTRACT_WAIT (has_result, &deleted);
  inn_snapshots_delete_finish (fixture->snapshots, deleted, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count (fixture), ==, 1);
  g_assert_null (inn_snapshot_get_parent (second));
}

static gboolean
has_two (InnSnapshots *snapshots)
{
  return g_list_model_get_n_items (G_LIST_MODEL (snapshots)) == 2;
}

/* Who looks at the same files, as the command line does, is heard of. */
static void
test_others (Fixture *fixture, gconstpointer unused)
{
  InnConnection *other;
  g_autoptr (InnMachine) same = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  take (fixture, "First");
  other = open_place (fixture);
  same = g_object_ref (inn_connection_find (other, inn_machine_get_id (fixture->machine)));
  inn_snapshots_take_async (inn_machine_get_snapshots (same), "Theirs", NULL, NULL, on_result,
                            &result);
  CONTRACT_WAIT (has_result, &result);
  CONTRACT_WAIT (has_two, fixture->snapshots);
  contract_close (other);
}

static void
on_progress (double fraction, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_cmpfloat (fraction, >=, fixture->progress);
  fixture->progress = fraction;
}

static char *
make_clone (Fixture *fixture, InnCloneKind kind, const char *name, InnSnapshot *snapshot)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  char *id;

  inn_snapshots_clone_async (fixture->snapshots, kind, name, snapshot, on_progress, fixture, NULL,
                             NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  id = inn_snapshots_clone_finish (fixture->snapshots, result, NULL, &error);
  g_assert_no_error (error);
  return id;
}

static void
test_clone (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *full = make_clone (fixture, INN_CLONE_FULL, "Copy", NULL);
  g_autofree char *linked = make_clone (fixture, INN_CLONE_LINKED, "Twin", NULL);
  g_autofree char *of_snapshot = NULL;
  guint64 size = 1;

  of_snapshot = make_clone (fixture, INN_CLONE_LINKED, "Past", take (fixture, "First"));
  g_assert_cmpstr (inn_machine_get_name (inn_connection_find (fixture->connection, full)), ==,
                   "Copy");
  g_assert_cmpstr (inn_machine_get_name (inn_connection_find (fixture->connection, linked)), ==,
                   "Twin");
  g_assert_cmpstr (inn_machine_get_name (inn_connection_find (fixture->connection, of_snapshot)),
                   ==, "Past");
  g_assert_true (inn_snapshots_get_clone_size (fixture->snapshots, INN_CLONE_LINKED, NULL, &size));
  g_assert_cmpuint (size, ==, 0);
  g_assert_false (inn_snapshots_get_clone_size (fixture->snapshots, INN_CLONE_FULL, NULL, &size));
}

static gboolean
runs (InnMachine *machine)
{
  return inn_machine_get_state (machine) == INN_MACHINE_RUNNING;
}

static void
clone_live (Fixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  guint64 pause_us = 0;
  InnMachine *twin;

  g_assert_null (inn_snapshots_get_clone_refusal (fixture->snapshots, INN_CLONE_LIVE, NULL));
  inn_snapshots_clone_async (fixture->snapshots, INN_CLONE_LIVE, "Live", NULL, NULL, NULL, NULL,
                             NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  id = inn_snapshots_clone_finish (fixture->snapshots, result, &pause_us, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pause_us, >, 0);
  twin = inn_connection_find (fixture->connection, id);
  CONTRACT_WAIT (runs, twin);
  contract_run (twin, INN_OPERATION_POWER_OFF);
}

static void
assert_short (const char *refusal)
{
  g_assert_nonnull (refusal);
  g_assert_cmpint (g_utf8_strlen (refusal, -1), <=, 45);
}

/* A machine that runs is ended for it and started again. */
static void
test_running (Fixture *fixture, gconstpointer unused)
{
  InnSnapshot *first = take (fixture, "First");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  take (fixture, "Second");
  assert_short (inn_snapshots_get_clone_refusal (fixture->snapshots, INN_CLONE_LIVE, NULL));
  contract_run (fixture->machine, INN_OPERATION_START);
  CONTRACT_WAIT (runs, fixture->machine);
  g_assert_null (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_TAKE, NULL));
  assert_short (inn_snapshots_get_clone_refusal (fixture->snapshots, INN_CLONE_LINKED, NULL));
  assert_short (inn_snapshots_get_clone_refusal (fixture->snapshots, INN_CLONE_LIVE, first));
  clone_live (fixture);
  g_assert_null (inn_snapshots_get_clone_refusal (fixture->snapshots, INN_CLONE_LINKED, first));

  inn_snapshots_restore_async (fixture->snapshots, first, TRUE, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  inn_snapshots_restore_finish (fixture->snapshots, result, &error);
  g_assert_no_error (error);
  CONTRACT_WAIT (runs, fixture->machine);
  g_assert_cmpuint (count (fixture), ==, 3);
  g_assert_cmpstr (inn_snapshots_get_current (fixture->snapshots), ==, inn_snapshot_get_id (first));
}

static gboolean
is_saved (InnMachine *machine)
{
  return inn_machine_get_state (machine) == INN_MACHINE_SAVED;
}

/* What is saved is no snapshot for people. */
static void
test_save (Fixture *fixture, gconstpointer unused)
{
  InnSnapshot *first = take (fixture, "First");

  contract_run (fixture->machine, INN_OPERATION_START);
  CONTRACT_WAIT (runs, fixture->machine);
  contract_run (fixture->machine, INN_OPERATION_SAVE);
  CONTRACT_WAIT (is_saved, fixture->machine);
  g_assert_cmpuint (count (fixture), ==, 1);
  assert_short (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_TAKE, NULL));
  g_assert_null (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_RESTORE, first));
  contract_run (fixture->machine, INN_OPERATION_DISCARD_SAVED);
  g_assert_cmpint (inn_machine_get_state (fixture->machine), ==, INN_MACHINE_OFF);
}

static void
add (const char *path, void (*test) (Fixture *fixture, gconstpointer unused))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
  g_test_init (&argc, &argv, NULL);
  add ("/engine-snapshots/take", test_take);
  add ("/engine-snapshots/restore", test_restore);
  add ("/engine-snapshots/change-and-delete", test_change_and_delete);
  add ("/engine-snapshots/others", test_others);
  add ("/engine-snapshots/clone", test_clone);
  add ("/engine-snapshots/running", test_running);
  add ("/engine-snapshots/save", test_save);
  return g_test_run ();
}
