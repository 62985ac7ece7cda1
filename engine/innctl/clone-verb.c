/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl clone: makes a machine of another one, or of a snapshot.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"
#include "progress.h"

static gboolean full, linked;
static char *snapshot_word;

static InnctlStatus
clone_guest (Innctl *self, InnGuest *guest, const char *name, const char *snapshot)
{
  const InnGuestCloneKind kind = full ? INN_GUEST_CLONE_FULL : INN_GUEST_CLONE_LINKED;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *uuid = NULL;
  InnctlProgress progress;
  InnGuest *clone;

  innctl_progress_begin (&progress);
  inn_guest_clone_async (guest, name, kind, snapshot, innctl_progress_tell, &progress,
                         progress.cancellable, innctl_take_result, &result);
  innctl_await (&result);
  innctl_progress_end (&progress);
  uuid = inn_guest_clone_finish (guest, result, &error);
  if (uuid == NULL)
    return innctl_fail (error);

  clone = inn_engine_find (self->engine, uuid);
  if (clone == NULL)
    return innctl_fail_with (_ ("The machine was made, but is gone already."));

  innctl_print_made (self, clone);
  return INNCTL_DONE;
}

static InnctlStatus
run_clone (Innctl *self, char **arguments)
{
  g_autoptr (InnGuest) guest = NULL;
  g_autofree char *id = NULL;

  if (full && linked)
    return innctl_fail_usage (_ ("A clone is either full or linked; leave one of the two out."));
  g_set_object (&guest, innctl_find_guest (self, arguments[0]));
  if (guest == NULL)
    return INNCTL_FAILED;
  if (snapshot_word != NULL)
    {
      id = innctl_find_snapshot (guest, snapshot_word);
      if (id == NULL)
        return INNCTL_FAILED;
    }

  return clone_guest (self, guest, arguments[1], id);
}

static const GOptionEntry clone_options[] = {
  { "full", 0, 0, G_OPTION_ARG_NONE, &full,
    N_ ("Copy all disks, so that the two have nothing in common"), NULL },
  { "linked", 0, 0, G_OPTION_ARG_NONE, &linked,
    N_ ("Share what both have at first, which is done at once (the default)"), NULL },
  { "snapshot", 's', 0, G_OPTION_ARG_STRING, &snapshot_word,
    N_ ("Clone this snapshot, not the machine as it is"), N_ ("SNAPSHOT") },
  { NULL },
};

const InnctlVerb innctl_clone_verb = {
  .name = "clone",
  .arguments = "NAME NEW",
  .summary = N_ ("make a machine NEW of another one, or of a snapshot"),
  .details = N_ (
      "The machine must be off, unless a snapshot is cloned. Either machine can be "
      "changed and deleted without the other. The clone has a new UUID, and new "
      "addresses for network cards that others can see; ports of this computer lead to "
      "the original only. What ran when the snapshot was taken, or the machine was saved, goes on "
      "when the clone is started."),
  .min_arguments = 2,
  .max_arguments = 2,
  .options = clone_options,
  .run = run_clone,
};
