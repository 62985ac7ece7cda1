/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtWorker: a few threads of one connection that carry out its blocking calls, so that a
 * place that does not answer cannot hold up another one, nor the main loop.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _InnLibvirtWorker InnLibvirtWorker;

/* Runs in a thread, with the task's data. Returns what the task finishes with; NULL with @error set
 * when it fails. */
typedef gpointer (*InnLibvirtWork) (gpointer task_data, GError **error);

InnLibvirtWorker *inn_libvirt_worker_new (void);
/* Does not wait: what has been pushed is still carried out. */
void inn_libvirt_worker_free (InnLibvirtWorker *self);

/*
 * Takes @task over, runs @work in a thread and returns its outcome as the task's pointer, in the
 * task's main context. A task that is cancelled before its turn does not run at all; one that has
 * begun delivers its true outcome.
 */
void inn_libvirt_worker_push (InnLibvirtWorker *self,
                              GTask *task,
                              InnLibvirtWork work,
                              GDestroyNotify free_result);

G_END_DECLS
