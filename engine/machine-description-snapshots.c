/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots in a machine's description.
 */
#include "config.h"

#include "machine-description-snapshots.h"

#include "machine-description-private.h"

#define NAMESPACE "https://innkeeper.org/xmlns/engine/1"
#define PREFIX    "innkeeper"
#define ELEMENT   "snapshots"

/* Elements of other namespaces are other programs' business, whatever their names are. */
static xmlNode *
find_element (const InnMachineDescription *self)
{
  xmlNode *metadata = inn_machine_description_find (self, "metadata");

  for (xmlNode *node = metadata != NULL ? metadata->children : NULL; node != NULL;
       node = node->next)
    {
      if (node->type == XML_ELEMENT_NODE && xmlStrEqual (node->name, BAD_CAST ELEMENT)
          && node->ns != NULL && xmlStrEqual (node->ns->href, BAD_CAST NAMESPACE))
        return node;
    }

  return NULL;
}

static xmlNode *
ensure_element (InnMachineDescription *self)
{
  xmlNode *element = find_element (self);

  if (element != NULL)
    return element;

  element = inn_xml_append (inn_machine_description_ensure (self, "metadata"), ELEMENT);
  xmlSetNs (element, xmlNewNs (element, BAD_CAST NAMESPACE, BAD_CAST PREFIX));
  return element;
}

static char *
get_id (const InnMachineDescription *self, const char *attribute)
{
  g_autofree char *id = inn_xml_get_attribute (find_element (self), attribute);

  return id != NULL && g_uuid_string_is_valid (id) ? g_steal_pointer (&id) : NULL;
}

static void
set_id (InnMachineDescription *self, const char *attribute, const char *id)
{
  xmlNode *element = id != NULL ? ensure_element (self) : find_element (self);
  xmlNode *metadata;

  if (element == NULL)
    return;

  inn_xml_set_attribute (element, attribute, id);
  if (element->properties != NULL)
    return;

  metadata = element->parent;
  inn_xml_remove (element);
  if (xmlFirstElementChild (metadata) == NULL)
    inn_xml_remove (metadata);
}

char *
inn_machine_description_get_current_snapshot (const InnMachineDescription *self)
{
  return get_id (self, "current");
}

char *
inn_machine_description_get_resume_snapshot (const InnMachineDescription *self)
{
  return get_id (self, "resume");
}

void
inn_machine_description_set_current_snapshot (InnMachineDescription *self, const char *id)
{
  set_id (self, "current", id);
}

void
inn_machine_description_set_resume_snapshot (InnMachineDescription *self, const char *id)
{
  set_id (self, "resume", id);
}
