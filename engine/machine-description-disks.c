/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks and CD drives in a machine's description.
 */
#include "config.h"

#include "machine-description-disks.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "machine-description-private.h"
#include "protocol/statistics-protocol.h"

#define MAX_SERIAL_LENGTH 20 /* virtio 1.2, 5.2.6: the device ID string */

static const struct
{
  const char *word;
  const char *prefix; /* of the targets */
  guint max;
} buses[] = {
  [INN_DISK_BUS_VIRTIO] = { "virtio", "vd", INN_MACHINE_MAX_VIRTIO_DISKS },
  [INN_DISK_BUS_SATA] = { "sata", "sd", INN_MACHINE_MAX_SATA_DISKS },
};

static void
disk_free (InnDiskDescription *disk)
{
  g_free (disk->path);
  g_free (disk->target);
  g_free (disk->format);
  g_free (disk->serial);
  g_free (disk);
}

static InnDiskKind
read_kind (xmlNode *element)
{
  g_autofree char *device = inn_xml_get_attribute (element, "device");

  if (device == NULL || g_str_equal (device, "disk"))
    return INN_DISK_DISK;

  return g_str_equal (device, "cdrom") ? INN_DISK_CDROM : INN_DISK_OTHER;
}

static InnDiskBus
read_bus (xmlNode *target, const InnDiskDescription *disk)
{
  g_autofree char *word = inn_xml_get_attribute (target, "bus");

  if (word == NULL)
    return disk->kind == INN_DISK_CDROM
                   || (disk->target != NULL && g_str_has_prefix (disk->target, "sd"))
               ? INN_DISK_BUS_SATA
               : INN_DISK_BUS_VIRTIO;
  for (guint i = 0; i < G_N_ELEMENTS (buses); i++)
    {
      if (g_str_equal (word, buses[i].word))
        return (InnDiskBus)i;
    }

  return INN_DISK_BUS_OTHER;
}

static gboolean
is_remote (xmlNode *element)
{
  g_autofree char *type = inn_xml_get_attribute (element, "type");

  return type != NULL && !g_str_equal (type, "file") && !g_str_equal (type, "block");
}

static InnDiskDescription *
read_disk (xmlNode *element)
{
  InnDiskDescription *disk = g_new0 (InnDiskDescription, 1);
  xmlNode *source = inn_xml_find (element, "source");
  xmlNode *target = inn_xml_find (element, "target");

  disk->kind = read_kind (element);
  disk->remote = is_remote (element);
  disk->path = inn_xml_get_attribute (source, "file");
  if (disk->path == NULL)
    disk->path = inn_xml_get_attribute (source, "dev");
  disk->target = inn_xml_get_attribute (target, "dev");
  disk->bus = read_bus (target, disk);
  disk->format = inn_xml_get_attribute (inn_xml_find (element, "driver"), "type");
  disk->serial = inn_xml_get_text (inn_xml_find (element, "serial"));
  disk->readonly = inn_xml_find (element, "readonly") != NULL;

  return disk;
}

void
inn_machine_description_read_disks (InnMachineDescription *self)
{
  xmlNode *devices = inn_machine_description_find (self, "devices");

  g_clear_pointer (&self->disks, g_ptr_array_unref);
  self->disks = g_ptr_array_new_with_free_func ((GDestroyNotify)disk_free);
  for (xmlNode *disk = inn_xml_find (devices, "disk"); disk != NULL; disk = inn_xml_next (disk))
    g_ptr_array_add (self->disks, read_disk (disk));
}

guint
inn_machine_description_get_n_disks (const InnMachineDescription *self)
{
  return self->disks->len;
}

const InnDiskDescription *
inn_machine_description_get_disk (const InnMachineDescription *self, guint index)
{
  g_return_val_if_fail (index < self->disks->len, NULL);

  return g_ptr_array_index (self->disks, index);
}

const InnDiskDescription *
inn_machine_description_find_disk (const InnMachineDescription *self, const char *target)
{
  for (guint i = 0; i < self->disks->len; i++)
    {
      const InnDiskDescription *disk = g_ptr_array_index (self->disks, i);

      if (g_strcmp0 (disk->target, target) == 0)
        return disk;
    }

  return NULL;
}

/* ---- changes ---- */

static xmlNode *
find_element (const InnMachineDescription *self, const char *target)
{
  xmlNode *disk = inn_xml_find (inn_machine_description_find (self, "devices"), "disk");

  for (; disk != NULL; disk = inn_xml_next (disk))
    {
      g_autofree char *name = inn_xml_get_attribute (inn_xml_find (disk, "target"), "dev");

      if (g_strcmp0 (name, target) == 0)
        return disk;
    }

  return NULL;
}

/* vda to vdz, then vdaa, vdab, ... as Linux counts. */
static char *
next_target (const InnMachineDescription *self, const char *prefix)
{
  for (guint i = 0;; i++)
    {
      g_autofree char *target
          = i < 26 ? g_strdup_printf ("%s%c", prefix, 'a' + i)
                   : g_strdup_printf ("%s%c%c", prefix, 'a' + i / 26 - 1, 'a' + i % 26);

      if (inn_machine_description_find_disk (self, target) == NULL)
        return g_steal_pointer (&target);
    }
}

/* Of a file: what else the document says of the source before was about that one. */
static void
set_source (xmlNode *disk, const char *path)
{
  const gboolean block
      = path != NULL && g_str_has_prefix (path, "/dev/") && !g_str_has_prefix (path, "/dev/shm/");

  inn_xml_remove (inn_xml_find (disk, "source"));
  inn_xml_remove (inn_xml_find (disk, "backingStore"));
  inn_xml_set_attribute (disk, "type", block ? "block" : "file");
  if (path != NULL)
    inn_xml_set_attribute (inn_xml_append (disk, "source"), block ? "dev" : "file", path);
}

const char *
inn_machine_description_add_disk (InnMachineDescription *self,
                                  InnDiskKind kind,
                                  InnDiskBus bus,
                                  const char *path)
{
  g_autofree char *target = NULL;
  xmlNode *disk;

  g_return_val_if_fail (bus != INN_DISK_BUS_OTHER && kind != INN_DISK_OTHER, NULL);

  target = next_target (self, buses[bus].prefix);
  disk = inn_xml_append (inn_machine_description_ensure (self, "devices"), "disk");
  inn_xml_set_attribute (disk, "type", "file");
  inn_xml_set_attribute (disk, "device", kind == INN_DISK_CDROM ? "cdrom" : "disk");
  inn_xml_set_attribute (inn_xml_ensure (disk, "driver"), "type", "raw");
  set_source (disk, path);
  inn_xml_set_attribute (inn_xml_ensure (disk, "target"), "dev", target);
  inn_xml_set_attribute (inn_xml_find (disk, "target"), "bus", buses[bus].word);
  if (kind == INN_DISK_CDROM)
    inn_xml_ensure (disk, "readonly");
  inn_machine_description_read_disks (self);

  return inn_machine_description_find_disk (self, target)->target;
}

void
inn_machine_description_remove_disk (InnMachineDescription *self, const char *target)
{
  xmlNode *disk = find_element (self, target);

  g_return_if_fail (disk != NULL);

  inn_xml_remove (disk);
  inn_machine_description_read_disks (self);
}

void
inn_machine_description_set_disk_path (InnMachineDescription *self,
                                       const char *target,
                                       const char *path)
{
  xmlNode *disk = find_element (self, target);

  g_return_if_fail (disk != NULL);

  set_source (disk, path);
  inn_machine_description_read_disks (self);
}

void
inn_machine_description_set_disk_layer (InnMachineDescription *self,
                                        const char *target,
                                        const char *path,
                                        const char *format)
{
  xmlNode *disk = find_element (self, target);

  g_return_if_fail (disk != NULL);

  set_source (disk, path);
  inn_xml_set_attribute (inn_xml_ensure (disk, "driver"), "type", format);
  inn_machine_description_read_disks (self);
}

void
inn_machine_description_set_disk_serial (InnMachineDescription *self,
                                         const char *target,
                                         const char *serial)
{
  xmlNode *disk = find_element (self, target);

  g_return_if_fail (disk != NULL);

  inn_xml_set_child_text (disk, "serial", serial);
  inn_machine_description_read_disks (self);
}

void
inn_machine_description_set_disk_readonly (InnMachineDescription *self,
                                           const char *target,
                                           gboolean readonly)
{
  xmlNode *disk = find_element (self, target);

  g_return_if_fail (disk != NULL);

  if (readonly)
    inn_xml_ensure (disk, "readonly");
  else
    inn_xml_remove (inn_xml_find (disk, "readonly"));
  inn_machine_description_read_disks (self);
}

/* ---- checks ---- */

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
    return inn_machine_description_refuse (
        error, _ ("A disk in the definition has no target name such as “vda”."));
  if (disk->path != NULL && !g_path_is_absolute (disk->path))
    return inn_machine_description_refuse (
        error, _ ("The file of disk “%s” is not given from the root: “%s”."), disk->target,
        disk->path);
  if (disk->serial != NULL && !serial_is_valid (disk->serial))
    return inn_machine_description_refuse (
        error,
        _ ("The serial number of disk “%s” must be at most %d letters, digits, “_”, "
           "“.”, “+” or “-”."),
        disk->target, MAX_SERIAL_LENGTH);

  return TRUE;
}

static gboolean
validate_bus (const InnMachineDescription *self, InnDiskBus bus, GError **error)
{
  guint count = 0;

  for (guint i = 0; i < self->disks->len; i++)
    {
      const InnDiskDescription *disk = g_ptr_array_index (self->disks, i);

      count += disk->kind != INN_DISK_OTHER && disk->bus == bus;
    }
  if (count <= buses[bus].max)
    return TRUE;

  return inn_machine_description_refuse (error,
                                         _ ("The definition has %u disks on the %s bus; at most %u "
                                            "are possible."),
                                         count, buses[bus].word, buses[bus].max);
}

gboolean
inn_machine_description_validate_disks (const InnMachineDescription *self, GError **error)
{
  g_autoptr (GHashTable) targets = g_hash_table_new (g_str_hash, g_str_equal);

  if (self->disks->len > STATISTICS_MAX_DISKS)
    return inn_machine_description_refuse (
        error, _ ("The definition has %u disks; at most %d are possible."), self->disks->len,
        (int)STATISTICS_MAX_DISKS);
  for (guint i = 0; i < self->disks->len; i++)
    {
      const InnDiskDescription *disk = g_ptr_array_index (self->disks, i);

      if (!validate_disk (disk, error))
        return FALSE;
      if (!g_hash_table_add (targets, disk->target))
        return inn_machine_description_refuse (
            error, _ ("Two disks in the definition have the target name “%s”."), disk->target);
    }

  return validate_bus (self, INN_DISK_BUS_VIRTIO, error)
         && validate_bus (self, INN_DISK_BUS_SATA, error);
}

/* What this engine lacks for the disk, or NULL. */
static const char *
get_obstacle (const InnDiskDescription *disk)
{
  if (disk->kind == INN_DISK_OTHER)
    return _ ("it is neither a disk nor a CD drive");
  if (disk->remote || (disk->path == NULL && disk->kind == INN_DISK_DISK))
    return _ ("it is not a file of this computer");
  if (disk->format != NULL && !g_str_equal (disk->format, "raw")
      && (disk->kind == INN_DISK_CDROM || !g_str_equal (disk->format, "qcow2")))
    return disk->kind == INN_DISK_CDROM ? _ ("its format is not raw")
                                        : _ ("its format is neither raw nor qcow2");
  if (disk->kind == INN_DISK_CDROM && disk->bus != INN_DISK_BUS_SATA)
    return _ ("it is a CD drive that is not on the SATA bus");
  if (disk->bus == INN_DISK_BUS_OTHER)
    return _ ("it is neither on the virtio nor on the SATA bus");

  return NULL;
}

gboolean
inn_machine_description_check_disks_startable (const InnMachineDescription *self, GError **error)
{
  for (guint i = 0; i < self->disks->len; i++)
    {
      const InnDiskDescription *disk = g_ptr_array_index (self->disks, i);
      const char *obstacle = get_obstacle (disk);

      if (obstacle != NULL)
        return inn_machine_description_refuse_start (
            error,
            _ ("“%s” cannot start here: this engine lacks what disk “%s” needs so far (%s). "
               "Remove it, or run the machine in QEMU."),
            self->name, disk->target, obstacle);
    }

  return TRUE;
}
