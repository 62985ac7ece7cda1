/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "description-fixture.h"
#include "engine-error.h"
#include "machine-description-boot.h"

#define DEVICES                                                                                    \
  "<disk><source file='/a'/><target dev='vda'/>%s</disk>"                                          \
  "<interface type='user'>%s</interface>"                                                          \
  "<disk device='cdrom'><target dev='sda'/>%s</disk>"                                              \
  "<disk><source file='/b'/><target dev='vdb'/>%s</disk>"

static InnMachineDescription *
parse_with (const char *os, const char *a, const char *net, const char *cd, const char *b)
{
  g_autofree char *text
      = g_strdup_printf (MACHINE_WITH ("<os>%s</os>", DEVICES), os, a, net, cd, b);

  return parse (text);
}

static void
assert_order (const InnMachineDescription *description, const char *expected)
{
  static const char *const names[] = { "disk", "cdrom", "net" };
  g_autoptr (GArray) order = inn_machine_description_get_boot_order (description);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < order->len; i++)
    {
      const InnBootDevice *device = &g_array_index (order, InnBootDevice, i);

      g_string_append_printf (text, "%s%s%u", i > 0 ? "," : "", names[device->kind], device->index);
    }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_firmware (void)
{
  static const struct
  {
    const char *text;
    InnFirmware firmware;
  } cases[] = {
    { MACHINE_WITH ("", ""), INN_FIRMWARE_BIOS },
    { MACHINE (""), INN_FIRMWARE_NONE },
    { MACHINE_WITH ("<os firmware='efi'/>", ""), INN_FIRMWARE_UEFI },
    { MACHINE_WITH ("<os firmware='efi'><kernel>/k</kernel></os>", ""), INN_FIRMWARE_UEFI },
    { MACHINE_WITH ("<os firmware='bios'><kernel>/k</kernel></os>", ""), INN_FIRMWARE_BIOS },
    { MACHINE_WITH ("<os><loader type='pflash'>/c</loader></os>", ""), INN_FIRMWARE_UEFI },
    { MACHINE_WITH ("<os><loader type='rom'>/b</loader></os>", ""), INN_FIRMWARE_BIOS },
    { MACHINE_WITH ("<os><loader>/b</loader><kernel>/k</kernel></os>", ""), INN_FIRMWARE_BIOS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (InnMachineDescription) description = parse (cases[i].text);

      g_assert_true (inn_machine_description_validate (description, NULL));
      g_assert_true (inn_machine_description_check_startable (description, NULL));
      g_assert_cmpint (inn_machine_description_get_firmware (description), ==, cases[i].firmware);
    }
}

static void
test_set_firmware (void)
{
  g_autoptr (InnMachineDescription) description
      = parse (MACHINE_WITH ("<os><loader type='pflash'>/code</loader>"
                             "<nvram template='/vars'>/mine</nvram></os>",
                             ""));
  g_autofree char *loader = inn_machine_description_get_loader (description);
  g_autofree char *variables = inn_machine_description_get_variables (description);
  g_autofree char *variables_template
      = inn_machine_description_get_variables_template (description);

  g_assert_cmpstr (loader, ==, "/code");
  g_assert_cmpstr (variables, ==, "/mine");
  g_assert_cmpstr (variables_template, ==, "/vars");

  inn_machine_description_set_firmware (description, INN_FIRMWARE_BIOS);
  g_assert_cmpint (inn_machine_description_get_firmware (description), ==, INN_FIRMWARE_BIOS);
  g_assert_null (inn_machine_description_get_loader (description));
  g_assert_null (inn_machine_description_get_variables (description));

  for (InnFirmware firmware = INN_FIRMWARE_NONE; firmware <= INN_FIRMWARE_UEFI; firmware++)
    {
      inn_machine_description_set_kernel (description, "/k");
      inn_machine_description_set_firmware (description, firmware);
      g_assert_cmpint (inn_machine_description_get_firmware (description), ==, firmware);
    }
}

static void
test_order (void)
{
  g_autoptr (InnMachineDescription) none = parse_with ("", "", "", "", "");
  g_autoptr (InnMachineDescription) classes
      = parse_with ("<boot dev='cdrom'/><boot dev='fd'/><boot dev='hd'/><boot dev='cdrom'/>"
                    "<boot dev='network'/>",
                    "", "", "", "");
  g_autoptr (InnMachineDescription) numbers
      = parse_with ("", "<boot order='30'/>", "<boot order='2'/>", "", "<boot order='1'/>");

  assert_order (none, "");
  assert_order (classes, "cdrom0,disk0,disk1,net0");
  assert_order (numbers, "disk1,net0,disk0");
  g_assert_true (inn_machine_description_validate (classes, NULL));
  g_assert_true (inn_machine_description_validate (numbers, NULL));
}

static void
test_set_order (void)
{
  g_autoptr (InnMachineDescription) description
      = parse_with ("<boot dev='network'/>", "", "", "", "");
  const char *const by_class[] = { "hd", "cdrom", NULL };
  const char *const single[] = { "sda", "vdb", "net0", NULL };
  const char *const mixed[] = { "vdb", "cdrom", NULL };
  const char *const nothing[] = { NULL };

  g_assert_true (inn_machine_description_set_boot_order (description, by_class, NULL));
  assert_order (description, "disk0,disk1,cdrom0");
  g_assert_true (has_text (description, "<boot dev=\"hd\"/>"));
  g_assert_true (inn_machine_description_set_boot_order (description, single, NULL));
  assert_order (description, "cdrom0,disk1,net0");
  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_true (inn_machine_description_set_boot_order (description, mixed, NULL));
  assert_order (description, "disk1,cdrom0");
  g_assert_true (inn_machine_description_set_boot_order (description, nothing, NULL));
  assert_order (description, "");
  g_assert_false (has_text (description, "<boot"));
}

static void
test_set_bad_order (void)
{
  g_autoptr (InnMachineDescription) description = parse_with ("<boot dev='hd'/>", "", "", "", "");
  static const struct
  {
    const char *names[4];
    const char *word;
  } cases[] = {
    { { "vda", "vdz", NULL }, "vdz" },  { { "net1", NULL }, "net1" },
    { { "", NULL }, "cannot start" },   { { "vda", "vda", NULL }, "twice" },
    { { "vda", "hd", NULL }, "twice" }, { { "cdrom", "cdrom", NULL }, "twice" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (inn_machine_description_set_boot_order (description, cases[i].names, &error));
      g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, cases[i].word));
      assert_order (description, "disk0,disk1");
    }
}

static void
test_menu (void)
{
  g_autoptr (InnMachineDescription) description
      = parse (MACHINE_WITH ("<os><bootmenu enable='yes' timeout='3000'/></os>", ""));

  g_assert_true (inn_machine_description_get_boot_menu (description));
  inn_machine_description_set_boot_menu (description, FALSE);
  g_assert_false (inn_machine_description_get_boot_menu (description));
  g_assert_true (has_text (description, "timeout=\"3000\""));
}

static void
test_bad (void)
{
  assert_refused (MACHINE_WITH ("<os firmware='coreboot'/>", ""), "coreboot");
  assert_refused (MACHINE_WITH ("<os><kernel>k</kernel></os>", ""), "folder");
  assert_refused (MACHINE_WITH ("<os><initrd>i</initrd></os>", ""), "folder");
  assert_refused (MACHINE_WITH ("<os><loader>OVMF.fd</loader></os>", ""), "folder");
  assert_refused (MACHINE_WITH ("<os><nvram>v</nvram></os>", ""), "folder");
  assert_refused (MACHINE_WITH ("<os><nvram template='v'/></os>", ""), "folder");
  assert_refused (MACHINE ("<disk><target dev='a'/><boot order='0'/></disk>"), "number");
  assert_refused (MACHINE ("<disk><target dev='a'/><boot order='first'/></disk>"), "number");
  assert_refused (MACHINE ("<disk><target dev='a'/><boot order='1'/></disk>"
                           "<interface><boot order='1'/></interface>"),
                  "place 1");
  assert_refused (MACHINE_WITH ("<os><boot dev='hd'/></os>",
                                "<disk><target dev='a'/><boot order='1'/></disk>"),
                  "twice");
  assert_not_startable (MACHINE_WITH ("<os><loader secure='yes' type='pflash'>/c</loader></os>",
                                      ""),
                        "Secure Boot");
  assert_not_startable (MACHINE_WITH ("<os firmware='efi'><firmware><feature enabled='no' "
                                      "name='enrolled-keys'/><feature enabled='yes' "
                                      "name='secure-boot'/></firmware></os>",
                                      ""),
                        "Secure Boot");
  assert_not_startable (MACHINE_WITH ("<os firmware='efi'><nvram format='qcow2'>/v</nvram></os>",
                                      ""),
                        "raw");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/machine-description-boot/firmware", test_firmware);
  g_test_add_func ("/machine-description-boot/set-firmware", test_set_firmware);
  g_test_add_func ("/machine-description-boot/order", test_order);
  g_test_add_func ("/machine-description-boot/set-order", test_set_order);
  g_test_add_func ("/machine-description-boot/set-bad-order", test_set_bad_order);
  g_test_add_func ("/machine-description-boot/menu", test_menu);
  g_test_add_func ("/machine-description-boot/bad", test_bad);

  return g_test_run ();
}
