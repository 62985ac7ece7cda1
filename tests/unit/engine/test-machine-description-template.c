/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine-description-template.h"

#include <string.h>

#include "engine-error.h"
#include "machine-description-boot.h"
#include "machine-description-snapshots.h"

#define ID "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"

static InnMachineDescription *
parse (const char *xml)
{
  return inn_machine_description_parse (xml, strlen (xml), NULL);
}

/* It comes and goes without a trace, beside what else is there. */
static void
test_mark (void)
{
  g_autoptr (InnMachineDescription) description = inn_machine_description_new ("one", 64 << 20, 1);
  g_autofree char *before = NULL;
  g_autofree char *marked = NULL;
  g_autofree char *after = NULL;
  g_autofree char *current = NULL;

  before = inn_machine_description_to_xml (description);
  g_assert_false (inn_machine_description_is_template (description));
  inn_machine_description_set_template (description, TRUE);
  inn_machine_description_set_template (description, TRUE);
  inn_machine_description_set_current_snapshot (description, ID);
  marked = inn_machine_description_to_xml (description);
  g_clear_pointer (&description, inn_machine_description_free);

  description = parse (marked);
  g_assert_true (inn_machine_description_is_template (description));
  inn_machine_description_set_template (description, FALSE);
  inn_machine_description_set_template (description, FALSE);
  g_assert_false (inn_machine_description_is_template (description));
  current = inn_machine_description_get_current_snapshot (description);
  g_assert_cmpstr (current, ==, ID);
  inn_machine_description_set_current_snapshot (description, NULL);
  after = inn_machine_description_to_xml (description);
  g_assert_cmpstr (after, ==, before);
}

static void
test_foreign_metadata (void)
{
  g_autoptr (InnMachineDescription) description
      = parse ("<domain><metadata><template/><a:template xmlns:a='urn:a'/></metadata></domain>");

  g_assert_false (inn_machine_description_is_template (description));
}

static gboolean
may_become (const InnMachineDescription *before, const InnMachineDescription *after)
{
  g_autoptr (GError) error = NULL;
  const gboolean may = inn_machine_description_check_template_change (before, after, &error);

  if (!may)
    g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED);
  return may;
}

/* It has another name, or is no template any more; nothing else. */
static void
test_changes (void)
{
  g_autoptr (InnMachineDescription) before = inn_machine_description_new ("one", 64 << 20, 1);
  g_autoptr (InnMachineDescription) after = NULL;

  inn_machine_description_set_template (before, TRUE);
  after = inn_machine_description_copy (before);
  g_assert_true (may_become (before, after));
  inn_machine_description_set_name (after, "two");
  inn_machine_description_set_title (after, "title");
  inn_machine_description_set_description (after, "what it is for");
  g_assert_true (may_become (before, after));
  inn_machine_description_set_vcpus (after, 2);
  g_assert_false (may_become (before, after));
  inn_machine_description_set_template (after, FALSE);
  g_assert_true (may_become (before, after));
  g_assert_true (may_become (after, before));
}

static void
test_not_started (void)
{
  g_autoptr (InnMachineDescription) description = inn_machine_description_new ("one", 64 << 20, 1);
  g_autoptr (GError) error = NULL;

  inn_machine_description_set_kernel (description, "/k");
  g_assert_true (inn_machine_description_check_startable (description, NULL));
  inn_machine_description_set_template (description, TRUE);
  g_assert_false (inn_machine_description_check_startable (description, &error));
  g_assert_nonnull (strstr (error->message, "Clone it"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-description-template/mark", test_mark);
  g_test_add_func ("/machine-description-template/foreign-metadata", test_foreign_metadata);
  g_test_add_func ("/machine-description-template/changes", test_changes);
  g_test_add_func ("/machine-description-template/not-started", test_not_started);
  return g_test_run ();
}
