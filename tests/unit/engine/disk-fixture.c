/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-fixture.h"

#include <string.h>

const DiskKind disk_kinds[] = {
  { "-O qcow2", "disk.qcow2", INN_DISK_FORMAT_QCOW2 },
  { "-c -O qcow2", "disk.img", INN_DISK_FORMAT_QCOW2 },
  { "-O vmdk", "disk.vmdk", INN_DISK_FORMAT_VMDK },
  { "-O vmdk -o subformat=streamOptimized", "disk.vmdk", INN_DISK_FORMAT_VMDK },
  { "-O vmdk -o subformat=monolithicFlat", "disk.vmdk", INN_DISK_FORMAT_VMDK },
  { "-O vmdk -o subformat=twoGbMaxExtentSparse", "disk.vmdk", INN_DISK_FORMAT_VMDK },
  { "-O vdi", "disk.vdi", INN_DISK_FORMAT_VDI },
  { "-O vdi -o static=on", "disk", INN_DISK_FORMAT_VDI },
  { "-O vpc", "disk.vhd", INN_DISK_FORMAT_VHD },
  { "-O vpc -o subformat=fixed,force_size=on", "disk.vhd", INN_DISK_FORMAT_VHD },
  { "-O vhdx", "disk.vhdx", INN_DISK_FORMAT_VHDX },
};

const guint n_disk_kinds = G_N_ELEMENTS (disk_kinds);

void
disk_fixture_set_up (DiskFixture *fixture, gconstpointer data)
{
  engine_fixture_set_up (&fixture->engine, NULL);
  fixture->disk = g_malloc0 (DISK_SIZE);
  for (guint i = DISK_MIB; i < 3 * DISK_MIB; i++)
    fixture->disk[i] = (guint8)(i / 1000 + 1);
  memset (fixture->disk + DISK_SIZE - 512, 9, 512);
}

void
disk_fixture_tear_down (DiskFixture *fixture, gconstpointer data)
{
  g_free (fixture->disk);
  engine_fixture_tear_down (&fixture->engine, NULL);
}

char *
disk_fixture_get_path (DiskFixture *fixture, const char *name)
{
  return g_build_filename (fixture->engine.root, name, NULL);
}

char *
disk_fixture_write (DiskFixture *fixture, const char *name, const void *bytes, gsize length)
{
  char *path = disk_fixture_get_path (fixture, name);

  g_assert_true (g_file_set_contents (path, bytes, (gssize)length, NULL));
  return path;
}

gboolean
disk_fixture_has_qemu_img (void)
{
  g_autofree char *program = g_find_program_in_path ("qemu-img");

  if (program == NULL)
    g_test_skip ("qemu-img is not installed");
  return program != NULL;
}

void
disk_fixture_run (DiskFixture *fixture, const char *line)
{
  g_auto (GStrv) words = NULL;
  int status;

  g_assert_true (g_shell_parse_argv (line, NULL, &words, NULL));
  g_assert_true (g_spawn_sync (fixture->engine.root, words, NULL,
                               G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                               NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

char *
disk_fixture_make (DiskFixture *fixture, const char *options, const char *name)
{
  g_autofree char *line = g_strdup_printf ("qemu-img convert -f raw %s disk.raw %s", options, name);

  g_free (disk_fixture_write (fixture, "disk.raw", fixture->disk, DISK_SIZE));
  disk_fixture_run (fixture, line);
  return disk_fixture_get_path (fixture, name);
}
