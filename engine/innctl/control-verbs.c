/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verbs that ask a running machine for something: shutdown, poweroff, reset, pause, resume.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"

static int wait_seconds = -1;

static gboolean
send_command (const InnctlTarget *target, InnControlCommand command, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (target->guest != NULL)
    {
      inn_guest_call_async (target->guest, command, NULL, innctl_take_result, &result);
      innctl_await (&result);
      return inn_guest_call_finish (target->guest, result, error);
    }

  inn_control_channel_call_async (target->channel, command, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_control_channel_call_finish (target->channel, result, error);
}

static void
on_closed (InnControlChannel *channel, const GError *error, gpointer user_data)
{
  gboolean *closed = user_data;

  *closed = TRUE;
}

static gboolean
is_off (gpointer data)
{
  return !inn_guest_is_active (data);
}

static gboolean
is_set (gpointer data)
{
  const gboolean *flag = data;

  return *flag;
}

/* @closed is set when a target without a guest has ended. */
static InnctlStatus
wait_for_end (Innctl *self, const InnctlTarget *target, gboolean *closed)
{
  const guint milliseconds = (guint)MIN (wait_seconds, G_MAXINT / 1000) * 1000;

  if (target->guest != NULL ? innctl_wait (milliseconds, is_off, target->guest)
                            : innctl_wait (milliseconds, is_set, closed))
    return INNCTL_DONE;

  return innctl_fail_with (_ ("“%s” has not shut down within %d seconds and runs on. Wait longer, "
                              "or use “innctl poweroff”."),
                           innctl_target_get_name (target, self), wait_seconds);
}

static InnctlStatus
run_command (Innctl *self, char **arguments, InnControlCommand command)
{
  g_auto (InnctlTarget) target = { NULL, NULL };
  g_autoptr (GError) error = NULL;
  gboolean closed = FALSE;
  InnctlStatus status = innctl_target_init (&target, self, arguments);

  if (status != INNCTL_DONE)
    return status;
  if (target.channel != NULL)
    g_signal_connect (target.channel, "closed", G_CALLBACK (on_closed), &closed);

  if (!send_command (&target, command, &error))
    {
      /* A VMM that powers off may be gone before it has answered. */
      if (command != INN_CONTROL_POWER_OFF || !closed)
        status = innctl_fail (error);
    }
  else if (command == INN_CONTROL_SHUTDOWN && wait_seconds >= 0)
    {
      status = wait_for_end (self, &target, &closed);
    }
  if (target.channel != NULL)
    g_signal_handlers_disconnect_by_data (target.channel, &closed);

  return status;
}

static InnctlStatus
run_shutdown (Innctl *self, char **arguments)
{
  return run_command (self, arguments, INN_CONTROL_SHUTDOWN);
}

static InnctlStatus
run_poweroff (Innctl *self, char **arguments)
{
  return run_command (self, arguments, INN_CONTROL_POWER_OFF);
}

static InnctlStatus
run_reset (Innctl *self, char **arguments)
{
  return run_command (self, arguments, INN_CONTROL_RESET);
}

static InnctlStatus
run_pause (Innctl *self, char **arguments)
{
  return run_command (self, arguments, INN_CONTROL_PAUSE);
}

static InnctlStatus
run_resume (Innctl *self, char **arguments)
{
  return run_command (self, arguments, INN_CONTROL_RESUME);
}

static const GOptionEntry shutdown_options[] = {
  { "wait", 'w', 0, G_OPTION_ARG_INT, &wait_seconds, N_ ("Wait until it is off, at most so long"),
    N_ ("SECONDS") },
  { NULL },
};

const InnctlVerb innctl_shutdown_verb = {
  .name = "shutdown",
  .arguments = "NAME",
  .summary = N_ ("ask the guest to shut down"),
  .min_arguments = 1,
  .max_arguments = 1,
  .takes_control = TRUE,
  .options = shutdown_options,
  .run = run_shutdown,
};

const InnctlVerb innctl_poweroff_verb = {
  .name = "poweroff",
  .arguments = "NAME",
  .summary = N_ ("turn it off at once, without asking the guest"),
  .min_arguments = 1,
  .max_arguments = 1,
  .takes_control = TRUE,
  .run = run_poweroff,
};

const InnctlVerb innctl_reset_verb = {
  .name = "reset",
  .arguments = "NAME",
  .summary = N_ ("restart it at once, without asking the guest"),
  .min_arguments = 1,
  .max_arguments = 1,
  .takes_control = TRUE,
  .run = run_reset,
};

const InnctlVerb innctl_pause_verb = {
  .name = "pause",
  .arguments = "NAME",
  .summary = N_ ("stop its processors for now"),
  .min_arguments = 1,
  .max_arguments = 1,
  .takes_control = TRUE,
  .run = run_pause,
};

const InnctlVerb innctl_resume_verb = {
  .name = "resume",
  .arguments = "NAME",
  .summary = N_ ("let it run on after a pause or when there is space again"),
  .min_arguments = 1,
  .max_arguments = 1,
  .takes_control = TRUE,
  .run = run_resume,
};
