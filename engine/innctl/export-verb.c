/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl export: what a machine's disk shows, in one file for other programs.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <sys/stat.h>

#include "innctl.h"
#include "progress.h"

static char *format_word, *target;

/* Borrowed from the guest; NULL: a sentence was printed. */
static const InnDiskDescription *
find_disk (InnGuest *guest)
{
  const InnMachineDescription *description = inn_guest_get_description (guest);
  const InnDiskDescription *found = NULL;
  guint count = 0;

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);

      if (disk->kind != INN_DISK_DISK || disk->path == NULL
          || (target != NULL && g_strcmp0 (disk->target, target) != 0))
        continue;
      found = found != NULL ? found : disk;
      count++;
    }

  if (count > 1)
    innctl_fail_with (_ ("“%s” has %u disks; say which one with --disk, like --disk %s."),
                      inn_guest_get_name (guest), count, found->target);
  else if (found == NULL && target != NULL)
    innctl_fail_with (_ ("“%s” has no disk “%s”."), inn_guest_get_name (guest), target);
  else if (found == NULL)
    innctl_fail_with (_ ("“%s” has no disk."), inn_guest_get_name (guest));
  return count == 1 ? found : NULL;
}

static InnctlStatus
find_format (const char *path, InnDiskFormat *ret_format)
{
  if (format_word == NULL)
    return inn_disk_format_from_name (path, ret_format)
               ? INNCTL_DONE
               : innctl_fail_usage (_ ("In which format? Let the name of the file end in .qcow2, "
                                       ".raw, .vmdk, .vdi, .vhd or .vhdx, or add --format."));

  return inn_disk_format_from_word (format_word, ret_format)
             ? INNCTL_DONE
             : innctl_fail_usage (
                 _ ("“%s” is no format; write raw, qcow2, vmdk, vdi, vhd or vhdx."), format_word);
}

static void
print_json (InnGuest *guest, const InnDiskCopy *copy)
{
  struct stat status = { 0 };
  InnctlJson json;

  stat (copy->target, &status);
  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_string (&json, "name", inn_guest_get_name (guest));
  innctl_json_add_string (&json, "file", copy->target);
  innctl_json_add_string (&json, "format", inn_disk_format_to_word (copy->target_format));
  innctl_json_add_unsigned (&json, "allocated", (guint64)status.st_blocks * 512);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static InnctlStatus
export_disk (Innctl *self, InnGuest *guest, const char *path)
{
  InnDiskCopy copy = { .target = path };
  g_autofree char *source = NULL;
  const InnDiskDescription *disk;
  InnctlStatus status = find_format (path, &copy.target_format);

  if (status != INNCTL_DONE)
    return status;
  if (inn_guest_get_description (guest) == NULL)
    return innctl_fail_with ("%s", inn_guest_get_text (guest));
  disk = find_disk (guest);
  if (disk == NULL)
    return INNCTL_FAILED;

  copy.source = source = g_strdup (disk->path);
  copy.source_format
      = g_strcmp0 (disk->format, "qcow2") == 0 ? INN_DISK_FORMAT_QCOW2 : INN_DISK_FORMAT_RAW;
  status = innctl_copy_disk (&copy);
  if (status == INNCTL_DONE && self->json)
    print_json (guest, &copy);
  return status;
}

static InnctlStatus
run_export (Innctl *self, char **arguments)
{
  g_autofree char *path = innctl_absolute_path (arguments[1]);
  g_autoptr (InnGuest) guest = NULL;
  InnGuestState state;

  g_set_object (&guest, innctl_find_guest (self, arguments[0]));
  if (guest == NULL)
    return INNCTL_FAILED;

  state = inn_guest_get_state (guest);
  if (state != INN_GUEST_OFF && state != INN_GUEST_CRASHED)
    return innctl_fail_with (
        _ ("“%s” is running and writes its disk. Shut it down first, or export "
           "a clone of a snapshot."),
        inn_guest_get_name (guest));

  return export_disk (self, guest, path);
}

static const GOptionEntry export_options[] = {
  { "format", 'f', 0, G_OPTION_ARG_STRING, &format_word,
    N_ ("raw, qcow2, vmdk, vdi, vhd or vhdx (what the name of the file ends in, when not given)"),
    N_ ("WORD") },
  { "disk", 'd', 0, G_OPTION_ARG_STRING, &target, N_ ("Which disk, like vda, when there are more"),
    N_ ("TARGET") },
  { NULL },
};

const InnctlVerb innctl_export_verb = {
  .name = "export",
  .arguments = "NAME FILE",
  .summary = N_ ("copy a machine's disk into one file for other programs"),
  .details = N_ ("The machine must be off. The file has what the disk shows and builds on nothing. "
                 "Formats other than raw and qcow2 need qemu-img."),
  .min_arguments = 2,
  .max_arguments = 2,
  .options = export_options,
  .run = run_export,
};
