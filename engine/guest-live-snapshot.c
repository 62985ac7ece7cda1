/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of a guest that runs, and saving it: files are made ready and named in the definition
 * in a worker thread, then the VMM does its part, then what it has written becomes the snapshot.
 */
#include "config.h"

#include "guest-snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "folder.h"
#include "guest-private.h"
#include "live-disks.h"
#include "screen-picture.h"
#include "snapshot-draft.h"
#include "snapshot-resume.h"

/* One that is under way: the data of its task. Owned by one thread at a time. */
typedef struct
{
  InnSnapshotStore *store;
  InnMachineStore *machines;
  InnMachineDescription *running; /* what the VMM was started with */
  char *guest_name;
  char *name;
  char *note;
  InnLivePurpose purpose;
  gboolean was_paused; /* by somebody */
  GBytes *picture;     /* or NULL */

  InnSnapshotDraft *draft;
  GArray *layers; /* of InnControlLayer */
  int memory_fd;
  int disks_lock; /* nobody else has its disks go on in others */
  guint64 pause_us;
  gboolean switched; /* the VMM writes the new layers */
  GError *error;     /* why there is no snapshot */
} Live;

static void
live_free (gpointer data)
{
  Live *live = data;

  inn_snapshot_draft_free (live->draft);
  inn_snapshot_store_free (live->store);
  g_object_unref (live->machines);
  inn_machine_description_free (live->running);
  g_free (live->guest_name);
  g_free (live->name);
  g_free (live->note);
  g_clear_pointer (&live->picture, g_bytes_unref);
  g_clear_pointer (&live->layers, g_array_unref);
  fd_close (&live->memory_fd);
  fd_close (&live->disks_lock);
  g_clear_error (&live->error);
  g_free (live);
}

static Live *
live_new (InnGuest *self, const char *name, const char *note, InnLivePurpose purpose)
{
  Live *live = g_new0 (Live, 1);

  live->machines = g_object_ref (self->store);
  live->store = inn_snapshot_store_new (self->store, self->uuid);
  live->running = inn_guest_load_running_description (self);
  live->guest_name = g_strdup (self->name);
  live->name = g_strdup (name);
  live->note = g_strdup (note);
  live->purpose = purpose;
  live->was_paused = self->state == INN_GUEST_PAUSED;
  live->memory_fd = -1;
  live->disks_lock = -1;

  return live;
}

/* ---- in a worker thread: before ---- */

static gboolean
open_memory (Live *live, GError **error)
{
  g_autofree char *path
      = g_build_filename (inn_snapshot_draft_get_folder (live->draft), "memory", NULL);

  live->memory_fd = g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (live->memory_fd >= 0)
    return TRUE;

  inn_folder_set_error (error, path, errno);
  return FALSE;
}

static gboolean
prepare_locked (Live *live, GError **error)
{
  if (!inn_live_disks_check_as_started (live->machines, live->running, error))
    return FALSE;

  live->draft
      = inn_snapshot_draft_new (live->store, INN_LAYER_OF_RUNNING, live->name, live->note, error);
  if (live->draft == NULL || !inn_snapshot_draft_prepare (live->draft, error))
    return FALSE;

  live->layers
      = inn_live_disks_open (inn_snapshot_draft_get_disks (live->draft), live->running, error);
  return live->layers != NULL && open_memory (live, error)
         && inn_snapshot_draft_commit (live->draft, error);
}

static void
prepare_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Live *live = g_task_get_task_data (G_TASK (task_data));
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;
  int lock = -1;

  live->disks_lock = inn_live_disks_lock (live->machines, live->running, /* wait= */ FALSE, &error);
  if (live->disks_lock >= 0)
    lock = inn_machine_store_lock (live->machines, &error);
  done = lock >= 0 && prepare_locked (live, &error);
  if (!done) /* what it has made goes while it is locked */
    g_clear_pointer (&live->draft, inn_snapshot_draft_free);
  fd_close (&lock);
  if (done)
    {
      inn_live_disks_store (inn_snapshot_draft_get_disks (live->draft));
      g_task_return_boolean (task, TRUE);
    }
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/* ---- in a worker thread: after ---- */

/* Without one the snapshot is as good. */
static void
write_picture (const Live *live)
{
  g_autofree char *path
      = g_build_filename (inn_snapshot_draft_get_folder (live->draft), "screenshot.png", NULL);

  if (live->picture != NULL)
    g_file_set_contents (path, g_bytes_get_data (live->picture, NULL),
                         (gssize)g_bytes_get_size (live->picture), NULL);
}

static gboolean
publish (Live *live, GError **error)
{
  InnSnapshotRecord *record = inn_snapshot_draft_get_record (live->draft);
  struct stat status;

  if (fstat (live->memory_fd, &status) == 0)
    record->memory_bytes = (guint64)status.st_blocks * 512;
  record->pause_us = (gint64)live->pause_us;
  record->saved = live->purpose == INN_LIVE_SAVE;
  record->kept = live->purpose == INN_LIVE_KEEP;
  write_picture (live);

  return inn_snapshot_draft_publish (live->draft, error)
         && (!record->saved || inn_resume_mark (live->store, record->id, error));
}

static void
take_back (Live *live)
{
  g_autoptr (GError) error = NULL;
  int lock = inn_machine_store_lock (live->machines, &error);

  if (lock < 0 || !inn_snapshot_draft_revoke (live->draft, live->switched, &error))
    g_warning ("%s", error->message); /* it is published by the next who changes something */
  g_clear_pointer (&live->draft, inn_snapshot_draft_free);
  fd_close (&lock);
}

static void
conclude_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Live *live = g_task_get_task_data (G_TASK (task_data));

  if (live->switched)
    inn_live_disks_record (live->machines, live->running,
                           inn_snapshot_draft_get_disks (live->draft));
  if (live->error == NULL)
    publish (live, &live->error);
  if (live->error != NULL)
    take_back (live);
  fd_close (&live->disks_lock);
  g_task_return_boolean (task, TRUE);
}

/* ---- in the main thread ---- */

static void
return_record (GTask *task)
{
  Live *live = g_task_get_task_data (task);
  const InnSnapshotRecord *record = inn_snapshot_draft_get_record (live->draft);

  g_task_return_pointer (task, inn_snapshot_record_copy (record),
                         (GDestroyNotify)inn_snapshot_record_free);
}

static void
on_off (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (inn_guest_call_finish (INN_GUEST (source), result, &error))
    return_record (task);
  else
    g_task_return_error (task, error);
}

static void
on_concluded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = g_object_ref (g_task_get_task_data (G_TASK (result)));
  Live *live = g_task_get_task_data (task);

  if (self->store != NULL) /* not detached meanwhile */
    {
      inn_guest_refresh (self);
      g_signal_emit_by_name (self, "snapshots-changed");
    }
  if (live->error != NULL)
    {
      /* It was held for a snapshot that there is not. */
      if (live->purpose != INN_LIVE_RUN_ON && live->switched && !live->was_paused
          && self->channel != NULL)
        inn_control_channel_call_async (self->channel, INN_CONTROL_RESUME, NULL, NULL, NULL);
      g_task_return_error (task, g_steal_pointer (&live->error));
    }
  else if (live->purpose != INN_LIVE_RUN_ON && inn_guest_is_active (self))
    inn_guest_call_async (self, INN_CONTROL_POWER_OFF, NULL, on_off, g_steal_pointer (&task));
  else
    return_record (task);
}

GError *
inn_guest_convert_error (InnGuest *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_copy (error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return g_error_new (INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                        _ ("“%s” ended before that was done."), self->name);
  return g_error_new_literal (INN_ENGINE_ERROR,
                              error->code == G_IO_ERROR_NO_SPACE ? INN_ENGINE_ERROR_NO_SPACE
                                                                 : INN_ENGINE_ERROR_FAILED,
                              error->message);
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnGuest *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!inn_control_channel_snapshot_finish (INN_CONTROL_CHANNEL (source), result, &live->pause_us,
                                            &live->switched, &error))
    live->error = inn_guest_convert_error (self, error);
  inn_guest_run_in_thread (self, task, conclude_in_thread, on_concluded);
}

static void
on_prepared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = g_object_ref (g_task_get_task_data (G_TASK (result)));
  Live *live = g_task_get_task_data (task);
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

  inn_control_channel_snapshot_async (self->channel, (gconstpointer)live->layers->data,
                                      live->layers->len, live->memory_fd,
                                      live->purpose != INN_LIVE_RUN_ON,
                                      g_task_get_cancellable (task), on_taken, g_object_ref (task));
}

static void
on_picture (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnGuest *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);

  live->picture
      = inn_screen_picture_take_finish (INN_GUEST_SCREEN (source), result, NULL, NULL, NULL);
  inn_guest_run_in_thread (self, task, prepare_in_thread, on_prepared);
}

static void
on_screen (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  g_autoptr (GTask) task = user_data;
  g_autoptr (InnGuestScreen) screen = inn_guest_open_screen_finish (self, result, NULL);

  if (screen != NULL)
    inn_screen_picture_take_async (screen, NULL, on_picture, g_steal_pointer (&task));
  else
    inn_guest_run_in_thread (self, task, prepare_in_thread, on_prepared);
}

/* It would be of what is not kept. */
static gboolean
check_lasting (InnGuest *self, InnLivePurpose purpose, GError **error)
{
  if (!self->disposable)
    return TRUE;

  if (purpose == INN_LIVE_SAVE)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("“%s” cannot be saved: this run is disposable, and all of it is thrown away "
                    "when it ends. Start the machine normally to save it."),
                 self->name);
  else if (purpose == INN_LIVE_KEEP)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("What “%s” is doing cannot be kept: this run is disposable, and all of it is "
                    "thrown away when it ends. Shut it down first, or do not keep it."),
                 self->name);
  else
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                 _ ("No snapshot is taken of “%s”: this run is disposable, and all of it is thrown "
                    "away when it ends. Start the machine normally to take one."),
                 self->name);
  return FALSE;
}

void
inn_guest_take_live_snapshot (InnGuest *self,
                              GTask *task,
                              const char *name,
                              const char *note,
                              InnLivePurpose purpose)
{
  Live *live;
  GError *error = NULL;

  if (!check_lasting (self, purpose, &error))
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }

  live = live_new (self, name, note, purpose);
  g_task_set_task_data (task, live, live_free);
  g_task_set_check_cancellable (task, FALSE);
  if (live->running == NULL)
    {
      g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                               _ ("It is not known any more how “%s” was started. Restart it, then "
                                  "take the snapshot."),
                               self->name);
      g_object_unref (task);
    }
  else if (inn_guest_has_screen (self))
    inn_guest_open_screen_async (self, NULL, on_screen, task);
  else
    {
      inn_guest_run_in_thread (self, task, prepare_in_thread, on_prepared);
      g_object_unref (task);
    }
}

/* ---- save ---- */

void
inn_guest_save_async (InnGuest *self,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  /* No person sees it, unless what follows is cut off. */
  g_autofree char *name = NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *when = g_date_time_format (now, "%F %T");

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (self->channel == NULL)
    {
      inn_guest_set_not_running_error (self, &error);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  name = g_strdup_printf (_ ("Saved %s"), when);
  inn_guest_take_live_snapshot (self, g_steal_pointer (&task), name, NULL, INN_LIVE_SAVE);
}

gboolean
inn_guest_save_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_autoptr (InnSnapshotRecord) record = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  record = g_task_propagate_pointer (G_TASK (result), error);
  return record != NULL;
}
