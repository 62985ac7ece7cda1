/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libvirt-session.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "temporary-directory.h"

static char *session_folder;

static void
set_folder (const char *variable, const char *name)
{
  g_autofree char *path = g_build_filename (session_folder, name, NULL);

  g_mkdir (path, 0700);
  g_setenv (variable, path, TRUE);
}

void
libvirt_session_begin (void)
{
  session_folder = temporary_directory_new ();
  set_folder ("XDG_RUNTIME_DIR", "run");
  set_folder ("XDG_CONFIG_HOME", "config");
  set_folder ("XDG_CACHE_HOME", "cache");
  set_folder ("XDG_DATA_HOME", "data");
  set_folder ("XDG_STATE_HOME", "state");
}

static void
kill_by_pid_file (const char *name, int signal_number)
{
  /* Root has a daemon of Innkeeper's own, which keeps its sockets with its data. */
  const char *run = geteuid () == 0 ? "data/innkeeper/run" : "run";
  g_autofree char *path = g_build_filename (session_folder, run, "libvirt", name, NULL);
  g_autofree char *text = NULL;
  gint64 pid;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  pid = g_ascii_strtoll (text, NULL, 10);
  if (pid > 1 && kill ((pid_t)pid, signal_number) == 0)
    for (guint i = 0; i < 200 && kill ((pid_t)pid, 0) == 0; i++)
      g_usleep (10 * G_TIME_SPAN_MILLISECOND);
}

void
libvirt_session_kill_daemon (void)
{
  kill_by_pid_file ("libvirtd.pid", SIGKILL);
}

void
libvirt_session_end (void)
{
  kill_by_pid_file ("libvirtd.pid", SIGTERM);
  kill_by_pid_file ("virtlogd.pid", SIGTERM);
  temporary_directory_free (g_steal_pointer (&session_folder));
}

const char *
libvirt_session_get_folder (void)
{
  return session_folder;
}
