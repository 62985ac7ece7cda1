/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clones of a guest that runs: files are made ready in a worker thread, then the VMM does its part,
 * then the clone, which runs by then, becomes a machine like any other.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "base/fd.h"
#include "engine-error.h"
#include "guest-private.h"
#include "guest-snapshots.h"
#include "live-clone.h"
#include "live-disks.h"
#include "snapshot-store-private.h"

/* One that is under way: the data of its task. Owned by one thread at a time. */
typedef struct
{
  InnSnapshotStore *store;
  InnRuntimeDirectory *runtime;
  InnMachineDescription *running; /* what the VMM was started with */
  char *name;
  char *log_folder;

  int disks_lock; /* nobody else has its disks go on in others */
  InnLiveClone *clone;
  GArray *layers; /* of InnControlLayer */
  InnVmmStaging staging;
  guint64 pause_us;
  gboolean switched; /* the VMM writes the new layers */
  GError *error;     /* why there is no clone */
} LiveClone;

static void
live_clone_free (gpointer data)
{
  LiveClone *live = data;

  inn_vmm_staging_clear (&live->staging);
  inn_live_clone_free (live->clone);
  g_clear_pointer (&live->layers, g_array_unref);
  inn_snapshot_store_free (live->store);
  inn_runtime_directory_unref (live->runtime);
  inn_machine_description_free (live->running);
  g_free (live->name);
  g_free (live->log_folder);
  fd_close (&live->disks_lock);
  g_clear_error (&live->error);
  g_free (live);
}

static LiveClone *
live_clone_new (InnGuest *self, const char *name)
{
  LiveClone *live = g_new0 (LiveClone, 1);

  live->store = inn_snapshot_store_new (self->store, self->uuid);
  live->runtime = inn_runtime_directory_ref (self->runtime);
  live->running = inn_guest_load_running_description (self);
  live->name = g_strdup (name);
  live->log_folder = g_path_get_dirname (self->log_path);
  live->disks_lock = -1;

  return live;
}

/* ---- in a worker thread: before ---- */

static gboolean
prepare_locked (LiveClone *live, GError **error)
{
  g_autofree char *log_name = NULL;
  g_autofree char *log_path = NULL;

  if (!inn_live_disks_check_as_started (live->store->machines, live->running, error))
    return FALSE;
  live->clone = inn_live_clone_new (live->store, live->name, error);
  if (live->clone == NULL || !inn_live_clone_prepare (live->clone, error))
    return FALSE;

  log_name = g_strconcat (inn_live_clone_get_uuid (live->clone), ".log", NULL);
  log_path = g_build_filename (live->log_folder, log_name, NULL);
  live->layers = inn_live_disks_open (inn_live_clone_get_disks (live->clone), live->running, error);
  return live->layers != NULL
         && inn_live_clone_stage (live->clone, log_path, live->runtime, &live->staging, error)
         && inn_live_clone_commit (live->clone, error);
}

/* With the store's lock: removes what nobody needs. */
static void
drop_clone (LiveClone *live)
{
  inn_vmm_staging_clear (&live->staging);
  g_clear_pointer (&live->layers, g_array_unref);
  g_clear_pointer (&live->clone, inn_live_clone_free);
  inn_layer_store_collect (live->store->layers, NULL); /* or the next change does */
}

static void
prepare_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  LiveClone *live = g_task_get_task_data (G_TASK (task_data));
  g_autoptr (GError) error = NULL;
  gboolean done;
  int lock = -1;

  live->disks_lock
      = inn_live_disks_lock (live->store->machines, live->running, /* wait= */ TRUE, &error);
  if (live->disks_lock >= 0)
    lock = inn_machine_store_lock (live->store->machines, &error);
  done = lock >= 0 && prepare_locked (live, &error);
  if (!done && lock >= 0)
    drop_clone (live);
  fd_close (&lock);
  if (!done)
    {
      fd_close (&live->disks_lock);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  inn_live_disks_store (inn_live_clone_get_disks (live->clone));
  g_task_return_boolean (task, TRUE);
}

/* ---- in a worker thread: after ---- */

static void
conclude_locked (LiveClone *live)
{
  g_autoptr (GError) error = NULL;

  if (live->switched)
    inn_live_disks_record (live->store->machines, live->running,
                           inn_live_clone_get_disks (live->clone));
  if (live->error == NULL)
    {
      inn_vmm_staging_lock (&live->staging);
      inn_live_clone_publish (live->clone, &live->error);
      return;
    }

  if (!inn_live_clone_revoke (live->clone, live->switched, &error))
    g_warning ("%s", error->message); /* it goes on in layers that hold nothing */
  drop_clone (live);
}

static void
conclude_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  LiveClone *live = g_task_get_task_data (G_TASK (task_data));
  int lock
      = inn_machine_store_lock (live->store->machines, live->error == NULL ? &live->error : NULL);

  if (lock >= 0)
    conclude_locked (live);
  fd_close (&lock);
  inn_vmm_staging_clear (&live->staging); /* the clone has its own */
  g_clear_pointer (&live->layers, g_array_unref);
  fd_close (&live->disks_lock);
  g_task_return_boolean (task, TRUE);
}

/* ---- in the main thread ---- */

static void
on_concluded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = g_object_ref (g_task_get_task_data (G_TASK (result)));
  LiveClone *live = g_task_get_task_data (task);

  if (live->error != NULL)
    {
      if (self->store != NULL) /* not detached meanwhile */
        inn_guest_refresh (self);
      g_task_return_error (task, g_steal_pointer (&live->error));
      return;
    }

  inn_guest_tell_cloned (self, inn_live_clone_get_uuid (live->clone));
  g_task_return_pointer (task, g_strdup (inn_live_clone_get_uuid (live->clone)), g_free);
}

static void
on_begun (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnGuest *self = g_task_get_source_object (task);
  LiveClone *live = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!inn_control_channel_clone_finish (INN_CONTROL_CHANNEL (source), result, &live->pause_us,
                                         &live->switched, &error))
    live->error = inn_guest_convert_error (self, error);
  inn_guest_run_in_thread (self, task, conclude_in_thread, on_concluded);
}

static void
on_prepared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = g_object_ref (g_task_get_task_data (G_TASK (result)));
  LiveClone *live = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (self->channel == NULL)
    {
      inn_guest_set_not_running_error (self, &live->error);
      inn_guest_run_in_thread (self, task, conclude_in_thread, on_concluded);
      return;
    }

  inn_control_channel_clone_async (self->channel, (gconstpointer)live->layers->data,
                                   live->layers->len, (gconstpointer)live->staging.files->data,
                                   live->staging.files->len, live->staging.arguments_fd, on_begun,
                                   g_object_ref (task));
}

void
inn_guest_clone_live (InnGuest *self, GTask *task, const char *name)
{
  LiveClone *live = live_clone_new (self, name);

  g_task_set_task_data (task, live, live_clone_free);
  if (live->running != NULL)
    inn_guest_run_in_thread (self, task, prepare_in_thread, on_prepared);
  else
    g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                             _ ("It is not known any more how “%s” was started. Restart it, then "
                                "clone it."),
                             self->name);
  g_object_unref (task);
}

guint64
inn_guest_get_clone_pause (GTask *task)
{
  const LiveClone *live = g_task_get_task_data (task);

  return live != NULL ? live->pause_us : 0;
}
