/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "progress.h"

#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <unistd.h>

#include "image/image-copy.h"

static gboolean
on_interrupted (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_CONTINUE;
}

void
innctl_progress_begin (InnctlProgress *self)
{
  self->cancellable = g_cancellable_new ();
  self->visible = isatty (STDERR_FILENO) != 0;
  self->percent = -1;
  self->signals[0] = g_unix_signal_add (SIGINT, on_interrupted, self->cancellable);
  self->signals[1] = g_unix_signal_add (SIGTERM, on_interrupted, self->cancellable);
}

void
innctl_progress_tell (double fraction, gpointer data)
{
  InnctlProgress *self = data;
  const int percent = (int)(fraction * 100);

  if (!self->visible || percent == self->percent)
    return;

  self->percent = percent;
  g_printerr ("\r");
  g_printerr (_ ("%3d%% copied"), percent);
}

void
innctl_progress_end (InnctlProgress *self)
{
  if (self->percent >= 0)
    g_printerr ("\n");
  for (guint i = 0; i < G_N_ELEMENTS (self->signals); i++)
    g_source_remove (self->signals[i]);
  g_clear_object (&self->cancellable);
}

static bool
on_moved (void *data, uint64_t done, uint64_t total)
{
  if (total > 0)
    innctl_progress_tell ((double)done / (double)total, data);
  return true; /* the cancellable stops it */
}

static void
copy_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  if (inn_disk_copy (task_data, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

InnctlStatus
innctl_copy_disk (const InnDiskCopy *copy)
{
  InnctlProgress progress;
  const struct image_progress moved = { .moved = on_moved, .data = &progress };
  InnDiskCopy with_progress = *copy;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  innctl_progress_begin (&progress);
  with_progress.progress = &moved;
  task = g_task_new (NULL, progress.cancellable, innctl_take_result, &result);
  g_task_set_check_cancellable (task, FALSE); /* it is cancelled when nothing is left of it */
  g_task_set_task_data (task, &with_progress, NULL);
  g_task_run_in_thread (task, copy_in_thread);
  innctl_await (&result);
  innctl_progress_end (&progress);

  return g_task_propagate_boolean (task, &error) ? INNCTL_DONE : innctl_fail (error);
}
