/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "description-fixture.h"
#include "machine-description-devices.h"

#define CHANNEL(name) "<channel type='unix'><target type='virtio' name='" name "'/></channel>"
#define FEATURES(text)                                                                             \
  MACHINE_WITH ("<os><type>hvm</type><kernel>/k</kernel></os><features>" text "</features>", "")

static void
test_nothing (void)
{
  g_autoptr (InnMachineDescription) description = parse (MACHINE (""));
  g_auto (GStrv) ports = inn_machine_description_list_ports (description);

  g_assert_false (inn_machine_description_has_balloon (description));
  g_assert_cmpuint (g_strv_length (ports), ==, 0);
  g_assert_cmpuint (inn_machine_description_get_vsock_cid (description), ==, 0);
  g_assert_false (inn_machine_description_get_hyperv (description));
}

static void
test_balloon (void)
{
  static const struct
  {
    const char *text;
    gboolean has;
  } cases[] = {
    { MACHINE ("<memballoon model='virtio'/>"), TRUE },
    { MACHINE ("<memballoon model='virtio-non-transitional'/>"), TRUE },
    { MACHINE ("<memballoon/>"), TRUE },
    { MACHINE ("<memballoon model='none'/>"), FALSE },
    { MACHINE ("<memballoon model='xen'/>"), FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (InnMachineDescription) description = parse (cases[i].text);

      g_assert_cmpint (inn_machine_description_has_balloon (description), ==, cases[i].has);
    }
}

static void
test_ports (void)
{
  const char *const expected[] = { "hvc0", "org.qemu.guest_agent.0", "com.redhat.spice.0", NULL };
  g_autoptr (InnMachineDescription) description
      = parse (MACHINE ("<channel type='unix'><target type='virtio' "
                        "name='org.qemu.guest_agent.0' state='connected'/></channel>"
                        "<channel type='pty'><target type='guestfwd' port='4600'/></channel>"
                        "<channel type='spicevmc'><target type='virtio' "
                        "name='com.redhat.spice.0'/></channel>"
                        "<console type='pty'><target type='serial' port='0'/></console>"
                        "<console type='pty'><target type='virtio' port='1'/></console>"
                        "<console type='pty'><target type='virtio' port='2'/></console>"));
  g_auto (GStrv) ports = inn_machine_description_list_ports (description);

  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_cmpstrv (ports, expected);
}

static void
test_vsock (void)
{
  static const struct
  {
    const char *text;
    guint cid;
  } cases[] = {
    { MACHINE ("<vsock model='virtio'/>"), 3 },
    { MACHINE ("<vsock model='virtio'><cid auto='yes'/></vsock>"), 3 },
    { MACHINE ("<vsock><cid auto='yes' address='9'/></vsock>"), 3 },
    { MACHINE ("<vsock><cid auto='no' address='42'/></vsock>"), 42 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (InnMachineDescription) description = parse (cases[i].text);

      g_assert_true (inn_machine_description_validate (description, NULL));
      g_assert_cmpuint (inn_machine_description_get_vsock_cid (description), ==, cases[i].cid);
    }
}

static void
test_hyperv (void)
{
  static const struct
  {
    const char *text;
    gboolean on;
  } cases[] = {
    { FEATURES ("<acpi/>"), FALSE },
    { FEATURES ("<hyperv/>"), FALSE },
    { FEATURES ("<hyperv mode='passthrough'/>"), TRUE },
    { FEATURES ("<hyperv mode='custom'><relaxed state='off'/></hyperv>"), FALSE },
    { FEATURES ("<hyperv><relaxed state='off'/> <vapic state='on'/></hyperv>"), TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (InnMachineDescription) description = parse (cases[i].text);

      g_assert_cmpint (inn_machine_description_get_hyperv (description), ==, cases[i].on);
    }
}

static void
test_bad (void)
{
  assert_refused (MACHINE ("<vsock><cid auto='no' address='2'/></vsock>"), "vsock");
  assert_refused (MACHINE ("<vsock><cid address='4294967295'/></vsock>"), "vsock");
  assert_refused (MACHINE ("<vsock><cid address='x'/></vsock>"), "vsock");
  assert_refused (MACHINE ("<channel><target type='virtio'/></channel>"), "needs a name");
  assert_refused (MACHINE (CHANNEL ("a") CHANNEL ("a")), "“a”");
  assert_refused (MACHINE (CHANNEL ("123456789012345678901234567890123456789012345678901234567890"
                                    "1234")),
                  "63");
  assert_refused (MACHINE (CHANNEL ("1") CHANNEL ("2") CHANNEL ("3") CHANNEL ("4") CHANNEL ("5")
                               CHANNEL ("6") CHANNEL ("7") CHANNEL ("8")),
                  "8 channels");
}

static void
test_add (void)
{
  g_autoptr (InnMachineDescription) description = parse (MACHINE (""));
  g_auto (GStrv) ports = NULL;

  inn_machine_description_add_guest_devices (description);
  ports = inn_machine_description_list_ports (description);
  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_true (inn_machine_description_has_balloon (description));
  g_assert_cmpuint (g_strv_length (ports), ==, 1);
  g_assert_cmpstr (ports[0], ==, "org.qemu.guest_agent.0");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/machine-description-devices/nothing", test_nothing);
  g_test_add_func ("/machine-description-devices/balloon", test_balloon);
  g_test_add_func ("/machine-description-devices/ports", test_ports);
  g_test_add_func ("/machine-description-devices/vsock", test_vsock);
  g_test_add_func ("/machine-description-devices/hyperv", test_hyperv);
  g_test_add_func ("/machine-description-devices/bad", test_bad);
  g_test_add_func ("/machine-description-devices/add", test_add);

  return g_test_run ();
}
