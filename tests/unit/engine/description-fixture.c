/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptions from text, and what is said about bad ones.
 */
#include "description-fixture.h"

#include <string.h>

#include "engine-error.h"

InnMachineDescription *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  InnMachineDescription *description = inn_machine_description_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return description;
}

void
assert_refused (const char *text, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (InnMachineDescription) description
      = inn_machine_description_parse (text, strlen (text), &error);

  if (description != NULL)
    g_assert_false (inn_machine_description_validate (description, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

void
assert_not_startable (const char *text, const char *word)
{
  g_autoptr (InnMachineDescription) description = parse (text);
  g_autoptr (GError) error = NULL;

  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_false (inn_machine_description_check_startable (description, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

gboolean
has_text (const InnMachineDescription *description, const char *part)
{
  g_autofree char *xml = inn_machine_description_to_xml (description);

  return strstr (xml, part) != NULL;
}
