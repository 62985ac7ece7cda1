/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Devices of a description. All but the cable of a network adapter is read at the start of a
 * machine, so nearly every change waits for the next one.
 */
#include "model/engine/engine-device-list.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "engine/protocol/statistics-protocol.h"
#include "model/host-load.h"

#define MIB          (G_GUINT64_CONSTANT (1) << 20)
#define LEAST_MEMORY (64 * MIB)

static const char *const firmware_words[] = {
  [INN_FIRMWARE_NONE] = "none",
  [INN_FIRMWARE_BIOS] = "bios",
  [INN_FIRMWARE_UEFI] = "uefi",
};

static const char *const adapter_words[] = {
  [INN_VIDEO_NONE] = "none",
  [INN_VIDEO_VIRTIO] = "virtio",
  [INN_VIDEO_VGA] = "vga",
  [INN_VIDEO_OTHER] = "other",
};

static const char *const resolutions[]
    = { "800x600", "1024x768", "1280x800", "1440x900", "1920x1080", "2560x1440", "3840x2160" };

gboolean
inn_engine_adapter_parse (const char *word, InnVideoModel *ret_model)
{
  for (guint i = 0; i < G_N_ELEMENTS (adapter_words); i++)
    if (g_str_equal (word, adapter_words[i]))
      {
        *ret_model = (InnVideoModel)i;
        return i != INN_VIDEO_OTHER;
      }
  return FALSE;
}

static void
add_setting (InnDevice *device, InnSettingId id, GVariant *value)
{
  inn_device_add_setting (device, inn_setting_new (id, INN_TIMING_NEXT_START, value));
}

static void
add_number (InnDevice *device, InnSettingId id, guint64 value, guint64 least, guint64 most)
{
  InnSetting *setting = inn_setting_new (id, INN_TIMING_NEXT_START, g_variant_new_uint64 (value));

  setting->least = least;
  setting->most = most;
  inn_device_add_setting (device, setting);
}

static void
add_choice (InnDevice *device, InnSettingId id, const char *word, GStrvBuilder *choices)
{
  InnSetting *setting = inn_setting_new (id, INN_TIMING_NEXT_START, g_variant_new_string (word));

  setting->choices = g_strv_builder_end (choices);
  inn_device_add_setting (device, setting);
}

static void
add_system (GPtrArray *devices, const InnMachineDescription *description)
{
  InnDevice *memory = inn_device_new (INN_DEVICE_MEMORY, "memory", 1);
  InnDevice *processors = inn_device_new (INN_DEVICE_PROCESSORS, "processors", 1);

  add_number (memory, INN_SETTING_MEMORY, inn_machine_description_get_memory (description),
              LEAST_MEMORY, MAX (inn_host_get_memory (), LEAST_MEMORY));
  g_ptr_array_add (devices, memory);
  add_number (processors, INN_SETTING_PROCESSORS, inn_machine_description_get_vcpus (description),
              1, CLAMP (inn_host_get_processors (), 1, (guint)STATISTICS_MAX_VCPUS));
  g_ptr_array_add (devices, processors);
}

static void
add_firmware (GPtrArray *devices, const InnMachineDescription *description)
{
  InnDevice *device = inn_device_new (INN_DEVICE_FIRMWARE, "firmware", 1);
  g_autoptr (GStrvBuilder) choices = g_strv_builder_new ();

  if (inn_machine_description_get_kernel (description) != NULL)
    g_strv_builder_add (choices, firmware_words[INN_FIRMWARE_NONE]);
  g_strv_builder_add (choices, firmware_words[INN_FIRMWARE_BIOS]);
  g_strv_builder_add (choices, firmware_words[INN_FIRMWARE_UEFI]);
  add_choice (device, INN_SETTING_FIRMWARE,
              firmware_words[inn_machine_description_get_firmware (description)], choices);
  g_ptr_array_add (devices, device);
}

/* The target of the disk or drive with @index among those of its kind; NULL: there is none. */
static const char *
find_target (const InnMachineDescription *description, InnDiskKind kind, guint index)
{
  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);

      if (disk->kind == kind && index-- == 0)
        return disk->target;
    }
  return NULL;
}

static void
add_id (GPtrArray *ids, const char *id)
{
  if (id != NULL && !g_ptr_array_find_with_equal_func (ids, id, g_str_equal, NULL))
    g_ptr_array_add (ids, g_strdup (id));
}

static char *
name_boot_device (const InnMachineDescription *description, const InnBootDevice *device)
{
  switch (device->kind)
    {
    case INN_BOOT_DISK:
      return g_strdup (find_target (description, INN_DISK_DISK, device->index));
    case INN_BOOT_CDROM:
      return g_strdup (find_target (description, INN_DISK_CDROM, device->index));
    case INN_BOOT_NETWORK:
    default:
      return g_strdup_printf ("net%u", device->index);
    }
}

/* What the document orders first, then the rest, since a person can put it anywhere. */
static GVariant *
list_boot_order (const InnMachineDescription *description)
{
  g_autoptr (GArray) order = inn_machine_description_get_boot_order (description);
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (description);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < order->len; i++)
    {
      g_autofree char *id
          = name_boot_device (description, &g_array_index (order, InnBootDevice, i));

      add_id (ids, id);
    }
  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);

      if (disk->kind != INN_DISK_OTHER)
        add_id (ids, disk->target);
    }
  for (guint i = 0; i < nics->len; i++)
    {
      g_autofree char *id = g_strdup_printf ("net%u", i);

      add_id (ids, id);
    }
  return g_variant_new_strv ((const char *const *)ids->pdata, (gssize)ids->len);
}

/* A kernel that is started directly leaves nothing to order. */
static void
add_boot (GPtrArray *devices, const InnMachineDescription *description)
{
  InnDevice *device;

  if (inn_machine_description_get_firmware (description) == INN_FIRMWARE_NONE)
    return;

  device = inn_device_new (INN_DEVICE_BOOT, "boot", 1);
  add_setting (device, INN_SETTING_BOOT_ORDER, list_boot_order (description));
  add_setting (device, INN_SETTING_BOOT_MENU,
               g_variant_new_boolean (inn_machine_description_get_boot_menu (description)));
  g_ptr_array_add (devices, device);
}

static const char *
name_bus (InnDiskBus bus)
{
  switch (bus)
    {
    case INN_DISK_BUS_VIRTIO:
      return "VirtIO";
    case INN_DISK_BUS_SATA:
      return "SATA";
    case INN_DISK_BUS_OTHER:
    default:
      return NULL;
    }
}

static void
set_file (InnDevice *device, const char *path, const char *const *made)
{
  const gboolean is_made = path != NULL && made != NULL && g_strv_contains (made, path);
  GStatBuf status = { 0 };

  if (path != NULL && g_stat (path, &status) < 0)
    status = (GStatBuf){ 0 };
  inn_device_set_file (device, path, (guint64)status.st_size, (guint64)status.st_blocks * 512,
                       is_made);
}

static InnDevice *
describe_disk (const InnDiskDescription *disk, guint number, const char *const *made)
{
  const gboolean cdrom = disk->kind == INN_DISK_CDROM;
  InnDevice *device
      = inn_device_new (cdrom ? INN_DEVICE_CDROM : INN_DEVICE_DISK, disk->target, number);

  set_file (device, disk->path, made);
  inn_device_set_connection (device, name_bus (disk->bus));
  inn_device_set_removal (device, INN_TIMING_NEXT_START);
  if (!cdrom && !disk->readonly && inn_device_get_size (device) > 0)
    inn_device_set_growth (device, disk->bus == INN_DISK_BUS_VIRTIO ? INN_TIMING_AT_ONCE
                                                                    : INN_TIMING_NEXT_START);
  if (cdrom)
    inn_device_add_setting (device, inn_setting_new (INN_SETTING_MEDIUM, INN_TIMING_AT_ONCE,
                                                     g_variant_new_string (
                                                         disk->path != NULL ? disk->path : "")));
  else
    {
      add_setting (device, INN_SETTING_READ_ONLY, g_variant_new_boolean (disk->readonly));
      add_setting (device, INN_SETTING_SERIAL,
                   g_variant_new_string (disk->serial != NULL ? disk->serial : ""));
    }
  return device;
}

static void
add_disks (GPtrArray *devices,
           const InnMachineDescription *description,
           InnDiskKind kind,
           const char *const *made)
{
  guint number = 0;

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);

      if (disk->kind == kind)
        g_ptr_array_add (devices, describe_disk (disk, ++number, made));
    }
}

static char *
name_network (const InnNicDescription *nic)
{
  switch (nic->kind)
    {
    case INN_NIC_USER:
      return g_strdup (_ ("User network"));
    case INN_NIC_TAP:
      return g_strdup_printf (_ ("Interface %s"), nic->interface != NULL ? nic->interface : "");
    case INN_NIC_BRIDGE:
      return g_strdup_printf (_ ("Bridge %s"), nic->bridge != NULL ? nic->bridge : "");
    case INN_NIC_OTHER:
    default:
      return g_strdup (nic->type);
    }
}

static void
add_forwards (InnDevice *device, const InnNicDescription *nic)
{
  GVariant *value
      = g_variant_new_strv ((const char *const *)nic->forwards->pdata, (gssize)nic->forwards->len);

  if (nic->other_forwards)
    inn_device_add_setting (
        device, inn_setting_new_fixed (INN_SETTING_FORWARDS, value,
                                       _ ("Its ports are forwarded in an unknown way")));
  else
    add_setting (device, INN_SETTING_FORWARDS, value);
}

static void
add_networks (GPtrArray *devices, const InnMachineDescription *description)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (description);

  for (guint i = 0; i < nics->len; i++)
    {
      const InnNicDescription *nic = g_ptr_array_index (nics, i);
      g_autofree char *id = g_strdup_printf ("net%u", i);
      g_autofree char *connection = name_network (nic);
      InnDevice *device = inn_device_new (INN_DEVICE_NETWORK, id, i + 1);

      inn_device_set_connection (device, connection);
      inn_device_set_removal (device, INN_TIMING_NEXT_START);
      inn_device_add_setting (device, inn_setting_new (INN_SETTING_LINK, INN_TIMING_AT_ONCE,
                                                       g_variant_new_boolean (!nic->link_down)));
      if (nic->kind == INN_NIC_USER)
        add_forwards (device, nic);
      add_setting (device, INN_SETTING_MAC,
                   g_variant_new_string (nic->mac != NULL ? nic->mac : ""));
      g_ptr_array_add (devices, device);
    }
}

static void
add_resolution (InnDevice *device, const InnVideo *video)
{
  g_autofree char *word = g_strdup_printf ("%ux%u", video->width, video->height);
  g_autoptr (GStrvBuilder) choices = g_strv_builder_new ();
  gboolean usual = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (resolutions); i++)
    {
      usual |= g_str_equal (resolutions[i], word);
      g_strv_builder_add (choices, resolutions[i]);
    }
  if (!usual)
    g_strv_builder_add (choices, word);
  add_choice (device, INN_SETTING_RESOLUTION, word, choices);
}

/* There all the same, so that a device always has the same settings. */
static void
add_no_resolution (InnDevice *device)
{
  inn_device_add_setting (device, inn_setting_new_fixed (INN_SETTING_RESOLUTION,
                                                         g_variant_new_string ("none"),
                                                         _ ("There is no screen")));
}

static void
add_display (GPtrArray *devices, const InnMachineDescription *description)
{
  const InnVideo video = inn_machine_description_get_video (description);
  InnDevice *device = inn_device_new (INN_DEVICE_DISPLAY, "display", 1);
  g_autoptr (GStrvBuilder) choices = g_strv_builder_new ();

  g_strv_builder_add (choices, adapter_words[INN_VIDEO_VIRTIO]);
  g_strv_builder_add (choices, adapter_words[INN_VIDEO_VGA]);
  g_strv_builder_add (choices, adapter_words[INN_VIDEO_NONE]);
  if (video.model == INN_VIDEO_OTHER)
    g_strv_builder_add (choices, adapter_words[INN_VIDEO_OTHER]);
  add_choice (device, INN_SETTING_ADAPTER, adapter_words[video.model], choices);
  if (video.model == INN_VIDEO_VIRTIO || video.model == INN_VIDEO_VGA)
    add_resolution (device, &video);
  else
    add_no_resolution (device);
  g_ptr_array_add (devices, device);
}

GPtrArray *
inn_engine_device_list_new (const InnMachineDescription *description, const char *const *made)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func (g_object_unref);

  add_system (devices, description);
  add_firmware (devices, description);
  add_boot (devices, description);
  add_disks (devices, description, INN_DISK_DISK, made);
  add_disks (devices, description, INN_DISK_CDROM, made);
  add_networks (devices, description);
  add_display (devices, description);
  return devices;
}
