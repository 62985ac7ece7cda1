/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots and clones as their client sees them: what they need is handed over piece by piece,
 * then comes the command, then, after the guest runs on, the news that the memory has been written
 * or that the clone runs.
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
  guint type; /* CONTROL_MESSAGE_STAGE_* */
  guint number;
  int fd;
} Piece;

/* What a snapshot, or a clone, is of. */
typedef struct
{
  GArray *pieces; /* of Piece */
  guint staged;   /* how many of them */
  struct control_command command;
  gboolean has_news; /* the answer is not all */
  gboolean switched;
  guint64 pause_us;
  guint64 number; /* the page's count when there is the news */
} Moment;

static void
moment_free (gpointer data)
{
  Moment *moment = data;

  g_array_unref (moment->pieces);
  g_free (moment);
}

static Moment *
moment_new (guint operation, const InnControlLayer *layers, guint layer_count)
{
  Moment *moment = g_new0 (Moment, 1);

  moment->command.operation = operation;
  moment->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  for (guint i = 0; i < layer_count; i++)
    {
      const Piece piece = { CONTROL_MESSAGE_STAGE_LAYER, layers[i].disk, layers[i].fd };

      g_array_append_val (moment->pieces, piece);
    }
  return moment;
}

/* The news */

static GError *
make_error (const Moment *moment, int status)
{
  return moment->command.operation == CONTROL_CLONE ? inn_control_error_clone_not_begun (status)
                                                    : inn_control_error_memory_not_written (status);
}

/* Ends @task when the page says that it is done; whether it does. */
static gboolean
end_if_done (GTask *task, const struct statistics_status *status)
{
  const Moment *moment = g_task_get_task_data (task);
  const gboolean is_clone = moment->command.operation == CONTROL_CLONE;
  const guint64 done = is_clone ? status->clones : status->snapshots;
  const int last = is_clone ? status->clone_status : status->snapshot_status;

  if (done < moment->number)
    return FALSE;

  /* There is no other before the last is done, unless nobody looked in between. */
  if (done > moment->number)
    g_task_return_error (task, make_error (moment, -ESTALE));
  else if (last < 0)
    g_task_return_error (task, make_error (moment, last));
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

      if (end_if_done (task, &page->status))
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
  const Moment *moment = g_task_get_task_data (task);

  self->is_staging = FALSE;
  /* A clone without arguments is refused, and what was handed over for it is let go of. */
  if (moment->command.operation == CONTROL_CLONE && !inn_control_channel_is_closed (self))
    inn_control_channel_submit (self, NULL, &moment->command);
  g_task_return_error (task, error);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnControlChannel *self = INN_CONTROL_CHANNEL (source);
  g_autoptr (GTask) task = user_data;
  g_autofree struct control_reply *reply = NULL;
  Moment *moment = g_task_get_task_data (task);
  GError *error = NULL;

  self->is_staging = FALSE;
  reply = g_task_propagate_pointer (G_TASK (result), &error);
  if (reply == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  moment->switched = TRUE;
  moment->pause_us = reply->value;
  moment->number = reply->number;
  if ((moment->number != 0) != moment->has_news)
    g_task_return_error (task, inn_control_error_protocol (-EPROTO));
  else if (!moment->has_news)
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
  const Moment *moment = g_task_get_task_data (task);
  g_autoptr (GTask) step = g_task_new (self, NULL, on_answered, g_object_ref (task));

  if (inn_control_channel_can_begin (self, step))
    inn_control_channel_submit (self, step, &moment->command);
}

/* What it needs */

static void stage_next (InnControlChannel *self, GTask *task);

static void
on_staged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnControlChannel *self = INN_CONTROL_CHANNEL (source);
  g_autoptr (GTask) task = user_data;
  Moment *moment = g_task_get_task_data (task);
  GError *error = NULL;

  if (!inn_control_channel_call_finish (self, result, &error)
      || g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error))
    {
      fail_before_command (self, task, error);
      return;
    }

  moment->staged++;
  stage_next (self, task);
}

/* One after the other: what is not taken is what the error is about. */
static void
stage_next (InnControlChannel *self, GTask *task)
{
  const Moment *moment = g_task_get_task_data (task);
  const Piece *piece;

  if (moment->staged == moment->pieces->len)
    {
      send_command (self, task);
      return;
    }

  piece = &g_array_index (moment->pieces, Piece, moment->staged);
  inn_control_channel_stage_async (self, piece->type, piece->number, piece->fd, on_staged,
                                   g_object_ref (task));
}

/* @minor: of the protocol that has it. Takes over @moment. */
static void
begin (InnControlChannel *self, GTask *task, Moment *moment, guint minor)
{
  const gboolean is_clone = moment->command.operation == CONTROL_CLONE;

  g_task_set_task_data (task, moment, moment_free);
  g_task_set_check_cancellable (task, FALSE);

  if (!inn_control_channel_can_begin (self, task))
    return;
  if (self->minor < minor)
    g_task_return_error (task, inn_control_error_refused (-EOPNOTSUPP));
  else if (self->is_staging)
    g_task_return_error (task, is_clone ? inn_control_error_no_clone (-EALREADY)
                                        : inn_control_error_no_snapshot (-EALREADY));
  else
    {
      self->is_staging = TRUE;
      stage_next (self, task);
    }
}

static gboolean
finish (InnControlChannel *self,
        GAsyncResult *result,
        guint64 *ret_pause_us,
        gboolean *ret_switched,
        GError **error)
{
  const Moment *moment;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  moment = g_task_get_task_data (G_TASK (result));
  if (ret_pause_us != NULL)
    *ret_pause_us = moment->pause_us;
  if (ret_switched != NULL)
    *ret_switched = moment->switched;
  return g_task_propagate_boolean (G_TASK (result), error);
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
  const Piece memory = { CONTROL_MESSAGE_STAGE_MEMORY, 0, memory_fd };
  Moment *moment;

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  moment = moment_new (CONTROL_SNAPSHOT, layers, layer_count);
  moment->command.arguments[0] = hold ? CONTROL_SNAPSHOT_HOLD : 0;
  moment->has_news = memory_fd >= 0;
  if (memory_fd >= 0)
    g_array_append_val (moment->pieces, memory);
  begin (self, task, moment, CONTROL_MINOR_SNAPSHOT);
}

gboolean
inn_control_channel_snapshot_finish (InnControlChannel *self,
                                     GAsyncResult *result,
                                     guint64 *ret_pause_us,
                                     gboolean *ret_switched,
                                     GError **error)
{
  return finish (self, result, ret_pause_us, ret_switched, error);
}

void
inn_control_channel_clone_async (InnControlChannel *self,
                                 const InnControlLayer *layers,
                                 guint layer_count,
                                 const InnControlFile *files,
                                 guint file_count,
                                 int arguments_fd,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  const Piece arguments = { CONTROL_MESSAGE_STAGE_ARGUMENTS, 0, arguments_fd };
  Moment *moment;

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));

  moment = moment_new (CONTROL_CLONE, layers, layer_count);
  moment->has_news = TRUE;
  for (guint i = 0; i < file_count; i++)
    {
      const Piece piece = { CONTROL_MESSAGE_STAGE_FILE, files[i].number, files[i].fd };

      g_array_append_val (moment->pieces, piece);
    }
  g_array_append_val (moment->pieces, arguments);
  begin (self, task, moment, CONTROL_MINOR_CLONE);
}

gboolean
inn_control_channel_clone_finish (InnControlChannel *self,
                                  GAsyncResult *result,
                                  guint64 *ret_pause_us,
                                  gboolean *ret_switched,
                                  GError **error)
{
  return finish (self, result, ret_pause_us, ret_switched, error);
}
