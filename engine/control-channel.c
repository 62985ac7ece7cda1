/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "control-channel-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "control-call.h"
#include "control-error.h"

enum
{
  SIGNAL_STATE_CHANGED,
  SIGNAL_SCREEN_CHANGED,
  SIGNAL_CLOSED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (InnControlChannel, inn_control_channel, G_TYPE_OBJECT)

/* Closing */

gboolean
inn_control_channel_is_closed (InnControlChannel *self)
{
  return self->socket < 0;
}

void
inn_control_clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
fail_call (InnControlCall *call, const GError *error)
{
  g_autoptr (GTask) task = inn_control_call_end (call);

  if (task != NULL)
    g_task_return_error (task, g_error_copy (error));
}

static int
compare_calls (gconstpointer a, gconstpointer b)
{
  guint64 id_a = ((const InnControlCall *)a)->id;
  guint64 id_b = ((const InnControlCall *)b)->id;

  return (id_a > id_b) - (id_a < id_b);
}

/* In the order in which they were made. */
static void
fail_all (GHashTable *calls, const GError *error)
{
  GList *all = g_list_sort (g_hash_table_get_values (calls), compare_calls);

  g_hash_table_steal_all (calls);
  for (GList *l = all; l != NULL; l = l->next)
    fail_call (l->data, error);
  g_list_free (all);
}

/* Everything that was under way ends with @error. The statistics stay. */
static void
disconnect (InnControlChannel *self, const GError *error)
{
  g_autoptr (GTask) open_task = g_steal_pointer (&self->open_task);
  InnControlCall *call;

  inn_control_clear_source (&self->open_cancellation);
  inn_control_clear_source (&self->socket_source);
  inn_control_clear_source (&self->doorbell_source);
  inn_control_clear_source (&self->ring_source);
  fd_close (&self->socket);
  g_clear_pointer (&self->memory, inn_channel_memory_free);

  fail_all (self->calls, error);
  fail_all (self->message_calls, error);
  inn_control_channel_fail_snapshots (self, error);
  while ((call = g_queue_pop_head (&self->waiting)) != NULL)
    fail_call (call, error);
  if (open_task != NULL)
    g_task_return_error (open_task, g_error_copy (error));
}

typedef struct
{
  InnControlChannel *channel;
  GError *error;
} Closed;

static void
closed_free (Closed *closed)
{
  g_clear_error (&closed->error);
  g_free (closed);
}

static gboolean
on_emit_closed (gpointer user_data)
{
  Closed *closed = user_data;
  g_autoptr (InnControlChannel) self = g_object_ref (closed->channel);
  g_autoptr (GError) error = g_steal_pointer (&closed->error);

  inn_control_clear_source (&self->closed_source);
  g_signal_emit (self, signals[SIGNAL_CLOSED], 0, error);

  return G_SOURCE_REMOVE;
}

/*
 * The VMM has ended (@error is NULL) or cannot be believed any more. "closed" comes from a source
 * of its own, because a GTask may put off its callback to a later turn too, and calls finish first.
 */
void
inn_control_channel_lose (InnControlChannel *self, GError *error)
{
  g_autoptr (GError) ended = error == NULL ? inn_control_error_ended () : NULL;
  gboolean was_open = self->open_task == NULL;
  Closed *closed;

  disconnect (self, error != NULL ? error : ended);
  if (!was_open)
    {
      g_clear_error (&error);
      return;
    }

  closed = g_new0 (Closed, 1);
  closed->channel = self;
  closed->error = error;
  self->closed_source = g_idle_source_new ();
  g_source_set_priority (self->closed_source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->closed_source, on_emit_closed, closed, (GDestroyNotify)closed_free);
  g_source_attach (self->closed_source, self->context);
}

GSource *
inn_control_channel_watch_fd (InnControlChannel *self, int fd, GUnixFDSourceFunc callback)
{
  GSource *source = g_unix_fd_source_new (fd, G_IO_IN | G_IO_HUP | G_IO_ERR);

  g_source_set_callback (source, G_SOURCE_FUNC (callback), self, NULL);
  g_source_attach (source, self->context);
  return source;
}

/* Opening */

static gboolean
connect_socket (InnControlChannel *self, const char *path, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const int yes = 1;

  if (g_strlcpy (address.sun_path, path, sizeof (address.sun_path)) >= sizeof (address.sun_path))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
                   _ ("The path of the machine’s socket is too long: %s"), path);
      return FALSE;
    }

  /* SO_PASSCRED: the kernel says who sent HELLO, even where another process called listen() */
  self->socket = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (self->socket < 0 || setsockopt (self->socket, SOL_SOCKET, SO_PASSCRED, &yes, sizeof (yes)) < 0
      || connect (self->socket, (struct sockaddr *)&address, sizeof (address)) < 0)
    {
      int saved_errno = errno;

      fd_close (&self->socket);
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                   _ ("The machine’s process cannot be reached at %s: %s."), path,
                   g_strerror (saved_errno));
      return FALSE;
    }

  return TRUE;
}

static gboolean
on_open_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (InnControlChannel) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  disconnect (self, error);
  return G_SOURCE_REMOVE;
}

void
inn_control_channel_open_async (const char *path,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (InnControlChannel) self = NULL;
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  GError *error = NULL;

  g_return_if_fail (path != NULL);

  if (g_task_return_error_if_cancelled (task))
    return;

  self = g_object_new (INN_TYPE_CONTROL_CHANNEL, NULL);
  if (!connect_socket (self, path, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  if (cancellable != NULL)
    {
      self->open_cancellation = g_cancellable_source_new (cancellable);
      g_source_set_callback (self->open_cancellation, G_SOURCE_FUNC (on_open_cancelled), self,
                             NULL);
      g_source_attach (self->open_cancellation, self->context);
    }
  self->socket_source
      = inn_control_channel_watch_fd (self, self->socket, inn_control_channel_on_socket);
  g_task_set_task_data (task, g_object_ref (self), g_object_unref);
  self->open_task = g_steal_pointer (&task);
}

InnControlChannel *
inn_control_channel_open_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Asking for something */

gboolean
inn_control_channel_can_begin (InnControlChannel *self, GTask *task)
{
  if (g_task_return_error_if_cancelled (task))
    return FALSE;
  if (inn_control_channel_is_closed (self))
    {
      g_task_return_error (task, inn_control_error_ended ());
      return FALSE;
    }

  return TRUE;
}

static enum control_operation
command_operation (InnControlCommand command)
{
  switch (command)
    {
    case INN_CONTROL_SHUTDOWN:
      return CONTROL_SHUTDOWN;
    case INN_CONTROL_POWER_OFF:
      return CONTROL_POWER_OFF;
    case INN_CONTROL_RESET:
      return CONTROL_RESET;
    case INN_CONTROL_PAUSE:
      return CONTROL_PAUSE;
    case INN_CONTROL_RESUME:
      return CONTROL_RESUME;
    case INN_CONTROL_PING:
      return CONTROL_PING;
    }
  g_return_val_if_reached (CONTROL_PING);
}

static void
submit (InnControlChannel *self, GTask *task, enum control_operation operation, guint64 argument)
{
  const struct control_command command = { .operation = operation, .arguments = { argument } };

  inn_control_channel_submit (self, task, &command);
}

void
inn_control_channel_call_async (InnControlChannel *self,
                                InnControlCommand command,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  if (inn_control_channel_can_begin (self, task))
    submit (self, task, command_operation (command), 0);
}

void
inn_control_channel_set_link_async (InnControlChannel *self,
                                    guint nic,
                                    gboolean up,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  const struct control_command command
      = { .operation = CONTROL_SET_LINK, .arguments = { nic, up ? 1 : 0 } };
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  if (inn_control_channel_can_begin (self, task))
    inn_control_channel_submit (self, task, &command);
}

void
inn_control_channel_set_balloon_async (InnControlChannel *self,
                                       guint64 bytes,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  if (inn_control_channel_can_begin (self, task))
    submit (self, task, CONTROL_SET_BALLOON, bytes);
}

void
inn_control_channel_grow_disk_async (InnControlChannel *self,
                                     guint disk,
                                     guint64 bytes,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  const struct control_command command
      = { .operation = CONTROL_GROW_DISK, .arguments = { disk, bytes } };
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  if (inn_control_channel_can_begin (self, task))
    inn_control_channel_submit (self, task, &command);
}

void
inn_control_channel_eject_async (InnControlChannel *self,
                                 guint drive,
                                 gboolean force,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  const struct control_command command
      = { .operation = CONTROL_EJECT, .arguments = { drive, force ? 1 : 0 } };
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  if (inn_control_channel_can_begin (self, task))
    inn_control_channel_submit (self, task, &command);
}

gboolean
inn_control_channel_call_finish (InnControlChannel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Takes over @call, for which a message was sent: @r is 0 or negative errno. */
static void
await_answer (InnControlChannel *self, InnControlCall *call, int r)
{
  g_autoptr (GTask) task = NULL;

  if (r == 0)
    {
      g_hash_table_insert (self->message_calls, &call->id, call);
      return;
    }

  task = inn_control_call_end (call);
  /* -EAGAIN: it does not read what it is sent */
  g_task_return_error (task, inn_control_error_refused (r == -EAGAIN ? -EBUSY : r));
}

void
inn_control_channel_insert_async (InnControlChannel *self,
                                  guint drive,
                                  int fd,
                                  gboolean force,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  InnControlCall *call;

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));
  g_return_if_fail (drive < CONTROL_MAX_DRIVES);

  if (!inn_control_channel_can_begin (self, task))
    return;

  call = inn_control_call_new (++self->last_id, task, &self->waiting);
  call->message = CONTROL_MESSAGE_INSERT;
  await_answer (self, call, inn_control_channel_send_insert (self, call->id, drive, fd, force));
}

void
inn_control_channel_stage_async (InnControlChannel *self,
                                 guint type,
                                 guint number,
                                 int fd,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  InnControlCall *call;

  if (!inn_control_channel_can_begin (self, task))
    return;

  call = inn_control_call_new (++self->last_id, task, &self->waiting);
  call->message = type;
  await_answer (self, call, inn_control_channel_send_stage (self, call->id, type, number, fd));
}

/* @port: NULL for the serial line. */
static void
open_stream (InnControlChannel *self, const char *port, GTask *task)
{
  InnControlCall *call;
  int r;

  if (!inn_control_channel_can_begin (self, task))
    return;

  call = inn_control_call_new (++self->last_id, task, &self->waiting);
  call->message = CONTROL_MESSAGE_ATTACH_SERIAL;
  r = inn_control_channel_send_serial (self, call->id, port, &call->serial_fd);
  await_answer (self, call, r);
}

void
inn_control_channel_open_serial_async (InnControlChannel *self,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  open_stream (self, NULL, task);
}

void
inn_control_channel_open_port_async (InnControlChannel *self,
                                     const char *port,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));
  g_return_if_fail (port != NULL && *port != '\0');

  open_stream (self, port, task);
}

int
inn_control_channel_open_serial_finish (InnControlChannel *self,
                                        GAsyncResult *result,
                                        GError **error)
{
  int *fd;
  int stolen;

  g_return_val_if_fail (g_task_is_valid (result, self), -1);

  fd = g_task_propagate_pointer (G_TASK (result), error);
  if (fd == NULL)
    return -1;

  stolen = *fd;
  g_free (fd);
  return stolen;
}

void
inn_control_channel_open_screen_async (InnControlChannel *self,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  InnControlCall *call;

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  if (!inn_control_channel_can_begin (self, task))
    return;

  call = inn_control_call_new (++self->last_id, task, &self->waiting);
  call->message = CONTROL_MESSAGE_OPEN_SCREEN;
  await_answer (self, call, inn_control_channel_send_open_screen (self, call->id));
}

InnGuestScreen *
inn_control_channel_open_screen_finish (InnControlChannel *self,
                                        GAsyncResult *result,
                                        GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
inn_control_channel_watch (InnControlChannel *self, guint interval_ms)
{
  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));
  g_return_if_fail (
      interval_ms == 0
      || (interval_ms >= CONTROL_MIN_WATCH_MS && interval_ms <= CONTROL_MAX_WATCH_MS));

  if (!inn_control_channel_is_closed (self))
    submit (self, NULL, CONTROL_WATCH, interval_ms);
}

void
inn_control_channel_watch_screen (InnControlChannel *self, gboolean watched)
{
  const gboolean before = self->screen_watchers > 0;

  g_assert (watched || self->screen_watchers > 0);

  self->screen_watchers = watched ? self->screen_watchers + 1 : self->screen_watchers - 1;
  if (before != (self->screen_watchers > 0) && !inn_control_channel_is_closed (self))
    submit (self, NULL, CONTROL_WATCH_SCREEN, watched);
}

gboolean
inn_control_channel_read_statistics (InnControlChannel *self, struct statistics_page *page)
{
  g_return_val_if_fail (INN_IS_CONTROL_CHANNEL (self), FALSE);
  g_return_val_if_fail (page != NULL, FALSE);

  return inn_statistics_reader_read (self->statistics, page);
}

gboolean
inn_control_channel_read_history (InnControlChannel *self, struct statistics_history *history)
{
  g_return_val_if_fail (INN_IS_CONTROL_CHANNEL (self), FALSE);
  g_return_val_if_fail (history != NULL, FALSE);

  return inn_statistics_reader_read_history (self->statistics, history);
}

void
inn_control_channel_close (InnControlChannel *self)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  inn_control_clear_source (&self->closed_source);
  if (inn_control_channel_is_closed (self))
    return;

  error
      = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
                             _ ("The connection to the machine was closed. The machine runs on."));
  disconnect (self, error);
}

GPid
inn_control_channel_get_pid (InnControlChannel *self)
{
  g_return_val_if_fail (INN_IS_CONTROL_CHANNEL (self), 0);

  return self->pid;
}

static void
inn_control_channel_dispose (GObject *object)
{
  inn_control_channel_close (INN_CONTROL_CHANNEL (object));

  G_OBJECT_CLASS (inn_control_channel_parent_class)->dispose (object);
}

static void
inn_control_channel_finalize (GObject *object)
{
  InnControlChannel *self = INN_CONTROL_CHANNEL (object);

  g_clear_pointer (&self->statistics, inn_statistics_reader_free);
  g_clear_pointer (&self->calls, g_hash_table_unref);
  g_clear_pointer (&self->message_calls, g_hash_table_unref);
  g_clear_pointer (&self->snapshots, g_ptr_array_unref);
  g_clear_pointer (&self->context, g_main_context_unref);

  G_OBJECT_CLASS (inn_control_channel_parent_class)->finalize (object);
}

static void
inn_control_channel_class_init (InnControlChannelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = inn_control_channel_dispose;
  object_class->finalize = inn_control_channel_finalize;

  signals[SIGNAL_STATE_CHANGED]
      = g_signal_new ("state-changed", INN_TYPE_CONTROL_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_SCREEN_CHANGED]
      = g_signal_new ("screen-changed", INN_TYPE_CONTROL_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_CLOSED] = g_signal_new ("closed", INN_TYPE_CONTROL_CHANNEL, G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
inn_control_channel_init (InnControlChannel *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->socket = -1;
  self->calls = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->message_calls = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->snapshots = g_ptr_array_new_with_free_func (g_object_unref);
}
