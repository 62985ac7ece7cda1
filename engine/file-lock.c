/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Open-file-description locks on whole files.
 */
#include "config.h"

#include "file-lock.h"

#include <errno.h>
#include <fcntl.h>

enum
{
  PATIENCE_MS = 3000,
  POLL_MS = 20,
};

static int
set_lock (int fd, InnFileLockKind kind, int command)
{
  struct flock lock = {
    .l_type = kind == INN_FILE_LOCK_SHARED ? F_RDLCK : F_WRLCK,
    .l_whence = SEEK_SET,
  };
  int r;

  do
    r = fcntl (fd, command, &lock);
  while (r < 0 && errno == EINTR);

  if (r == 0)
    return 0;
  return errno == EACCES ? EAGAIN : errno;
}

int
inn_file_lock (int fd, InnFileLockKind kind)
{
  return set_lock (fd, kind, F_OFD_SETLK);
}

int
inn_file_lock_patiently (int fd, InnFileLockKind kind)
{
  int error_number = inn_file_lock (fd, kind);

  for (guint waited_ms = 0; error_number == EAGAIN && waited_ms < PATIENCE_MS; waited_ms += POLL_MS)
    {
      g_usleep (POLL_MS * G_TIME_SPAN_MILLISECOND);
      error_number = inn_file_lock (fd, kind);
    }

  return error_number;
}

int
inn_file_lock_wait (int fd, InnFileLockKind kind)
{
  return set_lock (fd, kind, F_OFD_SETLKW);
}

/* Whether a lock of that type would have to wait. */
static gboolean
is_in_the_way (int fd, short type)
{
  struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

  return fcntl (fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

gboolean
inn_file_lock_is_held (int fd)
{
  return is_in_the_way (fd, F_WRLCK);
}

gboolean
inn_file_lock_is_held_exclusively (int fd)
{
  return is_in_the_way (fd, F_RDLCK);
}
