/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folders of their own for everything an engine does.
 */
#include "engine-fixture.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <stdio.h>

/* With guests at work beside it, and on two processors, much takes its time. */
#define PATIENCE_US (90 * G_USEC_PER_SEC)

static int
remove_entry (const char *path, const struct stat *status, int type, struct FTW *where)
{
  return remove (path);
}

void
engine_fixture_set_up (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->root = g_dir_make_tmp ("innkeeper-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->data_dir = g_build_filename (fixture->root, "data", NULL);
  fixture->state_dir = g_build_filename (fixture->root, "state", NULL);
  fixture->runtime_dir = g_build_filename (fixture->root, "run", NULL);
  fixture->kernel = engine_fixture_write (fixture, "kernel", "not really a kernel");
}

/* A merge of layers that a closed engine gave up still writes until it next looks. */
static void
remove_folder (const char *path)
{
  const gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (nftw (path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (10 * G_TIME_SPAN_MILLISECOND);
    }
}

void
engine_fixture_tear_down (EngineFixture *fixture, gconstpointer data)
{
  remove_folder (fixture->root);
  g_free (fixture->root);
  g_free (fixture->data_dir);
  g_free (fixture->state_dir);
  g_free (fixture->runtime_dir);
  g_free (fixture->kernel);
}

char *
engine_fixture_write (EngineFixture *fixture, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (fixture->root, name, NULL);

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);

  return path;
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
engine_fixture_wait (gboolean (*condition) (gpointer data), gpointer data)
{
  const gint64 deadline = g_get_monotonic_time () + PATIENCE_US;
  const guint tick = g_timeout_add (10, on_tick, NULL);

  while (!condition (data))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_main_context_iteration (NULL, TRUE);
    }
  g_source_remove (tick);
}

void
engine_fixture_take_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **slot = user_data;

  *slot = g_object_ref (result);
}

static gboolean
has_result (GAsyncResult **result)
{
  return *result != NULL;
}

void
engine_fixture_await (GAsyncResult **result)
{
  ENGINE_FIXTURE_WAIT (has_result, result);
}
