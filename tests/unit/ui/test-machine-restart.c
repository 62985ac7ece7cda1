/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Off, then on.
 */
#include "config.h"

#include "fake-connection.h"
#include "model/error.h"
#include "ui/machine-restart.h"

#define GIB (G_GUINT64_CONSTANT (1) << 30)

typedef struct
{
  FakeConnection *place;
  FakeMachine *machine;
  GAsyncResult *result;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->place = fake_connection_new ("Here", "KVM", INN_SPEED_FULL, "Works.");
  fixture->machine = fake_connection_add (fixture->place, "web", INN_MACHINE_RUNNING, 1, GIB);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->result);
  g_object_unref (fixture->place);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ((Fixture *)user_data)->result = g_object_ref (result);
}

static gboolean
restart (Fixture *fixture, GError **error)
{
  inn_machine_restart_run_async (INN_MACHINE (fixture->machine), NULL, on_result, fixture);
  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return inn_machine_restart_run_finish (INN_MACHINE (fixture->machine), fixture->result, error);
}

static void
count_starts (InnMachine *machine, GParamSpec *pspec, guint *n)
{
  *n += inn_machine_get_state (machine) == INN_MACHINE_STARTING;
}

static void
test_restart (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint n_starts = 0;

  g_signal_connect (fixture->machine, "notify::state", G_CALLBACK (count_starts), &n_starts);
  g_assert_true (restart (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_starts, ==, 1);
}

/* Paused, it cannot be asked. */
static void
test_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  inn_machine_set_state (INN_MACHINE (fixture->machine), INN_MACHINE_PAUSED, NULL);
  g_assert_false (restart (fixture, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED);
}

static void
test_start_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) problem
      = g_error_new_literal (INN_ERROR, INN_ERROR_BUSY, "Another program uses its disk.");
  g_autoptr (GError) error = NULL;

  fake_machine_set_error (fixture->machine, INN_OPERATION_START, problem);
  g_assert_false (restart (fixture, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_BUSY);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/machine-restart/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("restart", test_restart);
  ADD ("refused", test_refused);
  ADD ("start-refused", test_start_refused);

  return g_test_run ();
}
