/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of hardware.
 */
#include "config.h"

#include <locale.h>

#include "fake-hardware.h"
#include "ui/hardware-text.h"

#define GIB (G_GUINT64_CONSTANT (1) << 30)

typedef struct
{
  FakeHardware *fake;
  InnHardware *hardware;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->fake = fake_hardware_new ();
  fixture->hardware = INN_HARDWARE (fixture->fake);
  fake_hardware_fill (fixture->fake, 4, 4 * GIB);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->fake);
}

static void
on_applied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (inn_hardware_apply_finish (INN_HARDWARE (source), result, NULL));
  *(gboolean *)user_data = TRUE;
}

static void
apply (Fixture *fixture, InnHardwareChange *change)
{
  g_autoptr (InnHardwareChange) owned = change;
  gboolean done = FALSE;

  inn_hardware_apply_async (fixture->hardware, owned, NULL, on_applied, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

static void
assert_described (Fixture *fixture, const char *id, const char *expected)
{
  g_autofree char *text
      = inn_hardware_text_describe (fixture->hardware, inn_hardware_find (fixture->hardware, id));

  g_assert_cmpstr (text, ==, expected);
}

static void
test_devices (Fixture *fixture, gconstpointer data)
{
  static const char *const forwards[] = { "tcp:2222:22", "udp:53:5353", "tcp:[::1]/80:8080" };

  assert_described (fixture, "memory", "Of the 32\u202fGiB of this computer");
  assert_described (fixture, "processors", "4 of the 16 threads of this computer");
  assert_described (fixture, "vda", "main.raw · 18 of 64\u202fGiB used · VirtIO");
  assert_described (fixture, "sda", "Empty · SATA");
  assert_described (fixture, "net-a", "User network · port 2222 → 22");
  assert_described (fixture, "boot", "Main disk, then CD drive, then Network adapter");
  assert_described (fixture, "display", "VirtIO · 1280 × 800");

  apply (fixture, inn_hardware_change_new_set ("sda", INN_SETTING_MEDIUM,
                                               g_variant_new_string ("/home/me/debian.iso")));
  assert_described (fixture, "sda", "debian.iso · SATA");
  apply (fixture, inn_hardware_change_new_set ("net-a", INN_SETTING_FORWARDS,
                                               g_variant_new_strv (forwards, 3)));
  apply (fixture,
         inn_hardware_change_new_set ("net-a", INN_SETTING_LINK, g_variant_new_boolean (FALSE)));
  assert_described (fixture, "net-a",
                    "User network · unplugged · ports 2222 → 22, UDP 53 → 5353, tcp:[::1]/80:8080");
}

static void
assert_pending (Fixture *fixture, const char *count, const char *list)
{
  g_autofree char *count_text = inn_hardware_text_count_pending (fixture->hardware);
  g_autofree char *list_text = inn_hardware_text_list_pending (fixture->hardware);

  g_assert_cmpstr (count_text, ==, count);
  g_assert_cmpstr (list_text, ==, list);
}

static void
test_pending (Fixture *fixture, gconstpointer data)
{
  static const char *const cd_first[] = { "sda", "vda", "vdb" };
  const InnSetting *memory;
  g_autofree char *text = NULL;

  fake_hardware_set_running (fixture->fake, TRUE);
  apply (fixture, inn_hardware_change_new_set ("memory", INN_SETTING_MEMORY,
                                               g_variant_new_uint64 (8 * GIB)));
  assert_pending (fixture, "1 change waits for the next start", "Memory 4 → 8\u202fGiB");
  memory = inn_device_get_setting (inn_hardware_find (fixture->hardware, "memory"),
                                   INN_SETTING_MEMORY);
  text = inn_hardware_text_describe_setting (fixture->hardware, memory);
  g_assert_cmpstr (text, ==, "Changed from 4\u202fGiB. The running machine keeps it until then.");

  apply (fixture, inn_hardware_change_new_set ("firmware", INN_SETTING_FIRMWARE,
                                               g_variant_new_string ("uefi")));
  apply (fixture,
         inn_hardware_change_new_set ("vda", INN_SETTING_READ_ONLY, g_variant_new_boolean (TRUE)));
  apply (fixture, inn_hardware_change_new_add (INN_DEVICE_DISK, NULL, GIB));
  apply (fixture, inn_hardware_change_new_remove ("net-a", FALSE));
  apply (fixture, inn_hardware_change_new_set ("boot", INN_SETTING_BOOT_ORDER,
                                               g_variant_new_strv (cd_first, 3)));
  assert_pending (fixture, "6 changes wait for the next start",
                  "Memory 4 → 8\u202fGiB, Firmware BIOS → UEFI, Start order, "
                  "Main disk: Read only Off → On, Disk 2 added, Network adapter removed");
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = NULL;

  fake_hardware_fix (fixture->fake, "Only shown here");
  text = inn_hardware_text_describe_setting (
      fixture->hardware,
      inn_device_get_setting (inn_hardware_find (fixture->hardware, "memory"), INN_SETTING_MEMORY));
  g_assert_cmpstr (text, ==, "Only shown here");
}

/* Every kind has an icon, every setting a title. */
static void
test_complete (void)
{
  for (guint i = 0; i < INN_DEVICE_N; i++)
    g_assert_nonnull (inn_hardware_text_get_icon ((InnDeviceKind)i));
  for (guint i = 0; i < INN_SETTING_N; i++)
    g_assert_nonnull (inn_hardware_text_get_setting_title ((InnSettingId)i));
  g_assert_cmpstr (inn_hardware_text_get_timing (INN_TIMING_AT_ONCE), ==, "At once");
  g_assert_null (inn_hardware_text_get_timing (INN_TIMING_NEVER));
}

#define ADD(name, func) g_test_add ("/hardware-text/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  ADD ("devices", test_devices);
  ADD ("pending", test_pending);
  ADD ("refused", test_refused);
  g_test_add_func ("/hardware-text/complete", test_complete);

  return g_test_run ();
}
