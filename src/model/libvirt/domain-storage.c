/* SPDX-License-Identifier: GPL-3.0-or-later */
/* https://libvirt.org/formatdomain.html, "Hard drives, floppy disks, CDROMs" and "BIOS bootloader".
 */
#include "model/libvirt/domain-storage.h"

/* CD-ROMs and floppies are not the machine's. */
static gboolean
is_written (xmlNode *disk)
{
  g_autofree char *device = inn_xml_node_get_attribute (disk, "device");

  if (device != NULL && !g_str_equal (device, "disk") && !g_str_equal (device, "lun"))
    return FALSE;
  return inn_xml_node_get_child (disk, "readonly") == NULL;
}

gboolean
inn_domain_disk_is_own (xmlNode *disk)
{
  return is_written (disk) && inn_xml_node_get_child (disk, "shareable") == NULL;
}

xmlNode *
inn_domain_disk_find (xmlNode *node)
{
  xmlNode *disk = inn_xml_node_find (node, "disk");

  while (disk != NULL && !inn_domain_disk_is_own (disk))
    disk = inn_xml_node_find (disk->next, "disk");
  return disk;
}

char *
inn_domain_disk_get_path (xmlNode *disk)
{
  g_autofree char *path = NULL;

  if (!inn_xml_node_attribute_is (disk, "type", "file"))
    return NULL;
  path = inn_xml_node_get_attribute (inn_xml_node_get_child (disk, "source"), "file");
  return path != NULL && g_path_is_absolute (path) ? g_steal_pointer (&path) : NULL;
}

char *
inn_domain_disk_get_format (xmlNode *disk)
{
  char *format = inn_xml_node_get_attribute (inn_xml_node_get_child (disk, "driver"), "type");

  return format != NULL ? format : g_strdup ("raw");
}

static gboolean
has_raw_variables (xmlNode *domain)
{
  xmlNode *os = inn_xml_node_get_child (domain, "os");
  xmlNode *variables = inn_xml_node_get_child (os, "nvram");

  if (inn_xml_node_attribute_is (variables, "format", "qcow2"))
    return FALSE;
  return variables != NULL || inn_xml_node_attribute_is (os, "firmware", "efi")
         || inn_xml_node_attribute_is (inn_xml_node_get_child (os, "loader"), "type", "pflash");
}

static void
add_disk (InnDomainStorage *storage, xmlNode *disk)
{
  g_autofree char *path = inn_domain_disk_get_path (disk);
  g_autofree char *format = inn_domain_disk_get_format (disk);

  storage->in_qcow2 &= g_str_equal (format, "qcow2");
  if (inn_domain_disk_is_own (disk))
    {
      storage->n_disks++;
      storage->in_files &= path != NULL;
    }
  else
    storage->n_shared++;
}

void
inn_domain_storage_read (xmlNode *domain, InnDomainStorage *ret_storage)
{
  guint seen = 0;

  *ret_storage = (InnDomainStorage){ .in_files = TRUE, .in_qcow2 = TRUE };
  ret_storage->qemu = inn_xml_node_attribute_is (domain, "type", "qemu")
                      || inn_xml_node_attribute_is (domain, "type", "kvm");
  ret_storage->variables = has_raw_variables (domain);
  for (xmlNode *disk = inn_xml_node_get_child (inn_xml_node_get_child (domain, "devices"), "disk");
       disk != NULL && seen < INN_DOMAIN_MAX_DISKS; disk = inn_xml_node_find (disk->next, "disk"))
    {
      seen++;
      if (is_written (disk))
        add_disk (ret_storage, disk);
    }
}
