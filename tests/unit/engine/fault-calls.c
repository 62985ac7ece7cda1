/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault-calls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static Fault fault;
static guint fault_step, step;

void
fault_calls_set (Fault kind, guint at)
{
  fault = kind;
  fault_step = at;
  step = 0;
}

guint
fault_calls_count (void)
{
  return step;
}

/* Whether the call shall fail with errno set. */
static gboolean
is_faulty (gboolean needs_space)
{
  if (fault == FAULT_NONE)
    return FALSE;

  step++;
  if (step == fault_step && fault == FAULT_KILL)
    raise (SIGKILL);
  errno = fault == FAULT_FULL ? ENOSPC : EIO;
  return (fault == FAULT_ERROR && step == fault_step)
         || (fault == FAULT_FULL && step >= fault_step && needs_space);
}

#define WRAP(type, name, needs_space, parameters, arguments)                                       \
  type __real_##name parameters;                                                                   \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters                                                                    \
  {                                                                                                \
    return is_faulty (needs_space) ? (type)-1 : __real_##name arguments;                           \
  }

WRAP (int, rename, TRUE, (const char *from, const char *to), (from, to))
WRAP (int, link, TRUE, (const char *from, const char *to), (from, to))
WRAP (int, g_unlink, FALSE, (const char *path), (path))
WRAP (int, remove, FALSE, (const char *path), (path))
WRAP (int, fsync, TRUE, (int fd), (fd))
WRAP (int, fdatasync, TRUE, (int fd), (fd))
WRAP (int, chmod, FALSE, (const char *path, mode_t mode), (path, mode))
WRAP (int, fchmod, FALSE, (int fd, mode_t mode), (fd, mode))
WRAP (int, mkdir, TRUE, (const char *path, mode_t mode), (path, mode))
WRAP (int, ftruncate64, FALSE, (int fd, off64_t length), (fd, length))
WRAP (ssize_t,
      pwrite64,
      TRUE,
      (int fd, const void *buffer, size_t length, off64_t offset),
      (fd, buffer, length, offset))

int __real_open64 (const char *path, int flags, ...);
int __wrap_open64 (const char *path, int flags, ...);

int
__wrap_open64 (const char *path, int flags, ...)
{
  mode_t mode = 0;
  va_list arguments;

  va_start (arguments, flags);
  if (flags & O_CREAT)
    mode = va_arg (arguments, mode_t);
  va_end (arguments);

  return (flags & O_CREAT) && is_faulty (TRUE) ? -1 : __real_open64 (path, flags, mode);
}

gboolean __real_g_file_set_contents_full (const char *path,
                                          const char *contents,
                                          gssize length,
                                          GFileSetContentsFlags flags,
                                          int mode,
                                          GError **error);
gboolean __wrap_g_file_set_contents_full (const char *path,
                                          const char *contents,
                                          gssize length,
                                          GFileSetContentsFlags flags,
                                          int mode,
                                          GError **error);

gboolean
__wrap_g_file_set_contents_full (const char *path,
                                 const char *contents,
                                 gssize length,
                                 GFileSetContentsFlags flags,
                                 int mode,
                                 GError **error)
{
  if (!is_faulty (TRUE))
    return __real_g_file_set_contents_full (path, contents, length, flags, mode, error);

  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "fault");
  return FALSE;
}

char *__real_g_mkdtemp_full (char *path, int mode);
char *__wrap_g_mkdtemp_full (char *path, int mode);

char *
__wrap_g_mkdtemp_full (char *path, int mode)
{
  return is_faulty (TRUE) ? NULL : __real_g_mkdtemp_full (path, mode);
}
