/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be done with a machine's files: change its definition, make disks, reset its UEFI
 * variables, delete.
 */
#include "config.h"

#include "guest-private.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/fd.h"
#include "engine-error.h"
#include "firmware.h"
#include "layer-scan.h"
#include "layer-store.h"
#include "machine-description-template.h"
#include "machine-lock.h"
#include "variable-store.h"

/* ---- change ---- */

/* What the worker thread needs. */
typedef struct
{
  InnMachineStore *store;
  char *uuid;
  InnMachineChange change;
  gpointer data;
  GDestroyNotify destroy;
} ChangeRequest;

static void
change_request_free (ChangeRequest *request)
{
  g_object_unref (request->store);
  g_free (request->uuid);
  if (request->destroy != NULL)
    request->destroy (request->data);
  g_free (request);
}

static void
change_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const ChangeRequest *request = task_data;
  g_autoptr (GError) error = NULL;

  if (inn_machine_store_change (request->store, request->uuid, request->change, request->data,
                                &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
inn_guest_change_async (InnGuest *self,
                        InnMachineChange change,
                        gpointer data,
                        GDestroyNotify destroy,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  ChangeRequest *request;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  request = g_new0 (ChangeRequest, 1);
  request->store = g_object_ref (self->store);
  request->uuid = g_strdup (self->uuid);
  request->change = change;
  request->data = data;
  request->destroy = destroy;
  g_task_set_task_data (task, request, (GDestroyNotify)change_request_free);
  g_task_run_in_thread (task, change_in_thread);
}

gboolean
inn_guest_change_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;

  if (self->store != NULL) /* not detached meanwhile */
    inn_guest_refresh (self);
  return TRUE;
}

/* ---- new disks ---- */

/* What the worker thread needs. */
typedef struct
{
  InnMachineStore *store;
  char *uuid;
  guint64 size;
} DiskRequest;

static void
disk_request_free (DiskRequest *request)
{
  g_object_unref (request->store);
  g_free (request->uuid);
  g_free (request);
}

static void
create_disk_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const DiskRequest *request = task_data;
  g_autoptr (GError) error = NULL;
  char *path = inn_machine_store_create_disk (request->store, request->uuid, request->size, &error);

  if (path != NULL)
    g_task_return_pointer (task, path, g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
inn_guest_create_disk_async (InnGuest *self,
                             guint64 size,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  DiskRequest *request;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  request = g_new0 (DiskRequest, 1);
  request->store = g_object_ref (self->store);
  request->uuid = g_strdup (self->uuid);
  request->size = size;
  g_task_set_task_data (task, request, (GDestroyNotify)disk_request_free);
  g_task_run_in_thread (task, create_disk_in_thread);
}

char *
inn_guest_create_disk_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- UEFI variables ---- */

/* What the worker thread needs. */
typedef struct
{
  char *folder;
  char *name;
  char *variables;
} ResetRequest;

static void
reset_request_free (ResetRequest *request)
{
  g_free (request->folder);
  g_free (request->name);
  g_free (request->variables);
  g_free (request);
}

static void
reset_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const ResetRequest *request = task_data;
  g_autoptr (GError) error = NULL;
  char *kept = NULL;
  int lock_fd = inn_machine_lock_acquire (request->folder, request->name, &error);
  const gboolean done
      = lock_fd >= 0 && inn_variable_store_reset (request->variables, &kept, &error);

  fd_close (&lock_fd);
  if (done)
    g_task_return_pointer (task, kept, g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
inn_guest_reset_firmware_async (InnGuest *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  ResetRequest *request;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (self->description == NULL)
    {
      g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, "%s",
                               self->trouble);
      return;
    }
  if (!inn_machine_description_check_no_template (self->description, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  request = g_new0 (ResetRequest, 1);
  request->folder = g_strdup (self->folder);
  request->name = g_strdup (self->name);
  request->variables = inn_firmware_get_variables (self->description, self->folder);
  g_task_set_task_data (task, request, (GDestroyNotify)reset_request_free);
  g_task_run_in_thread (task, reset_in_thread);
}

gboolean
inn_guest_reset_firmware_finish (InnGuest *self,
                                 GAsyncResult *result,
                                 char **ret_kept,
                                 GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *kept = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  kept = g_task_propagate_pointer (G_TASK (result), &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  *ret_kept = g_steal_pointer (&kept);
  return TRUE;
}

/* ---- delete ---- */

/* What the worker thread needs. */
typedef struct
{
  InnMachineStore *store;
  InnRuntimeDirectory *runtime;
  char *uuid;
  char *name;
  char *log_path;
} DeleteRequest;

static void
delete_request_free (DeleteRequest *request)
{
  g_object_unref (request->store);
  inn_runtime_directory_unref (request->runtime);
  g_free (request->uuid);
  g_free (request->name);
  g_free (request->log_path);
  g_free (request);
}

/* Those that only this machine needed. */
static void
collect_layers (InnMachineStore *store)
{
  g_autoptr (InnLayerStore) layers = inn_layer_store_new (store);
  int lock = inn_machine_store_lock (store, NULL);

  if (lock >= 0)
    inn_layer_store_collect (layers, NULL); /* or the next change does */
  fd_close (&lock);
}

static void
delete_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const DeleteRequest *request = task_data;
  g_autofree char *old_log = g_strconcat (request->log_path, ".old", NULL);
  g_autoptr (GError) error = NULL;

  if (!inn_machine_store_remove (request->store, request->uuid, request->name, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  collect_layers (request->store);
  inn_runtime_directory_forget (request->runtime, request->uuid);
  g_unlink (request->log_path);
  g_unlink (old_log);
  g_task_return_boolean (task, TRUE);
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_signal_emit_by_name (source, "deleted");
      g_task_return_boolean (task, TRUE);
    }
  else
    {
      g_task_return_error (task, g_steal_pointer (&error));
    }
}

void
inn_guest_delete_async (InnGuest *self,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GTask) worker = NULL;
  DeleteRequest *request;

  g_return_if_fail (INN_IS_GUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (inn_guest_is_active (self))
    {
      g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                               _ ("“%s” was not deleted, because it is running. Shut it down "
                                  "first."),
                               self->name);
      return;
    }

  request = g_new0 (DeleteRequest, 1);
  request->store = g_object_ref (self->store);
  request->runtime = inn_runtime_directory_ref (self->runtime);
  request->uuid = g_strdup (self->uuid);
  request->name = g_strdup (self->name);
  request->log_path = g_strdup (self->log_path);
  worker = g_task_new (self, NULL, on_deleted, g_steal_pointer (&task));
  g_task_set_task_data (worker, request, (GDestroyNotify)delete_request_free);
  g_task_run_in_thread (worker, delete_in_thread);
}

gboolean
inn_guest_delete_finish (InnGuest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- reading ---- */

char *
inn_guest_read_definition (InnGuest *self, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) local_error = NULL;
  char *text = NULL;

  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  path = g_build_filename (self->folder, "domain.xml", NULL);
  if (!g_file_get_contents (path, &text, NULL, &local_error))
    {
      const int error_number = inn_engine_errno_from_file_error (local_error);

      g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
                   _ ("The definition of “%s” cannot be read: %s."), self->name,
                   g_strerror (error_number));
    }

  return text;
}

InnMachineDescription *
inn_guest_load_running_description (InnGuest *self)
{
  g_autofree char *xml = NULL;

  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  if (!inn_guest_is_active (self))
    return NULL;

  xml = inn_run_record_load_definition (self->folder);
  return xml != NULL ? inn_machine_description_parse (xml, strlen (xml), NULL) : NULL;
}

GStrv
inn_guest_list_storage (InnGuest *self)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  g_autoptr (InnLayerScan) scan = NULL;
  g_autoptr (GDir) folder = NULL;
  g_auto (GStrv) layers = NULL;
  const char *name;

  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  scan = inn_layer_scan_new (self->store);
  layers = inn_layer_scan_list_own (scan, self->uuid);
  g_strv_builder_addv (paths, (const char **)layers);
  folder = g_dir_open (self->folder, 0, NULL);
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);

      if (!g_str_equal (name, "domain.xml") && !g_str_equal (name, "lock")
          && !g_str_equal (name, "last-run") && !g_str_equal (name, INN_RUN_RECORD_DEFINITION_NAME))
        g_strv_builder_add (paths, path);
    }

  return g_strv_builder_end (paths);
}
