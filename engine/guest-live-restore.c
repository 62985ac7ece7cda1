/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Restoring a snapshot of a guest that runs: what it is doing is kept if need be, it ends, it
 * becomes what it was, and starts again. What can be found wrong is found before it ends.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "engine-error.h"
#include "guest-private.h"
#include "guest-snapshots.h"
#include "snapshot-store-private.h"

/* One that is under way: the data of its task. */
typedef struct
{
  InnMachineStore *machines;
  char *uuid;
  char *id;
  gboolean keep_present;
  char *kept_name;
} Restore;

static void
restore_free (gpointer data)
{
  Restore *restore = data;

  g_object_unref (restore->machines);
  g_free (restore->uuid);
  g_free (restore->id);
  g_free (restore->kept_name);
  g_free (restore);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (inn_guest_start_finish (INN_GUEST (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, error->domain, error->code,
                             _ ("The snapshot is restored, but the machine is off. %s"),
                             error->message);
}

static void
on_restored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = user_data;
  const Restore *restore = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (inn_guest_restore_snapshot_finish (self, result, &error))
    inn_guest_start_async (self, NULL, on_started, g_steal_pointer (&task));
  else if (restore->keep_present)
    g_task_return_new_error (task, error->domain, error->code,
                             _ ("The machine is off; what it was doing is kept as “%s”. %s"),
                             restore->kept_name, error->message);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
restore_off (InnGuest *self, GTask *task)
{
  const Restore *restore = g_task_get_task_data (task);

  inn_guest_restore_snapshot_async (self, restore->id, /* keep_present= */ FALSE, NULL, on_restored,
                                    task);
}

static void
on_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (InnSnapshotRecord) record = inn_guest_take_snapshot_finish (self, result, &error);

  if (record != NULL)
    restore_off (self, g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

static void
on_off (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (inn_guest_call_finish (self, result, &error))
    restore_off (self, g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

/* Whether it can be restored, and what the present will be called. */
static void
look_in_thread (GTask *worker, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Restore *restore = g_task_get_task_data (G_TASK (task_data));
  g_autoptr (InnSnapshotStore) store = inn_snapshot_store_new (restore->machines, restore->uuid);
  g_autoptr (InnSnapshotRecord) record = NULL;
  g_autoptr (InnMachineDescription) definition = NULL;
  GError *error = NULL;

  record = inn_snapshot_store_require_record (store, restore->id, &error);
  if (record != NULL)
    definition = inn_snapshot_store_load_definition (store, restore->id, &error);
  if (definition == NULL)
    {
      g_task_return_error (worker, error);
      return;
    }

  restore->kept_name = inn_snapshot_store_choose_kept_name (store, record->name);
  g_task_return_boolean (worker, TRUE);
}

static void
on_looked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = g_object_ref (g_task_get_task_data (G_TASK (result)));
  const Restore *restore = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_error (task, error);
  else if (self->channel == NULL) /* it has ended meanwhile */
    {
      inn_guest_set_not_running_error (self, &error);
      g_task_return_error (task, error);
    }
  else if (restore->keep_present)
    inn_guest_take_live_snapshot (self, g_task_new (self, NULL, on_kept, g_steal_pointer (&task)),
                                  restore->kept_name, NULL, INN_LIVE_KEEP);
  else
    inn_guest_call_async (self, INN_CONTROL_POWER_OFF, NULL, on_off, g_steal_pointer (&task));
}

void
inn_guest_restore_running (InnGuest *self, GTask *task, const char *id, gboolean keep_present)
{
  Restore *restore = g_new0 (Restore, 1);

  restore->machines = g_object_ref (self->store);
  restore->uuid = g_strdup (self->uuid);
  restore->id = g_strdup (id);
  restore->keep_present = keep_present;
  g_task_set_task_data (task, restore, restore_free);
  g_task_set_check_cancellable (task, FALSE);
  inn_guest_run_in_thread (self, task, look_in_thread, on_looked);
  g_object_unref (task);
}
