/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every operation is one job: look the domain up, act, read it anew; the reading is applied before
 * the operation finishes. */
#include "model/libvirt/libvirt-machine.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <libvirt/virterror.h>

#include "model/error.h"
#include "model/libvirt/disk-volume.h"
#include "model/libvirt/libvirt-connection-private.h"
#include "model/libvirt/libvirt-console.h"
#include "model/libvirt/libvirt-error.h"
#include "model/libvirt/libvirt-hardware.h"
#include "model/libvirt/libvirt-snapshots.h"

/* A guest that has not begun to shut down by then ignores the request. */
#define SHUT_DOWN_PATIENCE_SECONDS 120

struct _InnLibvirtMachine
{
  InnMachine parent_instance;

  guint64 stamp;
  gboolean starting; /* a start is under way */
  gboolean asked_to_shut_down;
  guint patience;
  int vnc_index;
  gboolean has_serial;
  GStrv made_disks;
  GStrv made_bases;
  gboolean can_save;
  InnHardware *hardware;
  InnSnapshots *snapshots;
};

G_DEFINE_FINAL_TYPE (InnLibvirtMachine, inn_libvirt_machine, INN_TYPE_MACHINE)

/* What a job knows. */
typedef struct
{
  virConnectPtr connection;
  gboolean session;
  gboolean local;
  char *uuid;
  InnOperation operation;
  InnConsoleKind console;
  GStrv made_disks;
  GStrv made_bases;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  virConnectClose (request->connection);
  g_free (request->uuid);
  g_strfreev (request->made_disks);
  g_strfreev (request->made_bases);
  g_free (request);
}

static InnLibvirtConnection *
get_connection (InnLibvirtMachine *self)
{
  InnConnection *connection = inn_machine_get_connection (INN_MACHINE (self));

  return connection != NULL ? INN_LIBVIRT_CONNECTION (connection) : NULL;
}

/* NULL with INN_ERROR_UNAVAILABLE when there is nobody to ask. */
static Request *
request_new (InnLibvirtMachine *self, GError **error)
{
  InnLibvirtConnection *connection = get_connection (self);
  virConnectPtr handle = NULL;
  Request *request;

  if (connection != NULL)
    handle = inn_libvirt_connection_ref_handle (connection, error);
  else
    g_set_error_literal (error, INN_ERROR, INN_ERROR_UNAVAILABLE,
                         _ ("That machine is no longer there."));
  if (handle == NULL)
    return NULL;

  request = g_new0 (Request, 1);
  request->connection = handle;
  request->session = inn_libvirt_connection_is_session (connection);
  request->local = inn_libvirt_connection_is_local (connection);
  request->uuid = g_strdup (inn_machine_get_id (INN_MACHINE (self)));
  return request;
}

/* What the worker does for @task: fill in its Request, then push_job(). NULL, and @task has its
 * error, when there is nobody to ask. */
static GTask *
job_new (GTask *task, GAsyncReadyCallback done)
{
  InnLibvirtMachine *self = g_task_get_source_object (task);
  GError *error = NULL;
  Request *request = request_new (self, &error);
  GTask *job;

  /* What has been done has been done, and what has been opened reaches its owner, whether or not
   * it was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);
  if (request == NULL)
    {
      g_task_return_error (task, error);
      return NULL;
    }
  job = g_task_new (self, g_task_get_cancellable (task), done, g_object_ref (task));
  g_task_set_task_data (job, request, request_free);
  return job;
}

/* Takes @job over. */
static void
push_job (InnLibvirtMachine *self, GTask *job, InnLibvirtWork work, GDestroyNotify free_result)
{
  inn_libvirt_worker_push (inn_libvirt_connection_get_worker (get_connection (self)), job, work,
                           free_result);
}

static virDomainPtr
find_domain (const Request *request, GError **error)
{
  virDomainPtr domain = virDomainLookupByUUIDString (request->connection, request->uuid);

  if (domain == NULL)
    inn_libvirt_take_error (error);
  return domain;
}

/* When it was turned on or off is known only if it was seen, not from the first reading. */
static void
change_state (InnLibvirtMachine *self, InnMachineState state, const char *text)
{
  InnMachine *machine = INN_MACHINE (self);
  gboolean was_active = inn_machine_state_is_active (inn_machine_get_state (machine));

  if (self->stamp != 0 && was_active != inn_machine_state_is_active (state))
    {
      inn_machine_set_changed_time (machine, g_get_real_time ());
      inn_metrics_push_gap (inn_machine_get_metrics (machine), g_get_monotonic_time ());
    }
  inn_machine_set_state (machine, state, text);
}

/* Operations. */

/* A guest that sleeps has to be woken up, not resumed. */
static int
resume (virDomainPtr domain)
{
  int state;

  if (virDomainGetState (domain, &state, NULL, /* flags= */ 0) == 0
      && state == VIR_DOMAIN_PMSUSPENDED)
    return virDomainPMWakeup (domain, /* flags= */ 0);
  return virDomainResume (domain);
}

/* A guest that ends by itself at the same moment, or that a restarted daemon is just finding again,
 * makes the first try invalid. */
static int
power_off (virDomainPtr domain)
{
  if (virDomainDestroy (domain) == 0)
    return 0;
  if (inn_libvirt_last_code () == VIR_ERR_OPERATION_INVALID && virDomainIsActive (domain) == 0)
    return 0;
  return virDomainDestroy (domain);
}

/* Not every driver knows every flag, or any. */
static int
undefine (virDomainPtr domain)
{
  const unsigned int flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
                             | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                             | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM;
  int code;

  if (virDomainUndefineFlags (domain, flags) == 0)
    return 0;
  code = inn_libvirt_last_code ();
  if (code == VIR_ERR_INVALID_ARG || code == VIR_ERR_NO_SUPPORT)
    return virDomainUndefine (domain);
  return -1;
}

static int
act (virDomainPtr domain, InnOperation operation)
{
  switch (operation)
    {
    case INN_OPERATION_START:
      return virDomainCreate (domain);
    case INN_OPERATION_SHUT_DOWN:
      return virDomainShutdown (domain);
    case INN_OPERATION_POWER_OFF:
      return power_off (domain);
    case INN_OPERATION_RESET:
      return virDomainReset (domain, /* flags= */ 0);
    case INN_OPERATION_PAUSE:
      return virDomainSuspend (domain);
    case INN_OPERATION_RESUME:
      return resume (domain);
    case INN_OPERATION_DELETE:
      /* A crashed domain may still have its process. */
      if (virDomainIsActive (domain) == 1 && power_off (domain) < 0)
        return -1;
      return undefine (domain);
    case INN_OPERATION_SAVE:
      return virDomainManagedSave (domain, /* flags= */ 0);
    case INN_OPERATION_DISCARD_SAVED:
      return virDomainManagedSaveRemove (domain, /* flags= */ 0);
    case INN_OPERATION_START_DISPOSABLE: /* these are refused */
    case INN_OPERATION_MAKE_TEMPLATE:
    case INN_OPERATION_MAKE_MACHINE:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
delete_disks (const Request *request, GError **error)
{
  for (guint i = 0; request->made_disks[i] != NULL; i++)
    {
      g_autoptr (GError) problem = NULL;

      if (!inn_disk_volume_delete (request->connection, request->session, request->made_disks[i],
                                   (const char *const *)request->made_bases, &problem))
        {
          g_set_error (error, INN_ERROR, INN_ERROR_FAILED,
                       _ ("The machine is deleted, but its disk “%s” is still there. %s"),
                       request->made_disks[i], problem->message);
          return FALSE;
        }
    }
  if (request->session)
    {
      g_autofree char *log = inn_libvirt_console_log_path (request->uuid);

      g_unlink (log);
    }
  return TRUE;
}

/* Finishes with an InnDomainReading; with NULL when the domain is deleted, or ended while it was
 * read. */
static gpointer
run_work (gpointer task_data, GError **error)
{
  Request *request = task_data;
  g_autoptr (virDomain) domain = find_domain (request, error);

  if (domain == NULL)
    return NULL;
  if (request->operation == INN_OPERATION_START && request->session)
    inn_libvirt_console_make_log_folder ();
  if (act (domain, request->operation) < 0)
    {
      inn_libvirt_take_error (error);
      return NULL;
    }
  if (request->operation == INN_OPERATION_DELETE)
    {
      delete_disks (request, error);
      return NULL;
    }
  return inn_domain_reading_new (domain, NULL);
}

static gboolean
lose_patience (gpointer user_data)
{
  InnLibvirtMachine *self = user_data;

  self->patience = 0;
  self->asked_to_shut_down = FALSE;
  if (inn_machine_get_state (INN_MACHINE (self)) == INN_MACHINE_SHUTTING_DOWN)
    inn_machine_set_state (INN_MACHINE (self), INN_MACHINE_RUNNING,
                           _ ("The guest did not react to the request to shut down."));
  return G_SOURCE_REMOVE;
}

static void
set_asked_to_shut_down (InnLibvirtMachine *self, gboolean asked)
{
  self->asked_to_shut_down = asked;
  g_clear_handle_id (&self->patience, g_source_remove);
  if (asked)
    self->patience = g_timeout_add_seconds (SHUT_DOWN_PATIENCE_SECONDS, lose_patience, self);
}

/* The operation is over, one way or the other: brings the machine up to date. */
static void
settle (InnLibvirtMachine *self, InnOperation operation, InnDomainReading *reading, gboolean done)
{
  InnLibvirtConnection *connection = get_connection (self);

  if (operation == INN_OPERATION_START)
    self->starting = FALSE;
  if (operation == INN_OPERATION_SHUT_DOWN && done)
    set_asked_to_shut_down (self, TRUE);
  if (operation == INN_OPERATION_RESET)
    set_asked_to_shut_down (self, FALSE);

  if (connection == NULL)
    return;
  if (reading != NULL)
    inn_libvirt_machine_apply (self, reading);
  else if (operation == INN_OPERATION_DELETE && done)
    inn_libvirt_connection_remove (connection, INN_MACHINE (self));
  else
    inn_libvirt_connection_refresh (connection, inn_machine_get_id (INN_MACHINE (self)));
}

static void
on_run (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnDomainReading) reading = g_task_propagate_pointer (G_TASK (result), &error);
  Request *request = g_task_get_task_data (G_TASK (result));

  settle (INN_LIBVIRT_MACHINE (source), request->operation, reading, error == NULL);
  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
inn_libvirt_machine_run_async (InnMachine *machine,
                               InnOperation operation,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  InnLibvirtMachine *self = INN_LIBVIRT_MACHINE (machine);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GTask *job = job_new (task, on_run);
  Request *request;

  if (job == NULL)
    return;
  request = g_task_get_task_data (job);
  request->operation = operation;
  request->made_disks = g_strdupv (self->made_disks);
  request->made_bases = g_strdupv (self->made_bases);
  if (operation == INN_OPERATION_START)
    {
      self->starting = TRUE;
      change_state (self, INN_MACHINE_STARTING, NULL);
    }
  push_job (self, job, run_work, (GDestroyNotify)inn_domain_reading_free);
}

static gboolean
inn_libvirt_machine_run_finish (InnMachine *machine, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static const char *
inn_libvirt_machine_get_refusal (InnMachine *machine, InnOperation operation)
{
  InnConnection *connection = inn_machine_get_connection (machine);

  if (connection == NULL || inn_connection_get_state (connection) != INN_CONNECTION_OPEN)
    return _ ("Its place cannot be reached now");
  if (operation == INN_OPERATION_SAVE && !INN_LIBVIRT_MACHINE (machine)->can_save)
    return _ ("Its memory cannot be saved here");
  if (operation == INN_OPERATION_START_DISPOSABLE || operation == INN_OPERATION_MAKE_TEMPLATE
      || operation == INN_OPERATION_MAKE_MACHINE)
    return _ ("Not with machines of libvirt");
  return NULL;
}

/* Consoles. */

static gpointer
open_console_work (gpointer task_data, GError **error)
{
  Request *request = task_data;
  g_autoptr (virDomain) domain = find_domain (request, error);

  if (domain == NULL)
    return NULL;
  return request->console == INN_CONSOLE_SERIAL
             ? inn_libvirt_console_open_serial (domain, request->session, error)
             : inn_libvirt_console_open_screen (domain, request->local, error);
}

/* Gives the caller one end of a socket pair; the connection keeps the other. */
static int
connect_serial (InnLibvirtMachine *self, InnLibvirtConsole *opened, GError **error)
{
  InnLibvirtConnection *connection = get_connection (self);
  g_autoptr (InnLibvirtSerial) serial = NULL;
  int fd = -1;

  if (connection == NULL)
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_UNAVAILABLE,
                           _ ("That machine is no longer there."));
      return -1;
    }
  serial = inn_libvirt_serial_new (g_steal_pointer (&opened->stream), opened->history,
                                   inn_libvirt_connection_get_worker (connection), &fd, error);
  if (serial != NULL)
    inn_libvirt_connection_keep_serial (connection, serial);
  return fd;
}

static void
on_console_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  InnLibvirtConsole *opened = g_task_propagate_pointer (G_TASK (result), &error);
  InnConsoleKind kind = INN_CONSOLE_VNC;
  int fd = -1;

  if (opened != NULL && opened->stream != NULL)
    {
      kind = INN_CONSOLE_SERIAL;
      fd = connect_serial (INN_LIBVIRT_MACHINE (source), opened, &error);
    }
  else if (opened != NULL)
    {
      fd = opened->fd;
      opened->fd = -1;
    }
  g_clear_pointer (&opened, inn_libvirt_console_free);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, inn_console_endpoint_new_stream (kind, fd),
                           (GDestroyNotify)inn_console_endpoint_free);
}

static void
inn_libvirt_machine_open_console_async (InnMachine *machine,
                                        InnConsoleKind kind,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  InnLibvirtMachine *self = INN_LIBVIRT_MACHINE (machine);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GTask *job = job_new (task, on_console_opened);

  if (job == NULL)
    return;
  ((Request *)g_task_get_task_data (job))->console = kind;
  push_job (self, job, open_console_work, (GDestroyNotify)inn_libvirt_console_free);
}

static InnConsoleEndpoint *
inn_libvirt_machine_open_console_finish (InnMachine *machine, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
inn_libvirt_machine_has_console (InnMachine *machine, InnConsoleKind kind)
{
  InnLibvirtMachine *self = INN_LIBVIRT_MACHINE (machine);

  switch (kind)
    {
    case INN_CONSOLE_SERIAL:
      return self->has_serial;
    case INN_CONSOLE_VNC:
      return self->vnc_index >= 0;
    case INN_CONSOLE_SCREEN:
    default:
      return FALSE;
    }
}

static GStrv
inn_libvirt_machine_list_storage (InnMachine *machine)
{
  return g_strdupv (INN_LIBVIRT_MACHINE (machine)->made_disks);
}

static InnHardware *
inn_libvirt_machine_get_hardware (InnMachine *machine)
{
  return INN_LIBVIRT_MACHINE (machine)->hardware;
}

static InnSnapshots *
inn_libvirt_machine_get_snapshots (InnMachine *machine)
{
  return INN_LIBVIRT_MACHINE (machine)->snapshots;
}

static void
inn_libvirt_machine_dispose (GObject *object)
{
  g_clear_handle_id (&INN_LIBVIRT_MACHINE (object)->patience, g_source_remove);

  G_OBJECT_CLASS (inn_libvirt_machine_parent_class)->dispose (object);
}

static void
inn_libvirt_machine_finalize (GObject *object)
{
  g_strfreev (INN_LIBVIRT_MACHINE (object)->made_disks);
  g_strfreev (INN_LIBVIRT_MACHINE (object)->made_bases);
  g_object_unref (INN_LIBVIRT_MACHINE (object)->hardware);
  g_object_unref (INN_LIBVIRT_MACHINE (object)->snapshots);

  G_OBJECT_CLASS (inn_libvirt_machine_parent_class)->finalize (object);
}

static void
inn_libvirt_machine_class_init (InnLibvirtMachineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  InnMachineClass *machine_class = INN_MACHINE_CLASS (klass);

  object_class->dispose = inn_libvirt_machine_dispose;
  object_class->finalize = inn_libvirt_machine_finalize;
  machine_class->run_async = inn_libvirt_machine_run_async;
  machine_class->run_finish = inn_libvirt_machine_run_finish;
  machine_class->get_refusal = inn_libvirt_machine_get_refusal;
  machine_class->has_console = inn_libvirt_machine_has_console;
  machine_class->open_console_async = inn_libvirt_machine_open_console_async;
  machine_class->open_console_finish = inn_libvirt_machine_open_console_finish;
  machine_class->list_storage = inn_libvirt_machine_list_storage;
  machine_class->get_hardware = inn_libvirt_machine_get_hardware;
  machine_class->get_snapshots = inn_libvirt_machine_get_snapshots;
}

static void
inn_libvirt_machine_init (InnLibvirtMachine *self)
{
  self->made_disks = g_new0 (char *, 1);
  self->made_bases = g_new0 (char *, 1);
  self->hardware = inn_libvirt_hardware_new ();
  self->snapshots = inn_libvirt_snapshots_new (INN_MACHINE (self));
}

/* The state shown: libvirt does not know that a start is about to happen, nor that a guest has been
 * asked to shut down. */
static void
apply_state (InnLibvirtMachine *self, InnMachineState state, const char *text, gboolean emulated)
{
  if (self->starting && !inn_machine_state_is_active (state))
    return;
  if (state != INN_MACHINE_RUNNING && self->asked_to_shut_down)
    set_asked_to_shut_down (self, FALSE);
  if (self->asked_to_shut_down)
    state = INN_MACHINE_SHUTTING_DOWN;
  if (text == NULL && emulated && inn_machine_state_is_active (state))
    text = _ ("Runs in software emulation");
  change_state (self, state, text);
}

void
inn_libvirt_machine_apply (InnLibvirtMachine *self, InnDomainReading *reading)
{
  InnMachine *machine = INN_MACHINE (self);
  InnDomainDescription *description = reading->description;

  if (reading->stamp <= self->stamp)
    return;

  self->vnc_index = description->vnc_index;
  self->has_serial = description->has_serial;
  g_strfreev (self->made_disks);
  self->made_disks = g_strdupv (description->made_disks);
  g_strfreev (self->made_bases);
  self->made_bases = g_strdupv (description->made_bases);
  self->can_save = reading->can_save;
  inn_machine_set_name (machine, description->name);
  inn_machine_set_shape (machine, description->vcpus, description->memory);
  inn_machine_set_emulated (machine, description->emulated);
  inn_hardware_update (self->hardware, g_steal_pointer (&description->devices), NULL);
  apply_state (self, reading->state, reading->status_text, description->emulated);
  inn_libvirt_snapshots_apply (INN_LIBVIRT_SNAPSHOTS (self->snapshots), reading);
  self->stamp = reading->stamp;
}

gboolean
inn_libvirt_machine_is_newer (InnLibvirtMachine *self, guint64 stamp)
{
  return self->stamp > stamp;
}

InnLibvirtMachine *
inn_libvirt_machine_new (InnDomainReading *reading)
{
  InnLibvirtMachine *self
      = g_object_new (INN_TYPE_LIBVIRT_MACHINE, "id", reading->description->uuid, "name",
                      reading->description->name, NULL);

  inn_libvirt_machine_apply (self, reading);
  return self;
}
