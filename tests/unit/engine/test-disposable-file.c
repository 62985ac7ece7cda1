/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disposable-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "engine-fixture.h"
#include "image/qcow2-create.h"
#include "image/qcow2-image.h"

#define MIB ((guint64)1 << 20)

static guint
count_names (const char *folder)
{
  g_autoptr (GDir) names = g_dir_open (folder, 0, NULL);
  guint count = 0;

  while (g_dir_read_name (names) != NULL)
    count++;
  return count;
}

static gboolean names_needed; /* by the file system */

int __real_open64 (const char *path, int flags, ...);
int __wrap_open64 (const char *path, int flags, ...);

int
__wrap_open64 (const char *path, int flags, ...)
{
  if (names_needed && (flags & O_TMPFILE) == O_TMPFILE)
    {
      errno = EOPNOTSUPP;
      return -1;
    }

  return __real_open64 (path, flags, 0600);
}

/* It can be written and read, and nobody else can find it. */
static void
test_no_name (EngineFixture *fixture, gconstpointer data)
{
  const guint before = count_names (fixture->root);
  g_autoptr (GError) error = NULL;
  int fd = inn_disposable_file_new (fixture->root, &error);
  struct stat status;
  char byte = 0;

  g_assert_no_error (error);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  g_assert_cmpint (fd_write_at (fd, "x", 1, 0), ==, 0);
  g_assert_cmpint (fd_read_at (fd, &byte, 1, 0), ==, 0);
  g_assert_cmpint (byte, ==, 'x');
  g_assert_cmpint (fstat (fd, &status), ==, 0);
  g_assert_cmpint (status.st_nlink, ==, 0);
  g_assert_cmpuint (count_names (fixture->root), ==, before);
  fd_close (&fd);
}

static void
test_no_folder (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (inn_disposable_file_new ("/nowhere", &error), ==, -1);
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nowhere"));
}

/* Also where a file must have one, and one was left by who was killed between. */
static void
test_names_needed (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *left = engine_fixture_write (fixture, ".disposable", "of another run");
  struct stat status;

  names_needed = TRUE;
  test_no_folder (fixture, data);
  for (guint i = 0; i < 2; i++)
    {
      int fd = inn_disposable_file_new (fixture->root, NULL);

      g_assert_cmpint (fstat (fd, &status), ==, 0);
      g_assert_cmpint (status.st_size, ==, 0);
      g_assert_cmpint (status.st_nlink, ==, 0);
      g_assert_false (g_file_test (left, G_FILE_TEST_EXISTS));
      fd_close (&fd);
    }
  names_needed = FALSE;
}

static void
assert_overlay (EngineFixture *fixture, const char *path, const char *format, guint64 size)
{
  g_autoptr (GError) error = NULL;
  int fd = inn_disposable_file_new_overlay (fixture->root, path, format, &error);
  struct qcow2_header header;
  int problem = 0;

  g_assert_no_error (error);
  g_assert_cmpint (qcow2_image_read_header (fd, &header, &problem), ==, IMAGE_GOOD);
  g_assert_cmpuint (header.virtual_size, ==, size);
  g_assert_cmpstr (header.backing_format, ==, format);
  g_assert_cmpuint (strlen (header.backing_file), >, 0);
  fd_close (&fd);
}

/* Of the size that the disk has, to the guest. */
static void
test_overlay (EngineFixture *fixture, gconstpointer data)
{
  const struct qcow2_create_options options
      = { .version = 3, .cluster_bits = 16, .virtual_size = 3 * MIB };
  g_autofree char *raw = engine_fixture_write (fixture, "disk.raw", "");
  g_autofree char *qcow2 = engine_fixture_write (fixture, "disk.qcow2", "");
  int fd = g_open (qcow2, O_RDWR | O_CLOEXEC, 0);

  g_assert_cmpint (qcow2_create (fd, &options), ==, 0);
  fd_close (&fd);
  assert_overlay (fixture, qcow2, "qcow2", 3 * MIB);
  g_assert_cmpint (truncate (raw, 2 * MIB - 100), ==, 0);
  assert_overlay (fixture, raw, "raw", 2 * MIB);
}

static void
test_bad_disk (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *path = engine_fixture_write (fixture, "disk.qcow2", "no image at all");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (inn_disposable_file_new_overlay (fixture->root, path, "qcow2", &error), ==, -1);
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, path));
}

int
main (int argc, char **argv)
{
#define TEST(name, function)                                                                       \
  g_test_add ("/disposable-file/" name, EngineFixture, NULL, engine_fixture_set_up, function,      \
              engine_fixture_tear_down)

  g_test_init (&argc, &argv, NULL);
  TEST ("no-name", test_no_name);
  TEST ("no-folder", test_no_folder);
  TEST ("names-needed", test_names_needed);
  TEST ("overlay", test_overlay);
  TEST ("bad-disk", test_bad_disk);
  return g_test_run ();
}
