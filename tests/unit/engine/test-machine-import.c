/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine-import.h"

#include <glib/gstdio.h>

#include "disk-image.h"
#include "engine-error.h"
#include "engine-fixture.h"
#include "image/image-copy.h"
#include "image/qcow2-create.h"
#include "machine-description-disks.h"

#define MIB ((guint64)1 << 20)

static InnMachineStore *
open_store (EngineFixture *fixture)
{
  InnMachineStore *store = inn_machine_store_new (fixture->data_dir);
  g_autoptr (GError) error = NULL;

  inn_machine_store_open (store, &error);
  g_assert_no_error (error);
  return store;
}

/* An empty one. Its path; transfer full. */
static char *
make_image (EngineFixture *fixture)
{
  const struct qcow2_create_options options
      = { .virtual_size = 50 * MIB, .version = 3, .cluster_bits = 16 };
  char *path = g_build_filename (fixture->root, "image.qcow2", NULL);

  g_assert_true (inn_disk_image_create_qcow2 (path, &options, NULL));
  return path;
}

static void
assert_no_leftovers (EngineFixture *fixture)
{
  g_autofree char *layers = g_build_filename (fixture->data_dir, "layers", NULL);
  g_autoptr (GDir) dir = g_dir_open (layers, 0, NULL);

  if (dir != NULL)
    g_assert_null (g_dir_read_name (dir));
}

static void
test_import (EngineFixture *fixture, gconstpointer data)
{
  const guint64 sizes[] = { 3 * MIB };
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autoptr (InnMachineDescription) machine = inn_machine_description_new ("a", 64 * MIB, 1);
  g_autofree char *image = make_image (fixture);
  const InnMachineImport import = {
    .path = image,
    .format = INN_DISK_FORMAT_QCOW2,
    .disk_sizes = sizes,
    .n_disks = G_N_ELEMENTS (sizes),
  };
  g_autoptr (InnMachineDescription) found = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf status;

  inn_machine_import (store, machine, &import, NULL, &error);
  g_assert_no_error (error);
  found = inn_machine_store_load (store, inn_machine_description_get_uuid (machine), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (inn_machine_description_get_disk (found, 0)->path, &status), ==, 0);
  g_assert_cmpuint (status.st_size, ==, 50 * MIB);
  g_assert_cmpint (g_stat (inn_machine_description_get_disk (found, 1)->path, &status), ==, 0);
  g_assert_cmpuint (status.st_size, ==, 3 * MIB);
  assert_no_leftovers (fixture);
  inn_machine_store_close (store);
}

static bool
stop_soon (void *data, uint64_t done, uint64_t total)
{
  guint *calls = data;

  return ++*calls < 2;
}

static void
test_refused (EngineFixture *fixture, gconstpointer data)
{
  guint calls = 0;
  const struct image_progress progress = { .moved = stop_soon, .data = &calls };
  g_autoptr (InnMachineStore) store = open_store (fixture);
  g_autoptr (InnMachineDescription) machine = inn_machine_description_new ("a", 64 * MIB, 1);
  g_autoptr (InnMachineDescription) namesake = inn_machine_description_new ("a", 64 * MIB, 1);
  g_autofree char *image = make_image (fixture);
  const InnMachineImport import
      = { .path = image, .format = INN_DISK_FORMAT_QCOW2, .progress = &progress };
  g_auto (GStrv) uuids = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_machine_import (store, machine, &import, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (calls, ==, 2);
  g_clear_error (&error);
  assert_no_leftovers (fixture);
  uuids = inn_machine_store_list (store);
  g_assert_null (*uuids);

  /* A name that is taken is found before the copy is made. */
  g_assert_true (inn_machine_store_create (store, namesake, NULL, 0, NULL));
  g_assert_false (inn_machine_import (store, machine, &import, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_assert_cmpuint (calls, ==, 2);
  assert_no_leftovers (fixture);
  inn_machine_store_close (store);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/machine-import/" name, EngineFixture, NULL, engine_fixture_set_up, func,           \
              engine_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("import", test_import);
  ADD ("refused", test_refused);

  return g_test_run ();
}
