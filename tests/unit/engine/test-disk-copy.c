/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between disks that qemu-img has made and our own. fstatvfs() is wrapped to tell of a full disk.
 */
#include "disk-copy.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk-fixture.h"
#include "disk-import.h"
#include "engine-error.h"
#include "image/image-copy.h"

static bool
on_moved (void *data, uint64_t done, uint64_t total)
{
  double *last = data;

  g_assert_cmpuint (done, <=, total);
  g_assert_cmpfloat ((double)done / (double)total, >=, *last);
  *last = (double)done / (double)total;
  return true;
}

static gboolean
copy_into (const char *source,
           InnDiskFormat source_format,
           const char *target,
           InnDiskFormat target_format,
           GCancellable *cancellable,
           GError **error)
{
  double last = 0;
  const struct image_progress progress = { .moved = on_moved, .data = &last };
  const InnDiskCopy copy = { .source = source,
                             .source_format = source_format,
                             .target = target,
                             .target_format = target_format,
                             .progress = &progress };

  return inn_disk_copy (&copy, cancellable, error);
}

static gboolean
copy_raw (const char *source, InnDiskFormat format, const char *target)
{
  return copy_into (source, format, target, INN_DISK_FORMAT_RAW, NULL, NULL);
}

static void
assert_same (DiskFixture *fixture, const char *path)
{
  g_autofree char *bytes = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  g_assert_cmpuint (length, >=, DISK_SIZE); /* some are cut into cylinders */
  g_assert_cmpmem (bytes, DISK_SIZE, fixture->disk, DISK_SIZE);
}

static void
test_into_raw (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *target = disk_fixture_get_path (fixture, "copy.raw");
  struct stat status;

  if (!disk_fixture_has_qemu_img ())
    return;

  for (guint i = 0; i < n_disk_kinds; i++)
    {
      g_autofree char *path
          = disk_fixture_make (fixture, disk_kinds[i].options, disk_kinds[i].name);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", disk_kinds[i].options);
      copy_into (path, disk_kinds[i].format, target, INN_DISK_FORMAT_RAW, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (stat (target, &status), ==, 0);
      g_assert_cmpint (status.st_blocks * 512, <, 4 * DISK_MIB); /* holes stay holes */
      assert_same (fixture, target);
      g_assert_cmpint (g_unlink (target), ==, 0);
    }
}

/* Of two layers: each format there is, which qemu-img reads again. */
static void
test_out (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;

  if (!disk_fixture_has_qemu_img ())
    return;

  path = disk_fixture_make (fixture, "-O qcow2", "base,1.qcow2");
  disk_fixture_run (fixture, "qemu-img create -q -f qcow2 -b base,1.qcow2 -F qcow2 top.qcow2");
  disk_fixture_run (fixture, "qemu-io -f qcow2 -c 'write -P 77 5M 64k' top.qcow2");
  memset (fixture->disk + 5 * DISK_MIB, 77, 64 << 10);
  g_free (path);
  path = disk_fixture_get_path (fixture, "top.qcow2");
  for (guint i = 0; i < INN_DISK_FORMAT_N; i++)
    {
      g_autofree char *target = disk_fixture_get_path (fixture, "copy,2");
      g_autofree char *back = disk_fixture_get_path (fixture, "back");
      g_autofree char *line = g_strdup_printf ("qemu-img convert -f %s -O raw copy,2 back",
                                               inn_disk_format_to_qemu_word ((InnDiskFormat)i));
      g_autoptr (GError) error = NULL;

      copy_into (path, INN_DISK_FORMAT_QCOW2, target, (InnDiskFormat)i, NULL, &error);
      g_assert_no_error (error);
      disk_fixture_run (fixture, line);
      assert_same (fixture, back);
      g_assert_cmpint (g_unlink (target), ==, 0);
    }
}

/* Cut off anywhere: an error, or a copy, and no half of one. */
static void
test_truncated (DiskFixture *fixture, gconstpointer data)
{
  static const off_t sizes[] = { 100, 600, 5000, 70000, DISK_MIB };
  g_autofree char *target = disk_fixture_get_path (fixture, "copy.raw");

  if (!disk_fixture_has_qemu_img ())
    return;

  for (guint i = 0; i < n_disk_kinds * G_N_ELEMENTS (sizes); i++)
    {
      const guint kind = i / G_N_ELEMENTS (sizes);
      g_autofree char *path
          = disk_fixture_make (fixture, disk_kinds[kind].options, disk_kinds[kind].name);
      InnDiskFormat format;
      gboolean done;

      g_assert_cmpint (truncate (path, sizes[i % G_N_ELEMENTS (sizes)]), ==, 0);
      done = inn_disk_import_find_format (path, NULL, &format, NULL)
             && format != INN_DISK_FORMAT_RAW && copy_raw (path, format, target);
      g_assert_cmpint (g_file_test (target, G_FILE_TEST_EXISTS), ==, done);
      g_unlink (target);
    }
}

/* Each byte of the first sectors is 0xff in one of them. */
static void
test_damaged (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *target = disk_fixture_get_path (fixture, "copy.raw");

  if (!disk_fixture_has_qemu_img ())
    return;

  for (guint kind = 0; kind < n_disk_kinds; kind++)
    {
      g_autofree char *path
          = disk_fixture_make (fixture, disk_kinds[kind].options, disk_kinds[kind].name);
      g_autofree char *bytes = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
      for (guint at = 4; at < 104; at += 12)
        {
          g_autofree char *damaged = g_memdup2 (bytes, length);
          InnDiskFormat format;
          gboolean done;

          memset (damaged + at, 0xff, 12);
          g_free (disk_fixture_write (fixture, disk_kinds[kind].name, damaged, length));
          done = inn_disk_import_find_format (path, NULL, &format, NULL)
                 && format != INN_DISK_FORMAT_RAW && copy_raw (path, format, target);
          g_assert_cmpint (g_file_test (target, G_FILE_TEST_EXISTS), ==, done);
          g_unlink (target);
        }
    }
}

int __real_fstatvfs64 (int fd, struct statvfs64 *ret_status);
int __wrap_fstatvfs64 (int fd, struct statvfs64 *ret_status);

static gboolean full;

int
__wrap_fstatvfs64 (int fd, struct statvfs64 *ret_status)
{
  const int r = __real_fstatvfs64 (fd, ret_status);

  if (full)
    ret_status->f_bavail = 1;
  return r;
}

static void
test_no_room (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *target = disk_fixture_get_path (fixture, "copy.raw");

  if (!disk_fixture_has_qemu_img ())
    return;

  full = TRUE;
  for (guint i = 0; i < n_disk_kinds; i++)
    {
      g_autofree char *path
          = disk_fixture_make (fixture, disk_kinds[i].options, disk_kinds[i].name);
      g_autoptr (GError) error = NULL;

      g_assert_false (
          copy_into (path, disk_kinds[i].format, target, INN_DISK_FORMAT_RAW, NULL, &error));
      g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NO_SPACE);
      g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));
    }
  full = FALSE;
}

static void
test_cancel (DiskFixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *target = disk_fixture_get_path (fixture, "copy.raw");

  if (!disk_fixture_has_qemu_img ())
    return;

  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < n_disk_kinds; i++)
    {
      g_autofree char *path
          = disk_fixture_make (fixture, disk_kinds[i].options, disk_kinds[i].name);
      g_autoptr (GError) error = NULL;

      g_assert_false (
          copy_into (path, disk_kinds[i].format, target, INN_DISK_FORMAT_RAW, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));
    }
}

/* What is there already stays. */
static void
test_taken (DiskFixture *fixture, gconstpointer data)
{
  g_autofree char *path = disk_fixture_write (fixture, "disk.raw", fixture->disk, DISK_SIZE);
  g_autofree char *target = disk_fixture_write (fixture, "mine", "text", 4);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < INN_DISK_FORMAT_N; i++)
    {
      g_assert_false (
          copy_into (path, INN_DISK_FORMAT_RAW, target, (InnDiskFormat)i, NULL, &error));
      g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
      g_clear_error (&error);
      g_assert_true (g_file_test (target, G_FILE_TEST_EXISTS));
    }
}

#define ADD(name, func)                                                                            \
  g_test_add ("/disk-copy/" name, DiskFixture, NULL, disk_fixture_set_up, func,                    \
              disk_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("into-raw", test_into_raw);
  ADD ("out", test_out);
  ADD ("truncated", test_truncated);
  ADD ("damaged", test_damaged);
  ADD ("no-room", test_no_room);
  ADD ("cancel", test_cancel);
  ADD ("taken", test_taken);

  return g_test_run ();
}
