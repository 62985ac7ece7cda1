/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Machines that are made of a template, with a guest that writes.
 */
#include <string.h>

#include "counting-guest.h"
#include "engine-error.h"
#include "guest-snapshots.h"
#include "machine-description-template.h"
#include "needs-kvm.h"

static gboolean
set_template (InnMachineDescription *description, gpointer data, GError **error)
{
  inn_machine_description_set_template (description, GPOINTER_TO_INT (data));
  return TRUE;
}

static void
turn_into (InnGuest *guest, gboolean is_template)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_change_async (guest, set_template, GINT_TO_POINTER (is_template), NULL, NULL,
                          engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  inn_guest_change_finish (guest, result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (inn_guest_is_template (guest), ==, is_template);
}

static InnGuest *
make_clone (CountingFixture *fixture, InnGuest *guest, const char *name, InnGuestCloneKind kind)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *uuid = NULL;

  inn_guest_clone_async (guest, name, kind, NULL, NULL, NULL, NULL, engine_fixture_take_result,
                         &result);
  engine_fixture_await (&result);
  uuid = inn_guest_clone_finish (guest, result, NULL, &error);
  g_assert_no_error (error);
  return inn_engine_find (fixture->engine, uuid);
}

static void
assert_not_started (InnGuest *guest, gboolean disposable)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (disposable)
    inn_guest_start_disposable_async (guest, NULL, engine_fixture_take_result, &result);
  else
    inn_guest_start_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  g_assert_false (inn_guest_start_finish (guest, result, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_SAVED);
}

/* Each goes on where it was saved, beside the others, and writes for itself alone. */
static void
test_memory (CountingFixture *fixture, gconstpointer data)
{
  static const InnGuestCloneKind kinds[]
      = { INN_GUEST_CLONE_LINKED, INN_GUEST_CLONE_LINKED, INN_GUEST_CLONE_FULL };
  InnGuest *guest = counting_guest_create (fixture);
  InnGuest *clones[G_N_ELEMENTS (kinds)];
  g_autofree char *count = NULL;

  counting_guest_start (guest, FALSE);
  g_free (counting_guest_count (guest));
  counting_guest_save (guest);
  turn_into (guest, TRUE);
  assert_not_started (guest, FALSE);
  assert_not_started (guest, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *name = g_strdup_printf ("clone %u", i + 1);

      clones[i] = make_clone (fixture, guest, name, kinds[i]);
      g_assert_cmpint (inn_guest_get_state (clones[i]), ==, INN_GUEST_SAVED);
      g_assert_false (inn_guest_is_template (clones[i]));
    }
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    counting_guest_start (clones[i], FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *first = counting_guest_count (clones[i]);
      g_autofree char *second = counting_guest_count (clones[i]);

      g_assert_cmpstr (first, ==, "11");
      g_assert_cmpstr (second, ==, "22");
    }
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      counting_guest_power_off (clones[i]);
      g_assert_cmpint (inn_guest_get_state (clones[i]), ==, INN_GUEST_OFF);
    }

  /* It is as it was itself. */
  turn_into (guest, FALSE);
  counting_guest_start (guest, FALSE);
  count = counting_guest_count (guest);
  g_assert_cmpstr (count, ==, "11");
  counting_guest_power_off (guest);
}

int
main (int argc, char **argv)
{
  need_kvm ();
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/template/memory", CountingFixture, NULL, counting_fixture_set_up, test_memory,
              counting_fixture_tear_down);
  return g_test_run ();
}
