/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One process runs a machine: an open-file-description lock on the file "lock" in its folder.
 * Exclusive: the machine runs, or is just being started. Shared: it stays off.
 */
#include "config.h"

#include "machine-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "file-lock.h"

enum
{
  MAX_HOLDER_TEXT = 64,
  STAT_START_TIME_FIELD = 22, /* proc(5), /proc/pid/stat */
};

/* When the process started, in clock ticks since boot; with its pid this names it for good. */
static guint64
process_start_time (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int)pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  char *after_name = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  after_name = strrchr (text, ')');
  if (after_name == NULL)
    return 0;

  fields = g_strsplit (after_name, " ", -1); /* its first is field 2, the name's end */
  if (g_strv_length (fields) <= STAT_START_TIME_FIELD - 2)
    return 0;

  return g_ascii_strtoull (fields[STAT_START_TIME_FIELD - 2], NULL, 10);
}

static void
set_busy_error (const char *folder, const char *name, GError **error)
{
  GPid holder = inn_machine_lock_get_holder (folder);

  if (!inn_machine_lock_is_held (folder))
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("The disks of “%s” are just being copied or changed. Wait until that is done."),
                 name);
  else if (holder > 0)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("“%s” is running already (process %d). Nothing was changed."), name,
                 (int)holder);
  else
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("“%s” is running already, or somebody else is just starting it. Nothing "
                    "was changed."),
                 name);
}

/* Whether the file behind @fd is still the one at @path: a deleted machine's lock is worthless. */
static gboolean
is_same_file (int fd, const char *path)
{
  struct stat ours, current;

  return fstat (fd, &ours) == 0 && stat (path, &current) == 0 && ours.st_ino == current.st_ino
         && ours.st_dev == current.st_dev;
}

/* -1 and an error when it is not had. */
static int
lock_file (const char *folder, const char *name, InnFileLockKind kind, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "lock", NULL);
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int error_number = fd < 0 ? errno : inn_file_lock (fd, kind);

  if (error_number == 0 && !is_same_file (fd, path))
    error_number = ENOENT;
  if (error_number == 0 && kind == INN_FILE_LOCK_EXCLUSIVE && ftruncate (fd, 0) < 0)
    error_number = errno;
  if (error_number == 0)
    return fd;

  fd_close (&fd);
  if (error_number == EAGAIN)
    set_busy_error (folder, name, error);
  else if (error_number == ENOENT)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                 _ ("“%s” has just been deleted."), name);
  else
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
                 _ ("“%s” cannot be locked in the folder “%s”: %s."), name, folder,
                 g_strerror (error_number));
  return -1;
}

int
inn_machine_lock_acquire (const char *folder, const char *name, GError **error)
{
  return lock_file (folder, name, INN_FILE_LOCK_EXCLUSIVE, error);
}

int
inn_machine_lock_keep_off (const char *folder, const char *name, GError **error)
{
  return lock_file (folder, name, INN_FILE_LOCK_SHARED, error);
}

void
inn_machine_lock_set_holder (int lock_fd, GPid pid)
{
  g_autofree char *text
      = g_strdup_printf ("%d %" G_GUINT64_FORMAT "\n", (int)pid, process_start_time (pid));

  /* Only a courtesy: without it messages name no process. */
  if (pwrite (lock_fd, text, strlen (text), 0) < 0)
    g_debug ("Lock holder not noted: %s", g_strerror (errno));
}

static int
open_lock_file (const char *folder, int flags)
{
  g_autofree char *path = g_build_filename (folder, "lock", NULL);

  return g_open (path, flags | O_CLOEXEC, 0);
}

void
inn_machine_lock_note_holder (const char *folder, GPid pid)
{
  int fd = open_lock_file (folder, O_WRONLY);

  if (fd >= 0)
    inn_machine_lock_set_holder (fd, pid);
  fd_close (&fd);
}

gboolean
inn_machine_lock_is_held (const char *folder)
{
  int fd = open_lock_file (folder, O_RDONLY);
  gboolean held = fd >= 0 && inn_file_lock_is_held_exclusively (fd);

  fd_close (&fd);
  return held;
}

static GPid
parse_holder (const char *text)
{
  char *end = NULL;
  guint64 pid = g_ascii_strtoull (text, &end, 10);
  guint64 start_time = g_ascii_strtoull (end, NULL, 10);

  if (pid < 2 || pid > G_MAXINT || start_time == 0)
    return 0;

  return process_start_time ((GPid)pid) == start_time ? (GPid)pid : 0;
}

GPid
inn_machine_lock_get_holder (const char *folder)
{
  char text[MAX_HOLDER_TEXT + 1] = "";
  int fd = open_lock_file (folder, O_RDONLY);
  GPid holder = 0;

  if (fd >= 0 && inn_file_lock_is_held_exclusively (fd) && pread (fd, text, MAX_HOLDER_TEXT, 0) > 0)
    holder = parse_holder (text);

  fd_close (&fd);
  return holder;
}
