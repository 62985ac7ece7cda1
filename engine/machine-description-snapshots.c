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

static xmlNode *
find_element (const InnMachineDescription *self)
{
  return inn_machine_description_find_metadata (self, NAMESPACE, ELEMENT);
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
  xmlNode *element
      = id != NULL ? inn_machine_description_ensure_metadata (self, NAMESPACE, PREFIX, ELEMENT)
                   : find_element (self);

  if (element == NULL)
    return;

  inn_xml_set_attribute (element, attribute, id);
  if (element->properties == NULL)
    inn_machine_description_remove_metadata (element);
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
