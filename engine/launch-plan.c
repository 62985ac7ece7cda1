/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What starting one VMM takes. Every file is opened here and passed as a descriptor ("fd=N"), so
 * the VMM opens no path.
 */
#include "config.h"

#include "launch-plan.h"

#include "launch-generation.h"

#include <string.h>

#include "disk-chain.h"
#include "machine-description-boot.h"
#include "machine-description-devices.h"
#include "machine-description-disks.h"
#include "machine-description-network.h"
#include "machine-description-video.h"

enum
{
  FIRST_NUMBER = 3
};

#define MIB ((guint64)1 << 20)

static void
launch_file_clear (gpointer data)
{
  InnLaunchFile *file = data;

  g_free (file->path);
  g_strfreev (file->forwards);
}

/* The descriptor's number in the VMM: the next one. */
static int
add_file (InnLaunchPlan *self, InnLaunchFileKind kind, const char *path)
{
  InnLaunchFile file = {
    .kind = kind,
    .path = g_strdup (path),
    .number = FIRST_NUMBER + (int)self->files->len,
  };

  g_array_append_val (self->files, file);
  return file.number;
}

static char *
number_value (int number)
{
  return g_strdup_printf ("fd=%d", number);
}

/* Takes over @value. */
static void
add_option (GStrvBuilder *argv, const char *option, char *value)
{
  g_strv_builder_add_many (argv, option, value, NULL);
  g_free (value);
}

/* The disk itself; a disposable run writes a layer on it. */
static void
append_top (InnLaunchPlan *self,
            GString *value,
            const InnDiskDescription *disk,
            gboolean disposable)
{
  const char *format = g_strcmp0 (disk->format, "qcow2") == 0 ? "qcow2" : "raw";
  InnLaunchFileKind kind = disk->readonly ? INN_LAUNCH_READONLY_DISK : INN_LAUNCH_DISK;

  if (disposable && !disk->readonly)
    {
      g_string_append_printf (value, "fd=%d,format=qcow2,backing=",
                              add_file (self, INN_LAUNCH_DISPOSABLE_DISK, disk->path));
      g_array_index (self->files, InnLaunchFile, self->files->len - 1).format = format;
      kind = INN_LAUNCH_READONLY_DISK;
    }
  g_string_append_printf (value, "fd=%d,%s=%s", add_file (self, kind, disk->path),
                          disposable && !disk->readonly ? "backing-format" : "format", format);
}

static char *
disk_value (InnLaunchPlan *self,
            const InnDiskDescription *disk,
            const GArray *lower,
            gboolean disposable)
{
  GString *value = g_string_new (NULL);

  append_top (self, value, disk, disposable);
  for (guint i = 0; i < lower->len; i++)
    {
      const InnDiskLayer *layer = &g_array_index (lower, InnDiskLayer, i);

      g_string_append_printf (value, ",backing=fd=%d,backing-format=%s",
                              add_file (self, INN_LAUNCH_READONLY_DISK, layer->path),
                              layer->qcow2 ? "qcow2" : "raw");
    }
  if (disk->readonly)
    g_string_append (value, ",readonly=on");
  if (disk->serial != NULL)
    g_string_append_printf (value, ",serial=%s", disk->serial);
  if (disk->bus == INN_DISK_BUS_SATA)
    g_string_append (value, ",bus=ahci");

  return g_string_free (value, FALSE);
}

static void
add_disk (InnLaunchPlan *self,
          GStrvBuilder *argv,
          const InnDiskDescription *disk,
          const GArray *lower,
          gboolean disposable)
{
  if (disk->kind != INN_DISK_CDROM)
    add_option (argv, "--disk", disk_value (self, disk, lower, disposable));
  else if (disk->path == NULL)
    add_option (argv, "--cdrom", g_strdup ("none"));
  else
    add_option (argv, "--cdrom",
                number_value (add_file (self, INN_LAUNCH_READONLY_DISK, disk->path)));
}

static void
add_kernel (InnLaunchPlan *self, GStrvBuilder *argv, const InnMachineDescription *description)
{
  const char *initrd = inn_machine_description_get_initrd (description);
  const char *cmdline = inn_machine_description_get_cmdline (description);
  const char *kernel = inn_machine_description_get_kernel (description);

  add_option (argv, "--kernel", number_value (add_file (self, INN_LAUNCH_KERNEL, kernel)));
  if (initrd != NULL)
    add_option (argv, "--initrd", number_value (add_file (self, INN_LAUNCH_INITRD, initrd)));
  if (cmdline != NULL)
    add_option (argv, "--cmdline", g_strdup (cmdline));
}

/* "cdrom0,disk0"; the VMM counts the devices of a kind as they are given to it. */
static char *
boot_order_value (const GArray *order)
{
  static const char *const names[] = {
    [INN_BOOT_DISK] = "disk",
    [INN_BOOT_CDROM] = "cdrom",
    [INN_BOOT_NETWORK] = "net",
  };
  GString *value = g_string_new (NULL);

  for (guint i = 0; i < order->len; i++)
    {
      const InnBootDevice *device = &g_array_index (order, InnBootDevice, i);

      g_string_append_printf (value, "%s%s%u", i > 0 ? "," : "", names[device->kind],
                              device->index);
    }

  return g_string_free (value, FALSE);
}

static void
add_firmware (InnLaunchPlan *self,
              GStrvBuilder *argv,
              const InnMachineDescription *description,
              const InnFirmwareFiles *files)
{
  const char *uuid = inn_machine_description_get_uuid (description);
  g_autoptr (GArray) order = inn_machine_description_get_boot_order (description);

  add_option (argv, "--firmware-image",
              number_value (add_file (self, INN_LAUNCH_FIRMWARE, files->image)));
  if (files->variables != NULL)
    add_option (argv, "--variables",
                number_value (add_file (self, INN_LAUNCH_VARIABLES, files->variables)));
  add_option (argv, "--uuid", g_strdup (uuid));
  if (order->len > 0)
    add_option (argv, "--boot", boot_order_value (order));
  if (inn_machine_description_get_boot_menu (description))
    add_option (argv, "--boot-menu", g_strdup ("on"));
}

static void
add_boot (InnLaunchPlan *self,
          GStrvBuilder *argv,
          const InnMachineDescription *description,
          const InnFirmwareFiles *files)
{
  static const char *const words[] = {
    [INN_FIRMWARE_NONE] = "none",
    [INN_FIRMWARE_BIOS] = "bios",
    [INN_FIRMWARE_UEFI] = "uefi",
  };
  const InnFirmware firmware = inn_machine_description_get_firmware (description);

  add_option (argv, "--firmware", g_strdup (words[firmware]));
  if (firmware != INN_FIRMWARE_NONE)
    add_firmware (self, argv, description, files);
  if (inn_machine_description_get_kernel (description) != NULL)
    add_kernel (self, argv, description);
}

/* Without the option a machine with firmware has a display and one without has none. */
static void
add_display (GStrvBuilder *argv, const InnMachineDescription *description)
{
  const InnVideo video = inn_machine_description_get_video (description);

  if (video.model != INN_VIDEO_NONE)
    add_option (argv, "--display",
                g_strdup_printf ("%ux%u,model=%s", video.width, video.height,
                                 video.model == INN_VIDEO_VGA ? "vga" : "virtio"));
  else if (inn_machine_description_get_firmware (description) != INN_FIRMWARE_NONE)
    add_option (argv, "--display", g_strdup ("none"));
}

/* The keeper is started where files are opened. */
static int
add_keeper (InnLaunchPlan *self, const InnNicDescription *nic)
{
  const int number = add_file (self, INN_LAUNCH_NET_KEEPER, NULL);
  g_autoptr (GStrvBuilder) forwards = g_strv_builder_new ();

  for (guint i = 0; i < nic->forwards->len; i++)
    g_strv_builder_add (forwards, g_ptr_array_index (nic->forwards, i));
  g_array_index (self->files, InnLaunchFile, self->files->len - 1).forwards
      = g_strv_builder_end (forwards);

  return number;
}

static char *
nic_value (InnLaunchPlan *self, const InnNicDescription *nic)
{
  GString *value = g_string_new (NULL);

  if (nic->kind == INN_NIC_TAP)
    g_string_append_printf (value, "tap=%s", nic->interface);
  else
    g_string_append_printf (value, "fd=%d", add_keeper (self, nic));
  if (nic->mac != NULL)
    g_string_append_printf (value, ",mac=%s", nic->mac);
  if (nic->link_down)
    g_string_append (value, ",link=down");

  return g_string_free (value, FALSE);
}

static void
add_nics (InnLaunchPlan *self, GStrvBuilder *argv, const InnMachineDescription *description)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (description);

  for (guint i = 0; i < nics->len; i++)
    add_option (argv, "--net", nic_value (self, g_ptr_array_index (nics, i)));
}

static void
add_guest_devices (InnLaunchPlan *self,
                   GStrvBuilder *argv,
                   const InnMachineDescription *description)
{
  const guint cid = inn_machine_description_get_vsock_cid (description);
  g_auto (GStrv) ports = inn_machine_description_list_ports (description);

  if (inn_machine_description_has_balloon (description))
    add_option (argv, "--balloon", g_strdup ("on"));
  for (guint i = 0; ports[i] != NULL; i++)
    add_option (argv, "--console-port", g_strdup (ports[i]));
  if (cid != 0)
    add_option (argv, "--vsock",
                g_strdup_printf ("%u,socket=fd=%d", cid,
                                 add_file (self, INN_LAUNCH_VSOCK_SOCKET, NULL)));
  if (inn_machine_description_get_hyperv (description))
    add_option (argv, "--hyperv", g_strdup ("auto"));
}

/*
 * A guest may take over its VMM, so it gets none of the session's secrets and addresses: only the
 * language, what is meant for us, and what a sanitizer needs.
 */
static GStrv
filter_environment (const char *const *environment)
{
  static const char *const kept[]
      = { "LANG=", "LC_ALL=", "INNKEEPER_", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=" };
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; environment[i] != NULL; i++)
    {
      for (guint k = 0; k < G_N_ELEMENTS (kept); k++)
        {
          if (g_str_has_prefix (environment[i], kept[k]))
            g_strv_builder_add (builder, environment[i]);
        }
    }

  return g_strv_builder_end (builder);
}

InnLaunchPlan *
inn_launch_plan_new (const InnMachineDescription *description,
                     const InnFirmwareFiles *firmware,
                     const GPtrArray *chains,
                     const char *memory,
                     gboolean disposable,
                     const char *vmm_path,
                     const char *const *environment)
{
  InnLaunchPlan *self = g_new0 (InnLaunchPlan, 1);
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  guint64 memory_mib = (inn_machine_description_get_memory (description) + MIB - 1) / MIB;
  const char *name = inn_machine_description_get_name (description);

  self->files = g_array_new (FALSE, FALSE, sizeof (InnLaunchFile));
  g_array_set_clear_func (self->files, launch_file_clear);

  g_strv_builder_add (argv, vmm_path);
  add_option (argv, "--name", g_strdup (name));
  add_option (argv, "--memory", g_strdup_printf ("%" G_GUINT64_FORMAT "M", memory_mib));
  add_option (argv, "--cpus",
              g_strdup_printf ("%u", inn_machine_description_get_vcpus (description)));
  add_option (argv, "--control", number_value (add_file (self, INN_LAUNCH_CONTROL_SOCKET, NULL)));
  add_option (argv, "--end-record", number_value (add_file (self, INN_LAUNCH_END_RECORD, NULL)));
  add_file (self, INN_LAUNCH_LOCK, NULL); /* inherited, but no option names it */
  add_boot (self, argv, description, firmware);
  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    add_disk (self, argv, inn_machine_description_get_disk (description, i),
              g_ptr_array_index (chains, i), disposable);
  add_display (argv, description);
  add_nics (self, argv, description);
  add_guest_devices (self, argv, description);
  if (memory != NULL) /* each time it goes on from there it has another generation ID */
    add_option (argv, "--restore", number_value (add_file (self, INN_LAUNCH_MEMORY, memory)));
  else
    add_option (argv, "--vmgenid", inn_launch_generation_new (description));
  add_option (argv, "--serial", g_strdup ("none")); /* clients attach through the channel */

  self->argv = g_strv_builder_end (argv);
  self->environment = filter_environment (environment);
  return self;
}

void
inn_launch_plan_free (InnLaunchPlan *self)
{
  if (self == NULL)
    return;

  g_strfreev (self->argv);
  g_strfreev (self->environment);
  g_array_unref (self->files);
  g_free (self);
}
