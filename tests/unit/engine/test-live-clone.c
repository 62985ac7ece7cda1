/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Live clones with a real VMM and a guest that counts. Whatever stops who makes one: the original
 * goes on, and the clone runs or is not there.
 */
#include "guest-snapshots.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "engine-fixture.h"
#include "engine.h"
#include "fault-calls.h"
#include "machine-lock.h"
#include "machine-store.h"
#include "needs-kvm.h"
#include "payload-kernel.h"

enum
{
  SIBLINGS = 3,
  EXIT_DONE = 10, /* of a maker */
  EXIT_REFUSED = 11,
};

/* mov ecx, 2000; a: dec ecx; jnz a; in al, 0x3fd; jmp again: leaves the guest now and then */
#define COUNTER "\xb9\xd0\x07\x00\x00\xff\xc9\x75\xfc\x66\xba\xfd\x03\xec\xeb\xf0"

typedef struct
{
  EngineFixture base;
  InnEngine *engine;
  InnGuest *original;
} Fixture;

static InnEngine *
open_engine (EngineFixture *fixture)
{
  InnEngine *engine = inn_engine_new (fixture->data_dir, fixture->state_dir, fixture->runtime_dir);
  g_autoptr (GError) error = NULL;

  inn_engine_open (engine, &error);
  g_assert_no_error (error);
  return engine;
}

static void
create (Fixture *f)
{
  static const guint64 disk_size = 4 << 20;
  const InnNewGuest description = { .name = "one",
                                    .memory = 64 << 20,
                                    .vcpus = 1,
                                    .kernel = f->base.kernel,
                                    .disk_sizes = &disk_size,
                                    .n_disks = 1 };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_engine_create_async (f->engine, &description, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  f->original = inn_engine_create_finish (f->engine, result, &error);
  g_assert_no_error (error);
}

static gboolean
is_running (InnGuest *guest)
{
  return inn_guest_get_state (guest) == INN_GUEST_RUNNING;
}

static void
start (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_start_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  inn_guest_start_finish (guest, result, &error);
  g_assert_no_error (error);
}

static void
call (InnGuest *guest, InnControlCommand command)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_call_async (guest, command, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  inn_guest_call_finish (guest, result, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  guint8 image[PAYLOAD_KERNEL_SIZE];

  engine_fixture_set_up (&f->base, NULL);
  payload_kernel_make (image, COUNTER, sizeof (COUNTER) - 1);
  g_assert_true (g_file_set_contents (f->base.kernel, (char *)image, sizeof (image), NULL));
  f->engine = open_engine (&f->base);
  create (f);
  start (f->original);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) uuids = NULL;
  g_autoptr (InnMachineStore) store = inn_machine_store_new (f->base.data_dir);

  uuids = inn_machine_store_list (store);
  for (guint i = 0; uuids[i] != NULL; i++)
    {
      InnGuest *guest = inn_engine_find (f->engine, uuids[i]);

      if (guest != NULL && inn_guest_is_active (guest))
        call (guest, INN_CONTROL_POWER_OFF);
    }
  inn_engine_close (f->engine);
  g_object_unref (f->original);
  g_object_unref (f->engine);
  engine_fixture_tear_down (&f->base, NULL);
}

static char *
try_clone (InnGuest *guest, const char *name, guint64 *ret_pause_us, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_clone_async (guest, name, INN_GUEST_CLONE_LIVE, NULL, NULL, NULL, NULL,
                         engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_clone_finish (guest, result, ret_pause_us, error);
}

static void
assert_holds_memory (InnGuest *guest)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);

  g_assert_true (inn_guest_read_statistics (guest, page));
  g_assert_cmpuint (page->memory.resident_bytes, >, 0);
}

/* Borrowed; it runs. */
static InnGuest *
clone_guest (Fixture *f, InnGuest *guest, const char *name)
{
  g_autoptr (GError) error = NULL;
  guint64 pause_us = 0;
  g_autofree char *uuid = try_clone (guest, name, &pause_us, &error);
  InnGuest *made;

  g_assert_no_error (error);
  g_assert_cmpuint (pause_us, >, 0);
  made = inn_engine_find (f->engine, uuid);
  g_assert_nonnull (made);
  ENGINE_FIXTURE_WAIT (is_running, made);
  assert_holds_memory (made);
  return made;
}

static guint64
count_exits (InnGuest *guest)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);

  inn_guest_read_statistics (guest, page);
  return page->vcpus[0].exits_port;
}

typedef struct
{
  InnGuest *guest;
  guint64 exits;
} Progress;

static gboolean
has_moved (Progress *progress)
{
  return count_exits (progress->guest) > progress->exits + 2;
}

static void
assert_goes_on (InnGuest *guest)
{
  Progress progress = { guest, count_exits (guest) };

  g_assert_true (is_running (guest));
  ENGINE_FIXTURE_WAIT (has_moved, &progress);
}

/* The layer that the disk of a machine is in. */
static char *
get_layer (Fixture *f, const char *uuid)
{
  g_autoptr (InnMachineStore) store = inn_machine_store_new (f->base.data_dir);
  g_autoptr (InnMachineDescription) description = inn_machine_store_load (store, uuid, NULL, NULL);

  g_assert_nonnull (description);
  return g_strdup (inn_machine_description_get_disk (description, 0)->path);
}

static void
assert_disks_are_good (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_check_snapshot_async (guest, NULL, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  inn_guest_check_snapshot_finish (guest, result, &error);
  g_assert_no_error (error);
}

/* Each goes on for itself, also when the others are gone; each can start anew. */
static void
test_siblings (Fixture *f, gconstpointer data)
{
  InnGuest *clones[SIBLINGS];
  g_autoptr (GHashTable) layers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_hash_table_add (layers, get_layer (f, inn_guest_get_uuid (f->original)));
  for (guint i = 0; i < SIBLINGS; i++)
    {
      g_autofree char *name = g_strdup_printf ("clone %u", i);

      clones[i] = clone_guest (f, f->original, name);
      g_assert_true (g_hash_table_add (layers, get_layer (f, inn_guest_get_uuid (clones[i]))));
    }
  assert_goes_on (f->original);
  for (guint i = 0; i < SIBLINGS; i++)
    assert_goes_on (clones[i]);
  call (f->original, INN_CONTROL_POWER_OFF);
  assert_disks_are_good (f->original);
  for (guint i = 0; i < SIBLINGS; i++)
    assert_goes_on (clones[i]);
  call (clones[0], INN_CONTROL_RESET);
  assert_goes_on (clones[0]);
  call (clones[1], INN_CONTROL_POWER_OFF);
  assert_disks_are_good (clones[1]);
  start (clones[1]);
  assert_goes_on (clones[1]);
  start (f->original);
  assert_goes_on (f->original);
}

static void
test_depth (Fixture *f, gconstpointer data)
{
  InnGuest *second = clone_guest (f, f->original, "two");
  InnGuest *third = clone_guest (f, second, "three");

  call (f->original, INN_CONTROL_PAUSE);
  assert_goes_on (second);
  call (second, INN_CONTROL_POWER_OFF);
  assert_goes_on (third);
  call (f->original, INN_CONTROL_RESUME);
  assert_goes_on (f->original);
  call (third, INN_CONTROL_POWER_OFF);
  assert_goes_on (f->original);
}

/* It stays paused, and its clone runs. */
static void
test_paused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *uuid = NULL;
  guint64 pause_us = 1;
  InnGuest *made;

  call (f->original, INN_CONTROL_PAUSE);
  uuid = try_clone (f->original, "two", &pause_us, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pause_us, ==, 0);
  made = inn_engine_find (f->engine, uuid);
  ENGINE_FIXTURE_WAIT (is_running, made);
  assert_goes_on (made);
  g_assert_cmpint (inn_guest_get_state (f->original), ==, INN_GUEST_PAUSED);
}

static gboolean
is_off (InnGuest *guest)
{
  return !inn_guest_is_active (guest);
}

/* One of them is killed; who it was is known, and the other does not mind. */
static void
test_killed (Fixture *f, gconstpointer data)
{
  InnGuest *guests[] = { f->original, clone_guest (f, f->original, "two") };
  g_autoptr (InnMachineStore) store = inn_machine_store_new (f->base.data_dir);

  for (guint i = 0; i < G_N_ELEMENTS (guests); i++)
    {
      g_autofree char *folder
          = inn_machine_store_get_folder (store, inn_guest_get_uuid (guests[i]));
      GPid holder = inn_machine_lock_get_holder (folder);

      g_assert_cmpint (holder, >, 1);
      g_assert_cmpint (kill (holder, SIGKILL), ==, 0);
      ENGINE_FIXTURE_WAIT (is_off, guests[i]);
      g_assert_cmpint (inn_guest_get_state (guests[i]), ==, INN_GUEST_CRASHED);
      assert_goes_on (guests[1 - i]);
      assert_disks_are_good (guests[i]);
      start (guests[i]);
      assert_goes_on (guests[i]);
    }
}

static void
count_files (const char *path, const char *prefix, guint *count)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    *count += g_str_has_prefix (name, prefix);
}

/* What cannot be leaves nothing behind. */
static void
test_refusals (Fixture *f, gconstpointer data)
{
  g_autofree char *layers = g_build_filename (f->base.data_dir, "layers", NULL);
  g_autofree char *before = get_layer (f, inn_guest_get_uuid (f->original));
  g_autofree char *after = NULL;
  g_autofree char *machines = g_build_filename (f->base.data_dir, "machines", NULL);
  g_autoptr (GError) error = NULL;
  guint files = 0;

  g_assert_null (try_clone (f->original, "one", NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_null (try_clone (f->original, "no/name", NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_clear_error (&error);
  count_files (layers, "", &files);
  count_files (machines, ".new-", &files);
  g_assert_cmpuint (files, ==, 0);
  after = get_layer (f, inn_guest_get_uuid (f->original));
  g_assert_cmpstr (before, ==, after);
  assert_goes_on (f->original);
  call (f->original, INN_CONTROL_POWER_OFF);
  g_assert_null (try_clone (f->original, "two", NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
}

/* ---- makers that are stopped ---- */

/* What a maker is told: where, and at which call it is stopped. */
static int
run_maker (char **argv)
{
  EngineFixture fixture = { .data_dir = argv[2], .state_dir = argv[3], .runtime_dir = argv[4] };
  InnEngine *engine = open_engine (&fixture);
  InnGuest *guest = inn_engine_find_by_name (engine, "one");
  g_autofree char *uuid = NULL;
  g_autoptr (GError) error = NULL;
  const Fault kind = (Fault)atoi (argv[5]);
  const guint at = (guint)atoi (argv[6]);

  ENGINE_FIXTURE_WAIT (is_running, guest);
  fault_calls_set (kind, at);
  uuid = try_clone (guest, "two", NULL, &error);
  if (uuid == NULL)
    g_printerr ("%s\n", error->message);
  if (fault_calls_count () < at)
    return uuid != NULL ? EXIT_DONE : EXIT_FAILURE;
  return uuid != NULL ? EXIT_SUCCESS : EXIT_REFUSED;
}

static int
make_clone (Fixture *f, const char *program, Fault kind, guint at)
{
  g_autofree char *kind_text = g_strdup_printf ("%d", kind);
  g_autofree char *at_text = g_strdup_printf ("%u", at);
  const char *const argv[] = { program,
                               "--make-clone",
                               f->base.data_dir,
                               f->base.state_dir,
                               f->base.runtime_dir,
                               kind_text,
                               at_text,
                               NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process
      = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  return g_subprocess_get_status (process);
}

static InnGuest *
find_clone (Fixture *f)
{
  return inn_engine_find_by_name (f->engine, "two");
}

static gboolean
is_gone (Fixture *f)
{
  return find_clone (f) == NULL;
}

/* A process that comes next puts in order what was left. Whether there is a clone. */
static gboolean
put_in_order (Fixture *f)
{
  InnEngine *next = open_engine (&f->base);
  const gboolean there = inn_engine_find_by_name (next, "two") != NULL;
  g_autofree char *machines = g_build_filename (f->base.data_dir, "machines", NULL);
  guint files = 0;

  inn_engine_close (next);
  g_object_unref (next);
  count_files (machines, ".new-", &files);
  g_assert_cmpuint (files, ==, 0);
  return there;
}

static gboolean
is_there (Fixture *f)
{
  return find_clone (f) != NULL;
}

static void
remove_guest (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_delete_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  inn_guest_delete_finish (guest, result, &error);
  g_assert_no_error (error);
}

/* Whatever it was, both are as they should be, and in the end nothing is left of the clone. */
static void
check_both (Fixture *f)
{
  g_autofree char *layers = g_build_filename (f->base.data_dir, "layers", NULL);
  guint files = 0;

  assert_goes_on (f->original);
  if (put_in_order (f))
    {
      ENGINE_FIXTURE_WAIT (is_there, f);
      ENGINE_FIXTURE_WAIT (is_running, find_clone (f));
      assert_goes_on (find_clone (f));
      call (find_clone (f), INN_CONTROL_POWER_OFF);
      assert_disks_are_good (find_clone (f));
      start (find_clone (f));
      call (find_clone (f), INN_CONTROL_POWER_OFF);
      remove_guest (find_clone (f));
      ENGINE_FIXTURE_WAIT (is_gone, f);
    }
  call (f->original, INN_CONTROL_POWER_OFF);
  assert_disks_are_good (f->original);
  start (f->original);
  assert_goes_on (f->original);
  call (f->original, INN_CONTROL_POWER_OFF);
  remove_guest (f->original);
  count_files (layers, "", &files);
  g_assert_cmpuint (files, ==, 0);
}

static const char *program_name;

static void
walk (Fault kind)
{
  int status = 0;
  guint at;

  for (at = 1; !WIFEXITED (status) || WEXITSTATUS (status) != EXIT_DONE; at++)
    {
      Fixture f = { 0 };

      set_up (&f, NULL);
      status = make_clone (&f, program_name, kind, at);
      if (WIFEXITED (status))
        g_assert_cmpint (WEXITSTATUS (status), !=, EXIT_FAILURE);
      else
        g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
      check_both (&f);
      inn_engine_close (f.engine);
      g_object_unref (f.original);
      g_object_unref (f.engine);
      engine_fixture_tear_down (&f.base, NULL);
    }
  g_test_message ("%u steps", at - 2);
  g_assert_cmpuint (at, >, 10);
}

static void
test_kill (void)
{
  walk (FAULT_KILL);
}

static void
test_error (void)
{
  walk (FAULT_ERROR);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/live-clone/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  program_name = argv[0];
  if (argc == 7 && g_str_equal (argv[1], "--make-clone"))
    return run_maker (argv);

  need_kvm ();
  g_test_init (&argc, &argv, NULL);
  ADD ("siblings", test_siblings);
  ADD ("depth", test_depth);
  ADD ("paused", test_paused);
  ADD ("killed", test_killed);
  ADD ("refusals", test_refusals);
  g_test_add_func ("/live-clone/kill", test_kill);
  g_test_add_func ("/live-clone/error", test_error);
  return g_test_run ();
}
