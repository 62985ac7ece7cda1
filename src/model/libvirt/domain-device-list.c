/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices by https://libvirt.org/formatdomain.html. */
#include "model/libvirt/domain-device-list.h"

#include <glib/gi18n.h>

#include "model/libvirt/xml-node.h"

#define MAX_DEVICES 256 /* of a kind */

const char *
inn_domain_device_list_get_refusal (void)
{
  return _ ("Machines of libvirt are only shown here");
}

static void
add_setting (InnDevice *device, InnSettingId id, GVariant *value)
{
  inn_device_add_setting (device,
                          inn_setting_new_fixed (id, value, inn_domain_device_list_get_refusal ()));
}

static InnDevice *
add_device (GPtrArray *devices, InnDeviceKind kind, const char *id, guint number)
{
  InnDevice *device = inn_device_new (kind, id, number);

  g_ptr_array_add (devices, device);
  return device;
}

static void
add_firmware (GPtrArray *devices, xmlNode *domain)
{
  InnDevice *device = add_device (devices, INN_DEVICE_FIRMWARE, "firmware", 1);
  xmlNode *os = inn_xml_node_get_child (domain, "os");
  const gboolean uefi
      = inn_xml_node_attribute_is (os, "firmware", "efi")
        || inn_xml_node_attribute_is (inn_xml_node_get_child (os, "loader"), "type", "pflash");
  const gboolean direct = inn_xml_node_get_child (os, "kernel") != NULL;

  add_setting (device, INN_SETTING_FIRMWARE,
               g_variant_new_string (uefi     ? "uefi"
                                     : direct ? "none"
                                              : "bios"));
}

static const char *
name_bus (xmlNode *target)
{
  static const struct
  {
    const char *word, *name;
  } buses[] = {
    { "virtio", "VirtIO" }, { "sata", "SATA" }, { "scsi", "SCSI" },
    { "ide", "IDE" },       { "usb", "USB" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (buses); i++)
    if (inn_xml_node_attribute_is (target, "bus", buses[i].word))
      return buses[i].name;
  return NULL;
}

static void
add_disk (GPtrArray *devices, xmlNode *disk, InnDeviceKind kind, guint number)
{
  xmlNode *source = inn_xml_node_get_child (disk, "source");
  xmlNode *target = inn_xml_node_get_child (disk, "target");
  g_autofree char *name = inn_xml_node_get_attribute (target, "dev");
  g_autofree char *path = inn_xml_node_get_attribute (source, "file");
  g_autofree char *number_id = g_strdup_printf ("disk-%u-%u", kind, number);
  InnDevice *device = add_device (devices, kind, name != NULL ? name : number_id, number);

  inn_device_set_file (device, path, 0, 0, /* made= */ FALSE);
  inn_device_set_connection (device, name_bus (target));
  if (kind == INN_DEVICE_CDROM)
    add_setting (device, INN_SETTING_MEDIUM, g_variant_new_string (path != NULL ? path : ""));
  else
    add_setting (device, INN_SETTING_READ_ONLY,
                 g_variant_new_boolean (inn_xml_node_get_child (disk, "readonly") != NULL));
}

static void
add_disks (GPtrArray *devices, xmlNode *parent, InnDeviceKind kind)
{
  guint seen = 0, number = 0;

  for (xmlNode *disk = inn_xml_node_get_child (parent, "disk"); disk != NULL && seen < MAX_DEVICES;
       disk = inn_xml_node_find (disk->next, "disk"), seen++)
    {
      const gboolean cdrom = inn_xml_node_attribute_is (disk, "device", "cdrom");

      if (cdrom == (kind == INN_DEVICE_CDROM))
        add_disk (devices, disk, kind, ++number);
    }
}

static char *
name_network (xmlNode *interface)
{
  xmlNode *source = inn_xml_node_get_child (interface, "source");
  g_autofree char *bridge = inn_xml_node_get_attribute (source, "bridge");
  g_autofree char *network = inn_xml_node_get_attribute (source, "network");

  if (inn_xml_node_attribute_is (interface, "type", "user"))
    return g_strdup (_ ("User network"));
  if (bridge != NULL)
    return g_strdup_printf (_ ("Bridge %s"), bridge);
  if (network != NULL)
    return g_strdup_printf (_ ("Network %s"), network);

  return inn_xml_node_get_attribute (interface, "type");
}

static void
add_networks (GPtrArray *devices, xmlNode *parent)
{
  guint number = 0;

  for (xmlNode *interface = inn_xml_node_get_child (parent, "interface");
       interface != NULL && number < MAX_DEVICES;
       interface = inn_xml_node_find (interface->next, "interface"))
    {
      g_autofree char *id = g_strdup_printf ("net%u", number);
      g_autofree char *mac
          = inn_xml_node_get_attribute (inn_xml_node_get_child (interface, "mac"), "address");
      g_autofree char *connection = name_network (interface);
      InnDevice *device = add_device (devices, INN_DEVICE_NETWORK, id, ++number);
      xmlNode *link = inn_xml_node_get_child (interface, "link");

      inn_device_set_connection (device, connection);
      add_setting (device, INN_SETTING_LINK,
                   g_variant_new_boolean (!inn_xml_node_attribute_is (link, "state", "down")));
      add_setting (device, INN_SETTING_MAC, g_variant_new_string (mac != NULL ? mac : ""));
    }
}

static void
add_display (GPtrArray *devices, xmlNode *parent)
{
  xmlNode *model = inn_xml_node_get_child (inn_xml_node_get_child (parent, "video"), "model");
  g_autofree char *type = inn_xml_node_get_attribute (model, "type");

  if (type != NULL)
    add_setting (add_device (devices, INN_DEVICE_DISPLAY, "display", 1), INN_SETTING_ADAPTER,
                 g_variant_new_string (type));
}

GPtrArray *
inn_domain_device_list_new (xmlNode *domain, guint64 memory, guint vcpus)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func (g_object_unref);
  xmlNode *parent = inn_xml_node_get_child (domain, "devices");

  add_setting (add_device (devices, INN_DEVICE_MEMORY, "memory", 1), INN_SETTING_MEMORY,
               g_variant_new_uint64 (memory));
  add_setting (add_device (devices, INN_DEVICE_PROCESSORS, "processors", 1), INN_SETTING_PROCESSORS,
               g_variant_new_uint64 (vcpus));
  add_firmware (devices, domain);
  add_disks (devices, parent, INN_DEVICE_DISK);
  add_disks (devices, parent, INN_DEVICE_CDROM);
  add_networks (devices, parent);
  add_display (devices, parent);
  return devices;
}
