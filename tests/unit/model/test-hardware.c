/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all hardware has in common, whatever is behind it: the list, what waits for the next start,
 * and which changes are refused before anybody sees them.
 */
#include "fake-hardware.h"
#include "model/error.h"

#define GIB (G_GUINT64_CONSTANT (1) << 30)

typedef struct
{
  FakeHardware *fake;
  InnHardware *hardware;
  guint n_updates;
  guint n_changes; /* of the list */
} Fixture;

static void
count (gpointer hardware, guint *n)
{
  (*n)++;
}

static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, Fixture *fixture)
{
  g_assert_cmpuint (position + added, <=, g_list_model_get_n_items (model));
  fixture->n_changes++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->fake = fake_hardware_new ();
  fixture->hardware = INN_HARDWARE (fixture->fake);
  fake_hardware_fill (fixture->fake, 2, 4 * GIB);
  g_signal_connect (fixture->hardware, "updated", G_CALLBACK (count), &fixture->n_updates);
  g_signal_connect (fixture->hardware, "items-changed", G_CALLBACK (on_items_changed), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->fake);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

/* @change is freed. */
static gboolean
try_apply (Fixture *fixture, InnHardwareChange *change, GError **error)
{
  g_autoptr (InnHardwareChange) owned = change;
  g_autoptr (InnHardwareChange) copy = inn_hardware_change_copy (owned);
  g_autoptr (GAsyncResult) result = NULL;

  inn_hardware_apply_async (fixture->hardware, copy, NULL, on_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return inn_hardware_apply_finish (fixture->hardware, result, error);
}

static void
apply (Fixture *fixture, InnHardwareChange *change)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (try_apply (fixture, change, &error));
  g_assert_no_error (error);
}

static void
assert_refused (Fixture *fixture, InnHardwareChange *change, int code)
{
  const guint before = fixture->n_updates;
  g_autoptr (GError) error = NULL;

  g_assert_false (try_apply (fixture, change, &error));
  g_assert_error (error, INN_ERROR, code);
  g_assert_cmpuint (g_utf8_strlen (error->message, -1), >, 10);
  g_assert_cmpuint (fixture->n_updates, ==, before);
}

static InnHardwareChange *
set_memory (guint64 bytes)
{
  return inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY, g_variant_new_uint64 (bytes));
}

static InnHardwareChange *
set_word (const char *device, InnSettingId setting, const char *word)
{
  return inn_hardware_change_new_set (device, setting, g_variant_new_string (word));
}

static const InnPendingChange *
get_pending (Fixture *fixture, guint index)
{
  GPtrArray *pending = inn_hardware_get_pending (fixture->hardware);

  g_assert_cmpuint (index, <, pending->len);
  return g_ptr_array_index (pending, index);
}

/* Who holds a device sees it change; the list does not. */
static void
test_objects_stay (Fixture *fixture, gconstpointer data)
{
  InnDevice *memory = inn_hardware_find (fixture->hardware, "memory");
  guint n_changed = 0;

  g_signal_connect (memory, "changed", G_CALLBACK (count), &n_changed);
  apply (fixture, set_memory (8 * GIB));
  g_assert_true (inn_hardware_find (fixture->hardware, "memory") == memory);
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_cmpuint (fixture->n_updates, ==, 1);
  g_assert_cmpuint (fixture->n_changes, ==, 0);
  g_assert_cmpuint (g_variant_get_uint64 (
                        inn_device_get_setting (memory, INN_SETTING_MEMORY)->value),
                    ==, 8 * GIB);

  apply (fixture, inn_hardware_change_new_add (INN_DEVICE_CDROM, NULL, 0));
  g_assert_cmpuint (fixture->n_changes, ==, 1);
  g_assert_cmpstr (inn_device_get_title (inn_hardware_find (fixture->hardware, "sdb")), ==,
                   "CD drive 2");
}

static void
test_pending (Fixture *fixture, gconstpointer data)
{
  const InnSetting *memory;

  apply (fixture, set_memory (2 * GIB));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  fake_hardware_set_running (fixture->fake, TRUE);
  g_assert_true (inn_hardware_is_running (fixture->hardware));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);

  apply (fixture, set_memory (8 * GIB));
  g_assert_cmpint (get_pending (fixture, 0)->kind, ==, INN_PENDING_SETTING);
  g_assert_cmpint (get_pending (fixture, 0)->setting, ==, INN_SETTING_MEMORY);
  memory = inn_device_get_setting (get_pending (fixture, 0)->device, INN_SETTING_MEMORY);
  g_assert_cmpuint (g_variant_get_uint64 (memory->running), ==, 2 * GIB);
  apply (fixture, set_memory (2 * GIB)); /* as it runs */
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);

  /* At once: nothing waits. */
  apply (fixture, inn_hardware_change_new_set ("processors", INN_SETTING_PROCESSORS,
                                               g_variant_new_uint64 (4)));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
}

/* A device that came or went is one change, though the order to start from is another too. */
static void
test_pending_devices (Fixture *fixture, gconstpointer data)
{
  fake_hardware_set_running (fixture->fake, TRUE);
  apply (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, GIB));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 1);
  g_assert_cmpint (get_pending (fixture, 0)->kind, ==, INN_PENDING_ADDED);
  g_assert_true (inn_device_is_added (inn_hardware_find (fixture->hardware, "vdb")));

  apply (fixture, inn_hardware_change_new_remove ("vda", FALSE));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 2);
  g_assert_cmpint (get_pending (fixture, 1)->kind, ==, INN_PENDING_REMOVED);
  g_assert_cmpstr (inn_device_get_title (get_pending (fixture, 1)->device), ==, "Main disk");
  g_assert_null (inn_hardware_find (fixture->hardware, "vda"));

  apply (fixture, inn_hardware_change_new_revert ());
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 0);
  g_assert_nonnull (inn_hardware_find (fixture->hardware, "vda"));
  g_assert_null (inn_hardware_find (fixture->hardware, "vdb"));
  fake_hardware_set_running (fixture->fake, FALSE);
  g_assert_false (inn_hardware_is_running (fixture->hardware));
}

static void
test_order (Fixture *fixture, gconstpointer data)
{
  static const char *const cd_first[] = { "sda", "vda", "net-a" };

  fake_hardware_set_running (fixture->fake, TRUE);
  apply (fixture, inn_hardware_change_new_set ("boot", INN_SETTING_BOOT_ORDER,
                                               g_variant_new_strv (cd_first, 3)));
  g_assert_cmpuint (inn_hardware_get_pending (fixture->hardware)->len, ==, 1);
  g_assert_cmpint (get_pending (fixture, 0)->setting, ==, INN_SETTING_BOOT_ORDER);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  static const char *const taken[] = { "tcp:8080:80" };

  assert_refused (fixture, set_memory (1), INN_ERROR_INVALID);
  assert_refused (fixture, set_memory (G_MAXUINT64), INN_ERROR_INVALID);
  assert_refused (fixture, set_word ("firmware", INN_SETTING_FIRMWARE, "openfirmware"),
                  INN_ERROR_INVALID);
  assert_refused (fixture, set_word ("firmware", INN_SETTING_SERIAL, "x"), INN_ERROR_UNAVAILABLE);
  assert_refused (fixture, set_word ("nothing", INN_SETTING_MEDIUM, "/x"), INN_ERROR_UNAVAILABLE);
  assert_refused (fixture, set_word ("net-a", INN_SETTING_MAC, "52:54:00:00:00:01"),
                  INN_ERROR_INVALID);
  assert_refused (fixture,
                  inn_hardware_change_new_set ("net-a", INN_SETTING_FORWARDS,
                                               g_variant_new_strv (taken, 1)),
                  INN_ERROR_INVALID);
  assert_refused (fixture, inn_hardware_change_new_add (INN_DEVICE_PCI, NULL, 0),
                  INN_ERROR_NOT_SUPPORTED);
  assert_refused (fixture, inn_hardware_change_new_remove ("memory", FALSE),
                  INN_ERROR_NOT_SUPPORTED);
  assert_refused (fixture, inn_hardware_change_new_remove ("vdz", FALSE), INN_ERROR_UNAVAILABLE);
  assert_refused (fixture, inn_hardware_change_new_grow ("memory", 1), INN_ERROR_NOT_SUPPORTED);
  assert_refused (fixture, inn_hardware_change_new_grow ("vdz", 1), INN_ERROR_UNAVAILABLE);
  fake_hardware_set_running (fixture->fake, TRUE);
  fixture->n_updates = 0;
  assert_refused (fixture, inn_hardware_change_new_remove ("vda", TRUE), INN_ERROR_BUSY);
}

static void
on_applied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (inn_hardware_apply_finish (INN_HARDWARE (source), result, NULL));
  (*(guint *)user_data)++;
}

/* The last one asked for is the last one done. */
static void
test_in_turn (Fixture *fixture, gconstpointer data)
{
  guint n_done = 0;
  const InnSetting *memory;

  for (guint i = 1; i <= 5; i++)
    {
      g_autoptr (InnHardwareChange) change = set_memory (i * GIB);

      inn_hardware_apply_async (fixture->hardware, change, NULL, on_applied, &n_done);
    }
  while (n_done < 5)
    g_main_context_iteration (NULL, TRUE);
  memory = inn_device_get_setting (inn_hardware_find (fixture->hardware, "memory"),
                                   INN_SETTING_MEMORY);
  g_assert_cmpuint (g_variant_get_uint64 (memory->value), ==, 5 * GIB);
}

static void
test_limits (Fixture *fixture, gconstpointer data)
{
  InnTiming timing;

  for (guint i = 1; i < 16; i++)
    apply (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, GIB));
  assert_refused (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, GIB),
                  INN_ERROR_NOT_SUPPORTED);
  for (guint i = 1; i < 8; i++)
    apply (fixture, inn_hardware_change_new_add (INN_DEVICE_NETWORK, NULL, 0));
  g_assert_nonnull (
      inn_hardware_get_addition_refusal (fixture->hardware, INN_DEVICE_NETWORK, &timing));
  g_assert_cmpint (timing, ==, INN_TIMING_NEVER);
}

static void
test_fixed (Fixture *fixture, gconstpointer data)
{
  fake_hardware_fix (fixture->fake, "Only shown here");
  fixture->n_updates = 0;
  assert_refused (fixture, set_memory (8 * GIB), INN_ERROR_NOT_SUPPORTED);
  assert_refused (fixture, inn_hardware_change_new_remove ("vda", FALSE), INN_ERROR_NOT_SUPPORTED);
  assert_refused (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, GIB),
                  INN_ERROR_NOT_SUPPORTED);
}

#define ADD(name, func) g_test_add ("/hardware/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("objects-stay", test_objects_stay);
  ADD ("pending", test_pending);
  ADD ("pending-devices", test_pending_devices);
  ADD ("order", test_order);
  ADD ("refused", test_refused);
  ADD ("in-turn", test_in_turn);
  ADD ("limits", test_limits);
  ADD ("fixed", test_fixed);

  return g_test_run ();
}
