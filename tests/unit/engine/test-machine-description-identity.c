/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine-description-identity.h"

#include <string.h>

#include "machine-description-network.h"
#include "machine-description-snapshots.h"

#define UUID "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"
#define XML                                                                                        \
  "<domain><name>one</name><uuid>" UUID "</uuid><genid>" UUID "</genid>"                           \
  "<memory>65536</memory><vcpu>1</vcpu><devices>"                                                  \
  "<interface type='user'><mac address='52:54:00:00:00:01'/>"                                      \
  "<backend type='passt'/><portForward proto='tcp'><range start='8080' to='80'/></portForward>"    \
  "</interface>"                                                                                   \
  "<interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='br0'/></interface>"  \
  "</devices></domain>"

static void
test_new_identity (void)
{
  g_autoptr (InnMachineDescription) description
      = inn_machine_description_parse (XML, strlen (XML), NULL);
  g_autoptr (GPtrArray) nics = NULL;
  g_autofree char *xml = NULL;
  const InnNicDescription *user, *bridge;

  inn_machine_description_set_current_snapshot (description, UUID);
  inn_machine_description_set_new_identity (description, "two");
  g_assert_cmpstr (inn_machine_description_get_name (description), ==, "two");
  g_assert_true (g_uuid_string_is_valid (inn_machine_description_get_uuid (description)));
  g_assert_null (inn_machine_description_get_current_snapshot (description));

  nics = inn_machine_description_get_nics (description);
  user = g_ptr_array_index (nics, 0);
  bridge = g_ptr_array_index (nics, 1);
  g_assert_cmpstr (user->mac, ==, "52:54:00:00:00:01");
  g_assert_cmpuint (user->forwards->len, ==, 0);
  g_assert_cmpstr (bridge->mac, !=, "52:54:00:00:00:02");
  g_assert_cmpstr (bridge->bridge, ==, "br0");
  xml = inn_machine_description_to_xml (description);
  g_assert_null (strstr (xml, UUID)); /* neither the old UUID nor the old generation */
  g_assert_nonnull (strstr (xml, "<genid>"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-description-identity/new", test_new_identity);
  return g_test_run ();
}
