/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot-store.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "firmware.h"
#include "machine-description-disks.h"
#include "machine-description-snapshots.h"
#include "machine-lock.h"
#include "protocol/memory-file.h"
#include "snapshot-fixture.h"
#include "snapshot-resume.h"

static GPtrArray *
list (SnapshotFixture *fixture, guint count)
{
  GPtrArray *records = inn_snapshot_store_list (fixture->snapshots, /* with_saved= */ FALSE);

  g_assert_cmpuint (records->len, ==, count);
  return records;
}

static const InnSnapshotRecord *
find (GPtrArray *records, const char *id)
{
  for (guint i = 0; i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);

      if (g_str_equal (record->id, id))
        return record;
    }
  g_assert_not_reached ();
}

static void
assert_current (SnapshotFixture *fixture, const char *id)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *current = inn_machine_description_get_current_snapshot (description);

  g_assert_cmpstr (current, ==, id);
}

static void
test_take_and_restore (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autoptr (GPtrArray) records = NULL;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  first = snapshot_fixture_take (fixture, NULL);
  assert_current (fixture, first);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 2);
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'b');
  snapshot_fixture_write (fixture, fixture->uuid, 1, 'b');
  second = snapshot_fixture_take (fixture, "second");
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'c');

  snapshot_fixture_restore (fixture, first, FALSE);
  assert_current (fixture, first);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 'a');
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 1), ==, 0);
  snapshot_fixture_restore (fixture, second, FALSE);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 'b');
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 1), ==, 'b');
  snapshot_fixture_collect (fixture);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 3);

  records = list (fixture, 2);
  g_assert_cmpstr (find (records, first)->name, ==, "Snapshot 1");
  g_assert_null (find (records, first)->parent);
  g_assert_cmpstr (find (records, second)->parent, ==, first);
  g_assert_cmpuint (find (records, second)->disk_bytes, >=, 2 * (64 << 10));
  g_assert_cmpint (find (records, second)->time, >=, find (records, first)->time);
}

/* The disk that was a file of the machine is one no more, and nothing takes space twice. */
static void
test_freezes_raw_disks (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *path = g_build_filename (machine, "disk-1.raw", NULL);
  g_autofree char *id = NULL;
  g_autofree char *again = NULL;

  g_assert_cmpint (g_access (path, F_OK), ==, 0);
  id = snapshot_fixture_take (fixture, "one");
  g_assert_cmpint (g_access (path, F_OK), <, 0);
  snapshot_fixture_collect (fixture);

  /* Nothing was written since: no other overlay is needed. */
  again = snapshot_fixture_take (fixture, "again");
  snapshot_fixture_collect (fixture);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 2);
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'x');
  snapshot_fixture_restore (fixture, again, FALSE);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 0);
}

static void
test_keeps_the_present (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *first = snapshot_fixture_take (fixture, "first");
  g_autoptr (GPtrArray) records = NULL;
  const InnSnapshotRecord *kept;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'p');
  snapshot_fixture_restore (fixture, first, TRUE);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 0);
  records = list (fixture, 2);
  kept = g_ptr_array_index (records, 1);
  g_assert_true (kept->kept);
  g_assert_nonnull (strstr (kept->name, "first"));
  g_assert_cmpstr (kept->parent, ==, first);
  snapshot_fixture_restore (fixture, kept->id, TRUE);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 'p');

  /* The present was a snapshot already. */
  g_clear_pointer (&records, g_ptr_array_unref);
  records = list (fixture, 2);
}

/* A state that was saved to go on with is the present, too. */
static void
test_keeps_what_was_saved (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *first = snapshot_fixture_take (fixture, "first");
  g_autofree char *saved = NULL;
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GPtrArray) taken = NULL;
  InnSnapshotRecord *record;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 's');
  saved = snapshot_fixture_take (fixture, "saved");
  taken = list (fixture, 2);
  record = g_ptr_array_index (taken, 1);
  snapshot_fixture_add_memory (fixture, record, /* saved= */ TRUE);
  g_assert_true (inn_resume_mark (fixture->snapshots, saved, NULL));
  g_ptr_array_unref (list (fixture, 1));

  snapshot_fixture_restore (fixture, first, TRUE);
  records = list (fixture, 2);
  g_assert_true (find (records, saved)->kept);
  g_assert_nonnull (strstr (find (records, saved)->name, "first"));
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 0);
  snapshot_fixture_restore (fixture, saved, FALSE);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 's');
}

static void
test_remove (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *third = NULL;
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GError) error = NULL;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  first = snapshot_fixture_take (fixture, "first");
  snapshot_fixture_write (fixture, fixture->uuid, 1, 'b');
  second = snapshot_fixture_take (fixture, "second");
  snapshot_fixture_write (fixture, fixture->uuid, 2, 'c');
  third = snapshot_fixture_take (fixture, "third");

  snapshot_fixture_remove (fixture, second);
  records = list (fixture, 2);
  g_assert_cmpstr (find (records, third)->parent, ==, first);
  snapshot_fixture_remove (fixture, third);
  assert_current (fixture, first);
  snapshot_fixture_remove (fixture, first);
  assert_current (fixture, NULL);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 'a');
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 2), ==, 'c');

  g_assert_false (inn_snapshot_store_remove (fixture->snapshots, first, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
}

static void
test_sizes (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autoptr (GPtrArray) records = NULL;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  first = snapshot_fixture_take (fixture, "first");
  for (guint i = 0; i < 16; i++)
    snapshot_fixture_write (fixture, fixture->uuid, i, 'b');
  second = snapshot_fixture_take (fixture, "second");
  records = list (fixture, 2);
  g_assert_cmpuint (find (records, second)->size, <, 64 << 10); /* the machine builds on it */
  g_assert_cmpuint (find (records, second)->shared, >, 1 << 20);

  snapshot_fixture_restore (fixture, first, FALSE);
  g_clear_pointer (&records, g_ptr_array_unref);
  records = list (fixture, 2);
  g_assert_cmpuint (find (records, second)->size, >, 1 << 20);
  g_assert_cmpuint (find (records, second)->shared, <, 256 << 10);
}

static void
test_variables (SnapshotFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *path = g_build_filename (machine, "variables.fd", NULL);
  g_autofree char *after = NULL;
  g_autofree char *text = NULL;
  g_autofree char *id = NULL;

  inn_machine_description_set_firmware (description, INN_FIRMWARE_UEFI);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  g_assert_true (g_file_set_contents (path, "then", -1, NULL));
  id = snapshot_fixture_take (fixture, "one");
  g_assert_true (g_file_set_contents (path, "now", -1, NULL));
  snapshot_fixture_restore (fixture, id, TRUE);

  g_clear_pointer (&description, inn_machine_description_free);
  description = snapshot_fixture_load (fixture, fixture->uuid);
  after = inn_firmware_get_variables (description, machine);
  g_assert_cmpstr (after, !=, path);
  g_assert_true (g_file_get_contents (after, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "then");
  g_assert_cmpint (g_access (path, F_OK), <, 0);
  g_ptr_array_unref (list (fixture, 2));
}

/* Those of a machine that keeps them elsewhere are not ours to remove. */
static void
test_other_variables (SnapshotFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *path = g_build_filename (machine, "variables.fd", NULL);
  g_autofree char *elsewhere = engine_fixture_write (&fixture->base, "own.fd", "elsewhere");
  g_autofree char *id = NULL;

  inn_machine_description_set_firmware (description, INN_FIRMWARE_UEFI);
  inn_machine_description_set_variables (description, elsewhere);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  g_assert_true (g_file_set_contents (path, "old", -1, NULL));
  id = snapshot_fixture_take (fixture, "one");
  g_assert_cmpint (g_access (path, F_OK), ==, 0);
  snapshot_fixture_restore (fixture, id, FALSE);
  g_assert_cmpint (g_access (elsewhere, F_OK), ==, 0);
}

/* Hardware is part of the past; what people call the machine is not. */
static void
test_definition (SnapshotFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineDescription) description = NULL;
  g_autofree char *id = snapshot_fixture_take (fixture, "one");

  description = snapshot_fixture_load (fixture, fixture->uuid);
  inn_machine_description_set_name (description, "renamed");
  inn_machine_description_set_memory (description, 128 << 20);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  snapshot_fixture_restore (fixture, id, FALSE);

  g_clear_pointer (&description, inn_machine_description_free);
  description = snapshot_fixture_load (fixture, fixture->uuid);
  g_assert_cmpstr (inn_machine_description_get_name (description), ==, "renamed");
  g_assert_cmpuint (inn_machine_description_get_memory (description), ==, 64 << 20);
}

/* A disk that is newer than the snapshot goes when the present is not kept. */
static void
test_newer_disk (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *id = snapshot_fixture_take (fixture, "one");
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *path
      = inn_machine_store_create_disk (fixture->machines, fixture->uuid, 1 << 20, NULL);

  inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, path);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  snapshot_fixture_restore (fixture, id, FALSE);
  g_assert_cmpint (g_access (path, F_OK), <, 0);
  snapshot_fixture_collect (fixture);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 2);
}

static void
assert_not_taken (SnapshotFixture *fixture, const char *name, InnEngineError code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (inn_snapshot_store_take (fixture->snapshots, name, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, word));
  snapshot_fixture_check (fixture);
  snapshot_fixture_collect (fixture);
}

static void
test_refusals (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *outside = engine_fixture_write (&fixture->base, "own.raw", "a disk");
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *id = snapshot_fixture_take (fixture, "one");
  g_autoptr (InnMachineDescription) description = NULL;
  g_autoptr (GError) error = NULL;
  int lock;

  assert_not_taken (fixture, "one", INN_ENGINE_ERROR_EXISTS, "“one”");
  assert_not_taken (fixture, "", INN_ENGINE_ERROR_INVALID, "name");

  lock = inn_machine_lock_acquire (machine, "one", NULL);
  g_assert_null (inn_snapshot_store_take (fixture->snapshots, "two", NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_false (inn_snapshot_store_restore (fixture->snapshots, id, TRUE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_clear_error (&error);
  fd_close (&lock);

  g_assert_false (inn_snapshot_store_restore (fixture->snapshots, "../..", TRUE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);

  description = snapshot_fixture_load (fixture, fixture->uuid);
  inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, outside);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  assert_not_taken (fixture, "two", INN_ENGINE_ERROR_NOT_SUPPORTED, outside);
  inn_machine_description_set_disk_readonly (description, "vdb", TRUE);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  g_free (snapshot_fixture_take (fixture, "two"));
}

/* Another machine would find its disk frozen, and then gone. */
static void
test_disk_of_two (SnapshotFixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autoptr (InnMachineDescription) other = inn_machine_description_new ("other", 64 << 20, 1);
  const char *path = inn_machine_description_get_disk (description, 0)->path;

  inn_machine_description_add_disk (other, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, path);
  g_assert_true (inn_machine_store_create (fixture->machines, other, NULL, 0, NULL));
  assert_not_taken (fixture, NULL, INN_ENGINE_ERROR_NOT_SUPPORTED, "“other”");
}

static void
test_change (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *id = snapshot_fixture_take (fixture, "one");
  g_autofree char *other = snapshot_fixture_take (fixture, "two");
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_snapshot_store_change (fixture->snapshots, id, "two", NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_assert_true (inn_snapshot_store_change (fixture->snapshots, id, "one", "why", NULL));
  g_assert_true (inn_snapshot_store_change (fixture->snapshots, other, "2", NULL, NULL));
  records = list (fixture, 2);
  g_assert_cmpstr (find (records, id)->name, ==, "one");
  g_assert_cmpstr (find (records, id)->note, ==, "why");
  g_assert_cmpstr (find (records, other)->name, ==, "2");
  g_assert_true (inn_snapshot_store_change (fixture->snapshots, id, NULL, "", NULL));
  g_clear_pointer (&records, g_ptr_array_unref);
  records = list (fixture, 2);
  g_assert_null (find (records, id)->note);
}

static void
write_record (SnapshotFixture *fixture, const char *id, const char *text)
{
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *path = g_build_filename (machine, "snapshots", id, "snapshot.ini", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_damaged (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *first = snapshot_fixture_take (fixture, "first");
  g_autofree char *second = snapshot_fixture_take (fixture, "second");
  g_autofree char *path = g_build_filename (machine, "snapshots", first, "domain.xml", NULL);
  g_autofree char *loop = g_strdup_printf ("[Snapshot]\nVersion=1\nName=x\nParent=%s\n", second);
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GError) error = NULL;

  /* Each the parent of the other. */
  write_record (fixture, first, loop);
  records = list (fixture, 2);
  g_assert_true ((find (records, first)->parent == NULL)
                 != (find (records, second)->parent == NULL));
  g_assert_false (inn_snapshot_store_restore (fixture->snapshots, first, FALSE, &error));
  g_assert_nonnull (strstr (error->message, "changed")); /* the checksum */
  g_clear_error (&error);

  write_record (fixture, first, "[Snapshot]\nVersion=7\nName=x\n");
  g_clear_pointer (&records, g_ptr_array_unref);
  records = list (fixture, 2);
  g_assert_nonnull (strstr (find (records, first)->trouble, "newer"));
  g_assert_false (inn_snapshot_store_restore (fixture->snapshots, first, FALSE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (path, "<domain/>", -1, NULL));
  g_assert_true (inn_snapshot_store_remove (fixture->snapshots, first, NULL));
  snapshot_fixture_check (fixture);
}

/* What is missing is named, and what is not known to be unneeded stays. */
static void
test_missing_layer (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *id = snapshot_fixture_take (fixture, "one");
  g_autoptr (InnMachineDescription) frozen
      = inn_snapshot_store_load_definition (fixture->snapshots, id, NULL);
  const char *layer = inn_machine_description_get_disk (frozen, 0)->path;
  g_autoptr (GError) error = NULL;
  int lock = inn_machine_store_lock (fixture->machines, NULL);

  g_assert_cmpint (g_unlink (layer), ==, 0);
  g_assert_false (inn_layer_store_collect (fixture->layers, &error));
  g_assert_nonnull (strstr (error->message, layer));
  g_clear_error (&error);
  fd_close (&lock);
  g_assert_false (inn_snapshot_store_restore (fixture->snapshots, id, FALSE, &error));
  g_assert_nonnull (strstr (error->message, layer));
  g_clear_error (&error);
  g_assert_false (inn_snapshot_store_check (fixture->snapshots, id, &error));
  g_assert_nonnull (strstr (error->message, layer));
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 1);
}

/* Its memory is damaged: that is told, and the disks are still to be had. */
static void
test_damaged_memory (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autoptr (InnSnapshotRecord) record
      = inn_snapshot_store_take (fixture->snapshots, "one", NULL, NULL);
  g_autofree char *path = g_build_filename (machine, "snapshots", record->id, "memory", NULL);
  g_autoptr (GError) error = NULL;

  snapshot_fixture_add_memory (fixture, record, /* saved= */ FALSE);
  inn_snapshot_store_check (fixture->snapshots, record->id, &error);
  g_assert_no_error (error);

  g_assert_cmpint (truncate (path, MEMORY_FILE_RAM), ==, 0);
  g_assert_false (inn_snapshot_store_check (fixture->snapshots, record->id, &error));
  g_assert_nonnull (strstr (error->message, "it is not complete"));
  g_clear_error (&error);
  g_assert_true (inn_snapshot_store_restore (fixture->snapshots, record->id, FALSE, NULL));
  inn_resume_discard (fixture->snapshots, &error);
  g_assert_no_error (error);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 0);
}

int
main (int argc, char **argv)
{
#define TEST(name, function)                                                                       \
  g_test_add ("/snapshot-store/" name, SnapshotFixture, NULL, snapshot_fixture_set_up, function,   \
              snapshot_fixture_tear_down)

  g_test_init (&argc, &argv, NULL);
  TEST ("take-and-restore", test_take_and_restore);
  TEST ("freezes-raw-disks", test_freezes_raw_disks);
  TEST ("keeps-the-present", test_keeps_the_present);
  TEST ("keeps-what-was-saved", test_keeps_what_was_saved);
  TEST ("remove", test_remove);
  TEST ("sizes", test_sizes);
  TEST ("variables", test_variables);
  TEST ("other-variables", test_other_variables);
  TEST ("definition", test_definition);
  TEST ("newer-disk", test_newer_disk);
  TEST ("refusals", test_refusals);
  TEST ("disk-of-two", test_disk_of_two);
  TEST ("change", test_change);
  TEST ("damaged", test_damaged);
  TEST ("missing-layer", test_missing_layer);
  TEST ("damaged-memory", test_damaged_memory);
  return g_test_run ();
}
