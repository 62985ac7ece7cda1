/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be done with a guest's snapshots.
 */
#include "config.h"

#include "guest-snapshots.h"

#include <glib/gi18n-lib.h>

#include "engine-error.h"
#include "guest-private.h"
#include "layer-store.h"
#include "snapshot-resume.h"
#include "snapshot-store.h"

/* What the worker thread needs, and what it has made. */
typedef struct _Request Request;

struct _Request
{
  gboolean (*work) (InnSnapshotStore *store, Request *request, GError **error);
  InnMachineStore *machines;
  char *uuid;
  char *id;
  char *name;
  char *note;
  gboolean keep_present;
  gboolean merge_after;
  InnSnapshotRecord *record;
};

static void
request_free (Request *request)
{
  g_object_unref (request->machines);
  g_free (request->uuid);
  g_free (request->id);
  g_free (request->name);
  g_free (request->note);
  inn_snapshot_record_free (request->record);
  g_free (request);
}

static Request *
request_new (InnGuest *self, gboolean (*work) (InnSnapshotStore *, Request *, GError **))
{
  Request *request = g_new0 (Request, 1);

  request->work = work;
  request->machines = g_object_ref (self->store);
  request->uuid = g_strdup (self->uuid);

  return request;
}

GPtrArray *
inn_guest_list_snapshots (InnGuest *self)
{
  g_autoptr (InnSnapshotStore) store = NULL;

  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  store = inn_snapshot_store_new (self->store, self->uuid);
  return inn_snapshot_store_list (store, /* with_saved= */ FALSE);
}

static void
list_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Request *request = task_data;
  g_autoptr (InnSnapshotStore) store = inn_snapshot_store_new (request->machines, request->uuid);

  g_task_return_pointer (task, inn_snapshot_store_list (store, /* with_saved= */ FALSE),
                         (GDestroyNotify)g_ptr_array_unref);
}

void
inn_guest_list_snapshots_async (InnGuest *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (self->store == NULL) /* detached */
    {
      g_task_return_pointer (task, g_ptr_array_new (), (GDestroyNotify)g_ptr_array_unref);
      return;
    }
  g_task_set_task_data (task, request_new (self, NULL), (GDestroyNotify)request_free);
  g_task_run_in_thread (task, list_in_thread);
}

GPtrArray *
inn_guest_list_snapshots_finish (InnGuest *self, GAsyncResult *result)
{
  GPtrArray *records;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  records = g_task_propagate_pointer (G_TASK (result), NULL);
  return records != NULL ? records : g_ptr_array_new ();
}

/* ---- in the worker thread ---- */

static gboolean
take (InnSnapshotStore *store, Request *request, GError **error)
{
  request->record = inn_snapshot_store_take (store, request->name, request->note, error);
  return request->record != NULL;
}

static gboolean
restore (InnSnapshotStore *store, Request *request, GError **error)
{
  return inn_snapshot_store_restore (store, request->id, request->keep_present, error);
}

static gboolean
remove_snapshot (InnSnapshotStore *store, Request *request, GError **error)
{
  return inn_snapshot_store_remove (store, request->id, error);
}

static gboolean
change (InnSnapshotStore *store, Request *request, GError **error)
{
  return inn_snapshot_store_change (store, request->id, request->name, request->note, error);
}

static gboolean
check (InnSnapshotStore *store, Request *request, GError **error)
{
  return inn_snapshot_store_check (store, request->id, error);
}

static gboolean
discard_saved (InnSnapshotStore *store, Request *request, GError **error)
{
  return inn_resume_discard (store, error);
}

static void
work_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Request *request = task_data;
  g_autoptr (InnSnapshotStore) store = inn_snapshot_store_new (request->machines, request->uuid);
  g_autoptr (GError) error = NULL;

  if (request->work (store, request, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/* ---- in the main thread ---- */

static void merge_in_background (InnGuest *self);

static void
on_worked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  Request *request = g_task_get_task_data (G_TASK (result));
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean done = g_task_propagate_boolean (G_TASK (result), &error);

  if (self->store != NULL) /* not detached meanwhile */
    {
      inn_guest_refresh (self);
      g_signal_emit_by_name (self, "snapshots-changed");
      if (done && request->merge_after)
        {
          self->merge_owed = inn_guest_is_active (self);
          merge_in_background (self);
        }
    }
  if (!done)
    g_task_return_error (task, g_steal_pointer (&error));
  else if (request->record != NULL)
    g_task_return_pointer (task, g_steal_pointer (&request->record),
                           (GDestroyNotify)inn_snapshot_record_free);
  else
    g_task_return_boolean (task, TRUE);
}

/* Takes over @task and @request. What has begun is finished: half of it would be undone anyway. */
static void
run (InnGuest *self, GTask *task, Request *request)
{
  g_autoptr (GTask) worker = g_task_new (self, NULL, on_worked, task);

  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (worker, request, (GDestroyNotify)request_free);
  g_task_run_in_thread (worker, work_in_thread);
}

/* Whether it is off, and its definition can be used. */
static gboolean
check_off (InnGuest *self, GError **error)
{
  if (inn_guest_is_active (self))
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("“%s” is running, and that is possible only while it is off. Shut it down "
                    "first."),
                 self->name);
  else if (self->description == NULL)
    g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, self->trouble);
  else
    return TRUE;

  return FALSE;
}

void
inn_guest_take_snapshot_async (InnGuest *self,
                               const char *name,
                               const char *note,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  Request *request;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (self->channel != NULL)
    {
      inn_guest_take_live_snapshot (self, g_steal_pointer (&task), name, note, INN_LIVE_RUN_ON);
      return;
    }
  if (!check_off (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  request = request_new (self, take);
  request->name = g_strdup (name);
  request->note = g_strdup (note);
  run (self, g_steal_pointer (&task), request);
}

InnSnapshotRecord *
inn_guest_take_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
inn_guest_restore_snapshot_async (InnGuest *self,
                                  const char *id,
                                  gboolean keep_present,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  Request *request;

  g_return_if_fail (INN_IS_GUEST (self));
  g_return_if_fail (id != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  if (self->channel != NULL)
    {
      inn_guest_restore_running (self, g_steal_pointer (&task), id, keep_present);
      return;
    }
  if (!check_off (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  request = request_new (self, restore);
  request->id = g_strdup (id);
  request->keep_present = keep_present;
  run (self, g_steal_pointer (&task), request);
}

gboolean
inn_guest_restore_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
inn_guest_delete_snapshot_async (InnGuest *self,
                                 const char *id,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  Request *request;

  g_return_if_fail (INN_IS_GUEST (self));
  g_return_if_fail (id != NULL);

  request = request_new (self, remove_snapshot);
  request->id = g_strdup (id);
  request->merge_after = TRUE;
  run (self, g_task_new (self, cancellable, callback, user_data), request);
}

gboolean
inn_guest_delete_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
inn_guest_discard_saved_async (InnGuest *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (check_off (self, &error))
    run (self, g_steal_pointer (&task), request_new (self, discard_saved));
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

gboolean
inn_guest_discard_saved_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
inn_guest_change_snapshot_async (InnGuest *self,
                                 const char *id,
                                 const char *name,
                                 const char *note,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  Request *request;

  g_return_if_fail (INN_IS_GUEST (self));
  g_return_if_fail (id != NULL);

  request = request_new (self, change);
  request->id = g_strdup (id);
  request->name = g_strdup (name);
  request->note = g_strdup (note);
  run (self, g_task_new (self, cancellable, callback, user_data), request);
}

gboolean
inn_guest_change_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
inn_guest_check_snapshot_async (InnGuest *self,
                                const char *id,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  Request *request;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (id == NULL && !check_off (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  request = request_new (self, check);
  request->id = g_strdup (id);
  run (self, g_steal_pointer (&task), request);
}

gboolean
inn_guest_check_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- merging ---- */

/* One who waits for it. */
typedef struct
{
  GTask *task;
  InnGuestProgress progress;
  gpointer progress_data;
} Waiter;

static void
waiter_free (Waiter *waiter)
{
  g_object_unref (waiter->task);
  g_free (waiter);
}

/* What is under way; the worker's data. */
struct _InnGuestMerge
{
  InnMachineStore *machines;
  InnThreadProgress *progress;
  GCancellable *cancellable;
  GPtrArray *waiters; /* of Waiter; main thread only */
};

static void
on_merge_progress (double fraction, gpointer data)
{
  InnGuestMerge *merge = data;

  for (guint i = 0; i < merge->waiters->len; i++)
    {
      const Waiter *waiter = g_ptr_array_index (merge->waiters, i);

      if (waiter->progress != NULL)
        waiter->progress (fraction, waiter->progress_data);
    }
}

static void
merge_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  InnGuestMerge *merge = task_data;
  g_autoptr (InnLayerStore) layers = inn_layer_store_new (merge->machines);
  g_autoptr (GError) error = NULL;
  guint merged = 0;

  if (inn_layer_store_merge (layers, inn_thread_progress_get (merge->progress), &merged, &error))
    g_task_return_int (task, merged);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
on_merged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  InnGuestMerge *merge = user_data;
  g_autoptr (GError) error = NULL;
  const gssize merged = g_task_propagate_int (G_TASK (result), &error);

  if (error != NULL)
    g_debug ("%s: %s", self->uuid, error->message); /* nothing is lost but time */
  if (self->merge == merge)
    self->merge = NULL;
  inn_thread_progress_free (merge->progress);
  for (guint i = 0; i < merge->waiters->len; i++)
    {
      const Waiter *waiter = g_ptr_array_index (merge->waiters, i);

      if (error != NULL)
        g_task_return_error (waiter->task, g_error_copy (error));
      else
        g_task_return_int (waiter->task, merged);
    }
  g_ptr_array_unref (merge->waiters);
  g_object_unref (merge->cancellable);
  g_object_unref (merge->machines);
  g_free (merge);
  if (self->store != NULL)
    g_signal_emit_by_name (self, "snapshots-changed"); /* their sizes */
}

static void
merge_in_background (InnGuest *self)
{
  g_autoptr (GTask) worker = NULL;
  InnGuestMerge *merge;

  if (self->merge != NULL)
    return;

  merge = g_new0 (InnGuestMerge, 1);
  merge->machines = g_object_ref (self->store);
  merge->cancellable = g_cancellable_new ();
  merge->progress = inn_thread_progress_new (on_merge_progress, merge, merge->cancellable);
  merge->waiters = g_ptr_array_new_with_free_func ((GDestroyNotify)waiter_free);
  self->merge = merge;
  worker = g_task_new (self, NULL, on_merged, merge);
  g_task_set_task_data (worker, merge, NULL);
  g_task_run_in_thread (worker, merge_in_thread);
}

void
inn_guest_merge_owed (InnGuest *self)
{
  if (!self->merge_owed)
    return;

  self->merge_owed = FALSE;
  merge_in_background (self);
}

void
inn_guest_abandon_merge (InnGuest *self)
{
  if (self->merge != NULL)
    g_cancellable_cancel (self->merge->cancellable);
  self->merge = NULL;
}

void
inn_guest_merge_layers_async (InnGuest *self,
                              InnGuestProgress progress,
                              gpointer progress_data,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  Waiter *waiter;

  g_return_if_fail (INN_IS_GUEST (self));

  merge_in_background (self);
  waiter = g_new0 (Waiter, 1);
  waiter->task = g_task_new (self, cancellable, callback, user_data);
  waiter->progress = progress;
  waiter->progress_data = progress_data;
  g_ptr_array_add (self->merge->waiters, waiter);
  if (cancellable != NULL)
    g_signal_connect_object (cancellable, "cancelled", G_CALLBACK (g_cancellable_cancel),
                             self->merge->cancellable, G_CONNECT_SWAPPED);
}

gssize
inn_guest_merge_layers_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), -1);

  return g_task_propagate_int (G_TASK (result), error);
}
