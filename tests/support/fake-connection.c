/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Machines in memory.
 */
#include "config.h"

#include "fake-connection.h"

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <linux/sockios.h>
#include <math.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/error.h"

#define START_MS     150
#define SHUT_DOWN_MS 300
#define SAMPLE_MS    500

struct _FakeMachine
{
  InnMachine parent_instance;

  FakeHardware *hardware;
  FakeSnapshots *snapshots;
  GStrv storage;
  char *output;
  GError *errors[INN_OPERATION_N];
  char *refusals[INN_OPERATION_N];
  InnCounters counters;
  double load, phase;
  guint sampling; /* while active; 0: none */
  guint change;   /* a change of state that is under way; 0: none */
  InnMachineState next_state;
  gboolean tells_exits;
  int serial_fd; /* our end, -1: not connected */
  guint serial_source;
};

G_DEFINE_FINAL_TYPE (FakeMachine, fake_machine, INN_TYPE_MACHINE)

struct _FakeConnection
{
  InnConnection parent_instance;

  InnSpeed speed;
  char *speed_text;
  GError *create_error;
  char *refusals[INN_MEDIUM_N];
  guint delay;
  guint opening;
  guint n_made;
};

G_DEFINE_FINAL_TYPE (FakeConnection, fake_connection, INN_TYPE_CONNECTION)

/* A load that looks alive: slow and fast waves, and a peak now and then. */
static double
get_load (FakeMachine *self, guint vcpu)
{
  double t = self->phase + vcpu * 7.3;
  double wave = 0.55 + 0.3 * sin (t / 23) + 0.25 * sin (t / 5.1) + 0.2 * sin (t / 1.7);
  double peak = exp (-pow (fmod (t + vcpu * 40, 170) - 90, 2) / 160);

  return CLAMP (self->load / (1 + 0.9 * vcpu) * wave * 1.6 + peak * self->load, 0.005, 0.98);
}

static void
advance (FakeMachine *self, gint64 interval_us)
{
  InnCounters *counters = &self->counters;
  double seconds = (double)interval_us / G_USEC_PER_SEC;
  guint vcpus = inn_machine_get_vcpus (INN_MACHINE (self));
  guint64 memory = inn_machine_get_memory (INN_MACHINE (self));
  double disk = get_load (self, 3) * get_load (self, 0);

  self->phase += seconds;
  counters->time_us += interval_us;
  counters->n_vcpus = vcpus;
  for (guint i = 0; i < vcpus; i++)
    counters->vcpu_ns[i] += (guint64)(get_load (self, i) * (double)interval_us * 1000);
  counters->memory_held = (guint64)((double)memory * (0.68 + 0.03 * sin (self->phase / 31)));
  counters->memory_used = (guint64)((double)memory * (0.44 + 0.03 * sin (self->phase / 17)));
  counters->memory_given = memory;
  counters->read_bytes += (guint64)(disk * seconds * 110e6);
  counters->write_bytes += (guint64)((disk * 0.4 + get_load (self, 1) * 0.1) * seconds * 90e6);
  counters->read_operations += (guint64)(disk * seconds * 8000);
  counters->write_operations += (guint64)((disk * 0.3 + 0.05) * seconds * 6000);
  if (!self->tells_exits)
    return;

  counters->received_bytes += (guint64)(get_load (self, 2) * seconds * 9e6);
  counters->sent_bytes += (guint64)(get_load (self, 1) * seconds * 2e6);
  counters->exits_interrupt += (guint64)(seconds * (6000 + 9000 * get_load (self, 0)));
  counters->exits_halt += (guint64)(seconds * (3500 + 3000 * get_load (self, 1)));
  counters->exits_io += (guint64)(seconds * (1500 + 3000 * get_load (self, 2)));
  counters->exits_other += (guint64)(seconds * 1200);
}

static void
sample (FakeMachine *self)
{
  gint64 now = g_get_monotonic_time ();

  advance (self, now - self->counters.time_us);
  inn_metrics_push (inn_machine_get_metrics (INN_MACHINE (self)), &self->counters);
}

static gboolean
on_sample (gpointer user_data)
{
  sample (user_data);
  return G_SOURCE_CONTINUE;
}

static void
close_serial (FakeMachine *self)
{
  g_clear_handle_id (&self->serial_source, g_source_remove);
  if (self->serial_fd >= 0)
    close (self->serial_fd);
  self->serial_fd = -1;
}

static void
restart_counters (FakeMachine *self)
{
  inn_counters_init (&self->counters);
  memset (self->counters.vcpu_ns, 0, sizeof self->counters.vcpu_ns);
  self->counters.read_bytes = self->counters.write_bytes = 0;
  self->counters.read_operations = self->counters.write_operations = 0;
  if (self->tells_exits)
    {
      self->counters.received_bytes = self->counters.sent_bytes = 0;
      self->counters.exits_interrupt = self->counters.exits_halt = self->counters.exits_io
          = self->counters.exits_other = 0;
    }
}

/* Sampling goes with running, the serial line with being on. */
static void
enter_state (FakeMachine *self, InnMachineState state)
{
  InnMachine *machine = INN_MACHINE (self);
  InnMachineState before = inn_machine_get_state (machine);
  gboolean runs = state == INN_MACHINE_RUNNING || state == INN_MACHINE_SHUTTING_DOWN;

  if (inn_machine_state_is_active (state) != inn_machine_state_is_active (before)
      || (before == INN_MACHINE_STARTING && state == INN_MACHINE_RUNNING))
    {
      inn_machine_set_changed_time (machine, g_get_real_time ());
      restart_counters (self);
    }
  g_clear_handle_id (&self->sampling, g_source_remove);
  if (runs)
    {
      self->counters.time_us = g_get_monotonic_time ();
      self->sampling = g_timeout_add (SAMPLE_MS, on_sample, self);
    }
  else
    inn_metrics_push_gap (inn_machine_get_metrics (machine), g_get_monotonic_time ());
  if (inn_machine_state_is_active (state) != inn_machine_state_is_active (before))
    fake_hardware_set_running (self->hardware, inn_machine_state_is_active (state));
  fake_snapshots_set_running (self->snapshots, inn_machine_state_is_active (state));
  if (!inn_machine_state_is_active (state))
    {
      close_serial (self);
      if (inn_machine_get_kind (machine) == INN_MACHINE_DISPOSABLE)
        inn_machine_set_kind (machine, INN_MACHINE_ORDINARY);
    }
  inn_machine_set_state (machine, state, NULL);
}

static gboolean
on_change (gpointer user_data)
{
  FakeMachine *self = user_data;

  self->change = 0;
  enter_state (self, self->next_state);
  return G_SOURCE_REMOVE;
}

static void
change_later (FakeMachine *self, guint milliseconds, InnMachineState state)
{
  g_clear_handle_id (&self->change, g_source_remove);
  self->next_state = state;
  self->change = g_timeout_add (milliseconds, on_change, self);
}

static void
carry_out (FakeMachine *self, InnOperation operation)
{
  InnConnection *place = inn_machine_get_connection (INN_MACHINE (self));

  g_clear_handle_id (&self->change, g_source_remove);
  switch (operation)
    {
    case INN_OPERATION_START_DISPOSABLE:
    case INN_OPERATION_START:
      if (operation == INN_OPERATION_START_DISPOSABLE)
        inn_machine_set_kind (INN_MACHINE (self), INN_MACHINE_DISPOSABLE);
      enter_state (self, INN_MACHINE_STARTING);
      change_later (self, START_MS, INN_MACHINE_RUNNING);
      break;
    case INN_OPERATION_SHUT_DOWN:
      enter_state (self, INN_MACHINE_SHUTTING_DOWN);
      change_later (self, SHUT_DOWN_MS, INN_MACHINE_OFF);
      break;
    case INN_OPERATION_POWER_OFF:
      enter_state (self, INN_MACHINE_OFF);
      break;
    case INN_OPERATION_PAUSE:
      enter_state (self, INN_MACHINE_PAUSED);
      break;
    case INN_OPERATION_RESET:
    case INN_OPERATION_RESUME:
      enter_state (self, INN_MACHINE_RUNNING);
      break;
    case INN_OPERATION_SAVE:
      enter_state (self, INN_MACHINE_SAVED);
      break;
    case INN_OPERATION_DISCARD_SAVED:
      enter_state (self, INN_MACHINE_OFF);
      break;
    case INN_OPERATION_MAKE_TEMPLATE:
      inn_machine_set_kind (INN_MACHINE (self), INN_MACHINE_TEMPLATE);
      break;
    case INN_OPERATION_MAKE_MACHINE:
      inn_machine_set_kind (INN_MACHINE (self), INN_MACHINE_ORDINARY);
      break;
    case INN_OPERATION_DELETE:
      for (guint i = 0; self->storage != NULL && self->storage[i] != NULL; i++)
        unlink (self->storage[i]);
      inn_connection_remove_machine (place, INN_MACHINE (self));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
fake_machine_run_async (InnMachine *machine,
                        InnOperation operation,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  FakeMachine *self = FAKE_MACHINE (machine);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  if (self->errors[operation] != NULL)
    {
      g_task_return_error (task, g_error_copy (self->errors[operation]));
      return;
    }

  carry_out (self, operation);
  g_task_return_boolean (task, TRUE);
}

static gboolean
fake_machine_run_finish (InnMachine *machine, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static const char *
fake_machine_get_refusal (InnMachine *machine, InnOperation operation)
{
  InnConnection *place = inn_machine_get_connection (machine);

  /* NULL while it is being made. */
  if (place != NULL && inn_connection_get_state (place) == INN_CONNECTION_OPENING)
    return "This place cannot be reached now";
  return FAKE_MACHINE (machine)->refusals[operation];
}

static gboolean
fake_machine_has_console (InnMachine *machine, InnConsoleKind kind)
{
  return kind == INN_CONSOLE_SERIAL;
}

/* The guest at the other end: it answers each line with a prompt, and echoes what is typed. */
static gboolean
on_serial_input (int fd, GIOCondition condition, gpointer user_data)
{
  FakeMachine *self = user_data;
  char bytes[256];
  ssize_t n = read (fd, bytes, sizeof bytes);

  if (n <= 0)
    {
      self->serial_source = 0;
      close_serial (self);
      return G_SOURCE_REMOVE;
    }

  for (ssize_t i = 0; i < n; i++)
    {
      gboolean enter = bytes[i] == '\r';

      if (write (fd, enter ? "\r\n# " : &bytes[i], enter ? 4 : 1) < 0)
        break;
    }

  return G_SOURCE_CONTINUE;
}

static void
fake_machine_open_console_async (InnMachine *machine,
                                 InnConsoleKind kind,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  FakeMachine *self = FAKE_MACHINE (machine);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  int fds[2];

  if (kind != INN_CONSOLE_SERIAL
      || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
    {
      g_task_return_new_error (task, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                               "This machine has no such console.");
      return;
    }

  close_serial (self);
  self->serial_fd = fds[0];
  self->serial_source = g_unix_fd_add (fds[0], G_IO_IN | G_IO_HUP, on_serial_input, self);
  if (self->output != NULL && write (fds[0], self->output, strlen (self->output)) < 0)
    g_warning ("the serial line of %s is full", inn_machine_get_name (machine));
  g_task_return_pointer (task, inn_console_endpoint_new_stream (INN_CONSOLE_SERIAL, fds[1]),
                         (GDestroyNotify)inn_console_endpoint_free);
}

static InnConsoleEndpoint *
fake_machine_open_console_finish (InnMachine *machine, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
fake_machine_refresh_metrics (InnMachine *machine)
{
  FakeMachine *self = FAKE_MACHINE (machine);

  if (self->sampling != 0 && g_get_monotonic_time () - self->counters.time_us > 50000)
    sample (self);
}

static GStrv
fake_machine_list_storage (InnMachine *machine)
{
  FakeMachine *self = FAKE_MACHINE (machine);

  return self->storage != NULL ? g_strdupv (self->storage) : g_new0 (char *, 1);
}

static InnHardware *
fake_machine_get_machine_hardware (InnMachine *machine)
{
  return INN_HARDWARE (FAKE_MACHINE (machine)->hardware);
}

static InnSnapshots *
fake_machine_get_machine_snapshots (InnMachine *machine)
{
  return INN_SNAPSHOTS (FAKE_MACHINE (machine)->snapshots);
}

static void
fake_machine_finalize (GObject *object)
{
  FakeMachine *self = FAKE_MACHINE (object);

  close_serial (self);
  g_clear_handle_id (&self->sampling, g_source_remove);
  g_clear_handle_id (&self->change, g_source_remove);
  g_object_unref (self->hardware);
  g_object_unref (self->snapshots);
  g_strfreev (self->storage);
  g_free (self->output);
  for (guint i = 0; i < INN_OPERATION_N; i++)
    {
      g_clear_error (&self->errors[i]);
      g_free (self->refusals[i]);
    }

  G_OBJECT_CLASS (fake_machine_parent_class)->finalize (object);
}

static void
fake_machine_class_init (FakeMachineClass *klass)
{
  InnMachineClass *machine_class = INN_MACHINE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_machine_finalize;
  machine_class->run_async = fake_machine_run_async;
  machine_class->run_finish = fake_machine_run_finish;
  machine_class->get_refusal = fake_machine_get_refusal;
  machine_class->has_console = fake_machine_has_console;
  machine_class->open_console_async = fake_machine_open_console_async;
  machine_class->open_console_finish = fake_machine_open_console_finish;
  machine_class->refresh_metrics = fake_machine_refresh_metrics;
  machine_class->list_storage = fake_machine_list_storage;
  machine_class->get_hardware = fake_machine_get_machine_hardware;
  machine_class->get_snapshots = fake_machine_get_machine_snapshots;
}

/* One like it, running if it is a live one. */
static char *
make_clone (InnCloneKind kind, const char *name, gpointer data)
{
  InnMachine *original = data;
  InnConnection *place = inn_machine_get_connection (original);
  FakeMachine *clone
      = fake_connection_add (FAKE_CONNECTION (place), name,
                             kind == INN_CLONE_LIVE ? INN_MACHINE_RUNNING : INN_MACHINE_OFF,
                             inn_machine_get_vcpus (original), inn_machine_get_memory (original));

  return g_strdup (inn_machine_get_id (INN_MACHINE (clone)));
}

static void
fake_machine_init (FakeMachine *self)
{
  self->serial_fd = -1;
  self->load = 0.3;
  self->hardware = fake_hardware_new ();
  self->snapshots = fake_snapshots_new (make_clone, self);
  restart_counters (self);
}

void
fake_machine_set_storage (FakeMachine *self, const char *const *paths)
{
  g_strfreev (self->storage);
  self->storage = g_strdupv ((GStrv)paths);
}

void
fake_machine_set_output (FakeMachine *self, const char *output)
{
  g_free (self->output);
  self->output = g_strdup (output);
}

gboolean
fake_machine_was_heard (FakeMachine *self)
{
  int unread = 0;

  return self->serial_fd >= 0 && ioctl (self->serial_fd, SIOCOUTQ, &unread) == 0 && unread == 0;
}

void
fake_machine_set_load (FakeMachine *self, double load)
{
  self->load = load;
}

void
fake_machine_set_tells_exits (FakeMachine *self, gboolean tells)
{
  self->tells_exits = tells;
  restart_counters (self);
}

void
fake_machine_invent_past (FakeMachine *self, guint seconds)
{
  InnMetrics *metrics = inn_machine_get_metrics (INN_MACHINE (self));

  self->counters.time_us = g_get_monotonic_time () - (gint64)seconds * G_USEC_PER_SEC;
  for (guint i = 0; i < seconds; i++)
    {
      advance (self, G_USEC_PER_SEC);
      inn_metrics_push (metrics, &self->counters);
    }
}

FakeHardware *
fake_machine_get_hardware (FakeMachine *self)
{
  return self->hardware;
}

FakeSnapshots *
fake_machine_get_snapshots (FakeMachine *self)
{
  return self->snapshots;
}

void
fake_machine_set_error (FakeMachine *self, InnOperation operation, const GError *error)
{
  g_clear_error (&self->errors[operation]);
  self->errors[operation] = error != NULL ? g_error_copy (error) : NULL;
}

void
fake_machine_refuse (FakeMachine *self, InnOperation operation, const char *reason)
{
  g_free (self->refusals[operation]);
  self->refusals[operation] = g_strdup (reason);
}

static gboolean
on_opened (gpointer user_data)
{
  FakeConnection *self = user_data;

  self->opening = 0;
  inn_connection_set_speed (INN_CONNECTION (self), self->speed, self->speed_text);
  inn_connection_set_state (INN_CONNECTION (self), INN_CONNECTION_OPEN, NULL);
  return G_SOURCE_REMOVE;
}

static void
fake_connection_open (InnConnection *connection)
{
  FakeConnection *self = FAKE_CONNECTION (connection);

  inn_connection_set_state (connection, INN_CONNECTION_OPENING, NULL);
  g_clear_handle_id (&self->opening, g_source_remove);
  self->opening = g_timeout_add (self->delay, on_opened, self);
}

static void
fake_connection_close (InnConnection *connection)
{
  g_clear_handle_id (&FAKE_CONNECTION (connection)->opening, g_source_remove);
  inn_connection_set_state (connection, INN_CONNECTION_CLOSED, NULL);
}

static gboolean
has_name (FakeConnection *self, const char *name)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self)); i++)
    {
      g_autoptr (InnMachine) machine = g_list_model_get_item (G_LIST_MODEL (self), i);

      if (g_str_equal (inn_machine_get_name (machine), name))
        return TRUE;
    }

  return FALSE;
}

static void
fake_connection_create_async (InnConnection *connection,
                              const InnNewMachine *description,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  FakeConnection *self = FAKE_CONNECTION (connection);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  FakeMachine *machine;

  if (self->create_error != NULL)
    {
      g_task_return_error (task, g_error_copy (self->create_error));
      return;
    }
  if (has_name (self, description->name))
    {
      g_task_return_new_error (task, INN_ERROR, INN_ERROR_EXISTS,
                               "There is a machine called “%s” already. Choose another name.",
                               description->name);
      return;
    }

  machine = fake_connection_add (self, description->name, INN_MACHINE_OFF, description->vcpus,
                                 description->memory);
  g_task_return_pointer (task, g_object_ref (machine), g_object_unref);
}

static InnMachine *
fake_connection_create_finish (InnConnection *connection, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static const char *
fake_connection_get_medium_refusal (InnConnection *connection, InnMediumKind medium)
{
  return FAKE_CONNECTION (connection)->refusals[medium];
}

static void
fake_connection_finalize (GObject *object)
{
  FakeConnection *self = FAKE_CONNECTION (object);

  g_clear_handle_id (&self->opening, g_source_remove);
  g_free (self->speed_text);
  g_clear_error (&self->create_error);
  for (guint i = 0; i < G_N_ELEMENTS (self->refusals); i++)
    g_free (self->refusals[i]);

  G_OBJECT_CLASS (fake_connection_parent_class)->finalize (object);
}

static void
fake_connection_class_init (FakeConnectionClass *klass)
{
  InnConnectionClass *connection_class = INN_CONNECTION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_connection_finalize;
  connection_class->open = fake_connection_open;
  connection_class->close = fake_connection_close;
  connection_class->create_async = fake_connection_create_async;
  connection_class->create_finish = fake_connection_create_finish;
  connection_class->get_medium_refusal = fake_connection_get_medium_refusal;
}

static void
fake_connection_init (FakeConnection *self)
{
}

FakeConnection *
fake_connection_new (const char *title,
                     const char *technique,
                     InnSpeed speed,
                     const char *speed_text)
{
  FakeConnection *self
      = g_object_new (FAKE_TYPE_CONNECTION, "title", title, "technique", technique, NULL);

  self->speed = speed;
  self->speed_text = g_strdup (speed_text);
  return self;
}

void
fake_connection_set_create_error (FakeConnection *self, const GError *error)
{
  g_clear_error (&self->create_error);
  self->create_error = error != NULL ? g_error_copy (error) : NULL;
}

void
fake_connection_refuse_medium (FakeConnection *self, InnMediumKind medium, const char *reason)
{
  g_free (self->refusals[medium]);
  self->refusals[medium] = g_strdup (reason);
}

void
fake_connection_set_delay (FakeConnection *self, guint milliseconds)
{
  self->delay = milliseconds;
}

FakeMachine *
fake_connection_add (FakeConnection *self,
                     const char *name,
                     InnMachineState state,
                     guint vcpus,
                     guint64 memory)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autoptr (FakeMachine) machine = g_object_new (FAKE_TYPE_MACHINE, "id", id, "name", name, NULL);

  inn_machine_set_shape (INN_MACHINE (machine), vcpus, memory);
  fake_hardware_fill (machine->hardware, vcpus, memory);
  if (state != INN_MACHINE_OFF)
    enter_state (machine, state);
  inn_connection_add_machine (INN_CONNECTION (self), INN_MACHINE (machine));

  return machine;
}
