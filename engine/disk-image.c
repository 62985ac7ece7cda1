/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks: files without holes filled in, or block devices.
 */
#include "config.h"

#include "disk-image.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "disk-import.h"
#include "file-lock.h"
#include "image/qcow2-create.h"
#include "layer-store-private.h"

#define SIZE_UNIT ((guint64)1 << 20)
#define MAX_SIZE  ((guint64)1 << 50)

static void
set_create_error (const char *path, int error_number, GError **error)
{
  if (error_number == EFBIG)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                 _ ("The disk “%s” was not created: this file system cannot hold a file that "
                    "large. Choose a smaller disk."),
                 path);
  else
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
                 _ ("The disk “%s” was not created: %s."), path, g_strerror (error_number));
}

/* Whole MiB; FALSE for no size of a disk. */
static gboolean
round_size (guint64 *size, GError **error)
{
  if (*size == 0 || *size > MAX_SIZE)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("A disk has more than 0 bytes and at most 1024 TiB; choose another "
                              "size."));
      return FALSE;
    }

  *size = (*size + SIZE_UNIT - 1) / SIZE_UNIT * SIZE_UNIT;
  return TRUE;
}

static int
fill_raw (int fd, const void *data)
{
  const guint64 *size = data;

  return ftruncate (fd, (off_t)*size) < 0 || fsync (fd) < 0 ? -errno : 0;
}

static int
fill_qcow2 (int fd, const void *data)
{
  return qcow2_create (fd, data);
}

/* @fill makes a disk of an empty file: 0 or negative errno. */
static gboolean
create_file (const char *path,
             int (*fill) (int fd, const void *data),
             const void *data,
             GError **error)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int error_number;

  if (fd < 0)
    {
      set_create_error (path, errno, error);
      return FALSE;
    }
  error_number = -fill (fd, data);
  fd_close (&fd);
  if (error_number == 0)
    return TRUE;

  g_unlink (path);
  set_create_error (path, error_number, error);
  return FALSE;
}

gboolean
inn_disk_image_create (const char *path, guint64 size, GError **error)
{
  return round_size (&size, error) && create_file (path, fill_raw, &size, error);
}

gboolean
inn_disk_image_create_qcow2 (const char *path,
                             const struct qcow2_create_options *options,
                             GError **error)
{
  struct qcow2_create_options rounded = *options;

  return round_size (&rounded.virtual_size, error)
         && create_file (path, fill_qcow2, &rounded, error);
}

static void
set_open_error (const char *path, InnDiskAccess access, int error_number, GError **error)
{
  const InnEngineError code = inn_engine_error_from_errno (error_number);

  if (code == INN_ENGINE_ERROR_NOT_FOUND)
    g_set_error (error, INN_ENGINE_ERROR, code,
                 _ ("The disk or CD “%s” is not there. Put it back, or remove it from the "
                    "machine."),
                 path);
  else if (code == INN_ENGINE_ERROR_PERMISSION && access == INN_DISK_READ_WRITE)
    g_set_error (error, INN_ENGINE_ERROR, code,
                 _ ("The disk “%s” may not be written by you. Change its permissions, or make "
                    "it read-only in the machine."),
                 path);
  else if (error_number == EAGAIN)
    g_set_error (error, INN_ENGINE_ERROR, code,
                 _ ("The disk “%s” is in use by another machine. Shut that one down first."), path);
  else
    g_set_error (error, INN_ENGINE_ERROR, code, _ ("The disk “%s” cannot be opened: %s."), path,
                 g_strerror (error_number));
}

static gboolean
check_opened (int fd, const char *path, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) < 0 || !(S_ISREG (status.st_mode) || S_ISBLK (status.st_mode)))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("“%s” cannot be a disk: it is neither a file nor a block device."), path);
      return FALSE;
    }
  if (S_ISREG (status.st_mode) && status.st_size == 0)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("“%s” cannot be a disk: the file is empty."), path);
      return FALSE;
    }

  return TRUE;
}

static int
open_and_lock (const char *path,
               InnDiskAccess access,
               int (*lock) (int fd, InnFileLockKind kind),
               GError **error)
{
  const gboolean writable = access == INN_DISK_READ_WRITE;
  /* Not blocking, or opening a FIFO would wait for its other end. */
  int fd = g_open (path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  int error_number;

  if (fd < 0)
    {
      if (errno == EISDIR)
        g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                     _ ("“%s” cannot be a disk: it is a folder."), path);
      else
        set_open_error (path, access, errno, error);
      return -1;
    }
  if (!check_opened (fd, path, error))
    {
      fd_close (&fd);
      return -1;
    }

  error_number = -fd_set_nonblocking (fd, 0);
  if (error_number == 0 && access != INN_DISK_READ_UNLOCKED)
    error_number = lock (fd, writable ? INN_FILE_LOCK_EXCLUSIVE : INN_FILE_LOCK_SHARED);
  if (error_number != 0)
    {
      fd_close (&fd);
      set_open_error (path, access, error_number, error);
    }

  return fd;
}

int
inn_disk_image_open (const char *path, InnDiskAccess access, GError **error)
{
  return open_and_lock (path, access, inn_file_lock, error);
}

int
inn_disk_image_open_patiently (const char *path, InnDiskAccess access, GError **error)
{
  return open_and_lock (path, access, inn_file_lock_patiently, error);
}

static void
set_grow_error (const char *path, int error_number, GError **error)
{
  if (error_number == EFBIG)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                 _ ("The disk “%s” was not made larger: this file system cannot hold a file that "
                    "large. Choose a smaller size."),
                 path);
  else
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
                 _ ("The disk “%s” was not made larger: %s."), path, g_strerror (error_number));
}

static gboolean
check_can_grow (const struct stat *status, const char *path, guint64 size, GError **error)
{
  g_autofree char *present = NULL;

  if (!S_ISREG (status->st_mode))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                   _ ("“%s” is a device of this computer: make it larger with this computer’s own "
                      "tools."),
                   path);
      return FALSE;
    }
  if (size >= (guint64)status->st_size)
    return TRUE;

  present = g_format_size_full ((guint64)status->st_size, G_FORMAT_SIZE_IEC_UNITS);
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("The disk “%s” has %s and can only become larger, or what is at its end would be "
                  "lost. Choose a larger size."),
               path, present);
  return FALSE;
}

static gboolean
grow_opened (int fd, const char *path, guint64 size, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) == 0 && !check_can_grow (&status, path, size, error))
    return FALSE;
  if (ftruncate (fd, (off_t)size) == 0 && fsync (fd) == 0)
    return TRUE;

  set_grow_error (path, errno, error);
  return FALSE;
}

gboolean
inn_disk_image_grow (const char *path, guint64 *size, gboolean locked, GError **error)
{
  gboolean grown;
  int fd;

  if (!round_size (size, error))
    return FALSE;

  if (locked)
    fd = g_open (path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  else
    fd = inn_disk_image_open_patiently (path, INN_DISK_READ_WRITE, error);
  if (fd < 0)
    {
      if (locked)
        set_open_error (path, INN_DISK_READ_WRITE, errno, error);
      return FALSE;
    }

  grown = grow_opened (fd, path, *size, error);
  fd_close (&fd);
  return grown;
}

/* @image is of the file at @path. */
static gboolean
grow_image (struct qcow2_image *image,
            const char *path,
            guint64 size,
            gboolean check,
            GError **error)
{
  const guint64 present = qcow2_image_header (image)->virtual_size;
  g_autofree char *present_text = g_format_size_full (present, G_FORMAT_SIZE_IEC_UNITS);
  int r = present <= size && !check ? qcow2_image_grow (image, size) : 0;

  if (present > size)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                 _ ("The disk “%s” has %s and can only become larger, or what is at its end would "
                    "be lost. Choose a larger size."),
                 path, present_text);
  else if (r == -ENOTSUP)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                 _ ("“%s” has snapshots inside. Remove them with qemu-img snapshot -d first."),
                 path);
  else if (r < 0)
    set_grow_error (path, -r, error);
  else
    return TRUE;

  return FALSE;
}

gboolean
inn_disk_image_grow_qcow2 (const char *path, guint64 *size, gboolean check, GError **error)
{
  const enum image_access access = check ? IMAGE_READ_ONLY : IMAGE_READ_WRITE;
  struct image_chain *chain;
  gboolean grown;
  int fd = -1;

  if (!round_size (size, error))
    return FALSE;
  if (!check)
    fd = inn_disk_image_open_patiently (path, INN_DISK_READ_WRITE, error); /* for its lock */
  if (!check && fd < 0)
    return FALSE;

  chain = inn_layer_store_open_chain (path, "qcow2", access, error);
  grown = chain != NULL && grow_image (image_chain_image (chain), path, *size, check, error);
  image_chain_close (chain);
  fd_close (&fd);

  return grown;
}

gboolean
inn_disk_image_check_import (const char *path, InnDiskFormat *ret_format, GError **error)
{
  int fd = inn_disk_image_open (path, INN_DISK_READ_WRITE, error);
  g_autofree char *raw_path = g_strconcat (path, ".raw", NULL);
  g_autofree char *quoted = g_shell_quote (path);
  g_autofree char *quoted_raw = g_shell_quote (raw_path);
  InnDiskFormat format;

  if (fd < 0)
    return FALSE;
  fd_close (&fd);
  if (!inn_disk_import_find_format (path, NULL, &format, error))
    return FALSE;
  if (ret_format != NULL)
    *ret_format = format;
  if (format == INN_DISK_FORMAT_RAW || format == INN_DISK_FORMAT_QCOW2)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
               _ ("“%s” is a %s disk, and this engine uses raw and qcow2 disks only. Convert it: "
                  "qemu-img convert -f %s -O raw %s %s"),
               path, inn_disk_format_to_word (format), inn_disk_format_to_qemu_word (format),
               quoted, quoted_raw);
  return FALSE;
}

gboolean
inn_disk_image_check_medium (const char *path, GError **error)
{
  int fd = inn_disk_image_open (path, INN_DISK_READ_ONLY, error);
  const gboolean good = fd >= 0;

  fd_close (&fd);
  return good;
}

char *
inn_disk_image_get_space_warning (const char *folder, guint64 size)
{
  g_autofree char *wanted = NULL;
  g_autofree char *available = NULL;
  struct statvfs file_system;
  guint64 free_bytes;

  if (statvfs (folder, &file_system) < 0)
    return NULL;
  free_bytes = (guint64)file_system.f_bavail * file_system.f_frsize;
  if (free_bytes >= size)
    return NULL;

  wanted = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);
  available = g_format_size_full (free_bytes, G_FORMAT_SIZE_IEC_UNITS);
  return g_strdup_printf (_ ("The disks can grow to %s, but only %s are free in “%s”. The machine "
                             "pauses when that is used up."),
                          wanted, available, folder);
}
