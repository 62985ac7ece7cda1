/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots and clones as the window and the command line use them. Two engines in one process
 * stand for those: they share nothing but files.
 */
#include "guest-snapshots.h"

#include <string.h>

#include "engine-fixture.h"
#include "engine.h"
#include "machine-lock.h"

static InnEngine *
open_engine (EngineFixture *fixture)
{
  InnEngine *engine = inn_engine_new (fixture->data_dir, fixture->state_dir, fixture->runtime_dir);
  g_autoptr (GError) error = NULL;

  inn_engine_open (engine, &error);
  g_assert_no_error (error);
  return engine;
}

static InnGuest *
create (EngineFixture *fixture, InnEngine *engine)
{
  static const guint64 disk_size = 4 << 20;
  const InnNewGuest description = { .name = "one",
                                    .memory = 64 << 20,
                                    .vcpus = 1,
                                    .kernel = fixture->kernel,
                                    .disk_sizes = &disk_size,
                                    .n_disks = 1 };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  InnGuest *guest;

  inn_engine_create_async (engine, &description, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  guest = inn_engine_create_finish (engine, result, &error);
  g_assert_no_error (error);
  return guest;
}

static InnSnapshotRecord *
try_take (InnGuest *guest, const char *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_take_snapshot_async (guest, name, "note", NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_take_snapshot_finish (guest, result, error);
}

static char *
take (InnGuest *guest, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (InnSnapshotRecord) record = try_take (guest, name, &error);

  g_assert_no_error (error);
  return g_strdup (record->id);
}

static gboolean
try_restore (InnGuest *guest, const char *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_restore_snapshot_async (guest, id, TRUE, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_restore_snapshot_finish (guest, result, error);
}

static gboolean
try_remove (InnGuest *guest, const char *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_delete_snapshot_async (guest, id, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_delete_snapshot_finish (guest, result, error);
}

/* Waits for what is under way. */
static gssize
merge (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gssize merged;

  inn_guest_merge_layers_async (guest, NULL, NULL, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  merged = inn_guest_merge_layers_finish (guest, result, &error);
  g_assert_no_error (error);
  return merged;
}

static char *
try_clone (InnGuest *guest,
           const char *name,
           InnGuestCloneKind kind,
           InnGuestProgress progress,
           gpointer data,
           GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_clone_async (guest, name, kind, NULL, progress, data, NULL, engine_fixture_take_result,
                         &result);
  engine_fixture_await (&result);
  return inn_guest_clone_finish (guest, result, NULL, error);
}

static void
count (gpointer object, gpointer data)
{
  guint *counter = data;

  ++*counter;
}

static gboolean
is_counted (guint *counter)
{
  return *counter > 0;
}

static void
test_all_see_them (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *window = open_engine (fixture);
  InnEngine *command_line = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, window);
  g_autoptr (InnGuest) other = NULL;
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *id = NULL;
  guint here = 0, there = 0;

  while (inn_engine_find_by_name (command_line, "one") == NULL)
    g_main_context_iteration (NULL, TRUE);
  other = g_object_ref (inn_engine_find_by_name (command_line, "one"));
  g_signal_connect (guest, "snapshots-changed", G_CALLBACK (count), &here);
  g_signal_connect (other, "snapshots-changed", G_CALLBACK (count), &there);
  id = take (guest, "first");
  g_assert_cmpuint (here, >, 0);
  g_assert_cmpstr (inn_guest_get_current_snapshot (guest), ==, id);
  ENGINE_FIXTURE_WAIT (is_counted, &there);
  records = inn_guest_list_snapshots (other);
  g_assert_cmpuint (records->len, ==, 1);
  g_assert_cmpstr (((InnSnapshotRecord *)g_ptr_array_index (records, 0))->note, ==, "note");

  /* Also that only words about one are new. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  there = 0;
  inn_guest_change_snapshot_async (guest, id, "renamed", NULL, NULL, engine_fixture_take_result,
                                   &result);
  engine_fixture_await (&result);
  g_assert_true (inn_guest_change_snapshot_finish (guest, result, NULL));
  ENGINE_FIXTURE_WAIT (is_counted, &there);

  inn_engine_close (window);
  inn_engine_close (command_line);
  g_object_unref (window);
  g_object_unref (command_line);
}

static void
test_restore_and_delete (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine);
  g_autofree char *id = take (guest, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records = NULL;

  try_restore (guest, id, &error);
  g_assert_no_error (error);
  inn_guest_check_snapshot_async (guest, NULL, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  g_assert_true (inn_guest_check_snapshot_finish (guest, result, &error));

  /* What it leaves is merged without anybody asking; whoever asks waits for that. */
  g_assert_true (try_remove (guest, id, &error));
  g_assert_cmpint (merge (guest), ==, 1);
  records = inn_guest_list_snapshots (guest);
  g_assert_cmpuint (records->len, ==, 0);
  g_assert_null (inn_guest_get_current_snapshot (guest));
  g_assert_false (try_restore (guest, id, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);

  inn_engine_close (engine);
  g_object_unref (engine);
}

static void
on_progress (double fraction, gpointer data)
{
  guint *calls = data;

  g_assert_cmpfloat (fraction, <=, 1);
  ++*calls;
}

static void
test_clone (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine);
  g_autoptr (GError) error = NULL;
  g_autofree char *linked = NULL;
  g_autofree char *full = NULL;
  guint calls = 0;

  linked = try_clone (guest, "linked", INN_GUEST_CLONE_LINKED, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (inn_guest_get_name (inn_engine_find (engine, linked)), ==, "linked");
  full = try_clone (guest, "full", INN_GUEST_CLONE_FULL, on_progress, &calls, &error);
  g_assert_no_error (error);
  g_assert_nonnull (inn_engine_find (engine, full));
  g_assert_null (try_clone (guest, "full", INN_GUEST_CLONE_FULL, NULL, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);

  inn_engine_close (engine);
  g_object_unref (engine);
}

static gboolean
is_running (InnGuest *guest)
{
  return inn_guest_get_state (guest) == INN_GUEST_RUNNING;
}

static void
test_running (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine);
  g_autofree char *id = take (guest, NULL);
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GAsyncResult) stopped = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
  inn_guest_start_async (guest, NULL, engine_fixture_take_result, &started);
  engine_fixture_await (&started);
  g_assert_true (inn_guest_start_finish (guest, started, &error));
  ENGINE_FIXTURE_WAIT (is_running, guest);
  g_assert_null (try_clone (guest, "two", INN_GUEST_CLONE_LINKED, NULL, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_true (try_remove (guest, id, &error));
  g_assert_cmpint (merge (guest), ==, 0); /* it writes what could be merged */

  inn_guest_call_async (guest, INN_CONTROL_POWER_OFF, NULL, engine_fixture_take_result, &stopped);
  engine_fixture_await (&stopped);
  g_assert_true (inn_guest_call_finish (guest, stopped, NULL));
  g_assert_cmpint (merge (guest), ==, 1);
  inn_engine_close (engine);
  g_object_unref (engine);
}

static char *
try_clone_live (InnGuest *guest, const char *snapshot, guint64 *ret_pause_us, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_clone_async (guest, "live", INN_GUEST_CLONE_LIVE, snapshot, NULL, NULL, NULL,
                         engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_clone_finish (guest, result, ret_pause_us, error);
}

static void
power_off (InnGuest *guest)
{
  g_autoptr (GAsyncResult) stopped = NULL;

  inn_guest_call_async (guest, INN_CONTROL_POWER_OFF, NULL, engine_fixture_take_result, &stopped);
  engine_fixture_await (&stopped);
  g_assert_true (inn_guest_call_finish (guest, stopped, NULL));
}

static guint
count_layers (EngineFixture *fixture)
{
  g_autofree char *path = g_build_filename (fixture->data_dir, "layers", NULL);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint count = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    count++;
  return count;
}

static gboolean
has_live (InnEngine *engine)
{
  InnGuest *live = inn_engine_find_by_name (engine, "live");

  return live != NULL && is_running (live);
}

/* All see it run; its process is known, though nobody has started it. */
static void
test_clone_live (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  InnEngine *other = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine);
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *uuid = NULL;
  g_autofree char *folder = NULL;
  guint64 pause_us = 0;

  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
  g_assert_null (try_clone_live (guest, NULL, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_null (try_clone_live (guest, "snapshot", NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_clear_error (&error);

  inn_guest_start_async (guest, NULL, engine_fixture_take_result, &started);
  engine_fixture_await (&started);
  g_assert_true (inn_guest_start_finish (guest, started, &error));
  uuid = try_clone_live (guest, NULL, &pause_us, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pause_us, ==, 4711);
  ENGINE_FIXTURE_WAIT (has_live, engine);
  ENGINE_FIXTURE_WAIT (has_live, other);
  folder = g_build_filename (fixture->data_dir, "machines", uuid, NULL);
  g_assert_cmpint (inn_machine_lock_get_holder (folder), >, 1);
  g_assert_cmpuint (count_layers (fixture), ==, 3);

  power_off (guest);
  g_assert_true (has_live (engine));
  power_off (inn_engine_find (engine, uuid));
  inn_engine_close (engine);
  inn_engine_close (other);
  g_object_unref (engine);
  g_object_unref (other);
}

/* Its VMM says no, and all is as it was. */
static void
test_clone_live_refused (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  static const guint64 disk_sizes[] = { 4 << 20, 4 << 20 };
  const InnNewGuest description = { .name = "two disks", /* it has one */
                                    .memory = 64 << 20,
                                    .vcpus = 1,
                                    .kernel = fixture->kernel,
                                    .disk_sizes = disk_sizes,
                                    .n_disks = G_N_ELEMENTS (disk_sizes) };
  g_autoptr (GAsyncResult) created = NULL;
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *machines = g_build_filename (fixture->data_dir, "machines", NULL);
  g_autofree char *definition = NULL;
  g_autofree char *xml = NULL;
  g_autoptr (InnGuest) guest = NULL;
  g_autoptr (GDir) folder = NULL;
  const char *name;

  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
  inn_engine_create_async (engine, &description, NULL, engine_fixture_take_result, &created);
  engine_fixture_await (&created);
  guest = inn_engine_create_finish (engine, created, &error);
  inn_guest_start_async (guest, NULL, engine_fixture_take_result, &started);
  engine_fixture_await (&started);
  g_assert_true (inn_guest_start_finish (guest, started, &error));
  g_assert_null (try_clone_live (guest, NULL, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED);
  g_assert_true (is_running (guest));

  /* What it writes has got a name among the layers, and nothing builds on it. */
  g_assert_cmpuint (count_layers (fixture), ==, 2);
  definition = g_build_filename (machines, inn_guest_get_uuid (guest), "domain.xml", NULL);
  g_assert_true (g_file_get_contents (definition, &xml, NULL, NULL));
  g_assert_null (strstr (xml, "qcow2"));
  folder = g_dir_open (machines, 0, NULL);
  while ((name = g_dir_read_name (folder)) != NULL)
    g_assert_false (g_str_has_prefix (name, ".new-"));
  power_off (guest);
  inn_engine_close (engine);
  g_object_unref (engine);
}

static gboolean
has_kept (InnGuest *guest)
{
  g_autoptr (GPtrArray) records = inn_guest_list_snapshots (guest);

  for (guint i = 0; i < records->len; i++)
    if (((InnSnapshotRecord *)g_ptr_array_index (records, i))->kept)
      return TRUE;
  return FALSE;
}

/* It ends, and what it was doing is kept; then it runs again. What is not there ends nothing. */
static void
test_restore_running (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine);
  g_autofree char *id = take (guest, NULL);
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GAsyncResult) stopped = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
  inn_guest_start_async (guest, NULL, engine_fixture_take_result, &started);
  engine_fixture_await (&started);
  inn_guest_start_finish (guest, started, &error);
  g_assert_no_error (error);
  ENGINE_FIXTURE_WAIT (is_running, guest);
  g_assert_false (try_restore (guest, "00000000-0000-4000-8000-000000000000", &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (is_running (guest));
  g_assert_false (has_kept (guest));

  try_restore (guest, id, &error);
  g_assert_no_error (error);
  g_assert_true (has_kept (guest));
  g_assert_cmpstr (inn_guest_get_current_snapshot (guest), ==, id);
  ENGINE_FIXTURE_WAIT (is_running, guest);

  inn_guest_call_async (guest, INN_CONTROL_POWER_OFF, NULL, engine_fixture_take_result, &stopped);
  engine_fixture_await (&stopped);
  g_assert_true (inn_guest_call_finish (guest, stopped, NULL));
  inn_engine_close (engine);
  g_object_unref (engine);
}

int
main (int argc, char **argv)
{
#define TEST(name, function)                                                                       \
  g_test_add ("/guest-snapshots/" name, EngineFixture, NULL, engine_fixture_set_up, function,      \
              engine_fixture_tear_down)

  g_test_init (&argc, &argv, NULL);
  TEST ("all-see-them", test_all_see_them);
  TEST ("restore-and-delete", test_restore_and_delete);
  TEST ("clone", test_clone);
  TEST ("restore-running", test_restore_running);
  TEST ("running", test_running);
  TEST ("clone-live", test_clone_live);
  TEST ("clone-live-refused", test_clone_live_refused);
  return g_test_run ();
}
