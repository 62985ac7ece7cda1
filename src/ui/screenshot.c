/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Screenshots: taken in the main thread, packed and written in another.
 */
#include "config.h"

#include "ui/screenshot.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>

/* What the worker needs. */
typedef struct
{
  GdkTexture *picture;
  char *name;
} Screenshot;

static void
screenshot_free (Screenshot *screenshot)
{
  g_clear_object (&screenshot->picture);
  g_free (screenshot->name);
  g_free (screenshot);
}

/* Where screenshots of the desktop go, too. */
static char *
get_folder (void)
{
  const char *pictures = g_get_user_special_dir (G_USER_DIRECTORY_PICTURES);

  return g_build_filename (pictures != NULL ? pictures : g_get_home_dir (), "Screenshots", NULL);
}

/* A name that is not taken; those of one second are numbered. */
static char *
choose_path (const char *folder, const char *name)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%d %H-%M-%S");
  g_autofree char *stem = g_strdup_printf ("%s %s", name, time);
  g_autofree char *plain = g_strdelimit (g_strdup (stem), "/", '-');
  g_autofree char *first = g_strconcat (plain, ".png", NULL);
  char *path = g_build_filename (folder, first, NULL);

  for (guint i = 2; g_file_test (path, G_FILE_TEST_EXISTS); i++)
    {
      g_autofree char *numbered = g_strdup_printf ("%s (%u).png", plain, i);

      g_free (path);
      path = g_build_filename (folder, numbered, NULL);
    }

  return path;
}

/* Seen from the home folder, where people look for it. */
static char *
describe_path (const char *path)
{
  g_autofree char *home = g_strconcat (g_get_home_dir (), G_DIR_SEPARATOR_S, NULL);

  return g_filename_display_name (g_str_has_prefix (path, home) ? path + strlen (home) : path);
}

static void
save_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Screenshot *screenshot = task_data;
  g_autofree char *folder = get_folder ();
  g_autofree char *path = NULL;
  g_autoptr (GBytes) png = NULL;
  g_autoptr (GError) error = NULL;

  if (g_mkdir_with_parents (folder, 0700) < 0)
    {
      const int saved_errno = errno;

      g_task_return_new_error (task, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                               _ ("The folder “%s” cannot be made: %s."), folder,
                               g_strerror (saved_errno));
      return;
    }

  path = choose_path (folder, screenshot->name);
  png = gdk_texture_save_to_png_bytes (screenshot->picture);
  if (g_file_set_contents_full (path, g_bytes_get_data (png, NULL), (gssize)g_bytes_get_size (png),
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644,
                                &error))
    g_task_return_pointer (task, describe_path (path), g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
on_picture_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Screenshot *screenshot = g_task_get_task_data (task);
  GError *error = NULL;

  screenshot->picture
      = inn_console_view_take_picture_finish (INN_CONSOLE_VIEW (source), result, &error);
  if (screenshot->picture != NULL)
    g_task_run_in_thread (task, save_in_thread);
  else
    g_task_return_error (task, error);
}

void
inn_screenshot_take_async (InnConsoleView *view,
                           const char *name,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (view, NULL, callback, user_data);
  Screenshot *screenshot = g_new0 (Screenshot, 1);

  screenshot->name = g_strdup (name);
  g_task_set_task_data (task, screenshot, (GDestroyNotify)screenshot_free);
  inn_console_view_take_picture_async (view, NULL, on_picture_taken, task);
}

char *
inn_screenshot_take_finish (InnConsoleView *view, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, view), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
