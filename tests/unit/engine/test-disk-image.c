/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "disk-image.h"
#include "engine-error.h"
#include "engine-fixture.h"
#include "image/qcow2-create.h"
#include "image/qcow2-image.h"

static void
assert_unusable (const char *path, InnDiskAccess access, InnEngineError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (inn_disk_image_open (path, access, &error), ==, -1);
  g_assert_error (error, INN_ENGINE_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, path));
}

static char *
create (EngineFixture *fixture, const char *name, guint64 size)
{
  char *path = g_build_filename (fixture->root, name, NULL);
  g_autoptr (GError) error = NULL;

  inn_disk_image_create (path, size, &error);
  g_assert_no_error (error);
  return path;
}

static void
test_create (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *path = create (fixture, "disk", 5);
  g_autofree char *folder = g_build_filename (fixture->root, "none", "disk", NULL);
  g_autoptr (GError) error = NULL;
  struct stat status;

  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_size, ==, 1 << 20);
  g_assert_cmpint (status.st_blocks, ==, 0);

  g_assert_false (inn_disk_image_create (path, 1 << 20, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (inn_disk_image_create (folder, 1 << 20, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_unlink (path);
  g_assert_false (inn_disk_image_create (path, 0, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (inn_disk_image_create (path, G_MAXUINT64, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static gboolean
grow (const char *path, guint64 size, gboolean locked, GError **error)
{
  return inn_disk_image_grow (path, &size, locked, error);
}

static void
test_grow (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *path = create (fixture, "disk", 2 << 20);
  g_autofree char *nowhere = g_build_filename (fixture->root, "none", NULL);
  g_autoptr (GError) error = NULL;
  struct stat status;
  int user;

  g_assert_true (grow (path, (4 << 20) - 1, FALSE, NULL));
  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_size, ==, 4 << 20);
  g_assert_true (grow (path, 4 << 20, FALSE, NULL));

  g_assert_false (grow (path, 2 << 20, FALSE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "4.0"));
  g_clear_error (&error);
  g_assert_false (grow (path, 0, FALSE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (grow (path, G_MAXUINT64, FALSE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (grow (nowhere, 1 << 20, TRUE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
  g_clear_error (&error);

  /* Somebody else's is left alone; one's own may grow in use. */
  user = inn_disk_image_open (path, INN_DISK_READ_WRITE, NULL);
  g_assert_false (grow (path, 8 << 20, FALSE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_assert_true (grow (path, 8 << 20, TRUE, NULL));
  g_assert_cmpint (fstat (user, &status), ==, 0);
  g_assert_cmpint (status.st_size, ==, 8 << 20);
  fd_close (&user);
}

/* Two guests never write one disk; any number may read it. */
static void
test_locks (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *path = create (fixture, "disk", 1 << 20);
  int writer = inn_disk_image_open (path, INN_DISK_READ_WRITE, NULL);
  int reader, other;

  g_assert_cmpint (writer, >=, 0);
  g_assert_cmpint (fcntl (writer, F_GETFD) & FD_CLOEXEC, !=, 0);
  g_assert_cmpint (fcntl (writer, F_GETFL) & O_NONBLOCK, ==, 0);
  assert_unusable (path, INN_DISK_READ_WRITE, INN_ENGINE_ERROR_BUSY);
  assert_unusable (path, INN_DISK_READ_ONLY, INN_ENGINE_ERROR_BUSY);
  fd_close (&writer);

  reader = inn_disk_image_open (path, INN_DISK_READ_ONLY, NULL);
  other = inn_disk_image_open (path, INN_DISK_READ_ONLY, NULL);
  g_assert_cmpint (reader, >=, 0);
  g_assert_cmpint (other, >=, 0);
  g_assert_cmpint (write (reader, "x", 1), ==, -1);
  assert_unusable (path, INN_DISK_READ_WRITE, INN_ENGINE_ERROR_BUSY);
  fd_close (&reader);
  fd_close (&other);
}

static void
test_unusable (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (fixture->root, "missing", NULL);
  g_autofree char *fifo = g_build_filename (fixture->root, "fifo", NULL);
  g_autofree char *empty = engine_fixture_write (fixture, "empty", "");

  assert_unusable (missing, INN_DISK_READ_WRITE, INN_ENGINE_ERROR_NOT_FOUND);
  assert_unusable (fixture->root, INN_DISK_READ_WRITE, INN_ENGINE_ERROR_INVALID);
  assert_unusable (empty, INN_DISK_READ_WRITE, INN_ENGINE_ERROR_INVALID);
  assert_unusable ("/dev/null", INN_DISK_READ_WRITE, INN_ENGINE_ERROR_INVALID);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_unusable (fifo, INN_DISK_READ_ONLY, INN_ENGINE_ERROR_INVALID);
}

static void
test_not_writable (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *path = create (fixture, "disk", 1 << 20);
  int fd;

  if (geteuid () == 0)
    {
      g_test_skip ("root may write everything");
      return;
    }

  g_assert_cmpint (g_chmod (path, 0400), ==, 0);
  assert_unusable (path, INN_DISK_READ_WRITE, INN_ENGINE_ERROR_PERMISSION);
  fd = inn_disk_image_open (path, INN_DISK_READ_ONLY, NULL);
  g_assert_cmpint (fd, >=, 0);
  fd_close (&fd);
}

static void
test_import (EngineFixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *start;
    const char *format;
  } foreign[] = { { "vhdxfile", "vhdx" }, { "conectix", "vpc" } };
  static const char *const broken[] = { "QFI\xfb   ", "KDMV   " };
  g_autofree char *raw = create (fixture, "raw", 1 << 20);
  g_autoptr (GError) error = NULL;
  int fd;

  g_assert_true (inn_disk_image_check_import (raw, NULL, NULL));
  g_assert_true (inn_disk_image_check_import (fixture->kernel, NULL, NULL)); /* however short */
  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      g_autofree char *start = g_strnfill (512, ' ');
      g_autofree char *path = NULL;

      memcpy (start, foreign[i].start, strlen (foreign[i].start));
      path = engine_fixture_write (fixture, "it's.img", start);
      g_assert_false (inn_disk_image_check_import (path, NULL, &error));
      g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED);
      g_assert_nonnull (strstr (error->message, foreign[i].format));
      g_assert_nonnull (strstr (error->message, "it'\\''s.img"));
      g_clear_error (&error);
    }

  /* What is one of several formats by its beginning is looked at more closely. */
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = engine_fixture_write (fixture, "broken", broken[i]);

      g_assert_false (inn_disk_image_check_import (path, NULL, &error));
      g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
      g_clear_error (&error);
    }

  fd = inn_disk_image_open (raw, INN_DISK_READ_WRITE, NULL);
  g_assert_false (inn_disk_image_check_import (raw, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  g_assert_false (inn_disk_image_check_medium (raw, NULL));
  fd_close (&fd);
  g_assert_true (inn_disk_image_check_medium (raw, NULL));
}

static void
test_space_warning (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *warning = inn_disk_image_get_space_warning (fixture->root, (guint64)1 << 60);

  g_assert_nonnull (warning);
  g_assert_null (inn_disk_image_get_space_warning (fixture->root, 1));
  g_assert_null (inn_disk_image_get_space_warning ("/nowhere", (guint64)1 << 60));
}

#define ADD(name, func)                                                                            \
  g_test_add ("/disk-image/" name, EngineFixture, NULL, engine_fixture_set_up, func,               \
              engine_fixture_tear_down)

static gpointer
let_go_soon (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);

  g_usleep (300 * G_TIME_SPAN_MILLISECOND);
  fd_close (&fd);
  return NULL;
}

/* A VMM that was killed lets go of one file after the other. */
static void
test_patience (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->root, "disk", NULL);
  g_autoptr (GError) error = NULL;
  GThread *thread;
  int fd;

  g_assert_true (inn_disk_image_create (path, 1 << 20, NULL));
  fd = inn_disk_image_open (path, INN_DISK_READ_WRITE, NULL);
  thread = g_thread_new ("killed", let_go_soon, GINT_TO_POINTER (fd));
  assert_unusable (path, INN_DISK_READ_WRITE, INN_ENGINE_ERROR_BUSY);
  fd = inn_disk_image_open_patiently (path, INN_DISK_READ_WRITE, &error);
  g_assert_no_error (error);
  g_thread_join (thread);

  g_assert_cmpint (inn_disk_image_open_patiently (path, INN_DISK_READ_WRITE, &error), ==, -1);
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  fd_close (&fd);
}

static void
test_create_qcow2 (EngineFixture *fixture, gconstpointer data)
{
  const struct qcow2_create_options options
      = { .virtual_size = 5, .version = 3, .cluster_bits = 16 };
  const struct qcow2_create_options wrong = { .virtual_size = 5, .version = 3 };
  g_autofree char *path = g_build_filename (fixture->root, "disk", NULL);
  g_autofree char *other = g_build_filename (fixture->root, "other", NULL);
  g_autoptr (GError) error = NULL;
  struct qcow2_header header;
  int fd, error_number;

  g_assert_true (inn_disk_image_create_qcow2 (path, &options, &error));
  g_assert_no_error (error);
  fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  g_assert_cmpint (qcow2_image_read_header (fd, &header, &error_number), ==, IMAGE_GOOD);
  g_assert_cmpuint (header.virtual_size, ==, 1 << 20);
  fd_close (&fd);

  g_assert_false (inn_disk_image_create_qcow2 (path, &options, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (inn_disk_image_create_qcow2 (other, &wrong, &error));
  g_assert_nonnull (error);
  g_assert_false (g_file_test (other, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("create", test_create);
  ADD ("create-qcow2", test_create_qcow2);
  ADD ("grow", test_grow);
  ADD ("locks", test_locks);
  ADD ("patience", test_patience);
  ADD ("unusable", test_unusable);
  ADD ("not-writable", test_not_writable);
  ADD ("import", test_import);
  ADD ("space-warning", test_space_warning);

  return g_test_run ();
}
