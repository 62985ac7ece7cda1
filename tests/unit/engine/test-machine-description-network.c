/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine-description-network.h"

#include <string.h>

#include "engine-error.h"

#define MACHINE                                                                                    \
  "<domain><name>web</name><uuid>0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11</uuid>"                      \
  "<memory unit='KiB'>65536</memory><vcpu>1</vcpu><os><kernel>/k</kernel></os><devices>%s"         \
  "</devices></domain>"

static InnMachineDescription *
parse (const char *devices)
{
  g_autofree char *text = g_strdup_printf (MACHINE, devices);
  InnMachineDescription *description = inn_machine_description_parse (text, strlen (text), NULL);

  g_assert_nonnull (description);
  return description;
}

static const InnNicDescription *
get_nic (GPtrArray *nics, guint index)
{
  return g_ptr_array_index (nics, index);
}

static void
test_edit (void)
{
  static const char *const forwards[] = { "tcp:2222:22", "udp:[::1]/5000-5009:6000", NULL };
  static const char *const nonsense[] = { "tcp:2222:22", "tcp:0:1", NULL };
  static const char *const none[] = { NULL };
  g_autoptr (InnMachineDescription) description
      = parse ("<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
               "<interface type='user'><mac address='52:54:00:00:00:02'/><link state='down'/>"
               "<portForward proto='tcp'><range start='80'/></portForward></interface>");
  g_autoptr (GPtrArray) nics = NULL;
  g_autoptr (GPtrArray) after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (inn_machine_description_set_nic_forwards (description, 0, forwards, NULL));
  g_assert_true (inn_machine_description_set_nic_forwards (description, 1, none, NULL));
  g_assert_false (inn_machine_description_set_nic_forwards (description, 0, nonsense, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  inn_machine_description_set_nic_link (description, 0, FALSE);
  inn_machine_description_set_nic_link (description, 1, TRUE);
  inn_machine_description_set_nic_mac (description, 1, "52:54:00:00:00:03");
  nics = inn_machine_description_get_nics (description);
  g_assert_cmpuint (get_nic (nics, 0)->forwards->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (get_nic (nics, 0)->forwards, 0), ==, forwards[0]);
  g_assert_cmpstr (g_ptr_array_index (get_nic (nics, 0)->forwards, 1), ==, forwards[1]);
  g_assert_true (get_nic (nics, 0)->link_down);
  g_assert_cmpuint (get_nic (nics, 1)->forwards->len, ==, 0);
  g_assert_false (get_nic (nics, 1)->link_down);
  g_assert_cmpstr (get_nic (nics, 1)->mac, ==, "52:54:00:00:00:03");

  inn_machine_description_remove_nic (description, 0);
  after = inn_machine_description_get_nics (description);
  g_assert_cmpuint (after->len, ==, 1);
  g_assert_cmpstr (get_nic (after, 0)->mac, ==, "52:54:00:00:00:03");
}

static void
test_read (void)
{
  g_autoptr (InnMachineDescription) description = parse (
      "<interface type='user'><mac address='52:54:00:AB:cd:01'/><model type='virtio'/>"
      "<backend type='passt' logFile='/x'/><link state='down'/>"
      "<portForward proto='tcp'><range start='2022' to='22'/><range start='80' end='89'/>"
      "</portForward>"
      "<portForward proto='udp' address='::1'><range start='53'/></portForward></interface>"
      "<interface type='ethernet'><target dev='tap3' managed='no'/></interface>"
      "<interface type='bridge'><source bridge='br0'/></interface>"
      "<interface type='network'><source network='default'/></interface>");
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (description);
  const InnNicDescription *nic;

  g_assert_cmpuint (nics->len, ==, 4);
  nic = g_ptr_array_index (nics, 0);
  g_assert_cmpint (nic->kind, ==, INN_NIC_USER);
  g_assert_cmpstr (nic->mac, ==, "52:54:00:ab:cd:01");
  g_assert_cmpstr (nic->model, ==, "virtio");
  g_assert_true (nic->link_down);
  g_assert_false (nic->other_forwards);
  g_assert_cmpuint (nic->forwards->len, ==, 3);
  g_assert_cmpstr (g_ptr_array_index (nic->forwards, 0), ==, "tcp:2022:22");
  g_assert_cmpstr (g_ptr_array_index (nic->forwards, 1), ==, "tcp:80-89:80");
  g_assert_cmpstr (g_ptr_array_index (nic->forwards, 2), ==, "udp:[::1]/53:53");
  nic = g_ptr_array_index (nics, 1);
  g_assert_cmpint (nic->kind, ==, INN_NIC_TAP);
  g_assert_cmpstr (nic->interface, ==, "tap3");
  g_assert_null (nic->mac);
  nic = g_ptr_array_index (nics, 2);
  g_assert_cmpint (nic->kind, ==, INN_NIC_BRIDGE);
  g_assert_cmpstr (nic->bridge, ==, "br0");
  nic = g_ptr_array_index (nics, 3);
  g_assert_cmpint (nic->kind, ==, INN_NIC_OTHER);
  g_assert_true (inn_machine_description_has_mac (description, "52:54:00:ab:cd:01"));
  g_assert_false (inn_machine_description_has_mac (description, "52:54:00:ab:cd:02"));
}

static void
test_other_forwards (void)
{
  static const char *const forwards[]
      = { "<portForward proto='tcp'/>",
          "<portForward proto='sctp'><range start='1'/></portForward>",
          "<portForward proto='tcp' dev='eth0'><range start='1'/></portForward>",
          "<portForward proto='tcp'><range start='1' exclude='yes'/></portForward>",
          "<portForward proto='tcp'><range/></portForward>",
          "<portForward proto='tcp'><range start='0'/></portForward>",
          "<portForward proto='tcp'><range start='9' end='1'/></portForward>",
          "<portForward proto='tcp' address='localhost'><range start='9'/></portForward>" };

  for (guint i = 0; i < G_N_ELEMENTS (forwards); i++)
    {
      g_autofree char *text
          = g_strdup_printf ("<interface type='user'>%s</interface>", forwards[i]);
      g_autoptr (InnMachineDescription) description = parse (text);
      g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (description);
      const InnNicDescription *nic = g_ptr_array_index (nics, 0);
      g_autoptr (GError) error = NULL;

      g_assert_true (nic->other_forwards);
      g_assert_false (inn_machine_description_check_startable (description, &error));
      g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED);
    }
}

static void
test_add (void)
{
  g_autoptr (InnMachineDescription) description = parse ("<!-- mine -->");
  g_autofree char *mac = inn_machine_description_make_mac ();
  g_autoptr (GPtrArray) nics = NULL;
  g_autofree char *text = NULL;
  const InnNicDescription *nic;

  g_assert_true (g_str_has_prefix (mac, "52:54:00:"));
  g_assert_cmpuint (strlen (mac), ==, 17);
  inn_machine_description_add_user_nic (description, mac);
  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_true (inn_machine_description_check_startable (description, NULL));
  nics = inn_machine_description_get_nics (description);
  g_assert_cmpuint (nics->len, ==, 1);
  nic = g_ptr_array_index (nics, 0);
  g_assert_cmpint (nic->kind, ==, INN_NIC_USER);
  g_assert_cmpstr (nic->mac, ==, mac);
  text = inn_machine_description_to_xml (description);
  g_assert_nonnull (strstr (text, "<backend type=\"passt\"/>"));
  g_assert_nonnull (strstr (text, "<!-- mine -->"));
}

static void
assert_invalid (const char *devices, const char *part)
{
  g_autoptr (InnMachineDescription) description = parse (devices);
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_machine_description_validate (description, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_invalid (void)
{
#define CARD(mac) "<interface type='user'><mac address='" mac "'/></interface>"
  assert_invalid (CARD ("52:54:00:12:34"), "52:54:00:12:34");
  assert_invalid (CARD ("52:54:00:12:34:5z"), "5z");
  assert_invalid (CARD ("53:54:00:12:34:56"), "53:54");
  assert_invalid (CARD ("00:00:00:00:00:00"), "00:00");
  assert_invalid (CARD ("52:54:00:12:34:56") CARD ("52:54:00:12:34:56"), "52:54:00:12:34:56");
#undef CARD
}

static void
assert_not_startable (const char *devices, const char *part)
{
  g_autoptr (InnMachineDescription) description = parse (devices);
  g_autoptr (GError) error = NULL;

  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_false (inn_machine_description_check_startable (description, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_not_startable (void)
{
  g_autoptr (GString) many = g_string_new (NULL);

  assert_not_startable ("<interface type='network'><source network='n'/></interface>", "network");
  assert_not_startable ("<interface type='bridge'><source bridge='br7'/></interface>", "br7");
  assert_not_startable ("<interface type='ethernet'/>", "tap");
  assert_not_startable ("<interface type='ethernet'><target dev='a,mac=b'/></interface>", "tap");
  assert_not_startable ("<interface type='user'><model type='e1000e'/></interface>", "e1000e");
  for (int i = 0; i <= INN_MACHINE_MAX_NICS; i++)
    g_string_append (many, "<interface type='user'/>");
  assert_not_startable (many->str, "9 network cards");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/machine-description-network/read", test_read);
  g_test_add_func ("/machine-description-network/edit", test_edit);
  g_test_add_func ("/machine-description-network/other-forwards", test_other_forwards);
  g_test_add_func ("/machine-description-network/add", test_add);
  g_test_add_func ("/machine-description-network/invalid", test_invalid);
  g_test_add_func ("/machine-description-network/not-startable", test_not_startable);

  return g_test_run ();
}
