/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots of a machine of our own engine. Whatever is done is over when the list has been read
 * anew, which a thread does.
 */
#include "model/engine/engine-snapshots.h"

#include <glib/gi18n.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "engine/engine.h"
#include "engine/guest-snapshots.h"
#include "model/engine/engine-error-map.h"
#include "model/error.h"

#define STAT_BLOCK 512 /* of st_blocks, stat(2) */

struct _InnEngineSnapshots
{
  InnSnapshots parent_instance;

  InnGuest *guest;
  gboolean reading;
  gboolean changed;   /* since the reading that is under way began */
  GPtrArray *waiting; /* of GTask: what is done when the next reading is */
  guint64 written;    /* by the machine's own files, on the disk */
};

G_DEFINE_FINAL_TYPE (InnEngineSnapshots, inn_engine_snapshots, INN_TYPE_SNAPSHOTS)

/* ---- reading ---- */

/* One reading: what the engine lists, and what a thread has measured of it. */
typedef struct
{
  GPtrArray *records; /* of InnSnapshotRecord */
  GStrv files;        /* that the machine writes */
  GPtrArray *tasks;   /* that wait for it */
  guint64 written;
  guint64 free;
} Reading;

static void
reading_free (gpointer data)
{
  Reading *reading = data;

  g_clear_pointer (&reading->records, g_ptr_array_unref);
  g_strfreev (reading->files);
  g_ptr_array_unref (reading->tasks);
  g_free (reading);
}

static void
measure (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Reading *reading = task_data;
  struct statvfs filesystem;
  struct stat status;

  for (guint i = 0; reading->files[i] != NULL; i++)
    {
      if (stat (reading->files[i], &status) == 0)
        reading->written += (guint64)status.st_blocks * STAT_BLOCK;
      if (i == 0 && statvfs (reading->files[i], &filesystem) == 0)
        reading->free = (guint64)filesystem.f_bavail * filesystem.f_frsize;
    }
  g_task_return_boolean (task, TRUE);
}

static InnSnapshot *
make_snapshot (const InnSnapshotRecord *record)
{
  const InnSnapshotFacts facts = { .name = record->name,
                                   .note = record->note,
                                   .time = record->time,
                                   .parent = record->parent,
                                   .running = record->memory_bytes > 0,
                                   .kept = record->kept,
                                   .size_known = TRUE,
                                   .size = record->size,
                                   .memory_size = record->memory_bytes,
                                   .disk_size = record->disk_bytes,
                                   .pause_us = (guint64)MAX (record->pause_us, 0),
                                   .trouble = record->trouble,
                                   .picture = record->picture };

  return inn_snapshot_new (record->id, &facts);
}

static void
publish (InnEngineSnapshots *self, const Reading *reading)
{
  const char *current = inn_guest_get_current_snapshot (self->guest);
  GPtrArray *snapshots = g_ptr_array_new ();
  InnSnapshotSpace space = { .free = reading->free };

  for (guint i = 0; i < reading->records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (reading->records, i);

      space.used += record->memory_bytes + record->disk_bytes;
      g_ptr_array_add (snapshots, make_snapshot (record));
    }
  self->written = reading->written;
  if (current != NULL)
    space.present = reading->written;
  inn_snapshots_update (INN_SNAPSHOTS (self), snapshots, current, &space);
}

static void read_anew (InnEngineSnapshots *self);

static void
on_measured (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnEngineSnapshots *self = INN_ENGINE_SNAPSHOTS (source);
  Reading *reading = g_task_get_task_data (G_TASK (result));

  self->reading = FALSE;
  publish (self, reading);
  for (guint i = 0; i < reading->tasks->len; i++)
    g_task_return_boolean (g_ptr_array_index (reading->tasks, i), TRUE);
  if (self->changed)
    read_anew (self);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Reading *reading = g_task_get_task_data (task);

  reading->records = inn_guest_list_snapshots_finish (INN_GUEST (source), result);
  g_task_run_in_thread (task, measure);
  g_object_unref (task);
}

/* Begins a reading, or has another one follow the one that is under way. */
static void
read_anew (InnEngineSnapshots *self)
{
  Reading *reading;
  GTask *task;

  self->changed = self->reading;
  if (self->reading)
    return;

  self->reading = TRUE;
  task = g_task_new (self, NULL, on_measured, NULL);
  reading = g_new0 (Reading, 1);
  reading->files = inn_guest_list_storage (self->guest);
  reading->tasks = g_steal_pointer (&self->waiting);
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  g_task_set_task_data (task, reading, reading_free);
  inn_guest_list_snapshots_async (self->guest, NULL, on_listed, task);
}

/* ---- what can be done ---- */

/* Why nothing can be done with the present now. */
static const char *
get_present_refusal (InnEngineSnapshots *self)
{
  if (inn_guest_is_disposable (self->guest))
    return _ ("This run is thrown away when it ends");
  if (inn_guest_is_template (self->guest))
    return _ ("A template stays as it is: clone it");

  switch (inn_guest_get_state (self->guest))
    {
    case INN_GUEST_STARTING:
      return _ ("The machine is starting");
    case INN_GUEST_SHUTTING_DOWN:
      return _ ("The machine is shutting down");
    case INN_GUEST_NO_SPACE:
      return _ ("The disk of this computer is full");
    case INN_GUEST_UNREACHABLE:
      return _ ("It does not answer");
    case INN_GUEST_BROKEN:
      return _ ("Its definition cannot be used");
    case INN_GUEST_SAVED:
      return _ ("Resume it, or discard its saved state");
    case INN_GUEST_OFF:
    case INN_GUEST_RUNNING:
    case INN_GUEST_PAUSED:
    case INN_GUEST_CRASHED:
    default:
      return NULL;
    }
}

static const char *
inn_engine_snapshots_get_refusal (InnSnapshots *snapshots,
                                  InnSnapshotOperation operation,
                                  InnSnapshot *snapshot)
{
  InnEngineSnapshots *self = INN_ENGINE_SNAPSHOTS (snapshots);

  if (operation == INN_SNAPSHOT_DELETE || operation == INN_SNAPSHOT_CHANGE)
    return NULL;
  if (operation == INN_SNAPSHOT_RESTORE && inn_snapshot_get_facts (snapshot)->trouble != NULL)
    return _ ("The snapshot is damaged");
  /* What was restored may not have been resumed; whether there is something to lose, the engine
   * finds out. */
  if (operation == INN_SNAPSHOT_RESTORE && inn_guest_get_state (self->guest) == INN_GUEST_SAVED
      && !inn_guest_is_template (self->guest))
    return NULL;
  return get_present_refusal (self);
}

static const char *
get_live_refusal (InnEngineSnapshots *self, InnSnapshot *snapshot)
{
  const InnGuestState state = inn_guest_get_state (self->guest);

  if (snapshot != NULL)
    return _ ("Only of a machine that runs");
  if (inn_guest_is_on_interface (self->guest))
    return _ ("A network card is on this computer’s own");
  if (state == INN_GUEST_OFF || state == INN_GUEST_CRASHED || state == INN_GUEST_SAVED)
    return _ ("Only while the machine runs");
  return get_present_refusal (self);
}

static const char *
inn_engine_snapshots_get_clone_refusal (InnSnapshots *snapshots,
                                        InnCloneKind kind,
                                        InnSnapshot *snapshot)
{
  InnEngineSnapshots *self = INN_ENGINE_SNAPSHOTS (snapshots);

  if (kind == INN_CLONE_LIVE)
    return get_live_refusal (self, snapshot);
  if (snapshot != NULL)
    return inn_snapshot_get_facts (snapshot)->trouble != NULL ? _ ("The snapshot is damaged")
                                                              : NULL;
  if (inn_guest_is_disposable (self->guest))
    return _ ("This run is thrown away when it ends");
  if (inn_guest_is_active (self->guest))
    return _ ("Only while off, or from a snapshot");
  /* Its clone goes on where it was saved, too. */
  if (inn_guest_get_state (self->guest) == INN_GUEST_SAVED || inn_guest_is_template (self->guest))
    return NULL;
  return get_present_refusal (self);
}

/* What is in a chain of layers is not known before it is read. */
static guint64
inn_engine_snapshots_get_clone_size (InnSnapshots *snapshots,
                                     InnCloneKind kind,
                                     InnSnapshot *snapshot)
{
  InnEngineSnapshots *self = INN_ENGINE_SNAPSHOTS (snapshots);

  if (kind != INN_CLONE_FULL)
    return 0;
  if (snapshot != NULL || inn_snapshots_get_current (snapshots) != NULL)
    return G_MAXUINT64;
  return self->written;
}

/* ---- doing it ---- */

/* What was taken, for when the list shows it; or the clone that was made. */
typedef struct
{
  char *id;
  guint64 pause_us;
} Taken;

static void
taken_free (gpointer data)
{
  Taken *taken = data;

  g_free (taken->id);
  g_free (taken);
}

/* Takes over @task, which ends well when the list is up to date, and @error; NULL: it was done. */
static void
settle (GTask *task, GError *error)
{
  InnEngineSnapshots *self = g_task_get_source_object (task);

  if (error != NULL)
    {
      g_task_return_error (task, inn_engine_error_map (error));
      g_object_unref (task);
      return;
    }
  g_ptr_array_add (self->waiting, task);
  read_anew (self);
}

static GTask *
new_task (gpointer self,
          GCancellable *cancellable,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  /* What has been done has been done. */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;
  g_autoptr (InnSnapshotRecord) record
      = inn_guest_take_snapshot_finish (INN_GUEST (source), result, &error);
  Taken *taken;

  if (record != NULL)
    {
      taken = g_new0 (Taken, 1);
      taken->id = g_strdup (record->id);
      taken->pause_us = (guint64)MAX (record->pause_us, 0);
      g_task_set_task_data (task, taken, taken_free);
    }
  settle (task, error);
}

static void
inn_engine_snapshots_take_async (InnSnapshots *snapshots,
                                 const char *name,
                                 const char *note,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  inn_guest_take_snapshot_async (INN_ENGINE_SNAPSHOTS (snapshots)->guest, name, note, cancellable,
                                 on_taken, new_task (snapshots, cancellable, callback, user_data));
}

static InnSnapshot *
inn_engine_snapshots_take_finish (InnSnapshots *snapshots,
                                  GAsyncResult *result,
                                  guint64 *ret_pause_us,
                                  GError **error)
{
  const Taken *taken = g_task_get_task_data (G_TASK (result));
  InnSnapshot *snapshot;

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;

  *ret_pause_us = taken->pause_us;
  snapshot = inn_snapshots_find (snapshots, taken->id);
  if (snapshot == NULL)
    g_set_error_literal (error, INN_ERROR, INN_ERROR_UNAVAILABLE,
                         _ ("The snapshot was taken, but somebody has deleted it since."));
  return snapshot != NULL ? g_object_ref (snapshot) : NULL;
}

static void
on_restored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  inn_guest_restore_snapshot_finish (INN_GUEST (source), result, &error);
  settle (user_data, error);
}

static void
inn_engine_snapshots_restore_async (InnSnapshots *snapshots,
                                    InnSnapshot *snapshot,
                                    gboolean keep_present,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  inn_guest_restore_snapshot_async (INN_ENGINE_SNAPSHOTS (snapshots)->guest,
                                    inn_snapshot_get_id (snapshot), keep_present, cancellable,
                                    on_restored,
                                    new_task (snapshots, cancellable, callback, user_data));
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  inn_guest_delete_snapshot_finish (INN_GUEST (source), result, &error);
  settle (user_data, error);
}

static void
inn_engine_snapshots_delete_async (InnSnapshots *snapshots,
                                   InnSnapshot *snapshot,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  inn_guest_delete_snapshot_async (INN_ENGINE_SNAPSHOTS (snapshots)->guest,
                                   inn_snapshot_get_id (snapshot), cancellable, on_deleted,
                                   new_task (snapshots, cancellable, callback, user_data));
}

static void
on_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  inn_guest_change_snapshot_finish (INN_GUEST (source), result, &error);
  settle (user_data, error);
}

static void
inn_engine_snapshots_change_async (InnSnapshots *snapshots,
                                   InnSnapshot *snapshot,
                                   const char *name,
                                   const char *note,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  inn_guest_change_snapshot_async (INN_ENGINE_SNAPSHOTS (snapshots)->guest,
                                   inn_snapshot_get_id (snapshot), name, note, cancellable,
                                   on_changed,
                                   new_task (snapshots, cancellable, callback, user_data));
}

static gboolean
inn_engine_snapshots_finish (InnSnapshots *snapshots, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_cloned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  Taken *taken = g_new0 (Taken, 1);

  taken->id = inn_guest_clone_finish (INN_GUEST (source), result, &taken->pause_us, &error);
  g_task_set_task_data (task, taken, taken_free);
  if (taken->id != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, inn_engine_error_map (error));
}

static void
inn_engine_snapshots_clone_async (InnSnapshots *snapshots,
                                  InnCloneKind kind,
                                  const char *name,
                                  InnSnapshot *snapshot,
                                  InnProgressFunc progress,
                                  gpointer progress_data,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  static const InnGuestCloneKind kinds[] = {
    [INN_CLONE_LINKED] = INN_GUEST_CLONE_LINKED,
    [INN_CLONE_FULL] = INN_GUEST_CLONE_FULL,
    [INN_CLONE_LIVE] = INN_GUEST_CLONE_LIVE,
  };

  inn_guest_clone_async (INN_ENGINE_SNAPSHOTS (snapshots)->guest, name, kinds[kind],
                         snapshot != NULL ? inn_snapshot_get_id (snapshot) : NULL, progress,
                         progress_data, cancellable, on_cloned,
                         new_task (snapshots, cancellable, callback, user_data));
}

static char *
inn_engine_snapshots_clone_finish (InnSnapshots *snapshots,
                                   GAsyncResult *result,
                                   guint64 *ret_pause_us,
                                   GError **error)
{
  const Taken *taken = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;

  *ret_pause_us = taken->pause_us;
  return g_strdup (taken->id);
}

static void
inn_engine_snapshots_finalize (GObject *object)
{
  InnEngineSnapshots *self = INN_ENGINE_SNAPSHOTS (object);

  g_clear_object (&self->guest);
  g_ptr_array_unref (self->waiting);

  G_OBJECT_CLASS (inn_engine_snapshots_parent_class)->finalize (object);
}

static void
inn_engine_snapshots_class_init (InnEngineSnapshotsClass *klass)
{
  InnSnapshotsClass *snapshots_class = INN_SNAPSHOTS_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = inn_engine_snapshots_finalize;
  snapshots_class->get_refusal = inn_engine_snapshots_get_refusal;
  snapshots_class->get_clone_refusal = inn_engine_snapshots_get_clone_refusal;
  snapshots_class->get_clone_size = inn_engine_snapshots_get_clone_size;
  snapshots_class->take_async = inn_engine_snapshots_take_async;
  snapshots_class->take_finish = inn_engine_snapshots_take_finish;
  snapshots_class->restore_async = inn_engine_snapshots_restore_async;
  snapshots_class->delete_async = inn_engine_snapshots_delete_async;
  snapshots_class->change_async = inn_engine_snapshots_change_async;
  snapshots_class->finish = inn_engine_snapshots_finish;
  snapshots_class->clone_async = inn_engine_snapshots_clone_async;
  snapshots_class->clone_finish = inn_engine_snapshots_clone_finish;
}

static void
inn_engine_snapshots_init (InnEngineSnapshots *self)
{
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
}

InnSnapshots *
inn_engine_snapshots_new (InnGuest *guest)
{
  InnEngineSnapshots *self = g_object_new (INN_TYPE_ENGINE_SNAPSHOTS, NULL);

  self->guest = g_object_ref (guest);
  g_signal_connect_object (guest, "snapshots-changed", G_CALLBACK (read_anew), self,
                           G_CONNECT_SWAPPED);
  read_anew (self);
  return INN_SNAPSHOTS (self);
}
