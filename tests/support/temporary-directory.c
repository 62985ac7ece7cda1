/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "temporary-directory.h"

#include <ftw.h>
#include <stdio.h>

#include <glib/gstdio.h>

char *
temporary_directory_new (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("inn-XXXXXX", &error);

  g_assert_no_error (error);
  return path;
}

static int
remove_entry (const char *path, const struct stat *status, int type, struct FTW *walk)
{
  return remove (path);
}

void
temporary_directory_free (char *path)
{
  nftw (path, remove_entry, /* open descriptors= */ 16, FTW_DEPTH | FTW_PHYS);
  g_free (path);
}

char *
temporary_directory_add_file (const char *path,
                              const char *name,
                              gconstpointer bytes,
                              gssize length)
{
  g_autoptr (GError) error = NULL;
  char *file = g_build_filename (path, name, NULL);

  g_file_set_contents (file, bytes, length, &error);
  g_assert_no_error (error);
  return file;
}
