/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch-generation.h"

#include <string.h>

#define MACHINE                                                                                    \
  "<domain><name>%s</name><uuid>0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a1%u</uuid>"                      \
  "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><kernel>/k</kernel></os><devices>"              \
  "<disk><source file='%s'/><target dev='vda'/></disk>"                                            \
  "<disk device='cdrom'>%s<target dev='sda'/></disk></devices></domain>"

static char *
generation (const char *name, guint identity, const char *disk, const char *cd)
{
  g_autofree char *text = g_strdup_printf (MACHINE, name, identity, disk, cd);
  g_autoptr (InnMachineDescription) description
      = inn_machine_description_parse (text, strlen (text), NULL);

  return inn_launch_generation_new (description);
}

static void
test_course (void)
{
  g_autofree char *first = generation ("a", 1, "/layers/1.qcow2", "");
  g_autofree char *same = generation ("b", 1, "/layers/1.qcow2", "<source file='/cd'/>");
  g_autofree char *layer = generation ("a", 1, "/layers/2.qcow2", "");
  g_autofree char *copy = generation ("a", 2, "/layers/1.qcow2", "");

  g_assert_true (g_uuid_string_is_valid (first));
  g_assert_cmpstr (first, ==, same);
  g_assert_cmpstr (first, !=, layer);
  g_assert_cmpstr (first, !=, copy);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/launch-generation/course", test_course);
  return g_test_run ();
}
