/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a guest, anew or where it was saved.
 */
#include "config.h"

#include "guest-private.h"

#include <glib/gi18n-lib.h>

#include "engine-error.h"
#include "machine-description-snapshots.h"
#include "machine-description-template.h"
#include "snapshot-resume.h"
#include "vmm-process.h"

/* What the worker thread needs, and what it finds; it never touches the guest. */
typedef struct
{
  gatomicrefcount references;
  InnMachineStore *store;
  InnMachineDescription *description;
  char *folder;
  char *log_path;
  InnRuntimeDirectory *runtime;
  InnResume *resume; /* what it goes on with, or NULL */
  gboolean disposable;
  gint64 started;
} StartRequest;

static StartRequest *
start_request_new (InnGuest *self, gboolean disposable)
{
  StartRequest *request = g_new0 (StartRequest, 1);

  g_atomic_ref_count_init (&request->references);
  request->store = g_object_ref (self->store);
  request->description = inn_machine_description_copy (self->description);
  request->folder = g_strdup (self->folder);
  request->log_path = g_strdup (self->log_path);
  request->runtime = inn_runtime_directory_ref (self->runtime);
  request->disposable = disposable;

  return request;
}

static StartRequest *
start_request_ref (StartRequest *request)
{
  g_atomic_ref_count_inc (&request->references);
  return request;
}

static void
start_request_unref (StartRequest *request)
{
  if (!g_atomic_ref_count_dec (&request->references))
    return;

  g_object_unref (request->store);
  inn_machine_description_free (request->description);
  g_free (request->folder);
  g_free (request->log_path);
  inn_runtime_directory_unref (request->runtime);
  inn_resume_free (request->resume);
  g_free (request);
}

static InnSnapshotStore *
open_snapshots (const StartRequest *request)
{
  return inn_snapshot_store_new (request->store,
                                 inn_machine_description_get_uuid (request->description));
}

static InnVmmRequest
vmm_request (const StartRequest *request)
{
  const InnResume *resume = request->resume;

  return (InnVmmRequest){
    .description = resume != NULL ? resume->description : request->description,
    .defined = resume != NULL ? resume->defined : NULL,
    .memory = resume != NULL ? resume->memory : NULL,
    .disposable = request->disposable,
    .folder = request->folder,
    .log_path = request->log_path,
    .runtime = request->runtime,
  };
}

/* Whether what was saved is used up; a disposable run leaves it for the next start. */
static gboolean
uses_saved (const StartRequest *request)
{
  return request->resume != NULL && !request->disposable;
}

/* ---- in a worker thread ---- */

static void
undo_resume (StartRequest *request)
{
  g_autoptr (InnSnapshotStore) snapshots = open_snapshots (request);

  inn_resume_undo (snapshots, request->resume);
}

static gboolean
begin_resume (StartRequest *request, GError **error)
{
  g_autofree char *id = inn_machine_description_get_resume_snapshot (request->description);
  g_autoptr (InnSnapshotStore) snapshots = NULL;

  if (id == NULL)
    return TRUE;

  snapshots = open_snapshots (request);
  request->resume = request->disposable ? inn_resume_look (snapshots, error)
                                        : inn_resume_begin (snapshots, error);
  return request->resume != NULL;
}

static void
start_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  StartRequest *start = task_data;
  g_autoptr (GError) error = NULL;
  GSubprocess *process = NULL;

  if (begin_resume (start, &error))
    {
      const InnVmmRequest request = vmm_request (start);

      process = inn_vmm_process_start (&request, &start->started, &error);
    }
  if (process != NULL)
    {
      g_task_return_pointer (task, process, g_object_unref);
      return;
    }

  if (uses_saved (start))
    undo_resume (start);
  g_task_return_error (task, g_steal_pointer (&error));
}

static void
undo_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  undo_resume (task_data);
  g_task_return_boolean (task, TRUE);
}

static void
end_resume_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  StartRequest *request = task_data;
  g_autoptr (InnSnapshotStore) snapshots = open_snapshots (request);

  inn_resume_end (snapshots, request->resume);
  g_task_return_boolean (task, TRUE);
}

/* ---- in the main thread ---- */

static void
run_in_thread (InnGuest *self,
               StartRequest *request,
               GTaskThreadFunc function,
               GAsyncReadyCallback callback,
               gpointer user_data)
{
  g_autoptr (GTask) worker = g_task_new (self, NULL, callback, user_data);

  g_task_set_task_data (worker, start_request_ref (request), (GDestroyNotify)start_request_unref);
  g_task_run_in_thread (worker, function);
}

/* The start is over; takes over @error, NULL for success. */
static void
finish_start (InnGuest *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->start_task);
  StartRequest *request = g_task_get_task_data (task);

  g_clear_object (&self->process);
  inn_guest_refresh (self);
  if (error == NULL)
    {
      if (uses_saved (request))
        run_in_thread (self, request, end_resume_in_thread, NULL, NULL);
      g_task_return_boolean (task, TRUE);
      return;
    }

  g_task_return_error (task, error);
  if (!inn_guest_is_active (self))
    inn_guest_went_off (self);
}

/* Ends with what @error, which is taken over, says; the machine is as it was before it. */
static void
on_undone (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  GError *error = user_data;

  if (self->start_task != NULL)
    finish_start (self, error);
  else
    g_error_free (error);
}

static char *
describe_refusal (InnGuest *self, const char *complaint, gboolean resumes)
{
  if (complaint == NULL)
    return g_strdup_printf (_ ("“%s” did not start: its process never answered and left no word in "
                               "“%s”."),
                            self->name, self->log_path);
  if (resumes)
    return g_strdup_printf (
        _ ("“%s” did not start: %s Its disks are as they were; discard the saved "
           "state to start from them."),
        self->name, complaint);

  return g_strdup_printf (_ ("“%s” did not start: %s"), self->name, complaint);
}

/* The VMM ended before it answered: what it printed is the reason. */
static void
on_refusing_vmm_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (InnGuest) self = user_data;
  g_autofree char *complaint = NULL;
  g_autofree char *sentence = NULL;
  InnVmmRequest vmm;
  StartRequest *request;
  GError *error;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  if (self->start_task == NULL)
    return;

  request = g_task_get_task_data (self->start_task);
  vmm = vmm_request (request);
  complaint = inn_vmm_process_read_complaint (&vmm);
  sentence = describe_refusal (self, complaint, request->resume != NULL);
  inn_run_record_save_end (self->folder, self->run_started, INN_RUN_NOT_STARTED, sentence, NULL);
  error = g_error_new_literal (INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED, sentence);
  if (uses_saved (request))
    run_in_thread (self, request, undo_in_thread, on_undone, error);
  else
    finish_start (self, error);
}

void
inn_guest_attach_refused (InnGuest *self, const GError *error)
{
  g_debug ("%s: %s", self->uuid, error->message);
  /* Ended already, or not to be talked to, and then of no use to anybody. */
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    g_subprocess_force_exit (self->process);
  g_subprocess_wait_async (self->process, NULL, on_refusing_vmm_ended, g_object_ref (self));
}

void
inn_guest_state_told (InnGuest *self)
{
  if (self->start_task == NULL)
    return;

  if (self->unreachable != NULL)
    finish_start (self, g_error_new_literal (INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                                             self->unreachable));
  else if (self->channel != NULL && self->page->status.state != VMM_STATE_STARTING)
    finish_start (self, NULL);
}

void
inn_guest_end_start (InnGuest *self)
{
  if (self->start_task == NULL)
    return;

  if (!inn_run_end_is_crash (self->record.end))
    finish_start (self, NULL);
  else
    finish_start (self, g_error_new (INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED,
                                     _ ("“%s” ended as soon as it was started. %s"), self->name,
                                     self->text != NULL ? self->text : ""));
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnGuest *self = INN_GUEST (source);
  StartRequest *request = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_task_propagate_pointer (G_TASK (result), &error);

  if (self->start_task == NULL) /* detached meanwhile; the guest runs on */
    {
      g_clear_object (&process);
      return;
    }
  if (process == NULL)
    {
      finish_start (self, g_steal_pointer (&error));
      return;
    }

  self->process = process;
  self->run_started = request->started;
  inn_guest_attach (self);
}

static gboolean
check_startable (InnGuest *self, GError **error)
{
  if (inn_guest_is_active (self))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                   _ ("“%s” is running already. Nothing was changed."), self->name);
      return FALSE;
    }
  if (self->description == NULL)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, self->trouble);
      return FALSE;
    }

  return inn_machine_description_check_no_template (self->description, error);
}

gboolean
inn_guest_starts_disposable (InnGuest *self)
{
  const StartRequest *request
      = self->start_task != NULL ? g_task_get_task_data (self->start_task) : NULL;

  return request != NULL && request->disposable;
}

/* Takes over @task. */
static void
begin_start (InnGuest *self, GTask *task, gboolean disposable)
{
  g_autoptr (GTask) owned = task;
  g_autoptr (GError) error = NULL;
  StartRequest *request;

  inn_guest_refresh (self);
  if (!check_startable (self, &error))
    {
      g_task_return_error (owned, g_steal_pointer (&error));
      return;
    }

  request = start_request_new (self, disposable);
  g_task_set_task_data (owned, request, (GDestroyNotify)start_request_unref);
  self->start_task = g_steal_pointer (&owned);
  inn_guest_update (self);
  /* Not cancellable: a start that has begun is undone by powering off. */
  run_in_thread (self, request, start_in_thread, on_started, NULL);
}

void
inn_guest_start_async (InnGuest *self,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_return_if_fail (INN_IS_GUEST (self));

  begin_start (self, g_task_new (self, cancellable, callback, user_data), /* disposable= */ FALSE);
}

void
inn_guest_start_disposable_async (InnGuest *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_return_if_fail (INN_IS_GUEST (self));

  begin_start (self, g_task_new (self, cancellable, callback, user_data), /* disposable= */ TRUE);
}

gboolean
inn_guest_start_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
