/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware.h"

#include <glib/gstdio.h>
#include <string.h>

#include "description-fixture.h"
#include "engine-error.h"
#include "engine-fixture.h"

#define TARGETS "'targets': [{'architecture': 'x86_64', 'machines': ['pc-i440fx-*', 'pc-q35-*']}]"
#define UEFI(rest)                                                                                 \
  "{'interface-types': ['bios', 'uefi'], 'mapping': {'device': 'flash', 'executable': {"           \
  "'filename': '/code', 'format': 'raw'}, 'nvram-template': {'filename': '/vars', "                \
  "'format': 'raw'}}, " rest "}"
#define BIOS(path)                                                                                 \
  "{'interface-types': ['bios'], 'mapping': {'device': 'memory', 'filename': '" path               \
  "'}, " TARGETS "}"

static gboolean
match (const char *text, InnFirmware kind, InnFirmwareFiles *files)
{
  g_autofree char *json = g_strdelimit (g_strdup (text), "'", '"');

  return inn_firmware_match (json, strlen (json), kind, files);
}

static void
test_match (void)
{
  g_auto (InnFirmwareFiles) uefi = { NULL };
  g_auto (InnFirmwareFiles) bios = { NULL };

  g_assert_true (
      match (UEFI (TARGETS ", 'features': ['acpi-s3', 'amd-sev']"), INN_FIRMWARE_UEFI, &uefi));
  g_assert_cmpstr (uefi.image, ==, "/code");
  g_assert_cmpstr (uefi.variables_template, ==, "/vars");
  g_assert_true (match (BIOS ("/b"), INN_FIRMWARE_BIOS, &bios));
  g_assert_cmpstr (bios.image, ==, "/b");
  g_assert_null (bios.variables_template);
}

static void
test_no_match (void)
{
  static const char *const texts[] = {
    BIOS ("/b"), /* of the other kind */
    UEFI (TARGETS ", 'features': ['requires-smm']"),
    UEFI (TARGETS ", 'features': ['secure-boot']"),
    UEFI ("'targets': [{'architecture': 'x86_64', 'machines': ['pc-i440fx-*']}]"),
    UEFI ("'targets': [{'architecture': 'aarch64', 'machines': ['*']}]"),
    UEFI ("'targets': []"),
    UEFI ("'features': []"),
    "{'interface-types': ['uefi'], 'mapping': {'device': 'flash', 'mode': 'stateless', "
    "'executable': {'filename': '/code', 'format': 'raw'}}, " TARGETS "}",
    "{'interface-types': ['uefi'], 'mapping': {'device': 'flash', 'executable': {'filename': "
    "'/code', 'format': 'qcow2'}, 'nvram-template': {'filename': '/v', 'format': 'raw'}}, " TARGETS
    "}",
    "{'interface-types': ['uefi'], 'mapping': {'device': 'flash', 'executable': {'filename': "
    "'code', 'format': 'raw'}, 'nvram-template': {'filename': '/v', 'format': 'raw'}}, " TARGETS
    "}",
    /* of wrong types, or nothing at all */
    "{'interface-types': 'uefi', 'mapping': [], 'targets': {}}",
    "{'interface-types': [[1], null, {}], 'targets': [1, null, [], {}]}",
    "{'interface-types': ['uefi'], 'targets': [{'architecture': 1, 'machines': 'pc-q35-*'}]}",
    "[]",
    "null",
    "7",
    "",
    "{",
    "no JSON",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_auto (InnFirmwareFiles) files = { NULL };

      g_assert_false (match (texts[i], INN_FIRMWARE_UEFI, &files));
      g_assert_null (files.image);
    }
}

/* The parser calls itself for each level: as many as a descriptor can hold would end the process.
 */
static void
test_deep (void)
{
  g_autofree char *deep = g_strnfill (INN_FIRMWARE_MAX_DESCRIPTOR, '[');
  g_autofree char *large = g_strnfill (INN_FIRMWARE_MAX_DESCRIPTOR + 1, ' ');
  g_auto (InnFirmwareFiles) files = { NULL };

  g_assert_false (
      inn_firmware_match (deep, INN_FIRMWARE_MAX_DESCRIPTOR, INN_FIRMWARE_UEFI, &files));
  g_assert_false (
      inn_firmware_match (large, INN_FIRMWARE_MAX_DESCRIPTOR + 1, INN_FIRMWARE_UEFI, &files));
}

/* A descriptor of a BIOS image that is there, in a folder of the test's. */
static void
describe (EngineFixture *fixture, const char *folder, const char *name, const char *image)
{
  g_autofree char *folder_path = g_build_filename (fixture->root, folder, NULL);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder_path, 0700), ==, 0);
  if (image != NULL)
    {
      g_autofree char *image_path = engine_fixture_write (fixture, image, "image");
      g_autofree char *quoted = g_strdup_printf (BIOS ("%s"), image_path);

      text = g_strdelimit (g_steal_pointer (&quoted), "'", '"');
    }
  g_free (engine_fixture_write (fixture, path, text != NULL ? text : ""));
}

static void
assert_found (EngineFixture *fixture, const char *image)
{
  g_autofree char *user = g_build_filename (fixture->root, "user", NULL);
  g_autofree char *system = g_build_filename (fixture->root, "system", NULL);
  const char *const folders[] = { user, "/nowhere", system, NULL };
  g_auto (InnFirmwareFiles) files = { NULL };
  const gboolean found = inn_firmware_find_in (folders, INN_FIRMWARE_BIOS, &files);
  g_autofree char *name = found ? g_path_get_basename (files.image) : NULL;

  g_assert_cmpstr (name, ==, image);
}

static void
test_folders (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *gone = g_build_filename (fixture->root, "first", NULL);

  assert_found (fixture, NULL);
  describe (fixture, "system", "50-b.json", "second");
  assert_found (fixture, "second");
  describe (fixture, "system", "40-a.json", "first");
  assert_found (fixture, "first");
  describe (fixture, "user", "60-c.json", "third"); /* the name decides, not the folder */
  assert_found (fixture, "first");
  describe (fixture, "user", "40-a.json", "other"); /* replaces */
  assert_found (fixture, "other");
  describe (fixture, "user", "40-a.json", NULL); /* hides */
  assert_found (fixture, "second");
  describe (fixture, "system", "10-x.txt", "no-descriptor");
  assert_found (fixture, "second");
  describe (fixture, "user", "10-y.json", "first");
  g_assert_cmpint (g_unlink (gone), ==, 0);
  assert_found (fixture, "second");
}

static void
assert_chosen (const char *text, const char *image, const char *template, const char *variables)
{
  g_autoptr (InnMachineDescription) description = parse (text);
  g_auto (InnFirmwareFiles) files = { NULL };

  g_assert_true (inn_firmware_choose (description, "/machine", &files, NULL));
  g_assert_cmpstr (files.image, ==, image);
  g_assert_cmpstr (files.variables_template, ==, template);
  g_assert_cmpstr (files.variables, ==, variables);
}

static void
test_choose (void)
{
  g_autoptr (InnMachineDescription) half
      = parse (MACHINE_WITH ("<os><loader type='pflash'>/my code</loader></os>", ""));
  g_auto (InnFirmwareFiles) files = { NULL };
  g_autoptr (GError) error = NULL;

  assert_chosen (MACHINE (""), NULL, NULL, NULL);
  assert_chosen (MACHINE_WITH ("<os><loader>/b</loader></os>", ""), "/b", NULL, NULL);
  assert_chosen (MACHINE_WITH ("<os><loader type='pflash'>/c</loader>"
                               "<nvram template='/t'>/mine</nvram></os>",
                               ""),
                 "/c", "/t", "/mine");
  assert_chosen (MACHINE_WITH ("<os><loader type='pflash'>/c</loader>"
                               "<nvram template='/t'/></os>",
                               ""),
                 "/c", "/t", "/machine/variables.fd");

  g_assert_false (inn_firmware_choose (half, "/machine", &files, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "/my code"));
}

/* What this computer has, or the package that has it. */
static void
test_this_computer (void)
{
  static const struct
  {
    InnFirmware kind;
    const char *package;
  } cases[] = { { INN_FIRMWARE_BIOS, "seabios" }, { INN_FIRMWARE_UEFI, "ovmf" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (InnFirmwareFiles) files = { NULL };
      g_autoptr (GError) error = NULL;

      if (inn_firmware_find (cases[i].kind, &files, &error))
        {
          g_test_message ("%s", files.image);
          g_assert_true (g_file_test (files.image, G_FILE_TEST_EXISTS));
          g_assert_true ((files.variables_template != NULL)
                         == (cases[i].kind == INN_FIRMWARE_UEFI));
        }
      else
        {
          g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE);
          g_assert_nonnull (strstr (error->message, cases[i].package));
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/firmware/match", test_match);
  g_test_add_func ("/firmware/no-match", test_no_match);
  g_test_add_func ("/firmware/deep", test_deep);
  g_test_add ("/firmware/folders", EngineFixture, NULL, engine_fixture_set_up, test_folders,
              engine_fixture_tear_down);
  g_test_add_func ("/firmware/choose", test_choose);
  g_test_add_func ("/firmware/this-computer", test_this_computer);

  return g_test_run ();
}
