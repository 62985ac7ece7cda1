/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon takes the mode of an ordinary user from its effective user id, and its folders from
 * the XDG base directories (https://libvirt.org/drvqemu.html, "Location of configuration files").
 * Its sockets are beside its definitions, never in XDG_RUNTIME_DIR: a second daemon over the same
 * definitions, started where that variable has another value, would be fatal.
 */
#include "model/libvirt/own-daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "model/error.h"

#define START_TIMEOUT_US (20 * G_USEC_PER_SEC)
#define POLL_INTERVAL_US (50 * G_TIME_SPAN_MILLISECOND)

/* Whoever root is inside: any user but root, and one that has a name everywhere. */
#define MAP_ROOT "--map-user=1", "--map-group=1"

static const struct
{
  const char *program;
  const char *socket;
} daemons[] = {
  { "libvirtd", "libvirt-sock" },
  { "virtqemud", "virtqemud-sock" },
};

gboolean
inn_own_daemon_is_needed (void)
{
  return geteuid () == 0;
}

/* The PATH of an ordinary user lacks the folders daemons are in. */
static char *
find_program (const char *name)
{
  static const char *const folders[] = { "/usr/sbin", "/usr/local/sbin", "/sbin" };
  char *path = g_find_program_in_path (name);

  for (guint i = 0; path == NULL && i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *candidate = g_build_filename (folders[i], name, NULL);

      if (g_file_test (candidate, G_FILE_TEST_IS_EXECUTABLE))
        path = g_steal_pointer (&candidate);
    }
  return path;
}

static char *
find_daemon (const char **socket_name)
{
  for (guint i = 0; i < G_N_ELEMENTS (daemons); i++)
    {
      char *program = find_program (daemons[i].program);

      *socket_name = daemons[i].socket;
      if (program != NULL)
        return program;
    }
  return NULL;
}

gboolean
inn_own_daemon_is_installed (void)
{
  const char *socket_name;
  g_autofree char *program = find_daemon (&socket_name);

  return program != NULL;
}

static gboolean
fail (GError **error, const char *sentence)
{
  g_set_error_literal (error, INN_ERROR, INN_ERROR_UNAVAILABLE, sentence);
  return FALSE;
}

static gboolean
answers (const struct sockaddr_un *address)
{
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean connected;

  if (fd < 0)
    return FALSE;
  connected = connect (fd, (const struct sockaddr *)address, sizeof *address) == 0;
  close (fd);
  return connected;
}

static gboolean
run_quietly (const char *const *argv)
{
  int status;

  return g_spawn_sync (NULL, (char **)argv, NULL,
                       G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL
                           | G_SPAWN_STDERR_TO_DEV_NULL,
                       NULL, NULL, NULL, NULL, &status, NULL)
         && g_spawn_check_wait_status (status, NULL);
}

/* A terminal that is closed must not take the daemon with it. */
static void
leave_session (gpointer user_data)
{
  setsid ();
}

static int
open_log (void)
{
  g_autofree char *folder = g_build_filename (g_get_user_state_dir (), "innkeeper", NULL);
  g_autofree char *path = g_build_filename (folder, "libvirtd.log", NULL);

  g_mkdir_with_parents (folder, 0700);
  return open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static gboolean
spawn (const char *program, const char *home, const char *run, GError **error)
{
  g_autofree char *cache = g_build_filename (g_get_user_cache_dir (), "innkeeper", NULL);
  g_auto (GStrv) environment = g_get_environ ();
  const char *const argv[] = { "unshare", "--user", MAP_ROOT, program, "--timeout=120", NULL };
  g_autoptr (GError) problem = NULL;
  int log = open_log ();
  gboolean spawned;

  g_mkdir_with_parents (cache, 0700);
  environment = g_environ_setenv (environment, "XDG_CONFIG_HOME", home, TRUE);
  environment = g_environ_setenv (environment, "XDG_DATA_HOME", home, TRUE);
  environment = g_environ_setenv (environment, "XDG_CACHE_HOME", cache, TRUE);
  environment = g_environ_setenv (environment, "XDG_RUNTIME_DIR", run, TRUE);
  spawned = g_spawn_async_with_fds (NULL, (char **)argv, environment, G_SPAWN_SEARCH_PATH,
                                    leave_session, NULL, NULL, /* stdin= */ -1, log, log, &problem);
  if (log >= 0)
    close (log);
  if (!spawned)
    g_set_error (error, INN_ERROR, INN_ERROR_UNAVAILABLE, _ ("libvirt did not start: %s."),
                 problem->message);
  return spawned;
}

static gboolean
start (const char *program, const char *home, const struct sockaddr_un *address, GError **error)
{
  const char *const probe[] = { "unshare", "--user", MAP_ROOT, "true", NULL };
  g_autofree char *run = g_build_filename (home, "run", NULL);
  gint64 deadline = g_get_monotonic_time () + START_TIMEOUT_US;

  if (!run_quietly (probe))
    return fail (error, _ ("libvirt has no session for the administrator here. Start Innkeeper as "
                           "an ordinary user."));
  if (g_mkdir_with_parents (run, 0700) < 0)
    {
      g_set_error (error, INN_ERROR, INN_ERROR_UNAVAILABLE, _ ("“%s” cannot be made: %s."), run,
                   g_strerror (errno));
      return FALSE;
    }
  if (!spawn (program, home, run, error))
    return FALSE;
  while (!answers (address))
    {
      if (g_get_monotonic_time () > deadline)
        return fail (error, _ ("The libvirt daemon was started but does not answer. Its log is "
                               "“libvirtd.log” beside the logs of the machines."));
      g_usleep (POLL_INTERVAL_US);
    }
  return TRUE;
}

char *
inn_own_daemon_ensure (GError **error)
{
  g_autofree char *home = g_build_filename (g_get_user_data_dir (), "innkeeper", NULL);
  const char *socket_name;
  g_autofree char *program = find_daemon (&socket_name);
  g_autofree char *path = g_build_filename (home, "run", "libvirt", socket_name, NULL);
  g_autofree char *escaped = g_uri_escape_string (path, "/", FALSE);
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  if (program == NULL)
    {
      fail (error, _ ("libvirt is not installed. Install the packages “libvirt-daemon” and "
                      "“libvirt-daemon-driver-qemu”."));
      return NULL;
    }
  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
    {
      fail (error, _ ("The path of your data folder is too long for libvirt."));
      return NULL;
    }
  if (!answers (&address) && !start (program, home, &address, error))
    return NULL;
  return g_strconcat ("qemu+unix:///session?socket=", escaped, NULL);
}
