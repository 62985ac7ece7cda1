/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "description-fixture.h"
#include "engine-error.h"
#include "machine-description-boot.h"
#include "machine-description-disks.h"

static void
test_new (void)
{
  const char *cmdline = "console=ttyS0 a=\"<&>\" ü";
  g_autoptr (InnMachineDescription) made
      = inn_machine_description_new ("Büro & <co>", (guint64)3 << 30, 4);
  g_autoptr (InnMachineDescription) read = NULL;
  g_autofree char *xml = NULL;

  inn_machine_description_set_kernel (made, "/boot/a & b");
  inn_machine_description_set_initrd (made, "/boot/i");
  inn_machine_description_set_cmdline (made, cmdline);
  inn_machine_description_add_disk (made, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, "/data/one.raw");
  inn_machine_description_add_disk (made, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, "/data/t\"wo.raw");

  xml = inn_machine_description_to_xml (made);
  read = parse (xml);
  g_assert_true (inn_machine_description_validate (read, NULL));
  g_assert_true (inn_machine_description_check_startable (read, NULL));
  g_assert_cmpstr (inn_machine_description_get_name (read), ==, "Büro & <co>");
  g_assert_cmpstr (inn_machine_description_get_uuid (read), ==,
                   inn_machine_description_get_uuid (made));
  g_assert_cmpuint (inn_machine_description_get_memory (read), ==, (guint64)3 << 30);
  g_assert_cmpuint (inn_machine_description_get_vcpus (read), ==, 4);
  g_assert_cmpstr (inn_machine_description_get_kernel (read), ==, "/boot/a & b");
  g_assert_cmpstr (inn_machine_description_get_initrd (read), ==, "/boot/i");
  g_assert_cmpstr (inn_machine_description_get_cmdline (read), ==, cmdline);
  g_assert_cmpuint (inn_machine_description_get_n_disks (read), ==, 2);
  g_assert_cmpstr (inn_machine_description_get_disk (read, 0)->target, ==, "vda");
  g_assert_cmpstr (inn_machine_description_get_disk (read, 1)->target, ==, "vdb");
  g_assert_cmpstr (inn_machine_description_get_disk (read, 1)->path, ==, "/data/t\"wo.raw");
  g_assert_cmpstr (inn_machine_description_get_disk (read, 1)->format, ==, "raw");
  g_assert_nonnull (strstr (xml, "<serial type=\"pty\">"));
}

static void
test_two_new_differ (void)
{
  g_autoptr (InnMachineDescription) one = inn_machine_description_new ("a", 1 << 20, 1);
  g_autoptr (InnMachineDescription) other = inn_machine_description_new ("a", 1 << 20, 1);

  g_assert_cmpstr (inn_machine_description_get_uuid (one), !=,
                   inn_machine_description_get_uuid (other));
}

/* What the engine does not know stays, where it was. */
static void
test_unknown_is_kept (void)
{
  const char *text = MACHINE ("<!-- first -->\n<widget odd='1'><inner/></widget>\n"
                              "<disk type='file'><source file='/d'/><target dev='vda'/></disk>\n"
                              "<q:extra xmlns:q='urn:q'>text</q:extra>");
  g_autoptr (InnMachineDescription) description = parse (text);
  g_autofree char *xml = NULL;
  const char *comment, *widget, *disk, *extra;

  inn_machine_description_set_cmdline (description, "quiet");
  xml = inn_machine_description_to_xml (description);
  comment = strstr (xml, "<!-- first -->");
  widget = strstr (xml, "<widget odd=\"1\"><inner/></widget>");
  disk = strstr (xml, "<source file=\"/d\"/>");
  extra = strstr (xml, "<q:extra xmlns:q=\"urn:q\">text</q:extra>");
  g_assert_true (comment != NULL && widget > comment && disk > widget && extra > disk);
  g_assert_nonnull (strstr (xml, "<cmdline>quiet</cmdline>"));

  inn_machine_description_set_cmdline (description, NULL);
  g_assert_null (inn_machine_description_get_cmdline (description));
}

static void
test_sizes (void)
{
  static const struct
  {
    const char *element;
    guint64 bytes;
  } cases[] = {
    { "<memory>1024</memory>", 1 << 20 },
    { "<memory unit='b'>1048576</memory>", 1 << 20 },
    { "<memory unit='bytes'>7</memory>", 7 },
    { "<memory unit='KB'>2</memory>", 2000 },
    { "<memory unit='KiB'> 2 </memory>", 2048 },
    { "<memory unit='GiB'>3</memory>", (guint64)3 << 30 },
    { "<memory unit='TB'>1</memory>", G_GUINT64_CONSTANT (1000000000000) },
    { "<memory unit='parsec'>3</memory>", 0 },
    { "<memory>-1</memory>", 0 },
    { "<memory>1.5</memory>", 0 },
    { "<memory unit='TiB'>99999999999</memory>", 0 }, /* more than 64 bits */
    { "<memory>99999999999999999999</memory>", 0 },
    { "<memory/>", 0 },
    { "", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat ("<domain>", cases[i].element, "</domain>", NULL);
      g_autoptr (InnMachineDescription) description = parse (text);

      g_assert_cmpuint (inn_machine_description_get_memory (description), ==, cases[i].bytes);
    }
}

static void
test_hostile (void)
{
  g_autofree char *large = g_malloc (INN_MACHINE_DESCRIPTION_MAX_SIZE + 2);
  g_autoptr (GError) error = NULL;

  assert_refused ("", "definition");
  assert_refused ("no XML", "line 1");
  assert_refused ("<domain><name>cut in ha", "line 1");
  assert_refused ("<network/>", "domain");
  assert_refused ("<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
                  "<domain><name>&a;</name></domain>",
                  "document type");
  assert_refused ("<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>"
                  "<!ENTITY c '&b;&b;&b;&b;&b;&b;'>]><domain><name>&c;&c;</name></domain>",
                  "definition");

  memset (large, ' ', INN_MACHINE_DESCRIPTION_MAX_SIZE + 1);
  large[INN_MACHINE_DESCRIPTION_MAX_SIZE + 1] = '\0';
  g_assert_null (
      inn_machine_description_parse (large, INN_MACHINE_DESCRIPTION_MAX_SIZE + 1, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
}

/* Nothing is printed, whatever libxml2 thinks of it. */
static void
test_silent (void)
{
  static const char utf32[] = "\x3c\0\0\0\0\0\0\0";
  static const char badly_encoded[] = "<?xml version='1.0' encoding='UTF-16LE'?><domain>\xff\xd8";

  if (g_test_subprocess ())
    {
      g_assert_null (inn_machine_description_parse (utf32, sizeof (utf32) - 1, NULL));
      g_assert_null (
          inn_machine_description_parse (badly_encoded, sizeof (badly_encoded) - 1, NULL));
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("");
}

static void
test_validate (void)
{
  static const char rest[] = "<memory>65536</memory><vcpu>1</vcpu></domain>";
  static const char head[] = "<domain><name>n</name><uuid>" UUID "</uuid>";
  g_autofree char *no_name = g_strconcat ("<domain><uuid>" UUID "</uuid>", rest, NULL);
  g_autofree char *no_uuid = g_strconcat ("<domain><name>n</name>", rest, NULL);
  g_autofree char *bad_uuid
      = g_strconcat ("<domain><name>n</name><uuid>../../x</uuid>", rest, NULL);
  g_autofree char *no_memory = g_strconcat (head, "<vcpu>1</vcpu></domain>", NULL);
  g_autofree char *no_vcpu = g_strconcat (head, "<memory>65536</memory></domain>", NULL);
  g_autofree char *many
      = g_strconcat (head, "<memory>65536</memory><vcpu>500</vcpu></domain>", NULL);

  assert_refused (no_name, "no name");
  assert_refused (no_uuid, "UUID");
  assert_refused (bad_uuid, "UUID");
  assert_refused (no_memory, "1 MiB");
  assert_refused (no_vcpu, "processors");
  assert_refused (many, "processors");
}

static void
test_names (void)
{
  g_autofree char *longest = g_strnfill (INN_MACHINE_MAX_NAME, 'x');
  g_autofree char *too_long = g_strnfill (INN_MACHINE_MAX_NAME + 1, 'x');
  const char *bad[]
      = { "", "/", "a/b", ".", "..", "a\nb", "a\x7f", "\xff\xfe", "\xc2\x85", too_long };
  const char *good[] = { "a", "Größe 8 GiB", "...", "a.b", longest };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (inn_machine_description_check_name (bad[i], NULL));
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (inn_machine_description_check_name (good[i], NULL));
}

static void
test_startable (void)
{
  g_autoptr (InnMachineDescription) good = parse (MACHINE (""));

  g_assert_true (inn_machine_description_check_startable (good, NULL));
  assert_not_startable ("<domain><name>n</name><uuid>" UUID "</uuid><memory>65536</memory>"
                        "<vcpu>1</vcpu><os><type arch='riscv64'>hvm</type></os></domain>",
                        "riscv64");
}

static void
test_setters (void)
{
  g_autoptr (InnMachineDescription) description
      = parse ("<domain><name>n</name><uuid>" UUID "</uuid><memory unit='MiB'>64</memory>"
               "<currentMemory unit='MiB'>32</currentMemory><vcpu current='1'>2</vcpu>"
               "<cpu mode='host-model'><topology sockets='2' cores='1' threads='1'/></cpu>"
               "</domain>");
  g_autofree char *xml = NULL;

  inn_machine_description_set_name (description, "a & b");
  inn_machine_description_set_title (description, "<A>");
  inn_machine_description_set_description (description, "two\nlines");
  inn_machine_description_set_memory (description, (guint64)3 << 30);
  inn_machine_description_set_vcpus (description, 4);

  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_cmpstr (inn_machine_description_get_name (description), ==, "a & b");
  g_assert_cmpstr (inn_machine_description_get_title (description), ==, "<A>");
  g_assert_cmpstr (inn_machine_description_get_description (description), ==, "two\nlines");
  g_assert_cmpuint (inn_machine_description_get_memory (description), ==, (guint64)3 << 30);
  g_assert_cmpuint (inn_machine_description_get_vcpus (description), ==, 4);
  /* What was about the old numbers would make libvirt refuse the new ones. */
  xml = inn_machine_description_to_xml (description);
  g_assert_null (strstr (xml, "current"));
  g_assert_null (strstr (xml, "topology"));
  g_assert_nonnull (strstr (xml, "host-model"));

  inn_machine_description_set_title (description, NULL);
  g_assert_null (inn_machine_description_get_title (description));
}

/* What is added stands on lines of its own in a document that has lines, what is removed leaves
 * none behind. */
static void
test_layout (void)
{
  static const char text[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                             "<domain>\n"
                             "  <name>n</name>\n"
                             "  <devices>\n"
                             "    <emulator>/e</emulator>\n"
                             "  </devices>\n"
                             "</domain>\n";
  static const char with_disk[] = "    <emulator>/e</emulator>\n"
                                  "    <disk type=\"file\" device=\"disk\">\n"
                                  "      <driver type=\"raw\"/>\n"
                                  "      <source file=\"/d\"/>\n"
                                  "      <target dev=\"vda\" bus=\"virtio\"/>\n"
                                  "    </disk>\n"
                                  "  </devices>\n"
                                  "  <title>t</title>\n"
                                  "</domain>\n";
  g_autoptr (InnMachineDescription) description = parse (text);
  g_autofree char *grown = NULL;
  g_autofree char *shrunk = NULL;

  inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, "/d");
  inn_machine_description_set_title (description, "t");
  grown = inn_machine_description_to_xml (description);
  g_assert_true (g_str_has_suffix (grown, with_disk));

  inn_machine_description_remove_disk (description, "vda");
  inn_machine_description_set_title (description, NULL);
  shrunk = inn_machine_description_to_xml (description);
  g_assert_cmpstr (shrunk, ==, text);
}

static void
test_recover_name (void)
{
  static const char cut[] = "<domain type='kvm'><name>web server</name><uuid>0f6b";
  static const char no_name[] = "<domain type='kvm'><na";
  static const char bad_name[] = "<domain type='kvm'><name>a/b</name><uuid>";
  g_autofree char *name = inn_machine_description_recover_name (cut, strlen (cut));

  g_assert_cmpstr (name, ==, "web server");
  g_assert_null (inn_machine_description_recover_name (no_name, strlen (no_name)));
  g_assert_null (inn_machine_description_recover_name (bad_name, strlen (bad_name)));
}

static void
test_copy (void)
{
  g_autoptr (InnMachineDescription) original = inn_machine_description_new ("a", 1 << 20, 1);
  g_autoptr (InnMachineDescription) copy = inn_machine_description_copy (original);

  inn_machine_description_set_uuid (copy, UUID);
  inn_machine_description_set_kernel (copy, "/k");
  g_assert_cmpstr (inn_machine_description_get_uuid (copy), ==, UUID);
  g_assert_cmpstr (inn_machine_description_get_uuid (original), !=, UUID);
  g_assert_null (inn_machine_description_get_kernel (original));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/machine-description/new", test_new);
  g_test_add_func ("/machine-description/two-new-differ", test_two_new_differ);
  g_test_add_func ("/machine-description/unknown-is-kept", test_unknown_is_kept);
  g_test_add_func ("/machine-description/sizes", test_sizes);
  g_test_add_func ("/machine-description/hostile", test_hostile);
  g_test_add_func ("/machine-description/silent", test_silent);
  g_test_add_func ("/machine-description/validate", test_validate);
  g_test_add_func ("/machine-description/setters", test_setters);
  g_test_add_func ("/machine-description/layout", test_layout);
  g_test_add_func ("/machine-description/names", test_names);
  g_test_add_func ("/machine-description/startable", test_startable);
  g_test_add_func ("/machine-description/recover-name", test_recover_name);
  g_test_add_func ("/machine-description/copy", test_copy);

  return g_test_run ();
}
