/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl create and import: a new machine from a CD image, a disk, the network or a kernel.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/checked-arithmetic.h"
#include "innctl.h"
#include "progress.h"

#define DEFAULT_MEMORY    ((guint64)512 << 20)
#define DEFAULT_PC_MEMORY ((guint64)2 << 30)
#define DEFAULT_DISK      ((guint64)20 << 30)

static char *kernel, *initrd, *cmdline, *cdrom, *import, *import_format, *firmware, *memory,
    *import_name;
static int cpus = 1;
static gboolean pxe;
static char **disks;

static InnctlStatus
fail_size (const char *option, const char *text)
{
  return innctl_fail_usage (_ ("“%s” is not a size for %s. Write it like 512M or 20G."), text,
                            option);
}

/* Whether it is given without a disk that it could install to. */
static gboolean
wants_first_disk (void)
{
  return (cdrom != NULL || pxe) && import == NULL && disks == NULL;
}

static InnctlStatus
parse_disks (GArray *sizes, guint64 *ret_total)
{
  const guint64 first = DEFAULT_DISK;
  guint64 total = 0;

  if (wants_first_disk ())
    {
      g_array_append_val (sizes, first);
      total = first;
    }
  for (guint i = 0; disks != NULL && disks[i] != NULL; i++)
    {
      guint64 size;

      if (g_str_equal (disks[i], "none"))
        continue;
      if (!innctl_parse_size (disks[i], &size) || !checked_add (total, size, &total))
        return fail_size ("--disk", disks[i]);
      g_array_append_val (sizes, size);
    }

  *ret_total = total;
  return INNCTL_DONE;
}

static void
warn_about (Innctl *self, const InnNewGuest *guest, guint64 disk_total)
{
  g_autofree char *space = inn_engine_get_space_warning (self->engine, disk_total);
  g_autofree char *medium = guest->cdrom != NULL ? inn_cd_image_get_warning (guest->cdrom) : NULL;

  if (space != NULL)
    innctl_warn (space);
  if (medium != NULL)
    innctl_warn (medium);
}

static InnctlStatus
create_guest (Innctl *self, InnNewGuest *new_guest, guint64 disk_total)
{
  InnctlProgress progress;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (InnGuest) guest = NULL;
  g_autoptr (GError) error = NULL;
  InnctlStatus status = innctl_open_engine (self);

  if (status != INNCTL_DONE)
    return status;

  innctl_progress_begin (&progress);
  new_guest->progress = innctl_progress_tell;
  new_guest->progress_data = &progress;
  inn_engine_create_async (self->engine, new_guest, progress.cancellable, innctl_take_result,
                           &result);
  innctl_await (&result);
  guest = inn_engine_create_finish (self->engine, result, &error);
  innctl_progress_end (&progress);
  if (guest == NULL)
    return innctl_fail (error);

  warn_about (self, new_guest, disk_total);
  innctl_print_made (self, guest);
  return INNCTL_DONE;
}

/* What the options say, about a machine of that name. */
static InnctlStatus
create (Innctl *self, const char *name)
{
  g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autofree char *kernel_path = innctl_absolute_path (kernel);
  g_autofree char *initrd_path = innctl_absolute_path (initrd);
  g_autofree char *cdrom_path = innctl_absolute_path (cdrom);
  g_autofree char *import_path = innctl_absolute_path (import);
  InnNewGuest guest = {
    .name = name,
    .memory = kernel != NULL ? DEFAULT_MEMORY : DEFAULT_PC_MEMORY,
    .kernel = kernel_path,
    .initrd = initrd_path,
    .cmdline = cmdline,
    .cdrom = cdrom_path,
    .import = import_path,
    .import_format = import_format,
    .network_boot = pxe,
  };
  guint64 disk_total = 0;
  InnctlStatus status;

  if (memory != NULL && !innctl_parse_size (memory, &guest.memory))
    return fail_size ("--memory", memory);
  if (firmware != NULL && !innctl_parse_firmware (firmware, &guest.firmware))
    return innctl_fail_usage (_ ("“%s” is no firmware; write bios, uefi or none."), firmware);
  status = parse_disks (sizes, &disk_total);
  if (status != INNCTL_DONE)
    return status;

  guest.vcpus = (guint)MAX (cpus, 0);
  guest.disk_sizes = (const guint64 *)(gconstpointer)sizes->data;
  guest.n_disks = sizes->len;
  return create_guest (self, &guest, disk_total);
}

static InnctlStatus
run_create (Innctl *self, char **arguments)
{
  return create (self, arguments[0]);
}

/* The file's, without what says its format. */
static char *
make_name (const char *path)
{
  g_autofree char *base = g_filename_display_basename (path);
  char *dot = strrchr (base, '.');

  if (dot != NULL && dot != base)
    *dot = '\0';
  return g_steal_pointer (&base);
}

static InnctlStatus
run_import (Innctl *self, char **arguments)
{
  g_autofree char *name = import_name != NULL ? g_strdup (import_name) : make_name (arguments[0]);

  import = arguments[0];
  return create (self, name);
}

static const GOptionEntry create_options[] = {
  { "kernel", 'k', 0, G_OPTION_ARG_FILENAME, &kernel, N_ ("Linux kernel to boot"), N_ ("FILE") },
  { "initrd", 'i', 0, G_OPTION_ARG_FILENAME, &initrd, N_ ("Its initial RAM disk"), N_ ("FILE") },
  { "cmdline", 'a', 0, G_OPTION_ARG_STRING, &cmdline,
    N_ ("Its command line (console=ttyS0 when not given)"), N_ ("TEXT") },
  { "cdrom", 0, 0, G_OPTION_ARG_FILENAME, &cdrom, N_ ("CD image to install or run a system from"),
    N_ ("FILE") },
  { "import", 0, 0, G_OPTION_ARG_FILENAME, &import,
    N_ ("Disk with a system on it: a raw one is used where it is, all others are copied"),
    N_ ("FILE") },
  { "format", 0, 0, G_OPTION_ARG_STRING, &import_format,
    N_ ("Its format: raw, qcow2, vmdk, vdi, vhd or vhdx (what the file says, when not given)"),
    N_ ("WORD") },
  { "pxe", 0, 0, G_OPTION_ARG_NONE, &pxe, N_ ("Start from the network, when no disk has a system"),
    NULL },
  { "firmware", 'f', 0, G_OPTION_ARG_STRING, &firmware,
    N_ ("bios or uefi (bios when not given, none with --kernel)"), N_ ("WORD") },
  { "memory", 'm', 0, G_OPTION_ARG_STRING, &memory,
    N_ ("Memory, like 2G; a bare number is MiB (512M with --kernel, else 2G)"), N_ ("SIZE") },
  { "cpus", 'c', 0, G_OPTION_ARG_INT, &cpus, N_ ("Number of processors (1 when not given)"),
    N_ ("N") },
  { "disk", 'd', 0, G_OPTION_ARG_STRING_ARRAY, &disks,
    N_ ("A new, empty disk, like 20G; may be given again (20G with --cdrom or --pxe when not "
        "given; none: "
        "no disk)"),
    N_ ("SIZE") },
  { NULL },
};

const InnctlVerb innctl_create_verb = {
  .name = "create",
  .arguments = "NAME",
  .summary = N_ ("make a machine"),
  .details = N_ ("It starts from a CD image (--cdrom), a disk (--import), the network (--pxe) or a "
                 "Linux kernel "
                 "(--kernel)."),
  .min_arguments = 1,
  .max_arguments = 1,
  .options = create_options,
  .run = run_create,
};

static const GOptionEntry import_options[] = {
  { "name", 'n', 0, G_OPTION_ARG_STRING, &import_name,
    N_ ("Name of the machine (that of the file, when not given)"), N_ ("NAME") },
  { "format", 0, 0, G_OPTION_ARG_STRING, &import_format,
    N_ ("raw, qcow2, vmdk, vdi, vhd or vhdx (what the file says, when not given)"), N_ ("WORD") },
  { "firmware", 'f', 0, G_OPTION_ARG_STRING, &firmware,
    N_ ("bios or uefi, as where the system was installed (bios when not given)"), N_ ("WORD") },
  { "memory", 'm', 0, G_OPTION_ARG_STRING, &memory,
    N_ ("Memory, like 2G; a bare number is MiB (2G when not given)"), N_ ("SIZE") },
  { "cpus", 'c', 0, G_OPTION_ARG_INT, &cpus, N_ ("Number of processors (1 when not given)"),
    N_ ("N") },
  { NULL },
};

const InnctlVerb innctl_import_verb = {
  .name = "import",
  .arguments = "FILE",
  .summary = N_ ("make a machine of a disk of another program"),
  .details
  = N_ ("A raw disk is used where it is. What a qcow2, VMDK, VDI, VHD or VHDX disk shows is "
        "copied, and the file is not changed. Formats other than raw and qcow2 need "
        "qemu-img."),
  .min_arguments = 1,
  .max_arguments = 1,
  .options = import_options,
  .run = run_import,
};
