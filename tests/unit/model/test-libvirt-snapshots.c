/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots, saved memory and clones of libvirt's machines, beyond what every place does: against
 * QEMU in software emulation behind a private daemon, and against libvirt's own test driver.
 */
#include "model/libvirt/libvirt-snapshots.h"

#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <libvirt/libvirt.h>

#include "contract.h"
#include "libvirt-session.h"
#include "model/error.h"
#include "model/libvirt/libvirt-connection-private.h"
#include "temporary-directory.h"
#include "tiny-kernel.h"

#define PATTERN_SIZE (3 << 20)

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

typedef struct
{
  InnConnection *connection;
  InnMachine *machine;
  InnSnapshots *snapshots; /* of the machine */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnNewMachine) description = describe ();

  fixture->connection = contract_open (&session);
  fixture->machine = contract_create (fixture->connection, description);
  fixture->snapshots = inn_machine_get_snapshots (fixture->machine);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (inn_machine_get_connection (fixture->machine) != NULL)
    contract_run (fixture->machine, INN_OPERATION_DELETE);
  g_object_unref (fixture->machine);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->connection)), ==, 0);
  contract_close (fixture->connection);
}

/* ---- what somebody else does ---- */

static virDomainPtr
get_domain (InnMachine *machine)
{
  g_autoptr (virConnect) connection = inn_libvirt_connection_ref_handle (
      INN_LIBVIRT_CONNECTION (inn_machine_get_connection (machine)), NULL);
  virDomainPtr domain = virDomainLookupByUUIDString (connection, inn_machine_get_id (machine));

  g_assert_nonnull (domain);
  return domain;
}

static guint
count (InnSnapshots *snapshots)
{
  return g_list_model_get_n_items (G_LIST_MODEL (snapshots));
}

static gboolean
has_one (InnSnapshots *snapshots)
{
  return count (snapshots) == 1;
}

static gboolean
has_none (InnSnapshots *snapshots)
{
  return count (snapshots) == 0;
}

static gboolean
is_off (InnMachine *machine)
{
  return inn_machine_get_state (machine) == INN_MACHINE_OFF;
}

static gboolean
is_saved (InnMachine *machine)
{
  return inn_machine_get_state (machine) == INN_MACHINE_SAVED;
}

static void
test_seen (Fixture *fixture, gconstpointer data)
{
  g_autoptr (virDomain) domain = get_domain (fixture->machine);
  g_autoptr (virDomainSnapshot) snapshot = NULL;
  const InnSnapshotFacts *facts;

  snapshot = virDomainSnapshotCreateXML (
      domain, "<domainsnapshot><name>theirs</name><description>Note</description></domainsnapshot>",
      0);
  g_assert_nonnull (snapshot);
  CONTRACT_WAIT (has_one, fixture->snapshots);
  g_assert_cmpstr (inn_snapshots_get_current (fixture->snapshots), ==, "theirs");
  facts = inn_snapshot_get_facts (inn_snapshots_find (fixture->snapshots, "theirs"));
  g_assert_cmpstr (facts->name, ==, "theirs");
  g_assert_cmpstr (facts->note, ==, "Note");
  g_assert_cmpint (virDomainSnapshotDelete (snapshot, 0), ==, 0);
  CONTRACT_WAIT (has_none, fixture->snapshots);
  g_assert_null (inn_snapshots_get_current (fixture->snapshots));

  contract_run (fixture->machine, INN_OPERATION_START);
  g_assert_cmpint (virDomainManagedSave (domain, 0), ==, 0);
  CONTRACT_WAIT (is_saved, fixture->machine);
  g_assert_cmpint (virDomainManagedSaveRemove (domain, 0), ==, 0);
  CONTRACT_WAIT (is_off, fixture->machine);
}

/* A snapshot that was there but is gone, unseen so far. */
static void
test_gone (Fixture *fixture, gconstpointer data)
{
  InnSnapshot *snapshot = contract_take (fixture->snapshots, "Mine", NULL);
  g_autoptr (virDomain) domain = get_domain (fixture->machine);
  g_autoptr (virDomainSnapshot) same
      = virDomainSnapshotLookupByName (domain, inn_snapshot_get_id (snapshot), 0);

  g_assert_cmpint (virDomainSnapshotDelete (same, 0), ==, 0);
  contract_delete_snapshot (fixture->snapshots, snapshot);
}

/* A machine goes back to being off, too; one that was kept while it ran goes on. */
static void
test_states (Fixture *fixture, gconstpointer data)
{
  InnSnapshot *off = contract_take (fixture->snapshots, "Off", NULL);
  InnSnapshot *running;

  contract_run (fixture->machine, INN_OPERATION_START);
  running = contract_take (fixture->snapshots, "Running", NULL);
  contract_restore (fixture->snapshots, off, FALSE);
  g_assert_cmpint (inn_machine_get_state (fixture->machine), ==, INN_MACHINE_OFF);
  contract_restore (fixture->snapshots, running, FALSE);
  g_assert_cmpint (inn_machine_get_state (fixture->machine), ==, INN_MACHINE_RUNNING);
  contract_run (fixture->machine, INN_OPERATION_POWER_OFF);
}

/* What is the same for a person has to be told apart by libvirt. */
static void
test_same_names (Fixture *fixture, gconstpointer data)
{
  InnSnapshot *first = contract_take (fixture->snapshots, "Again", NULL);
  InnSnapshot *second = contract_take (fixture->snapshots, "Again", "Twice");

  g_assert_cmpstr (inn_snapshot_get_id (first), !=, inn_snapshot_get_id (second));
  g_assert_cmpstr (inn_snapshot_get_name (second), ==, "Again");
  /* The machine now has what was noted of the second. */
  contract_restore (fixture->snapshots, second, FALSE);
  g_assert_cmpstr (inn_snapshot_get_name (contract_take (fixture->snapshots, "Third", NULL)), ==,
                   "Third");
}

/* ---- what cannot be done ---- */

/* Defines the machine anew, with @from in its XML replaced by @to. */
static void
edit (Fixture *fixture, const char *from, const char *to)
{
  g_autoptr (virDomain) domain = get_domain (fixture->machine);
  g_autoptr (virDomain) again = NULL;
  char *xml = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
  g_auto (GStrv) parts = g_strsplit (xml, from, 2);
  g_autofree char *changed = g_strjoinv (to, parts);

  g_assert_nonnull (parts[1]);
  again = virDomainDefineXML (virDomainGetConnect (domain), changed);
  g_assert_nonnull (again);
  free (xml);
}

typedef struct
{
  InnSnapshots *snapshots;
  InnSnapshotOperation operation;
  const char *refusal;
} Refusal;

static gboolean
has_refusal (const Refusal *expected)
{
  return g_strcmp0 (inn_snapshots_get_refusal (expected->snapshots, expected->operation, NULL),
                    expected->refusal)
         == 0;
}

static void
expect_take_refusal (Fixture *fixture, const char *text)
{
  const Refusal refusal = { fixture->snapshots, INN_SNAPSHOT_TAKE, text };

  CONTRACT_WAIT (has_refusal, (gpointer)&refusal);
}

#define DISK_TYPE "type='qcow2'"

static void
test_refusals (Fixture *fixture, gconstpointer data)
{
  expect_take_refusal (fixture, NULL);
  edit (fixture, DISK_TYPE, "type='raw'");
  expect_take_refusal (fixture, "Only qcow2 disks can keep snapshots here");
  edit (fixture, "type='raw'", DISK_TYPE);
  expect_take_refusal (fixture, NULL);
  contract_run (fixture->machine, INN_OPERATION_START);
  contract_run (fixture->machine, INN_OPERATION_SAVE);
  expect_take_refusal (fixture, "Resume or discard its saved state first");
  g_assert_nonnull (inn_snapshots_get_clone_refusal (fixture->snapshots, INN_CLONE_FULL, NULL));
}

static void
test_uefi_refused (void)
{
  g_autoptr (InnNewMachine) description = describe ();
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnMachine) machine = NULL;

  description->medium = INN_MEDIUM_NETWORK;
  description->firmware = INN_MACHINE_FIRMWARE_UEFI;
  machine = contract_create (connection, description);
  g_assert_cmpstr (inn_snapshots_get_refusal (inn_machine_get_snapshots (machine),
                                              INN_SNAPSHOT_TAKE, NULL),
                   ==, "libvirt cannot keep its UEFI variables");
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* Disks that somebody made snapshots of by files beside them. */
static void
test_external (Fixture *fixture, gconstpointer data)
{
  g_autoptr (virDomain) domain = get_domain (fixture->machine);
  g_autoptr (virDomainSnapshot) snapshot = NULL;
  InnSnapshot *found;
  unsigned long version;

  snapshot
      = virDomainSnapshotCreateXML (domain, "<domainsnapshot><name>outside</name></domainsnapshot>",
                                    VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY);
  g_assert_nonnull (snapshot);
  CONTRACT_WAIT (has_one, fixture->snapshots);
  found = inn_snapshots_find (fixture->snapshots, "outside");
  virConnectGetLibVersion (virDomainGetConnect (domain), &version);
  g_assert_cmpint (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_RESTORE, found)
                       != NULL,
                   ==, version < 9010000);
  g_assert_nonnull (inn_snapshots_get_clone_refusal (fixture->snapshots, INN_CLONE_LINKED, NULL));
}

/* ---- clones ---- */

static void
run_image_tool (const char *const *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  int status;

  g_spawn_sync (NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL,
                &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
}

/* Writes a pattern to a disk, and looks for it. */
static void
write_pattern (InnMachine *machine, const char *pattern)
{
  g_auto (GStrv) storage = inn_machine_list_storage (machine);
  g_autofree char *command = g_strdup_printf ("write -P %s 0 %d", pattern, PATTERN_SIZE);
  const char *const arguments[] = { "qemu-io", "-c", command, storage[0], NULL };

  run_image_tool (arguments);
}

static void
check_pattern (InnMachine *machine, const char *pattern)
{
  g_auto (GStrv) storage = inn_machine_list_storage (machine);
  g_autofree char *command = g_strdup_printf ("read -P %s 0 %d", pattern, PATTERN_SIZE);
  const char *const arguments[] = { "qemu-io", "-r", "-c", command, storage[0], NULL };

  run_image_tool (arguments);
}

/* What one writes, the other does not see. */
static void
check_contents (Fixture *fixture, InnCloneKind kind)
{
  g_autoptr (InnMachine) clone = NULL;

  write_pattern (fixture->machine, "0x11");
  clone = contract_clone (fixture->machine, kind, "Clone");
  check_pattern (clone, "0x11");
  write_pattern (fixture->machine, "0x22");
  check_pattern (clone, "0x11");
  write_pattern (clone, "0x33");
  check_pattern (fixture->machine, "0x22");
  contract_run (clone, INN_OPERATION_DELETE);
  check_pattern (fixture->machine, "0x22");
}

static void
test_full_clone (Fixture *fixture, gconstpointer data)
{
  contract_take (fixture->snapshots, "Stays with the source", NULL);
  check_contents (fixture, INN_CLONE_FULL);
  g_assert_cmpuint (count (fixture->snapshots), ==, 1);
}

static guint
count_images (void)
{
  g_autofree char *folder
      = g_build_filename (g_get_user_data_dir (), "innkeeper", "libvirt", "images", NULL);
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (directory) != NULL)
    n++;
  return n;
}

/* The base goes with the last that stands on it, whichever that is. */
static void
test_linked_clone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnMachine) second = NULL;
  g_autoptr (InnMachine) third = NULL;
  const guint others = count_images () - 1;

  check_contents (fixture, INN_CLONE_LINKED);
  g_assert_cmpuint (count_images (), ==, others + 2); /* it and its base */
  second = contract_clone (fixture->machine, INN_CLONE_LINKED, "Second");
  third = contract_clone (second, INN_CLONE_LINKED, "Third");
  check_pattern (third, "0x22");
  contract_take (inn_machine_get_snapshots (third), "Linked clones have snapshots, too", NULL);
  contract_run (fixture->machine, INN_OPERATION_DELETE);
  check_pattern (second, "0x22");
  contract_run (second, INN_OPERATION_DELETE);
  check_pattern (third, "0x22");
  contract_run (third, INN_OPERATION_START);
  contract_run (third, INN_OPERATION_POWER_OFF);
  contract_run (third, INN_OPERATION_DELETE);
  g_assert_cmpuint (count_images (), ==, others);
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

/* While its disks are copied nothing else is done to them. Also: a name that libvirt cannot take.
 */
static void
test_clone_under_way (Fixture *fixture, gconstpointer data)
{
  InnSnapshot *snapshot = contract_take (fixture->snapshots, "Before", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint64 size = 1;

  g_assert_false (inn_snapshots_get_clone_size (fixture->snapshots, INN_CLONE_FULL, NULL, &size));
  inn_snapshots_clone_async (fixture->snapshots, INN_CLONE_FULL, "a/b", NULL, NULL, NULL, NULL,
                             NULL, on_result, &result);
  g_assert_nonnull (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_TAKE, NULL));
  g_assert_nonnull (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_DELETE, snapshot));
  CONTRACT_WAIT (has_result, &result);
  g_assert_null (inn_snapshots_clone_finish (fixture->snapshots, result, NULL, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_INVALID);
  g_assert_null (inn_snapshots_get_refusal (fixture->snapshots, INN_SNAPSHOT_TAKE, NULL));
}

/* The variables are a file of the clone's own, and go with it. */
static void
test_uefi_clone (void)
{
  g_autoptr (InnNewMachine) description = describe ();
  InnConnection *connection = contract_open (&session);
  g_autoptr (InnMachine) machine = NULL;
  g_autoptr (InnMachine) fresh = NULL;
  g_autoptr (InnMachine) clone = NULL;
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (xmlDoc) document = NULL;
  g_autofree char *path = NULL;
  char *xml;

  description->medium = INN_MEDIUM_NETWORK;
  description->firmware = INN_MACHINE_FIRMWARE_UEFI;
  machine = contract_create (connection, description);
  fresh = contract_clone (machine, INN_CLONE_FULL, "Before the first start");
  contract_run (fresh, INN_OPERATION_START);
  contract_run (fresh, INN_OPERATION_POWER_OFF);
  contract_run (fresh, INN_OPERATION_DELETE);

  contract_run (machine, INN_OPERATION_START);
  contract_run (machine, INN_OPERATION_POWER_OFF);
  clone = contract_clone (machine, INN_CLONE_FULL, "Clone");
  domain = get_domain (clone);
  xml = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
  document = inn_xml_document_parse (xml, -1, "domain");
  free (xml);
  path = inn_xml_node_get_text (
      inn_xml_node_get_child (inn_xml_node_get_child (xmlDocGetRootElement (document), "os"),
                              "nvram"));
  g_assert_nonnull (strstr (path, inn_machine_get_id (clone)));
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
  contract_run (clone, INN_OPERATION_START);
  contract_run (clone, INN_OPERATION_POWER_OFF);
  contract_run (clone, INN_OPERATION_DELETE);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  contract_run (machine, INN_OPERATION_DELETE);
  contract_close (connection);
}

/* A guest has written the header of a disk image, with a file of this computer as its base, to a
 * disk that has none: that file must not end up in the clone. */
static void
test_hostile_disk (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (libvirt_session_get_folder (), "hostile.img", NULL);
  const char *const arguments[]
      = { "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", kernel, path, NULL };
  g_auto (GStrv) storage = inn_machine_list_storage (fixture->machine);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  const guint images = count_images ();

  run_image_tool (arguments);
  edit (fixture, DISK_TYPE, "type='raw'");
  edit (fixture, storage[0], "/its/mark");
  edit (fixture, storage[0], path);
  inn_snapshots_clone_async (fixture->snapshots, INN_CLONE_FULL, "Clone", NULL, NULL, NULL, NULL,
                             NULL, on_result, &result);
  CONTRACT_WAIT (has_result, &result);
  g_assert_null (inn_snapshots_clone_finish (fixture->snapshots, result, NULL, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED);
  g_assert_cmpuint (count_images (), ==, images); /* nothing is left behind */
  g_assert_cmpint (g_unlink (storage[0]), ==, 0);
}

/* ---- the test driver ---- */

/* Somebody else's place sees it; a driver that is not QEMU has no clones. */
static void
test_test_driver (void)
{
  InnConnection *connection = contract_open (&test_driver);
  InnConnection *other = contract_open (&test_driver);
  g_autoptr (InnMachine) machine = g_list_model_get_item (G_LIST_MODEL (connection), 0);
  g_autoptr (InnMachine) same = g_list_model_get_item (G_LIST_MODEL (other), 0);
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  InnSnapshot *first = contract_take (snapshots, "First", "Note");
  InnSnapshot *second = contract_take (snapshots, "Second/2", NULL);

  g_assert_true (inn_snapshot_get_facts (first)->running);
  g_assert_cmpstr (inn_snapshot_get_parent (second), ==, "First");
  g_assert_cmpstr (inn_snapshot_get_name (second), ==, "Second/2");
  contract_restore (snapshots, first, FALSE);
  contract_delete_snapshot (snapshots, second);
  CONTRACT_WAIT (has_one, inn_machine_get_snapshots (same));
  contract_delete_snapshot (snapshots, first);
  CONTRACT_WAIT (has_none, inn_machine_get_snapshots (same));
  g_assert_nonnull (inn_snapshots_get_clone_refusal (snapshots, INN_CLONE_FULL, NULL));
  contract_close (other);
  contract_close (connection);
  g_assert_nonnull (inn_snapshots_get_refusal (snapshots, INN_SNAPSHOT_TAKE, NULL));
}

static void
add (const char *path, void (*test) (Fixture *fixture, gconstpointer data))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

static gboolean
have_qemu (void)
{
  g_autofree char *qemu = g_find_program_in_path ("qemu-system-x86_64");
  g_autofree char *image_tool = g_find_program_in_path ("qemu-io");

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

  g_test_add_func ("/libvirt-snapshots/test-driver", test_test_driver);
  if (have_qemu ())
    {
      add ("/libvirt-snapshots/seen", test_seen);
      add ("/libvirt-snapshots/gone", test_gone);
      add ("/libvirt-snapshots/states", test_states);
      add ("/libvirt-snapshots/same-names", test_same_names);
      add ("/libvirt-snapshots/refusals", test_refusals);
      add ("/libvirt-snapshots/external", test_external);
      g_test_add_func ("/libvirt-snapshots/uefi-refused", test_uefi_refused);
      add ("/libvirt-snapshots/full-clone", test_full_clone);
      add ("/libvirt-snapshots/linked-clone", test_linked_clone);
      add ("/libvirt-snapshots/clone-under-way", test_clone_under_way);
      g_test_add_func ("/libvirt-snapshots/uefi-clone", test_uefi_clone);
      add ("/libvirt-snapshots/hostile-disk", test_hostile_disk);
    }
  else
    g_test_message ("QEMU, qemu-io or a libvirt daemon is not installed: sessions not tested");

  status = g_test_run ();
  g_free (kernel);
  libvirt_session_end ();
  return status;
}
