/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layer-store.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/fd.h"
#include "disk-image.h"
#include "engine-error.h"
#include "image/qcow2-create.h"
#include "layer-scan.h"
#include "machine-lock.h"
#include "run-record.h"
#include "snapshot-fixture.h"

static guint
merge (SnapshotFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  guint merged;

  inn_layer_store_merge (fixture->layers, NULL, &merged, &error);
  g_assert_no_error (error);
  snapshot_fixture_check (fixture);
  snapshot_fixture_collect (fixture);
  return merged;
}

/* Four layers, of which nobody names the lower two any more. */
static void
make_chain (SnapshotFixture *fixture, char **ret_last)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  for (guint i = 0; i < 8; i++)
    snapshot_fixture_write (fixture, fixture->uuid, i, 'a');
  first = snapshot_fixture_take (fixture, "first");
  for (guint i = 1; i < 8; i++)
    snapshot_fixture_write (fixture, fixture->uuid, i, 'b');
  second = snapshot_fixture_take (fixture, "second");
  snapshot_fixture_write (fixture, fixture->uuid, 2, 'c');
  *ret_last = snapshot_fixture_take (fixture, "third");
  snapshot_fixture_write (fixture, fixture->uuid, 3, 'd');
  snapshot_fixture_remove (fixture, first);
  snapshot_fixture_remove (fixture, second);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 4);
}

static void
test_merge (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *last = NULL;
  g_autoptr (GBytes) before = NULL;
  g_autoptr (GBytes) after = NULL;

  make_chain (fixture, &last);
  before = snapshot_fixture_read_disk (fixture, fixture->uuid);
  g_assert_cmpuint (merge (fixture), ==, 2);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 2);
  after = snapshot_fixture_read_disk (fixture, fixture->uuid);
  g_assert_true (g_bytes_equal (after, before));
  g_assert_cmpuint (merge (fixture), ==, 0);

  /* The rest: then one file holds it all, which the machine writes. */
  snapshot_fixture_remove (fixture, last);
  g_assert_cmpuint (merge (fixture), ==, 1);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 1);
  g_bytes_unref (g_steal_pointer (&after));
  after = snapshot_fixture_read_disk (fixture, fixture->uuid);
  g_assert_true (g_bytes_equal (after, before));
}

/* Two snapshots on one: it has two children, and neither may have it alone. */
static void
test_shared_layers_stay (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *first = snapshot_fixture_take (fixture, "first");
  g_autofree char *second = NULL;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  second = snapshot_fixture_take (fixture, "second");
  snapshot_fixture_restore (fixture, first, FALSE);
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'b');
  g_free (snapshot_fixture_take (fixture, "third"));
  snapshot_fixture_remove (fixture, first);
  g_assert_cmpuint (merge (fixture), ==, 0);
}

static void
test_running_machine (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *id = NULL;
  g_autoptr (GError) error = NULL;
  guint merged;
  int lock;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  id = snapshot_fixture_take (fixture, "one");
  snapshot_fixture_write (fixture, fixture->uuid, 1, 'a');
  lock = inn_machine_lock_acquire (folder, "one", NULL);
  g_assert_true (inn_snapshot_store_remove (fixture->snapshots, id, &error));
  g_assert_true (inn_layer_store_merge (fixture->layers, NULL, &merged, &error));
  g_assert_cmpuint (merged, ==, 0);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 2);
  fd_close (&lock);
  g_assert_cmpuint (merge (fixture), ==, 1);
}

typedef struct
{
  SnapshotFixture *fixture;
  guint calls;
  gboolean go_on;
} Interference;

/* The machine runs while its layers are merged. */
static bool
run_meanwhile (void *data, uint64_t done, uint64_t total)
{
  Interference *interference = data;
  SnapshotFixture *fixture = interference->fixture;
  g_autofree char *folder = inn_machine_store_get_folder (fixture->machines, fixture->uuid);

  g_assert_cmpuint (done, <=, total);
  if (interference->calls++ == 0)
    {
      inn_run_record_save_start (folder, 42, FALSE, NULL);
      snapshot_fixture_write (fixture, fixture->uuid, 9, 'w');
    }
  return interference->go_on;
}

static void
test_changed_meanwhile (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *id = NULL;
  Interference interference = { .fixture = fixture, .go_on = TRUE };
  const struct image_progress progress = { .moved = run_meanwhile, .data = &interference };
  g_autoptr (GError) error = NULL;
  guint merged;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  id = snapshot_fixture_take (fixture, "one");
  snapshot_fixture_write (fixture, fixture->uuid, 1, 'a');
  snapshot_fixture_remove (fixture, id);
  g_assert_true (inn_layer_store_merge (fixture->layers, &progress, &merged, &error));
  g_assert_cmpuint (interference.calls, >, 0);
  g_assert_cmpuint (merged, ==, 0);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 9), ==, 'w');
  snapshot_fixture_check (fixture);
  g_assert_cmpuint (merge (fixture), ==, 1);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 9), ==, 'w');
}

static void
test_cancel (SnapshotFixture *fixture, gconstpointer data)
{
  Interference interference = { .fixture = fixture, .go_on = FALSE, .calls = 1 };
  const struct image_progress progress = { .moved = run_meanwhile, .data = &interference };
  g_autofree char *last = NULL;
  g_autoptr (GError) error = NULL;
  guint merged;

  make_chain (fixture, &last);
  g_assert_false (inn_layer_store_merge (fixture->layers, &progress, &merged, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  snapshot_fixture_check (fixture);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 4);
  g_assert_cmpuint (merge (fixture), ==, 2);
}

/* A layer that somebody has open outlives its last definition. */
static void
test_open_layers_stay (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *id = NULL;
  g_autoptr (InnMachineDescription) frozen = NULL;
  g_autofree char *layer = NULL;
  const char *path;
  int fd;

  g_free (snapshot_fixture_take (fixture, "base"));
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  id = snapshot_fixture_take (fixture, "one");
  frozen = inn_snapshot_store_load_definition (fixture->snapshots, id, NULL);
  layer = g_strdup (inn_machine_description_get_disk (frozen, 0)->path);
  path = layer;
  fd = inn_disk_image_open (path, INN_DISK_READ_ONLY, NULL);
  g_assert_cmpint (fd, >=, 0);
  {
    g_autoptr (GPtrArray) records = inn_snapshot_store_list (fixture->snapshots, FALSE);
    const InnSnapshotRecord *base = g_ptr_array_index (records, 0);

    snapshot_fixture_restore (fixture, base->id, FALSE);
  }
  snapshot_fixture_remove (fixture, id);
  g_assert_cmpint (g_access (path, F_OK), ==, 0);
  fd_close (&fd);
  snapshot_fixture_collect (fixture);
  g_assert_cmpint (g_access (path, F_OK), <, 0);
}

/* What a running machine was started with counts, whatever its definition says by now. */
static void
test_run_records_are_roots (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autoptr (InnMachineDescription) description = NULL;
  g_autofree char *xml = NULL;
  g_autofree char *path = NULL;
  int lock;

  g_free (snapshot_fixture_take (fixture, "one"));
  description = snapshot_fixture_load (fixture, fixture->uuid);
  xml = inn_machine_description_to_xml (description);
  path = g_strdup (inn_machine_description_get_disk (description, 0)->path);
  lock = inn_machine_lock_acquire (folder, "one", NULL);
  g_assert_true (inn_run_record_save_definition (folder, xml, NULL));
  inn_machine_description_remove_disk (description, "vda");
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  snapshot_fixture_collect (fixture);
  g_assert_cmpint (g_access (path, F_OK), ==, 0);
  fd_close (&lock);
  snapshot_fixture_collect (fixture);
  g_assert_cmpint (g_access (path, F_OK), <, 0);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 1);
}

/* A definition that cannot be read may need anything. */
static void
test_broken_definition (SnapshotFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *path = g_build_filename (folder, "domain.xml", NULL);
  g_autofree char *id = snapshot_fixture_take (fixture, "one");
  int lock;

  g_assert_true (g_file_set_contents (path, "<domain>", -1, NULL));
  g_assert_true (inn_snapshot_store_remove (fixture->snapshots, id, NULL));
  lock = inn_machine_store_lock (fixture->machines, NULL);
  g_assert_false (inn_layer_store_collect (fixture->layers, NULL));
  fd_close (&lock);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 2);
}

/* A guest that has taken over its VMM can write any name there. */
static void
test_names_of_others (SnapshotFixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "/etc/hostname", "../machines/x/disk-1.raw", "disk.raw" };
  g_autofree char *outside = engine_fixture_write (&fixture->base, "secret.raw", "a secret");
  g_autofree char *id = NULL;
  g_autofree char *path = NULL;
  g_autoptr (InnMachineDescription) description = NULL;

  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  id = snapshot_fixture_take (fixture, "one");
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'b');
  description = snapshot_fixture_load (fixture, fixture->uuid);
  path = g_strdup (inn_machine_description_get_disk (description, 0)->path);
  for (guint i = 0; i <= G_N_ELEMENTS (names); i++)
    {
      const char *name = i < G_N_ELEMENTS (names) ? names[i] : outside;
      const struct qcow2_create_options options = { .virtual_size = SNAPSHOT_FIXTURE_DISK_SIZE,
                                                    .version = 3,
                                                    .cluster_bits = 16,
                                                    .backing_file = name,
                                                    .backing_format = "raw" };
      g_autoptr (InnSnapshotRecord) record = NULL;
      g_autoptr (GError) error = NULL;
      int fd = g_open (path, O_RDWR | O_TRUNC | O_CLOEXEC, 0);

      g_assert_cmpint (qcow2_create (fd, &options), ==, 0);
      fd_close (&fd);
      g_assert_false (inn_layer_store_check_chain (fixture->layers, path, &error));
      g_assert_nonnull (strstr (error->message, name));
      record = inn_snapshot_store_take (fixture->snapshots, NULL, NULL, NULL);
      g_assert_null (record);
    }
  snapshot_fixture_restore (fixture, id, FALSE);
  g_assert_cmpint (snapshot_fixture_read (fixture, fixture->uuid, 0), ==, 'a');
}

/* Files that are no layers are nobody's business but their owners'. */
static void
test_foreign_files (SnapshotFixture *fixture, gconstpointer data)
{
  static const char *const names[]
      = { "notes.txt", "disk.qcow2", "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11.vmdk" };
  g_autofree char *lost
      = g_build_filename (fixture->folder, "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11.qcow2", NULL);
  g_autofree char *unfinished = g_build_filename (fixture->folder, ".new-x", NULL);
  int lock;

  g_free (snapshot_fixture_take (fixture, "one"));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (fixture->folder, names[i], NULL);

      g_assert_true (g_file_set_contents (path, "x", -1, NULL));
    }
  g_assert_true (g_file_set_contents (lost, "", -1, NULL));
  g_assert_true (g_file_set_contents (unfinished, "", -1, NULL));
  lock = inn_machine_store_lock (fixture->machines, NULL);
  g_assert_true (inn_layer_store_collect (fixture->layers, NULL));
  fd_close (&lock);
  g_assert_cmpuint (snapshot_fixture_count_layers (fixture), ==, 2 + G_N_ELEMENTS (names));
  g_assert_cmpint (g_access (lost, F_OK), <, 0);
  g_assert_cmpint (g_access (unfinished, F_OK), <, 0);
}

int
main (int argc, char **argv)
{
#define TEST(name, function)                                                                       \
  g_test_add ("/layer-store/" name, SnapshotFixture, NULL, snapshot_fixture_set_up, function,      \
              snapshot_fixture_tear_down)

  g_test_init (&argc, &argv, NULL);
  TEST ("merge", test_merge);
  TEST ("shared-layers-stay", test_shared_layers_stay);
  TEST ("running-machine", test_running_machine);
  TEST ("changed-meanwhile", test_changed_meanwhile);
  TEST ("cancel", test_cancel);
  TEST ("open-layers-stay", test_open_layers_stay);
  TEST ("run-records-are-roots", test_run_records_are_roots);
  TEST ("broken-definition", test_broken_definition);
  TEST ("names-of-others", test_names_of_others);
  TEST ("foreign-files", test_foreign_files);
  return g_test_run ();
}
