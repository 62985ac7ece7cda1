/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl save: ends a machine so that its next start goes on where it was.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"

static gboolean discard;

static InnctlStatus
save (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_save_async (guest, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_guest_save_finish (guest, result, &error) ? INNCTL_DONE : innctl_fail (error);
}

static InnctlStatus
discard_saved (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_discard_saved_async (guest, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_guest_discard_saved_finish (guest, result, &error) ? INNCTL_DONE : innctl_fail (error);
}

static InnctlStatus
run_save (Innctl *self, char **arguments)
{
  g_autoptr (InnGuest) guest = NULL;

  g_set_object (&guest, innctl_find_guest (self, arguments[0]));
  if (guest == NULL)
    return INNCTL_FAILED;

  return discard ? discard_saved (guest) : save (guest);
}

static const GOptionEntry options[] = {
  { "discard", 0, 0, G_OPTION_ARG_NONE, &discard,
    N_ ("give up what was saved; the next start is an ordinary one"), NULL },
  { NULL },
};

const InnctlVerb innctl_save_verb = {
  .name = "save",
  .arguments = "NAME",
  .summary = N_ ("end a machine so that its next start goes on where it was"),
  .details = N_ ("Its memory goes to the disk. What it was doing goes on with “innctl start”; with "
                 "--discard its disks are then as they were when it was saved, as after a power "
                 "failure."),
  .min_arguments = 1,
  .max_arguments = 1,
  .options = options,
  .run = run_save,
};
