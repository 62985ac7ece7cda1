/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The thread never touches a reference count of the task: the last one would finalize the
 * connection there. A job goes back to the main context and is returned and freed in it.
 */
#include "model/libvirt/libvirt-worker.h"

#define THREADS 4

struct _InnLibvirtWorker
{
  GThreadPool *pool;
};

typedef struct
{
  GTask *task;
  InnLibvirtWork work;
  GDestroyNotify free_result;
  gpointer result;
  GError *error;
} Job;

static gboolean
finish_job (gpointer user_data)
{
  Job *job = user_data;

  if (job->error != NULL)
    g_task_return_error (job->task, job->error);
  else
    g_task_return_pointer (job->task, job->result, job->free_result);
  g_object_unref (job->task);
  g_free (job);
  return G_SOURCE_REMOVE;
}

static void
run_job (gpointer data, gpointer user_data)
{
  Job *job = data;
  g_autoptr (GSource) source = g_idle_source_new ();

  if (!g_cancellable_set_error_if_cancelled (g_task_get_cancellable (job->task), &job->error))
    job->result = job->work (g_task_get_task_data (job->task), &job->error);

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, finish_job, job, NULL);
  g_source_attach (source, g_task_get_context (job->task));
}

InnLibvirtWorker *
inn_libvirt_worker_new (void)
{
  InnLibvirtWorker *self = g_new (InnLibvirtWorker, 1);

  self->pool = g_thread_pool_new (run_job, NULL, THREADS, /* exclusive= */ FALSE, NULL);
  return self;
}

void
inn_libvirt_worker_free (InnLibvirtWorker *self)
{
  if (self == NULL)
    return;
  g_thread_pool_free (self->pool, /* immediate= */ FALSE, /* wait= */ FALSE);
  g_free (self);
}

void
inn_libvirt_worker_push (InnLibvirtWorker *self,
                         GTask *task,
                         InnLibvirtWork work,
                         GDestroyNotify free_result)
{
  Job *job;

  g_return_if_fail (self != NULL && G_IS_TASK (task) && work != NULL);

  job = g_new0 (Job, 1);
  job->task = task;
  job->work = work;
  job->free_result = free_result;
  g_task_set_check_cancellable (task, FALSE);
  g_thread_pool_push (self->pool, job, NULL);
}
