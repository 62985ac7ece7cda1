/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine-clone.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "engine-error.h"
#include "firmware.h"
#include "machine-lock.h"
#include "machine-description-snapshots.h"
#include "machine-description-template.h"
#include "protocol/memory-file.h"
#include "snapshot-fixture.h"
#include "snapshot-resume.h"

static char *
try_clone (SnapshotFixture *fixture,
           const char *name,
           InnGuestCloneKind kind,
           const char *snapshot,
           GError **error)
{
  const InnCloneRequest request
      = { .uuid = fixture->uuid, .name = name, .kind = kind, .snapshot = snapshot };

  return inn_machine_clone (fixture->machines, &request, NULL, error);
}

static char *
make_clone (SnapshotFixture *fixture,
            const char *name,
            InnGuestCloneKind kind,
            const char *snapshot)
{
  g_autoptr (GError) error = NULL;
  char *uuid = try_clone (fixture, name, kind, snapshot, &error);

  g_assert_no_error (error);
  snapshot_fixture_check (fixture);
  snapshot_fixture_collect (fixture);
  return uuid;
}

static void
test_linked (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autoptr (GError) error = NULL;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  first = make_clone (fixture, "two", INN_GUEST_CLONE_LINKED, NULL);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 3);
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'b');
  g_assert_cmpint (snapshot_fixture_read (fixture, first, 0), ==, 'a');
  snapshot_fixture_write (fixture, first, 0, 'c');
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 'b');

  /* The original may go; what the clone needs stays. */
  second = make_clone (fixture, "three", INN_GUEST_CLONE_LINKED, NULL);
  g_assert_true (inn_machine_store_remove (fixture->machines, fixture->uuid, "one", &error));
  snapshot_fixture_check (fixture);
  snapshot_fixture_collect (fixture);
  g_assert_cmpint (snapshot_fixture_read (fixture, first, 0), ==, 'c');
  g_assert_cmpint (snapshot_fixture_read (fixture, second, 0), ==, 'b');
}

static void
test_full (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = NULL;
  g_autoptr (InnMachineDescription) description = NULL;
  struct stat status;

  snapshot_fixture_write (fixture, fixture->uuid, 3, 'a');
  uuid = make_clone (fixture, "two", INN_GUEST_CLONE_FULL, NULL);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 0);
  description = snapshot_fixture_load (fixture, uuid);
  g_assert_cmpstr (inn_machine_description_get_disk (description, 0)->format, ==, "raw");
  g_assert_cmpint (stat (inn_machine_description_get_disk (description, 0)->path, &status), ==, 0);
  g_assert_cmpint (status.st_blocks * 512, <, 256 << 10); /* holes stay holes */
  snapshot_fixture_write (fixture, fixture->uuid, 3, 'b');
  g_assert_cmpint (snapshot_fixture_read (fixture, uuid, 3), ==, 'a');
  g_assert_cmpint (snapshot_fixture_read (fixture, uuid, 4), ==, 0);
}

static void
test_snapshot (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *id = NULL;
  g_autofree char *linked = NULL;
  g_autofree char *full = NULL;
  g_autoptr (InnMachineDescription) description = NULL;
  int lock;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  id = snapshot_fixture_take (fixture, "then");
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'b');

  /* The machine may run meanwhile. */
  lock = inn_machine_lock_acquire (machine, "one", NULL);
  linked = try_clone (fixture, "two", INN_GUEST_CLONE_LINKED, id, NULL);
  full = try_clone (fixture, "three", INN_GUEST_CLONE_FULL, id, NULL);
  fd_close (&lock);
  g_assert_cmpint (snapshot_fixture_read (fixture, linked, 0), ==, 'a');
  g_assert_cmpint (snapshot_fixture_read (fixture, full, 0), ==, 'a');
  snapshot_fixture_remove (fixture, id);
  g_assert_cmpint (snapshot_fixture_read (fixture, linked, 0), ==, 'a');
  description = snapshot_fixture_load (fixture, linked);
  g_assert_null (inn_machine_description_get_current_snapshot (description));
}

/* As if the machine had been running when it was taken. */
static char *
take_with_memory (SnapshotFixture *fixture)
{
  g_autoptr (InnSnapshotRecord) record
      = inn_snapshot_store_take (fixture->snapshots, "then", NULL, NULL);

  snapshot_fixture_add_memory (fixture, record, /* saved= */ FALSE);
  return g_strdup (record->id);
}

/* It goes on from there: with that memory, and with the disks as they were. */
static void
check_goes_on (SnapshotFixture *fixture, const char *uuid)
{
  g_autoptr (InnSnapshotStore) snapshots = inn_snapshot_store_new (fixture->machines, uuid);
  g_autoptr (GPtrArray) records = inn_snapshot_store_list (snapshots, /* with_saved= */ FALSE);
  g_autoptr (InnResume) resume = NULL;
  g_autofree char *memory = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_assert_cmpuint (records->len, ==, 0);
  resume = inn_resume_begin (snapshots, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (resume->memory, &memory, &length, NULL));
  g_assert_cmpuint (length, >, 2 * MEMORY_FILE_PIECE);
  g_assert_cmpint (memory[MEMORY_FILE_RAM], ==, 'm');
  g_assert_cmpint (snapshot_fixture_read (fixture, uuid, 0), ==, 'a');
  g_assert_cmpstr (inn_machine_description_get_uuid (resume->description), ==, uuid);
  inn_resume_end (snapshots, resume);
  g_assert_false (g_file_test (resume->memory, G_FILE_TEST_EXISTS));
  snapshot_fixture_check (fixture);
}

static void
test_memory (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *id = NULL;
  g_autofree char *linked = NULL;
  g_autofree char *full = NULL;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  id = take_with_memory (fixture);
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'b');
  linked = make_clone (fixture, "two", INN_GUEST_CLONE_LINKED, id);
  full = make_clone (fixture, "three", INN_GUEST_CLONE_FULL, id);
  snapshot_fixture_remove (fixture, id);
  check_goes_on (fixture, linked);
  check_goes_on (fixture, full);
}

/* Its own next start goes on there, too. */
static void
test_saved (SnapshotFixture *fixture, gconstpointer data)
{
  g_autoptr (InnSnapshotRecord) record = NULL;
  g_autoptr (InnMachineDescription) description = NULL;
  g_autofree char *linked = NULL;
  g_autofree char *full = NULL;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  record = inn_snapshot_store_take (fixture->snapshots, "then", NULL, NULL);
  snapshot_fixture_add_memory (fixture, record, /* saved= */ TRUE);
  g_assert_true (inn_resume_mark (fixture->snapshots, record->id, NULL));
  description = snapshot_fixture_load (fixture, fixture->uuid);
  inn_machine_description_set_template (description, TRUE);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  linked = make_clone (fixture, "two", INN_GUEST_CLONE_LINKED, NULL);
  full = make_clone (fixture, "three", INN_GUEST_CLONE_FULL, NULL);
  check_goes_on (fixture, linked);
  check_goes_on (fixture, full);

  g_assert_null (inn_resume_begin (fixture->snapshots, NULL)); /* it is a template */
  inn_machine_description_set_template (description, FALSE);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  check_goes_on (fixture, fixture->uuid);
}

static void
test_variables (SnapshotFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *path = g_build_filename (machine, "variables.fd", NULL);
  g_autofree char *uuid = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *copy = NULL;
  g_autofree char *text = NULL;

  inn_machine_description_set_firmware (description, INN_FIRMWARE_UEFI);
  inn_machine_description_set_variables (description, path);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  g_assert_true (g_file_set_contents (path, "variables", -1, NULL));
  uuid = make_clone (fixture, "two", INN_GUEST_CLONE_LINKED, NULL);
  g_clear_pointer (&description, inn_machine_description_free);
  description = snapshot_fixture_load (fixture, uuid);
  folder = inn_machine_store_get_folder (fixture->machines, uuid);
  copy = inn_firmware_get_variables (description, folder);
  g_assert_true (g_str_has_prefix (copy, folder));
  g_assert_true (g_file_get_contents (copy, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "variables");
}

static void
assert_refused (SnapshotFixture *fixture,
                const char *name,
                InnGuestCloneKind kind,
                InnEngineError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (try_clone (fixture, name, kind, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, (int)code);
  snapshot_fixture_check (fixture);
  snapshot_fixture_collect (fixture);
}

static void
test_refusals (SnapshotFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *outside = engine_fixture_write (&fixture->base, "own.raw", "a disk of mine");
  g_autofree char *uuid = NULL;
  g_autofree char *text = NULL;
  g_autoptr (InnMachineDescription) copy = NULL;

  assert_refused (fixture, "one", INN_GUEST_CLONE_LINKED, INN_ENGINE_ERROR_EXISTS);
  assert_refused (fixture, "one", INN_GUEST_CLONE_FULL, INN_ENGINE_ERROR_EXISTS);
  assert_refused (fixture, "a/b", INN_GUEST_CLONE_FULL, INN_ENGINE_ERROR_INVALID);

  /* A disk that is elsewhere cannot be shared, but copied. */
  inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, outside);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  assert_refused (fixture, "two", INN_GUEST_CLONE_LINKED, INN_ENGINE_ERROR_NOT_SUPPORTED);
  uuid = make_clone (fixture, "two", INN_GUEST_CLONE_FULL, NULL);
  copy = snapshot_fixture_load (fixture, uuid);
  g_assert_true (
      g_file_get_contents (inn_machine_description_get_disk (copy, 1)->path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "a disk of mine");
}

static bool
stop (void *data, uint64_t done, uint64_t total)
{
  return false;
}

static void
test_cancel (SnapshotFixture *fixture, gconstpointer data)
{
  const InnCloneRequest request
      = { .uuid = fixture->uuid, .name = "two", .kind = INN_GUEST_CLONE_FULL };
  const struct image_progress progress = { .moved = stop };
  g_auto (GStrv) uuids = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (inn_machine_clone (fixture->machines, &request, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 0);
  uuids = inn_machine_store_list (fixture->machines);
  g_assert_cmpuint (g_strv_length (uuids), ==, 1);
}

int
main (int argc, char **argv)
{
#define TEST(name, function)                                                                       \
  g_test_add ("/machine-clone/" name, SnapshotFixture, NULL, snapshot_fixture_set_up, function,    \
              snapshot_fixture_tear_down)

  g_test_init (&argc, &argv, NULL);
  TEST ("linked", test_linked);
  TEST ("full", test_full);
  TEST ("snapshot", test_snapshot);
  TEST ("memory", test_memory);
  TEST ("saved", test_saved);
  TEST ("variables", test_variables);
  TEST ("refusals", test_refusals);
  TEST ("cancel", test_cancel);
  return g_test_run ();
}
