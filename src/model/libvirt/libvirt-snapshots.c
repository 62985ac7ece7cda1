/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every operation is one job, as those of the machine are: look the domain up, act, read it anew;
 * the reading is applied before the operation finishes. */
#include "model/libvirt/libvirt-snapshots.h"

#include <glib/gi18n.h>

#include "model/error.h"
#include "model/libvirt/libvirt-clone.h"
#include "model/libvirt/libvirt-connection-private.h"
#include "model/libvirt/libvirt-console.h"
#include "model/libvirt/libvirt-error.h"

#define PROGRESS_INTERVAL_MS 250

struct _InnLibvirtSnapshots
{
  InnSnapshots parent_instance;

  InnMachine *machine; /* weak */
  InnDomainStorage storage;
  gboolean supported;
  gboolean reverts_external;
  GHashTable *external; /* ids: those that are not in the disks alone */
};

G_DEFINE_FINAL_TYPE (InnLibvirtSnapshots, inn_libvirt_snapshots, INN_TYPE_SNAPSHOTS)

/* ---- jobs ---- */

/* What a job knows. */
typedef struct
{
  virConnectPtr connection;
  gboolean session;
  char *uuid;
  char *id; /* of the snapshot; that of the one taken, too */
  char *name;
  char *note;
  gboolean keep_present;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  virConnectClose (request->connection);
  g_free (request->uuid);
  g_free (request->id);
  g_free (request->name);
  g_free (request->note);
  g_free (request);
}

static InnLibvirtConnection *
get_connection (InnLibvirtSnapshots *self)
{
  InnConnection *connection
      = self->machine != NULL ? inn_machine_get_connection (self->machine) : NULL;

  return connection != NULL ? INN_LIBVIRT_CONNECTION (connection) : NULL;
}

/* A new reference, or NULL with INN_ERROR_UNAVAILABLE. */
static virConnectPtr
ref_handle (InnLibvirtSnapshots *self, GError **error)
{
  InnLibvirtConnection *connection = get_connection (self);

  if (connection != NULL)
    return inn_libvirt_connection_ref_handle (connection, error);
  g_set_error_literal (error, INN_ERROR, INN_ERROR_UNAVAILABLE,
                       _ ("That machine is no longer there."));
  return NULL;
}

/* What the worker does for @task: fill in its Request, then push_job(). NULL, and @task has its
 * error, when there is nobody to ask. */
static GTask *
job_new (GTask *task, InnSnapshot *snapshot, GAsyncReadyCallback done)
{
  InnLibvirtSnapshots *self = g_task_get_source_object (task);
  GError *error = NULL;
  virConnectPtr handle = ref_handle (self, &error);
  Request *request;
  GTask *job;

  g_task_set_check_cancellable (task, FALSE);
  if (handle == NULL)
    {
      g_task_return_error (task, error);
      return NULL;
    }
  request = g_new0 (Request, 1);
  request->connection = handle;
  request->session = inn_libvirt_connection_is_session (get_connection (self));
  request->uuid = g_strdup (inn_machine_get_id (self->machine));
  if (snapshot != NULL)
    request->id = g_strdup (inn_snapshot_get_id (snapshot));
  job = g_task_new (self, g_task_get_cancellable (task), done, g_object_ref (task));
  g_task_set_task_data (job, request, request_free);
  return job;
}

/* Takes @job over. */
static void
push_job (InnLibvirtSnapshots *self, GTask *job, InnLibvirtWork work)
{
  inn_libvirt_worker_push (inn_libvirt_connection_get_worker (get_connection (self)), job, work,
                           (GDestroyNotify)inn_domain_reading_free);
}

static virDomainPtr
find_domain (const Request *request, GError **error)
{
  virDomainPtr domain = virDomainLookupByUUIDString (request->connection, request->uuid);

  if (domain == NULL)
    inn_libvirt_take_error (error);
  return domain;
}

static gpointer
take_work (gpointer task_data, GError **error)
{
  Request *request = task_data;
  g_autoptr (virDomain) domain = find_domain (request, error);

  if (domain == NULL)
    return NULL;
  request->id = inn_domain_snapshot_take (domain, request->name, request->note, FALSE, error);
  return request->id != NULL ? inn_domain_reading_new (domain, error) : NULL;
}

/* Starts the guest when it was running at that moment. */
static gpointer
restore_work (gpointer task_data, GError **error)
{
  Request *request = task_data;
  g_autoptr (virDomain) domain = find_domain (request, error);
  g_autofree char *kept = NULL;

  if (domain == NULL)
    return NULL;
  if (request->session)
    inn_libvirt_console_make_log_folder ();
  if (request->keep_present)
    {
      kept = inn_domain_snapshot_take (domain, request->name, NULL, /* kept= */ TRUE, error);
      if (kept == NULL)
        return NULL;
    }
  if (inn_domain_snapshot_restore (domain, request->id, error))
    return inn_domain_reading_new (domain, error);
  if (kept != NULL)
    inn_domain_snapshot_delete (domain, kept, NULL);
  return NULL;
}

static gpointer
delete_work (gpointer task_data, GError **error)
{
  Request *request = task_data;
  g_autoptr (virDomain) domain = find_domain (request, error);

  if (domain == NULL || !inn_domain_snapshot_delete (domain, request->id, error))
    return NULL;
  return inn_domain_reading_new (domain, error);
}

static gpointer
change_work (gpointer task_data, GError **error)
{
  Request *request = task_data;
  g_autoptr (virDomain) domain = find_domain (request, error);

  if (domain == NULL
      || !inn_domain_snapshot_change (domain, request->id, request->name, request->note,
                                      /* kept= */ FALSE, error))
    return NULL;
  return inn_domain_reading_new (domain, error);
}

/* The machine as it is now, whether or not it was read. */
static void
settle (InnLibvirtSnapshots *self, InnDomainReading *reading)
{
  InnLibvirtConnection *connection = get_connection (self);

  if (connection == NULL)
    return;
  if (reading != NULL)
    inn_libvirt_machine_apply (INN_LIBVIRT_MACHINE (self->machine), reading);
  else
    inn_libvirt_connection_refresh (connection, inn_machine_get_id (self->machine));
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnLibvirtSnapshots *self = INN_LIBVIRT_SNAPSHOTS (source);
  const Request *request = g_task_get_task_data (G_TASK (result));
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnDomainReading) reading = g_task_propagate_pointer (G_TASK (result), &error);
  InnSnapshot *snapshot;

  settle (self, reading);
  snapshot = inn_snapshots_find (INN_SNAPSHOTS (self), request->id);
  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else if (snapshot != NULL)
    g_task_return_pointer (task, g_object_ref (snapshot), g_object_unref);
  else
    g_task_return_new_error (task, INN_ERROR, INN_ERROR_BUSY,
                             _ ("The snapshot was taken, but it is gone again."));
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (InnDomainReading) reading = g_task_propagate_pointer (G_TASK (result), &error);

  settle (INN_LIBVIRT_SNAPSHOTS (source), reading);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
inn_libvirt_snapshots_take_async (InnSnapshots *snapshots,
                                  const char *name,
                                  const char *note,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (snapshots, cancellable, callback, user_data);
  GTask *job = job_new (task, NULL, on_taken);
  Request *request;

  if (job == NULL)
    return;
  request = g_task_get_task_data (job);
  request->name = g_strdup (name);
  request->note = g_strdup (note);
  push_job (INN_LIBVIRT_SNAPSHOTS (snapshots), job, take_work);
}

/* libvirt does not tell how long the guest stood still. */
static InnSnapshot *
inn_libvirt_snapshots_take_finish (InnSnapshots *snapshots,
                                   GAsyncResult *result,
                                   guint64 *ret_pause_us,
                                   GError **error)
{
  *ret_pause_us = 0;
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
inn_libvirt_snapshots_restore_async (InnSnapshots *snapshots,
                                     InnSnapshot *snapshot,
                                     gboolean keep_present,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (snapshots, cancellable, callback, user_data);
  GTask *job = job_new (task, snapshot, on_done);
  Request *request;

  if (job == NULL)
    return;
  request = g_task_get_task_data (job);
  request->keep_present = keep_present;
  request->name
      = g_strdup_printf (_ ("Before going back to “%s”"), inn_snapshot_get_name (snapshot));
  push_job (INN_LIBVIRT_SNAPSHOTS (snapshots), job, restore_work);
}

static void
inn_libvirt_snapshots_delete_async (InnSnapshots *snapshots,
                                    InnSnapshot *snapshot,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (snapshots, cancellable, callback, user_data);
  GTask *job = job_new (task, snapshot, on_done);

  if (job != NULL)
    push_job (INN_LIBVIRT_SNAPSHOTS (snapshots), job, delete_work);
}

static void
inn_libvirt_snapshots_change_async (InnSnapshots *snapshots,
                                    InnSnapshot *snapshot,
                                    const char *name,
                                    const char *note,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (snapshots, cancellable, callback, user_data);
  GTask *job = job_new (task, snapshot, on_done);
  Request *request;

  if (job == NULL)
    return;
  request = g_task_get_task_data (job);
  request->name = g_strdup (name);
  request->note = g_strdup (note);
  push_job (INN_LIBVIRT_SNAPSHOTS (snapshots), job, change_work);
}

static gboolean
inn_libvirt_snapshots_finish (InnSnapshots *snapshots, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- clones ---- */

/* One that is under way: the data of its task. */
typedef struct
{
  InnLibvirtClone *clone;
  InnProgressFunc progress;
  gpointer progress_data;
  guint timer;
  gboolean asking; /* how far it is */
} CloneWatch;

static void
clone_watch_free (gpointer data)
{
  CloneWatch *watch = data;

  inn_libvirt_clone_unref (watch->clone);
  g_free (watch);
}

static gpointer
clone_work (gpointer clone, GError **error)
{
  return inn_libvirt_clone_run (clone, error);
}

static gpointer
progress_work (gpointer clone, GError **error)
{
  double *fraction = g_new (double, 1);

  *fraction = inn_libvirt_clone_get_progress (clone);
  return fraction;
}

static void
on_progress (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  CloneWatch *watch = g_task_get_task_data (task);
  g_autofree double *fraction = g_task_propagate_pointer (G_TASK (result), NULL);

  watch->asking = FALSE;
  if (watch->timer != 0 && fraction != NULL)
    watch->progress (*fraction, watch->progress_data);
}

static GTask *
clone_job_new (GTask *task, GAsyncReadyCallback done)
{
  const CloneWatch *watch = g_task_get_task_data (task);
  GTask *job = g_task_new (g_task_get_source_object (task), NULL, done, g_object_ref (task));

  g_task_set_task_data (job, inn_libvirt_clone_ref (watch->clone),
                        (GDestroyNotify)inn_libvirt_clone_unref);
  return job;
}

static gboolean
on_progress_timer (gpointer user_data)
{
  GTask *task = user_data;
  CloneWatch *watch = g_task_get_task_data (task);
  InnLibvirtConnection *connection = get_connection (g_task_get_source_object (task));

  if (watch->asking || connection == NULL)
    return G_SOURCE_CONTINUE;
  watch->asking = TRUE;
  inn_libvirt_worker_push (inn_libvirt_connection_get_worker (connection),
                           clone_job_new (task, on_progress), progress_work, g_free);
  return G_SOURCE_CONTINUE;
}

static void
on_cloned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnLibvirtSnapshots *self = INN_LIBVIRT_SNAPSHOTS (source);
  InnLibvirtConnection *connection = get_connection (self);
  g_autoptr (GTask) task = user_data;
  CloneWatch *watch = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (InnDomainReading) reading = g_task_propagate_pointer (G_TASK (result), &error);

  g_clear_handle_id (&watch->timer, g_source_remove);
  settle (self, NULL);
  if (reading == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_return_pointer (task, g_strdup (reading->description->uuid), g_free);
  if (connection != NULL)
    inn_libvirt_connection_refresh (connection, reading->description->uuid);
}

static void
inn_libvirt_snapshots_clone_async (InnSnapshots *snapshots,
                                   InnCloneKind kind,
                                   const char *name,
                                   InnSnapshot *snapshot,
                                   InnProgressFunc progress,
                                   gpointer progress_data,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  InnLibvirtSnapshots *self = INN_LIBVIRT_SNAPSHOTS (snapshots);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;
  virConnectPtr handle = ref_handle (self, &error);
  CloneWatch *watch;

  g_task_set_check_cancellable (task, FALSE);
  if (handle == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  watch = g_new0 (CloneWatch, 1);
  watch->clone
      = inn_libvirt_clone_new (handle, inn_libvirt_connection_is_session (get_connection (self)),
                               inn_machine_get_id (self->machine), name, kind == INN_CLONE_LINKED,
                               cancellable);
  watch->progress = progress;
  watch->progress_data = progress_data;
  g_task_set_task_data (task, watch, clone_watch_free);
  watch->timer = g_timeout_add_full (G_PRIORITY_DEFAULT, PROGRESS_INTERVAL_MS, on_progress_timer,
                                     g_object_ref (task), g_object_unref);
  inn_libvirt_worker_push (inn_libvirt_connection_get_worker (get_connection (self)),
                           clone_job_new (task, on_cloned), clone_work,
                           (GDestroyNotify)inn_domain_reading_free);
}

static char *
inn_libvirt_snapshots_clone_finish (InnSnapshots *snapshots,
                                    GAsyncResult *result,
                                    guint64 *ret_pause_us,
                                    GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- refusals ---- */

/* Of whatever needs its place, or NULL. */
static const char *
get_place_refusal (InnLibvirtSnapshots *self)
{
  InnLibvirtConnection *connection = get_connection (self);

  if (connection == NULL
      || inn_connection_get_state (INN_CONNECTION (connection)) != INN_CONNECTION_OPEN)
    return _ ("Its place cannot be reached now");
  return NULL;
}

/* The disks must not change under a guest that sleeps. */
static const char *
get_saved_refusal (InnLibvirtSnapshots *self)
{
  return inn_machine_get_state (self->machine) == INN_MACHINE_SAVED
             ? _ ("Resume or discard its saved state first")
             : NULL;
}

/* Why QEMU cannot keep all that the machine is in its disks. */
static const char *
get_storage_refusal (const InnDomainStorage *storage)
{
  if (!storage->qemu)
    return NULL;
  if (storage->n_disks + storage->n_shared == 0)
    return _ ("It has no disk to keep snapshots in");
  if (!storage->in_qcow2)
    return _ ("Only qcow2 disks can keep snapshots here");
  if (storage->variables)
    return _ ("libvirt cannot keep its UEFI variables");
  return NULL;
}

static const char *
inn_libvirt_snapshots_get_refusal (InnSnapshots *snapshots,
                                   InnSnapshotOperation operation,
                                   InnSnapshot *snapshot)
{
  InnLibvirtSnapshots *self = INN_LIBVIRT_SNAPSHOTS (snapshots);
  const char *refusal = get_place_refusal (self);

  if (refusal != NULL)
    return refusal;
  if (!self->supported)
    return _ ("Snapshots are not possible here");
  if (operation == INN_SNAPSHOT_CHANGE)
    return NULL;
  if (inn_snapshots_get_clone_progress (snapshots) >= 0)
    return _ ("It is being cloned");
  if (operation == INN_SNAPSHOT_DELETE)
    return NULL;
  refusal = get_saved_refusal (self);
  if (refusal == NULL && operation == INN_SNAPSHOT_TAKE)
    refusal = get_storage_refusal (&self->storage);
  if (refusal == NULL && operation == INN_SNAPSHOT_RESTORE && !self->reverts_external
      && g_hash_table_contains (self->external, inn_snapshot_get_id (snapshot)))
    refusal = _ ("Its disks are outside; this libvirt is too old");
  return refusal;
}

static const char *
inn_libvirt_snapshots_get_clone_refusal (InnSnapshots *snapshots,
                                         InnCloneKind kind,
                                         InnSnapshot *snapshot)
{
  InnLibvirtSnapshots *self = INN_LIBVIRT_SNAPSHOTS (snapshots);
  const char *refusal = get_place_refusal (self);

  if (refusal != NULL)
    return refusal;
  if (!self->storage.qemu)
    return _ ("Machines cannot be cloned here");
  if (kind == INN_CLONE_LIVE)
    return _ ("libvirt cannot clone a running machine");
  if (snapshot != NULL)
    return _ ("libvirt cannot clone a snapshot");
  if (inn_machine_state_is_active (inn_machine_get_state (self->machine)))
    return _ ("Shut the machine down first");
  refusal = get_saved_refusal (self);
  if (refusal != NULL)
    return refusal;
  if (self->storage.n_shared > 0)
    return _ ("Other machines write to a disk of it");
  if (!self->storage.in_files)
    return _ ("A disk of it is not a file");
  if (kind == INN_CLONE_LINKED && g_list_model_get_n_items (G_LIST_MODEL (self)) > 0)
    return _ ("Its disks hold snapshots; delete them first");
  return NULL;
}

/* A linked clone begins empty; what a copy takes, only libvirt knows when it is made. */
static guint64
inn_libvirt_snapshots_get_clone_size (InnSnapshots *snapshots,
                                      InnCloneKind kind,
                                      InnSnapshot *snapshot)
{
  return kind == INN_CLONE_LINKED ? 0 : G_MAXUINT64;
}

/* ---- the object ---- */

static InnSnapshot *
convert (const InnDomainSnapshot *snapshot)
{
  const InnSnapshotFacts facts = { .name = snapshot->name,
                                   .note = snapshot->note,
                                   .time = snapshot->time,
                                   .parent = snapshot->parent,
                                   .running = snapshot->running,
                                   .kept = snapshot->kept };

  return inn_snapshot_new (snapshot->id, &facts);
}

void
inn_libvirt_snapshots_apply (InnLibvirtSnapshots *self, const InnDomainReading *reading)
{
  const InnDomainSnapshotList *list = reading->snapshots;
  GPtrArray *snapshots = g_ptr_array_new ();

  self->storage = reading->description->storage;
  self->supported = list != NULL;
  self->reverts_external = list != NULL && list->reverts_external;
  g_hash_table_remove_all (self->external);
  for (guint i = 0; list != NULL && i < list->snapshots->len; i++)
    {
      const InnDomainSnapshot *snapshot = g_ptr_array_index (list->snapshots, i);

      g_ptr_array_add (snapshots, convert (snapshot));
      if (snapshot->external)
        g_hash_table_add (self->external, g_strdup (snapshot->id));
    }
  inn_snapshots_update (INN_SNAPSHOTS (self), snapshots, list != NULL ? list->current : NULL, NULL);
}

static void
inn_libvirt_snapshots_dispose (GObject *object)
{
  g_clear_weak_pointer (&INN_LIBVIRT_SNAPSHOTS (object)->machine);

  G_OBJECT_CLASS (inn_libvirt_snapshots_parent_class)->dispose (object);
}

static void
inn_libvirt_snapshots_finalize (GObject *object)
{
  g_hash_table_unref (INN_LIBVIRT_SNAPSHOTS (object)->external);

  G_OBJECT_CLASS (inn_libvirt_snapshots_parent_class)->finalize (object);
}

static void
inn_libvirt_snapshots_class_init (InnLibvirtSnapshotsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  InnSnapshotsClass *snapshots_class = INN_SNAPSHOTS_CLASS (klass);

  object_class->dispose = inn_libvirt_snapshots_dispose;
  object_class->finalize = inn_libvirt_snapshots_finalize;
  snapshots_class->get_refusal = inn_libvirt_snapshots_get_refusal;
  snapshots_class->get_clone_refusal = inn_libvirt_snapshots_get_clone_refusal;
  snapshots_class->take_async = inn_libvirt_snapshots_take_async;
  snapshots_class->take_finish = inn_libvirt_snapshots_take_finish;
  snapshots_class->restore_async = inn_libvirt_snapshots_restore_async;
  snapshots_class->delete_async = inn_libvirt_snapshots_delete_async;
  snapshots_class->change_async = inn_libvirt_snapshots_change_async;
  snapshots_class->finish = inn_libvirt_snapshots_finish;
  snapshots_class->clone_async = inn_libvirt_snapshots_clone_async;
  snapshots_class->get_clone_size = inn_libvirt_snapshots_get_clone_size;
  snapshots_class->clone_finish = inn_libvirt_snapshots_clone_finish;
}

static void
inn_libvirt_snapshots_init (InnLibvirtSnapshots *self)
{
  self->external = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

InnSnapshots *
inn_libvirt_snapshots_new (InnMachine *machine)
{
  InnLibvirtSnapshots *self = g_object_new (INN_TYPE_LIBVIRT_SNAPSHOTS, NULL);

  g_set_weak_pointer (&self->machine, machine);
  return INN_SNAPSHOTS (self);
}
