/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/domain-xml.h"

#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "model/error.h"
#include "model/libvirt/domain-reading.h"
#include "model/libvirt/libvirt-error.h"
#include "model/libvirt/libvirt-metrics.h"
#include "model/libvirt/libvirt-uri.h"

#define UUID "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"

static InnNewMachine *
describe (InnMediumKind medium, const char *path)
{
  InnNewMachine *machine = inn_new_machine_new ();

  machine->name = g_strdup ("a <b> & 'c' \"d\"");
  machine->medium = medium;
  machine->medium_path = g_strdup (path);
  machine->memory = 512 << 20;
  machine->vcpus = 3;
  return machine;
}

static char *
build (const InnNewMachine *machine, const InnDomainPlan *plan)
{
  g_autoptr (GError) error = NULL;
  char *xml = inn_domain_xml_build (machine, plan, &error);

  g_assert_no_error (error);
  return xml;
}

#define ASSERT_HAS(xml, text)    g_assert_nonnull (strstr (xml, text))
#define ASSERT_HAS_NO(xml, text) g_assert_null (strstr (xml, text))

static void
test_round_trip (void)
{
  g_autoptr (InnNewMachine) machine = describe (INN_MEDIUM_ISO, "/m/a & b.iso");
  InnDomainPlan plan = { .uuid = UUID, .disk_path = "/d/x.qcow2", .serial_log = "/l/x.log" };
  g_autofree char *xml = build (machine, &plan);
  g_autoptr (GError) error = NULL;
  g_autoptr (InnDomainDescription) description = inn_domain_description_parse (xml, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (description->uuid, ==, UUID);
  g_assert_cmpstr (description->name, ==, machine->name);
  g_assert_cmpuint (description->vcpus, ==, 3);
  g_assert_cmpuint (description->memory, ==, 512 << 20);
  g_assert_true (description->emulated);
  g_assert_true (description->has_serial);
  g_assert_cmpint (description->vnc_index, ==, 0);
  /* The CD is not ours to delete. */
  g_assert_cmpuint (g_strv_length (description->made_disks), ==, 1);
  g_assert_cmpstr (description->made_disks[0], ==, "/d/x.qcow2");
}

static void
test_boot (void)
{
  g_autoptr (InnNewMachine) iso = describe (INN_MEDIUM_ISO, "/m/a.iso");
  g_autoptr (InnNewMachine) kernel = describe (INN_MEDIUM_KERNEL, "/m/vmlinuz");
  g_autoptr (InnNewMachine) disk = describe (INN_MEDIUM_DISK, "/m/a.img");
  InnDomainPlan plan = { .uuid = UUID };
  g_autofree char *iso_xml = build (iso, &plan);
  g_autofree char *kernel_xml = build (kernel, &plan);
  g_autofree char *disk_xml = NULL, *own_xml = NULL;

  ASSERT_HAS (iso_xml, "<boot dev=\"cdrom\"/>");
  ASSERT_HAS_NO (iso_xml, "<boot dev=\"hd\"/>");
  ASSERT_HAS (kernel_xml, "<kernel>/m/vmlinuz</kernel>");
  ASSERT_HAS (kernel_xml, "console=ttyS0");
  ASSERT_HAS_NO (kernel_xml, "<initrd>");
  ASSERT_HAS_NO (kernel_xml, "<boot ");

  plan.kvm = TRUE;
  plan.disk_path = "/d/second.qcow2";
  disk_xml = build (disk, &plan);
  ASSERT_HAS (disk_xml, "type=\"kvm\"");
  ASSERT_HAS (disk_xml, "host-passthrough");
  ASSERT_HAS (disk_xml, "type=\"raw\"");
  ASSERT_HAS (disk_xml, "file=\"/m/a.img\"");
  ASSERT_HAS (disk_xml, "dev=\"vdb\"");

  kernel->initrd_path = g_strdup ("/m/initrd");
  kernel->cmdline = g_strdup ("quiet");
  own_xml = build (kernel, &plan);
  ASSERT_HAS (own_xml, "<initrd>/m/initrd</initrd>");
  ASSERT_HAS (own_xml, "<cmdline>quiet</cmdline>");
}

static void
test_whole_pc (void)
{
  g_autoptr (InnNewMachine) qcow2 = describe (INN_MEDIUM_QCOW2, "/m/a.qcow2");
  g_autoptr (InnNewMachine) network = describe (INN_MEDIUM_NETWORK, NULL);
  InnDomainPlan plan = { .uuid = UUID };
  g_autofree char *bios_xml = build (qcow2, &plan);
  g_autofree char *network_xml = build (network, &plan);
  g_autofree char *uefi_xml = NULL;

  ASSERT_HAS (bios_xml, "type=\"qcow2\"");
  ASSERT_HAS (bios_xml, "<boot dev=\"hd\"/>");
  ASSERT_HAS_NO (bios_xml, "firmware=");
  ASSERT_HAS (network_xml, "<boot dev=\"network\"/>");
  ASSERT_HAS_NO (network_xml, "<source file=");

  qcow2->firmware = INN_MACHINE_FIRMWARE_UEFI;
  uefi_xml = build (qcow2, &plan);
  ASSERT_HAS (uefi_xml, "<os firmware=\"efi\">");
}

static void
test_bad_path (void)
{
  g_autoptr (InnNewMachine) machine = describe (INN_MEDIUM_ISO, "/m/\xff.iso");
  InnDomainPlan plan = { .uuid = UUID };
  g_autoptr (GError) error = NULL;

  g_assert_null (inn_domain_xml_build (machine, &plan, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_INVALID);
}

#define DOMAIN(inside) "<domain type='kvm'><name>n</name><uuid>" UUID "</uuid>" inside "</domain>"
#define MARK(path)                                                                                 \
  "<metadata><i:machine xmlns:i='https://innkeeper.org/xmlns/libvirt/domain/1'>"                   \
  "<i:disk path='" path "'/></i:machine></metadata>"

static void
test_foreign (void)
{
  g_autoptr (InnDomainDescription) description = inn_domain_description_parse (
      DOMAIN ("<memory unit='GiB'>2</memory><devices><graphics type='spice'/>"
              "<graphics type='vnc'/><console type='pty'/></devices>"),
      -1, NULL);

  g_assert_nonnull (description);
  g_assert_false (description->emulated);
  g_assert_cmpuint (description->memory, ==, G_GUINT64_CONSTANT (2) << 30);
  g_assert_cmpuint (description->vcpus, ==, 1);
  g_assert_cmpint (description->vnc_index, ==, 1);
  g_assert_true (description->has_serial);
}

/* A mark is not enough: what is deleted has to be a disk of that machine alone. */
static void
test_made_disks (void)
{
  static const char *const none[] = {
    DOMAIN (MARK ("/etc/passwd")),
    DOMAIN (MARK ("/a") "<devices><disk device='cdrom'><source file='/a'/></disk></devices>"),
    DOMAIN (MARK ("/a") "<devices><disk><source file='/a'/><shareable/></disk></devices>"),
    DOMAIN (MARK ("/a") "<devices><disk><source file='/a'/><readonly/></disk></devices>"),
    DOMAIN (MARK ("a") "<devices><disk><source file='a'/></disk></devices>"),
    DOMAIN (MARK ("/b") "<devices><disk><source file='/a'/></disk></devices>"),
    DOMAIN ("<metadata><machine><disk path='/a'/></machine></metadata>"
            "<devices><disk><source file='/a'/></disk></devices>"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    {
      g_autoptr (InnDomainDescription) description
          = inn_domain_description_parse (none[i], -1, NULL);

      g_assert_nonnull (description);
      g_assert_cmpuint (g_strv_length (description->made_disks), ==, 0);
    }
}

static void
test_hostile (void)
{
  static const char *const texts[] = {
    "",
    "<domain>",
    "<network><name>n</name></network>",
    "<domain><name>n</name></domain>",
    "<domain><uuid>" UUID "</uuid></domain>",
    "<domain><name>n</name><uuid>no</uuid></domain>",
    "<!DOCTYPE domain [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
    "<domain><name>&e;</name><uuid>" UUID "</uuid></domain>",
  };
  g_autofree char *huge = g_strnfill (5 * 1024 * 1024, ' ');
  g_autoptr (InnDomainDescription) capped = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (inn_domain_description_parse (texts[i], -1, &error));
      g_assert_error (error, INN_ERROR, INN_ERROR_INVALID);
    }
  memcpy (huge, "<domain/>", 9);
  g_assert_null (inn_domain_description_parse (huge, -1, NULL));
  capped = inn_domain_description_parse (
      DOMAIN ("<memory unit='GiB'>99999999999999999</memory><vcpu>4000000000</vcpu>"), -1, NULL);
  g_assert_cmpuint (capped->memory, ==, 0);
  g_assert_cmpuint (capped->vcpus, ==, 4096);
}

static void
test_capabilities (void)
{
  g_autofree char *architecture = inn_capabilities_parse_architecture (
      "<capabilities><host><cpu><arch>x86_64</arch></cpu></host></capabilities>");

  g_assert_cmpstr (architecture, ==, "x86_64");
  g_assert_null (inn_capabilities_parse_architecture ("<capabilities/>"));
  g_assert_null (inn_capabilities_parse_architecture ("nonsense"));
}

static void
test_states (void)
{
  static const struct
  {
    int state, reason;
    gboolean no_space;
    InnMachineState expected;
    gboolean has_text;
  } cases[] = {
    { VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED, FALSE, INN_MACHINE_RUNNING, FALSE },
    { VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER, FALSE, INN_MACHINE_PAUSED, FALSE },
    { VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, TRUE, INN_MACHINE_NO_SPACE, TRUE },
    { VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, FALSE, INN_MACHINE_PAUSED, TRUE },
    { VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP, FALSE, INN_MACHINE_STARTING, FALSE },
    { VIR_DOMAIN_SHUTDOWN, 0, FALSE, INN_MACHINE_SHUTTING_DOWN, FALSE },
    { VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_DESTROYED, FALSE, INN_MACHINE_OFF, FALSE },
    { VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_CRASHED, FALSE, INN_MACHINE_CRASHED, TRUE },
    { VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_FAILED, FALSE, INN_MACHINE_OFF, TRUE },
    { VIR_DOMAIN_CRASHED, 0, FALSE, INN_MACHINE_CRASHED, TRUE },
    { VIR_DOMAIN_PMSUSPENDED, 0, FALSE, INN_MACHINE_PAUSED, FALSE },
    { 1000, 1000, FALSE, INN_MACHINE_OFF, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *text;

      g_assert_cmpint (inn_domain_state (cases[i].state, cases[i].reason, cases[i].no_space, &text),
                       ==, cases[i].expected);
      g_assert_cmpint (text != NULL, ==, cases[i].has_text);
    }
}

static void
test_errors (void)
{
  static const struct
  {
    int code;
    const char *text;
    InnError expected;
  } cases[] = {
    { VIR_ERR_OPERATION_FAILED, "operation failed: domain 'a' already exists with uuid 1",
      INN_ERROR_EXISTS },
    { VIR_ERR_SYSTEM_ERROR, "Failed to connect socket to '/x': No such file or directory",
      INN_ERROR_UNAVAILABLE },
    { VIR_ERR_INTERNAL_ERROR, "process exited: Could not write: No space left on device",
      INN_ERROR_NO_SPACE },
    { VIR_ERR_OPERATION_FAILED, "Active console session exists for this domain", INN_ERROR_BUSY },
    { VIR_ERR_NO_SUPPORT, "this function is not supported", INN_ERROR_NOT_SUPPORTED },
    { VIR_ERR_INTERNAL_ERROR, "something new", INN_ERROR_FAILED },
    { VIR_ERR_OK, NULL, INN_ERROR_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = inn_libvirt_error_new (cases[i].code, cases[i].text);

      g_assert_error (error, INN_ERROR, (int)cases[i].expected);
      g_assert_true (g_str_has_suffix (error->message, ".")
                     || strstr (error->message, "something new") != NULL);
    }
}

static virTypedParameter
number (const char *field, guint64 value)
{
  virTypedParameter param = { .type = VIR_TYPED_PARAM_ULLONG };

  g_strlcpy (param.field, field, sizeof param.field);
  param.value.ul = value;
  return param;
}

static void
test_metrics (void)
{
  virTypedParameter params[] = {
    number ("state.state", 1),          number ("cpu.time", 99),
    number ("balloon.current", 1024),   number ("balloon.rss", 2048),
    number ("balloon.available", 1000), number ("balloon.unused", 400),
    number ("vcpu.0.time", 10),         number ("vcpu.1.time", 20),
    number ("vcpu.1.wait", 5),          number ("vcpu.300.time", 7),
    number ("vcpu.x.time", 7),          number ("block.0.rd.bytes", 100),
    number ("net.0.rx.bytes", 40),      number ("net.1.rx.bytes", 2),
    number ("block.1.rd.bytes", 11),    number ("block.0.wr.reqs", 3),
    number ("block.count", 2),          { .field = "block.0.name", .type = VIR_TYPED_PARAM_STRING },
  };
  g_autofree InnCounters *counters = g_new (InnCounters, 1);

  g_assert_true (inn_libvirt_metrics_read (params, G_N_ELEMENTS (params), counters));
  g_assert_cmpuint (counters->n_vcpus, ==, 2);
  g_assert_cmpuint (counters->vcpu_ns[0], ==, 10);
  g_assert_cmpuint (counters->vcpu_ns[1], ==, 20);
  g_assert_cmpuint (counters->memory_given, ==, 1024 * 1024);
  g_assert_cmpuint (counters->memory_held, ==, 2048 * 1024);
  g_assert_cmpuint (counters->memory_used, ==, 600 * 1024);
  g_assert_cmpuint (counters->read_bytes, ==, 111);
  g_assert_cmpuint (counters->received_bytes, ==, 42);
  g_assert_cmpuint (counters->sent_bytes, ==, G_MAXUINT64);
  g_assert_cmpuint (counters->write_operations, ==, 3);
  g_assert_cmpuint (counters->write_bytes, ==, G_MAXUINT64);

  /* A container, and a driver without statistics. */
  g_assert_true (inn_libvirt_metrics_read (params, 2, counters));
  g_assert_cmpuint (counters->n_vcpus, ==, 1);
  g_assert_cmpuint (counters->vcpu_ns[0], ==, 99);
  g_assert_false (inn_libvirt_metrics_read (params, 1, counters));
}

static void
test_uris (void)
{
  static const struct
  {
    const char *uri;
    const char *technique;
    gboolean local, session;
  } cases[] = {
    { "qemu:///session", "QEMU", TRUE, TRUE },
    { "qemu+unix:///session?socket=/run/x/libvirt-sock", "QEMU", TRUE, TRUE },
    { "qemu:///system", "QEMU", TRUE, FALSE },
    { "qemu+ssh://user@host/session", "QEMU", FALSE, FALSE },
    { "qemu://host/system", "QEMU", FALSE, FALSE },
    { "qemu+ssh:///session", "QEMU", FALSE, FALSE },
    { "test:///default", "Test", TRUE, FALSE },
    { "lxc:///system", "LXC", TRUE, FALSE },
    { "esx://root@host/?no_verify=1", "ESXi", FALSE, FALSE },
    { "chalet:///x", "libvirt", TRUE, FALSE },
    { "nonsense", "libvirt", FALSE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_cmpstr (inn_libvirt_uri_get_technique (cases[i].uri), ==, cases[i].technique);
      g_assert_cmpint (inn_libvirt_uri_is_local (cases[i].uri), ==, cases[i].local);
      g_assert_cmpint (inn_libvirt_uri_is_session (cases[i].uri), ==, cases[i].session);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-xml/round-trip", test_round_trip);
  g_test_add_func ("/domain-xml/boot", test_boot);
  g_test_add_func ("/domain-xml/whole-pc", test_whole_pc);
  g_test_add_func ("/domain-xml/bad-path", test_bad_path);
  g_test_add_func ("/domain-xml/foreign", test_foreign);
  g_test_add_func ("/domain-xml/made-disks", test_made_disks);
  g_test_add_func ("/domain-xml/hostile", test_hostile);
  g_test_add_func ("/domain-xml/capabilities", test_capabilities);
  g_test_add_func ("/domain-reading/states", test_states);
  g_test_add_func ("/libvirt-error/sentences", test_errors);
  g_test_add_func ("/libvirt-metrics/read", test_metrics);
  g_test_add_func ("/libvirt-uri/parts", test_uris);
  return g_test_run ();
}
