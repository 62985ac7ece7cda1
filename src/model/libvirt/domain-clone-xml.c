/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/domain-clone-xml.h"

#include <string.h>

#include <glib/gi18n.h>

#include "model/error.h"
#include "model/libvirt/domain-mark.h"
#include "model/libvirt/domain-storage.h"
#include "model/libvirt/xml-node.h"

#define MAX_DEVICES 1024

/* How libvirt names the store of the variables to QEMU. */
#define VARIABLES_NODE "\"node-name\":\"libvirt-pflash1-storage\""
#define FILE_NAME      "\"filename\":\""

static xmlDoc *
parse_domain (const char *xml, gssize length, GError **error)
{
  xmlDoc *document = inn_xml_document_parse (xml, length, "domain");

  if (document == NULL)
    g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                         _ ("libvirt describes this machine in a way Innkeeper cannot read."));
  return document;
}

static xmlNode *
get_devices (xmlDoc *document)
{
  return inn_xml_node_get_child (xmlDocGetRootElement (document), "devices");
}

/* ---- what there is ---- */

static void
disk_free (gpointer data)
{
  InnDomainCloneDisk *disk = data;

  g_free (disk->path);
  g_free (disk->format);
  g_free (disk);
}

static gboolean
add_disks (InnDomainCloneSource *self, xmlNode *devices, GError **error)
{
  for (xmlNode *node = inn_domain_disk_find (devices != NULL ? devices->children : NULL);
       node != NULL; node = inn_domain_disk_find (node->next))
    {
      InnDomainCloneDisk *disk = g_new0 (InnDomainCloneDisk, 1);

      g_ptr_array_add (self->disks, disk);
      disk->path = inn_domain_disk_get_path (node);
      disk->format = inn_domain_disk_get_format (node);
      if (disk->path == NULL || self->disks->len > INN_DOMAIN_MAX_DISKS)
        {
          g_set_error_literal (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                               _ ("A disk of the machine is not a file, so it cannot be cloned."));
          return FALSE;
        }
    }
  return TRUE;
}

static GStrv
list_made (xmlNode *domain)
{
  static const char *const elements[] = { "disk", "base" };
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    {
      g_auto (GStrv) paths = inn_domain_mark_list (domain, elements[i]);

      g_strv_builder_addv (builder, (const char **)paths);
    }
  return g_strv_builder_end (builder);
}

InnDomainCloneSource *
inn_domain_clone_source_parse (const char *xml, gssize length, GError **error)
{
  g_autoptr (xmlDoc) document = parse_domain (xml, length, error);
  g_autoptr (InnDomainCloneSource) self = NULL;
  g_autofree char *variables = NULL;
  InnDomainStorage storage;
  xmlNode *domain;

  if (document == NULL)
    return NULL;
  domain = xmlDocGetRootElement (document);
  self = g_new0 (InnDomainCloneSource, 1);
  self->disks = g_ptr_array_new_with_free_func (disk_free);
  self->made_disks = list_made (domain);
  if (!add_disks (self, get_devices (document), error))
    return NULL;
  inn_domain_storage_read (domain, &storage);
  variables = inn_xml_node_get_text (
      inn_xml_node_get_child (inn_xml_node_get_child (domain, "os"), "nvram"));
  self->uefi = storage.variables || variables != NULL;
  if (variables != NULL && g_path_is_absolute (variables))
    self->variables = g_steal_pointer (&variables);
  return g_steal_pointer (&self);
}

void
inn_domain_clone_source_free (InnDomainCloneSource *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->disks);
  g_free (self->variables);
  g_strfreev (self->made_disks);
  g_free (self);
}

char *
inn_domain_clone_xml_strip (const char *xml, GError **error)
{
  g_autoptr (xmlDoc) document = parse_domain (xml, -1, error);

  if (document == NULL)
    return NULL;
  inn_xml_node_remove_children (xmlDocGetRootElement (document), "devices");
  return inn_xml_document_print (document);
}

/* A JSON string up to its end, or NULL. libvirt escapes nothing else in a path. */
static char *
read_string (const char *text)
{
  GString *string = g_string_new (NULL);

  for (; *text != '"' && *text != '\0'; text++)
    {
      if (*text == '\\' && *++text != '"' && *text != '\\')
        break;
      g_string_append_c (string, *text);
    }
  return g_string_free (string, *text != '"');
}

char *
inn_domain_clone_find_variables (const char *command_line)
{
  g_auto (GStrv) words = NULL;
  const char *node = NULL, *name;
  g_autofree char *path = NULL;

  if (!g_shell_parse_argv (command_line, NULL, &words, NULL))
    return NULL;
  for (guint i = 0; words[i] != NULL && node == NULL; i++)
    {
      node = strstr (words[i], VARIABLES_NODE);
      name = node != NULL ? strstr (words[i], FILE_NAME) : NULL;
      if (name != NULL && name < node)
        path = read_string (name + strlen (FILE_NAME));
    }
  return path != NULL && g_path_is_absolute (path) ? g_steal_pointer (&path) : NULL;
}

/* ---- what it becomes ---- */

static void
set_disk (xmlNode *disk, const char *path)
{
  xmlNode *driver = inn_xml_node_get_child (disk, "driver");
  xmlNode *source;

  if (driver == NULL)
    driver = xmlNewChild (disk, NULL, BAD_CAST "driver", NULL);
  inn_xml_node_set_attribute (driver, "type", "qcow2");
  inn_xml_node_remove_children (disk, "backingStore");
  /* With whatever said how the file before it was to be opened. */
  inn_xml_node_remove_children (disk, "source");
  source = xmlNewChild (disk, NULL, BAD_CAST "source", NULL);
  inn_xml_node_set_attribute (source, "file", path);
}

/* Puts the domain on @disks and marks them as made for it. */
static gboolean
move_to_disks (xmlDoc *document, const char *const *disks, const char *const *bases, GError **error)
{
  xmlNode *domain = xmlDocGetRootElement (document);
  xmlNode *devices = get_devices (document);
  xmlNode *mark = inn_domain_mark_replace (domain);
  const guint n_disks = g_strv_length ((char **)disks);
  guint n = 0;

  for (xmlNode *disk = inn_domain_disk_find (devices != NULL ? devices->children : NULL);
       disk != NULL; disk = inn_domain_disk_find (disk->next), n++)
    if (n < n_disks)
      {
        set_disk (disk, disks[n]);
        inn_domain_mark_add (mark, "disk", disks[n]);
      }
  for (guint i = 0; bases != NULL && bases[i] != NULL; i++)
    inn_domain_mark_add (mark, "base", bases[i]);
  if (n == n_disks)
    return TRUE;
  g_set_error_literal (error, INN_ERROR, INN_ERROR_BUSY,
                       _ ("The machine has changed meanwhile. Look at its state and try again."));
  return FALSE;
}

/* What belongs to one machine only, for each device that has it. */
static void
clear_device (xmlNode *device, const InnDomainClonePlan *plan)
{
  const char *name = (const char *)device->name;
  xmlNode *log = inn_xml_node_get_child (device, "log");

  if (g_str_equal (name, "interface"))
    inn_xml_node_remove_children (device, "mac");
  /* Sockets and such: libvirt makes paths of its own. */
  if (g_str_equal (name, "channel") && inn_xml_node_attribute_is (device, "type", "unix"))
    inn_xml_node_remove_children (device, "source");
  if (g_str_equal (name, "graphics"))
    xmlUnsetProp (device, BAD_CAST "socket");
  if (log == NULL)
    return;
  if (plan->serial_log != NULL && g_str_equal (name, "serial"))
    inn_xml_node_set_attribute (log, "file", plan->serial_log);
  else
    inn_xml_node_remove_children (device, "log");
}

/* What a guest and its licences know the machine by. */
static void
clear_identity (xmlNode *domain)
{
  xmlNode *system = inn_xml_node_get_child (inn_xml_node_get_child (domain, "sysinfo"), "system");
  xmlNode *entry = inn_xml_node_get_child (system, "entry");

  inn_xml_node_remove_children (domain, "title");
  if (inn_xml_node_get_child (domain, "genid") != NULL)
    inn_xml_node_set_child_text (domain, "genid", "");
  while (entry != NULL && !inn_xml_node_attribute_is (entry, "name", "uuid"))
    entry = inn_xml_node_find (entry->next, "entry");
  if (entry == NULL)
    return;
  xmlUnlinkNode (entry);
  xmlFreeNode (entry);
}

static void
set_variables (xmlNode *domain, const char *path)
{
  xmlNode *os = inn_xml_node_get_child (domain, "os");
  xmlNode *variables = inn_xml_node_get_child (os, "nvram");

  if (os == NULL || (variables == NULL && path == NULL))
    return;
  if (variables == NULL)
    variables = xmlNewChild (os, NULL, BAD_CAST "nvram", NULL);
  xmlNodeSetContent (variables, BAD_CAST "");
  if (path != NULL)
    xmlNodeAddContent (variables, BAD_CAST path);
  else if (xmlHasProp (variables, BAD_CAST "template") == NULL)
    inn_xml_node_remove_children (os, "nvram");
}

char *
inn_domain_clone_xml_build (const char *xml, const InnDomainClonePlan *plan, GError **error)
{
  g_autoptr (xmlDoc) document = parse_domain (xml, -1, error);
  xmlNode *domain, *devices;
  guint seen = 0;

  if (document == NULL || !move_to_disks (document, plan->disks, plan->bases, error))
    return NULL;
  domain = xmlDocGetRootElement (document);
  devices = get_devices (document);
  inn_xml_node_set_child_text (domain, "name", plan->name);
  inn_xml_node_set_child_text (domain, "uuid", plan->uuid);
  clear_identity (domain);
  set_variables (domain, plan->variables);
  for (xmlNode *device = devices != NULL ? devices->children : NULL;
       device != NULL && seen < MAX_DEVICES; device = device->next, seen++)
    if (device->type == XML_ELEMENT_NODE)
      clear_device (device, plan);
  return inn_xml_document_print (document);
}

char *
inn_domain_clone_xml_move (const char *xml,
                           const char *const *disks,
                           const char *const *bases,
                           GError **error)
{
  g_autoptr (xmlDoc) document = parse_domain (xml, -1, error);

  if (document == NULL || !move_to_disks (document, disks, bases, error))
    return NULL;
  return inn_xml_document_print (document);
}
