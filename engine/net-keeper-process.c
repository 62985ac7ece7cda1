/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "net-keeper-process.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "engine-error.h"
#include "vmm-process.h"

#define PROGRAM "innkeeper-net"

enum
{
  CHANNEL_FD = 3 /* in the keeper */
};

/* $INNKEEPER_NET, or the one beside the VMM of this build tree or installation. */
static char *
find_program (void)
{
  const char *chosen = g_getenv ("INNKEEPER_NET");
  g_autofree char *folder = NULL;

  if (chosen != NULL && *chosen != '\0')
    return g_canonicalize_filename (chosen, NULL);

  folder = g_path_get_dirname (inn_vmm_process_get_default_program ());
  return g_build_filename (folder, PROGRAM, NULL);
}

static GStrv
make_arguments (const char *program, const char *const *forwards)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_autofree char *channel = g_strdup_printf ("%d", CHANNEL_FD);

  g_strv_builder_add_many (argv, program, "--channel", channel, NULL);
  for (guint i = 0; forwards != NULL && forwards[i] != NULL; i++)
    g_strv_builder_add_many (argv, "--forward", forwards[i], NULL);

  return g_strv_builder_end (argv);
}

/* Takes over @channel. What the keeper has to say it says to the VMM. */
static gboolean
spawn (const char *const *forwards, const char *const *environment, int channel, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autofree char *program = find_program ();
  g_auto (GStrv) argv = make_arguments (program, forwards);
  g_auto (GStrv) variables = g_strdupv ((char **)environment);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GSubprocess) process = NULL;

  if (g_getenv ("PATH") != NULL)
    variables = g_environ_setenv (variables, "PATH", g_getenv ("PATH"), TRUE); /* to find passt */
  g_subprocess_launcher_set_environ (launcher, variables);
  g_subprocess_launcher_set_cwd (launcher, "/");
  g_subprocess_launcher_take_fd (launcher, channel, CHANNEL_FD);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *)argv, &local_error);
  if (process != NULL)
    return TRUE;

  g_debug ("%s", local_error->message);
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
               _ ("The program that connects machines to the network, “%s”, cannot be started. "
                  "Install Innkeeper again."),
               program);
  return FALSE;
}

int
inn_net_keeper_start (const char *const *forwards, const char *const *environment, GError **error)
{
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED, g_strerror (errno));
      return -1;
    }
  if (!spawn (forwards, environment, pair[1], error))
    fd_close (&pair[0]);

  return pair[0];
}
