/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Templates in a machine's description.
 */
#include "config.h"

#include "machine-description-template.h"

#include <glib/gi18n-lib.h>

#include "engine-error.h"
#include "machine-description-private.h"

#define NAMESPACE "https://innkeeper.org/xmlns/template/1"
#define PREFIX    "innkeeper-template"
#define ELEMENT   "template"

gboolean
inn_machine_description_is_template (const InnMachineDescription *self)
{
  return inn_machine_description_find_metadata (self, NAMESPACE, ELEMENT) != NULL;
}

void
inn_machine_description_set_template (InnMachineDescription *self, gboolean is_template)
{
  xmlNode *element = inn_machine_description_find_metadata (self, NAMESPACE, ELEMENT);

  if (is_template)
    inn_machine_description_ensure_metadata (self, NAMESPACE, PREFIX, ELEMENT);
  else if (element != NULL)
    inn_machine_description_remove_metadata (element);
}

gboolean
inn_machine_description_check_no_template (const InnMachineDescription *self, GError **error)
{
  if (!inn_machine_description_is_template (self))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
               _ ("“%s” is a template, which stays as it is. Clone it, or turn it back into a "
                  "machine (“innctl set NAME template=off”)."),
               inn_machine_description_get_name (self));
  return FALSE;
}

gboolean
inn_machine_description_check_template_change (const InnMachineDescription *before,
                                               const InnMachineDescription *after,
                                               GError **error)
{
  g_autoptr (InnMachineDescription) named = NULL;
  g_autofree char *allowed = NULL;
  g_autofree char *wanted = NULL;

  if (!inn_machine_description_is_template (before) || !inn_machine_description_is_template (after))
    return TRUE;

  named = inn_machine_description_copy (before);
  inn_machine_description_set_name (named, inn_machine_description_get_name (after));
  inn_machine_description_set_title (named, inn_machine_description_get_title (after));
  inn_machine_description_set_description (named, inn_machine_description_get_description (after));
  allowed = inn_machine_description_to_xml (named);
  wanted = inn_machine_description_to_xml (after);
  return g_str_equal (allowed, wanted) || inn_machine_description_check_no_template (before, error);
}
