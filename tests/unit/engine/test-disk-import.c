/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks that qemu-img has made, and those that a guest has.
 */
#include "disk-import.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "disk-fixture.h"

static void
assert_format (const char *path, const char *word, InnDiskFormat expected)
{
  g_autoptr (GError) error = NULL;
  InnDiskFormat format;

  inn_disk_import_find_format (path, word, &format, &error);
  g_assert_no_error (error);
  g_assert_cmpint (format, ==, expected);
}

/* The sentence has that in it. */
static void
assert_refused (const char *path, const char *word, const char *part)
{
  g_autoptr (GError) error = NULL;
  InnDiskFormat format;

  g_assert_false (inn_disk_import_find_format (path, word, &format, &error));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_kinds (DiskFixture *fixture, gconstpointer data)
{
  if (!disk_fixture_has_qemu_img ())
    return;

  for (guint i = 0; i < n_disk_kinds; i++)
    {
      g_autofree char *path
          = disk_fixture_make (fixture, disk_kinds[i].options, disk_kinds[i].name);

      g_test_message ("%s", disk_kinds[i].options);
      assert_format (path, NULL, disk_kinds[i].format);
      assert_format (path, inn_disk_format_to_word (disk_kinds[i].format), disk_kinds[i].format);
    }
}

/* What a guest writes into its raw disk leads nowhere. */
static void
test_written_by_guest (DiskFixture *fixture, gconstpointer data)
{
  static const char text[] = "# Disk DescriptorFile\nRW 2048 FLAT \"secret.raw\" 0\n";
  g_autofree char *image = disk_fixture_write (fixture, "guest.img", text, strlen (text));
  g_autofree char *raw = disk_fixture_write (fixture, "guest.raw", text, strlen (text));
  g_autofree char *flat = disk_fixture_write (fixture, "guest-flat.vmdk", text, strlen (text));
  g_autofree char *plain = disk_fixture_write (fixture, "guest.vmdk", fixture->disk, DISK_MIB);

  g_free (disk_fixture_write (fixture, "secret.raw", fixture->disk, DISK_MIB));
  assert_refused (image, NULL, "a guest may have written");
  assert_refused (raw, NULL, "is named like a raw disk");
  assert_refused (flat, NULL, "a guest may have written");
  assert_refused (plain, NULL, "--format raw");
  assert_format (image, "raw", INN_DISK_FORMAT_RAW);
  assert_format (raw, "raw", INN_DISK_FORMAT_RAW);
  assert_format (image, "vmdk", INN_DISK_FORMAT_VMDK);
  assert_format (plain, "raw", INN_DISK_FORMAT_RAW);
}

static void
test_qcow2_backing (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;

  if (!disk_fixture_has_qemu_img ())
    return;

  path = disk_fixture_make (fixture, "-O qcow2", "base.qcow2");
  disk_fixture_run (fixture, "qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2");
  g_free (path);
  path = disk_fixture_get_path (fixture, "top.qcow2");
  assert_refused (path, NULL, "a guest may have written");
  assert_format (path, "qcow2", INN_DISK_FORMAT_QCOW2);
}

static void
test_vmdk_files (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;
  g_autofree char *part = NULL;
  guint8 wrapper[1024] = "KDMV";

  if (!disk_fixture_has_qemu_img ())
    return;

  path = disk_fixture_make (fixture, "-O vmdk -o subformat=twoGbMaxExtentSparse", "disk.vmdk");
  part = disk_fixture_get_path (fixture, "disk-s001.vmdk");
  g_free (disk_fixture_write (fixture, "disk-s001.vmdk", wrapper, sizeof wrapper));
  assert_refused (path, NULL, "which is damaged");
  assert_refused (path, "vmdk", "which is damaged");
  g_assert_cmpint (g_unlink (part), ==, 0);
  assert_refused (path, NULL, "is not there");
  g_assert_cmpint (symlink ("disk.raw", part), ==, 0);
  assert_refused (path, "vmdk", "no ordinary file");
}

static void
test_parents (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *bytes = NULL;
  g_autofree char *path = NULL;
  gsize length;

  if (!disk_fixture_has_qemu_img ())
    return;

  path = disk_fixture_make (fixture, "-O vmdk", "base.vmdk");
  disk_fixture_run (fixture, "qemu-img create -q -f vmdk -b base.vmdk -F vmdk disk.vmdk");
  g_free (path);
  path = disk_fixture_get_path (fixture, "disk.vmdk");
  assert_refused (path, NULL, "since a snapshot");
  assert_refused (path, "vmdk", "since a snapshot");

  g_free (path);
  path = disk_fixture_make (fixture, "-O vpc", "disk.vhd");
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  bytes[63] = 4;
  g_free (disk_fixture_write (fixture, "disk.vhd", bytes, length));
  assert_refused (path, NULL, "since a checkpoint");
}

static void
test_words (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *path = disk_fixture_write (fixture, "disk", fixture->disk, DISK_MIB);

  assert_format (path, NULL, INN_DISK_FORMAT_RAW);
  assert_refused (path, "vmd", "is no format");
  assert_refused ("/nowhere", NULL, "is not there");

  memcpy (fixture->disk + 257, "ustar", 5);
  g_free (disk_fixture_write (fixture, "disk", fixture->disk, DISK_MIB));
  assert_refused (path, NULL, "an archive");
  assert_format (path, "raw", INN_DISK_FORMAT_RAW);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/disk-import/" name, DiskFixture, NULL, disk_fixture_set_up, func,                  \
              disk_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("words", test_words);
  ADD ("kinds", test_kinds);
  ADD ("written-by-guest", test_written_by_guest);
  ADD ("qcow2-backing", test_qcow2_backing);
  ADD ("vmdk-files", test_vmdk_files);
  ADD ("parents", test_parents);

  return g_test_run ();
}
