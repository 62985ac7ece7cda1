/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes other machines of a guest.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "engine-error.h"
#include "guest-private.h"
#include "guest-snapshots.h"
#include "machine-description-network.h"

/* What the worker thread needs. */
typedef struct
{
  InnMachineStore *machines;
  char *uuid;
  char *name;
  char *snapshot;
  InnGuestCloneKind kind;
  InnThreadProgress *progress; /* freed in the main thread */
} CloneData;

static void
clone_data_free (CloneData *data)
{
  g_object_unref (data->machines);
  g_free (data->uuid);
  g_free (data->name);
  g_free (data->snapshot);
  g_free (data);
}

static void
clone_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const CloneData *data = task_data;
  const InnCloneRequest request = {
    .uuid = data->uuid,
    .name = data->name,
    .snapshot = data->snapshot,
    .kind = data->kind,
  };
  g_autoptr (GError) error = NULL;
  char *uuid = inn_machine_clone (data->machines, &request,
                                  inn_thread_progress_get (data->progress), &error);

  if (uuid != NULL)
    g_task_return_pointer (task, uuid, g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
inn_guest_tell_cloned (InnGuest *self, const char *uuid)
{
  if (self->store == NULL) /* detached meanwhile */
    return;

  inn_guest_refresh (self);
  g_signal_emit_by_name (self->store, "changed", uuid);
}

static void
on_cloned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  CloneData *data = g_task_get_task_data (G_TASK (result));
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  char *uuid = g_task_propagate_pointer (G_TASK (result), &error);

  g_clear_pointer (&data->progress, inn_thread_progress_free);
  if (uuid != NULL)
    {
      inn_guest_tell_cloned (self, uuid);
      g_task_return_pointer (task, uuid, g_free);
      return;
    }

  if (self->store != NULL)
    inn_guest_refresh (self);
  g_task_return_error (task, g_steal_pointer (&error));
}

/* What runs disposably leaves nothing, no clone either; its snapshots are none of it. */
static gboolean
check_lasting (InnGuest *self, const char *snapshot, GError **error)
{
  if (snapshot != NULL || !inn_guest_is_disposable (self))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("“%s” cannot be cloned now: this run is disposable, and all of it is thrown "
                  "away when it ends. Shut it down first, or clone one of its snapshots."),
               self->name);
  return FALSE;
}

static gboolean
check_can_clone_live (InnGuest *self, const char *snapshot, GError **error)
{
  if (snapshot == NULL && self->channel != NULL)
    return TRUE;

  if (snapshot != NULL)
    g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                         _ ("A snapshot does not run, so it has no live clones. Make a linked "
                            "clone of it: what is in its memory goes on there."));
  else if (!inn_guest_is_active (self))
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("“%s” does not run, so it has no live clones. Make a linked or a full clone, "
                    "or start it first."),
                 self->name);
  else
    inn_guest_set_not_running_error (self, error);
  return FALSE;
}

static gboolean
check_can_clone (InnGuest *self, InnGuestCloneKind kind, const char *snapshot, GError **error)
{
  if (kind == INN_GUEST_CLONE_LIVE)
    return check_can_clone_live (self, snapshot, error);
  if (snapshot != NULL)
    return TRUE;
  if (inn_guest_is_active (self))
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("“%s” is running, and its disks change. Shut it down first, clone one of its "
                    "snapshots, or make a live clone."),
                 self->name);
  else if (self->description == NULL)
    g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, self->trouble);
  else
    return TRUE;

  return FALSE;
}

void
inn_guest_clone_async (InnGuest *self,
                       const char *name,
                       InnGuestCloneKind kind,
                       const char *snapshot,
                       InnGuestProgress progress,
                       gpointer progress_data,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GTask) worker = NULL;
  g_autoptr (GError) error = NULL;
  CloneData *data;

  g_return_if_fail (INN_IS_GUEST (self));
  g_return_if_fail (name != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  /* A clone that is there when it was cancelled is there. */
  g_task_set_check_cancellable (task, FALSE);
  if (!check_lasting (self, snapshot, &error) || !check_can_clone (self, kind, snapshot, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  if (kind == INN_GUEST_CLONE_LIVE)
    {
      inn_guest_clone_live (self, g_steal_pointer (&task), name);
      return;
    }

  data = g_new0 (CloneData, 1);
  data->machines = g_object_ref (self->store);
  data->uuid = g_strdup (self->uuid);
  data->name = g_strdup (name);
  data->snapshot = g_strdup (snapshot);
  data->kind = kind;
  data->progress = inn_thread_progress_new (progress, progress_data, cancellable);
  worker = g_task_new (self, NULL, on_cloned, g_steal_pointer (&task));
  g_task_set_task_data (worker, data, (GDestroyNotify)clone_data_free);
  g_task_run_in_thread (worker, clone_in_thread);
}

gboolean
inn_guest_is_on_interface (InnGuest *self)
{
  g_autoptr (GPtrArray) nics = NULL;
  gboolean found = FALSE;

  g_return_val_if_fail (INN_IS_GUEST (self), FALSE);

  if (self->description == NULL)
    return FALSE;

  nics = inn_machine_description_get_nics (self->description);
  for (guint i = 0; i < nics->len; i++)
    found = found || ((const InnNicDescription *)g_ptr_array_index (nics, i))->kind == INN_NIC_TAP;

  return found;
}

char *
inn_guest_clone_finish (InnGuest *self, GAsyncResult *result, guint64 *ret_pause_us, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  if (ret_pause_us != NULL)
    *ret_pause_us = inn_guest_get_clone_pause (G_TASK (result));
  return g_task_propagate_pointer (G_TASK (result), error);
}
