/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest can be asked to do: commands to its VMM, its serial line, its screen.
 */
#include "config.h"

#include "guest-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "engine-error.h"
#include "machine-lock.h"
#include "vmm-process.h"

enum
{
  POWER_OFF_PATIENCE_S = 5, /* then the VMM does not answer and is killed */
};

void
inn_guest_run_in_thread (InnGuest *self,
                         GTask *task,
                         GTaskThreadFunc function,
                         GAsyncReadyCallback callback)
{
  g_autoptr (GTask) worker = g_task_new (self, NULL, callback, NULL);

  g_task_set_task_data (worker, g_object_ref (task), g_object_unref);
  g_task_run_in_thread (worker, function);
}

/* ---- commands ---- */

void
inn_guest_set_not_running_error (InnGuest *self, GError **error)
{
  if (self->unreachable != NULL)
    g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE, self->unreachable);
  else
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                 _ ("“%s” is not running. Start it first."), self->name);
}

void
inn_guest_fail_task (GTask *task, InnGuest *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_error (task, g_error_copy (error));
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                             _ ("“%s” ended before that was done."), self->name);
  else
    g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED,
                             _ ("“%s” runs on as before: it did not carry that out (%s)."),
                             self->name, error->message);
}

static gboolean
on_power_off_ignored (gpointer user_data)
{
  InnGuest *self = user_data;

  self->kill_id = 0;
  inn_vmm_process_kill (self->folder);
  return G_SOURCE_REMOVE;
}

void
inn_guest_went_off (InnGuest *self)
{
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->off_tasks);

  self->off_tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_clear_handle_id (&self->kill_id, g_source_remove);
  inn_guest_end_start (self);
  for (guint i = 0; i < tasks->len; i++)
    g_task_return_boolean (g_ptr_array_index (tasks, i), TRUE);
  inn_guest_merge_owed (self);
}

/* Takes over @task. */
static void
power_off (InnGuest *self, GTask *task)
{
  g_ptr_array_add (self->off_tasks, task);
  if (self->channel != NULL)
    {
      /* It ends before it could answer; the channel's end is the answer. */
      inn_control_channel_call_async (self->channel, INN_CONTROL_POWER_OFF, NULL, NULL, NULL);
      if (self->kill_id == 0)
        self->kill_id = g_timeout_add_seconds (POWER_OFF_PATIENCE_S, on_power_off_ignored, self);
    }
  else if (!inn_vmm_process_kill (self->folder))
    {
      g_ptr_array_steal_index (self->off_tasks, self->off_tasks->len - 1);
      g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                               _ ("“%s” does not answer and it is not known which process runs "
                                  "it. Look for “innkeeper-vmm” in the system monitor."),
                               self->name);
      g_object_unref (task);
    }
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnGuest *self = g_task_get_source_object (task);
  const InnControlCommand command = GPOINTER_TO_INT (g_task_get_task_data (task));
  g_autoptr (GError) error = NULL;

  if (!inn_control_channel_call_finish (INN_CONTROL_CHANNEL (source), result, &error))
    {
      inn_guest_fail_task (task, self, error);
      return;
    }

  if (command != INN_CONTROL_PING)
    inn_guest_set_shutting_down (self, command == INN_CONTROL_SHUTDOWN);
  inn_guest_update (self);
  g_task_return_boolean (task, TRUE);
}

static gboolean
check_command (InnGuest *self, InnControlCommand command, GError **error)
{
  if (self->channel == NULL)
    {
      inn_guest_set_not_running_error (self, error);
      return FALSE;
    }
  if (command == INN_CONTROL_SHUTDOWN && self->state != INN_GUEST_RUNNING
      && self->state != INN_GUEST_SHUTTING_DOWN)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("“%s” is paused, so it cannot be asked to shut down. Resume it first."),
                   self->name);
      return FALSE;
    }

  return TRUE;
}

void
inn_guest_call_async (InnGuest *self,
                      InnControlCommand command,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_task_data (task, GINT_TO_POINTER (command), NULL);

  if (command == INN_CONTROL_POWER_OFF && inn_guest_is_active (self))
    power_off (self, g_steal_pointer (&task));
  else if (!check_command (self, command, &error))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    inn_control_channel_call_async (self->channel, command, cancellable, on_called,
                                    g_steal_pointer (&task));
}

gboolean
inn_guest_call_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- devices ---- */

static void
on_device_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (inn_control_channel_call_finish (INN_CONTROL_CHANNEL (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    inn_guest_fail_task (task, g_task_get_source_object (task), error);
}

/* The task that on_device_set() ends; NULL for a guest that is off: the caller has its error. */
static GTask *
start_device_task (InnGuest *self,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;

  if (self->channel != NULL)
    return task;

  inn_guest_set_not_running_error (self, &error);
  g_task_return_error (task, g_steal_pointer (&error));
  g_object_unref (task);
  return NULL;
}

void
inn_guest_set_link_async (InnGuest *self,
                          guint nic,
                          gboolean up,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task;

  g_return_if_fail (INN_IS_GUEST (self));

  task = start_device_task (self, cancellable, callback, user_data);
  if (task != NULL)
    inn_control_channel_set_link_async (self->channel, nic, up, cancellable, on_device_set, task);
}

gboolean
inn_guest_set_link_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
inn_guest_set_balloon_async (InnGuest *self,
                             guint64 bytes,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task;

  g_return_if_fail (INN_IS_GUEST (self));

  task = start_device_task (self, cancellable, callback, user_data);
  if (task != NULL)
    inn_control_channel_set_balloon_async (self->channel, bytes, cancellable, on_device_set, task);
}

gboolean
inn_guest_set_balloon_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- serial line and console ports ---- */

static void
on_serial_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  int fd = inn_control_channel_open_serial_finish (INN_CONTROL_CHANNEL (source), result, &error);

  if (fd >= 0)
    g_task_return_int (task, fd);
  else
    inn_guest_fail_task (task, g_task_get_source_object (task), error);
}

/* @port: NULL for the serial line. Takes @task over. */
static void
open_stream (InnGuest *self, const char *port, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (GError) error = NULL;

  /* A descriptor that came is handed over even to one who has cancelled: it would leak. */
  g_task_set_check_cancellable (task, FALSE);
  if (self->channel == NULL)
    {
      inn_guest_set_not_running_error (self, &error);
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }

  if (port != NULL)
    inn_control_channel_open_port_async (self->channel, port, cancellable, on_serial_opened, task);
  else
    inn_control_channel_open_serial_async (self->channel, cancellable, on_serial_opened, task);
}

void
inn_guest_open_serial_async (InnGuest *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (INN_IS_GUEST (self));

  open_stream (self, NULL, g_task_new (self, cancellable, callback, user_data));
}

void
inn_guest_open_port_async (InnGuest *self,
                           const char *port,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_return_if_fail (INN_IS_GUEST (self));
  g_return_if_fail (port != NULL && *port != '\0');

  open_stream (self, port, g_task_new (self, cancellable, callback, user_data));
}

int
inn_guest_open_serial_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), -1);

  return (int)g_task_propagate_int (G_TASK (result), error);
}

/* ---- screen ---- */

static void
on_screen_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  InnGuestScreen *screen
      = inn_control_channel_open_screen_finish (INN_CONTROL_CHANNEL (source), result, &error);

  if (screen != NULL)
    g_task_return_pointer (task, screen, g_object_unref);
  else
    inn_guest_fail_task (task, g_task_get_source_object (task), error);
}

void
inn_guest_open_screen_async (InnGuest *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (self->channel == NULL)
    {
      inn_guest_set_not_running_error (self, &error);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  inn_control_channel_open_screen_async (self->channel, cancellable, on_screen_opened,
                                         g_steal_pointer (&task));
}

InnGuestScreen *
inn_guest_open_screen_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
inn_guest_send_input (InnGuest *self, const struct input_event *event)
{
  g_return_if_fail (INN_IS_GUEST (self));

  if (self->channel != NULL)
    inn_control_channel_send_input (self->channel, event);
}

void
inn_guest_abandon_operations (InnGuest *self)
{
  g_autoptr (GTask) start = g_steal_pointer (&self->start_task);
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->off_tasks);

  self->off_tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_clear_object (&self->process);
  g_clear_handle_id (&self->kill_id, g_source_remove);
  if (start != NULL)
    g_ptr_array_add (tasks, g_steal_pointer (&start));
  for (guint i = 0; i < tasks->len; i++)
    g_task_return_new_error (g_ptr_array_index (tasks, i), G_IO_ERROR, G_IO_ERROR_CANCELLED,
                             _ ("The program stopped looking after the machine."));
}
