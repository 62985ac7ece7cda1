/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Off, then on.
 */
#include "config.h"

#include "ui/machine-restart.h"

#include <glib/gi18n.h>

#include "model/error.h"

#define OFF_TIMEOUT_SECONDS 90

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (inn_machine_run_finish (INN_MACHINE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Waiting for "off": the handler and the deadline, whichever comes first ends both. */
typedef struct
{
  GTask *task;
  InnOperation start; /* as it was started before */
  gulong state_changed;
  guint timeout;
} Wait;

static void
end_wait (Wait *wait)
{
  g_clear_signal_handler (&wait->state_changed, g_task_get_source_object (wait->task));
  g_clear_handle_id (&wait->timeout, g_source_remove);
  g_object_unref (wait->task);
  g_free (wait);
}

static void
on_state_changed (InnMachine *machine, GParamSpec *pspec, gpointer user_data)
{
  Wait *wait = user_data;

  if (inn_machine_state_is_active (inn_machine_get_state (machine)))
    return;

  inn_machine_run_async (machine, wait->start, g_task_get_cancellable (wait->task), on_started,
                         g_object_ref (wait->task));
  end_wait (wait);
}

static gboolean
on_timeout (gpointer user_data)
{
  Wait *wait = user_data;

  wait->timeout = 0;
  g_task_return_new_error (wait->task, INN_ERROR, INN_ERROR_BUSY,
                           _ ("The guest has not shut down, and runs on as it was. Shut it down "
                              "from inside, or force it off; the changes wait."));
  end_wait (wait);
  return G_SOURCE_REMOVE;
}

static void
on_asked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnMachine *machine = INN_MACHINE (source);
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  Wait *wait;

  if (!inn_machine_run_finish (machine, result, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  wait = g_new0 (Wait, 1);
  wait->task = g_object_ref (task);
  wait->start = inn_machine_get_kind (machine) == INN_MACHINE_DISPOSABLE
                    ? INN_OPERATION_START_DISPOSABLE
                    : INN_OPERATION_START;
  wait->state_changed
      = g_signal_connect (machine, "notify::state", G_CALLBACK (on_state_changed), wait);
  wait->timeout = g_timeout_add_seconds (OFF_TIMEOUT_SECONDS, on_timeout, wait);
  on_state_changed (machine, NULL, wait);
}

void
inn_machine_restart_run_async (InnMachine *machine,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_return_if_fail (INN_IS_MACHINE (machine));

  inn_machine_run_async (machine, INN_OPERATION_SHUT_DOWN, cancellable, on_asked,
                         g_task_new (machine, cancellable, callback, user_data));
}

gboolean
inn_machine_restart_run_finish (InnMachine *machine, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, machine), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
