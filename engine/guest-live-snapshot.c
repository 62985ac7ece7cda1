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
#include "disk-image.h"
#include "engine-error.h"
#include "folder.h"
#include "guest-private.h"
#include "machine-description-boot.h"
#include "machine-description-disks.h"
#include "machine-description-snapshots.h"
#include "run-record.h"
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
  guint64 pause_us;
  gboolean switched; /* the VMM writes the new layers */
  GError *error;     /* why there is no snapshot */
} Live;

static void
close_layer (gpointer data)
{
  InnControlLayer *layer = data;

  fd_close (&layer->fd);
}

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
  g_array_unref (live->layers);
  fd_close (&live->memory_fd);
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
  live->layers = g_array_new (FALSE, FALSE, sizeof (InnControlLayer));
  g_array_set_clear_func (live->layers, close_layer);
  live->memory_fd = -1;

  return live;
}

/* ---- in a worker thread: before ---- */

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

/* A snapshot is of one machine: what the memory belongs to and what is defined have to be one. */
static gboolean
check_as_started (const Live *live, GError **error)
{
  g_autoptr (InnMachineDescription) present
      = inn_machine_store_load (live->machines, inn_machine_description_get_uuid (live->running),
                                NULL, error);
  g_autoptr (InnMachineDescription) running = inn_machine_description_copy (live->running);
  g_autofree char *defined = NULL;
  g_autofree char *started = NULL;

  if (present == NULL)
    return FALSE;
  copy_harmless (running, present);
  copy_harmless (present, present);
  defined = inn_machine_description_to_xml (present);
  started = inn_machine_description_to_xml (running);
  if (g_str_equal (defined, started))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("“%s” has changes that wait for its next start. Restart it, or undo them, then "
                  "take the snapshot."),
               live->guest_name);
  return FALSE;
}

/* The VMM counts the disks that are not CD drives, in their order. */
static gboolean
find_number (const Live *live, const char *target, guint *ret_number)
{
  guint number = 0;

  for (guint i = 0; i < inn_machine_description_get_n_disks (live->running); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (live->running, i);

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

static gboolean
open_layers (Live *live, GError **error)
{
  const GPtrArray *disks = inn_snapshot_draft_get_disks (live->draft);

  for (guint i = 0; i < disks->len; i++)
    {
      const InnSnapshotDisk *disk = g_ptr_array_index (disks, i);
      InnControlLayer layer;

      if (!find_number (live, disk->target, &layer.disk))
        continue;
      layer.fd = inn_disk_image_open (disk->active, INN_DISK_READ_WRITE, error);
      if (layer.fd < 0)
        return FALSE;
      g_array_append_val (live->layers, layer);
    }

  return TRUE;
}

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
  if (!check_as_started (live, error))
    return FALSE;

  live->draft
      = inn_snapshot_draft_new (live->store, INN_LAYER_OF_RUNNING, live->name, live->note, error);
  return live->draft != NULL && inn_snapshot_draft_prepare (live->draft, error)
         && open_layers (live, error) && open_memory (live, error)
         && inn_snapshot_draft_commit (live->draft, error);
}

/* What a guest has written and is not on the disk yet has to be there before the disk is frozen. It
 * is brought there while the guest runs, so that hardly any is left when it has to wait. */
static void
store_disks (const Live *live)
{
  const GPtrArray *disks = inn_snapshot_draft_get_disks (live->draft);

  for (guint i = 0; i < disks->len; i++)
    {
      const InnSnapshotDisk *disk = g_ptr_array_index (disks, i);
      int fd = g_open (disk->layer, O_RDONLY | O_CLOEXEC, 0);

      if (fd >= 0)
        (void)fdatasync (fd); /* an error is met again, and told, when it counts */
      fd_close (&fd);
    }
}

static void
prepare_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Live *live = g_task_get_task_data (G_TASK (task_data));
  g_autoptr (GError) error = NULL;
  int lock = inn_machine_store_lock (live->machines, &error);
  gboolean done = lock >= 0 && prepare_locked (live, &error);

  if (!done) /* what it has made goes while it is locked */
    g_clear_pointer (&live->draft, inn_snapshot_draft_free);
  fd_close (&lock);
  if (done)
    {
      store_disks (live);
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

/* What the machine was started with follows its disks. When that cannot be written, they only seem
 * to be other ones until it is off. */
static void
record_layers (Live *live)
{
  const char *uuid = inn_machine_description_get_uuid (live->running);
  const GPtrArray *disks = inn_snapshot_draft_get_disks (live->draft);
  g_autofree char *folder = inn_machine_store_get_folder (live->machines, uuid);
  g_autofree char *xml = NULL;

  for (guint i = 0; i < disks->len; i++)
    {
      const InnSnapshotDisk *disk = g_ptr_array_index (disks, i);

      if (inn_machine_description_find_disk (live->running, disk->target) != NULL)
        inn_machine_description_set_disk_layer (live->running, disk->target, disk->active, "qcow2");
    }
  xml = inn_machine_description_to_xml (live->running);
  inn_run_record_save_definition (folder, xml, NULL);
}

static void
conclude_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Live *live = g_task_get_task_data (G_TASK (task_data));

  if (live->switched)
    record_layers (live);
  if (live->error == NULL)
    publish (live, &live->error);
  if (live->error != NULL)
    take_back (live);
  g_task_return_boolean (task, TRUE);
}

/* ---- in the main thread ---- */

static void
run_in_thread (InnGuest *self, GTask *task, GTaskThreadFunc function, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) worker = g_task_new (self, NULL, callback, NULL);

  g_task_set_task_data (worker, g_object_ref (task), g_object_unref);
  g_task_run_in_thread (worker, function);
}

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

/* What the channel says is a sentence, but not an error of ours. */
static GError *
convert_error (InnGuest *self, const GError *error)
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
    live->error = convert_error (self, error);
  run_in_thread (self, task, conclude_in_thread, on_concluded);
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
      run_in_thread (self, task, conclude_in_thread, on_concluded);
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
  run_in_thread (self, task, prepare_in_thread, on_prepared);
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
    run_in_thread (self, task, prepare_in_thread, on_prepared);
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
      run_in_thread (self, task, prepare_in_thread, on_prepared);
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
