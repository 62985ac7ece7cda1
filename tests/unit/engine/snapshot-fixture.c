/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See snapshot-fixture.h.
 */
#include "snapshot-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "layer-scan.h"
#include "machine-description-disks.h"
#include "protocol/memory-file.h"

enum
{
  CLUSTER = 64 << 10
};

void
snapshot_fixture_set_up (SnapshotFixture *fixture, gconstpointer data)
{
  const guint64 size = SNAPSHOT_FIXTURE_DISK_SIZE;
  g_autoptr (InnMachineDescription) description = inn_machine_description_new ("one", 64 << 20, 1);
  g_autoptr (GError) error = NULL;

  engine_fixture_set_up (&fixture->base, data);
  if (fixture->on_set_up != NULL)
    g_assert_true (fixture->on_set_up (fixture));
  fixture->machines = inn_machine_store_new (fixture->base.data_dir);
  inn_machine_store_open (fixture->machines, &error);
  g_assert_no_error (error);
  inn_machine_store_create (fixture->machines, description, &size, 1, &error);
  g_assert_no_error (error);
  fixture->uuid = g_strdup (inn_machine_description_get_uuid (description));
  fixture->layers = inn_layer_store_new (fixture->machines);
  fixture->snapshots = inn_snapshot_store_new (fixture->machines, fixture->uuid);
  fixture->folder = g_build_filename (fixture->base.data_dir, "layers", NULL);
}

void
snapshot_fixture_tear_down (SnapshotFixture *fixture, gconstpointer data)
{
  inn_snapshot_store_free (fixture->snapshots);
  inn_layer_store_free (fixture->layers);
  inn_machine_store_close (fixture->machines);
  g_object_unref (fixture->machines);
  g_free (fixture->uuid);
  g_free (fixture->folder);
  if (fixture->on_set_up != NULL)
    g_assert_cmpint (umount2 (fixture->base.root, MNT_DETACH), ==, 0);
  engine_fixture_tear_down (&fixture->base, data);
}

InnMachineDescription *
snapshot_fixture_load (SnapshotFixture *fixture, const char *uuid)
{
  g_autoptr (GError) error = NULL;
  InnMachineDescription *description
      = inn_machine_store_load (fixture->machines, uuid, NULL, &error);

  g_assert_no_error (error);
  return description;
}

static struct image_chain *
open_disk (const InnMachineDescription *description, enum image_access access)
{
  const InnDiskDescription *disk = inn_machine_description_get_disk (description, 0);
  struct image_chain_problem problem;
  struct image_chain *chain = NULL;

  g_assert_cmpint (image_chain_open (disk->path,
                                     g_str_equal (disk->format, "qcow2") ? IMAGE_QCOW2 : IMAGE_RAW,
                                     access, &chain, &problem),
                   ==, 0);
  return chain;
}

void
snapshot_fixture_write (SnapshotFixture *fixture, const char *uuid, guint cluster, char byte)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, uuid);
  struct image_chain *chain = open_disk (description, IMAGE_READ_WRITE);
  struct qcow2_image *image = image_chain_image (chain);
  g_autofree char *bytes = g_strnfill (CLUSTER, byte);
  const guint64 offset = (guint64)cluster * CLUSTER;

  if (image != NULL)
    {
      g_assert_cmpint (qcow2_image_write (image, offset, bytes, CLUSTER), ==, 0);
      g_assert_cmpint (qcow2_image_flush (image), ==, 0);
    }
  else
    {
      int fd = g_open (image_chain_layer (chain, 0)->path, O_WRONLY | O_CLOEXEC, 0);

      g_assert_cmpint (fd_write_at (fd, bytes, CLUSTER, offset), ==, 0);
      fd_close (&fd);
    }
  image_chain_close (chain);
}

GBytes *
snapshot_fixture_read_description (const InnMachineDescription *description)
{
  struct image_chain *chain = open_disk (description, IMAGE_READ_ONLY);
  char *bytes = g_malloc (SNAPSHOT_FIXTURE_DISK_SIZE);

  g_assert_cmpuint (image_chain_layer (chain, 0)->size, ==, SNAPSHOT_FIXTURE_DISK_SIZE);
  g_assert_cmpint (image_chain_read (chain, 0, bytes, SNAPSHOT_FIXTURE_DISK_SIZE), ==, 0);
  image_chain_close (chain);

  return g_bytes_new_take (bytes, SNAPSHOT_FIXTURE_DISK_SIZE);
}

GBytes *
snapshot_fixture_read_disk (SnapshotFixture *fixture, const char *uuid)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, uuid);

  return snapshot_fixture_read_description (description);
}

char
snapshot_fixture_read (SnapshotFixture *fixture, const char *uuid, guint cluster)
{
  g_autoptr (GBytes) disk = snapshot_fixture_read_disk (fixture, uuid);
  const char *bytes = g_bytes_get_data (disk, NULL);

  bytes += (gsize)cluster * CLUSTER;
  g_assert_cmpint (memcmp (bytes, bytes + 1, CLUSTER - 1), ==, 0);
  return bytes[0];
}

static void
write_memory (const char *path)
{
  const gsize size = MEMORY_FILE_PIECE;
  g_autofree char *ram = g_malloc (size);
  guint32 sum;
  const struct memory_file_contents contents = {
    .ram = ram,
    .ram_size = size,
    .state = "state",
    .state_length = 5,
    .sums = &sum,
  };
  int fd = g_open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  memset (ram, 'm', size);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (memory_file_write (fd, &contents), ==, 0);
  close (fd);
}

void
snapshot_fixture_add_memory (SnapshotFixture *fixture, InnSnapshotRecord *record, gboolean saved)
{
  g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *folder = g_build_filename (machine, "snapshots", record->id, NULL);
  g_autofree char *path = g_build_filename (folder, "snapshot.ini", NULL);
  g_autofree char *memory = g_build_filename (folder, "memory", NULL);
  g_autofree char *text = NULL;

  record->saved = saved;
  record->memory_bytes = 4096;
  text = inn_snapshot_record_to_text (record);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  write_memory (memory);
}

char *
snapshot_fixture_take (SnapshotFixture *fixture, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (InnSnapshotRecord) record
      = inn_snapshot_store_take (fixture->snapshots, name, NULL, &error);

  g_assert_no_error (error);
  snapshot_fixture_check (fixture);
  return g_strdup (record->id);
}

void
snapshot_fixture_restore (SnapshotFixture *fixture, const char *id, gboolean keep_present)
{
  g_autoptr (GError) error = NULL;

  inn_snapshot_store_restore (fixture->snapshots, id, keep_present, &error);
  g_assert_no_error (error);
  snapshot_fixture_check (fixture);
}

void
snapshot_fixture_remove (SnapshotFixture *fixture, const char *id)
{
  g_autoptr (GError) error = NULL;

  inn_snapshot_store_remove (fixture->snapshots, id, &error);
  g_assert_no_error (error);
  snapshot_fixture_check (fixture);
}

static void
check_machine (SnapshotFixture *fixture, const char *uuid)
{
  g_autoptr (InnSnapshotStore) snapshots = inn_snapshot_store_new (fixture->machines, uuid);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records = NULL;

  inn_snapshot_store_check (snapshots, NULL, &error);
  g_assert_no_error (error);
  records = inn_snapshot_store_list (snapshots, TRUE);
  for (guint i = 0; i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);

      g_assert_cmpstr (record->trouble, ==, NULL);
      inn_snapshot_store_check (snapshots, record->id, &error);
      g_assert_no_error (error);
    }
}

void
snapshot_fixture_check (SnapshotFixture *fixture)
{
  g_auto (GStrv) uuids = inn_machine_store_list (fixture->machines);

  for (guint i = 0; uuids[i] != NULL; i++)
    check_machine (fixture, uuids[i]);
}

/* What a machine writes may be written, and is nobody else's; everything else may not. */
static void
check_layer (SnapshotFixture *fixture, const InnLayer *layer)
{
  g_autofree char *path = g_build_filename (fixture->folder, layer->name, NULL);
  GStatBuf status;

  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, layer->writer != NULL ? 0600 : 0444);
  if (layer->writer != NULL)
    {
      g_assert_cmpuint (layer->n_named, ==, 1);
      g_assert_cmpuint (layer->n_children, ==, 0);
    }
}

void
snapshot_fixture_collect (SnapshotFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (InnLayerScan) scan = NULL;
  const GPtrArray *layers;
  int lock = inn_machine_store_lock (fixture->machines, &error);

  g_assert_no_error (error);
  inn_layer_store_collect (fixture->layers, &error);
  g_assert_no_error (error);
  fd_close (&lock);

  scan = inn_layer_scan_new (fixture->machines);
  layers = inn_layer_scan_get_layers (scan);
  g_assert_cmpuint (layers->len, ==, snapshot_fixture_count_layers (fixture));
  for (guint i = 0; i < layers->len; i++)
    {
      const InnLayer *layer = g_ptr_array_index (layers, i);

      g_assert_cmpuint (layer->n_items, >, 0);
      check_layer (fixture, layer);
    }
}

guint
snapshot_fixture_count_layers (SnapshotFixture *fixture)
{
  g_autoptr (GDir) folder = g_dir_open (fixture->folder, 0, NULL);
  const char *name;
  guint count = 0;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    count += !g_str_equal (name, ".merge");

  return count;
}
