/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a guest's disks larger. Of a raw disk the file grows first, then the running guest is told;
 * a qcow2 disk is made larger by the VMM while that has its tables.
 */
#include "config.h"

#include "guest-private.h"

#include <glib/gi18n-lib.h>

#include "disk-chain.h"
#include "disk-image.h"
#include "engine-error.h"
#include "machine-description-disks.h"
#include "machine-description-template.h"

/* The task's data. */
typedef struct
{
  char *path;
  gboolean qcow2;
  guint64 bytes;
  int number;    /* of the disk in the running machine, or -1 */
  gboolean told; /* the running machine knows */
} Growth;

static void
growth_free (Growth *self)
{
  g_free (self->path);
  g_free (self);
}

/* The VMM counts disks as it was given them. */
static int
find_running_disk (InnGuest *self, const InnDiskDescription *wanted)
{
  g_autoptr (InnMachineDescription) running = inn_guest_load_running_description (self);
  int number = 0;

  for (guint i = 0; running != NULL && i < inn_machine_description_get_n_disks (running); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (running, i);

      if (disk->kind == INN_DISK_CDROM)
        continue;
      /* Since it started, layers may have been put on what it started with. */
      if (g_strcmp0 (disk->target, wanted->target) == 0 && disk->path != NULL)
        return inn_disk_chain_has (wanted->path, disk->path) ? number : -1;
      number++;
    }

  return -1;
}

static gboolean
is_qcow2 (const InnDiskDescription *disk)
{
  return g_strcmp0 (disk->format, "qcow2") == 0;
}

/* The layer that a disposable run writes has the size that the disk had. */
static gboolean
check_growable (InnGuest *self, GError **error)
{
  if (!inn_guest_is_disposable (self))
    return self->description == NULL
           || inn_machine_description_check_no_template (self->description, error);

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("The disks of “%s” stay as they are: this run is disposable, and all of it is "
                  "thrown away when it ends. Shut it down first, then make the disk larger."),
               self->name);
  return FALSE;
}

/* NULL and an error when it has no such disk, or one that must stay as it is. */
static const InnDiskDescription *
find_disk (InnGuest *self, const char *target, GError **error)
{
  const InnDiskDescription *disk = NULL;

  if (self->description != NULL)
    disk = inn_machine_description_find_disk (self->description, target);
  if (disk == NULL || disk->kind == INN_DISK_CDROM || disk->path == NULL)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                   _ ("“%s” has no disk “%s”. “innctl dumpxml” shows those it has."), self->name,
                   target);
      return NULL;
    }
  if (disk->readonly)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The disk “%s” of “%s” is read-only. Let the guest write it before you make "
                      "it larger."),
                   target, self->name);
      return NULL;
    }

  return disk;
}

static void
on_told (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Growth *growth = g_task_get_task_data (task);
  InnGuest *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;

  growth->told = inn_control_channel_call_finish (INN_CONTROL_CHANNEL (source), result, &error);
  /* One that cannot be told, or has ended meanwhile, finds the file as it is at its next start. */
  if (growth->told
      || (!growth->qcow2
          && (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)
              || !inn_guest_is_active (self))))
    g_task_return_boolean (task, TRUE);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                             _ ("The disk “%s” of “%s” cannot be made larger while the machine "
                                "runs. Shut it down first."),
                             growth->path, self->name);
  else
    inn_guest_fail_task (task, self, error);
}

static void
grow_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Growth *growth = g_task_get_task_data (task_data);
  const gboolean running = growth->number >= 0;
  GError *error = NULL;
  const gboolean done
      = growth->qcow2
            ? inn_disk_image_grow_qcow2 (growth->path, &growth->bytes, /* check= */ running, &error)
            : inn_disk_image_grow (growth->path, &growth->bytes, /* locked= */ running, &error);

  if (done)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_grown (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  GTask *task = g_object_ref (g_task_get_task_data (G_TASK (result)));
  const Growth *growth = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_error (task, error);
  else if (growth->number >= 0 && self->channel != NULL)
    inn_control_channel_grow_disk_async (self->channel, (guint)growth->number, growth->bytes, NULL,
                                         on_told, g_object_ref (task));
  else if (growth->number >= 0 && growth->qcow2)
    g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                             _ ("The disk “%s” was not made larger: “%s” does not answer. Try "
                                "again."),
                             growth->path, self->name);
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

void
inn_guest_grow_disk_async (InnGuest *self,
                           const char *target,
                           guint64 bytes,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  const InnDiskDescription *disk;
  GError *error = NULL;
  Growth *growth;

  g_return_if_fail (INN_IS_GUEST (self));
  g_return_if_fail (target != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  /* What has grown has grown, whether or not it was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);
  growth = g_new0 (Growth, 1);
  g_task_set_task_data (task, growth, (GDestroyNotify)growth_free);
  disk = check_growable (self, &error) ? find_disk (self, target, &error) : NULL;
  if (disk == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  growth->path = g_strdup (disk->path);
  growth->qcow2 = is_qcow2 (disk);
  growth->bytes = bytes;
  growth->number = inn_guest_is_active (self) ? find_running_disk (self, disk) : -1;
  inn_guest_run_in_thread (self, task, grow_in_thread, on_grown);
}

gboolean
inn_guest_grow_disk_finish (InnGuest *self,
                            GAsyncResult *result,
                            gboolean *ret_waits,
                            GError **error)
{
  const Growth *growth;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  growth = g_task_get_task_data (G_TASK (result));
  *ret_waits = inn_guest_is_active (self) && !growth->told;
  return g_task_propagate_boolean (G_TASK (result), error);
}
