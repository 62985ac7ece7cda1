/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The libvirt adapter against libvirt's own test driver, in process, and against QEMU in software
 * emulation behind a private daemon.
 */
#include "model/libvirt/libvirt-connection.h"

#include <unistd.h>

#include <glib/gstdio.h>

#include "contract.h"
#include "libvirt-session.h"
#include "model/error.h"
#include "temporary-directory.h"
#include "tiny-kernel.h"

static char *kernel;

static InnConnection *
connect_test_driver (void)
{
  return inn_libvirt_connection_new ("test:///default", "Test", /* kvm_works= */ FALSE);
}

static InnConnection *
connect_session (void)
{
  return inn_libvirt_connection_new (INN_LIBVIRT_SESSION_URI, "This computer", FALSE);
}

static InnNewMachine *
describe (void)
{
  InnNewMachine *description = inn_new_machine_new ();

  description->name = g_strdup ("Tiny <guest> & \"co\"");
  description->medium = INN_MEDIUM_KERNEL;
  description->medium_path = g_strdup (kernel);
  description->memory = 64 << 20;
  description->vcpus = 1;
  description->disk_size = 8 << 20;
  return description;
}

static const ContractPlace test_driver = { connect_test_driver, NULL };
static const ContractPlace session = { connect_session, describe };

/* The test driver. */

static void
test_driver_operations (void)
{
  InnConnection *connection = contract_open (&test_driver);
  g_autoptr (InnMachine) machine = g_list_model_get_item (G_LIST_MODEL (connection), 0);

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (connection)), ==, 1);
  g_assert_cmpstr (inn_machine_get_name (machine), ==, "test");
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  g_assert_cmpint (inn_connection_get_speed (connection), ==, INN_SPEED_NONE);
  g_assert_nonnull (inn_connection_get_medium_refusal (connection, INN_MEDIUM_ISO));

  contract_run (machine, INN_OPERATION_PAUSE);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_PAUSED);
  contract_run (machine, INN_OPERATION_RESUME);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_OFF);
  contract_run (machine, INN_OPERATION_START);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  contract_close (connection);
}

static gboolean
is_paused (InnMachine *machine)
{
  return inn_machine_get_state (machine) == INN_MACHINE_PAUSED;
}

static gboolean
is_running (InnMachine *machine)
{
  return inn_machine_get_state (machine) == INN_MACHINE_RUNNING;
}

static gboolean
is_off (InnMachine *machine)
{
  return !inn_machine_state_is_active (inn_machine_get_state (machine));
}

/* What somebody else does is seen by its event. */
static void
test_driver_events (void)
{
  InnConnection *connection = contract_open (&test_driver);
  InnConnection *other = contract_open (&test_driver);
  g_autoptr (InnMachine) machine = g_list_model_get_item (G_LIST_MODEL (connection), 0);
  g_autoptr (InnMachine) same = g_list_model_get_item (G_LIST_MODEL (other), 0);

  contract_run (machine, INN_OPERATION_PAUSE);
  CONTRACT_WAIT (is_paused, same);
  contract_run (same, INN_OPERATION_RESUME);
  CONTRACT_WAIT (is_running, machine);
  contract_close (other);
  contract_close (connection);
}

/* An error is a sentence, and does not close the place. */
static void
test_driver_console (void)
{
  InnConnection *connection = contract_open (&test_driver);
  g_autoptr (InnMachine) machine = g_list_model_get_item (G_LIST_MODEL (connection), 0);

  g_assert_false (inn_machine_has_console (machine, INN_CONSOLE_SERIAL));
  g_assert_false (inn_machine_has_console (machine, INN_CONSOLE_VNC));
  contract_close (connection);
}

static gboolean
is_broken (InnConnection *connection)
{
  return inn_connection_get_state (connection) == INN_CONNECTION_BROKEN;
}

static gboolean
is_open (InnConnection *connection)
{
  return inn_connection_get_state (connection) == INN_CONNECTION_OPEN;
}

static void
test_unreachable (void)
{
  g_autoptr (InnConnection) connection
      = inn_libvirt_connection_new ("qemu+unix:///session?socket=/nonexistent/socket", "Nowhere",
                                    FALSE);

  inn_connection_open (connection);
  CONTRACT_WAIT (is_broken, connection);
  g_assert_nonnull (inn_connection_get_message (connection));
  inn_connection_close (connection);
}

/* QEMU. */

static void
test_consoles (void)
{
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = contract_create (connection, description);
  int serial, screen;

  g_assert_cmpint (inn_connection_get_speed (connection), ==, INN_SPEED_EMULATED);
  g_assert_true (inn_machine_is_emulated (machine));
  contract_run (machine, INN_OPERATION_START);
  screen = contract_open_console (machine, INN_CONSOLE_VNC);
  contract_expect_text (screen, "RFB 003.008");
  close (screen);

  /* Also what the guest wrote before anybody looked. */
  g_usleep (G_USEC_PER_SEC);
  serial = contract_open_console (machine, INN_CONSOLE_SERIAL);
  contract_expect_text (serial, TINY_KERNEL_GREETING);
  g_assert_cmpint (write (serial, "room service", 12), ==, 12);
  contract_expect_text (serial, "room service");
  contract_run (machine, INN_OPERATION_RESET);
  contract_expect_text (serial, TINY_KERNEL_GREETING);
  close (serial);

  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

typedef struct
{
  int fd;
  GByteArray *sent, *received;
  guint length;
} Echo;

/* Writes as much as is taken, and reads only when nothing more is. */
static gboolean
exchange (Echo *echo)
{
  guint8 buffer[1000];
  gssize n;

  while (echo->sent->len < echo->length)
    {
      for (guint i = 0; i < sizeof buffer; i++)
        buffer[i] = (guint8)((echo->sent->len + i) * 7 % 251);
      n = write (echo->fd, buffer, MIN (sizeof buffer, echo->length - echo->sent->len));
      if (n < 0)
        break;
      g_byte_array_append (echo->sent, buffer, (guint)n);
    }
  n = read (echo->fd, buffer, sizeof buffer);
  if (n > 0)
    g_byte_array_append (echo->received, buffer, (guint)n);
  return echo->received->len >= echo->length;
}

/* Much at once, as when a text is pasted, comes back complete and in order; the daemon still
 * answers other calls. */
static void
test_serial_flow (void)
{
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = contract_create (connection, description);
  g_autoptr (GByteArray) sent = g_byte_array_new ();
  g_autoptr (GByteArray) received = g_byte_array_new ();
  Echo echo = { -1, sent, received, 64 * 1024 };

  contract_run (machine, INN_OPERATION_START);
  echo.fd = contract_open_console (machine, INN_CONSOLE_SERIAL);
  contract_expect_text (echo.fd, TINY_KERNEL_GREETING);
  exchange (&echo);
  contract_run (machine, INN_OPERATION_PAUSE);
  contract_run (machine, INN_OPERATION_RESUME);
  CONTRACT_WAIT (exchange, &echo);
  g_assert_cmpmem (received->data, received->len, sent->data, sent->len);
  close (echo.fd);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* KVM is used only where it is there and the application has found that it works. */
static void
test_kvm_works (void)
{
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = NULL;
  gboolean have_kvm = access ("/dev/kvm", R_OK | W_OK) == 0;

  g_assert_cmpint (inn_connection_get_speed (connection), ==, INN_SPEED_EMULATED);
  g_object_set (connection, "kvm-works", TRUE, NULL);
  g_assert_cmpint (inn_connection_get_speed (connection), ==,
                   have_kvm ? INN_SPEED_FULL : INN_SPEED_EMULATED);
  machine = contract_create (connection, description);
  g_assert_cmpint (inn_machine_is_emulated (machine), ==, !have_kvm);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* The administrator is told about the daemon of his own. */
static void
test_message (void)
{
  InnConnection *connection = contract_open (&session);

  g_assert_cmpint (inn_connection_get_message (connection) != NULL, ==, geteuid () == 0);
  contract_close (connection);
}

/* The disk is made with the machine, in Innkeeper's own folder, and only it goes with it. */
static void
test_storage (void)
{
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = contract_create (connection, description);
  g_auto (GStrv) storage = inn_machine_list_storage (machine);

  g_assert_cmpuint (g_strv_length (storage), ==, 1);
  g_assert_true (g_str_has_prefix (storage[0], libvirt_session_get_folder ()));
  g_assert_true (g_file_test (storage[0], G_FILE_TEST_IS_REGULAR));
  /* Somebody removed it by hand meanwhile. */
  g_assert_cmpint (g_unlink (storage[0]), ==, 0);
  contract_run (machine, INN_OPERATION_DELETE);
  g_assert_true (g_file_test (kernel, G_FILE_TEST_EXISTS));
  contract_close (connection);
}

/* A disk that somebody brought stays. */
static void
test_own_disk_stays (void)
{
  static const guint8 mbr_signature[] = { 0x55, 0xaa };
  guint8 mbr[4096] = { 0 };
  g_autofree char *path = NULL;
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = NULL;
  g_auto (GStrv) storage = NULL;

  mbr[446 + 4] = 0x83;
  memcpy (mbr + 510, mbr_signature, sizeof mbr_signature);
  path = temporary_directory_add_file (libvirt_session_get_folder (), "disk.img", mbr, sizeof mbr);
  description->medium = INN_MEDIUM_DISK;
  g_free (description->medium_path);
  description->medium_path = g_strdup (path);
  description->disk_size = 0;
  machine = contract_create (connection, description);
  storage = inn_machine_list_storage (machine);
  g_assert_cmpuint (g_strv_length (storage), ==, 0);
  contract_run (machine, INN_OPERATION_START);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  contract_close (connection);
}

/* A start that QEMU refuses leaves the machine off, with a sentence. */
static void
test_start_refused (void)
{
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = NULL;

  g_free (description->medium_path);
  description->medium_path
      = g_build_filename (libvirt_session_get_folder (), "no-such-kernel", NULL);
  machine = contract_create (connection, description);
  contract_run_refused (machine, INN_OPERATION_START, INN_ERROR_FAILED);
  CONTRACT_WAIT (is_off, machine);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* The daemon crashes: the machine runs on, its last state stays to be seen, and it is found again.
 */
static void
test_daemon_killed (void)
{
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnNewMachine) description = describe ();
  g_autoptr (InnMachine) machine = contract_create (connection, description);

  contract_run (machine, INN_OPERATION_START);
  libvirt_session_kill_daemon ();
  CONTRACT_WAIT (is_broken, connection);
  g_assert_nonnull (inn_connection_get_message (connection));
  g_assert_true (inn_connection_find (connection, inn_machine_get_id (machine)) == machine);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  g_assert_false (inn_machine_can (machine, INN_OPERATION_PAUSE, NULL));

  CONTRACT_WAIT (is_open, connection);
  g_assert_true (inn_connection_find (connection, inn_machine_get_id (machine)) == machine);
  g_assert_cmpint (inn_machine_get_state (machine), ==, INN_MACHINE_RUNNING);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

static gboolean
have_qemu (void)
{
  g_autofree char *qemu = g_find_program_in_path ("qemu-system-x86_64");
  g_autofree char *image_tool = g_find_program_in_path ("qemu-img");

  return qemu != NULL && image_tool != NULL
         && (g_file_test ("/usr/sbin/libvirtd", G_FILE_TEST_IS_EXECUTABLE)
             || g_file_test ("/usr/sbin/virtqemud", G_FILE_TEST_IS_EXECUTABLE));
}

int
main (int argc, char **argv)
{
  int status;

  libvirt_session_begin ();
  kernel = tiny_kernel_write (libvirt_session_get_folder ());
  g_test_init (&argc, &argv, NULL);

  contract_add_tests ("/libvirt/test-driver/contract", &test_driver);
  g_test_add_func ("/libvirt/test-driver/operations", test_driver_operations);
  g_test_add_func ("/libvirt/test-driver/events", test_driver_events);
  g_test_add_func ("/libvirt/test-driver/console", test_driver_console);
  g_test_add_func ("/libvirt/unreachable", test_unreachable);
  if (have_qemu ())
    {
      contract_add_tests ("/libvirt/session/contract", &session);
      g_test_add_func ("/libvirt/session/consoles", test_consoles);
      g_test_add_func ("/libvirt/session/serial-flow", test_serial_flow);
      g_test_add_func ("/libvirt/session/kvm-works", test_kvm_works);
      g_test_add_func ("/libvirt/session/message", test_message);
      g_test_add_func ("/libvirt/session/storage", test_storage);
      g_test_add_func ("/libvirt/session/own-disk-stays", test_own_disk_stays);
      g_test_add_func ("/libvirt/session/start-refused", test_start_refused);
      g_test_add_func ("/libvirt/session/daemon-killed", test_daemon_killed);
    }
  else
    g_test_message ("QEMU, qemu-img or a libvirt daemon is not installed: sessions not tested");

  status = g_test_run ();
  g_free (kernel);
  libvirt_session_end ();
  return status;
}
