/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See folder.h.
 */
#include "config.h"

#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"

enum
{
  MAX_OPEN_FOLDERS = 16, /* while removing a tree */
  MAX_COPY = 64 << 20,
};

void
inn_folder_set_error (GError **error, const char *path, int error_number)
{
  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
               _ ("“%s” cannot be written: %s. Nothing was changed."), path,
               g_strerror (error_number));
}

gboolean
inn_folder_sync (const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  gboolean done = fd >= 0 && fsync (fd) == 0;

  if (!done)
    inn_folder_set_error (error, path, errno);
  fd_close (&fd);

  return done;
}

static int
remove_entry (const char *path, const struct stat *status, int type, struct FTW *where)
{
  return remove (path);
}

gboolean
inn_folder_remove (const char *path, GError **error)
{
  if (nftw (path, remove_entry, MAX_OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
               _ ("The files in “%s” cannot all be removed: %s."), path, g_strerror (errno));
  return FALSE;
}

/* NULL: @ret_error says why. */
static char *
read_file (const char *path, gsize *ret_length, int *ret_error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  g_autofree char *bytes = NULL;
  uint64_t size = 0;
  int r = fd < 0 ? -errno : fd_regular_size (fd, &size);

  if (r == 0 && size > MAX_COPY)
    r = -EFBIG;
  if (r == 0)
    {
      bytes = g_malloc ((gsize)size + 1);
      r = fd_read_at (fd, bytes, (gsize)size, 0);
    }
  fd_close (&fd);

  *ret_length = (gsize)size;
  *ret_error = -r;
  return r == 0 ? g_steal_pointer (&bytes) : NULL;
}

gboolean
inn_folder_copy_file (const char *from, const char *to, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gsize length = 0;
  int error_number = 0;
  g_autofree char *bytes = read_file (from, &length, &error_number);

  if (bytes == NULL)
    {
      g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
                   _ ("“%s” cannot be read: %s. Nothing was changed."), from,
                   g_strerror (error_number));
      return FALSE;
    }
  if (g_file_set_contents_full (to, bytes, (gssize)length,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local_error))
    return TRUE;

  inn_folder_set_error (error, to, inn_engine_errno_from_file_error (local_error));
  return FALSE;
}
