/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hardware of the engine's machines: what of a definition is shown, and what a change makes of
 * it. The VMM plays its part without a guest.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "contract.h"
#include "model/engine/engine-connection.h"
#include "model/error.h"
#include "temporary-directory.h"

typedef struct
{
  char *folder;
  char *image; /* could be a CD, or a kernel */
  InnConnection *connection;
  InnMachine *machine;
  InnHardware *hardware; /* of the machine */
} Fixture;

static InnMachine *
create (Fixture *fixture, const char *name)
{
  g_autoptr (InnNewMachine) description = inn_new_machine_new ();

  description->name = g_strdup (name);
  description->medium = INN_MEDIUM_ISO;
  description->medium_path = g_strdup (fixture->image);
  description->memory = 64 << 20;
  description->vcpus = 1;
  description->disk_size = 1 << 20;
  return contract_create (fixture->connection, description);
}

static gboolean
is_open (InnConnection *connection)
{
  return inn_connection_get_state (connection) == INN_CONNECTION_OPEN;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *data = NULL;
  g_autofree char *state = NULL;
  g_autofree char *runtime = NULL;
  g_autoptr (InnEngine) engine = NULL;

  fixture->folder = temporary_directory_new ();
  fixture->image = temporary_directory_add_file (fixture->folder, "image", "not really one", -1);
  data = g_build_filename (fixture->folder, "data", NULL);
  state = g_build_filename (fixture->folder, "state", NULL);
  runtime = g_build_filename (fixture->folder, "run", NULL);
  engine = inn_engine_new (data, state, runtime);
  fixture->connection = inn_engine_connection_new (engine);
  inn_connection_open (fixture->connection);
  CONTRACT_WAIT (is_open, fixture->connection);
  fixture->machine = create (fixture, "web");
  fixture->hardware = inn_machine_get_hardware (fixture->machine);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  if (inn_machine_state_is_active (inn_machine_get_state (fixture->machine)))
    contract_run (fixture->machine, INN_OPERATION_POWER_OFF);
  g_object_unref (fixture->machine);
  contract_close (fixture->connection);
  temporary_directory_free (fixture->folder);
  g_free (fixture->image);
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

/* @change is freed. */
static gboolean
try_apply (Fixture *fixture, InnHardwareChange *change, GError **error)
{
  g_autoptr (InnHardwareChange) owned = change;
  g_autoptr (GAsyncResult) result = NULL;

  inn_hardware_apply_async (fixture->hardware, owned, NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  return inn_hardware_apply_finish (fixture->hardware, result, error);
}

static void
apply (Fixture *fixture, InnHardwareChange *change)
{
  g_autoptr (GError) error = NULL;

  try_apply (fixture, change, &error);
  g_assert_no_error (error);
}

static void
assert_refused (Fixture *fixture, InnHardwareChange *change, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (try_apply (fixture, change, &error));
  g_assert_error (error, INN_ERROR, code);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” says nothing of “%s”", error->message, word);
}

static InnHardwareChange *
set_text (const char *device, InnSettingId setting, const char *text)
{
  return inn_hardware_change_new_set (device, setting, g_variant_new_string (text));
}

static InnHardwareChange *
set_strings (const char *device, InnSettingId setting, const char *const *texts)
{
  return inn_hardware_change_new_set (device, setting, g_variant_new_strv (texts, -1));
}

static InnHardwareChange *
set_switch (const char *device, InnSettingId setting, gboolean on)
{
  return inn_hardware_change_new_set (device, setting, g_variant_new_boolean (on));
}

static void
assert_value (Fixture *fixture, const char *device, InnSettingId id, const char *expected)
{
  InnDevice *found = inn_hardware_find (fixture->hardware, device);
  g_autofree char *text = NULL;

  g_assert_nonnull (found);
  text = g_variant_print (inn_device_get_setting (found, id)->value, FALSE);
  g_assert_cmpstr (text, ==, expected);
}

static guint
count (Fixture *fixture, InnDeviceKind kind)
{
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (fixture->hardware)); i++)
    {
      g_autoptr (InnDevice) device = g_list_model_get_item (G_LIST_MODEL (fixture->hardware), i);

      n += inn_device_get_kind (device) == kind;
    }
  return n;
}

static void
test_shown (Fixture *fixture, gconstpointer unused)
{
  InnDevice *disk = inn_hardware_find (fixture->hardware, "vda");
  InnDevice *drive = inn_hardware_find (fixture->hardware, "sda");

  g_assert_true (inn_device_is_made (disk));
  g_assert_cmpuint (inn_device_get_size (disk), ==, 1 << 20);
  g_assert_cmpstr (inn_device_get_connection (disk), ==, "VirtIO");
  g_assert_cmpstr (inn_device_get_path (drive), ==, fixture->image);
  g_assert_false (inn_device_is_made (drive));
  assert_value (fixture, "firmware", INN_SETTING_FIRMWARE, "'bios'");
  assert_value (fixture, "boot", INN_SETTING_BOOT_ORDER, "['vda', 'sda', 'net0']");
  assert_value (fixture, "net0", INN_SETTING_LINK, "true");
  assert_value (fixture, "display", INN_SETTING_RESOLUTION, "'1280x800'");
  g_assert_false (inn_hardware_is_running (fixture->hardware));
}

static void
test_system (Fixture *fixture, gconstpointer unused)
{
  static const char *const order[] = { "net0", "sda", "vda", NULL };
  static const char *const twice[] = { "vda", "vda", NULL };
  static const char *const nothing[] = { "vdz", NULL };

  apply (fixture, set_text ("firmware", INN_SETTING_FIRMWARE, "uefi"));
  assert_value (fixture, "firmware", INN_SETTING_FIRMWARE, "'uefi'");
  apply (fixture, set_strings ("boot", INN_SETTING_BOOT_ORDER, order));
  assert_value (fixture, "boot", INN_SETTING_BOOT_ORDER, "['net0', 'sda', 'vda']");
  assert_refused (fixture, set_strings ("boot", INN_SETTING_BOOT_ORDER, twice), INN_ERROR_INVALID,
                  "vda");
  assert_refused (fixture, set_strings ("boot", INN_SETTING_BOOT_ORDER, nothing), INN_ERROR_INVALID,
                  "vdz");
  apply (fixture, set_switch ("boot", INN_SETTING_BOOT_MENU, TRUE));
  assert_value (fixture, "boot", INN_SETTING_BOOT_MENU, "true");
  apply (fixture, set_text ("display", INN_SETTING_RESOLUTION, "1920x1080"));
  apply (fixture, set_text ("display", INN_SETTING_ADAPTER, "none"));
  assert_refused (fixture, set_text ("display", INN_SETTING_RESOLUTION, "800x600"),
                  INN_ERROR_NOT_SUPPORTED, "no screen");
  apply (fixture, set_text ("display", INN_SETTING_ADAPTER, "vga"));
  assert_value (fixture, "display", INN_SETTING_ADAPTER, "'vga'");
}

static void
test_media (Fixture *fixture, gconstpointer unused)
{
  apply (fixture, set_text ("sda", INN_SETTING_MEDIUM, ""));
  g_assert_null (inn_device_get_path (inn_hardware_find (fixture->hardware, "sda")));
  assert_refused (fixture, set_text ("sda", INN_SETTING_MEDIUM, "/nowhere/cd.iso"),
                  INN_ERROR_FAILED, "/nowhere/cd.iso");
  g_assert_null (inn_device_get_path (inn_hardware_find (fixture->hardware, "sda")));
  apply (fixture, set_text ("sda", INN_SETTING_MEDIUM, fixture->image));
  assert_refused (fixture, set_text ("vda", INN_SETTING_SERIAL, "white space"), INN_ERROR_INVALID,
                  "vda");
  apply (fixture, set_text ("vda", INN_SETTING_SERIAL, "ABC-1"));
  assert_value (fixture, "vda", INN_SETTING_SERIAL, "'ABC-1'");
  apply (fixture, set_switch ("vda", INN_SETTING_READ_ONLY, TRUE));
  assert_value (fixture, "vda", INN_SETTING_READ_ONLY, "true");
}

static char *
make_disk (Fixture *fixture, const char *name)
{
  char *path = g_build_filename (fixture->folder, name, NULL);
  int fd = g_creat (path, 0600);

  g_assert_cmpint (ftruncate (fd, 4 << 20), ==, 0);
  close (fd);
  return path;
}

/* A file stays with its disk gone, unless asked; two machines never have the same. */
static void
test_disks (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *own = make_disk (fixture, "own.raw");
  g_autoptr (InnMachine) other = create (fixture, "other");
  InnDevice *others = inn_hardware_find (inn_machine_get_hardware (other), "vda");
  g_autofree char *made = NULL;

  assert_refused (fixture,
                  inn_hardware_change_new_add (INN_DEVICE_DISK, inn_device_get_path (others), 0),
                  INN_ERROR_BUSY, "“other”");
  assert_refused (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, "/nowhere/disk", 0),
                  INN_ERROR_FAILED, "/nowhere/disk");
  apply (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, own, 0));
  g_assert_cmpstr (inn_device_get_path (inn_hardware_find (fixture->hardware, "vdb")), ==, own);
  assert_refused (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, own, 0), INN_ERROR_BUSY,
                  "“web”");
  apply (fixture, inn_hardware_change_new_remove ("vdb", /* delete_file= */ TRUE));
  g_assert_true (g_file_test (own, G_FILE_TEST_EXISTS)); /* it was not made for the machine */

  apply (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, 8 << 20));
  made = g_strdup (inn_device_get_path (inn_hardware_find (fixture->hardware, "vdb")));
  apply (fixture, inn_hardware_change_new_remove ("vdb", /* delete_file= */ FALSE));
  g_assert_true (g_file_test (made, G_FILE_TEST_EXISTS));
  apply (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, made, 0));
  apply (fixture, inn_hardware_change_new_remove ("vdb", /* delete_file= */ TRUE));
  g_assert_false (g_file_test (made, G_FILE_TEST_EXISTS));
  assert_refused (fixture, inn_hardware_change_new_remove ("vdb", FALSE), INN_ERROR_UNAVAILABLE,
                  "gone");
}

static InnTiming
get_growth (Fixture *fixture, const char *id)
{
  return inn_device_get_growth (inn_hardware_find (fixture->hardware, id));
}

static void
assert_size (Fixture *fixture, const char *id, guint64 size)
{
  g_assert_cmpuint (inn_device_get_size (inn_hardware_find (fixture->hardware, id)), ==, size);
}

/* Off and running; the page shows the new size at once. */
static void
test_growth (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpint (get_growth (fixture, "vda"), ==, INN_TIMING_AT_ONCE);
  g_assert_cmpint (get_growth (fixture, "sda"), ==, INN_TIMING_NEVER);
  apply (fixture, inn_hardware_change_new_grow ("vda", 3 << 20));
  assert_size (fixture, "vda", 3 << 20);
  assert_refused (fixture, inn_hardware_change_new_grow ("vda", 1 << 20), INN_ERROR_INVALID,
                  "only become larger");
  assert_refused (fixture, inn_hardware_change_new_grow ("sda", 8 << 20), INN_ERROR_NOT_SUPPORTED,
                  "can be written to");
  assert_size (fixture, "vda", 3 << 20);

  contract_run (fixture->machine, INN_OPERATION_START);
  apply (fixture, inn_hardware_change_new_grow ("vda", 5 << 20));
  assert_size (fixture, "vda", 5 << 20);
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  apply (fixture, set_switch ("vda", INN_SETTING_READ_ONLY, TRUE));
  g_assert_cmpint (get_growth (fixture, "vda"), ==, INN_TIMING_NEVER);
  assert_refused (fixture, inn_hardware_change_new_grow ("vda", 8 << 20), INN_ERROR_NOT_SUPPORTED,
                  "can be written to");
}

static void
test_limits (Fixture *fixture, gconstpointer unused)
{
  const char *refusal = NULL;

  while ((refusal = inn_hardware_get_addition_refusal (fixture->hardware, INN_DEVICE_DISK, NULL))
         == NULL)
    apply (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, 1 << 20));
  g_assert_cmpuint (count (fixture, INN_DEVICE_DISK) + count (fixture, INN_DEVICE_CDROM), ==,
                    INN_MACHINE_MAX_VIRTIO_DISKS + INN_MACHINE_MAX_SATA_DISKS);
  assert_refused (fixture, inn_hardware_change_new_add (INN_DEVICE_CDROM, NULL, 0),
                  INN_ERROR_NOT_SUPPORTED, refusal);
  for (guint i = 1; i < 8; i++)
    apply (fixture, inn_hardware_change_new_add (INN_DEVICE_NETWORK, NULL, 0));
  assert_refused (fixture, inn_hardware_change_new_add (INN_DEVICE_NETWORK, NULL, 0),
                  INN_ERROR_NOT_SUPPORTED, "adapters");
  g_assert_cmpuint (count (fixture, INN_DEVICE_NETWORK), ==, 8);
  apply (fixture, inn_hardware_change_new_remove ("net7", FALSE));
  apply (fixture, inn_hardware_change_new_add (INN_DEVICE_NETWORK, NULL, 0));
}

/* Listens at a port of its own choice, which is returned. */
static guint
occupy_port (int *ret_fd)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;

  *ret_fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (*ret_fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint (listen (*ret_fd, 1), ==, 0);
  g_assert_cmpint (getsockname (*ret_fd, (struct sockaddr *)&address, &size), ==, 0);
  return ntohs (address.sin_port);
}

static void
test_network (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (InnMachine) other = create (fixture, "other");
  InnDevice *others = inn_hardware_find (inn_machine_get_hardware (other), "net0");
  const char *taken
      = g_variant_get_string (inn_device_get_setting (others, INN_SETTING_MAC)->value, NULL);
  int fd;
  const guint port = occupy_port (&fd);
  g_autofree char *forward = g_strdup_printf ("tcp:%u:22", port);
  g_autofree char *number = g_strdup_printf ("%u", port);
  const char *const forwards[] = { forward, NULL };
  static const char *const nonsense[] = { "tcp:99999:22", NULL };

  assert_refused (fixture, set_text ("net0", INN_SETTING_MAC, taken), INN_ERROR_BUSY, "“other”");
  assert_refused (fixture, set_text ("net0", INN_SETTING_MAC, "nonsense"), INN_ERROR_INVALID,
                  "nonsense");
  assert_refused (fixture, set_text ("net0", INN_SETTING_MAC, "01:00:5e:00:00:01"),
                  INN_ERROR_INVALID, "01:00:5e:00:00:01");
  apply (fixture, set_text ("net0", INN_SETTING_MAC, "52:54:00:12:34:56"));
  assert_value (fixture, "net0", INN_SETTING_MAC, "'52:54:00:12:34:56'");

  assert_refused (fixture, set_strings ("net0", INN_SETTING_FORWARDS, forwards), INN_ERROR_BUSY,
                  number);
  assert_refused (fixture, set_strings ("net0", INN_SETTING_FORWARDS, nonsense), INN_ERROR_INVALID,
                  "tcp:99999:22");
  close (fd);
  apply (fixture, set_strings ("net0", INN_SETTING_FORWARDS, forwards));
  fixture->hardware = inn_machine_get_hardware (other);
  assert_refused (fixture, set_strings ("net0", INN_SETTING_FORWARDS, forwards), INN_ERROR_BUSY,
                  "“web”");
}

/* While it runs: what waits, what does not, and undoing it all. */
static void
test_running (Fixture *fixture, gconstpointer unused)
{
  contract_run (fixture->machine, INN_OPERATION_START);
  g_assert_true (inn_hardware_is_running (fixture->hardware));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);

  /* The cable is unplugged at once, and stays so. */
  apply (fixture, set_switch ("net0", INN_SETTING_LINK, FALSE));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  assert_value (fixture, "net0", INN_SETTING_LINK, "false");
  apply (fixture, set_switch ("net0", INN_SETTING_LINK, TRUE));

  /* A disc comes out and goes in at once. */
  apply (fixture, set_text ("sda", INN_SETTING_MEDIUM, ""));
  assert_value (fixture, "sda", INN_SETTING_MEDIUM, "''");
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  assert_refused (fixture, set_text ("sda", INN_SETTING_MEDIUM, "/nowhere.iso"), INN_ERROR_FAILED,
                  "/nowhere.iso");
  apply (fixture, set_text ("sda", INN_SETTING_MEDIUM, fixture->image));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  g_assert_cmpstr (inn_device_get_path (inn_hardware_find (fixture->hardware, "sda")), ==,
                   fixture->image);

  apply (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, 1 << 20));
  apply (fixture, set_switch ("vda", INN_SETTING_READ_ONLY, TRUE));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 2);
  assert_refused (fixture, inn_hardware_change_new_remove ("vda", /* delete_file= */ TRUE),
                  INN_ERROR_BUSY, "uses that file");
  apply (fixture, inn_hardware_change_new_revert ());
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  g_assert_null (inn_hardware_find (fixture->hardware, "vdb"));
  assert_value (fixture, "net0", INN_SETTING_LINK, "true");

  apply (fixture, inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY,
                                               g_variant_new_uint64 (128 << 20)));
  contract_run (fixture->machine, INN_OPERATION_POWER_OFF);
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  assert_refused (fixture, inn_hardware_change_new_revert (), INN_ERROR_UNAVAILABLE, "off");
}

/* What waits is for what comes after the run, which is no measure for it. */
static void
test_disposable (Fixture *fixture, gconstpointer unused)
{
  contract_run (fixture->machine, INN_OPERATION_START_DISPOSABLE);
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  apply (fixture, inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY,
                                               g_variant_new_uint64 (128 << 20)));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 1);
  assert_refused (fixture, inn_hardware_change_new_revert (), INN_ERROR_BUSY, "thrown away");
  assert_refused (fixture, inn_hardware_change_new_grow ("vda", 64 << 20), INN_ERROR_BUSY,
                  "thrown away");
  contract_run (fixture->machine, INN_OPERATION_POWER_OFF);
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
}

/* Nothing of it can be changed. */
static void
test_template (Fixture *fixture, gconstpointer unused)
{
  contract_run (fixture->machine, INN_OPERATION_MAKE_TEMPLATE);
  assert_refused (fixture,
                  inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY,
                                               g_variant_new_uint64 (128 << 20)),
                  INN_ERROR_NOT_SUPPORTED, "template");
  assert_refused (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, 1 << 20),
                  INN_ERROR_NOT_SUPPORTED, "template");
  contract_run (fixture->machine, INN_OPERATION_MAKE_MACHINE);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/engine-hardware/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
  g_test_init (&argc, &argv, NULL);

  ADD ("shown", test_shown);
  ADD ("system", test_system);
  ADD ("media", test_media);
  ADD ("disks", test_disks);
  ADD ("growth", test_growth);
  ADD ("limits", test_limits);
  ADD ("network", test_network);
  ADD ("running", test_running);
  ADD ("disposable", test_disposable);
  ADD ("template", test_template);

  return g_test_run ();
}
