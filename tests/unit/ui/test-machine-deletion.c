/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Deleting machines in every state.
 */
#include "config.h"

#include <glib/gstdio.h>

#include "fake-connection.h"
#include "model/error.h"
#include "ui/machine-deletion.h"

typedef struct
{
  FakeConnection *place;
  GMainLoop *loop;
  gboolean deleted;
  GError *error;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->place = fake_connection_new ("Here", "KVM", INN_SPEED_FULL, "Works.");
  fixture->loop = g_main_loop_new (NULL, FALSE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_main_loop_unref (fixture->loop);
  g_clear_error (&fixture->error);
  g_object_unref (fixture->place);
}

static void
on_finished (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->deleted
      = inn_machine_deletion_run_finish (INN_MACHINE (source), result, &fixture->error);
  g_main_loop_quit (fixture->loop);
}

static void delete (Fixture *fixture, FakeMachine *machine)
{
  inn_machine_deletion_run_async (INN_MACHINE (machine), NULL, on_finished, fixture);
  g_main_loop_run (fixture->loop);
}

static guint
count (Fixture *fixture)
{
  return g_list_model_get_n_items (G_LIST_MODEL (fixture->place));
}

static void
test_every_state (Fixture *fixture, gconstpointer data)
{
  for (int state = INN_MACHINE_OFF; state <= INN_MACHINE_CRASHED; state++)
    {
      delete (fixture,
              fake_connection_add (fixture->place, "Any", (InnMachineState)state, 1, 1 << 26));
      g_assert_no_error (fixture->error);
      g_assert_true (fixture->deleted);
      g_assert_cmpuint (count (fixture), ==, 0);
    }
}

static void
test_removes_storage (Fixture *fixture, gconstpointer data)
{
  FakeMachine *machine = fake_connection_add (fixture->place, "Any", INN_MACHINE_RUNNING, 1, 1);
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("innkeeper-XXXXXX.raw", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  fake_machine_set_storage (machine, (const char *const[]){ path, NULL });
  delete (fixture, machine);
  g_assert_true (fixture->deleted);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

/* What cannot be switched off is not deleted under the guest's feet. */
static void
test_still_on (Fixture *fixture, gconstpointer data)
{
  FakeMachine *machine = fake_connection_add (fixture->place, "Any", INN_MACHINE_RUNNING, 1, 1);
  g_autoptr (GError) error = g_error_new_literal (INN_ERROR, INN_ERROR_BUSY, "It will not stop.");

  fake_machine_set_error (machine, INN_OPERATION_POWER_OFF, error);
  delete (fixture, machine);
  g_assert_false (fixture->deleted);
  g_assert_error (fixture->error, INN_ERROR, INN_ERROR_BUSY);
  g_assert_cmpuint (count (fixture), ==, 1);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  FakeMachine *machine = fake_connection_add (fixture->place, "Any", INN_MACHINE_OFF, 1, 1);

  fake_machine_refuse (machine, INN_OPERATION_DELETE, "Nothing is ever deleted here");
  delete (fixture, machine);
  g_assert_false (fixture->deleted);
  g_assert_error (fixture->error, INN_ERROR, INN_ERROR_NOT_SUPPORTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/machine-deletion/every-state", Fixture, NULL, set_up, test_every_state, tear_down);
  g_test_add ("/machine-deletion/storage", Fixture, NULL, set_up, test_removes_storage, tear_down);
  g_test_add ("/machine-deletion/still-on", Fixture, NULL, set_up, test_still_on, tear_down);
  g_test_add ("/machine-deletion/refused", Fixture, NULL, set_up, test_refused, tear_down);
  return g_test_run ();
}
