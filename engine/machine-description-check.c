/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a machine's description can be kept, and whether this engine can start it.
 */
#include "config.h"

#include "machine-description.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "engine-error.h"
#include "protocol/statistics-protocol.h"

#define MIN_MEMORY        ((guint64)1 << 20)
#define MAX_MEMORY        ((guint64)1 << 46) /* what 46 address bits can hold */
#define MAX_SERIAL_LENGTH 20                 /* virtio 1.2, 5.2.6: the device ID string */

gboolean
inn_machine_description_check_text (const char *what, const char *text, GError **error)
{
  gboolean good = g_utf8_validate (text, -1, NULL);

  for (const char *c = text; good && *c != '\0'; c = g_utf8_next_char (c))
    good = !g_unichar_iscntrl (g_utf8_get_char (c)) && g_utf8_get_char (c) < 0xfffe;
  if (!good)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                 _ ("%s has a character that cannot be stored in a definition; choose one of "
                    "plain text."),
                 what);

  return good;
}

gboolean
inn_machine_description_check_name (const char *name, GError **error)
{
  if (name == NULL || *name == '\0')
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("The machine has no name; give it one."));
      return FALSE;
    }
  if (!inn_machine_description_check_text (_ ("The name"), name, error))
    return FALSE;
  if (strchr (name, '/') != NULL || g_str_equal (name, ".") || g_str_equal (name, ".."))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("“%s” cannot be a machine's name; choose one without “/”."), name);
      return FALSE;
    }
  if (g_utf8_strlen (name, -1) > INN_MACHINE_MAX_NAME)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The name is too long; choose one of at most %d characters."),
                   INN_MACHINE_MAX_NAME);
      return FALSE;
    }

  return TRUE;
}

static gboolean
serial_is_valid (const char *serial)
{
  return strlen (serial) <= MAX_SERIAL_LENGTH
         && strspn (serial, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.+-") == strlen (serial);
}

static gboolean
validate_disk (const InnDiskDescription *disk, GError **error)
{
  if (disk->target == NULL || *disk->target == '\0')
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("A disk in the definition has no target name such as “vda”."));
      return FALSE;
    }
  if (disk->path != NULL && !g_path_is_absolute (disk->path))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The file of disk “%s” is not given from the root: “%s”."), disk->target,
                   disk->path);
      return FALSE;
    }
  if (disk->serial != NULL && !serial_is_valid (disk->serial))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The serial number of disk “%s” must be at most %d letters, digits, “_”, "
                      "“.”, “+” or “-”."),
                   disk->target, MAX_SERIAL_LENGTH);
      return FALSE;
    }

  return TRUE;
}

static gboolean
validate_disks (const InnMachineDescription *self, GError **error)
{
  const guint n_disks = inn_machine_description_get_n_disks (self);
  g_autoptr (GHashTable) targets = g_hash_table_new (g_str_hash, g_str_equal);

  if (n_disks > STATISTICS_MAX_DISKS)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The definition has %u disks; at most %d are possible."), n_disks,
                   (int)STATISTICS_MAX_DISKS);
      return FALSE;
    }
  for (guint i = 0; i < n_disks; i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (self, i);

      if (!validate_disk (disk, error))
        return FALSE;
      if (!g_hash_table_add (targets, disk->target))
        {
          g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                       _ ("Two disks in the definition have the target name “%s”."), disk->target);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
validate_boot_path (const char *path, GError **error)
{
  if (path == NULL || g_path_is_absolute (path))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("The definition names the file “%s” without saying in which folder it is."),
               path);
  return FALSE;
}

static gboolean
validate_shape (guint64 memory, guint vcpus, GError **error)
{
  if (memory < MIN_MEMORY || memory > MAX_MEMORY)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("A machine needs at least 1 MiB of memory and can have at most "
                              "64 TiB; change its memory."));
      return FALSE;
    }
  if (vcpus < 1 || vcpus > STATISTICS_MAX_VCPUS)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("A machine has from 1 to %d processors; change their number."),
                   (int)STATISTICS_MAX_VCPUS);
      return FALSE;
    }

  return TRUE;
}

gboolean
inn_machine_description_validate (const InnMachineDescription *self, GError **error)
{
  const char *uuid;

  g_return_val_if_fail (self != NULL, FALSE);

  if (!inn_machine_description_check_name (inn_machine_description_get_name (self), error))
    return FALSE;
  uuid = inn_machine_description_get_uuid (self);
  if (uuid == NULL || !g_uuid_string_is_valid (uuid))
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("The definition has no valid UUID."));
      return FALSE;
    }

  return validate_shape (inn_machine_description_get_memory (self),
                         inn_machine_description_get_vcpus (self), error)
         && validate_boot_path (inn_machine_description_get_kernel (self), error)
         && validate_boot_path (inn_machine_description_get_initrd (self), error)
         && validate_disks (self, error);
}

static gboolean
check_disk_startable (const InnMachineDescription *self,
                      const InnDiskDescription *disk,
                      GError **error)
{
  const char *reason = NULL;

  if (disk->kind == INN_DISK_CDROM)
    reason = _ ("it is a CD drive");
  else if (disk->kind == INN_DISK_OTHER)
    reason = _ ("it is neither a disk nor a CD drive");
  else if (disk->path == NULL)
    reason = _ ("it is not a file of this computer");
  else if (disk->format != NULL && !g_str_equal (disk->format, "raw"))
    reason = _ ("its format is not raw");
  else if (disk->bus != NULL && !g_str_equal (disk->bus, "virtio"))
    reason = _ ("it is not on the virtio bus");
  if (reason == NULL)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
               _ ("“%s” cannot start here: this engine lacks what disk “%s” needs so far (%s). "
                  "Remove it, or run the machine in QEMU."),
               inn_machine_description_get_name (self), disk->target, reason);
  return FALSE;
}

gboolean
inn_machine_description_check_startable (const InnMachineDescription *self, GError **error)
{
  const char *name = inn_machine_description_get_name (self);
  const char *arch = inn_machine_description_get_arch (self);
  const char *os_type = inn_machine_description_get_os_type (self);

  if ((arch != NULL && !g_str_equal (arch, "x86_64"))
      || (os_type != NULL && !g_str_equal (os_type, "hvm")))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                   _ ("“%s” cannot start here: it is made for another kind of computer "
                      "(%s, %s)."),
                   name, os_type != NULL ? os_type : "hvm", arch != NULL ? arch : "x86_64");
      return FALSE;
    }
  if (inn_machine_description_get_kernel (self) == NULL)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                   _ ("“%s” cannot start here: it has no kernel, and this engine lacks firmware "
                      "so far. Give it a Linux kernel, or run the machine in QEMU."),
                   name);
      return FALSE;
    }
  for (guint i = 0; i < inn_machine_description_get_n_disks (self); i++)
    {
      if (!check_disk_startable (self, inn_machine_description_get_disk (self, i), error))
        return FALSE;
    }

  return TRUE;
}
