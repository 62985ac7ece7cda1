/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's devices while it runs: what goes into its CD drives and comes out again.
 */
#include "config.h"

#include "guest-private.h"

#include <glib/gi18n-lib.h>

#include "base/fd.h"
#include "disk-image.h"
#include "engine-error.h"
#include "machine-description-disks.h"
#include "machine-description-network.h"
#include "run-record.h"

/* A guest that holds what is in the drive is asked to let go, and gets some time for it. */
enum
{
  ASK_INTERVAL_MS = 200,
  ASK_TIMES = 15,
};

/* A change of what is in a drive. */
typedef struct
{
  char *drive;
  char *path; /* NULL: nothing */
  gboolean force;
  int fd;        /* of @path, or -1 */
  int number;    /* of the drive in the running machine, or -1 */
  guint asked;   /* times */
  gboolean done; /* in the running machine */
  char *running; /* what that then is made of */
} MediumChange;

static void
medium_change_free (MediumChange *self)
{
  g_free (self->drive);
  g_free (self->path);
  g_free (self->running);
  fd_close (&self->fd);
  g_free (self);
}

static gboolean
is_drive (const InnDiskDescription *disk)
{
  return disk != NULL && disk->kind == INN_DISK_CDROM;
}

/* The VMM counts drives as it was given them. */
static int
find_running_drive (InnGuest *self, const char *target)
{
  g_autoptr (InnMachineDescription) running = inn_guest_load_running_description (self);
  int number = 0;

  for (guint i = 0; running != NULL && i < inn_machine_description_get_n_disks (running); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (running, i);

      if (!is_drive (disk))
        continue;
      if (g_strcmp0 (disk->target, target) == 0)
        return number;
      number++;
    }

  return -1;
}

/* ---- the definition ---- */

static gboolean
change_definition (InnMachineDescription *description, gpointer data, GError **error)
{
  const MediumChange *change = data;

  if (is_drive (inn_machine_description_find_disk (description, change->drive)))
    {
      inn_machine_description_set_disk_path (description, change->drive, change->path);
      return TRUE;
    }
  if (change->done)
    return TRUE; /* the drive stays until the machine is off */

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
               _ ("“%s” has no CD drive “%s”. “innctl dumpxml” shows those it has."),
               inn_machine_description_get_name (description), change->drive);
  return FALSE;
}

static void
on_definition_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (inn_guest_change_finish (INN_GUEST (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/* Takes over @task. */
static void
store (InnGuest *self, GTask *task)
{
  inn_guest_change_async (self, change_definition, g_task_get_task_data (task), NULL, NULL,
                          on_definition_changed, task);
}

/* ---- the running machine ---- */

static void try_change (InnGuest *self, GTask *task);

static gboolean
on_time_to_ask (gpointer user_data)
{
  GTask *task = user_data;

  if (!g_task_return_error_if_cancelled (task))
    try_change (g_task_get_source_object (task), g_object_ref (task));
  return G_SOURCE_REMOVE;
}

/* Takes over @task. */
static void
wait_for_guest (InnGuest *self, GTask *task)
{
  MediumChange *change = g_task_get_task_data (task);

  if (++change->asked < ASK_TIMES)
    {
      g_timeout_add_full (G_PRIORITY_DEFAULT, ASK_INTERVAL_MS, on_time_to_ask, task,
                          g_object_unref);
      return;
    }

  g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                           _ ("The guest in “%s” uses the CD in drive “%s” and did not let it go. "
                              "Unmount it there, or force it."),
                           self->name, change->drive);
  g_object_unref (task);
}

/* When it cannot be written, the discs only seem to wait for the next start. */
static void
record_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const MediumChange *change = g_task_get_task_data (task_data);

  inn_run_record_save_definition (((InnGuest *)source)->folder, change->running, NULL);
  g_task_return_boolean (task, TRUE);
}

static void
on_recorded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  store (INN_GUEST (source), g_object_ref (g_task_get_task_data (G_TASK (result))));
}

/* What it was started with follows its discs. Takes over @task. */
static void
record (InnGuest *self, GTask *task)
{
  MediumChange *change = g_task_get_task_data (task);
  g_autoptr (InnMachineDescription) running = inn_guest_load_running_description (self);

  if (running == NULL)
    {
      store (self, task);
      return;
    }

  inn_machine_description_set_disk_path (running, change->drive, change->path);
  change->running = inn_machine_description_to_xml (running);
  inn_guest_run_in_thread (self, task, record_in_thread, on_recorded);
  g_object_unref (task);
}

static void
on_tried (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnGuest *self = g_task_get_source_object (task);
  MediumChange *change = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  change->done = inn_control_channel_call_finish (INN_CONTROL_CHANNEL (source), result, &error);
  if (change->done)
    record (self, g_steal_pointer (&task));
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY))
    wait_for_guest (self, g_steal_pointer (&task));
  else
    inn_guest_fail_task (task, self, error);
}

/* Takes over @task. */
static void
try_change (InnGuest *self, GTask *task)
{
  MediumChange *change = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (GError) error = NULL;

  if (self->channel == NULL)
    {
      inn_guest_set_not_running_error (self, &error);
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
    }
  else if (change->path != NULL)
    {
      inn_control_channel_insert_async (self->channel, (guint)change->number, change->fd,
                                        change->force, cancellable, on_tried, task);
    }
  else
    {
      inn_control_channel_eject_async (self->channel, (guint)change->number, change->force,
                                       cancellable, on_tried, task);
    }
}

/* ---- both ---- */

/* Takes over @task. */
static void
begin (InnGuest *self, GTask *task)
{
  MediumChange *change = g_task_get_task_data (task);

  change->number = find_running_drive (self, change->drive);
  if (change->number >= 0)
    try_change (self, task);
  else
    store (self, task);
}

static void
open_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  MediumChange *change = g_task_get_task_data (task_data);
  g_autoptr (GError) error = NULL;

  change->fd = inn_disk_image_open (change->path, INN_DISK_READ_ONLY, &error);
  if (change->fd >= 0)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = g_object_ref (g_task_get_task_data (G_TASK (result)));
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      begin (INN_GUEST (source), task);
      return;
    }

  g_task_return_error (task, g_steal_pointer (&error));
  g_object_unref (task);
}

static GTask *
new_task (InnGuest *self,
          const char *drive,
          const char *path,
          gboolean force,
          GCancellable *cancellable,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  MediumChange *change = g_new0 (MediumChange, 1);

  change->drive = g_strdup (drive);
  change->path = g_strdup (path);
  change->force = force;
  change->fd = -1;
  change->number = -1;
  g_task_set_task_data (task, change, (GDestroyNotify)medium_change_free);
  return task;
}

void
inn_guest_insert_async (InnGuest *self,
                        const char *drive,
                        const char *path,
                        gboolean force,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (INN_IS_GUEST (self));
  g_return_if_fail (drive != NULL && path != NULL);

  task = new_task (self, drive, path, force, cancellable, callback, user_data);
  inn_guest_run_in_thread (self, task, open_in_thread, on_opened);
}

void
inn_guest_eject_async (InnGuest *self,
                       const char *drive,
                       gboolean force,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_return_if_fail (INN_IS_GUEST (self));
  g_return_if_fail (drive != NULL);

  begin (self, new_task (self, drive, NULL, force, cancellable, callback, user_data));
}

gboolean
inn_guest_insert_finish (InnGuest *self, GAsyncResult *result, gboolean *ret_waits, GError **error)
{
  const MediumChange *change;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  change = g_task_get_task_data (G_TASK (result));
  *ret_waits = inn_guest_is_active (self) && !change->done;
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- network cards ---- */

int
inn_guest_find_running_nic (InnGuest *self, const char *mac)
{
  g_autoptr (InnMachineDescription) running = NULL;
  g_autoptr (GPtrArray) nics = NULL;

  g_return_val_if_fail (INN_IS_GUEST (self), -1);

  running = inn_guest_load_running_description (self);
  nics = running != NULL ? inn_machine_description_get_nics (running) : NULL;
  for (guint i = 0; nics != NULL && i < nics->len; i++)
    {
      const InnNicDescription *nic = g_ptr_array_index (nics, i);

      if (mac != NULL && g_strcmp0 (nic->mac, mac) == 0)
        return (int)i;
    }

  return -1;
}
