/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl clone: makes a machine of another one, or of a snapshot.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"
#include "progress.h"

enum
{
  SETTLE_TIMEOUT_MS = 5000,
};

static gboolean full, linked, live;
static char *snapshot_word;

static InnGuestCloneKind
get_kind (void)
{
  if (live)
    return INN_GUEST_CLONE_LIVE;
  return full ? INN_GUEST_CLONE_FULL : INN_GUEST_CLONE_LINKED;
}

static gboolean
is_settled (gpointer data)
{
  return inn_guest_is_settled (data);
}

static void
print_live (const Innctl *self, InnGuest *guest, InnGuest *clone, guint64 pause_us)
{
  InnctlJson json;

  if (!self->json && pause_us > 0)
    g_print (_ ("“%s” goes on from this moment (%s). “%s” stood still for %.1f ms.\n"),
             inn_guest_get_name (clone), inn_guest_get_uuid (clone), inn_guest_get_name (guest),
             (double)pause_us / 1000);
  else if (!self->json)
    g_print (_ ("“%s” goes on from this moment (%s).\n"), inn_guest_get_name (clone),
             inn_guest_get_uuid (clone));
  if (!self->json)
    return;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_add_guest_members (&json, clone);
  innctl_json_add_unsigned (&json, "pause_us", pause_us);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static InnctlStatus
clone_guest (Innctl *self, InnGuest *guest, const char *name, const char *snapshot)
{
  const InnGuestCloneKind kind = get_kind ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *uuid = NULL;
  InnctlProgress progress;
  InnGuest *clone;
  guint64 pause_us;

  innctl_progress_begin (&progress);
  inn_guest_clone_async (guest, name, kind, snapshot, innctl_progress_tell, &progress,
                         progress.cancellable, innctl_take_result, &result);
  innctl_await (&result);
  innctl_progress_end (&progress);
  uuid = inn_guest_clone_finish (guest, result, &pause_us, &error);
  if (uuid == NULL)
    return innctl_fail (error);

  clone = inn_engine_find (self->engine, uuid);
  if (clone == NULL)
    return innctl_fail_with (_ ("The machine was made, but is gone already."));

  innctl_wait (SETTLE_TIMEOUT_MS, is_settled, clone);
  if (kind == INN_GUEST_CLONE_LIVE)
    print_live (self, guest, clone, pause_us);
  else
    innctl_print_made (self, clone);
  return INNCTL_DONE;
}

static InnctlStatus
run_clone (Innctl *self, char **arguments)
{
  g_autoptr (InnGuest) guest = NULL;
  g_autofree char *id = NULL;

  if (full + linked + live > 1)
    return innctl_fail_usage (_ ("A clone is either full, linked or live; say one of them."));
  if (live && snapshot_word != NULL)
    return innctl_fail_usage (_ ("A snapshot does not run, so it has no live clones; leave out "
                                 "--live, and what was in its memory goes on in the clone."));
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
  { "live", 0, 0, G_OPTION_ARG_NONE, &live,
    N_ ("Clone a machine that runs: the clone goes on from this moment, memory included"), NULL },
  { "snapshot", 's', 0, G_OPTION_ARG_STRING, &snapshot_word,
    N_ ("Clone this snapshot, not the machine as it is"), N_ ("SNAPSHOT") },
  { NULL },
};

const InnctlVerb innctl_clone_verb = {
  .name = "clone",
  .arguments = "NAME NEW",
  .summary = N_ ("make a machine NEW of another one, or of a snapshot"),
  .details = N_ (
      "The machine must be off, unless a snapshot is cloned or --live is given. Either machine "
      "can be changed and deleted without the other. The clone has a new UUID, and new "
      "addresses for network cards that others can see; ports of this computer lead to "
      "the original only. What ran when the snapshot was taken, or the machine was saved, goes on "
      "when the clone is started. A live clone runs at once, and shares with the original what "
      "neither of them changes; how long that had to stand still is printed. A machine that has a "
      "network card on an interface of this computer cannot be cloned live."),
  .min_arguments = 2,
  .max_arguments = 2,
  .options = clone_options,
  .run = run_clone,
};
