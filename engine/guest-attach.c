/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's tie to its VMM: attach, notice the end, tell how it ended.
 *
 * Whether a machine runs is told by its lock alone. When somebody holds it, a channel to the VMM
 * is opened; when that closes, the machine counts as off once the lock is free.
 */
#include "config.h"

#include "guest-private.h"

#include <glib/gi18n-lib.h>

#include "machine-lock.h"

enum
{
  ATTACH_TIMEOUT_S = 10,
  RETRY_MS = 100, /* a VMM that was just started is there in milliseconds */
  QUICK_RETRIES = 30,
  SLOW_RETRY_MS = 2000, /* something is wrong with it */
  ENDING_POLL_MS = 10,
  MAX_ENDING_POLLS = 1000,
  SHUTDOWN_PATIENCE_S = 90, /* then the guest has evidently ignored it */
};

static gboolean
on_shutdown_ignored (gpointer user_data)
{
  InnGuest *self = user_data;

  self->shutting_down_id = 0;
  self->shutting_down = FALSE;
  inn_guest_update (self);
  return G_SOURCE_REMOVE;
}

void
inn_guest_set_shutting_down (InnGuest *self, gboolean shutting_down)
{
  g_clear_handle_id (&self->shutting_down_id, g_source_remove);
  self->shutting_down = shutting_down;
  if (shutting_down)
    self->shutting_down_id = g_timeout_add_seconds (SHUTDOWN_PATIENCE_S, on_shutdown_ignored, self);
}

static gboolean on_retry (gpointer user_data);

static gboolean
is_not_there_yet (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
set_unreachable (InnGuest *self, const GError *error)
{
  g_free (self->unreachable);
  self->unreachable = g_strdup_printf (
      _ ("“%s” runs, but does not let itself be controlled (%s). It can be forced off."),
      self->name,
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? _ ("it does not answer")
                                                                : error->message);
}

static void
retry_later (InnGuest *self, const GError *error)
{
  const gboolean quick = is_not_there_yet (error) && self->retries < QUICK_RETRIES;

  self->retries++;
  if (!quick)
    set_unreachable (self, error);
  self->retry_id = g_timeout_add (quick ? RETRY_MS : SLOW_RETRY_MS, on_retry, self);
}

static gboolean
on_retry (gpointer user_data)
{
  g_autoptr (InnGuest) self = g_object_ref (user_data);
  const gboolean held = inn_machine_lock_is_held (self->folder);

  if (held && self->distrusted)
    return G_SOURCE_CONTINUE;

  self->retry_id = 0;
  if (held)
    {
      inn_guest_attach (self);
      return G_SOURCE_REMOVE;
    }

  if (self->off_tasks->len > 0)
    inn_run_record_save_end (self->folder, self->record.started, INN_RUN_FORCED_OFF, NULL, NULL);
  self->retries = 0;
  self->distrusted = FALSE;
  g_clear_pointer (&self->unreachable, g_free);
  inn_guest_refresh (self);
  if (self->attaching == NULL)
    inn_guest_went_off (self);
  return G_SOURCE_REMOVE;
}

/* The process is gone, or will not go. */
static void
finish_ending (InnGuest *self, gboolean gone)
{
  g_autoptr (GError) error = NULL;

  self->ending_id = 0;
  if (gone
      && !inn_run_record_save_end (self->folder, self->run_started, self->end, self->end_text,
                                   &error))
    g_debug ("%s: %s", self->uuid, error->message); /* the folder went with the guest, or is full */
  g_clear_pointer (&self->end_text, g_free);

  inn_guest_refresh (self);
  if (gone)
    inn_guest_went_off (self);
}

static gboolean
on_ending_poll (gpointer user_data)
{
  g_autoptr (InnGuest) self = g_object_ref (user_data);
  const gboolean held = inn_machine_lock_is_held (self->folder);

  if (held && ++self->ending_polls < MAX_ENDING_POLLS)
    return G_SOURCE_CONTINUE;

  finish_ending (self, !held);
  return G_SOURCE_REMOVE;
}

static void
begin_ending (InnGuest *self)
{
  self->ending_polls = 0;
  self->ending_id = g_timeout_add (ENDING_POLL_MS, on_ending_poll, self);
}

static void
drop_channel (InnGuest *self)
{
  if (self->channel == NULL)
    return;

  g_signal_handlers_disconnect_by_data (self->channel, self);
  inn_control_channel_close (self->channel);
  g_clear_object (&self->channel);
}

static void
on_closed (InnControlChannel *channel, const GError *error, gpointer user_data)
{
  g_autoptr (InnGuest) self = g_object_ref (user_data);

  if (error != NULL) /* it runs on, but cannot be believed */
    {
      drop_channel (self);
      self->distrusted = TRUE;
      set_unreachable (self, error);
      self->retry_id = g_timeout_add (SLOW_RETRY_MS, on_retry, self);
      inn_guest_update (self);
      inn_guest_state_told (self);
      return;
    }

  inn_control_channel_read_statistics (channel, self->page);
  self->end = inn_run_end_from_status (&self->page->status);
  if (self->end == INN_RUN_KILLED && self->off_tasks->len > 0)
    self->end = INN_RUN_FORCED_OFF; /* by us, since it did not answer */
  self->end_text = inn_guest_describe_running (self);
  drop_channel (self);
  inn_guest_set_shutting_down (self, FALSE);

  begin_ending (self);
  inn_guest_update (self);
}

static void
on_state_changed (InnControlChannel *channel, gpointer user_data)
{
  g_autoptr (InnGuest) self = g_object_ref (user_data);

  inn_guest_update (self);
  inn_guest_state_told (self);
}

/* Who starts a VMM notes its process; that of a live clone was started by the original's. */
static void
note_holder (InnGuest *self)
{
  if (inn_machine_lock_get_holder (self->folder) == 0)
    inn_machine_lock_note_holder (self->folder, inn_control_channel_get_pid (self->channel));
}

static void
adopt_channel (InnGuest *self, InnControlChannel *channel)
{
  self->channel = channel;
  self->retries = 0;
  g_clear_pointer (&self->unreachable, g_free);
  note_holder (self);
  inn_guest_load_record (self);
  self->run_started = self->record.started;

  g_signal_connect (channel, "state-changed", G_CALLBACK (on_state_changed), self);
  g_signal_connect (channel, "closed", G_CALLBACK (on_closed), self);
  if (self->watch_ms != 0)
    inn_control_channel_watch (channel, self->watch_ms);
}

static void
on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (InnGuest) self = user_data;
  g_autoptr (GError) error = NULL;
  InnControlChannel *channel = inn_control_channel_open_finish (result, &error);

  g_clear_handle_id (&self->attach_timeout_id, g_source_remove);
  if (self->attaching == NULL) /* detached meanwhile */
    {
      g_clear_object (&channel);
      return;
    }
  g_clear_object (&self->attaching);

  if (channel != NULL)
    adopt_channel (self, channel);
  else if (self->start_task != NULL)
    inn_guest_attach_refused (self, error);
  else
    retry_later (self, error);
  inn_guest_update (self);
  inn_guest_state_told (self);
}

static gboolean
on_attach_timeout (gpointer user_data)
{
  InnGuest *self = user_data;

  self->attach_timeout_id = 0;
  g_cancellable_cancel (self->attaching);
  return G_SOURCE_REMOVE;
}

void
inn_guest_attach (InnGuest *self)
{
  g_autofree char *path = inn_runtime_directory_get_socket (self->runtime, self->uuid);

  g_assert (self->channel == NULL && self->attaching == NULL);

  g_clear_handle_id (&self->retry_id, g_source_remove);
  self->attaching = g_cancellable_new ();
  self->attach_timeout_id = g_timeout_add_seconds (ATTACH_TIMEOUT_S, on_attach_timeout, self);
  inn_control_channel_open_async (path, self->attaching, on_attached, g_object_ref (self));
}

void
inn_guest_detach (InnGuest *self)
{
  inn_guest_abandon_operations (self);
  inn_guest_abandon_merge (self);
  drop_channel (self);
  if (self->attaching != NULL)
    g_cancellable_cancel (self->attaching);
  g_clear_object (&self->attaching);
  g_clear_handle_id (&self->attach_timeout_id, g_source_remove);
  g_clear_handle_id (&self->retry_id, g_source_remove);
  g_clear_handle_id (&self->ending_id, g_source_remove);
  g_clear_handle_id (&self->shutting_down_id, g_source_remove);
}
