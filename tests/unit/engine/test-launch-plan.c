/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "disk-chain.h"
#include "launch-plan.h"

#define MACHINE                                                                                    \
  "<domain><name>web, 1</name><uuid>0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11</uuid>"                   \
  "<memory unit='KiB'>65537</memory><vcpu>3</vcpu><os><kernel>/k</kernel>%s</os><devices>%s"       \
  "</devices></domain>"

#define PC                                                                                         \
  "<domain><name>pc</name><uuid>0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11</uuid>"                       \
  "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os %s</os><devices>%s</devices></domain>"

#define PC_START                                                                                   \
  "/vmm", "--name", "pc", "--memory", "64M", "--cpus", "1", "--control", "fd=3", "--end-record",   \
      "fd=4", "--firmware"
#define PC_UUID "--uuid", "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"

static const char *const no_environment[] = { NULL };
static const InnFirmwareFiles no_firmware = { NULL };

/* The generation ID, whatever it is, comes before the serial line. */
static void
take_generation (InnLaunchPlan *self)
{
  const guint at = g_strv_length (self->argv) - 4;

  g_assert_cmpstr (self->argv[at], ==, "--vmgenid");
  g_assert_true (g_uuid_string_is_valid (self->argv[at + 1]));
  g_free (self->argv[at]);
  g_free (self->argv[at + 1]);
  memmove (&self->argv[at], &self->argv[at + 2], 3 * sizeof (char *));
}

/* Each qcow2 disk builds on "/middle" and "/base". */
static InnLaunchPlan *
make_plan (const InnMachineDescription *description,
           const InnFirmwareFiles *firmware,
           gboolean disposable,
           const char *vmm,
           const char *const *environment)
{
  static const InnDiskLayer lower[] = { { (char *)"/middle", TRUE }, { (char *)"/base", FALSE } };
  g_autoptr (GPtrArray) chains = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  InnLaunchPlan *self;

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);
      GArray *layers = g_array_new (FALSE, FALSE, sizeof (InnDiskLayer));

      if (g_strcmp0 (disk->format, "qcow2") == 0)
        g_array_append_vals (layers, lower, G_N_ELEMENTS (lower));
      g_ptr_array_add (chains, layers);
    }

  self = inn_launch_plan_new (description, firmware, chains, NULL, disposable, vmm, environment);
  take_generation (self);
  return self;
}

static InnLaunchPlan *
plan (const char *os, const char *devices, const char *const *environment)
{
  g_autofree char *text = g_strdup_printf (MACHINE, os, devices);
  g_autoptr (InnMachineDescription) description
      = inn_machine_description_parse (text, strlen (text), NULL);

  return make_plan (description, &no_firmware, /* disposable= */ FALSE, "/libexec/vmm",
                    environment);
}

static void
assert_file (const InnLaunchPlan *self, guint index, InnLaunchFileKind kind, const char *path)
{
  const InnLaunchFile *file = &g_array_index (self->files, InnLaunchFile, index);

  g_assert_cmpint (file->kind, ==, kind);
  g_assert_cmpstr (file->path, ==, path);
  g_assert_cmpint (file->number, ==, 3 + (int)index);
}

static InnLaunchPlan *
plan_run (const char *os, const char *devices, gboolean disposable)
{
  const InnFirmwareFiles firmware = {
    .image = (char *)"/image",
    .variables = (char *)(strstr (os, "efi") != NULL ? "/variables" : NULL),
  };
  g_autofree char *text = g_strdup_printf (PC, os, devices);
  g_autoptr (InnMachineDescription) description
      = inn_machine_description_parse (text, strlen (text), NULL);

  g_assert_true (inn_machine_description_validate (description, NULL));
  g_assert_true (inn_machine_description_check_startable (description, NULL));
  return make_plan (description, &firmware, disposable, "/vmm", no_environment);
}

static InnLaunchPlan *
plan_pc (const char *os, const char *devices)
{
  return plan_run (os, devices, /* disposable= */ FALSE);
}

static void
test_least (void)
{
  const char *const expected[]
      = { "/libexec/vmm", "--name",     "web, 1",    "--memory", "65M",
          "--cpus",       "3",          "--control", "fd=3",     "--end-record",
          "fd=4",         "--firmware", "none",      "--kernel", "fd=6",
          "--serial",     "none",       NULL };
  g_autoptr (InnLaunchPlan) self = plan ("", "", no_environment);

  g_assert_cmpstrv (self->argv, expected);
  g_assert_cmpuint (self->files->len, ==, 4);
  assert_file (self, 0, INN_LAUNCH_CONTROL_SOCKET, NULL);
  assert_file (self, 1, INN_LAUNCH_END_RECORD, NULL);
  assert_file (self, 2, INN_LAUNCH_LOCK, NULL);
  assert_file (self, 3, INN_LAUNCH_KERNEL, "/k");
}

static void
test_all (void)
{
  const char *const expected[] = { "/libexec/vmm",
                                   "--name",
                                   "web, 1",
                                   "--memory",
                                   "65M",
                                   "--cpus",
                                   "3",
                                   "--control",
                                   "fd=3",
                                   "--end-record",
                                   "fd=4",
                                   "--firmware",
                                   "none",
                                   "--kernel",
                                   "fd=6",
                                   "--initrd",
                                   "fd=7",
                                   "--cmdline",
                                   "--odd one",
                                   "--disk",
                                   "fd=8,format=raw",
                                   "--disk",
                                   "fd=9,format=raw,readonly=on,serial=S1",
                                   "--serial",
                                   "none",
                                   NULL };
  g_autoptr (InnLaunchPlan) self
      = plan ("<initrd>/i</initrd><cmdline>--odd one</cmdline>",
              "<disk><source file='/a,readonly=on'/><target dev='vda'/></disk>"
              "<disk><source file='/b'/><target dev='vdb'/><readonly/><serial>S1</serial></disk>",
              no_environment);

  g_assert_cmpstrv (self->argv, expected);
  assert_file (self, 4, INN_LAUNCH_INITRD, "/i");
  assert_file (self, 5, INN_LAUNCH_DISK, "/a,readonly=on");
  assert_file (self, 6, INN_LAUNCH_READONLY_DISK, "/b");
}

static void
test_layers (void)
{
  const char *const expected[] = { PC_START,
                                   "bios",
                                   "--firmware-image",
                                   "fd=6",
                                   PC_UUID,
                                   "--disk",
                                   "fd=7,format=qcow2,backing=fd=8,backing-format=qcow2,"
                                   "backing=fd=9,backing-format=raw,serial=A",
                                   "--disk",
                                   "fd=10,format=raw",
                                   "--display",
                                   "none",
                                   "--serial",
                                   "none",
                                   NULL };
  g_autoptr (InnLaunchPlan) self
      = plan_pc (">", "<disk><driver type='qcow2'/><source file='/a'/><target dev='vda'/>"
                      "<serial>A</serial></disk>"
                      "<disk><source file='/b'/><target dev='vdb'/></disk>");

  g_assert_cmpstrv (self->argv, expected);
  assert_file (self, 4, INN_LAUNCH_DISK, "/a");
  assert_file (self, 5, INN_LAUNCH_READONLY_DISK, "/middle");
  assert_file (self, 6, INN_LAUNCH_READONLY_DISK, "/base");
  assert_file (self, 7, INN_LAUNCH_DISK, "/b");
}

/* What is written goes to a layer on each; what is only read is as ever. */
static void
test_disposable (void)
{
  const char *const expected[] = { PC_START,
                                   "uefi",
                                   "--firmware-image",
                                   "fd=6",
                                   "--variables",
                                   "fd=7",
                                   PC_UUID,
                                   "--disk",
                                   "fd=8,format=qcow2,backing=fd=9,backing-format=qcow2,"
                                   "backing=fd=10,backing-format=qcow2,"
                                   "backing=fd=11,backing-format=raw,serial=A",
                                   "--disk",
                                   "fd=12,format=qcow2,backing=fd=13,backing-format=raw",
                                   "--disk",
                                   "fd=14,format=raw,readonly=on",
                                   "--display",
                                   "none",
                                   "--serial",
                                   "none",
                                   NULL };
  g_autoptr (InnLaunchPlan) self = plan_run (
      "firmware='efi'>",
      "<disk><driver type='qcow2'/><source file='/a'/><target dev='vda'/><serial>A</serial></disk>"
      "<disk><source file='/b'/><target dev='vdb'/></disk>"
      "<disk><source file='/c'/><target dev='vdc'/><readonly/></disk>",
      /* disposable= */ TRUE);

  g_assert_cmpstrv (self->argv, expected);
  assert_file (self, 5, INN_LAUNCH_DISPOSABLE_DISK, "/a");
  g_assert_cmpstr (g_array_index (self->files, InnLaunchFile, 5).format, ==, "qcow2");
  assert_file (self, 6, INN_LAUNCH_READONLY_DISK, "/a");
  assert_file (self, 7, INN_LAUNCH_READONLY_DISK, "/middle");
  assert_file (self, 8, INN_LAUNCH_READONLY_DISK, "/base");
  assert_file (self, 9, INN_LAUNCH_DISPOSABLE_DISK, "/b");
  g_assert_cmpstr (g_array_index (self->files, InnLaunchFile, 9).format, ==, "raw");
  assert_file (self, 10, INN_LAUNCH_READONLY_DISK, "/b");
  assert_file (self, 11, INN_LAUNCH_READONLY_DISK, "/c");
}

static void
test_bios (void)
{
  const char *const expected[] = { PC_START,
                                   "bios",
                                   "--firmware-image",
                                   "fd=6",
                                   PC_UUID,
                                   "--disk",
                                   "fd=7,format=raw,serial=A,bus=ahci",
                                   "--cdrom",
                                   "fd=8",
                                   "--cdrom",
                                   "none",
                                   "--display",
                                   "none",
                                   "--serial",
                                   "none",
                                   NULL };
  g_autoptr (InnLaunchPlan) self
      = plan_pc (">", "<disk><source file='/a'/><target dev='sda'/><serial>A</serial></disk>"
                      "<disk device='cdrom'><source file='/c.iso'/><target dev='sdb'/></disk>"
                      "<disk device='cdrom'><target dev='sdc'/></disk>");

  g_assert_cmpstrv (self->argv, expected);
  g_assert_cmpuint (self->files->len, ==, 6);
  assert_file (self, 3, INN_LAUNCH_FIRMWARE, "/image");
  assert_file (self, 4, INN_LAUNCH_DISK, "/a");
  assert_file (self, 5, INN_LAUNCH_READONLY_DISK, "/c.iso");
}

static void
test_uefi (void)
{
  const char *const expected[] = { PC_START,
                                   "uefi",
                                   "--firmware-image",
                                   "fd=6",
                                   "--variables",
                                   "fd=7",
                                   PC_UUID,
                                   "--boot",
                                   "disk1,cdrom0,disk0",
                                   "--boot-menu",
                                   "on",
                                   "--kernel",
                                   "fd=8",
                                   "--disk",
                                   "fd=9,format=raw",
                                   "--disk",
                                   "fd=10,format=raw",
                                   "--cdrom",
                                   "none",
                                   "--display",
                                   "1920x1080,model=virtio",
                                   "--serial",
                                   "none",
                                   NULL };
  g_autoptr (InnLaunchPlan) self
      = plan_pc ("firmware='efi'><kernel>/k</kernel><bootmenu enable='yes'/>",
                 "<disk><source file='/a'/><target dev='vda'/><boot order='3'/></disk>"
                 "<disk><source file='/b'/><target dev='vdb'/><boot order='1'/></disk>"
                 "<disk device='cdrom'><target dev='sda'/><boot order='2'/></disk>"
                 "<video><model type='virtio'><resolution x='1920' y='1080'/></model></video>");

  g_assert_cmpstrv (self->argv, expected);
  assert_file (self, 3, INN_LAUNCH_FIRMWARE, "/image");
  assert_file (self, 4, INN_LAUNCH_VARIABLES, "/variables");
  assert_file (self, 5, INN_LAUNCH_KERNEL, "/k");
}

/* A kernel that is started directly has a display only when it is asked for. */
static void
test_display_without_firmware (void)
{
  g_autoptr (InnLaunchPlan) with = plan ("", "<video><model type='vga'/></video>", no_environment);
  g_autoptr (InnLaunchPlan) without
      = plan ("", "<video><model type='none'/></video>", no_environment);
  const guint length = g_strv_length (with->argv);

  g_assert_cmpstr (with->argv[length - 4], ==, "--display");
  g_assert_cmpstr (with->argv[length - 3], ==, "1280x800,model=vga");
  g_assert_false (g_strv_contains ((const char *const *)without->argv, "--display"));
}

static void
test_network (void)
{
  const char *const forwards[] = { "tcp:2022:22", NULL };
  g_autoptr (InnLaunchPlan) self
      = plan ("",
              "<interface type='user'><mac address='52:54:00:00:00:01'/>"
              "<portForward proto='tcp'><range start='2022' to='22'/></portForward></interface>"
              "<interface type='ethernet'><target dev='tap0'/><link state='down'/></interface>"
              "<interface type='user'/>",
              no_environment);
  guint last = g_strv_length (self->argv) - 2; /* --serial none */

  g_assert_cmpstr (self->argv[last - 6], ==, "--net");
  g_assert_cmpstr (self->argv[last - 5], ==, "fd=7,mac=52:54:00:00:00:01");
  g_assert_cmpstr (self->argv[last - 3], ==, "tap=tap0,link=down");
  g_assert_cmpstr (self->argv[last - 1], ==, "fd=8");
  g_assert_cmpuint (self->files->len, ==, 6);
  assert_file (self, 4, INN_LAUNCH_NET_KEEPER, NULL);
  g_assert_cmpstrv (g_array_index (self->files, InnLaunchFile, 4).forwards, forwards);
  g_assert_cmpuint (g_strv_length (g_array_index (self->files, InnLaunchFile, 5).forwards), ==, 0);
}

/* What serves the guest's programs. The socket for them is one more descriptor. */
static void
test_guest_devices (void)
{
  const char *const expected[]
      = { "--balloon",   "on",      "--console-port", "hvc0",     "--console-port",
          "org.agent.0", "--vsock", "9,socket=fd=7",  "--hyperv", "auto" };
  g_autoptr (InnLaunchPlan) self
      = plan ("</os><features><hyperv mode='passthrough'/></features><os>",
              "<memballoon model='virtio'/><console><target type='virtio'/></console>"
              "<channel><target type='virtio' name='org.agent.0'/></channel>"
              "<vsock><cid address='9'/></vsock>",
              no_environment);
  guint at = 0;

  while (self->argv[at] != NULL && !g_str_equal (self->argv[at], "--balloon"))
    at++;
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpstr (self->argv[at + i], ==, expected[i]);
  assert_file (self, 4, INN_LAUNCH_VSOCK_SOCKET, NULL);
}

/* A guest may take over its VMM: the session's secrets do not go there. */
static void
test_environment (void)
{
  const char *const environment[]
      = { "HOME=/home/me",  "LANG=C.UTF-8",        "SSH_AUTH_SOCK=/x", "INNKEEPER_VMM=/v",
          "LC_ALL=C.UTF-8", "LD_PRELOAD=/evil.so", "LANGUAGE=de",      NULL };
  const char *const expected[] = { "LANG=C.UTF-8", "INNKEEPER_VMM=/v", "LC_ALL=C.UTF-8", NULL };
  g_autoptr (InnLaunchPlan) self = plan ("", "", environment);

  g_assert_cmpstrv (self->environment, expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/launch-plan/least", test_least);
  g_test_add_func ("/launch-plan/all", test_all);
  g_test_add_func ("/launch-plan/layers", test_layers);
  g_test_add_func ("/launch-plan/disposable", test_disposable);
  g_test_add_func ("/launch-plan/bios", test_bios);
  g_test_add_func ("/launch-plan/uefi", test_uefi);
  g_test_add_func ("/launch-plan/display-without-firmware", test_display_without_firmware);
  g_test_add_func ("/launch-plan/network", test_network);
  g_test_add_func ("/launch-plan/guest-devices", test_guest_devices);
  g_test_add_func ("/launch-plan/environment", test_environment);

  return g_test_run ();
}
