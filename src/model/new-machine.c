/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The value and the checks that need no hypervisor. */
#include "model/new-machine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "model/error.h"
#include "model/medium-probe.h"

#define MIB        (G_GUINT64_CONSTANT (1) << 20)
#define MIN_MEMORY (64 * MIB)
#define MIN_DISK   (1 * MIB)
#define MAX_DISK   ((64 * MIB) << 20)
#define MAX_NAME   64
/* COMMAND_LINE_SIZE of Linux on x86, less the final NUL. */
#define MAX_CMDLINE 2047

gboolean
inn_medium_kind_is_disk (InnMediumKind kind)
{
  return kind == INN_MEDIUM_DISK || kind == INN_MEDIUM_QCOW2 || kind == INN_MEDIUM_FOREIGN;
}

InnNewMachine *
inn_new_machine_new (void)
{
  return g_new0 (InnNewMachine, 1);
}

InnNewMachine *
inn_new_machine_copy (const InnNewMachine *self)
{
  InnNewMachine *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = g_new (InnNewMachine, 1);
  *copy = *self;
  copy->name = g_strdup (self->name);
  copy->medium_path = g_strdup (self->medium_path);
  copy->initrd_path = g_strdup (self->initrd_path);
  copy->cmdline = g_strdup (self->cmdline);
  return copy;
}

void
inn_new_machine_free (InnNewMachine *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->medium_path);
  g_free (self->initrd_path);
  g_free (self->cmdline);
  g_free (self);
}

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID, sentence);
  return FALSE;
}

static gboolean
has_control_character (const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return TRUE;
  return FALSE;
}

gboolean
inn_new_machine_check_name (const char *name, GError **error)
{
  if (name == NULL || *name == '\0')
    return refuse (error, _ ("The machine needs a name."));
  if (!g_utf8_validate (name, -1, NULL) || has_control_character (name))
    return refuse (error, _ ("The name has a character that cannot be shown. Choose another."));
  if (g_utf8_strlen (name, -1) > MAX_NAME)
    return refuse (error, _ ("The name is longer than 64 characters. Choose a shorter one."));
  if (strchr (name, '/') != NULL || g_str_equal (name, ".") || g_str_equal (name, ".."))
    return refuse (error, _ ("A name cannot have a “/” and cannot be “.” or “..”."));
  return TRUE;
}

/* Opens a file to read without waiting for a peer, should it be a FIFO, or becoming a terminal. */
static int
open_file (const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat status;

  if (fd < 0)
    {
      InnError code = errno == EACCES || errno == EPERM ? INN_ERROR_PERMISSION : INN_ERROR_INVALID;

      g_set_error (error, INN_ERROR, code, _ ("“%s” cannot be read: %s."), name,
                   g_strerror (errno));
      return -1;
    }
  if (fstat (fd, &status) < 0 || (!S_ISREG (status.st_mode) && !S_ISBLK (status.st_mode)))
    {
      g_set_error (error, INN_ERROR, INN_ERROR_INVALID,
                   _ ("“%s” is not a file. Choose a file instead."), name);
      close (fd);
      return -1;
    }
  return fd;
}

static gsize
read_start (int fd, guint8 *buffer, gsize size)
{
  gsize length = 0;

  while (length < size)
    {
      gssize n = pread (fd, buffer + length, size - length, (off_t)length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      length += (gsize)n;
    }
  return length;
}

InnMediumKind
inn_new_machine_probe_medium (const char *path, guint64 *ret_iso_size, GError **error)
{
  g_autofree guint8 *buffer = NULL;
  gsize length;
  int fd;

  g_return_val_if_fail (path != NULL, INN_MEDIUM_NONE);

  fd = open_file (path, error);
  if (fd < 0)
    return INN_MEDIUM_NONE;
  buffer = g_malloc (INN_MEDIUM_PROBE_SIZE);
  length = read_start (fd, buffer, INN_MEDIUM_PROBE_SIZE);
  close (fd);
  if (ret_iso_size != NULL)
    *ret_iso_size = inn_medium_probe_iso_size (buffer, length);
  return inn_medium_probe (buffer, length, error);
}

static gboolean
check_resources (const InnNewMachine *self, guint64 host_memory, guint max_vcpus, GError **error)
{
  if (self->memory < MIN_MEMORY)
    return refuse (error, _ ("A machine needs at least 64 MiB of memory."));
  if (self->memory > host_memory)
    return refuse (error, _ ("That is more memory than this computer has."));
  if (self->vcpus < 1)
    return refuse (error, _ ("A machine needs at least one processor."));
  if (self->vcpus > max_vcpus)
    return refuse (error, _ ("That is more processors than this place can give a machine."));
  if (self->disk_size != 0 && self->disk_size < MIN_DISK)
    return refuse (error, _ ("A disk cannot be smaller than 1 MiB."));
  if (self->disk_size > MAX_DISK)
    return refuse (error, _ ("A disk cannot be larger than 64 TiB."));
  return TRUE;
}

static gboolean
check_kernel_options (const InnNewMachine *self, GError **error)
{
  if (self->initrd_path != NULL)
    {
      int fd = open_file (self->initrd_path, error);

      if (fd < 0)
        return FALSE;
      close (fd);
    }
  if (self->cmdline == NULL)
    return TRUE;
  if (!g_utf8_validate (self->cmdline, -1, NULL) || has_control_character (self->cmdline))
    return refuse (error, _ ("The kernel command line has a character that cannot be used."));
  if (strlen (self->cmdline) > MAX_CMDLINE)
    return refuse (error, _ ("The kernel command line is longer than 2047 bytes."));
  return TRUE;
}

static gboolean
check_medium (const InnNewMachine *self, GError **error)
{
  InnMediumKind kind;

  if (self->medium == INN_MEDIUM_NONE || self->medium == INN_MEDIUM_NETWORK)
    return TRUE;
  if (self->medium_path == NULL || !g_path_is_absolute (self->medium_path))
    return refuse (error, _ ("Choose a file to start the machine from."));

  kind = inn_new_machine_probe_medium (self->medium_path, NULL, error);
  if (kind == INN_MEDIUM_NONE)
    return FALSE;
  if (kind == self->medium)
    return self->medium != INN_MEDIUM_KERNEL || check_kernel_options (self, error);
  switch (self->medium)
    {
    case INN_MEDIUM_ISO:
      return refuse (error, _ ("This file is no bootable CD image. Choose another one."));
    case INN_MEDIUM_KERNEL:
      return refuse (error, _ ("This file is no Linux kernel (bzImage). Choose another one."));
    case INN_MEDIUM_DISK:
    case INN_MEDIUM_QCOW2:
    case INN_MEDIUM_FOREIGN:
    case INN_MEDIUM_NONE:
    case INN_MEDIUM_NETWORK:
    case INN_MEDIUM_N:
    default:
      return refuse (error, _ ("This file is no disk with a system on it. Choose another one."));
    }
}

gboolean
inn_new_machine_validate (const InnNewMachine *self,
                          guint64 host_memory,
                          guint max_vcpus,
                          GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return inn_new_machine_check_name (self->name, error)
         && check_resources (self, host_memory, max_vcpus, error) && check_medium (self, error);
}
