/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine-description-snapshots.h"

#include <string.h>

#include "machine-description-boot.h"
#include "machine-description-disks.h"

#define ID    "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"
#define OTHER "1f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"

static InnMachineDescription *
parse_again (const InnMachineDescription *description)
{
  g_autofree char *xml = inn_machine_description_to_xml (description);
  InnMachineDescription *again = inn_machine_description_parse (xml, strlen (xml), NULL);

  g_assert_nonnull (again);
  return again;
}

static void
test_marks (void)
{
  g_autoptr (InnMachineDescription) description = inn_machine_description_new ("one", 64 << 20, 1);
  g_autofree char *before = inn_machine_description_to_xml (description);
  g_autofree char *after = NULL;
  g_autofree char *current = NULL;
  g_autofree char *resume = NULL;
  g_autoptr (InnMachineDescription) again = NULL;

  g_assert_null (inn_machine_description_get_current_snapshot (description));
  inn_machine_description_set_resume_snapshot (description, NULL);
  inn_machine_description_set_current_snapshot (description, ID);
  inn_machine_description_set_resume_snapshot (description, OTHER);
  again = parse_again (description);
  current = inn_machine_description_get_current_snapshot (again);
  resume = inn_machine_description_get_resume_snapshot (again);
  g_assert_cmpstr (current, ==, ID);
  g_assert_cmpstr (resume, ==, OTHER);

  inn_machine_description_set_current_snapshot (description, NULL);
  inn_machine_description_set_resume_snapshot (description, NULL);
  after = inn_machine_description_to_xml (description);
  g_assert_cmpstr (after, ==, before);
}

/* What other programs keep there stays, and what is no UUID names no snapshot. */
static void
test_foreign_metadata (void)
{
  static const char xml[]
      = "<domain><metadata><snapshots current='" ID "'/><a:snapshots xmlns:a='urn:a' current='" ID
        "'/><b:snapshots xmlns:b='https://innkeeper.org/xmlns/engine/1' current='../../x'/>"
        "</metadata></domain>";
  g_autoptr (InnMachineDescription) description
      = inn_machine_description_parse (xml, strlen (xml), NULL);
  g_autofree char *current = NULL;
  g_autofree char *text = NULL;

  g_assert_null (inn_machine_description_get_current_snapshot (description));
  inn_machine_description_set_current_snapshot (description, OTHER);
  current = inn_machine_description_get_current_snapshot (description);
  g_assert_cmpstr (current, ==, OTHER);
  inn_machine_description_set_current_snapshot (description, NULL);
  text = inn_machine_description_to_xml (description);
  g_assert_nonnull (strstr (text, "urn:a"));
  g_assert_null (strstr (text, "engine/1"));
}

static void
test_layers_and_variables (void)
{
  g_autoptr (InnMachineDescription) description = inn_machine_description_new ("one", 64 << 20, 1);
  g_autofree char *variables = NULL;
  const InnDiskDescription *disk;

  inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, "/a.raw");
  inn_machine_description_set_disk_layer (description, "vda", "/b.qcow2", "qcow2");
  disk = inn_machine_description_find_disk (description, "vda");
  g_assert_cmpstr (disk->path, ==, "/b.qcow2");
  g_assert_cmpstr (disk->format, ==, "qcow2");

  inn_machine_description_set_firmware (description, INN_FIRMWARE_UEFI);
  inn_machine_description_set_variables (description, "/v.fd");
  variables = inn_machine_description_get_variables (description);
  g_assert_cmpstr (variables, ==, "/v.fd");
  inn_machine_description_set_variables (description, NULL);
  g_assert_null (inn_machine_description_get_variables (description));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-description-snapshots/marks", test_marks);
  g_test_add_func ("/machine-description-snapshots/foreign-metadata", test_foreign_metadata);
  g_test_add_func ("/machine-description-snapshots/layers-and-variables",
                   test_layers_and_variables);
  return g_test_run ();
}
