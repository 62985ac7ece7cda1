/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Domains made of other domains, and what is read for that.
 */
#include "model/libvirt/domain-clone-xml.h"

#include <string.h>

#include "model/error.h"
#include "model/libvirt/domain-mark.h"
#include "model/libvirt/domain-storage.h"
#include "model/libvirt/domain-xml.h"

#define UUID  "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"
#define OTHER "1b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"
#define MARK  "https://innkeeper.org/xmlns/libvirt/domain/1"

#define DOMAIN                                                                                     \
  "<domain type='qemu'><name>t</name><uuid>" UUID "</uuid><title>T</title><genid>1</genid>"        \
  "<metadata><m:machine xmlns:m='" MARK "'><m:disk path='/d/a'/><m:base path='/d/z'/>"             \
  "<m:disk path='relative'/></m:machine><o:o xmlns:o='urn:o'>other</o:o></metadata>"               \
  "<sysinfo type='smbios'><system><entry name='serial'>7</entry>"                                  \
  "<entry name='uuid'>" UUID "</entry></system></sysinfo>"                                         \
  "<os><type>hvm</type><loader type='pflash'>/fw</loader>"                                         \
  "<nvram template='/fw-vars'>/n/t_VARS.fd</nvram></os><devices>"                                  \
  "<disk type='file' device='disk'><driver name='qemu' type='raw' discard='unmap'/>"               \
  "<source file='/d/a'><reservations/></source><backingStore/><target dev='vda'/></disk>"          \
  "<disk type='file' device='cdrom'><source file='/c.iso'/><readonly/></disk>"                     \
  "<disk type='file'><driver type='qcow2'/><source file='/d/s'/><shareable/></disk>"               \
  "<disk type='file'><driver type='qcow2'/><source file='/d/b'/><target dev='vdb'/></disk>"        \
  "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"                          \
  "<channel type='unix'><source mode='bind' path='/s'/></channel>"                                 \
  "<graphics type='vnc' socket='/v'/>"                                                             \
  "<serial type='pty'><log file='/old.log'/></serial>"                                             \
  "<console type='pty'><log file='/old.log'/></console></devices></domain>"

static const char *const disks[] = { "/new/0", "/new/1", NULL };
static const char *const bases[] = { "/d/a", NULL };

#define ASSERT_HAS(xml, text)    g_assert_nonnull (strstr (xml, text))
#define ASSERT_HAS_NO(xml, text) g_assert_null (strstr (xml, text))

static void
test_source (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (InnDomainCloneSource) source = inn_domain_clone_source_parse (DOMAIN, -1, &error);
  const InnDomainCloneDisk *disk;

  g_assert_no_error (error);
  g_assert_cmpuint (source->disks->len, ==, 2);
  disk = g_ptr_array_index (source->disks, 0);
  g_assert_cmpstr (disk->path, ==, "/d/a");
  g_assert_cmpstr (disk->format, ==, "raw");
  disk = g_ptr_array_index (source->disks, 1);
  g_assert_cmpstr (disk->path, ==, "/d/b");
  g_assert_true (source->uefi);
  g_assert_cmpstr (source->variables, ==, "/n/t_VARS.fd");
  g_assert_cmpuint (g_strv_length (source->made_disks), ==, 2);
}

static void
test_source_refused (void)
{
  static const struct
  {
    const char *xml;
    int code;
  } rows[] = {
    { "<network/>", INN_ERROR_INVALID },
    { "<domain><devices><disk type='block'><source dev='/dev/x'/></disk></devices></domain>",
      INN_ERROR_NOT_SUPPORTED },
    { "<domain><devices><disk type='file'><source file='x'/></disk></devices></domain>",
      INN_ERROR_NOT_SUPPORTED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (inn_domain_clone_source_parse (rows[i].xml, -1, &error));
      g_assert_error (error, INN_ERROR, rows[i].code);
    }
}

static void
test_clone (void)
{
  const InnDomainClonePlan plan = { .uuid = OTHER,
                                    .name = "A <copy>",
                                    .serial_log = "/new.log",
                                    .variables = "/n/new",
                                    .disks = disks,
                                    .bases = bases };
  g_autoptr (GError) error = NULL;
  g_autofree char *xml = inn_domain_clone_xml_build (DOMAIN, &plan, &error);
  g_autoptr (InnDomainDescription) description = NULL;

  g_assert_no_error (error);
  description = inn_domain_description_parse (xml, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (description->uuid, ==, OTHER);
  g_assert_cmpstr (description->name, ==, "A <copy>");
  g_assert_cmpuint (g_strv_length (description->made_disks), ==, 2);
  g_assert_cmpstr (description->made_disks[0], ==, "/new/0");
  g_assert_cmpstr (description->made_bases[0], ==, "/d/a");
  g_assert_cmpuint (g_strv_length (description->made_bases), ==, 1);
  g_assert_true (description->storage.in_qcow2);
  ASSERT_HAS (xml, "<nvram template=\"/fw-vars\">/n/new</nvram>");
  ASSERT_HAS (xml, "type=\"qcow2\" discard=\"unmap\"");
  ASSERT_HAS (xml, "<entry name=\"serial\">7</entry>");
  ASSERT_HAS (xml, "file=\"/c.iso\"");
  ASSERT_HAS (xml, "file=\"/d/s\"");
  ASSERT_HAS (xml, "other</o:o>");
  ASSERT_HAS (xml, "<log file=\"/new.log\"/>");
  ASSERT_HAS (xml, "<genid></genid>");
  ASSERT_HAS_NO (xml, "/old.log");
  ASSERT_HAS_NO (xml, UUID);
  ASSERT_HAS_NO (xml, "52:54");
  ASSERT_HAS_NO (xml, "/d/z");
  ASSERT_HAS_NO (xml, "path=\"/s\"");
  ASSERT_HAS_NO (xml, "socket=");
  ASSERT_HAS_NO (xml, "title");
  ASSERT_HAS_NO (xml, "reservations");
}

/* Variables that were never written, and firmware that libvirt chooses. */
static void
test_variables (void)
{
  const InnDomainClonePlan fresh = { .uuid = OTHER, .name = "c", .disks = disks };
  const char *const none[] = { NULL };
  InnDomainClonePlan chosen = { .uuid = OTHER, .name = "c", .disks = none, .variables = "/n/new" };
  g_autofree char *xml = inn_domain_clone_xml_build (DOMAIN, &fresh, NULL);
  g_autofree char *automatic
      = inn_domain_clone_xml_build ("<domain><name>t</name><os firmware='efi'/></domain>", &chosen,
                                    NULL);

  ASSERT_HAS (xml, "<nvram template=\"/fw-vars\"/>");
  ASSERT_HAS_NO (xml, "<log");
  ASSERT_HAS (automatic, "<nvram>/n/new</nvram>");
}

static void
assert_variables (const char *command_line, const char *expected)
{
  g_autofree char *path = inn_domain_clone_find_variables (command_line);

  g_assert_cmpstr (path, ==, expected);
}

#define NODE "\"node-name\":\"libvirt-pflash1-storage\"}'"

static void
test_find_variables (void)
{
  assert_variables ("A=b qemu \\\n-blockdev '{\"filename\":\"/fw\",\"node-name\":\"pflash0\"}' \\\n"
                    "-blockdev '{\"driver\":\"file\",\"filename\":\"/n/t x_VARS.fd\"," NODE,
                    "/n/t x_VARS.fd");
  assert_variables ("'{\"filename\":\"/n/a\\\"b\\\\c'\\''d\"," NODE, "/n/a\"b\\c'd");
  assert_variables ("", NULL);
  assert_variables ("'{" NODE, NULL);
  assert_variables ("'{\"filename\":\"relative\"," NODE, NULL);
  assert_variables ("'{\"filename\":\"/a\\u0041\"," NODE, NULL);
  assert_variables ("'{\"filename\":\"/a\\", NULL);
  assert_variables ("'{"
                    "\"filename\":\"/a",
                    NULL);
}

static void
test_strip (void)
{
  g_autofree char *xml = inn_domain_clone_xml_strip (DOMAIN, NULL);

  ASSERT_HAS (xml, "<loader type=\"pflash\">/fw</loader>");
  ASSERT_HAS_NO (xml, "device");
  g_assert_null (inn_domain_clone_xml_strip ("<network/>", NULL));
}

/* The machine goes on as it was, on other disks. */
static void
test_move (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *xml = inn_domain_clone_xml_move (DOMAIN, disks, bases, &error);
  g_autofree char *short_of_disks = NULL;

  g_assert_no_error (error);
  ASSERT_HAS (xml, "file=\"/new/1\"");
  ASSERT_HAS (xml, "52:54:00:00:00:01");
  ASSERT_HAS (xml, "<title>T</title>");
  ASSERT_HAS (xml, "base path=\"/d/a\"");
  ASSERT_HAS_NO (xml, "base path=\"/d/z\"");
  short_of_disks = inn_domain_clone_xml_move (DOMAIN, bases, bases, &error);
  g_assert_error (error, INN_ERROR, INN_ERROR_BUSY);
  g_assert_null (short_of_disks);
}

static InnDomainStorage
read_storage (const char *xml)
{
  g_autoptr (xmlDoc) document = inn_xml_document_parse (xml, -1, "domain");
  InnDomainStorage storage;

  g_assert_nonnull (document);
  inn_domain_storage_read (xmlDocGetRootElement (document), &storage);
  return storage;
}

static void
test_storage (void)
{
  InnDomainStorage storage = read_storage (DOMAIN);

  g_assert_cmpuint (storage.n_disks, ==, 2);
  g_assert_cmpuint (storage.n_shared, ==, 1);
  g_assert_true (storage.in_files);
  g_assert_false (storage.in_qcow2);
  g_assert_true (storage.variables);

  storage = read_storage ("<domain/>");
  g_assert_cmpuint (storage.n_disks, ==, 0);
  g_assert_false (storage.variables);
  storage = read_storage ("<domain><os firmware='efi'/></domain>");
  g_assert_true (storage.variables);
  storage = read_storage ("<domain><os firmware='efi'><nvram format='qcow2'/></os></domain>");
  g_assert_false (storage.variables);
  storage = read_storage ("<domain><devices><disk type='block' device='lun'/></devices></domain>");
  g_assert_cmpuint (storage.n_disks, ==, 1);
  g_assert_false (storage.in_files);
}

static void
test_marks (void)
{
  g_autoptr (xmlDoc) document = inn_xml_document_parse (DOMAIN, -1, "domain");
  xmlNode *domain = xmlDocGetRootElement (document);
  xmlNode *mark;

  g_assert_true (inn_domain_mark_has (domain, "disk", "/d/a"));
  g_assert_false (inn_domain_mark_has (domain, "disk", "relative"));
  g_assert_false (inn_domain_mark_has (domain, "disk", "/d/z"));
  g_assert_true (inn_domain_mark_has (domain, "base", "/d/z"));
  mark = inn_domain_mark_replace (domain);
  g_assert_false (inn_domain_mark_has (domain, "disk", "/d/a"));
  inn_domain_mark_add (mark, "disk", "/d/& new");
  g_assert_true (inn_domain_mark_has (domain, "disk", "/d/& new"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-clone-xml/source", test_source);
  g_test_add_func ("/domain-clone-xml/source-refused", test_source_refused);
  g_test_add_func ("/domain-clone-xml/clone", test_clone);
  g_test_add_func ("/domain-clone-xml/variables", test_variables);
  g_test_add_func ("/domain-clone-xml/find-variables", test_find_variables);
  g_test_add_func ("/domain-clone-xml/strip", test_strip);
  g_test_add_func ("/domain-clone-xml/move", test_move);
  g_test_add_func ("/domain-clone-xml/storage", test_storage);
  g_test_add_func ("/domain-clone-xml/marks", test_marks);
  return g_test_run ();
}
