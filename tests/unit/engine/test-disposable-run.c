/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs of which nothing is left, with a guest that writes.
 */
#include <string.h>

#include "counting-guest.h"
#include "engine-error.h"
#include "guest-snapshots.h"
#include "needs-kvm.h"

/* What it writes it finds, until it ends; then everything is as it was. */
static void
test_nothing_is_left (CountingFixture *fixture, gconstpointer data)
{
  InnGuest *guest = counting_guest_create (fixture);
  g_autofree char *before = counting_fixture_sum (fixture);
  g_autofree char *during = NULL;
  g_autofree char *after = NULL;

  for (guint run = 0; run < 2; run++)
    {
      g_autofree char *first = NULL;
      g_autofree char *second = NULL;

      counting_guest_start (guest, TRUE);
      g_assert_true (inn_guest_is_disposable (guest));
      first = counting_guest_count (guest);
      g_assert_cmpstr (first, ==, "00");
      second = counting_guest_count (guest);
      g_assert_cmpstr (second, ==, "11");
      during = counting_fixture_sum (fixture);
      g_assert_cmpstr (during, ==, before);
      g_clear_pointer (&during, g_free);
      counting_guest_power_off (guest);
      g_assert_false (inn_guest_is_disposable (guest));
    }
  after = counting_fixture_sum (fixture);
  g_assert_cmpstr (after, ==, before);

  /* The next ordinary start is one. */
  counting_guest_start (guest, FALSE);
  g_assert_false (inn_guest_is_disposable (guest));
  g_clear_pointer (&after, g_free);
  after = counting_guest_count (guest);
  g_assert_cmpstr (after, ==, "00");
  counting_guest_power_off (guest);
  g_clear_pointer (&after, g_free);
  after = counting_fixture_sum (fixture);
  g_assert_cmpstr (after, !=, before);
}

/* Neither when nobody could clean up. Who comes later knows what kind of run it is. */
static void
test_killed (CountingFixture *fixture, gconstpointer data)
{
  InnGuest *guest = counting_guest_create (fixture);
  g_autofree char *before = counting_fixture_sum (fixture);
  g_autofree char *after = NULL;
  g_autofree char *count = NULL;

  counting_guest_start (guest, TRUE);
  g_free (counting_guest_count (guest));
  guest = counting_fixture_reopen (fixture, inn_guest_get_uuid (guest));
  count = counting_guest_count (guest);
  g_assert_cmpstr (count, ==, "11");
  g_assert_true (inn_guest_is_disposable (guest));
  counting_guest_kill (guest);
  g_assert_false (inn_guest_is_disposable (guest));
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_CRASHED);
  g_assert_nonnull (strstr (inn_guest_get_text (guest), "disposable"));
  after = counting_fixture_sum (fixture);
  g_assert_cmpstr (after, ==, before);

  counting_guest_start (guest, FALSE);
  g_clear_pointer (&count, g_free);
  count = counting_guest_count (guest);
  g_assert_cmpstr (count, ==, "00");
  counting_guest_power_off (guest);
}

/* It goes on where it was saved, each time from there, and is saved still. */
static void
test_saved (CountingFixture *fixture, gconstpointer data)
{
  InnGuest *guest = counting_guest_create (fixture);
  g_autofree char *next = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  counting_guest_start (guest, FALSE);
  g_free (counting_guest_count (guest));
  counting_guest_save (guest);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_SAVED);
  before = counting_fixture_sum (fixture);
  for (guint run = 0; run < 2; run++)
    {
      g_autofree char *count = NULL;

      counting_guest_start (guest, TRUE);
      count = counting_guest_count (guest);
      g_assert_cmpstr (count, ==, "11");
      counting_guest_power_off (guest);
      g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_SAVED);
    }
  after = counting_fixture_sum (fixture);
  g_assert_cmpstr (after, ==, before);

  counting_guest_start (guest, FALSE);
  next = counting_guest_count (guest);
  g_assert_cmpstr (next, ==, "11");
  counting_guest_power_off (guest);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_OFF);
}

/* A chain below it, and layers of it that are merged meanwhile. */
static void
test_layers (CountingFixture *fixture, gconstpointer data)
{
  InnGuest *guest = counting_guest_create (fixture);
  g_autoptr (GAsyncResult) taken = NULL;
  g_autoptr (GAsyncResult) removed = NULL;
  g_autoptr (GAsyncResult) merged = NULL;
  g_autoptr (InnSnapshotRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *count = NULL;

  inn_guest_take_snapshot_async (guest, "then", NULL, NULL, engine_fixture_take_result, &taken);
  engine_fixture_await (&taken);
  record = inn_guest_take_snapshot_finish (guest, taken, &error);
  g_assert_no_error (error);

  counting_guest_start (guest, TRUE);
  g_free (counting_guest_count (guest));
  inn_guest_delete_snapshot_async (guest, record->id, NULL, engine_fixture_take_result, &removed);
  engine_fixture_await (&removed);
  inn_guest_delete_snapshot_finish (guest, removed, &error);
  g_assert_no_error (error);
  inn_guest_merge_layers_async (guest, NULL, NULL, NULL, engine_fixture_take_result, &merged);
  engine_fixture_await (&merged);
  inn_guest_merge_layers_finish (guest, merged, &error);
  g_assert_no_error (error);
  count = counting_guest_count (guest);
  g_assert_cmpstr (count, ==, "11");
  counting_guest_power_off (guest);
}

int
main (int argc, char **argv)
{
#define TEST(name, function)                                                                       \
  g_test_add ("/disposable-run/" name, CountingFixture, NULL, counting_fixture_set_up, function,   \
              counting_fixture_tear_down)

  need_kvm ();
  g_test_init (&argc, &argv, NULL);
  TEST ("nothing-is-left", test_nothing_is_left);
  TEST ("killed", test_killed);
  TEST ("saved", test_saved);
  TEST ("layers", test_layers);
  return g_test_run ();
}
