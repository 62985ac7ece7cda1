/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Edits of a description. It is the one that is stored now, which may be newer than what the
 * change was made for.
 */
#include "model/engine/engine-device-edit.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "model/engine/engine-device-list.h"

static gboolean
refuse_gone (GError **error)
{
  g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                       _ ("The device is gone. Nothing was changed."));
  return FALSE;
}

static gboolean
set_firmware (InnMachineDescription *description, const char *word)
{
  if (g_str_equal (word, "none"))
    inn_machine_description_set_firmware (description, INN_FIRMWARE_NONE);
  else
    inn_machine_description_set_firmware (description, g_str_equal (word, "uefi")
                                                           ? INN_FIRMWARE_UEFI
                                                           : INN_FIRMWARE_BIOS);
  return TRUE;
}

static gboolean
set_boot_order (InnMachineDescription *description, GVariant *value, GError **error)
{
  g_autofree const char **ids = g_variant_get_strv (value, NULL);

  return inn_machine_description_set_boot_order (description, ids, error);
}

static gboolean
set_adapter (InnMachineDescription *description, const char *word)
{
  InnVideo video = inn_machine_description_get_video (description);

  if (!inn_engine_adapter_parse (word, &video.model))
    return TRUE;
  if (video.width == 0)
    {
      video.width = INN_VIDEO_DEFAULT_WIDTH;
      video.height = INN_VIDEO_DEFAULT_HEIGHT;
    }
  inn_machine_description_set_video (description, &video);
  return TRUE;
}

static gboolean
set_resolution (InnMachineDescription *description, const char *word, GError **error)
{
  InnVideo video = inn_machine_description_get_video (description);

  if (video.model == INN_VIDEO_NONE || video.model == INN_VIDEO_OTHER)
    return refuse_gone (error);
  if (sscanf (word, "%ux%u", &video.width, &video.height) == 2)
    inn_machine_description_set_video (description, &video);
  return TRUE;
}

static gboolean
set_medium (InnMachineDescription *description,
            const char *target,
            const char *path,
            GError **error)
{
  if (*path != '\0'
      && (!inn_machine_description_check_text (_ ("The name of the CD image"), path, error)
          || !inn_disk_image_check_medium (path, error)))
    return FALSE;

  inn_machine_description_set_disk_path (description, target, *path != '\0' ? path : NULL);
  return TRUE;
}

static gboolean
set_serial (InnMachineDescription *description,
            const char *target,
            const char *serial,
            GError **error)
{
  if (!inn_machine_description_check_text (_ ("The serial number"), serial, error))
    return FALSE;

  inn_machine_description_set_disk_serial (description, target, *serial != '\0' ? serial : NULL);
  return TRUE;
}

static gboolean
set_of_disk (InnMachineDescription *description, const InnHardwareChange *change, GError **error)
{
  GVariant *value = change->value;

  if (inn_machine_description_find_disk (description, change->device) == NULL)
    return refuse_gone (error);
  if (change->setting == INN_SETTING_MEDIUM)
    return set_medium (description, change->device, g_variant_get_string (value, NULL), error);
  if (change->setting == INN_SETTING_SERIAL)
    return set_serial (description, change->device, g_variant_get_string (value, NULL), error);

  inn_machine_description_set_disk_readonly (description, change->device,
                                             g_variant_get_boolean (value));
  return TRUE;
}

/* The place of a card among all, by its id; FALSE when there is none. */
static gboolean
find_nic (const InnMachineDescription *description, const char *id, guint *ret_index)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (description);
  guint64 index;

  if (!g_str_has_prefix (id, "net")
      || !g_ascii_string_to_unsigned (id + strlen ("net"), 10, 0, G_MAXUINT, &index, NULL)
      || index >= nics->len)
    return FALSE;

  *ret_index = (guint)index;
  return TRUE;
}

static gboolean
set_mac (InnMachineDescription *description, guint index, const char *mac, GError **error)
{
  if (!inn_machine_description_check_text (_ ("The MAC address"), mac, error))
    return FALSE;

  inn_machine_description_set_nic_mac (description, index, mac);
  return TRUE;
}

static gboolean
set_of_nic (InnMachineDescription *description, const InnHardwareChange *change, GError **error)
{
  g_autofree const char **forwards = NULL;
  guint index;

  if (!find_nic (description, change->device, &index))
    return refuse_gone (error);
  if (change->setting == INN_SETTING_MAC)
    return set_mac (description, index, g_variant_get_string (change->value, NULL), error);
  if (change->setting == INN_SETTING_LINK)
    {
      inn_machine_description_set_nic_link (description, index,
                                            g_variant_get_boolean (change->value));
      return TRUE;
    }

  forwards = g_variant_get_strv (change->value, NULL);
  return inn_machine_description_set_nic_forwards (description, index, forwards, error);
}

static gboolean
set (InnMachineDescription *description, const InnHardwareChange *change, GError **error)
{
  GVariant *value = change->value;

  switch (change->setting)
    {
    case INN_SETTING_MEMORY:
      inn_machine_description_set_memory (description, g_variant_get_uint64 (value));
      return TRUE;
    case INN_SETTING_PROCESSORS:
      inn_machine_description_set_vcpus (description, (guint)g_variant_get_uint64 (value));
      return TRUE;
    case INN_SETTING_FIRMWARE:
      return set_firmware (description, g_variant_get_string (value, NULL));
    case INN_SETTING_BOOT_ORDER:
      return set_boot_order (description, value, error);
    case INN_SETTING_BOOT_MENU:
      inn_machine_description_set_boot_menu (description, g_variant_get_boolean (value));
      return TRUE;
    case INN_SETTING_MEDIUM:
    case INN_SETTING_SERIAL:
    case INN_SETTING_READ_ONLY:
      return set_of_disk (description, change, error);
    case INN_SETTING_ADAPTER:
      return set_adapter (description, g_variant_get_string (value, NULL));
    case INN_SETTING_RESOLUTION:
      return set_resolution (description, g_variant_get_string (value, NULL), error);
    case INN_SETTING_LINK:
    case INN_SETTING_MAC:
    case INN_SETTING_FORWARDS:
      return set_of_nic (description, change, error);
    case INN_SETTING_N:
    default:
      return refuse_gone (error);
    }
}

static guint
count_on_bus (const InnMachineDescription *description, InnDiskBus bus)
{
  guint count = 0;

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    count += inn_machine_description_get_disk (description, i)->bus == bus;
  return count;
}

static void
add_network (InnMachineDescription *description)
{
  g_autofree char *mac = inn_machine_description_make_mac ();

  while (inn_machine_description_has_mac (description, mac))
    {
      g_free (mac);
      mac = inn_machine_description_make_mac ();
    }
  inn_machine_description_add_user_nic (description, mac);
}

/* On VirtIO as long as there is room. */
static gboolean
add (InnMachineDescription *description, const InnHardwareChange *change, GError **error)
{
  InnDiskBus bus = INN_DISK_BUS_SATA;
  g_autofree char *target = NULL;
  InnDiskFormat format;

  if (change->kind == INN_DEVICE_CDROM)
    {
      inn_machine_description_add_disk (description, INN_DISK_CDROM, bus, NULL);
      return TRUE;
    }
  if (change->kind == INN_DEVICE_NETWORK)
    {
      add_network (description);
      return TRUE;
    }
  if (!inn_machine_description_check_text (_ ("The name of the disk"), change->path, error)
      || !inn_disk_image_check_import (change->path, &format, error))
    return FALSE;

  if (count_on_bus (description, INN_DISK_BUS_VIRTIO) < INN_MACHINE_MAX_VIRTIO_DISKS)
    bus = INN_DISK_BUS_VIRTIO;
  target
      = g_strdup (inn_machine_description_add_disk (description, INN_DISK_DISK, bus, change->path));
  inn_machine_description_set_disk_layer (description, target, change->path,
                                          inn_disk_format_to_word (format));
  return TRUE;
}

static gboolean
remove_device (InnMachineDescription *description, const char *id, GError **error)
{
  guint index;

  if (inn_machine_description_find_disk (description, id) != NULL)
    inn_machine_description_remove_disk (description, id);
  else if (find_nic (description, id, &index))
    inn_machine_description_remove_nic (description, index);
  else
    return refuse_gone (error);

  return TRUE;
}

gboolean
inn_engine_device_edit (InnMachineDescription *description, gpointer data, GError **error)
{
  const InnHardwareChange *change = data;

  switch (change->verb)
    {
    case INN_HARDWARE_SET:
      return set (description, change, error);
    case INN_HARDWARE_ADD:
      return add (description, change, error);
    case INN_HARDWARE_REMOVE:
      return remove_device (description, change->device, error);
    case INN_HARDWARE_GROW:
    case INN_HARDWARE_REVERT:
    default:
      g_return_val_if_reached (FALSE);
    }
}
