/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libxml2 trees both ways. */
#include "model/libvirt/domain-xml.h"

#include <stdarg.h>
#include <string.h>

#include <glib/gi18n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "model/error.h"
#include "model/libvirt/domain-device-list.h"
#include "model/libvirt/domain-mark.h"
#include "model/libvirt/xml-node.h"

#define MAX_VCPUS    4096
#define MAX_GRAPHICS 16
#define MAX_DISKS    256

#define DEFAULT_CMDLINE "console=tty0 console=ttyS0"

/* Writing. */

/* An element with attributes, given as pairs up to NULL. */
static G_GNUC_NULL_TERMINATED xmlNode *
add (xmlNode *parent, const char *element, ...)
{
  xmlNode *node = xmlNewChild (parent, NULL, BAD_CAST element, NULL);
  const char *name;
  va_list list;

  va_start (list, element);
  while ((name = va_arg (list, const char *)) != NULL)
    inn_xml_node_set_attribute (node, name, va_arg (list, const char *));
  va_end (list);
  return node;
}

static void
add_mark (xmlNode *domain, const InnDomainPlan *plan)
{
  xmlNode *machine = inn_domain_mark_replace (domain);

  if (plan->disk_path != NULL)
    inn_domain_mark_add (machine, "disk", plan->disk_path);
}

/* An empty disk is passed over by the firmware, so the disk comes first: the machine starts from
 * the CD as long as nothing is installed. */
static void
add_boot (xmlNode *domain, const InnNewMachine *machine, const InnDomainPlan *plan)
{
  xmlNode *os = add (domain, "os", NULL);
  xmlNode *type = inn_xml_node_add_text (os, "type", "hvm");
  const gboolean from_disk = inn_medium_kind_is_disk (machine->medium);

  inn_xml_node_set_attribute (type, "arch", "x86_64");
  inn_xml_node_set_attribute (type, "machine", "q35");
  if (machine->medium == INN_MEDIUM_KERNEL)
    {
      inn_xml_node_add_text (os, "kernel", machine->medium_path);
      if (machine->initrd_path != NULL)
        inn_xml_node_add_text (os, "initrd", machine->initrd_path);
      inn_xml_node_add_text (os, "cmdline",
                             machine->cmdline != NULL ? machine->cmdline : DEFAULT_CMDLINE);
      return;
    }
  if (machine->firmware == INN_MACHINE_FIRMWARE_UEFI)
    inn_xml_node_set_attribute (os, "firmware", "efi");
  if (from_disk || plan->disk_path != NULL)
    add (os, "boot", "dev", "hd", NULL);
  if (machine->medium == INN_MEDIUM_ISO)
    add (os, "boot", "dev", "cdrom", NULL);
  if (machine->medium == INN_MEDIUM_NETWORK)
    add (os, "boot", "dev", "network", NULL);
}

/* host-passthrough exists only under KVM. */
static void
add_processor (xmlNode *domain, const InnDomainPlan *plan)
{
  xmlNode *features = add (domain, "features", NULL);
  xmlNode *clock;

  add (features, "acpi", NULL);
  add (features, "apic", NULL);
  if (plan->kvm)
    add (domain, "cpu", "mode", "host-passthrough", "check", "none", "migratable", "on", NULL);
  else
    add (domain, "cpu", "mode", "maximum", NULL);

  clock = add (domain, "clock", "offset", "utc", NULL);
  add (clock, "timer", "name", "rtc", "tickpolicy", "catchup", NULL);
  add (clock, "timer", "name", "pit", "tickpolicy", "delay", NULL);
  add (clock, "timer", "name", "hpet", "present", "no", NULL);
  inn_xml_node_add_text (domain, "on_poweroff", "destroy");
  inn_xml_node_add_text (domain, "on_reboot", "restart");
  inn_xml_node_add_text (domain, "on_crash", "destroy");
}

static void
add_disk (xmlNode *devices, const char *path, const char *format, const char *target)
{
  xmlNode *disk = add (devices, "disk", "type", "file", "device", "disk", NULL);

  add (disk, "driver", "name", "qemu", "type", format, "discard", "unmap", NULL);
  add (disk, "source", "file", path, NULL);
  add (disk, "target", "dev", target, "bus", "virtio", NULL);
}

static void
add_disks (xmlNode *devices, const InnNewMachine *machine, const InnDomainPlan *plan)
{
  const gboolean from_disk = inn_medium_kind_is_disk (machine->medium);

  if (from_disk)
    add_disk (devices, machine->medium_path, machine->medium == INN_MEDIUM_QCOW2 ? "qcow2" : "raw",
              "vda");
  if (plan->disk_path != NULL)
    add_disk (devices, plan->disk_path, "qcow2", from_disk ? "vdb" : "vda");
  if (machine->medium == INN_MEDIUM_ISO)
    {
      xmlNode *cdrom = add (devices, "disk", "type", "file", "device", "cdrom", NULL);

      add (cdrom, "driver", "name", "qemu", "type", "raw", NULL);
      add (cdrom, "source", "file", machine->medium_path, NULL);
      add (cdrom, "target", "dev", "sda", "bus", "sata", NULL);
      add (cdrom, "readonly", NULL);
    }
}

/* Virtio video has a VGA mode for firmware and installers; the tablet keeps both pointers at the
 * same place. */
static void
add_console (xmlNode *devices, const InnDomainPlan *plan)
{
  xmlNode *graphics = add (devices, "graphics", "type", "vnc", NULL);
  xmlNode *video, *serial;

  add (graphics, "listen", "type", "socket", NULL);
  video = add (devices, "video", NULL);
  add (video, "model", "type", "virtio", NULL);
  add (devices, "controller", "type", "usb", "model", "qemu-xhci", NULL);
  add (devices, "input", "type", "tablet", "bus", "usb", NULL);

  serial = add (devices, "serial", "type", "pty", NULL);
  if (plan->serial_log != NULL)
    add (serial, "log", "file", plan->serial_log, "append", "off", NULL);
  add (serial, "target", "type", "isa-serial", "port", "0", NULL);
}

static void
add_devices (xmlNode *domain, const InnNewMachine *machine, const InnDomainPlan *plan)
{
  xmlNode *devices = add (domain, "devices", NULL);
  xmlNode *interface, *balloon, *rng;

  add_disks (devices, machine, plan);
  add_console (devices, plan);

  interface = add (devices, "interface", "type", "user", NULL);
  add (interface, "model", "type", "virtio", NULL);
  /* Without a period the guest never tells what memory it uses. */
  balloon = add (devices, "memballoon", "model", "virtio", NULL);
  add (balloon, "stats", "period", "2", NULL);
  rng = add (devices, "rng", "model", "virtio", NULL);
  inn_xml_node_set_attribute (inn_xml_node_add_text (rng, "backend", "/dev/urandom"), "model",
                              "random");
}

static gboolean
check_text (const char *text, GError **error)
{
  if (text == NULL)
    return TRUE;
  if (g_utf8_validate (text, -1, NULL))
    {
      const char *p = text;

      while (*p != '\0' && !g_unichar_iscntrl (g_utf8_get_char (p)))
        p = g_utf8_next_char (p);
      if (*p == '\0')
        return TRUE;
    }
  g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                       _ ("The name of a file has a character that libvirt cannot take. Rename the "
                          "file."));
  return FALSE;
}

char *
inn_domain_xml_build (const InnNewMachine *machine, const InnDomainPlan *plan, GError **error)
{
  g_autoptr (xmlDoc) document = NULL;
  g_autofree char *memory = NULL, *vcpus = NULL;
  xmlNode *domain;

  g_return_val_if_fail (machine != NULL && plan != NULL && plan->uuid != NULL, NULL);

  if (!check_text (machine->name, error) || !check_text (machine->medium_path, error)
      || !check_text (machine->initrd_path, error) || !check_text (machine->cmdline, error)
      || !check_text (plan->disk_path, error) || !check_text (plan->serial_log, error))
    return NULL;

  document = xmlNewDoc (BAD_CAST "1.0");
  domain = xmlNewDocNode (document, NULL, BAD_CAST "domain", NULL);
  xmlDocSetRootElement (document, domain);
  inn_xml_node_set_attribute (domain, "type", plan->kvm ? "kvm" : "qemu");
  inn_xml_node_add_text (domain, "name", machine->name);
  inn_xml_node_add_text (domain, "uuid", plan->uuid);
  add_mark (domain, plan);
  memory = g_strdup_printf ("%" G_GUINT64_FORMAT, machine->memory);
  inn_xml_node_set_attribute (inn_xml_node_add_text (domain, "memory", memory), "unit", "bytes");
  vcpus = g_strdup_printf ("%u", machine->vcpus);
  inn_xml_node_add_text (domain, "vcpu", vcpus);
  add_boot (domain, machine, plan);
  add_processor (domain, plan);
  add_devices (domain, machine, plan);

  return inn_xml_document_print (document);
}

/* Reading. */

static xmlDoc *
parse_document (const char *xml, gssize length, const char *root, GError **error)
{
  xmlDoc *document = inn_xml_document_parse (xml, length, root);

  if (document == NULL)
    g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                         _ ("libvirt describes this machine in a way Innkeeper cannot read."));
  return document;
}

/* libvirt prints KiB, but takes and may keep others: formatdomain, "Memory Allocation". */
static guint64
get_memory (xmlNode *domain)
{
  static const struct
  {
    const char *unit;
    guint64 bytes;
  } units[] = {
    { "b", 1 },         { "bytes", 1 },        { "KiB", 1 << 10 },   { "k", 1 << 10 },
    { "MiB", 1 << 20 }, { "M", 1 << 20 },      { "GiB", 1 << 30 },   { "G", 1 << 30 },
    { "KB", 1000 },     { "MB", 1000 * 1000 }, { "GB", 1000000000 },
  };
  xmlNode *node = inn_xml_node_get_child (domain, "memory");
  g_autofree char *unit = inn_xml_node_get_attribute (node, "unit");
  guint64 factor = 1024, bytes;

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_strcmp0 (unit, units[i].unit) == 0)
      factor = units[i].bytes;
  return g_uint64_checked_mul (&bytes, inn_xml_node_get_number (node), factor) ? bytes : 0;
}

static int
get_vnc_index (xmlNode *devices)
{
  int index = 0;

  for (xmlNode *node = inn_xml_node_get_child (devices, "graphics");
       node != NULL && index < MAX_GRAPHICS;
       node = inn_xml_node_find (node->next, "graphics"), index++)
    if (inn_xml_node_attribute_is (node, "type", "vnc"))
      return index;
  return -1;
}

/* A serial line libvirt can open, or the console of a container. */
static gboolean
get_has_serial (xmlNode *devices)
{
  return inn_xml_node_attribute_is (inn_xml_node_get_child (devices, "serial"), "type", "pty")
         || inn_xml_node_attribute_is (inn_xml_node_get_child (devices, "console"), "type", "pty");
}

/* What may be deleted with the machine: it is a disk of this very machine, not a CD nor shared with
 * others, and it is marked as made for it. */
static GStrv
get_made_disks (xmlNode *domain, xmlNode *devices)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  guint seen = 0;

  for (xmlNode *disk = inn_xml_node_get_child (devices, "disk"); disk != NULL && seen < MAX_DISKS;
       disk = inn_xml_node_find (disk->next, "disk"), seen++)
    {
      g_autofree char *path
          = inn_xml_node_get_attribute (inn_xml_node_get_child (disk, "source"), "file");

      if (path != NULL && g_path_is_absolute (path)
          && !inn_xml_node_attribute_is (disk, "device", "cdrom")
          && inn_xml_node_get_child (disk, "readonly") == NULL
          && inn_xml_node_get_child (disk, "shareable") == NULL
          && inn_domain_mark_has (domain, "disk", path))
        g_strv_builder_add (paths, path);
    }
  return g_strv_builder_end (paths);
}

InnDomainDescription *
inn_domain_description_parse (const char *xml, gssize length, GError **error)
{
  g_autoptr (InnDomainDescription) self = g_new0 (InnDomainDescription, 1);
  g_autoptr (xmlDoc) document = NULL;
  xmlNode *domain, *devices;
  guint64 vcpus;

  g_return_val_if_fail (xml != NULL, NULL);

  document = parse_document (xml, length, "domain", error);
  if (document == NULL)
    return NULL;
  domain = xmlDocGetRootElement (document);
  devices = inn_xml_node_get_child (domain, "devices");
  self->uuid = inn_xml_node_get_text (inn_xml_node_get_child (domain, "uuid"));
  self->name = inn_xml_node_get_text (inn_xml_node_get_child (domain, "name"));
  if (self->uuid == NULL || !g_uuid_string_is_valid (self->uuid) || self->name == NULL)
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                           _ ("libvirt describes a machine that has no name or identity."));
      return NULL;
    }
  vcpus = inn_xml_node_get_number (inn_xml_node_get_child (domain, "vcpu"));
  self->vcpus = (guint)CLAMP (vcpus, 1, MAX_VCPUS);
  self->memory = get_memory (domain);
  self->emulated = inn_xml_node_attribute_is (domain, "type", "qemu");
  self->vnc_index = get_vnc_index (devices);
  self->has_serial = get_has_serial (devices);
  self->made_disks = get_made_disks (domain, devices);
  self->made_bases = inn_domain_mark_list (domain, "base");
  inn_domain_storage_read (domain, &self->storage);
  self->devices = inn_domain_device_list_new (domain, self->memory, self->vcpus);
  return g_steal_pointer (&self);
}

void
inn_domain_description_free (InnDomainDescription *self)
{
  if (self == NULL)
    return;
  g_free (self->uuid);
  g_free (self->name);
  g_strfreev (self->made_disks);
  g_strfreev (self->made_bases);
  g_clear_pointer (&self->devices, g_ptr_array_unref);
  g_free (self);
}

char *
inn_capabilities_parse_architecture (const char *xml)
{
  g_autoptr (xmlDoc) document = NULL;

  g_return_val_if_fail (xml != NULL, NULL);

  document = parse_document (xml, -1, "capabilities", NULL);
  if (document == NULL)
    return NULL;
  return inn_xml_node_get_text (inn_xml_node_get_child (
      inn_xml_node_get_child (inn_xml_node_get_child (xmlDocGetRootElement (document), "host"),
                              "cpu"),
      "arch"));
}
