/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "engine-fixture.h"
#include "machine-lock.h"

static void
assert_busy (const char *folder, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (inn_machine_lock_acquire (folder, "web", &error), ==, -1);
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

static int
acquire (const char *folder)
{
  g_autoptr (GError) error = NULL;
  int fd = inn_machine_lock_acquire (folder, "web", &error);

  g_assert_no_error (error);
  return fd;
}

static void
test_one_holder (EngineFixture *fixture, gconstpointer data)
{
  int fd;

  g_assert_false (inn_machine_lock_is_held (fixture->root));
  fd = acquire (fixture->root);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  g_assert_true (inn_machine_lock_is_held (fixture->root));
  g_assert_cmpint (inn_machine_lock_get_holder (fixture->root), ==, 0);
  assert_busy (fixture->root, "web");
  fd_close (&fd);

  g_assert_false (inn_machine_lock_is_held (fixture->root));
  fd = acquire (fixture->root);
  fd_close (&fd);
}

/* Several may keep it off; it does not run, and cannot be started. */
static void
test_kept_off (EngineFixture *fixture, gconstpointer data)
{
  int first = inn_machine_lock_keep_off (fixture->root, "web", NULL);
  int second = inn_machine_lock_keep_off (fixture->root, "web", NULL);
  int running;

  g_assert_cmpint (first, >=, 0);
  g_assert_cmpint (second, >=, 0);
  g_assert_false (inn_machine_lock_is_held (fixture->root));
  g_assert_cmpint (inn_machine_lock_get_holder (fixture->root), ==, 0);
  assert_busy (fixture->root, "copied");
  fd_close (&first);
  assert_busy (fixture->root, "copied");
  fd_close (&second);

  running = acquire (fixture->root);
  g_assert_cmpint (inn_machine_lock_keep_off (fixture->root, "web", NULL), ==, -1);
  fd_close (&running);
}

/* A process that waits until it is killed, and has inherited what we have open. */
static pid_t
fork_holder (void)
{
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      for (;;)
        pause ();
    }
  return pid;
}

/* The lock lives as long as the process that inherited it, however it ends. */
static void
test_inherited (EngineFixture *fixture, gconstpointer data)
{
  int fd = acquire (fixture->root);
  pid_t pid = fork_holder ();
  g_autofree char *pid_text = g_strdup_printf ("%d", (int)pid);

  inn_machine_lock_set_holder (fd, pid);
  fd_close (&fd);
  g_assert_true (inn_machine_lock_is_held (fixture->root));
  g_assert_cmpint (inn_machine_lock_get_holder (fixture->root), ==, pid);
  assert_busy (fixture->root, pid_text);

  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  g_assert_false (inn_machine_lock_is_held (fixture->root));
  g_assert_cmpint (inn_machine_lock_get_holder (fixture->root), ==, 0);
}

/* What the file says is believed only of the very process it was said of. */
static void
test_lying_holder (EngineFixture *fixture, gconstpointer data)
{
  static const char *const lies[] = { "1 1\n", "-1 5\n", "junk", "99999999999999999999 1\n", "" };
  int fd = acquire (fixture->root);

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_assert_cmpint (ftruncate (fd, 0), ==, 0);
      g_assert_cmpint (pwrite (fd, lies[i], strlen (lies[i]), 0), >=, 0);
      g_assert_cmpint (inn_machine_lock_get_holder (fixture->root), ==, 0);
    }
  fd_close (&fd);
}

static void
test_deleted (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (fixture->root, "gone", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_machine_lock_is_held (folder));
  g_assert_cmpint (inn_machine_lock_acquire (folder, "web", &error), ==, -1);
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/machine-lock/" name, EngineFixture, NULL, engine_fixture_set_up, func,             \
              engine_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("one-holder", test_one_holder);
  ADD ("kept-off", test_kept_off);
  ADD ("inherited", test_inherited);
  ADD ("lying-holder", test_lying_holder);
  ADD ("deleted", test_deleted);

  return g_test_run ();
}
