/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This computer as a place: the contract of all places, and what is particular to our engine. The
 * VMM plays its part without a guest.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "contract.h"
#include "model/engine/engine-connection.h"
#include "model/engine/engine-machine.h"
#include "model/error.h"
#include "temporary-directory.h"

static char *folder; /* of the running test */
static char *kernel;
static const char kernel_text[] = "not really a kernel";

static InnConnection *
connect_place (void)
{
  g_autofree char *data = g_build_filename (folder, "data", NULL);
  g_autofree char *state = g_build_filename (folder, "state", NULL);
  g_autofree char *runtime = g_build_filename (folder, "run", NULL);
  g_autoptr (InnEngine) engine = inn_engine_new (data, state, runtime);

  return inn_engine_connection_new (engine);
}

static InnNewMachine *
describe (void)
{
  InnNewMachine *machine = inn_new_machine_new ();

  machine->name = g_strdup ("web");
  machine->medium = INN_MEDIUM_KERNEL;
  machine->medium_path = g_strdup (kernel);
  machine->memory = 64 << 20;
  machine->vcpus = 2;
  machine->disk_size = 1 << 20;
  return machine;
}

static const ContractPlace place = { connect_place, describe };

static void
take_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **slot = user_data;

  *slot = g_object_ref (result);
}

static gboolean
has_result (GAsyncResult **result)
{
  return *result != NULL;
}

static void
assert_refused (InnConnection *connection, const InnNewMachine *machine, int code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_connection_create_async (connection, machine, NULL, take_result, &result);
  CONTRACT_WAIT (has_result, &result);
  g_assert_null (inn_connection_create_finish (connection, result, &error));
  g_assert_error (error, INN_ERROR, code);
}

static void
make_disk (const char *path)
{
  int fd = g_creat (path, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, 4 << 20), ==, 0);
  close (fd);
}

static void
test_media (void)
{
  static const InnMediumKind media[] = { INN_MEDIUM_NONE, INN_MEDIUM_N };
  InnConnection *connection = contract_open (&place);
  g_autoptr (InnNewMachine) machine = describe ();

  for (guint i = 0; i < G_N_ELEMENTS (media); i++)
    {
      const char *refusal = inn_connection_get_medium_refusal (connection, media[i]);

      g_assert_nonnull (refusal);
      g_assert_cmpint (g_utf8_strlen (refusal, -1), <=, 45);
      machine->medium = media[i];
      assert_refused (connection, machine, INN_ERROR_NOT_SUPPORTED);
    }
  machine->medium = INN_MEDIUM_KERNEL;
  machine->vcpus = 500;
  assert_refused (connection, machine, INN_ERROR_INVALID);
  contract_close (connection);
}

/* A place with one machine, whose definition is libvirt's XML. */
static InnMachine *
define (InnConnection **ret_connection, const char *devices)
{
  g_autofree char *data = g_build_filename (folder, "data", NULL);
  g_autofree char *state = g_build_filename (folder, "state", NULL);
  g_autofree char *runtime = g_build_filename (folder, "run", NULL);
  g_autofree char *xml
      = g_strdup_printf ("<domain><name>painter</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
                         "<os><kernel>%s</kernel></os><devices>%s</devices></domain>",
                         kernel, devices);
  g_autoptr (InnEngine) engine = inn_engine_new (data, state, runtime);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (InnGuest) guest = NULL;

  *ret_connection = inn_engine_connection_new (engine);
  inn_connection_open (*ret_connection);
  inn_engine_define_async (engine, xml, strlen (xml), NULL, take_result, &result);
  CONTRACT_WAIT (has_result, &result);
  guest = inn_engine_define_finish (engine, result, NULL);
  g_assert_nonnull (guest);
  return g_object_ref (inn_connection_find (*ret_connection, inn_guest_get_uuid (guest)));
}

static InnConsoleEndpoint *
open_screen (InnMachine *machine, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_machine_open_console_async (machine, INN_CONSOLE_SCREEN, NULL, take_result, &result);
  CONTRACT_WAIT (has_result, &result);
  return inn_machine_open_console_finish (machine, result, error);
}

static void
on_ended (InnSharedScreen *screen, const char *reason, char **ret_reason)
{
  *ret_reason = g_strdup (reason);
}

static gboolean
has_reason (char **reason)
{
  return *reason != NULL;
}

static void
on_changed (InnSharedScreen *screen, gboolean *changed)
{
  *changed = TRUE;
}

static gboolean
is_set (gboolean *flag)
{
  return *flag;
}

static void
refresh (InnSharedScreen *screen)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_shared_screen_refresh_async (screen, NULL, take_result, &result);
  CONTRACT_WAIT (has_result, &result);
  inn_shared_screen_refresh_finish (screen, result, &error);
  g_assert_no_error (error);
}

static void
test_screen (void)
{
  InnConnection *connection;
  g_autoptr (InnMachine) machine = define (&connection, "<video><model type='virtio'/></video>");
  g_autofree struct screen_page *page = g_new0 (struct screen_page, 1);
  g_autoptr (InnConsoleEndpoint) endpoint = NULL;
  g_autofree char *reason = NULL;
  gboolean changed = FALSE;
  InnConsoleKind kind;

  g_assert_true (inn_machine_get_screen_kind (machine, &kind));
  g_assert_cmpint (kind, ==, INN_CONSOLE_SCREEN);
  contract_run (machine, INN_OPERATION_START);
  endpoint = open_screen (machine, NULL);
  g_assert_cmpint (endpoint->kind, ==, INN_CONSOLE_SCREEN);
  g_assert_cmpint (endpoint->fd, ==, -1);

  g_signal_connect (endpoint->screen, "changed", G_CALLBACK (on_changed), &changed);
  g_signal_connect (endpoint->screen, "ended", G_CALLBACK (on_ended), &reason);
  inn_shared_screen_set_watched (endpoint->screen, TRUE);
  refresh (endpoint->screen);
  CONTRACT_WAIT (is_set, &changed);
  inn_shared_screen_resize (endpoint->screen, 128, 64);
  refresh (endpoint->screen);
  g_assert_true (inn_shared_screen_read (endpoint->screen, page));
  g_assert_cmpuint (page->mode.width, ==, 128);
  g_assert_cmpuint (g_bytes_get_size (inn_shared_screen_get_pixels (endpoint->screen)), >=,
                    128 * 64 * 4);
  inn_shared_screen_set_watched (endpoint->screen, FALSE);

  contract_run (machine, INN_OPERATION_POWER_OFF);
  CONTRACT_WAIT (has_reason, &reason);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

static void
test_no_screen (void)
{
  InnConnection *connection;
  g_autoptr (InnMachine) machine = define (&connection, "<video><model type='none'/></video>");
  g_autoptr (GError) error = NULL;
  InnConsoleKind kind;

  g_assert_false (inn_machine_get_screen_kind (machine, &kind));
  g_assert_null (open_screen (machine, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* Machines with firmware, from a CD image and from a disk that is there. */
static void
test_whole_pcs (void)
{
  InnConnection *connection = contract_open (&place);
  g_autofree char *image = temporary_directory_add_file (folder, "cd.iso", kernel_text, -1);
  g_autofree char *disk = g_build_filename (folder, "own.img", NULL);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) from_cd = NULL;
  g_autoptr (InnMachine) from_disk = NULL;
  g_autoptr (InnMachine) from_network = NULL;
  g_autofree const char **ids = NULL;
  const InnSetting *order;
  g_auto (GStrv) storage = NULL;

  make_disk (disk);
  g_free (description->medium_path);
  description->medium = INN_MEDIUM_ISO;
  description->medium_path = g_strdup (image);
  description->firmware = INN_MACHINE_FIRMWARE_UEFI;
  from_cd = contract_create (connection, description);
  storage = inn_machine_list_storage (from_cd);
  g_assert_cmpuint (g_strv_length (storage), ==, 1);

  g_free (description->name);
  description->name = g_strdup ("from disk");
  g_free (description->medium_path);
  description->medium = INN_MEDIUM_DISK;
  description->medium_path = g_strdup (disk);
  description->firmware = INN_MACHINE_FIRMWARE_BIOS;
  description->disk_size = 0;
  from_disk = contract_create (connection, description);
  contract_run (from_disk, INN_OPERATION_DELETE);
  g_assert_true (g_file_test (disk, G_FILE_TEST_EXISTS));
  contract_run (from_cd, INN_OPERATION_DELETE);

  description->medium = INN_MEDIUM_NETWORK;
  from_network = contract_create (connection, description);
  order
      = inn_device_get_setting (inn_hardware_find (inn_machine_get_hardware (from_network), "boot"),
                                INN_SETTING_BOOT_ORDER);
  ids = g_variant_get_strv (order->value, NULL);
  g_assert_cmpstr (ids[0], ==, "net0");
  contract_run (from_network, INN_OPERATION_DELETE);
  contract_close (connection);
}

static gboolean
has_crashed (InnMachine *machine)
{
  return inn_machine_get_state (machine) == INN_MACHINE_CRASHED;
}

static void
test_killed_vmm (void)
{
  InnConnection *connection = contract_open (&place);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = contract_create (connection, description);
  g_autofree char *path = NULL;
  g_autofree char *holder = NULL;

  contract_run (machine, INN_OPERATION_START);
  path = g_build_filename (folder, "data", "machines", inn_machine_get_id (machine), "lock", NULL);
  g_assert_true (g_file_get_contents (path, &holder, NULL, NULL));
  g_assert_cmpint (kill ((pid_t)g_ascii_strtoll (holder, NULL, 10), SIGKILL), ==, 0);
  CONTRACT_WAIT (has_crashed, machine);
  g_assert_nonnull (inn_machine_get_status_text (machine));
  contract_run (machine, INN_OPERATION_START);
  g_assert_null (inn_machine_get_status_text (machine));
  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

static gboolean
has_watched (InnMetrics *metrics)
{
  const InnSampleRing *load = inn_metrics_get_series (metrics, INN_SERIES_CPU_TOTAL, 0);
  guint length = load != NULL ? inn_sample_ring_get_length (load) : 0;

  return length > 0
         && inn_sample_ring_get (load, length - 1).time_us
                > g_get_monotonic_time () - 30 * G_USEC_PER_SEC;
}

/* What happened before anybody watched is there at once. */
static void
test_past_hour (void)
{
  InnConnection *connection = contract_open (&place);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = contract_create (connection, description);
  InnMetrics *metrics = inn_machine_get_metrics (machine);
  const gint64 before = g_get_monotonic_time ();
  const InnSampleRing *load;

  contract_run (machine, INN_OPERATION_START);
  inn_machine_set_watched (machine, TRUE);
  CONTRACT_WAIT (has_watched, metrics);
  load = inn_metrics_get_series (metrics, INN_SERIES_CPU_TOTAL, 0);
  for (guint i = 0; i < 9; i++) /* of the ten samples of the scripted VMM */
    {
      g_assert_cmpint (inn_sample_ring_get (load, i).time_us, <, before);
      g_assert_cmpfloat_with_epsilon (inn_sample_ring_get (load, i).value, 0.5, 0.001);
    }
  inn_machine_set_watched (machine, FALSE);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* The place cannot be opened, says why, and can be opened once that is mended. */
static void
test_unusable_folder (void)
{
  g_autoptr (InnConnection) connection = connect_place ();
  g_autofree char *data = temporary_directory_add_file (folder, "data", "", 0);

  inn_connection_open (connection);
  g_assert_cmpint (inn_connection_get_state (connection), ==, INN_CONNECTION_BROKEN);
  g_assert_nonnull (strstr (inn_connection_get_message (connection), data));
  g_assert_cmpint (remove (data), ==, 0);
  inn_connection_open (connection);
  g_assert_cmpint (inn_connection_get_state (connection), ==, INN_CONNECTION_OPENING);
  contract_close (g_steal_pointer (&connection));
}

int
main (int argc, char **argv)
{
  int status;

  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
  folder = temporary_directory_new ();
  kernel = temporary_directory_add_file (folder, "kernel", kernel_text, -1);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/engine/unusable-folder", test_unusable_folder);
  contract_add_tests ("/engine/contract", &place);
  g_test_add_func ("/engine/media", test_media);
  g_test_add_func ("/engine/screen", test_screen);
  g_test_add_func ("/engine/no-screen", test_no_screen);
  g_test_add_func ("/engine/whole-pcs", test_whole_pcs);
  g_test_add_func ("/engine/killed-vmm", test_killed_vmm);
  g_test_add_func ("/engine/past-hour", test_past_hour);

  status = g_test_run ();
  g_free (kernel);
  temporary_directory_free (folder);
  return status;
}
