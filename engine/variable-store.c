/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store of a machine's UEFI variables.
 */
#include "config.h"

#include "variable-store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "disposable-file.h"
#include "engine-error.h"
#include "file-lock.h"

#define MAX_SIZE ((guint64)16 << 20) /* below 4 GiB there is room for no larger flash */

enum
{
  MAX_KEPT = 100, /* stores that were put aside */
};

/* EFI_FIRMWARE_VOLUME_HEADER, up to its block map. */
enum
{
  VOLUME_LENGTH = 32,
  VOLUME_SIGNATURE = 40,
  VOLUME_HEADER_LENGTH = 48,
  VOLUME_BLOCK_MAP = 56,
  BLOCK_MAP_ENTRY = 8, /* number of blocks, length of one; both 0 end the map */
};

/* All 16-bit words of the header add up to zero. */
static gboolean
has_checksum (const guint8 *header, gsize header_length)
{
  guint sum = 0;

  for (gsize i = 0; i < header_length; i += 2)
    sum += load_le16 (header + i);

  return (sum & 0xffff) == 0;
}

/* The blocks of the map make up the volume. */
static gboolean
has_blocks (const guint8 *header, gsize header_length, guint64 volume_length)
{
  guint64 total = 0;

  for (gsize i = VOLUME_BLOCK_MAP; i + BLOCK_MAP_ENTRY <= header_length; i += BLOCK_MAP_ENTRY)
    {
      const guint64 count = load_le32 (header + i), block = load_le32 (header + i + 4);

      if (count == 0 && block == 0)
        return total == volume_length;
      if (count * block > volume_length - total)
        return FALSE;
      total += count * block;
    }

  return FALSE;
}

gboolean
inn_variable_store_check (const guint8 *header, gsize length, guint64 size)
{
  gsize header_length;

  if (length < VOLUME_BLOCK_MAP + 2 * BLOCK_MAP_ENTRY || length > size
      || memcmp (header + VOLUME_SIGNATURE, "_FVH", 4) != 0)
    return FALSE;

  header_length = load_le16 (header + VOLUME_HEADER_LENGTH);
  return header_length >= VOLUME_BLOCK_MAP + 2 * BLOCK_MAP_ENTRY && header_length <= length
         && header_length % 2 == 0 && load_le64 (header + VOLUME_LENGTH) == size
         && has_checksum (header, header_length) && has_blocks (header, header_length, size);
}

/* ---- files ---- */

static void
set_template_error (const char *path, int error_number, GError **error)
{
  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
               _ ("“%s”, the template for UEFI variables, cannot be used: %s. Install the package "
                  "“ovmf” again."),
               path, g_strerror (error_number));
}

static gboolean
file_is_good (int fd, guint64 size)
{
  guint8 header[INN_VARIABLE_STORE_HEADER_SIZE];
  const gsize length = (gsize)MIN (size, sizeof header);

  return fd_read_at (fd, header, length, 0) == 0 && inn_variable_store_check (header, length, size);
}

/* A descriptor, or -1. */
static int
open_template (const char *path, guint64 *ret_size, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  struct stat status;
  int error_number = 0;

  if (fd < 0 || fstat (fd, &status) < 0)
    error_number = errno;
  else if (!S_ISREG (status.st_mode) || (guint64)status.st_size > MAX_SIZE
           || !file_is_good (fd, (guint64)status.st_size))
    error_number = EINVAL;
  if (error_number != 0)
    {
      fd_close (&fd);
      set_template_error (path, error_number, error);
      return -1;
    }

  *ret_size = (guint64)status.st_size;
  return fd;
}

static gboolean
copy_template (const char *path, const char *template_path, int fd, guint64 size, GError **error)
{
  g_autofree char *bytes = g_malloc (size);
  g_autoptr (GError) local_error = NULL;
  const int r = fd_read_at (fd, bytes, size, 0);
  int error_number;

  if (r != 0)
    {
      set_template_error (template_path, -r, error);
      return FALSE;
    }
  if (g_file_set_contents_full (path, bytes, (gssize)size,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local_error))
    return TRUE;

  error_number = inn_engine_errno_from_file_error (local_error);
  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
               _ ("The UEFI variables “%s” cannot be written: %s."), path,
               g_strerror (error_number));
  return FALSE;
}

static void
set_open_error (const char *path, int error_number, GError **error)
{
  if (error_number == EAGAIN)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("The UEFI variables “%s” are in use by another machine. Shut that one down "
                    "first."),
                 path);
  else
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
                 _ ("The UEFI variables “%s” cannot be opened: %s."), path,
                 g_strerror (error_number));
}

/*
 * A VMM that was killed while it wrote has left the changes behind the store, and the next one
 * completes them; what the store itself holds is not whole until then.
 */
static gboolean
has_unfinished_changes (guint64 file_size, guint64 size)
{
  return file_size > size && file_size <= 2 * size + INN_VARIABLE_STORE_JOURNAL_MARGIN;
}

static gboolean
check_opened (int fd, const char *path, guint64 size, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) < 0)
    {
      set_open_error (path, errno, error);
      return FALSE;
    }
  if (S_ISREG (status.st_mode) && has_unfinished_changes ((guint64)status.st_size, size))
    return TRUE;
  if (!S_ISREG (status.st_mode) || (guint64)status.st_size != size || !file_is_good (fd, size))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The UEFI variables “%s” are damaged or belong to other firmware. Start the "
                      "machine with fresh ones (“innctl start --reset-nvram”); the file is kept "
                      "under another name."),
                   path);
      return FALSE;
    }

  return TRUE;
}

/* The store that is there, for reading; it may have more than @size bytes. */
static int
open_source (const char *path, guint64 size, guint64 *ret_size, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  const int error_number = fd < 0 ? errno : inn_file_lock_patiently (fd, INN_FILE_LOCK_SHARED);
  struct stat status;

  if (error_number != 0)
    set_open_error (path, error_number, error);
  if (error_number != 0 || !check_opened (fd, path, size, error) || fstat (fd, &status) < 0)
    {
      fd_close (&fd);
      return -1;
    }

  *ret_size = (guint64)status.st_size;
  return fd;
}

static gboolean
copy_bytes (int from, int to, guint64 size, const char *path, GError **error)
{
  g_autofree char *bytes = g_malloc (size);
  int r = fd_read_at (from, bytes, size, 0);

  if (r == 0)
    r = fd_write_at (to, bytes, size, 0);
  if (r < 0)
    set_open_error (path, -r, error);

  return r == 0;
}

int
inn_variable_store_open_copy (const char *path,
                              const char *template_path,
                              const char *folder,
                              GError **error)
{
  guint64 size = 0;
  int source = open_template (template_path, &size, error);
  int fd;

  if (source < 0)
    return -1;
  if (g_access (path, F_OK) == 0) /* with the changes that are behind it */
    {
      fd_close (&source);
      source = open_source (path, size, &size, error);
    }

  fd = source >= 0 ? inn_disposable_file_new (folder, error) : -1;
  if (fd >= 0 && !copy_bytes (source, fd, size, path, error))
    fd_close (&fd);
  fd_close (&source);
  return fd;
}

int
inn_variable_store_open (const char *path, const char *template_path, GError **error)
{
  guint64 size = 0;
  int template_fd = open_template (template_path, &size, error);
  gboolean there;
  int error_number;
  int fd;

  if (template_fd < 0)
    return -1;
  there
      = g_access (path, F_OK) == 0 || copy_template (path, template_path, template_fd, size, error);
  fd_close (&template_fd);
  if (!there)
    return -1;

  fd = g_open (path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  error_number = fd < 0 ? errno : inn_file_lock_patiently (fd, INN_FILE_LOCK_EXCLUSIVE);
  if (error_number != 0)
    set_open_error (path, error_number, error);
  if (error_number != 0 || !check_opened (fd, path, size, error))
    fd_close (&fd);

  return fd;
}

gboolean
inn_variable_store_reset (const char *path, char **ret_kept, GError **error)
{
  *ret_kept = NULL;
  if (g_access (path, F_OK) < 0 && errno == ENOENT)
    return TRUE;

  for (guint i = 1; i <= MAX_KEPT; i++)
    {
      g_autofree char *kept = g_strdup_printf ("%s.%u", path, i);

      /* A link never replaces what is there, as a rename would. */
      if (link (path, kept) == 0 && g_unlink (path) == 0)
        {
          *ret_kept = g_steal_pointer (&kept);
          return TRUE;
        }
      if (errno != EEXIST)
        break;
    }

  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
               _ ("The UEFI variables “%s” cannot be put aside: %s. Nothing was changed."), path,
               g_strerror (errno));
  return FALSE;
}
