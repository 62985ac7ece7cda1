/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "control-call.h"

#include "base/fd.h"

static void
forget_cancellation (InnControlCall *call)
{
  if (call->cancellation != NULL)
    g_source_destroy (call->cancellation);
  g_clear_pointer (&call->cancellation, g_source_unref);
}

/* A command that has gone out will be answered all the same, so its id stays known. */
static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  InnControlCall *call = user_data;
  g_autoptr (GTask) task = g_steal_pointer (&call->task);

  forget_cancellation (call);
  if (g_queue_remove (call->waiting, call))
    inn_control_call_free (call);
  g_task_return_error_if_cancelled (task);

  return G_SOURCE_REMOVE;
}

static void
watch_cancellation (InnControlCall *call)
{
  GCancellable *cancellable = g_task_get_cancellable (call->task);

  if (cancellable == NULL)
    return;

  call->cancellation = g_cancellable_source_new (cancellable);
  g_source_set_callback (call->cancellation, G_SOURCE_FUNC (on_cancelled), call, NULL);
  g_source_attach (call->cancellation, g_task_get_context (call->task));
}

InnControlCall *
inn_control_call_new (guint64 id, GTask *task, GQueue *waiting)
{
  InnControlCall *call = g_new0 (InnControlCall, 1);

  call->id = id;
  call->serial_fd = -1;
  call->waiting = waiting;
  if (task != NULL)
    {
      call->task = g_object_ref (task);
      watch_cancellation (call);
    }

  return call;
}

void
inn_control_call_free (InnControlCall *call)
{
  forget_cancellation (call);
  g_clear_object (&call->task);
  fd_close (&call->serial_fd);
  g_free (call);
}

GTask *
inn_control_call_end (InnControlCall *call)
{
  GTask *task = g_steal_pointer (&call->task);

  inn_control_call_free (call);
  return task;
}
