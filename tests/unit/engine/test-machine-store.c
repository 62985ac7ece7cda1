/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "engine-error.h"
#include "engine-fixture.h"
#include "machine-lock.h"
#include "machine-description-boot.h"
#include "machine-description-disks.h"
#include "machine-store.h"

#define UUID "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"

static InnMachineStore *
open_store (EngineFixture *fixture)
{
  InnMachineStore *store = inn_machine_store_new (fixture->data_dir);
  g_autoptr (GError) error = NULL;

  inn_machine_store_open (store, &error);
  g_assert_no_error (error);
  return store;
}

/* Transfer full: the UUID. */
static char *
create (InnMachineStore *store, const char *name)
{
  const guint64 sizes[] = { 1 << 20, (guint64)100 << 30 };
  g_autoptr (InnMachineDescription) description = inn_machine_description_new (name, 64 << 20, 1);
  g_autoptr (GError) error = NULL;

  inn_machine_store_create (store, description, sizes, G_N_ELEMENTS (sizes), &error);
  g_assert_no_error (error);
  return g_strdup (inn_machine_description_get_uuid (description));
}

static guint
count_entries (InnMachineStore *store)
{
  g_autofree char *path = inn_machine_store_get_folder (store, ".");
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint count = 0;

  while (g_dir_read_name (folder) != NULL)
    count++;
  return count - 1; /* .lock */
}

static void
test_create (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autofree char *uuid = create (store, "one");
  g_autoptr (InnMachineDescription) description = NULL;
  g_auto (GStrv) uuids = inn_machine_store_list (store);
  const InnDiskDescription *disk;
  struct stat status;

  g_assert_cmpuint (g_strv_length (uuids), ==, 1);
  g_assert_cmpstr (uuids[0], ==, uuid);
  g_assert_true (inn_machine_store_contains (store, uuid));
  g_assert_false (inn_machine_store_contains (store, "."));
  description = inn_machine_store_load (store, uuid, NULL, NULL);
  g_assert_nonnull (description);
  g_assert_cmpstr (inn_machine_description_get_name (description), ==, "one");
  g_assert_cmpuint (inn_machine_description_get_n_disks (description), ==, 2);

  disk = inn_machine_description_get_disk (description, 1);
  g_assert_cmpint (stat (disk->path, &status), ==, 0);
  g_assert_cmpint (status.st_size, ==, (goffset)100 << 30);
  g_assert_cmpint (status.st_blocks, <, 1000); /* sparse */
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
}

static void
test_names_are_unique (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autofree char *uuid = create (store, "one");
  g_autoptr (InnMachineDescription) same_name = inn_machine_description_new ("one", 64 << 20, 1);
  g_autoptr (InnMachineDescription) same_uuid = inn_machine_description_new ("two", 64 << 20, 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_machine_store_create (store, same_name, NULL, 0, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_clear_error (&error);

  inn_machine_description_set_uuid (same_uuid, uuid);
  g_assert_false (inn_machine_store_create (store, same_uuid, NULL, 0, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_assert_cmpuint (count_entries (store), ==, 1);
}

static void
test_replace (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autofree char *uuid = create (store, "one");
  g_autoptr (InnMachineDescription) description = inn_machine_store_load (store, uuid, NULL, NULL);
  g_autoptr (InnMachineDescription) renamed = inn_machine_description_new ("two", 64 << 20, 1);
  g_autoptr (InnMachineDescription) nowhere = inn_machine_description_new ("three", 64 << 20, 1);
  g_autoptr (InnMachineDescription) read = NULL;
  g_autoptr (GError) error = NULL;

  g_free (create (store, "two"));
  inn_machine_description_set_cmdline (description, "changed");
  g_assert_true (inn_machine_store_replace (store, description, &error));
  read = inn_machine_store_load (store, uuid, NULL, NULL);
  g_assert_cmpstr (inn_machine_description_get_cmdline (read), ==, "changed");

  inn_machine_description_set_uuid (renamed, uuid);
  g_assert_false (inn_machine_store_replace (store, renamed, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (inn_machine_store_replace (store, nowhere, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
}

static gboolean
rename_machine (InnMachineDescription *description, gpointer name, GError **error)
{
  inn_machine_description_set_name (description, name);
  return TRUE;
}

static gboolean
refuse_change (InnMachineDescription *description, gpointer data, GError **error)
{
  inn_machine_description_set_name (description, "lost");
  g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY, "No.");
  return FALSE;
}

static void
test_change (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autofree char *uuid = create (store, "one");
  g_autoptr (InnMachineDescription) read = NULL;
  g_autoptr (GError) error = NULL;

  g_free (create (store, "two"));
  g_assert_true (inn_machine_store_change (store, uuid, rename_machine, (char *)"new", &error));
  g_assert_no_error (error);
  g_assert_false (inn_machine_store_change (store, uuid, rename_machine, (char *)"two", &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (inn_machine_store_change (store, uuid, rename_machine, (char *)"a/b", &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (inn_machine_store_change (store, uuid, refuse_change, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_false (inn_machine_store_change (store, UUID, rename_machine, (char *)"x", &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);

  read = inn_machine_store_load (store, uuid, NULL, NULL);
  g_assert_cmpstr (inn_machine_description_get_name (read), ==, "new");
}

static void
test_remove (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autofree char *uuid = create (store, "one");
  g_autofree char *folder = inn_machine_store_get_folder (store, uuid);
  g_autoptr (GError) error = NULL;
  int lock = inn_machine_lock_acquire (folder, "one", &error);

  g_assert_no_error (error);
  g_assert_false (inn_machine_store_remove (store, uuid, "one", &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_assert_true (inn_machine_store_contains (store, uuid));
  g_clear_error (&error);

  fd_close (&lock);
  g_assert_true (inn_machine_store_remove (store, uuid, "one", &error));
  g_assert_cmpuint (count_entries (store), ==, 0);
  g_assert_false (inn_machine_store_remove (store, uuid, "one", &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
}

static void
overwrite_definition (InnMachineStore *store, const char *uuid, const char *text, gssize length)
{
  g_autofree char *folder = inn_machine_store_get_folder (store, uuid);
  g_autofree char *path = g_build_filename (folder, "domain.xml", NULL);

  g_assert_true (g_file_set_contents (path, text, length, NULL));
}

static void
assert_broken (InnMachineStore *store, const char *uuid, const char *expected_name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;

  g_assert_null (inn_machine_store_load (store, uuid, &name, &error));
  g_assert_nonnull (error);
  g_assert_cmpstr (name, ==, expected_name);
  g_assert_true (inn_machine_store_contains (store, uuid));
}

/* A machine never disappears because its definition cannot be read, and its name stays taken. */
static void
test_broken_definition (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autofree char *uuid = create (store, "one");
  g_autofree char *folder = inn_machine_store_get_folder (store, uuid);
  g_autofree char *path = g_build_filename (folder, "domain.xml", NULL);
  g_autofree char *good = NULL;
  g_autofree char *noise = g_malloc0 (INN_MACHINE_DESCRIPTION_MAX_SIZE * 2);
  g_autoptr (InnMachineDescription) same_name = inn_machine_description_new ("one", 64 << 20, 1);
  g_autoptr (GError) error = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &good, &length, NULL));
  overwrite_definition (store, uuid, good, (gssize)length / 2);
  assert_broken (store, uuid, "one");
  g_assert_false (inn_machine_store_create (store, same_name, NULL, 0, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);

  overwrite_definition (store, uuid, "", 0);
  assert_broken (store, uuid, uuid);
  overwrite_definition (store, uuid, noise, INN_MACHINE_DESCRIPTION_MAX_SIZE * 2);
  assert_broken (store, uuid, uuid);
  g_unlink (path);
  assert_broken (store, uuid, uuid);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  assert_broken (store, uuid, uuid);

  g_assert_true (inn_machine_store_remove (store, uuid, "one", NULL));
}

static void
test_other_uuid (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autofree char *uuid = create (store, "one");
  g_autoptr (InnMachineDescription) other = inn_machine_description_new ("two", 64 << 20, 1);
  g_autofree char *xml = inn_machine_description_to_xml (other);

  overwrite_definition (store, uuid, xml, -1);
  assert_broken (store, uuid, "two");
}

/* What a process that was killed left half-made or half-deleted goes; nothing else does. */
static void
test_leftovers (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autofree char *uuid = create (store, "one");
  g_autofree char *half_made = inn_machine_store_get_folder (store, ".new-Ab3dEf");
  g_autofree char *half_deleted = inn_machine_store_get_folder (store, ".deleted-" UUID);
  g_autofree char *disk = g_build_filename (half_made, "disk-1.raw", NULL);
  g_autoptr (InnMachineStore) again = NULL;

  g_assert_cmpint (g_mkdir (half_made, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (half_deleted, 0700), ==, 0);
  g_assert_true (g_file_set_contents (disk, "x", 1, NULL));
  again = open_store (fixture);
  g_assert_cmpuint (count_entries (store), ==, 1);
  g_assert_true (inn_machine_store_contains (store, uuid));
}

/* Stands for a full disk: no file may grow beyond some bytes. */
static gboolean
fill_nothing (const char *folder,
              const char *final_folder,
              InnMachineDescription *description,
              gpointer data,
              GError **error)
{
  return TRUE;
}

/* Transfer full: the folder. */
static char *
prepare (InnMachineStore *store, const char *name, char **ret_uuid, int *ret_maker, int *ret_lock)
{
  g_autoptr (InnMachineDescription) description = inn_machine_description_new (name, 64 << 20, 1);
  g_autoptr (GError) error = NULL;
  char *folder;

  folder = inn_machine_store_prepare (store, description, fill_nothing, NULL, ret_maker, &error);
  g_assert_no_error (error);
  *ret_uuid = g_strdup (inn_machine_description_get_uuid (description));
  *ret_lock = inn_machine_lock_acquire (folder, name, &error);
  g_assert_no_error (error);
  return folder;
}

static void
look_at_store (EngineFixture *fixture)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);

  inn_machine_store_close (store);
}

/* Nobody else can get its name while it is made. */
static void
check_name_is_taken (InnMachineStore *store, const char *name)
{
  g_autoptr (InnMachineDescription) other = inn_machine_description_new (name, 64 << 20, 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_machine_store_create (store, other, NULL, 0, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
}

/* It is not there before it has its name. When its maker ends before, it is when it runs. */
static void
test_prepared (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  char *uuids[3], *folders[3];
  int makers[3], locks[3];

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("machine %u", i);

      folders[i] = prepare (store, name, &uuids[i], &makers[i], &locks[i]);
    }
  look_at_store (fixture);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (g_file_test (folders[i], G_FILE_TEST_IS_DIR));
      g_assert_false (inn_machine_store_contains (store, uuids[i]));
    }
  check_name_is_taken (store, "machine 0");

  g_assert_true (inn_machine_store_publish (store, uuids[0], NULL)); /* by its maker */
  fd_close (&makers[1]);
  fd_close (&makers[2]);
  fd_close (&locks[2]); /* it never ran */
  check_name_is_taken (store, "machine 1");
  look_at_store (fixture);
  g_assert_true (inn_machine_store_contains (store, uuids[0]));
  g_assert_true (inn_machine_store_contains (store, uuids[1]));
  g_assert_false (inn_machine_store_contains (store, uuids[2]));
  g_assert_cmpuint (count_entries (store), ==, 2);

  for (guint i = 0; i < 3; i++)
    {
      fd_close (&makers[i]);
      fd_close (&locks[i]);
      g_free (uuids[i]);
      g_free (folders[i]);
    }
  inn_machine_store_close (store);
}

static void
test_no_space (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autoptr (InnMachineDescription) description = inn_machine_description_new ("a", 64 << 20, 1);
  const guint64 size = 1 << 20;
  struct rlimit old, tight;
  g_autoptr (GError) error = NULL;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &old), ==, 0);
  tight = old;
  tight.rlim_cur = 64;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tight), ==, 0);
  g_assert_false (inn_machine_store_create (store, description, NULL, 0, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_false (inn_machine_store_create (store, description, &size, 1, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  g_assert_cmpuint (count_entries (store), ==, 0);
}

static void
test_unusable_folder (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *file = engine_fixture_write (fixture, "file", "");
  g_autoptr (InnMachineStore) store = inn_machine_store_new (file);
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_machine_store_open (store, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, file));
}

static void
on_changed (InnMachineStore *store, const char *uuid, gpointer user_data)
{
  g_hash_table_add (user_data, g_strdup (uuid));
}

typedef struct
{
  GHashTable *seen;
  const char *uuid;
} Expected;

static gboolean
was_seen (Expected *expected)
{
  return g_hash_table_contains (expected->seen, expected->uuid);
}

/* One store sees what another, as in another process, does. */
static void
test_watch (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineStore) watching = open_store (fixture);
  g_autoptr (InnMachineStore) acting = open_store (fixture);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *uuid = NULL;
  g_autoptr (InnMachineDescription) description = NULL;
  Expected expected = { .seen = seen };

  g_signal_connect (watching, "changed", G_CALLBACK (on_changed), seen);
  expected.uuid = uuid = create (acting, "one");
  ENGINE_FIXTURE_WAIT (was_seen, &expected);

  g_hash_table_remove_all (seen);
  description = inn_machine_store_load (acting, uuid, NULL, NULL);
  g_assert_true (inn_machine_store_replace (acting, description, NULL));
  ENGINE_FIXTURE_WAIT (was_seen, &expected);

  g_hash_table_remove_all (seen);
  g_assert_true (inn_machine_store_remove (acting, uuid, "one", NULL));
  ENGINE_FIXTURE_WAIT (was_seen, &expected);
  g_assert_cmpuint (g_hash_table_size (seen), ==, 1); /* no temporary names */
}

#define ADD(name, func)                                                                            \
  g_test_add ("/machine-store/" name, EngineFixture, NULL, engine_fixture_set_up, func,            \
              engine_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("create", test_create);
  ADD ("names-are-unique", test_names_are_unique);
  ADD ("replace", test_replace);
  ADD ("change", test_change);
  ADD ("remove", test_remove);
  ADD ("broken-definition", test_broken_definition);
  ADD ("other-uuid", test_other_uuid);
  ADD ("leftovers", test_leftovers);
  ADD ("prepared", test_prepared);
  ADD ("no-space", test_no_space);
  ADD ("unusable-folder", test_unusable_folder);
  ADD ("watch", test_watch);

  return g_test_run ();
}
