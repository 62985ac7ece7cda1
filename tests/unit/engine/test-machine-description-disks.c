/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "description-fixture.h"
#include "machine-description-disks.h"

static void
test_read (void)
{
  g_autoptr (InnMachineDescription) description
      = parse (MACHINE ("<disk type='block'><source dev='/dev/x'/><target dev='vda' bus='virtio'/>"
                        "<serial>S-1</serial><readonly/></disk>"
                        "<disk device='cdrom'><target dev='sda' bus='sata'/></disk>"
                        "<disk device='cdrom'><source file='/c.iso'/><target dev='hdc'/></disk>"
                        "<disk><source file='/d'/><target dev='sdb'/></disk>"
                        "<disk><source file='/e'/><target dev='hda' bus='ide'/></disk>"));
  const InnDiskDescription *disk = inn_machine_description_get_disk (description, 0);

  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_cmpstr (disk->path, ==, "/dev/x");
  g_assert_cmpstr (disk->serial, ==, "S-1");
  g_assert_true (disk->readonly);
  g_assert_cmpint (disk->bus, ==, INN_DISK_BUS_VIRTIO);

  disk = inn_machine_description_find_disk (description, "sda");
  g_assert_cmpint (disk->kind, ==, INN_DISK_CDROM);
  g_assert_null (disk->path);
  disk = inn_machine_description_find_disk (description, "hdc");
  g_assert_cmpint (disk->bus, ==, INN_DISK_BUS_SATA);
  g_assert_cmpstr (disk->path, ==, "/c.iso");
  g_assert_cmpint (inn_machine_description_find_disk (description, "sdb")->bus, ==,
                   INN_DISK_BUS_SATA);
  g_assert_cmpint (inn_machine_description_find_disk (description, "hda")->bus, ==,
                   INN_DISK_BUS_OTHER);
  g_assert_null (inn_machine_description_find_disk (description, "vdz"));
}

static void
test_add (void)
{
  g_autoptr (InnMachineDescription) description = inn_machine_description_new ("n", 1 << 20, 1);

  g_assert_cmpstr (inn_machine_description_add_disk (description, INN_DISK_DISK,
                                                     INN_DISK_BUS_VIRTIO, "/a & b"),
                   ==, "vda");
  g_assert_cmpstr (inn_machine_description_add_disk (description, INN_DISK_CDROM, INN_DISK_BUS_SATA,
                                                     NULL),
                   ==, "sda");
  g_assert_cmpstr (inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_SATA,
                                                     "/dev/sdx"),
                   ==, "sdb");
  g_assert_cmpstr (inn_machine_description_add_disk (description, INN_DISK_DISK,
                                                     INN_DISK_BUS_VIRTIO, "/c"),
                   ==, "vdb");

  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_true (inn_machine_description_check_startable (description, NULL));
  g_assert_true (inn_machine_description_find_disk (description, "sda")->readonly);
  g_assert_cmpstr (inn_machine_description_find_disk (description, "sdb")->path, ==, "/dev/sdx");
  g_assert_true (has_text (description, "<disk type=\"block\" device=\"disk\">"));
  g_assert_true (has_text (description, "<source file=\"/a &amp; b\"/>"));
}

static void
test_change (void)
{
  g_autoptr (InnMachineDescription) description
      = parse (MACHINE ("<disk type='network' device='cdrom'><source protocol='http' name='x'>"
                        "<host name='h'/></source><target dev='sda' bus='sata'/><readonly/>"
                        "<address type='drive' unit='0'/></disk>"
                        "<disk><source file='/d'/><target dev='vda'/></disk>"));

  inn_machine_description_set_disk_path (description, "sda", "/c.iso");
  g_assert_cmpstr (inn_machine_description_find_disk (description, "sda")->path, ==, "/c.iso");
  g_assert_false (inn_machine_description_find_disk (description, "sda")->remote);
  g_assert_false (has_text (description, "http"));
  g_assert_true (has_text (description, "<address type=\"drive\" unit=\"0\"/>"));
  inn_machine_description_set_disk_path (description, "sda", NULL);
  g_assert_null (inn_machine_description_find_disk (description, "sda")->path);

  inn_machine_description_set_disk_serial (description, "vda", "S1");
  inn_machine_description_set_disk_readonly (description, "vda", TRUE);
  g_assert_cmpstr (inn_machine_description_find_disk (description, "vda")->serial, ==, "S1");
  g_assert_true (inn_machine_description_find_disk (description, "vda")->readonly);
  inn_machine_description_set_disk_readonly (description, "vda", FALSE);
  inn_machine_description_set_disk_serial (description, "vda", NULL);
  g_assert_null (inn_machine_description_find_disk (description, "vda")->serial);
  g_assert_false (inn_machine_description_find_disk (description, "vda")->readonly);

  inn_machine_description_remove_disk (description, "sda");
  g_assert_cmpuint (inn_machine_description_get_n_disks (description), ==, 1);
  g_assert_cmpstr (inn_machine_description_get_disk (description, 0)->target, ==, "vda");
}

static void
test_validate (void)
{
  assert_refused (MACHINE ("<disk><source file='/d'/></disk>"), "target");
  assert_refused (MACHINE ("<disk><source file='d'/><target dev='a'/></disk>"), "root");
  assert_refused (MACHINE ("<disk><target dev='a'/></disk><disk><target dev='a'/></disk>"), "Two");
  assert_refused (MACHINE ("<disk><target dev='a'/><serial>a,b</serial></disk>"), "serial");
  assert_refused (MACHINE ("<disk><target dev='a'/><serial>123456789012345678901</serial></disk>"),
                  "serial");
}

static void
test_too_many (void)
{
  g_autoptr (InnMachineDescription) description = inn_machine_description_new ("n", 1 << 20, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) sata_error = NULL;

  for (int i = 0; i < 15; i++)
    inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, "/d");
  for (int i = 0; i < 6; i++)
    inn_machine_description_add_disk (description, INN_DISK_CDROM, INN_DISK_BUS_SATA, NULL);
  g_assert_true (inn_machine_description_validate (description, NULL));

  inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, "/d");
  g_assert_false (inn_machine_description_validate (description, &error));
  g_assert_nonnull (strstr (error->message, "16 disks on the virtio bus"));
  inn_machine_description_remove_disk (description, "vda");
  inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_SATA, "/d");
  g_assert_false (inn_machine_description_validate (description, &sata_error));
  g_assert_nonnull (strstr (sata_error->message, "7 disks on the sata bus"));

  /* Those that cannot start here are bounded too. */
  for (int i = 0; i < 32; i++)
    inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, "/d");
  g_clear_error (&error);
  g_assert_false (inn_machine_description_validate (description, &error));
  g_assert_nonnull (strstr (error->message, "at most 32"));
}

static void
test_startable (void)
{
  assert_not_startable (MACHINE ("<disk device='lun'><target dev='sda'/></disk>"), "neither");
  assert_not_startable (MACHINE ("<disk><driver type='vmdk'/><source file='/d'/>"
                                 "<target dev='vda'/></disk>"),
                        "neither raw nor qcow2");
  assert_not_startable (MACHINE ("<disk device='cdrom'><driver type='qcow2'/><source file='/d'/>"
                                 "<target dev='sda'/></disk>"),
                        "not raw");
  assert_not_startable (MACHINE ("<disk type='network'><source name='x'/>"
                                 "<target dev='vda'/></disk>"),
                        "not a file");
  assert_not_startable (MACHINE ("<disk><target dev='vda'/></disk>"), "not a file");
  assert_not_startable (MACHINE ("<disk type='network' device='cdrom'><source name='x'/>"
                                 "<target dev='sda'/></disk>"),
                        "not a file");
  assert_not_startable (MACHINE ("<disk device='cdrom'><target dev='hda' bus='ide'/></disk>"),
                        "SATA");
  assert_not_startable (MACHINE ("<disk><source file='/d'/><target dev='sda' bus='scsi'/></disk>"),
                        "virtio");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/machine-description-disks/read", test_read);
  g_test_add_func ("/machine-description-disks/add", test_add);
  g_test_add_func ("/machine-description-disks/change", test_change);
  g_test_add_func ("/machine-description-disks/validate", test_validate);
  g_test_add_func ("/machine-description-disks/too-many", test_too_many);
  g_test_add_func ("/machine-description-disks/startable", test_startable);

  return g_test_run ();
}
