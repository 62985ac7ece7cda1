/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Life of a connection: a worker opens the handle and reads everything, on_opened() takes that
 * over; then libvirt's events and a timer ask for single readings.
 */
#include "model/libvirt/libvirt-connection.h"

#include <signal.h>
#include <unistd.h>

#include <glib/gi18n.h>
#include <libvirt-glib/libvirt-glib.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>

#include "model/error.h"
#include "model/libvirt/libvirt-connection-private.h"
#include "model/libvirt/libvirt-creation.h"
#include "model/libvirt/libvirt-handle.h"
#include "model/libvirt/libvirt-machine.h"
#include "model/libvirt/libvirt-sampler.h"
#include "model/libvirt/libvirt-uri.h"
#include "model/libvirt/libvirt-watch.h"

#define POLL_INTERVAL_SECONDS 5
#define SYSTEM_SOCKET         "/run/libvirt/libvirt-sock"
#define SYSTEM_QEMU_SOCKET    "/run/libvirt/virtqemud-sock"

static const guint retry_seconds[] = { 1, 2, 5, 10, 30 };

struct _InnLibvirtConnection
{
  InnConnection parent_instance;

  char *uri;
  gboolean kvm_works;
  InnLibvirtWorker *worker;
  GPtrArray *serials;
  GHashTable *removed; /* UUID of a machine that is gone: stamp of that */

  InnLibvirtLink *link;     /* of the handle, also of one that is being opened */
  InnLibvirtHandle *handle; /* NULL unless open */

  guint retry;
  guint n_retries;
  guint poll;
  InnLibvirtSampler *sampler;
  InnLibvirtWatch *watch;
};

enum
{
  PROP_0,
  PROP_URI,
  PROP_KVM_WORKS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (InnLibvirtConnection, inn_libvirt_connection, INN_TYPE_CONNECTION)

static void inn_libvirt_connection_open (InnConnection *connection);

/* Closing. */

static gpointer
close_work (gpointer handle, GError **error)
{
  inn_libvirt_handle_close (handle);
  return NULL;
}

/* Takes it over. */
static void
push_close (InnLibvirtConnection *self, InnLibvirtHandle *handle)
{
  GTask *task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, handle, NULL);
  inn_libvirt_worker_push (self->worker, task, close_work, NULL);
}

/* Whatever is under way for the handle finds its link cut when it comes back. */
static void
drop_handle (InnLibvirtConnection *self)
{
  if (self->link != NULL)
    inn_libvirt_link_cut (self->link);
  g_clear_pointer (&self->link, inn_libvirt_link_unref);
  g_clear_handle_id (&self->retry, g_source_remove);
  g_clear_handle_id (&self->poll, g_source_remove);
  inn_libvirt_sampler_stop (self->sampler);
  inn_libvirt_watch_stop (self->watch);
  while (self->serials->len > 0)
    inn_libvirt_serial_close (g_ptr_array_index (self->serials, 0));
  if (self->handle != NULL)
    push_close (self, g_steal_pointer (&self->handle));
}

static InnLibvirtMachine *
get_machine (InnLibvirtConnection *self, guint index)
{
  InnLibvirtMachine *machine = g_list_model_get_item (G_LIST_MODEL (self), index);

  /* The list keeps it. */
  g_object_unref (machine);
  return machine;
}

static guint
get_n_machines (InnLibvirtConnection *self)
{
  return g_list_model_get_n_items (G_LIST_MODEL (self));
}

static void
inn_libvirt_connection_close (InnConnection *connection)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (connection);

  drop_handle (self);
  self->n_retries = 0;
  while (get_n_machines (self) > 0)
    inn_connection_remove_machine (connection, INN_MACHINE (get_machine (self, 0)));
  inn_connection_set_state (connection, INN_CONNECTION_CLOSED, NULL);
}

static gboolean
on_retry (gpointer user_data)
{
  InnLibvirtConnection *self = user_data;

  self->retry = 0;
  inn_libvirt_connection_open (INN_CONNECTION (self));
  return G_SOURCE_REMOVE;
}

static void
schedule_retry (InnLibvirtConnection *self)
{
  guint delay = retry_seconds[MIN (self->n_retries, G_N_ELEMENTS (retry_seconds) - 1)];

  self->n_retries++;
  g_clear_handle_id (&self->retry, g_source_remove);
  self->retry = g_timeout_add_seconds (delay, on_retry, self);
}

/* The machines stay as they were last seen. */
static void
on_lost (gpointer user_data)
{
  InnLibvirtConnection *self = user_data;
  gint64 now = g_get_monotonic_time ();

  drop_handle (self);
  for (guint i = 0; i < get_n_machines (self); i++)
    inn_metrics_push_gap (inn_machine_get_metrics (INN_MACHINE (get_machine (self, i))), now);
  inn_connection_set_state (INN_CONNECTION (self), INN_CONNECTION_BROKEN,
                            _ ("The libvirt daemon has gone away. Its machines run on."));
  schedule_retry (self);
}

/* Readings. */

void
inn_libvirt_connection_remove (InnLibvirtConnection *self, InnMachine *machine)
{
  guint64 *stamp = g_new (guint64, 1);

  *stamp = inn_domain_reading_next_stamp ();
  g_hash_table_insert (self->removed, g_strdup (inn_machine_get_id (machine)), stamp);
  inn_connection_remove_machine (INN_CONNECTION (self), machine);
}

/* Whether it was read before the machine was found to be gone. */
static gboolean
is_outdated (InnLibvirtConnection *self, const InnDomainReading *reading)
{
  const guint64 *stamp = g_hash_table_lookup (self->removed, reading->description->uuid);

  return stamp != NULL && reading->stamp < *stamp;
}

/* Returns the machine, which the connection owns; NULL when it is gone since. */
static InnMachine *
take_reading (InnLibvirtConnection *self, InnDomainReading *reading)
{
  InnConnection *connection = INN_CONNECTION (self);
  InnMachine *machine = inn_connection_find (connection, reading->description->uuid);

  if (machine != NULL)
    inn_libvirt_machine_apply (INN_LIBVIRT_MACHINE (machine), reading);
  else if (!is_outdated (self, reading))
    {
      g_autoptr (InnLibvirtMachine) added = inn_libvirt_machine_new (reading);

      machine = INN_MACHINE (added);
      inn_connection_add_machine (connection, machine);
    }
  inn_libvirt_sampler_update (self->sampler);
  return machine;
}

static gboolean
is_listed (GPtrArray *readings, InnMachine *machine)
{
  for (guint i = 0; i < readings->len; i++)
    {
      const InnDomainReading *reading = g_ptr_array_index (readings, i);

      if (g_str_equal (reading->description->uuid, inn_machine_get_id (machine)))
        return TRUE;
    }
  return FALSE;
}

/* All machines, as of @stamp. */
static void
take_list (InnLibvirtConnection *self, GPtrArray *readings, guint64 stamp)
{
  for (guint i = get_n_machines (self); i > 0; i--)
    {
      InnLibvirtMachine *machine = get_machine (self, i - 1);

      if (!is_listed (readings, INN_MACHINE (machine))
          && !inn_libvirt_machine_is_newer (machine, stamp))
        inn_libvirt_connection_remove (self, INN_MACHINE (machine));
    }
  for (guint i = 0; i < readings->len; i++)
    take_reading (self, g_ptr_array_index (readings, i));
  inn_libvirt_sampler_update (self->sampler);
}

typedef struct
{
  virConnectPtr connection;
  InnLibvirtLink *link;
  guint64 stamp;
  char *uuid;
  gboolean gone;
} Query;

static void
query_free (gpointer data)
{
  Query *query = data;

  virConnectClose (query->connection);
  inn_libvirt_link_unref (query->link);
  g_free (query->uuid);
  g_free (query);
}

static GTask *
query_new (InnLibvirtConnection *self, const char *uuid, GAsyncReadyCallback callback)
{
  Query *query = g_new0 (Query, 1);
  GTask *task = g_task_new (self, NULL, callback, NULL);

  query->connection = inn_libvirt_connection_ref_handle (self, NULL);
  query->link = inn_libvirt_link_ref (self->link);
  query->stamp = inn_domain_reading_next_stamp ();
  query->uuid = g_strdup (uuid);
  g_task_set_task_data (task, query, query_free);
  return task;
}

static gpointer
refresh_work (gpointer task_data, GError **error)
{
  Query *query = task_data;

  return inn_domain_reading_lookup (query->connection, query->uuid, &query->gone, error);
}

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (source);
  Query *query = g_task_get_task_data (G_TASK (result));
  g_autoptr (InnDomainReading) reading = g_task_propagate_pointer (G_TASK (result), NULL);
  InnMachine *machine;

  if (inn_libvirt_link_is_cut (query->link))
    return;
  if (reading != NULL)
    {
      take_reading (self, reading);
      return;
    }
  machine = inn_connection_find (INN_CONNECTION (self), query->uuid);
  if (query->gone && machine != NULL)
    inn_libvirt_connection_remove (self, machine);
  inn_libvirt_sampler_update (self->sampler);
}

void
inn_libvirt_connection_refresh (InnLibvirtConnection *self, const char *uuid)
{
  g_return_if_fail (INN_IS_LIBVIRT_CONNECTION (self) && uuid != NULL);

  if (self->handle != NULL)
    inn_libvirt_worker_push (self->worker, query_new (self, uuid, on_refreshed), refresh_work,
                             (GDestroyNotify)inn_domain_reading_free);
}

static gpointer
list_work (gpointer task_data, GError **error)
{
  return inn_domain_reading_list (((Query *)task_data)->connection, error);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (source);
  Query *query = g_task_get_task_data (G_TASK (result));
  g_autoptr (GPtrArray) readings = g_task_propagate_pointer (G_TASK (result), NULL);

  if (!inn_libvirt_link_is_cut (query->link) && readings != NULL)
    take_list (self, readings, query->stamp);
}

/* For drivers without events. */
static gboolean
on_poll (gpointer user_data)
{
  InnLibvirtConnection *self = user_data;

  inn_libvirt_worker_push (self->worker, query_new (self, NULL, on_listed), list_work,
                           (GDestroyNotify)g_ptr_array_unref);
  return G_SOURCE_CONTINUE;
}

/* Opening. */

typedef struct
{
  char *uri;
  InnLibvirtLink *link;
} OpenRequest;

static void
open_request_free (gpointer data)
{
  OpenRequest *request = data;

  g_free (request->uri);
  inn_libvirt_link_unref (request->link);
  g_free (request);
}

static gpointer
open_work (gpointer task_data, GError **error)
{
  OpenRequest *request = task_data;

  return inn_libvirt_handle_open (request->uri, request->link, error);
}

static gboolean
has_qemu (InnLibvirtConnection *self)
{
  return self->handle != NULL && self->handle->facts.qemu;
}

/* Whether new machines run under KVM. */
static gboolean
makes_kvm (InnLibvirtConnection *self)
{
  return self->handle != NULL && self->handle->facts.kvm && self->kvm_works;
}

static void
update_speed (InnLibvirtConnection *self)
{
  InnConnection *connection = INN_CONNECTION (self);

  if (!has_qemu (self))
    inn_connection_set_speed (connection, INN_SPEED_NONE, _ ("New machines cannot be made here."));
  else if (makes_kvm (self))
    inn_connection_set_speed (connection, INN_SPEED_FULL,
                              _ ("KVM works: guests run at full speed."));
  else
    inn_connection_set_speed (
        connection, INN_SPEED_EMULATED,
        _ ("Software emulation: guests run slowly, because KVM cannot be used here."));
}

static void
take_handle (InnLibvirtConnection *self, InnLibvirtHandle *handle)
{
  const char *message = NULL;

  self->handle = handle;
  self->n_retries = 0;
  if (handle->event_id < 0)
    self->poll = g_timeout_add_seconds (POLL_INTERVAL_SECONDS, on_poll, self);
  else
    inn_libvirt_watch_start (self->watch);
  take_list (self, handle->readings, handle->stamp);
  g_clear_pointer (&handle->readings, g_ptr_array_unref);
  update_speed (self);
  if (handle->own_daemon)
    message
        = _ ("Innkeeper uses a libvirt daemon of its own here, because libvirt has no session for "
             "the administrator. It ends by itself when no machine runs.");
  inn_connection_set_state (INN_CONNECTION (self), INN_CONNECTION_OPEN, message);
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (source);
  OpenRequest *request = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  InnLibvirtHandle *handle = g_task_propagate_pointer (G_TASK (result), &error);

  if (inn_libvirt_link_is_cut (request->link))
    {
      /* It was closed meanwhile. */
      if (handle != NULL)
        push_close (self, handle);
    }
  else if (handle != NULL)
    take_handle (self, handle);
  else
    {
      inn_connection_set_state (INN_CONNECTION (self), INN_CONNECTION_BROKEN, error->message);
      if (self->n_retries > 0)
        schedule_retry (self);
    }
}

static void
on_domain_changed (gpointer owner, const char *uuid)
{
  inn_libvirt_connection_refresh (owner, uuid);
}

static void
inn_libvirt_connection_open (InnConnection *connection)
{
  static const InnLibvirtListener listener = { on_domain_changed, on_lost };
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (connection);
  InnConnectionState state = inn_connection_get_state (connection);
  OpenRequest *request;
  GTask *task;

  if (state == INN_CONNECTION_OPEN || state == INN_CONNECTION_OPENING)
    return;

  drop_handle (self);
  inn_connection_set_state (connection, INN_CONNECTION_OPENING, NULL);
  self->link = inn_libvirt_link_new (G_OBJECT (self), &listener);
  request = g_new (OpenRequest, 1);
  request->uri = g_strdup (self->uri);
  request->link = inn_libvirt_link_ref (self->link);
  task = g_task_new (self, NULL, on_opened, NULL);
  g_task_set_task_data (task, request, open_request_free);
  inn_libvirt_worker_push (self->worker, task, open_work, NULL);
}

/* Making machines. */

static gpointer
create_work (gpointer task_data, GError **error)
{
  return inn_libvirt_creation_run (task_data, error);
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (source);
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (InnDomainReading) reading = g_task_propagate_pointer (G_TASK (result), &error);

  if (reading != NULL && self->handle != NULL)
    g_task_return_pointer (task, g_object_ref (take_reading (self, reading)), g_object_unref);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_new_error (task, INN_ERROR, INN_ERROR_UNAVAILABLE,
                             _ ("The machine was made, but its place cannot be reached now."));
}

static void
inn_libvirt_connection_create_async (InnConnection *connection,
                                     const InnNewMachine *machine,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (connection);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  const char *refusal = inn_connection_get_medium_refusal (connection, machine->medium);
  InnLibvirtCreation *creation;
  GTask *job;

  g_task_set_check_cancellable (task, FALSE);
  if (refusal != NULL)
    {
      g_task_return_new_error (task, INN_ERROR,
                               self->handle == NULL ? INN_ERROR_UNAVAILABLE
                                                    : INN_ERROR_NOT_SUPPORTED,
                               "%s.", refusal);
      return;
    }
  creation = inn_libvirt_creation_new (inn_libvirt_connection_ref_handle (self, NULL),
                                       inn_libvirt_connection_is_session (self), makes_kvm (self),
                                       machine);
  job = g_task_new (self, cancellable, on_created, g_steal_pointer (&task));
  g_task_set_task_data (job, creation, (GDestroyNotify)inn_libvirt_creation_free);
  inn_libvirt_worker_push (self->worker, job, create_work, (GDestroyNotify)inn_domain_reading_free);
}

static InnMachine *
inn_libvirt_connection_create_finish (InnConnection *connection,
                                      GAsyncResult *result,
                                      GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static const char *
inn_libvirt_connection_get_medium_refusal (InnConnection *connection, InnMediumKind medium)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (connection);

  if (self->handle == NULL)
    return _ ("This place cannot be reached now");
  if (!has_qemu (self))
    return _ ("New machines cannot be made here");
  if (medium == INN_MEDIUM_FOREIGN)
    return _ ("Convert it to qcow2 first to run it here");
  return NULL;
}

/* The object. */

static void
inn_libvirt_connection_dispose (GObject *object)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (object);

  drop_handle (self);

  G_OBJECT_CLASS (inn_libvirt_connection_parent_class)->dispose (object);
}

static void
inn_libvirt_connection_finalize (GObject *object)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (object);

  g_free (self->uri);
  g_ptr_array_unref (self->serials);
  g_hash_table_unref (self->removed);
  inn_libvirt_sampler_free (self->sampler);
  inn_libvirt_watch_free (self->watch);
  inn_libvirt_worker_free (self->worker);

  G_OBJECT_CLASS (inn_libvirt_connection_parent_class)->finalize (object);
}

static void
inn_libvirt_connection_get_property (GObject *object,
                                     guint property_id,
                                     GValue *value,
                                     GParamSpec *pspec)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (object);

  switch (property_id)
    {
    case PROP_URI:
      g_value_set_string (value, self->uri);
      break;
    case PROP_KVM_WORKS:
      g_value_set_boolean (value, self->kvm_works);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
inn_libvirt_connection_set_property (GObject *object,
                                     guint property_id,
                                     const GValue *value,
                                     GParamSpec *pspec)
{
  InnLibvirtConnection *self = INN_LIBVIRT_CONNECTION (object);

  switch (property_id)
    {
    case PROP_URI:
      self->uri = g_value_dup_string (value);
      break;
    case PROP_KVM_WORKS:
      self->kvm_works = g_value_get_boolean (value);
      if (self->handle != NULL)
        update_speed (self);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

/* libvirt would print every error, also those that are answers. */
static void
be_silent (void *user_data, virErrorPtr error)
{
}

static void
inn_libvirt_connection_class_init (InnLibvirtConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  InnConnectionClass *connection_class = INN_CONNECTION_CLASS (klass);

  object_class->dispose = inn_libvirt_connection_dispose;
  object_class->finalize = inn_libvirt_connection_finalize;
  object_class->get_property = inn_libvirt_connection_get_property;
  object_class->set_property = inn_libvirt_connection_set_property;
  connection_class->open = inn_libvirt_connection_open;
  connection_class->close = inn_libvirt_connection_close;
  connection_class->create_async = inn_libvirt_connection_create_async;
  connection_class->create_finish = inn_libvirt_connection_create_finish;
  connection_class->get_medium_refusal = inn_libvirt_connection_get_medium_refusal;

  properties[PROP_URI]
      = g_param_spec_string ("uri", NULL, NULL, NULL,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  properties[PROP_KVM_WORKS] = g_param_spec_boolean ("kvm-works", NULL, NULL, FALSE,
                                                     G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  /* libvirt writes to sockets without MSG_NOSIGNAL: a daemon that dies would take us with it. */
  signal (SIGPIPE, SIG_IGN);
  /* Before threads use them; libvirt's events then come from GLib's default main context. */
  xmlInitParser ();
  virInitialize ();
  virSetErrorFunc (NULL, be_silent);
  gvir_event_register ();
}

static void
inn_libvirt_connection_init (InnLibvirtConnection *self)
{
  self->worker = inn_libvirt_worker_new ();
  self->sampler = inn_libvirt_sampler_new (self);
  self->watch = inn_libvirt_watch_new (self);
  self->serials = g_ptr_array_new_with_free_func (g_object_unref);
  self->removed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

InnConnection *
inn_libvirt_connection_new (const char *uri, const char *title, gboolean kvm_works)
{
  g_return_val_if_fail (uri != NULL && title != NULL, NULL);

  return g_object_new (INN_TYPE_LIBVIRT_CONNECTION, "uri", uri, "title", title, "technique",
                       inn_libvirt_uri_get_technique (uri), "kvm-works", kvm_works, NULL);
}

gboolean
inn_libvirt_has_system (void)
{
  return access (SYSTEM_QEMU_SOCKET, R_OK | W_OK) == 0 || access (SYSTEM_SOCKET, R_OK | W_OK) == 0;
}

virConnectPtr
inn_libvirt_connection_ref_handle (InnLibvirtConnection *self, GError **error)
{
  g_return_val_if_fail (INN_IS_LIBVIRT_CONNECTION (self), NULL);

  if (self->handle == NULL)
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_UNAVAILABLE,
                           _ ("This place cannot be reached now. Its machines run on."));
      return NULL;
    }
  virConnectRef (self->handle->connection);
  return self->handle->connection;
}

InnLibvirtWorker *
inn_libvirt_connection_get_worker (InnLibvirtConnection *self)
{
  g_return_val_if_fail (INN_IS_LIBVIRT_CONNECTION (self), NULL);

  return self->worker;
}

gboolean
inn_libvirt_connection_is_local (InnLibvirtConnection *self)
{
  g_return_val_if_fail (INN_IS_LIBVIRT_CONNECTION (self), FALSE);

  return inn_libvirt_uri_is_local (self->uri);
}

gboolean
inn_libvirt_connection_is_session (InnLibvirtConnection *self)
{
  g_return_val_if_fail (INN_IS_LIBVIRT_CONNECTION (self), FALSE);

  return inn_libvirt_uri_is_session (self->uri);
}

void
inn_libvirt_connection_keep_serial (InnLibvirtConnection *self, InnLibvirtSerial *serial)
{
  g_return_if_fail (INN_IS_LIBVIRT_CONNECTION (self) && INN_IS_LIBVIRT_SERIAL (serial));

  g_ptr_array_add (self->serials, g_object_ref (serial));
  g_signal_connect_swapped (serial, "closed", G_CALLBACK (g_ptr_array_remove_fast), self->serials);
}
