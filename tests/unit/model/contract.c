/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contract.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/error.h"

#define PATIENCE_US (60 * G_USEC_PER_SEC)

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
contract_wait (gboolean (*condition) (gpointer data), gpointer data)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_US;
  guint tick = g_timeout_add (20, on_tick, NULL);

  while (!condition (data))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_main_context_iteration (NULL, TRUE);
    }
  g_source_remove (tick);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gboolean
has_result (GAsyncResult **result)
{
  return *result != NULL;
}

static gboolean
is_settled (InnConnection *connection)
{
  return inn_connection_get_state (connection) != INN_CONNECTION_OPENING;
}

InnConnection *
contract_open (const ContractPlace *place)
{
  InnConnection *connection = place->connect ();

  g_assert_cmpint (inn_connection_get_state (connection), ==, INN_CONNECTION_CLOSED);
  inn_connection_open (connection);
  CONTRACT_WAIT (is_settled, connection);
  if (inn_connection_get_state (connection) != INN_CONNECTION_OPEN)
    g_error ("%s", inn_connection_get_message (connection));
  return connection;
}

void
contract_close (InnConnection *connection)
{
  inn_connection_close (connection);
  g_assert_cmpint (inn_connection_get_state (connection), ==, INN_CONNECTION_CLOSED);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (connection)), ==, 0);
  g_object_unref (connection);
}

InnMachine *
contract_create (InnConnection *connection, const InnNewMachine *description)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  InnMachine *machine;

  inn_connection_create_async (connection, description, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  machine = inn_connection_create_finish (connection, result, &error);
  g_assert_no_error (error);
  g_assert_true (INN_IS_MACHINE (machine));
  return machine;
}

void
contract_run (InnMachine *machine, InnOperation operation)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  const char *reason = NULL;

  g_assert_true (inn_machine_can (machine, operation, &reason));
  g_assert_null (reason);
  inn_machine_run_async (machine, operation, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  inn_machine_run_finish (machine, result, &error);
  g_assert_no_error (error);
}

void
contract_run_refused (InnMachine *machine, InnOperation operation, int code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_machine_run_async (machine, operation, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  g_assert_false (inn_machine_run_finish (machine, result, &error));
  g_assert_error (error, INN_ERROR, code);
}

int
contract_open_console (InnMachine *machine, InnConsoleKind kind)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnConsoleEndpoint) endpoint = NULL;
  int fd, type;
  socklen_t size = sizeof type;

  inn_machine_open_console_async (machine, kind, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  endpoint = inn_machine_open_console_finish (machine, result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (endpoint->kind, ==, kind);
  fd = inn_console_endpoint_steal_fd (endpoint);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_GETFL) & O_NONBLOCK, !=, 0);
  g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size), ==, 0);
  g_assert_cmpint (type, ==, SOCK_STREAM);
  return fd;
}

typedef struct
{
  int fd;
  const char *text;
  GString *received;
  gboolean ended;
} Reader;

static gboolean
read_some (Reader *reader)
{
  char buffer[4096];
  gssize n = read (reader->fd, buffer, sizeof buffer);

  if (n > 0)
    g_string_append_len (reader->received, buffer, n);
  reader->ended = n == 0 || (n < 0 && errno != EAGAIN);
  if (reader->text == NULL)
    return reader->ended;
  g_assert_false (reader->ended);
  return strstr (reader->received->str, reader->text) != NULL;
}

void
contract_expect_text (int fd, const char *text)
{
  Reader reader = { fd, text, g_string_new (NULL), FALSE };

  CONTRACT_WAIT (read_some, &reader);
  g_string_free (reader.received, TRUE);
}

static void
expect_end (int fd)
{
  Reader reader = { fd, NULL, g_string_new (NULL), FALSE };

  CONTRACT_WAIT (read_some, &reader);
  g_string_free (reader.received, TRUE);
}

/* The tests. */

static void
test_open (gconstpointer data)
{
  InnConnection *connection = contract_open (data);

  g_assert_cmpstr (inn_connection_get_title (connection), !=, "");
  g_assert_cmpstr (inn_connection_get_technique (connection), !=, "");
  g_assert_nonnull (inn_connection_get_speed_text (connection));
  g_assert_null (inn_connection_find (connection, "no such machine"));
  /* Opening what is open changes nothing. */
  inn_connection_open (connection);
  g_assert_cmpint (inn_connection_get_state (connection), ==, INN_CONNECTION_OPEN);
  contract_close (connection);
}

static void
test_close_while_opening (gconstpointer data)
{
  const ContractPlace *place = data;
  g_autoptr (InnConnection) connection = place->connect ();

  inn_connection_open (connection);
  inn_connection_close (connection);
  g_assert_cmpint (inn_connection_get_state (connection), ==, INN_CONNECTION_CLOSED);
  inn_connection_open (connection);
  CONTRACT_WAIT (is_settled, connection);
  g_assert_cmpint (inn_connection_get_state (connection), ==, INN_CONNECTION_OPEN);
  contract_close (g_steal_pointer (&connection));
}

static void
test_refusal (gconstpointer data)
{
  const ContractPlace *place = data;
  g_autoptr (InnConnection) connection = place->connect ();
  g_autoptr (InnNewMachine) description = inn_new_machine_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  const char *refusal = inn_connection_get_medium_refusal (connection, INN_MEDIUM_KERNEL);

  g_assert_nonnull (refusal);
  g_assert_cmpint (g_utf8_strlen (refusal, -1), <=, 45);
  description->name = g_strdup ("never made");
  description->medium = INN_MEDIUM_KERNEL;
  inn_connection_create_async (connection, description, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  g_assert_null (inn_connection_create_finish (connection, result, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_UNAVAILABLE);
}

static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, GPtrArray *mirror)
{
  g_assert_cmpuint (position + removed, <=, mirror->len);
  if (removed > 0)
    g_ptr_array_remove_range (mirror, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (mirror, (int)(position + i), g_list_model_get_item (model, position + i));
  g_assert_cmpuint (mirror->len, ==, g_list_model_get_n_items (model));
  for (guint i = 0; i < mirror->len; i++)
    {
      g_autoptr (InnMachine) machine = g_list_model_get_item (model, i);

      g_assert_true (machine == g_ptr_array_index (mirror, i));
    }
}

static InnMachine *
make (const ContractPlace *place, InnConnection *connection)
{
  g_autoptr (InnNewMachine) description = place->describe ();

  return contract_create (connection, description);
}

static void
test_create (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnNewMachine) description = place->describe ();
  g_autoptr (GPtrArray) mirror = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (InnMachine) machine = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) storage = NULL;

  g_assert_null (inn_connection_get_medium_refusal (connection, description->medium));
  g_signal_connect (connection, "items-changed", G_CALLBACK (on_items_changed), mirror);
  machine = contract_create (connection, description);
  g_assert_true (inn_connection_find (connection, inn_machine_get_id (machine)) == machine);
  g_assert_true (inn_machine_get_connection (machine) == connection);
  g_assert_cmpuint (mirror->len, ==, 1);
  g_assert_cmpstr (inn_machine_get_name (machine), ==, description->name);
  g_assert_cmpuint (inn_machine_get_vcpus (machine), ==, description->vcpus);
  g_assert_cmpuint (inn_machine_get_memory (machine), ==, description->memory);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_OFF);

  /* The same name again. */
  inn_connection_create_async (connection, description, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  g_assert_null (inn_connection_create_finish (connection, result, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_EXISTS);
  g_assert_cmpuint (mirror->len, ==, 1);

  storage = inn_machine_list_storage (machine);
  contract_run (machine, INN_OPERATION_DELETE);
  g_assert_cmpuint (mirror->len, ==, 0);
  g_assert_null (inn_connection_find (connection, inn_machine_get_id (machine)));
  g_assert_null (inn_machine_get_connection (machine));
  for (guint i = 0; storage[i] != NULL; i++)
    g_assert_false (g_file_test (storage[i], G_FILE_TEST_EXISTS));
  contract_close (connection);
}

static void
test_lifecycle (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnMachine) machine = make (place, connection);
  const char *reason = NULL;

  g_assert_false (inn_machine_can (machine, INN_OPERATION_PAUSE, &reason));
  g_assert_nonnull (reason);
  contract_run_refused (machine, INN_OPERATION_PAUSE, INN_ERROR_NOT_SUPPORTED);

  contract_run (machine, INN_OPERATION_START);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  g_assert_cmpint (inn_machine_get_changed_time (machine), >, 0);
  contract_run_refused (machine, INN_OPERATION_DELETE, INN_ERROR_NOT_SUPPORTED);

  contract_run (machine, INN_OPERATION_PAUSE);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_PAUSED);
  contract_run (machine, INN_OPERATION_RESUME);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  contract_run (machine, INN_OPERATION_RESET);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);

  contract_run (machine, INN_OPERATION_SHUT_DOWN);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_SHUTTING_DOWN);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* Closing the window never stops a guest. */
static void
test_guest_outlives_connection (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  InnMachine *machine = make (place, connection);
  g_autofree char *id = g_strdup (inn_machine_get_id (machine));

  contract_run (machine, INN_OPERATION_START);
  contract_close (connection);
  g_assert_null (inn_machine_get_connection (machine));
  g_assert_false (inn_machine_can (machine, INN_OPERATION_PAUSE, NULL));
  g_object_unref (machine);

  connection = contract_open (place);
  machine = inn_connection_find (connection, id);
  g_assert_nonnull (machine);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

static gboolean
has_load (InnMetrics *metrics)
{
  return inn_metrics_get_last (metrics, INN_SERIES_CPU_TOTAL, 0) > 0;
}

static void
test_metrics (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnMachine) machine = make (place, connection);
  InnMetrics *metrics = inn_machine_get_metrics (machine);
  double load;

  contract_run (machine, INN_OPERATION_START);
  inn_machine_set_watched (machine, TRUE);
  CONTRACT_WAIT (has_load, metrics);
  load = inn_metrics_get_last (metrics, INN_SERIES_CPU, 0);
  g_assert_cmpfloat (load, <=, 1);
  g_assert_cmpuint (inn_metrics_get_n_vcpus (metrics), ==, inn_machine_get_vcpus (machine));
  g_assert_cmpfloat (inn_metrics_get_last (metrics, INN_SERIES_MEMORY_HELD, 0), >, 0);
  inn_machine_set_watched (machine, FALSE);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

static void
test_consoles (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnMachine) machine = make (place, connection);
  static const InnConsoleKind kinds[] = { INN_CONSOLE_SERIAL, INN_CONSOLE_VNC };
  guint n_consoles = 0;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      int fd;

      if (!inn_machine_has_console (machine, kinds[i]))
        continue;
      n_consoles++;
      contract_run (machine, INN_OPERATION_START);
      fd = contract_open_console (machine, kinds[i]);
      contract_run (machine, INN_OPERATION_POWER_OFF);
      expect_end (fd);
      close (fd);
    }
  g_assert_cmpuint (n_consoles, >, 0);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* ---- hardware ---- */

static void
apply (InnHardware *hardware, InnHardwareChange *change, int code)
{
  g_autoptr (InnHardwareChange) owned = change;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean done;

  inn_hardware_apply_async (hardware, owned, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  done = inn_hardware_apply_finish (hardware, result, &error);
  if (code < 0)
    g_assert_no_error (error);
  else
    g_assert_error (error, INN_ERROR, code);
  g_assert_cmpint (done, ==, code < 0);
}

static const InnSetting *
find_setting (InnHardware *hardware, const char *device, InnSettingId id)
{
  InnDevice *found = inn_hardware_find (hardware, device);

  g_assert_nonnull (found);
  g_assert_nonnull (inn_device_get_setting (found, id));
  return inn_device_get_setting (found, id);
}

static void
assert_memory (InnHardware *hardware, guint64 memory)
{
  const InnSetting *setting = find_setting (hardware, "memory", INN_SETTING_MEMORY);

  g_assert_cmpuint (g_variant_get_uint64 (setting->value), ==, memory);
}

/* Every reason is short enough for its row. */
static void
check_reasons (InnHardware *hardware)
{
  for (guint i = 0; i < INN_DEVICE_N; i++)
    {
      InnTiming timing = INN_TIMING_AT_ONCE;
      const char *refusal = inn_hardware_get_addition_refusal (hardware, (InnDeviceKind)i, &timing);

      g_assert_cmpint (refusal != NULL, ==, timing == INN_TIMING_NEVER);
      if (refusal != NULL)
        g_assert_cmpint (g_utf8_strlen (refusal, -1), <=, 45);
    }
}

static void
check_fixed (InnHardware *hardware, const InnNewMachine *description)
{
  const InnSetting *setting = find_setting (hardware, "memory", INN_SETTING_MEMORY);

  g_assert_cmpint (g_utf8_strlen (setting->refusal, -1), <=, 45);
  apply (hardware, inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY, setting->value),
         INN_ERROR_NOT_SUPPORTED);
  apply (hardware, inn_hardware_change_new_add (INN_DEVICE_CDROM, NULL, 0),
         INN_ERROR_NOT_SUPPORTED);
  assert_memory (hardware, description->memory);
}

static void
check_changes (InnMachine *machine, InnHardware *hardware, const InnNewMachine *description)
{
  const guint64 less = description->memory + (1 << 20);

  apply (hardware,
         inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY, g_variant_new_uint64 (1)),
         INN_ERROR_INVALID);
  apply (hardware,
         inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY,
                                      g_variant_new_uint64 (G_MAXUINT64)),
         INN_ERROR_INVALID);
  apply (hardware,
         inn_hardware_change_new_set ("no-such", INN_SETTING_LINK, g_variant_new_boolean (TRUE)),
         INN_ERROR_UNAVAILABLE);
  assert_memory (hardware, description->memory);

  contract_run (machine, INN_OPERATION_START);
  g_assert_true (inn_hardware_is_running (hardware));
  g_assert_cmpuint (inn_hardware_get_pending (hardware)->len, ==, 0);
  apply (hardware,
         inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY, g_variant_new_uint64 (less)),
         -1);
  assert_memory (hardware, less);
  g_assert_cmpuint (inn_hardware_get_pending (hardware)->len, ==, 1);
  apply (hardware, inn_hardware_change_new_revert (), -1);
  assert_memory (hardware, description->memory);
  g_assert_cmpuint (inn_hardware_get_pending (hardware)->len, ==, 0);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  g_assert_false (inn_hardware_is_running (hardware));
}

static void
test_hardware (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnNewMachine) description = place->describe ();
  g_autoptr (InnMachine) machine = contract_create (connection, description);
  InnHardware *hardware = inn_machine_get_hardware (machine);
  const InnSetting *processors = find_setting (hardware, "processors", INN_SETTING_PROCESSORS);

  assert_memory (hardware, description->memory);
  g_assert_cmpuint (g_variant_get_uint64 (processors->value), ==, description->vcpus);
  check_reasons (hardware);
  if (processors->timing == INN_TIMING_NEVER)
    check_fixed (hardware, description);
  else
    check_changes (machine, hardware, description);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* ---- snapshots ---- */

static void
check_snapshot_reasons (InnSnapshots *snapshots, InnSnapshot *snapshot)
{
  for (guint i = 0; i <= INN_SNAPSHOT_CHANGE; i++)
    {
      const InnSnapshotOperation operation = (InnSnapshotOperation)i;
      const char *refusal = NULL;

      if (operation == INN_SNAPSHOT_TAKE || snapshot != NULL)
        refusal = inn_snapshots_get_refusal (snapshots, operation, snapshot);
      if (refusal != NULL)
        g_assert_cmpint (g_utf8_strlen (refusal, -1), <=, 45);
    }
  for (guint i = 0; i < INN_CLONE_N; i++)
    {
      const char *refusal = inn_snapshots_get_clone_refusal (snapshots, (InnCloneKind)i, snapshot);

      if (refusal != NULL)
        g_assert_cmpint (g_utf8_strlen (refusal, -1), <=, 45);
    }
}

InnSnapshot *
contract_take (InnSnapshots *snapshots, const char *name, const char *note)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  InnSnapshot *snapshot;

  inn_snapshots_take_async (snapshots, name, note, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  snapshot = inn_snapshots_take_finish (snapshots, result, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (inn_snapshots_find (snapshots, inn_snapshot_get_id (snapshot)) == snapshot);
  g_assert_cmpstr (inn_snapshots_get_current (snapshots), ==, inn_snapshot_get_id (snapshot));
  check_snapshot_reasons (snapshots, snapshot);
  g_object_unref (snapshot);
  return snapshot;
}

void
contract_restore (InnSnapshots *snapshots, InnSnapshot *snapshot, gboolean keep_present)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_snapshots_restore_async (snapshots, snapshot, keep_present, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  inn_snapshots_restore_finish (snapshots, result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (inn_snapshots_get_current (snapshots), ==, inn_snapshot_get_id (snapshot));
}

void
contract_delete_snapshot (InnSnapshots *snapshots, InnSnapshot *snapshot)
{
  g_autofree char *id = g_strdup (inn_snapshot_get_id (snapshot));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_snapshots_delete_async (snapshots, snapshot, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  inn_snapshots_delete_finish (snapshots, result, &error);
  g_assert_no_error (error);
  g_assert_null (inn_snapshots_find (snapshots, id));
}

static void
change_snapshot (InnSnapshots *snapshots, InnSnapshot *snapshot, const char *name, const char *note)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_snapshots_change_async (snapshots, snapshot, name, note, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  inn_snapshots_change_finish (snapshots, result, &error);
  g_assert_no_error (error);
}

static guint
count_snapshots (InnSnapshots *snapshots)
{
  return g_list_model_get_n_items (G_LIST_MODEL (snapshots));
}

/* One with the machine off, one with a guest in memory; names are what a person types. */
static void
check_snapshots (InnMachine *machine, InnSnapshots *snapshots)
{
  InnSnapshot *off = contract_take (snapshots, "Fresh <install> / 1", "First\n& \"only\"");
  InnSnapshot *running;

  g_assert_cmpstr (inn_snapshot_get_name (off), ==, "Fresh <install> / 1");
  g_assert_cmpstr (inn_snapshot_get_facts (off)->note, ==, "First\n& \"only\"");
  g_assert_null (inn_snapshot_get_parent (off));
  g_assert_false (inn_snapshot_get_facts (off)->running);
  g_assert_cmpint (inn_snapshot_get_facts (off)->time, >, g_get_real_time () - 600000000);

  contract_run (machine, INN_OPERATION_START);
  running = contract_take (snapshots, NULL, NULL);
  g_assert_cmpstr (inn_snapshot_get_name (running), !=, "");
  g_assert_cmpstr (inn_snapshot_get_parent (running), ==, inn_snapshot_get_id (off));
  g_assert_true (inn_snapshot_get_facts (running)->running);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  change_snapshot (snapshots, running, "At work", NULL);
  change_snapshot (snapshots, running, NULL, "Later");
  g_assert_cmpstr (inn_snapshot_get_name (running), ==, "At work");
  g_assert_cmpstr (inn_snapshot_get_facts (running)->note, ==, "Later");

  contract_restore (snapshots, off, TRUE);
  g_assert_cmpuint (count_snapshots (snapshots), ==, 3);
  contract_restore (snapshots, running, FALSE);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  g_assert_cmpuint (count_snapshots (snapshots), ==, 3);
  contract_delete_snapshot (snapshots, off);
  g_assert_null (inn_snapshot_get_parent (running));
  contract_run (machine, INN_OPERATION_POWER_OFF);
}

static gboolean
find_kept (InnSnapshots *snapshots)
{
  for (guint i = 0; i < count_snapshots (snapshots); i++)
    {
      g_autoptr (InnSnapshot) snapshot = g_list_model_get_item (G_LIST_MODEL (snapshots), i);

      if (inn_snapshot_get_facts (snapshot)->kept)
        return TRUE;
    }
  return FALSE;
}

static void
test_snapshots (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnMachine) machine = make (place, connection);
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  g_autoptr (GAsyncResult) result = NULL;

  g_assert_cmpuint (count_snapshots (snapshots), ==, 0);
  g_assert_null (inn_snapshots_get_current (snapshots));
  check_snapshot_reasons (snapshots, NULL);
  if (inn_snapshots_get_refusal (snapshots, INN_SNAPSHOT_TAKE, NULL) == NULL)
    {
      check_snapshots (machine, snapshots);
      g_assert_true (find_kept (snapshots));
    }
  else
    {
      g_autoptr (GError) error = NULL;

      inn_snapshots_take_async (snapshots, NULL, NULL, NULL, on_result, &result);
      CONTRACT_WAIT (has_result, &result);
      g_assert_null (inn_snapshots_take_finish (snapshots, result, NULL, &error));
      g_assert_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED);
    }
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

static void
check_saved (InnMachine *machine)
{
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);

  contract_run (machine, INN_OPERATION_SAVE);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_SAVED);
  check_snapshot_reasons (snapshots, NULL);
  g_assert_false (inn_machine_can (machine, INN_OPERATION_SAVE, NULL));
  contract_run (machine, INN_OPERATION_START);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  contract_run (machine, INN_OPERATION_PAUSE);
  contract_run (machine, INN_OPERATION_SAVE);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_SAVED);
  contract_run (machine, INN_OPERATION_DISCARD_SAVED);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_OFF);
  contract_run (machine, INN_OPERATION_START);
  contract_run (machine, INN_OPERATION_SAVE);
}

static void
check_disposable (InnMachine *machine)
{
  contract_run (machine, INN_OPERATION_START_DISPOSABLE);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  g_assert_cmpint (inn_machine_get_kind (machine), ==, INN_MACHINE_DISPOSABLE);
  g_assert_false (inn_machine_can (machine, INN_OPERATION_START_DISPOSABLE, NULL));
  contract_run_refused (machine, INN_OPERATION_SAVE, INN_ERROR_NOT_SUPPORTED);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  g_assert_cmpint (inn_machine_get_kind (machine), ==, INN_MACHINE_ORDINARY);
  contract_run (machine, INN_OPERATION_START);
  g_assert_cmpint (inn_machine_get_kind (machine), ==, INN_MACHINE_ORDINARY);
  contract_run (machine, INN_OPERATION_POWER_OFF);
}

/* Where a run cannot be thrown away, why is said. */
static void
test_disposable (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnMachine) machine = make (place, connection);
  const char *reason = NULL;

  if (inn_machine_can (machine, INN_OPERATION_START_DISPOSABLE, &reason))
    check_disposable (machine);
  else
    {
      g_assert_cmpint (g_utf8_strlen (reason, -1), <=, 45);
      contract_run_refused (machine, INN_OPERATION_START_DISPOSABLE, INN_ERROR_NOT_SUPPORTED);
    }
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

static void
check_template (InnMachine *machine)
{
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  InnHardware *hardware = inn_machine_get_hardware (machine);
  const char *refusal;

  g_assert_false (inn_machine_can (machine, INN_OPERATION_MAKE_MACHINE, NULL));
  contract_run (machine, INN_OPERATION_MAKE_TEMPLATE);
  g_assert_cmpint (inn_machine_get_kind (machine), ==, INN_MACHINE_TEMPLATE);
  contract_run_refused (machine, INN_OPERATION_START, INN_ERROR_NOT_SUPPORTED);
  contract_run_refused (machine, INN_OPERATION_START_DISPOSABLE, INN_ERROR_NOT_SUPPORTED);
  refusal = inn_snapshots_get_refusal (snapshots, INN_SNAPSHOT_TAKE, NULL);
  g_assert_cmpint (g_utf8_strlen (refusal, -1), <=, 45);
  refusal = inn_hardware_get_refusal (hardware);
  g_assert_cmpint (g_utf8_strlen (refusal, -1), <=, 45);
  g_assert_null (inn_snapshots_get_clone_refusal (snapshots, INN_CLONE_LINKED, NULL));
  contract_run (machine, INN_OPERATION_MAKE_MACHINE);
  g_assert_cmpint (inn_machine_get_kind (machine), ==, INN_MACHINE_ORDINARY);
  g_assert_null (inn_hardware_get_refusal (hardware));
  contract_run (machine, INN_OPERATION_START);
  contract_run_refused (machine, INN_OPERATION_MAKE_TEMPLATE, INN_ERROR_NOT_SUPPORTED);
  contract_run (machine, INN_OPERATION_POWER_OFF);
}

static void
test_template (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnMachine) machine = make (place, connection);
  const char *reason = NULL;

  if (inn_machine_can (machine, INN_OPERATION_MAKE_TEMPLATE, &reason))
    check_template (machine);
  else
    {
      g_assert_cmpint (g_utf8_strlen (reason, -1), <=, 45);
      contract_run_refused (machine, INN_OPERATION_MAKE_TEMPLATE, INN_ERROR_NOT_SUPPORTED);
    }
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

static void
test_saved (gconstpointer data)
{
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnMachine) machine = make (place, connection);
  const char *reason = NULL;

  contract_run (machine, INN_OPERATION_START);
  if (inn_machine_can (machine, INN_OPERATION_SAVE, &reason))
    check_saved (machine);
  else
    {
      g_assert_cmpint (g_utf8_strlen (reason, -1), <=, 45);
      contract_run_refused (machine, INN_OPERATION_SAVE, INN_ERROR_NOT_SUPPORTED);
      contract_run (machine, INN_OPERATION_POWER_OFF);
    }
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* ---- clones ---- */

typedef struct
{
  InnConnection *connection;
  const char *id;
} Listed;

static gboolean
is_listed (Listed *listed)
{
  return inn_connection_find (listed->connection, listed->id) != NULL;
}

InnMachine *
contract_clone (InnMachine *machine, InnCloneKind kind, const char *name)
{
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  InnConnection *connection = inn_machine_get_connection (machine);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  Listed listed = { connection, NULL };

  inn_snapshots_clone_async (snapshots, kind, name, NULL, NULL, NULL, NULL, NULL, on_result,
                             &result);
  CONTRACT_WAIT (has_result, &result);
  id = inn_snapshots_clone_finish (snapshots, result, NULL, &error);
  g_assert_no_error (error);
  listed.id = id;
  CONTRACT_WAIT (is_listed, &listed);
  return g_object_ref (inn_connection_find (connection, id));
}

static void
clone_refused (InnMachine *machine, InnCloneKind kind, const char *name, int code)
{
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_snapshots_clone_async (snapshots, kind, name, NULL, NULL, NULL, NULL, NULL, on_result,
                             &result);
  CONTRACT_WAIT (has_result, &result);
  g_assert_null (inn_snapshots_clone_finish (snapshots, result, NULL, &error));
  g_assert_error (error, INN_ERROR, code);
}

/* What is cancelled leaves nothing, unless it was done already. */
static void
cancel_clone (InnMachine *machine, InnCloneKind kind)
{
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  InnConnection *connection = inn_machine_get_connection (machine);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  Listed listed = { connection, NULL };

  inn_snapshots_clone_async (snapshots, kind, "Never", NULL, NULL, NULL, NULL, NULL, on_result,
                             &result);
  inn_snapshots_cancel_clone (snapshots);
  CONTRACT_WAIT (has_result, &result);
  id = inn_snapshots_clone_finish (snapshots, result, NULL, &error);
  if (id == NULL)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      return;
    }
  listed.id = id;
  CONTRACT_WAIT (is_listed, &listed);
  contract_run (inn_connection_find (connection, id), INN_OPERATION_DELETE);
}

static void
check_clone (InnMachine *machine, InnCloneKind kind)
{
  g_autoptr (InnMachine) clone = contract_clone (machine, kind, "The <other> one");
  g_auto (GStrv) storage = inn_machine_list_storage (clone);

  g_assert_cmpstr (inn_machine_get_name (clone), ==, "The <other> one");
  g_assert_cmpstr (inn_machine_get_id (clone), !=, inn_machine_get_id (machine));
  g_assert_cmpuint (inn_machine_get_memory (clone), ==, inn_machine_get_memory (machine));
  g_assert_cmpint (inn_machine_get_state (clone), ==, INN_MACHINE_OFF);
  clone_refused (machine, kind, "The <other> one", INN_ERROR_EXISTS);

  /* Each has its disk to itself. */
  contract_run (machine, INN_OPERATION_START);
  contract_run (clone, INN_OPERATION_START);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (clone, INN_OPERATION_POWER_OFF);
  contract_run (clone, INN_OPERATION_DELETE);
  for (guint i = 0; storage[i] != NULL; i++)
    g_assert_false (g_file_test (storage[i], G_FILE_TEST_EXISTS));
  contract_run (machine, INN_OPERATION_START);
  contract_run (machine, INN_OPERATION_POWER_OFF);
}

static void
test_clones (gconstpointer data)
{
  static const InnCloneKind kinds[] = { INN_CLONE_FULL, INN_CLONE_LINKED };
  const ContractPlace *place = data;
  InnConnection *connection = contract_open (place);
  g_autoptr (InnMachine) machine = make (place, connection);
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  g_auto (GStrv) storage = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (inn_snapshots_get_clone_refusal (snapshots, kinds[i], NULL) == NULL)
      {
        check_clone (machine, kinds[i]);
        cancel_clone (machine, kinds[i]);
      }
    else
      clone_refused (machine, kinds[i], "Never", INN_ERROR_NOT_SUPPORTED);
  /* Nothing runs that could go on twice. */
  clone_refused (machine, INN_CLONE_LIVE, "Never", INN_ERROR_NOT_SUPPORTED);
  storage = inn_machine_list_storage (machine);
  contract_run (machine, INN_OPERATION_DELETE);
  for (guint i = 0; storage[i] != NULL; i++)
    g_assert_false (g_file_test (storage[i], G_FILE_TEST_EXISTS));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (connection)), ==, 0);
  contract_close (connection);
}

void
contract_add_tests (const char *prefix, const ContractPlace *place)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
    gboolean creates;
  } tests[] = {
    { "open", test_open, FALSE },
    { "close-while-opening", test_close_while_opening, FALSE },
    { "refusal", test_refusal, FALSE },
    { "create", test_create, TRUE },
    { "lifecycle", test_lifecycle, TRUE },
    { "guest-outlives-connection", test_guest_outlives_connection, TRUE },
    { "metrics", test_metrics, TRUE },
    { "consoles", test_consoles, TRUE },
    { "hardware", test_hardware, TRUE },
    { "snapshots", test_snapshots, TRUE },
    { "disposable", test_disposable, TRUE },
    { "template", test_template, TRUE },
    { "saved", test_saved, TRUE },
    { "clones", test_clones, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    if (place->describe != NULL || !tests[i].creates)
      {
        g_autofree char *path = g_strconcat (prefix, "/", tests[i].name, NULL);

        g_test_add_data_func (path, place, tests[i].func);
      }
}
