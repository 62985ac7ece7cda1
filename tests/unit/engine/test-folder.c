/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folder.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#include "engine-error.h"
#include "engine-fixture.h"

static void
test_copy (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *to = g_build_filename (fixture->root, "to", NULL);
  g_autofree char *fifo = g_build_filename (fixture->root, "fifo", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  struct stat status;

  g_assert_true (inn_folder_copy_file (fixture->kernel, to, &error));
  g_assert_true (g_file_get_contents (to, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "not really a kernel");
  g_assert_cmpint (stat (to, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);

  /* Nobody writes to it: this must not wait. */
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_false (inn_folder_copy_file (fifo, to, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (inn_folder_copy_file ("/nowhere/x", to, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
}

static void
test_sync_and_remove (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (fixture->root, "a", NULL);
  g_autofree char *below = g_build_filename (folder, "b", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (below, 0700), ==, 0);
  g_assert_true (inn_folder_sync (folder, &error));
  g_assert_true (inn_folder_remove (folder, &error));
  g_assert_cmpint (g_access (folder, F_OK), <, 0);
  g_assert_false (inn_folder_remove (folder, NULL));
  g_assert_false (inn_folder_sync (folder, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/folder/copy", EngineFixture, NULL, engine_fixture_set_up, test_copy,
              engine_fixture_tear_down);
  g_test_add ("/folder/sync-and-remove", EngineFixture, NULL, engine_fixture_set_up,
              test_sync_and_remove, engine_fixture_tear_down);
  return g_test_run ();
}
