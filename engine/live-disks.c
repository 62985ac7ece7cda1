/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "live-disks.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "disk-image.h"
#include "engine-error.h"
#include "file-lock.h"
#include "machine-description-boot.h"
#include "machine-description-snapshots.h"
#include "run-record.h"

enum
{
  LOCK_TRIES = 500,
  LOCK_PAUSE_US = 20000,
};

/* ---- one after the other ---- */

int
inn_live_disks_lock (InnMachineStore *machines,
                     const InnMachineDescription *running,
                     gboolean wait,
                     GError **error)
{
  const char *uuid = inn_machine_description_get_uuid (running);
  g_autofree char *folder = inn_machine_store_get_folder (machines, uuid);
  g_autofree char *path = g_build_filename (folder, "disks.lock", NULL);
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int error_number = fd < 0 ? errno : inn_file_lock (fd, INN_FILE_LOCK_EXCLUSIVE);

  for (guint i = 0; wait && error_number == EAGAIN && i < LOCK_TRIES; i++)
    {
      g_usleep (LOCK_PAUSE_US);
      error_number = inn_file_lock (fd, INN_FILE_LOCK_EXCLUSIVE);
    }
  if (error_number == 0)
    return fd;

  fd_close (&fd);
  if (error_number == EAGAIN)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("Another snapshot or clone of “%s” is just being made. Try again when it is "
                    "done."),
                 inn_machine_description_get_name (running));
  else
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
                 _ ("“%s” cannot be locked in the folder “%s”: %s."),
                 inn_machine_description_get_name (running), folder, g_strerror (error_number));
  return -1;
}

/* ---- as it was started ---- */

/* As @other has it, where they differ without being other machines. */
static void
copy_harmless (InnMachineDescription *running, const InnMachineDescription *other)
{
  g_autofree char *current = inn_machine_description_get_current_snapshot (other);
  g_autofree char *variables = inn_machine_description_get_variables (other);

  for (guint i = 0; i < inn_machine_description_get_n_disks (other); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (other, i);
      const InnDiskDescription *same = inn_machine_description_find_disk (running, disk->target);

      if (same != NULL && same->kind != INN_DISK_CDROM && disk->path != NULL)
        inn_machine_description_set_disk_layer (running, disk->target, disk->path, "raw");
    }
  inn_machine_description_set_current_snapshot (running, current);
  inn_machine_description_set_resume_snapshot (running, NULL);
  inn_machine_description_set_variables (running, variables);
  inn_machine_description_set_name (running, inn_machine_description_get_name (other));
  inn_machine_description_set_title (running, inn_machine_description_get_title (other));
  inn_machine_description_set_description (running,
                                           inn_machine_description_get_description (other));
}

gboolean
inn_live_disks_check_as_started (InnMachineStore *machines,
                                 const InnMachineDescription *running,
                                 GError **error)
{
  const char *uuid = inn_machine_description_get_uuid (running);
  g_autoptr (InnMachineDescription) present = inn_machine_store_load (machines, uuid, NULL, error);
  g_autoptr (InnMachineDescription) copy = inn_machine_description_copy (running);
  g_autofree char *defined = NULL;
  g_autofree char *started = NULL;

  if (present == NULL)
    return FALSE;
  copy_harmless (copy, present);
  copy_harmless (present, present);
  defined = inn_machine_description_to_xml (present);
  started = inn_machine_description_to_xml (copy);
  if (g_str_equal (defined, started))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("“%s” has changes that wait for its next start. Restart it, or undo them, then "
                  "try again."),
               inn_machine_description_get_name (present));
  return FALSE;
}

/* ---- layers ---- */

/* The VMM counts the disks that are not CD drives, in their order. */
static gboolean
find_number (const InnMachineDescription *running, const char *target, guint *ret_number)
{
  guint number = 0;

  for (guint i = 0; i < inn_machine_description_get_n_disks (running); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (running, i);

      if (disk->kind == INN_DISK_CDROM)
        continue;
      if (g_str_equal (disk->target, target))
        {
          *ret_number = number;
          return TRUE;
        }
      number++;
    }

  return FALSE;
}

static void
close_layer (gpointer data)
{
  InnControlLayer *layer = data;

  fd_close (&layer->fd);
}

GArray *
inn_live_disks_open (const GPtrArray *disks, const InnMachineDescription *running, GError **error)
{
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (InnControlLayer));

  g_array_set_clear_func (layers, close_layer);
  for (guint i = 0; i < disks->len; i++)
    {
      const InnFrozenDisk *disk = g_ptr_array_index (disks, i);
      InnControlLayer layer;

      if (!find_number (running, disk->target, &layer.disk))
        continue;
      layer.fd = inn_disk_image_open (disk->active, INN_DISK_READ_WRITE, error);
      if (layer.fd < 0)
        return NULL;
      g_array_append_val (layers, layer);
    }

  return g_steal_pointer (&layers);
}

void
inn_live_disks_store (const GPtrArray *disks)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const InnFrozenDisk *disk = g_ptr_array_index (disks, i);
      int fd = g_open (disk->layer, O_RDONLY | O_CLOEXEC, 0);

      if (fd >= 0)
        (void)fdatasync (fd); /* an error is met again, and told, when it counts */
      fd_close (&fd);
    }
}

/* When it cannot be written, the disks only seem to be other ones until the machine is off. */
void
inn_live_disks_record (InnMachineStore *machines,
                       InnMachineDescription *running,
                       const GPtrArray *disks)
{
  const char *uuid = inn_machine_description_get_uuid (running);
  g_autofree char *folder = inn_machine_store_get_folder (machines, uuid);
  g_autofree char *xml = NULL;

  for (guint i = 0; i < disks->len; i++)
    {
      const InnFrozenDisk *disk = g_ptr_array_index (disks, i);

      if (inn_machine_description_find_disk (running, disk->target) != NULL)
        inn_machine_description_set_disk_layer (running, disk->target, disk->active, "qcow2");
    }
  xml = inn_machine_description_to_xml (running);
  inn_run_record_save_definition (folder, xml, NULL);
}
