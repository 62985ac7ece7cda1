/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One machine's libvirt domain XML (https://libvirt.org/formatdomain.html). The fields of the
 * struct are what was last read from the document; setters edit the document and read it again.
 */
#include "config.h"

#include "machine-description-private.h"

#include <glib/gi18n-lib.h>
#include <libxml/parser.h>
#include <string.h>

#include "engine-error.h"

static guint
read_vcpus (xmlNode *root)
{
  g_autofree char *text = inn_xml_get_text (inn_xml_find (root, "vcpu"));
  guint64 vcpus;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT, &vcpus, NULL))
    return 0;

  return (guint)vcpus;
}

static void
forget_fields (InnMachineDescription *self)
{
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->uuid, g_free);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->note, g_free);
  g_clear_pointer (&self->os_type, g_free);
  g_clear_pointer (&self->arch, g_free);
  g_clear_pointer (&self->kernel, g_free);
  g_clear_pointer (&self->initrd, g_free);
  g_clear_pointer (&self->cmdline, g_free);
  g_clear_pointer (&self->disks, g_ptr_array_unref);
}

xmlNode *
inn_machine_description_find (const InnMachineDescription *self, const char *name)
{
  return inn_xml_find (xmlDocGetRootElement (self->document), name);
}

xmlNode *
inn_machine_description_ensure (InnMachineDescription *self, const char *name)
{
  return inn_xml_ensure (xmlDocGetRootElement (self->document), name);
}

xmlNode *
inn_machine_description_find_metadata (const InnMachineDescription *self,
                                       const char *name_space,
                                       const char *element)
{
  xmlNode *metadata = inn_machine_description_find (self, "metadata");

  for (xmlNode *node = metadata != NULL ? metadata->children : NULL; node != NULL;
       node = node->next)
    {
      if (node->type == XML_ELEMENT_NODE && xmlStrEqual (node->name, BAD_CAST element)
          && node->ns != NULL && xmlStrEqual (node->ns->href, BAD_CAST name_space))
        return node;
    }

  return NULL;
}

xmlNode *
inn_machine_description_ensure_metadata (InnMachineDescription *self,
                                         const char *name_space,
                                         const char *prefix,
                                         const char *element)
{
  xmlNode *node = inn_machine_description_find_metadata (self, name_space, element);

  if (node != NULL)
    return node;

  node = inn_xml_append (inn_machine_description_ensure (self, "metadata"), element);
  xmlSetNs (node, xmlNewNs (node, BAD_CAST name_space, BAD_CAST prefix));
  return node;
}

void
inn_machine_description_remove_metadata (xmlNode *element)
{
  xmlNode *metadata = element->parent;

  inn_xml_remove (element);
  if (xmlFirstElementChild (metadata) == NULL)
    inn_xml_remove (metadata);
}

void
inn_machine_description_read (InnMachineDescription *self)
{
  xmlNode *root = xmlDocGetRootElement (self->document);
  xmlNode *os = inn_xml_find (root, "os");
  xmlNode *type = inn_xml_find (os, "type");

  forget_fields (self);
  self->name = inn_xml_get_text (inn_xml_find (root, "name"));
  self->uuid = inn_xml_get_text (inn_xml_find (root, "uuid"));
  for (char *c = self->uuid; c != NULL && *c != '\0'; c++)
    *c = g_ascii_tolower (*c); /* it becomes the name of a folder */
  self->title = inn_xml_get_text (inn_xml_find (root, "title"));
  self->note = inn_xml_get_text (inn_xml_find (root, "description"));
  self->memory = inn_xml_get_size (inn_xml_find (root, "memory"));
  self->vcpus = read_vcpus (root);
  self->os_type = inn_xml_get_text (type);
  self->arch = inn_xml_get_attribute (type, "arch");
  self->kernel = inn_xml_get_text (inn_xml_find (os, "kernel"));
  self->initrd = inn_xml_get_text (inn_xml_find (os, "initrd"));
  self->cmdline = inn_xml_get_text (inn_xml_find (os, "cmdline"));
  inn_machine_description_read_disks (self);
}

/* Takes over @document. */
static InnMachineDescription *
from_document (xmlDoc *document)
{
  InnMachineDescription *self = g_new0 (InnMachineDescription, 1);

  self->document = document;
  inn_machine_description_read (self);

  return self;
}

static void
set_syntax_error (xmlParserCtxt *context, GError **error)
{
  const xmlError *problem = xmlCtxtGetLastError (context);
  g_autofree char *reason = NULL;

  if (problem == NULL || problem->message == NULL)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("The definition is not XML."));
      return;
    }

  reason = g_utf8_make_valid (problem->message, -1);
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("The definition cannot be read at line %d: %s."), problem->line,
               g_strstrip (reason));
}

/* libxml2 prints some encoding errors whatever the options say. */
G_GNUC_PRINTF (2, 3)
static void
ignore_message (void *context, const char *format, ...)
{
}

static xmlDoc *
parse_document (const char *text, gsize length, int more_options, GError **error)
{
  const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | more_options;
  xmlParserCtxt *context = NULL;
  xmlDoc *document = NULL;

  if (length > INN_MACHINE_DESCRIPTION_MAX_SIZE)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("The definition is larger than 1 MiB, which no machine needs."));
      return NULL;
    }

  xmlSetGenericErrorFunc (NULL, ignore_message); /* of this thread */
  context = xmlNewParserCtxt ();
  g_assert (context != NULL);
  document = xmlCtxtReadMemory (context, text, (int)length, NULL, NULL, options);
  if (document == NULL)
    set_syntax_error (context, error);
  xmlFreeParserCtxt (context);
  xmlSetGenericErrorFunc (NULL, NULL);

  return document;
}

/* Entities could name other files or grow without bound; no domain XML has a document type. */
static gboolean
check_document (xmlDoc *document, GError **error)
{
  xmlNode *root = xmlDocGetRootElement (document);

  if (document->intSubset != NULL)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("The definition declares a document type, which is not allowed "
                              "in a machine's definition."));
      return FALSE;
    }
  if (root == NULL || !xmlStrEqual (root->name, BAD_CAST "domain"))
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("The definition does not describe a machine: its first element "
                              "is not “domain”."));
      return FALSE;
    }

  return TRUE;
}

InnMachineDescription *
inn_machine_description_parse (const char *text, gsize length, GError **error)
{
  xmlDoc *document = NULL;

  g_return_val_if_fail (text != NULL, NULL);

  document = parse_document (text, length, 0, error);
  if (document == NULL)
    return NULL;
  if (!check_document (document, error))
    {
      xmlFreeDoc (document);
      return NULL;
    }

  return from_document (document);
}

char *
inn_machine_description_recover_name (const char *text, gsize length)
{
  xmlDoc *document = parse_document (text, length, XML_PARSE_RECOVER, NULL);
  g_autofree char *name = NULL;

  if (document == NULL)
    return NULL;
  if (check_document (document, NULL))
    name = inn_xml_get_text (inn_xml_find (xmlDocGetRootElement (document), "name"));
  xmlFreeDoc (document);

  if (name == NULL || !inn_machine_description_check_name (name, NULL))
    return NULL;

  return g_steal_pointer (&name);
}

static void
add_serial_console (xmlNode *devices)
{
  xmlNode *serial = inn_xml_append (devices, "serial");
  xmlNode *console = inn_xml_append (devices, "console");

  inn_xml_set_attribute (serial, "type", "pty");
  inn_xml_set_attribute (inn_xml_ensure (serial, "target"), "port", "0");
  inn_xml_set_attribute (console, "type", "pty");
  inn_xml_set_attribute (inn_xml_ensure (console, "target"), "type", "serial");
  inn_xml_set_attribute (inn_xml_ensure (console, "target"), "port", "0");
}

InnMachineDescription *
inn_machine_description_new (const char *name, guint64 memory, guint vcpus)
{
  xmlDoc *document = xmlNewDoc (BAD_CAST "1.0");
  xmlNode *root = xmlNewDocNode (document, NULL, BAD_CAST "domain", NULL);
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *memory_kib = g_strdup_printf ("%" G_GUINT64_FORMAT, memory >> 10);
  g_autofree char *vcpu_count = g_strdup_printf ("%u", vcpus);
  xmlNode *type;

  g_return_val_if_fail (name != NULL, NULL);

  xmlDocSetRootElement (document, root);
  inn_xml_set_attribute (root, "type", "kvm");
  inn_xml_set_child_text (root, "name", name);
  inn_xml_set_child_text (root, "uuid", uuid);
  inn_xml_set_child_text (root, "memory", memory_kib);
  inn_xml_set_attribute (inn_xml_find (root, "memory"), "unit", "KiB");
  inn_xml_set_child_text (root, "vcpu", vcpu_count);
  inn_xml_set_child_text (inn_xml_ensure (root, "os"), "type", "hvm");
  type = inn_xml_find (inn_xml_find (root, "os"), "type");
  inn_xml_set_attribute (type, "arch", "x86_64");
  inn_xml_set_attribute (type, "machine", "q35");
  inn_xml_ensure (inn_xml_ensure (root, "features"), "acpi"); /* libvirt leaves it out else */
  add_serial_console (inn_xml_ensure (root, "devices"));

  return from_document (document);
}

InnMachineDescription *
inn_machine_description_copy (const InnMachineDescription *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return from_document (xmlCopyDoc (self->document, /* recursive= */ 1));
}

void
inn_machine_description_free (InnMachineDescription *self)
{
  if (self == NULL)
    return;

  forget_fields (self);
  xmlFreeDoc (self->document);
  g_free (self);
}

char *
inn_machine_description_to_xml (const InnMachineDescription *self)
{
  xmlChar *text = NULL;
  char *copy;
  int length;

  g_return_val_if_fail (self != NULL, NULL);

  /* Where the document has white space of its own libxml2 adds none. */
  xmlDocDumpFormatMemoryEnc (self->document, &text, &length, "UTF-8", /* format= */ 1);
  copy = g_strndup ((const char *)text, (gsize)length);
  xmlFree (text);

  return copy;
}

const char *
inn_machine_description_get_name (const InnMachineDescription *self)
{
  return self->name;
}

const char *
inn_machine_description_get_uuid (const InnMachineDescription *self)
{
  return self->uuid;
}

const char *
inn_machine_description_get_title (const InnMachineDescription *self)
{
  return self->title;
}

const char *
inn_machine_description_get_description (const InnMachineDescription *self)
{
  return self->note;
}

const char *
inn_machine_description_get_os_type (const InnMachineDescription *self)
{
  return self->os_type;
}

const char *
inn_machine_description_get_arch (const InnMachineDescription *self)
{
  return self->arch;
}

guint64
inn_machine_description_get_memory (const InnMachineDescription *self)
{
  return self->memory;
}

guint
inn_machine_description_get_vcpus (const InnMachineDescription *self)
{
  return self->vcpus;
}

static void
set_text (InnMachineDescription *self, const char *element, const char *text)
{
  inn_xml_set_child_text (xmlDocGetRootElement (self->document), element, text);
  inn_machine_description_read (self);
}

void
inn_machine_description_set_name (InnMachineDescription *self, const char *name)
{
  set_text (self, "name", name);
}

void
inn_machine_description_set_uuid (InnMachineDescription *self, const char *uuid)
{
  set_text (self, "uuid", uuid);
}

void
inn_machine_description_set_title (InnMachineDescription *self, const char *title)
{
  set_text (self, "title", title);
}

void
inn_machine_description_set_description (InnMachineDescription *self, const char *text)
{
  set_text (self, "description", text);
}

void
inn_machine_description_set_memory (InnMachineDescription *self, guint64 bytes)
{
  g_autofree char *kib = g_strdup_printf ("%" G_GUINT64_FORMAT, bytes >> 10);

  set_text (self, "memory", kib);
  inn_xml_set_attribute (inn_machine_description_find (self, "memory"), "unit", "KiB");
  set_text (self, "currentMemory", NULL);
}

void
inn_machine_description_set_vcpus (InnMachineDescription *self, guint vcpus)
{
  g_autofree char *count = g_strdup_printf ("%u", vcpus);

  set_text (self, "vcpu", count);
  inn_xml_set_attribute (inn_machine_description_find (self, "vcpu"), "current", NULL);
  /* It says how many make up the old number. */
  inn_xml_remove (inn_xml_find (inn_machine_description_find (self, "cpu"), "topology"));
}
