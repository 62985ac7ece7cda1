/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A snapshot as its client sees it: what it is written to is handed over piece by piece, then comes
 * the command, then, long after the guest runs on, the news that its memory has been written.
 */
#include "config.h"

#include "control-channel-private.h"

#include <errno.h>

#include "base/fd.h"
#include "control-error.h"

enum
{
  RETRY_MS = 10,
};

typedef struct
{
  GArray *layers; /* of InnControlLayer */
  int memory_fd;
  gboolean hold;
  guint staged; /* how many of them */
  gboolean switched;
  guint64 pause_us;
  guint64 number; /* the page's count when the memory has been written */
} Snapshot;

static void
snapshot_free (gpointer data)
{
  Snapshot *snapshot = data;

  g_array_unref (snapshot->layers);
  g_free (snapshot);
}

/* The memory */

/* Ends @task when the page says that its memory has been written; whether it does. */
static gboolean
end_if_written (GTask *task, const struct statistics_status *status)
{
  Snapshot *snapshot = g_task_get_task_data (task);

  if (status->snapshots < snapshot->number)
    return FALSE;

  /* There is no other before the last is done, unless nobody looked in between. */
  if (status->snapshots > snapshot->number)
    g_task_return_error (task, inn_control_error_memory_not_written (-ESTALE));
  else if (status->snapshot_status < 0)
    g_task_return_error (task, inn_control_error_memory_not_written (status->snapshot_status));
  else
    g_task_return_boolean (task, TRUE);
  return TRUE;
}

static gboolean
on_retry (gpointer user_data)
{
  inn_control_channel_check_snapshots (user_data);
  return G_SOURCE_REMOVE;
}

/* The page was being written for too long. */
static void
check_again_soon (InnControlChannel *self)
{
  GSource *source = g_timeout_source_new (RETRY_MS);

  g_source_set_callback (source, on_retry, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

void
inn_control_channel_check_snapshots (InnControlChannel *self)
{
  g_autofree struct statistics_page *page = NULL;

  if (self->snapshots->len == 0)
    return;

  page = g_new0 (struct statistics_page, 1);
  if (!inn_statistics_reader_read (self->statistics, page))
    {
      check_again_soon (self);
      return;
    }
  g_object_ref (self); /* a task that ends may be the last to hold it */
  for (guint i = self->snapshots->len; i > 0; i--)
    {
      g_autoptr (GTask) task = g_object_ref (self->snapshots->pdata[i - 1]);

      if (end_if_written (task, &page->status))
        g_ptr_array_remove (self->snapshots, task);
    }
  g_object_unref (self);
}

void
inn_control_channel_fail_snapshots (InnControlChannel *self, const GError *error)
{
  while (self->snapshots->len > 0)
    {
      g_autoptr (GTask) task = g_ptr_array_steal_index (self->snapshots, 0);

      g_task_return_error (task, g_error_copy (error));
    }
}

/* The command */

/* Whatever came of it, the next one can be begun. */
static void
fail_before_command (InnControlChannel *self, GTask *task, GError *error)
{
  self->is_staging = FALSE;
  g_task_return_error (task, error);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnControlChannel *self = INN_CONTROL_CHANNEL (source);
  g_autoptr (GTask) task = user_data;
  g_autofree struct control_reply *reply = NULL;
  Snapshot *snapshot = g_task_get_task_data (task);
  GError *error = NULL;

  reply = g_task_propagate_pointer (G_TASK (result), &error);
  if (reply == NULL)
    {
      fail_before_command (self, task, error);
      return;
    }

  self->is_staging = FALSE;
  snapshot->switched = TRUE;
  snapshot->pause_us = reply->value;
  snapshot->number = reply->number;
  if ((snapshot->number != 0) != (snapshot->memory_fd >= 0))
    g_task_return_error (task, inn_control_error_protocol (-EPROTO));
  else if (snapshot->memory_fd < 0)
    g_task_return_boolean (task, TRUE);
  else if (inn_control_channel_is_closed (self))
    g_task_return_error (task, inn_control_error_ended ());
  else
    {
      g_ptr_array_add (self->snapshots, g_steal_pointer (&task));
      inn_control_channel_check_snapshots (self);
    }
}

static void
send_command (InnControlChannel *self, GTask *task)
{
  Snapshot *snapshot = g_task_get_task_data (task);
  const struct control_command command
      = { .operation = CONTROL_SNAPSHOT,
          .arguments = { snapshot->hold ? CONTROL_SNAPSHOT_HOLD : 0 } };
  g_autoptr (GTask) step = g_task_new (self, NULL, on_answered, g_object_ref (task));

  if (inn_control_channel_can_begin (self, step))
    inn_control_channel_submit (self, step, &command);
}

/* What it is written to */

static void stage_next (InnControlChannel *self, GTask *task);

static void
on_staged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnControlChannel *self = INN_CONTROL_CHANNEL (source);
  g_autoptr (GTask) task = user_data;
  Snapshot *snapshot = g_task_get_task_data (task);
  GError *error = NULL;

  if (!inn_control_channel_call_finish (self, result, &error)
      || g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error))
    {
      fail_before_command (self, task, error);
      return;
    }

  snapshot->staged++;
  stage_next (self, task);
}

/* One after the other: what is not taken is what the error is about. */
static void
stage_next (InnControlChannel *self, GTask *task)
{
  Snapshot *snapshot = g_task_get_task_data (task);
  guint layers = snapshot->layers->len;

  if (snapshot->staged < layers)
    {
      const InnControlLayer *layer
          = &g_array_index (snapshot->layers, InnControlLayer, snapshot->staged);

      inn_control_channel_stage_async (self, (int)layer->disk, layer->fd, on_staged,
                                       g_object_ref (task));
    }
  else if (snapshot->staged == layers && snapshot->memory_fd >= 0)
    inn_control_channel_stage_async (self, -1, snapshot->memory_fd, on_staged, g_object_ref (task));
  else
    send_command (self, task);
}

void
inn_control_channel_snapshot_async (InnControlChannel *self,
                                    const InnControlLayer *layers,
                                    guint layer_count,
                                    int memory_fd,
                                    gboolean hold,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Snapshot *snapshot = g_new0 (Snapshot, 1);

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  snapshot->layers = g_array_new (FALSE, FALSE, sizeof (InnControlLayer));
  if (layer_count > 0)
    g_array_append_vals (snapshot->layers, layers, layer_count);
  snapshot->memory_fd = memory_fd;
  snapshot->hold = hold;
  g_task_set_task_data (task, snapshot, snapshot_free);
  g_task_set_check_cancellable (task, FALSE);

  if (!inn_control_channel_can_begin (self, task))
    return;
  if (self->minor < CONTROL_MINOR_SNAPSHOT)
    g_task_return_error (task, inn_control_error_refused (-EOPNOTSUPP));
  else if (self->is_staging)
    g_task_return_error (task, inn_control_error_no_snapshot (-EALREADY));
  else
    {
      self->is_staging = TRUE;
      stage_next (self, task);
    }
}

gboolean
inn_control_channel_snapshot_finish (InnControlChannel *self,
                                     GAsyncResult *result,
                                     guint64 *ret_pause_us,
                                     gboolean *ret_switched,
                                     GError **error)
{
  Snapshot *snapshot;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  snapshot = g_task_get_task_data (G_TASK (result));
  if (ret_pause_us != NULL)
    *ret_pause_us = snapshot->pause_us;
  if (ret_switched != NULL)
    *ret_switched = snapshot->switched;
  return g_task_propagate_boolean (G_TASK (result), error);
}
