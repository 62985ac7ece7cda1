/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verb that makes disks larger.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "disk-image.h"
#include "innctl.h"

/* When what the disk does not take yet could not be filled in. */
static void
warn_of_space (InnGuest *guest, const char *target, guint64 bytes)
{
  const InnDiskDescription *disk
      = inn_machine_description_find_disk (inn_guest_get_description (guest), target);
  g_autofree char *folder = g_path_get_dirname (disk->path);
  g_autofree char *warning = NULL;
  GStatBuf status = { 0 };
  guint64 taken;

  if (g_stat (disk->path, &status) < 0)
    return;
  taken = (guint64)status.st_blocks * 512;
  warning = inn_disk_image_get_space_warning (folder, bytes > taken ? bytes - taken : 0);
  if (warning != NULL)
    innctl_warn (warning);
}

static InnctlStatus
run_resize (Innctl *self, char **arguments)
{
  const char *target = arguments[1];
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (InnGuest) guest = NULL;
  g_autoptr (GError) error = NULL;
  gboolean waits;
  guint64 bytes;

  if (!innctl_parse_size (arguments[2], &bytes))
    return innctl_fail_usage (_ ("“%s” is not a size for a disk. Write it like 512M or 20G."),
                              arguments[2]);
  g_set_object (&guest, innctl_find_guest (self, arguments[0]));
  if (guest == NULL)
    return INNCTL_FAILED;

  inn_guest_grow_disk_async (guest, target, bytes, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_grow_disk_finish (guest, result, &waits, &error))
    return innctl_fail (error);

  innctl_print_changed (self, guest, target, waits);
  warn_of_space (guest, target, bytes);
  return INNCTL_DONE;
}

const InnctlVerb innctl_resize_verb = {
  .name = "resize",
  .arguments = "NAME TARGET SIZE",
  .summary = N_ ("make a disk larger"),
  .details
  = N_ ("TARGET is its name in the definition, like vda; SIZE is what it shall have, like 40G. A "
        "running guest is told at once. Its partitions and file systems are grown inside it."),
  .min_arguments = 3,
  .max_arguments = 3,
  .run = run_resize,
};
