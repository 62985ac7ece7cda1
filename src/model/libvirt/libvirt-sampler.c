/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/libvirt-sampler.h"

#include "model/error.h"
#include "model/libvirt/libvirt-connection-private.h"
#include "model/libvirt/libvirt-metrics.h"

#define INTERVAL_SECONDS 1

struct _InnLibvirtSampler
{
  InnLibvirtConnection *connection; /* the owner */
  guint timer;
  gboolean busy;        /* a reading is under way */
  gboolean unsupported; /* the driver has no statistics */
};

InnLibvirtSampler *
inn_libvirt_sampler_new (InnLibvirtConnection *connection)
{
  InnLibvirtSampler *self = g_new0 (InnLibvirtSampler, 1);

  self->connection = connection;
  return self;
}

void
inn_libvirt_sampler_free (InnLibvirtSampler *self)
{
  inn_libvirt_sampler_stop (self);
  g_free (self);
}

static void
close_connection (gpointer connection)
{
  virConnectClose (connection);
}

static gpointer
sample_work (gpointer connection, GError **error)
{
  return inn_libvirt_sample (connection, error);
}

/* The task has kept the connection, and so the sampler, alive. */
static void
on_sampled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnLibvirtSampler *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) samples = g_task_propagate_pointer (G_TASK (result), &error);

  self->busy = FALSE;
  for (guint i = 0; samples != NULL && i < samples->len; i++)
    {
      const InnLibvirtSample *sample = g_ptr_array_index (samples, i);
      InnMachine *machine = inn_connection_find (INN_CONNECTION (source), sample->uuid);

      if (machine != NULL && inn_machine_state_is_active (inn_machine_get_state (machine)))
        inn_metrics_push (inn_machine_get_metrics (machine), &sample->counters);
    }
  if (g_error_matches (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED))
    {
      self->unsupported = TRUE;
      inn_libvirt_sampler_stop (self);
    }
}

static gboolean
on_timer (gpointer user_data)
{
  InnLibvirtSampler *self = user_data;
  virConnectPtr connection;
  GTask *task;

  if (self->busy)
    return G_SOURCE_CONTINUE;
  connection = inn_libvirt_connection_ref_handle (self->connection, NULL);
  if (connection == NULL)
    return G_SOURCE_CONTINUE;

  self->busy = TRUE;
  task = g_task_new (self->connection, NULL, on_sampled, self);
  g_task_set_task_data (task, connection, close_connection);
  inn_libvirt_worker_push (inn_libvirt_connection_get_worker (self->connection), task, sample_work,
                           (GDestroyNotify)g_ptr_array_unref);
  return G_SOURCE_CONTINUE;
}

static gboolean
has_guest (InnLibvirtSampler *self)
{
  GListModel *machines = G_LIST_MODEL (self->connection);
  guint n = g_list_model_get_n_items (machines);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (InnMachine) machine = g_list_model_get_item (machines, i);

      if (inn_machine_state_is_active (inn_machine_get_state (machine)))
        return TRUE;
    }
  return FALSE;
}

void
inn_libvirt_sampler_update (InnLibvirtSampler *self)
{
  if (self->unsupported || !has_guest (self))
    inn_libvirt_sampler_stop (self);
  else if (self->timer == 0)
    self->timer = g_timeout_add_seconds (INTERVAL_SECONDS, on_timer, self);
}

void
inn_libvirt_sampler_stop (InnLibvirtSampler *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
}
