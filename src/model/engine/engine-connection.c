/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This computer, with the machines of our own engine. It is open once it is known what this
 * computer can run and what each machine does.
 */
#include "model/engine/engine-connection.h"

#include <glib/gi18n.h>

#include "model/engine/engine-error-map.h"
#include "model/engine/engine-machine.h"
#include "model/error.h"

struct _InnEngineConnection
{
  InnConnection parent_instance;

  InnEngine *engine;
  GPtrArray *machines;    /* of InnEngineMachine, as the engine's list */
  GCancellable *checking; /* while the host check runs */
  gboolean engine_open;
};

G_DEFINE_FINAL_TYPE (InnEngineConnection, inn_engine_connection, INN_TYPE_CONNECTION)

static gboolean
is_settled (InnEngineConnection *self)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->engine)); i++)
    {
      g_autoptr (InnGuest) guest = g_list_model_get_item (G_LIST_MODEL (self->engine), i);

      if (!inn_guest_is_settled (guest))
        return FALSE;
    }

  return TRUE;
}

static void
check_opened (InnEngineConnection *self)
{
  InnConnection *connection = INN_CONNECTION (self);

  if (inn_connection_get_state (connection) == INN_CONNECTION_OPENING && self->checking == NULL
      && is_settled (self))
    inn_connection_set_state (connection, INN_CONNECTION_OPEN, NULL);
}

static void
on_engine_changed (InnEngineConnection *self, guint position, guint removed, guint added)
{
  for (guint i = 0; i < removed; i++)
    {
      g_autoptr (InnMachine) machine = g_ptr_array_steal_index (self->machines, position);

      inn_connection_remove_machine (INN_CONNECTION (self), machine);
    }
  for (guint i = 0; i < added; i++)
    {
      g_autoptr (InnGuest) guest
          = g_list_model_get_item (G_LIST_MODEL (self->engine), position + i);
      InnEngineMachine *machine = inn_engine_machine_new (self->engine, guest);

      g_signal_connect_object (guest, "notify::settled", G_CALLBACK (check_opened), self,
                               G_CONNECT_SWAPPED);
      g_ptr_array_insert (self->machines, (int)(position + i), machine);
      inn_connection_add_machine (INN_CONNECTION (self), INN_MACHINE (machine));
    }
  check_opened (self);
}

static void
check_host (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  InnHostFacts *facts = g_new0 (InnHostFacts, 1);

  inn_host_facts_gather (facts);
  g_task_return_pointer (task, facts, NULL);
}

/* Where KVM emulates, what needs no kernel of its own still runs. */
static InnSpeed
speed_of (InnHostVerdict verdict)
{
  if (verdict == INN_HOST_GOOD)
    return INN_SPEED_FULL;

  return verdict == INN_HOST_EMULATES ? INN_SPEED_PARTIAL : INN_SPEED_NONE;
}

static void
on_host_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnEngineConnection *self = INN_ENGINE_CONNECTION (source);
  g_autofree InnHostFacts *facts = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autofree char *sentence = inn_host_check_describe (facts);

  if (g_task_get_cancellable (G_TASK (result)) == self->checking) /* not closed meanwhile */
    {
      g_clear_object (&self->checking);
      inn_connection_set_speed (INN_CONNECTION (self), speed_of (inn_host_check_judge (facts)),
                                sentence);
      check_opened (self);
    }
  inn_host_facts_clear (facts);
}

static void
inn_engine_connection_open (InnConnection *connection)
{
  InnEngineConnection *self = INN_ENGINE_CONNECTION (connection);
  const InnConnectionState state = inn_connection_get_state (connection);
  g_autoptr (GError) error = NULL;
  g_autoptr (GTask) task = NULL;

  if (state == INN_CONNECTION_OPENING || state == INN_CONNECTION_OPEN)
    return;

  self->checking = g_cancellable_new ();
  inn_connection_set_state (connection, INN_CONNECTION_OPENING, NULL);
  self->engine_open = inn_engine_open (self->engine, &error);
  if (!self->engine_open)
    {
      g_clear_object (&self->checking);
      inn_connection_set_state (connection, INN_CONNECTION_BROKEN, error->message);
      return;
    }

  task = g_task_new (self, self->checking, on_host_checked, NULL);
  g_task_set_check_cancellable (task, FALSE);
  g_task_run_in_thread (task, check_host);
}

static void
inn_engine_connection_close (InnConnection *connection)
{
  InnEngineConnection *self = INN_ENGINE_CONNECTION (connection);

  g_clear_object (&self->checking);
  inn_connection_set_state (connection, INN_CONNECTION_CLOSED, NULL);
  if (self->engine_open)
    inn_engine_close (self->engine);
  self->engine_open = FALSE;
}

static const char *
inn_engine_connection_get_medium_refusal (InnConnection *connection, InnMediumKind medium)
{
  if (inn_connection_get_state (connection) != INN_CONNECTION_OPEN)
    return _ ("This computer's machines are not read yet");
  switch (medium)
    {
    case INN_MEDIUM_NONE:
    case INN_MEDIUM_N:
      return _ ("A machine needs something to start from");
    case INN_MEDIUM_ISO:
    case INN_MEDIUM_KERNEL:
    case INN_MEDIUM_DISK:
    case INN_MEDIUM_QCOW2:
    case INN_MEDIUM_FOREIGN:
    case INN_MEDIUM_NETWORK:
    default:
      return NULL;
    }
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnConnection *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (InnGuest) guest = inn_engine_create_finish (INN_ENGINE (source), result, &error);
  InnMachine *machine = NULL;

  if (guest != NULL)
    machine = inn_connection_find (self, inn_guest_get_uuid (guest));
  if (machine != NULL)
    g_task_return_pointer (task, g_object_ref (machine), g_object_unref);
  else if (error != NULL)
    g_task_return_error (task, inn_engine_error_map (g_steal_pointer (&error)));
  else
    g_task_return_new_error (task, INN_ERROR, INN_ERROR_UNAVAILABLE,
                             _ ("The machine was made, but this place has been closed since."));
}

/* Whether the machine can be made here; else @task has its error. */
static gboolean
check_creation (InnEngineConnection *self, const InnNewMachine *machine, GTask *task)
{
  const char *refusal
      = inn_engine_connection_get_medium_refusal (INN_CONNECTION (self), machine->medium);

  if (refusal == NULL)
    return TRUE;

  if (inn_connection_get_state (INN_CONNECTION (self)) != INN_CONNECTION_OPEN)
    g_task_return_new_error (task, INN_ERROR, INN_ERROR_UNAVAILABLE,
                             _ ("“%s” was not made: this computer's machines have not been read "
                                "yet. Try again in a moment."),
                             machine->name);
  else
    g_task_return_new_error (task, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                             _ ("“%s” was not made here. %s. Make it in QEMU instead."),
                             machine->name, refusal);
  return FALSE;
}

static InnFirmware
map_firmware (const InnNewMachine *machine)
{
  if (machine->medium == INN_MEDIUM_KERNEL)
    return INN_FIRMWARE_NONE;

  return machine->firmware == INN_MACHINE_FIRMWARE_UEFI ? INN_FIRMWARE_UEFI : INN_FIRMWARE_BIOS;
}

static void
inn_engine_connection_create_async (InnConnection *connection,
                                    const InnNewMachine *machine,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  InnEngineConnection *self = INN_ENGINE_CONNECTION (connection);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  const InnMediumKind medium = machine->medium;
  const InnNewGuest guest = {
    .name = machine->name,
    .memory = machine->memory,
    .vcpus = machine->vcpus,
    .firmware = map_firmware (machine),
    .kernel = medium == INN_MEDIUM_KERNEL ? machine->medium_path : NULL,
    .initrd = medium == INN_MEDIUM_KERNEL ? machine->initrd_path : NULL,
    .cmdline = medium == INN_MEDIUM_KERNEL ? machine->cmdline : NULL,
    .cdrom = medium == INN_MEDIUM_ISO ? machine->medium_path : NULL,
    .import = inn_medium_kind_is_disk (medium) ? machine->medium_path : NULL,
    .progress = machine->progress,
    .progress_data = machine->progress_data,
    .disk_sizes = &machine->disk_size,
    .n_disks = machine->disk_size > 0 ? 1 : 0,
    .network_boot = medium == INN_MEDIUM_NETWORK,
  };

  if (check_creation (self, machine, task))
    inn_engine_create_async (self->engine, &guest, cancellable, on_created,
                             g_steal_pointer (&task));
}

static InnMachine *
inn_engine_connection_create_finish (InnConnection *connection,
                                     GAsyncResult *result,
                                     GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, connection), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
inn_engine_connection_dispose (GObject *object)
{
  InnEngineConnection *self = INN_ENGINE_CONNECTION (object);

  if (self->engine_open)
    inn_engine_connection_close (INN_CONNECTION (self));
  g_clear_object (&self->engine);

  G_OBJECT_CLASS (inn_engine_connection_parent_class)->dispose (object);
}

static void
inn_engine_connection_finalize (GObject *object)
{
  g_ptr_array_unref (INN_ENGINE_CONNECTION (object)->machines);

  G_OBJECT_CLASS (inn_engine_connection_parent_class)->finalize (object);
}

static void
inn_engine_connection_class_init (InnEngineConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  InnConnectionClass *connection_class = INN_CONNECTION_CLASS (klass);

  object_class->dispose = inn_engine_connection_dispose;
  object_class->finalize = inn_engine_connection_finalize;

  connection_class->open = inn_engine_connection_open;
  connection_class->close = inn_engine_connection_close;
  connection_class->create_async = inn_engine_connection_create_async;
  connection_class->create_finish = inn_engine_connection_create_finish;
  connection_class->get_medium_refusal = inn_engine_connection_get_medium_refusal;
}

static void
inn_engine_connection_init (InnEngineConnection *self)
{
  self->machines = g_ptr_array_new_with_free_func (g_object_unref);
}

InnConnection *
inn_engine_connection_new (InnEngine *engine)
{
  InnEngineConnection *self = g_object_new (INN_TYPE_ENGINE_CONNECTION, "title",
                                            _ ("This computer"), "technique", "KVM", NULL);

  self->engine = g_object_ref (engine);
  g_signal_connect_object (engine, "items-changed", G_CALLBACK (on_engine_changed), self,
                           G_CONNECT_SWAPPED);

  return INN_CONNECTION (self);
}
