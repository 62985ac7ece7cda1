/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One machine of our own engine: follows an InnGuest.
 */
#include "model/engine/engine-machine.h"

#include <glib/gi18n.h>

#include "engine/guest-snapshots.h"
#include "engine/machine-description-template.h"
#include "model/engine/engine-error-map.h"
#include "model/engine/engine-hardware.h"
#include "model/engine/engine-screen.h"
#include "model/engine/engine-snapshots.h"
#include "model/error.h"

enum
{
  WATCH_INTERVAL_MS = 100, /* how often the VMM samples, and we look, while somebody watches */
  HISTORY_INTERVAL_S = 60, /* how often it samples when nobody does */
};

struct _InnEngineMachine
{
  InnMachine parent_instance;

  InnGuest *guest;
  InnHardware *hardware;
  InnSnapshots *snapshots;
  struct statistics_page *page; /* too large for a stack */
  guint64 sampled_ns;           /* of the last reading pushed; 0: a gap */
  guint watch_id;
};

G_DEFINE_FINAL_TYPE (InnEngineMachine, inn_engine_machine, INN_TYPE_MACHINE)

static InnMachineState
map_state (InnGuestState state)
{
  switch (state)
    {
    case INN_GUEST_STARTING:
      return INN_MACHINE_STARTING;
    case INN_GUEST_RUNNING:
    case INN_GUEST_UNREACHABLE:
      return INN_MACHINE_RUNNING;
    case INN_GUEST_PAUSED:
      return INN_MACHINE_PAUSED;
    case INN_GUEST_NO_SPACE:
      return INN_MACHINE_NO_SPACE;
    case INN_GUEST_SHUTTING_DOWN:
      return INN_MACHINE_SHUTTING_DOWN;
    case INN_GUEST_CRASHED:
    case INN_GUEST_BROKEN:
      return INN_MACHINE_CRASHED;
    case INN_GUEST_SAVED:
      return INN_MACHINE_SAVED;
    case INN_GUEST_OFF:
    default:
      return INN_MACHINE_OFF;
    }
}

static InnMachineKind
get_kind (InnGuest *guest)
{
  if (inn_guest_is_disposable (guest))
    return INN_MACHINE_DISPOSABLE;

  return inn_guest_is_template (guest) ? INN_MACHINE_TEMPLATE : INN_MACHINE_ORDINARY;
}

static void
follow_guest (InnEngineMachine *self)
{
  InnMachine *machine = INN_MACHINE (self);

  if (!inn_guest_is_active (self->guest) && self->sampled_ns != 0)
    {
      self->sampled_ns = 0;
      inn_metrics_push_gap (inn_machine_get_metrics (machine), g_get_monotonic_time ());
    }

  inn_machine_set_name (machine, inn_guest_get_name (self->guest));
  inn_machine_set_shape (machine, inn_guest_get_vcpus (self->guest),
                         inn_guest_get_memory (self->guest));
  inn_machine_set_changed_time (machine, inn_guest_get_changed (self->guest));
  inn_machine_set_kind (machine, get_kind (self->guest));
  inn_machine_set_state (machine, map_state (inn_guest_get_state (self->guest)),
                         inn_guest_get_text (self->guest));
}

static const char *
inn_engine_machine_get_refusal (InnMachine *machine, InnOperation operation)
{
  InnEngineMachine *self = INN_ENGINE_MACHINE (machine);
  const InnGuestState state = inn_guest_get_state (self->guest);

  if (inn_machine_get_connection (machine) == NULL)
    return _ ("This computer's machines are closed");
  if (state == INN_GUEST_BROKEN && operation != INN_OPERATION_DELETE)
    return _ ("Its definition cannot be used");
  if (state == INN_GUEST_UNREACHABLE && operation != INN_OPERATION_POWER_OFF)
    return _ ("It does not answer");

  return NULL;
}

static InnControlCommand
map_operation (InnOperation operation)
{
  switch (operation)
    {
    case INN_OPERATION_SHUT_DOWN:
      return INN_CONTROL_SHUTDOWN;
    case INN_OPERATION_RESET:
      return INN_CONTROL_RESET;
    case INN_OPERATION_PAUSE:
      return INN_CONTROL_PAUSE;
    case INN_OPERATION_RESUME:
      return INN_CONTROL_RESUME;
    case INN_OPERATION_POWER_OFF:
    case INN_OPERATION_START:
    case INN_OPERATION_DELETE:
    case INN_OPERATION_SAVE:
    case INN_OPERATION_DISCARD_SAVED:
    case INN_OPERATION_START_DISPOSABLE:
    case INN_OPERATION_MAKE_TEMPLATE:
    case INN_OPERATION_MAKE_MACHINE:
    default:
      return INN_CONTROL_POWER_OFF;
    }
}

/* Takes over @error, NULL for success. */
static void
return_done (GTask *task, GError *error)
{
  if (error == NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, inn_engine_error_map (error));
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  inn_guest_start_finish (INN_GUEST (source), result, &error);
  return_done (task, error);
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  inn_guest_delete_finish (INN_GUEST (source), result, &error);
  return_done (task, error);
}

static void
on_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  inn_guest_save_finish (INN_GUEST (source), result, &error);
  return_done (task, error);
}

static void
on_discarded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  inn_guest_discard_saved_finish (INN_GUEST (source), result, &error);
  return_done (task, error);
}

static gboolean
set_template (InnMachineDescription *description, gpointer data, GError **error)
{
  inn_machine_description_set_template (description, GPOINTER_TO_INT (data));
  return TRUE;
}

static void
on_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  inn_guest_change_finish (INN_GUEST (source), result, &error);
  return_done (task, error);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  inn_guest_call_finish (INN_GUEST (source), result, &error);
  return_done (task, error);
}

static void
inn_engine_machine_run_async (InnMachine *machine,
                              InnOperation operation,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  InnEngineMachine *self = INN_ENGINE_MACHINE (machine);
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  if (operation == INN_OPERATION_START)
    inn_guest_start_async (self->guest, cancellable, on_started, task);
  else if (operation == INN_OPERATION_START_DISPOSABLE)
    inn_guest_start_disposable_async (self->guest, cancellable, on_started, task);
  else if (operation == INN_OPERATION_DELETE)
    inn_guest_delete_async (self->guest, cancellable, on_deleted, task);
  else if (operation == INN_OPERATION_SAVE)
    inn_guest_save_async (self->guest, cancellable, on_saved, task);
  else if (operation == INN_OPERATION_DISCARD_SAVED)
    inn_guest_discard_saved_async (self->guest, cancellable, on_discarded, task);
  else if (operation == INN_OPERATION_MAKE_TEMPLATE || operation == INN_OPERATION_MAKE_MACHINE)
    inn_guest_change_async (self->guest, set_template,
                            GINT_TO_POINTER (operation == INN_OPERATION_MAKE_TEMPLATE), NULL,
                            cancellable, on_changed, task);
  else
    inn_guest_call_async (self->guest, map_operation (operation), cancellable, on_called, task);
}

static gboolean
inn_engine_machine_run_finish (InnMachine *machine, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, machine), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
inn_engine_machine_has_console (InnMachine *machine, InnConsoleKind kind)
{
  InnEngineMachine *self = INN_ENGINE_MACHINE (machine);

  switch (kind)
    {
    case INN_CONSOLE_SERIAL:
      return TRUE;
    case INN_CONSOLE_SCREEN:
      return inn_guest_has_screen (self->guest);
    case INN_CONSOLE_VNC:
    default:
      return FALSE;
    }
}

static void
return_endpoint (GTask *task, InnConsoleEndpoint *endpoint)
{
  g_task_return_pointer (task, endpoint, (GDestroyNotify)inn_console_endpoint_free);
}

static void
on_screen_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  InnGuestScreen *screen = inn_guest_open_screen_finish (INN_GUEST (source), result, &error);

  if (screen != NULL)
    return_endpoint (task, inn_console_endpoint_new_screen (inn_engine_screen_new (screen)));
  else
    g_task_return_error (task, inn_engine_error_map (error));
}

static void
on_serial_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  const int fd = inn_guest_open_serial_finish (INN_GUEST (source), result, &error);

  if (fd >= 0)
    return_endpoint (task, inn_console_endpoint_new_stream (INN_CONSOLE_SERIAL, fd));
  else
    g_task_return_error (task, inn_engine_error_map (error));
}

static void
inn_engine_machine_open_console_async (InnMachine *machine,
                                       InnConsoleKind kind,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  InnEngineMachine *self = INN_ENGINE_MACHINE (machine);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  if (!inn_engine_machine_has_console (machine, kind))
    g_task_return_new_error (task, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                             _ ("“%s” has no such console."), inn_machine_get_name (machine));
  else if (kind == INN_CONSOLE_SCREEN)
    inn_guest_open_screen_async (self->guest, cancellable, on_screen_opened,
                                 g_steal_pointer (&task));
  else
    inn_guest_open_serial_async (self->guest, cancellable, on_serial_opened,
                                 g_steal_pointer (&task));
}

static InnConsoleEndpoint *
inn_engine_machine_open_console_finish (InnMachine *machine, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, machine), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
count_vcpus (const struct statistics_page *page, InnCounters *counters)
{
  counters->n_vcpus = page->header.vcpu_count;
  counters->exits_interrupt = counters->exits_halt = 0;
  counters->exits_io = counters->exits_other = 0;
  for (guint i = 0; i < page->header.vcpu_count; i++)
    {
      const struct statistics_vcpu *vcpu = &page->vcpus[i];

      counters->vcpu_ns[i] = vcpu->run_ns;
      counters->exits_interrupt += vcpu->interrupts;
      counters->exits_halt += vcpu->halts;
      counters->exits_io += vcpu->exits_port + vcpu->exits_mmio;
      counters->exits_other += vcpu->exits_signal + vcpu->exits_other;
    }
}

static void
count_disks (const struct statistics_page *page, InnCounters *counters)
{
  counters->read_bytes = counters->write_bytes = 0;
  counters->read_operations = counters->write_operations = 0;
  for (guint i = 0; i < page->header.disk_count; i++)
    {
      counters->read_bytes += page->disks[i].read_bytes;
      counters->write_bytes += page->disks[i].write_bytes;
      counters->read_operations += page->disks[i].read_operations;
      counters->write_operations += page->disks[i].write_operations;
    }
}

/* Without a card there is nothing to show, so nothing is said. */
static void
count_nics (const struct statistics_page *page, InnCounters *counters)
{
  if (page->header.nic_count == 0)
    return;

  counters->received_bytes = counters->sent_bytes = 0;
  for (guint i = 0; i < page->header.nic_count; i++)
    {
      counters->received_bytes += page->nics[i].received_bytes;
      counters->sent_bytes += page->nics[i].sent_bytes;
    }
}

static void
count_memory (const struct statistics_page *page, InnCounters *counters)
{
  const struct statistics_guest_memory *guest = &page->guest_memory;

  counters->memory_given = page->memory.guest_bytes;
  counters->memory_held = page->memory.resident_bytes;
  if (guest->answered_ns != 0 && guest->available <= guest->total)
    counters->memory_used = guest->total - guest->available;
}

static void
count_history (const struct statistics_history *history,
               guint64 number,
               guint n_vcpus,
               InnCounters *counters)
{
  const guint slot = number % STATISTICS_HISTORY_SAMPLES;
  const struct statistics_history_sample *sample = &history->samples[slot];

  counters->time_us = (gint64)(sample->sampled_ns / 1000);
  counters->memory_held = sample->resident_bytes;
  counters->read_bytes = sample->read_bytes;
  counters->write_bytes = sample->write_bytes;
  counters->read_operations = sample->read_operations;
  counters->write_operations = sample->write_operations;
  counters->exits_interrupt = sample->interrupts;
  counters->exits_halt = sample->halts;
  counters->exits_io = sample->exits_io;
  counters->exits_other = sample->exits_other;
  counters->n_vcpus = n_vcpus;
  for (guint i = 0; i < n_vcpus; i++)
    counters->vcpu_ns[i] = history->run_ns[i][slot];
}

/* What the VMM has noted since the last reading pushed and before the one in self->page. */
static void
push_history (InnEngineMachine *self)
{
  g_autofree struct statistics_history *history = g_new (struct statistics_history, 1);
  InnMetrics *metrics = inn_machine_get_metrics (INN_MACHINE (self));
  InnCounters counters;

  if (!inn_guest_read_history (self->guest, history))
    return;

  inn_counters_init (&counters);
  counters.memory_given = self->page->memory.guest_bytes;
  for (guint64 i = statistics_history_first (history); i < history->count; i++)
    {
      const guint64 sampled_ns = history->samples[i % STATISTICS_HISTORY_SAMPLES].sampled_ns;

      if (sampled_ns <= self->sampled_ns || sampled_ns >= self->page->status.sampled_ns)
        continue;
      count_history (history, i, self->page->header.vcpu_count, &counters);
      inn_metrics_push (metrics, &counters);
    }
}

/* Costs no system call. A reading is pushed once per sample of the VMM, however often one looks:
 * between samples the processors' times stand still. */
static void
inn_engine_machine_refresh_metrics (InnMachine *machine)
{
  InnEngineMachine *self = INN_ENGINE_MACHINE (machine);
  struct statistics_page *page = self->page;
  InnCounters counters;

  if (!inn_guest_read_statistics (self->guest, page) || page->status.sampled_ns == 0
      || page->status.sampled_ns == self->sampled_ns)
    return;

  if (page->status.sampled_ns - self->sampled_ns
      > HISTORY_INTERVAL_S * G_GUINT64_CONSTANT (1000000000))
    push_history (self);
  self->sampled_ns = page->status.sampled_ns;
  inn_counters_init (&counters);
  counters.time_us = (gint64)(page->status.sampled_ns / 1000);
  count_memory (page, &counters);
  count_vcpus (page, &counters);
  count_disks (page, &counters);
  count_nics (page, &counters);
  inn_metrics_push (inn_machine_get_metrics (machine), &counters);
}

static gboolean
on_watch (gpointer user_data)
{
  inn_engine_machine_refresh_metrics (user_data);
  return G_SOURCE_CONTINUE;
}

static void
inn_engine_machine_set_watched (InnMachine *machine, gboolean watched)
{
  InnEngineMachine *self = INN_ENGINE_MACHINE (machine);

  g_clear_handle_id (&self->watch_id, g_source_remove);
  inn_guest_watch (self->guest, watched ? WATCH_INTERVAL_MS : 0);
  if (watched)
    self->watch_id = g_timeout_add (WATCH_INTERVAL_MS, on_watch, self);
}

static GStrv
inn_engine_machine_list_storage (InnMachine *machine)
{
  return inn_guest_list_storage (INN_ENGINE_MACHINE (machine)->guest);
}

static InnHardware *
inn_engine_machine_get_hardware (InnMachine *machine)
{
  return INN_ENGINE_MACHINE (machine)->hardware;
}

static InnSnapshots *
inn_engine_machine_get_snapshots (InnMachine *machine)
{
  return INN_ENGINE_MACHINE (machine)->snapshots;
}

static void
inn_engine_machine_dispose (GObject *object)
{
  InnEngineMachine *self = INN_ENGINE_MACHINE (object);

  g_clear_handle_id (&self->watch_id, g_source_remove);
  g_clear_object (&self->hardware);
  g_clear_object (&self->snapshots);
  g_clear_object (&self->guest);

  G_OBJECT_CLASS (inn_engine_machine_parent_class)->dispose (object);
}

static void
inn_engine_machine_finalize (GObject *object)
{
  g_free (INN_ENGINE_MACHINE (object)->page);

  G_OBJECT_CLASS (inn_engine_machine_parent_class)->finalize (object);
}

static void
inn_engine_machine_class_init (InnEngineMachineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  InnMachineClass *machine_class = INN_MACHINE_CLASS (klass);

  object_class->dispose = inn_engine_machine_dispose;
  object_class->finalize = inn_engine_machine_finalize;

  machine_class->run_async = inn_engine_machine_run_async;
  machine_class->run_finish = inn_engine_machine_run_finish;
  machine_class->get_refusal = inn_engine_machine_get_refusal;
  machine_class->has_console = inn_engine_machine_has_console;
  machine_class->open_console_async = inn_engine_machine_open_console_async;
  machine_class->open_console_finish = inn_engine_machine_open_console_finish;
  machine_class->set_watched = inn_engine_machine_set_watched;
  machine_class->refresh_metrics = inn_engine_machine_refresh_metrics;
  machine_class->list_storage = inn_engine_machine_list_storage;
  machine_class->get_hardware = inn_engine_machine_get_hardware;
  machine_class->get_snapshots = inn_engine_machine_get_snapshots;
}

static void
inn_engine_machine_init (InnEngineMachine *self)
{
  self->page = g_new0 (struct statistics_page, 1);
}

InnEngineMachine *
inn_engine_machine_new (InnEngine *engine, InnGuest *guest)
{
  InnEngineMachine *self
      = g_object_new (INN_TYPE_ENGINE_MACHINE, "id", inn_guest_get_uuid (guest), NULL);

  self->guest = g_object_ref (guest);
  self->hardware = inn_engine_hardware_new (engine, guest);
  self->snapshots = inn_engine_snapshots_new (guest);
  g_signal_connect_object (guest, "notify", G_CALLBACK (follow_guest), self, G_CONNECT_SWAPPED);
  follow_guest (self);

  return self;
}
