/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words of snapshots and clones.
 */
#include "config.h"

#include "ui/snapshot-text.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "model/format.h"
#include "ui/state-text.h"

/* Before that, what is left is only guessed. */
#define LEAST_FRACTION 0.04
#define LEAST_SECONDS  3.0

char *
inn_snapshot_text_get_size (const InnSnapshotFacts *facts)
{
  return facts->size_known ? inn_format_memory (facts->size) : NULL;
}

char *
inn_snapshot_text_get_subtitle (const InnSnapshotFacts *facts, gint64 now_us, gboolean brief)
{
  g_autofree char *moment = inn_format_moment (facts->time, now_us, /* exact= */ FALSE);
  g_autofree char *size = inn_snapshot_text_get_size (facts);

  if (brief)
    return size != NULL ? g_strdup_printf ("%s · %s", moment, size) : g_strdup (moment);

  return g_strdup_printf ("%s · %s", moment,
                          facts->running ? _ ("memory and disk") : _ ("disk only"));
}

char *
inn_snapshot_text_get_accessible (const InnSnapshotFacts *facts, const char *parent, gint64 now_us)
{
  g_autofree char *moment = inn_format_moment (facts->time, now_us, /* exact= */ FALSE);
  g_autofree char *size = inn_snapshot_text_get_size (facts);
  GString *text = g_string_new (facts->name);

  g_string_append_printf (text, ", %s", moment);
  if (size != NULL)
    g_string_append_printf (text, ", %s", size);
  if (facts->trouble != NULL)
    g_string_append_printf (text, ", %s", C_ ("spoken", "damaged"));
  if (facts->kept)
    g_string_append_printf (text, ", %s", C_ ("spoken", "kept for you"));
  if (parent != NULL)
    {
      g_string_append (text, ", ");
      /* Translators: the snapshot that another derives from, spoken */
      g_string_append_printf (text, _ ("parent %s"), parent);
    }
  return g_string_free (text, FALSE);
}

char *
inn_snapshot_text_get_present (InnMachineState state, const char *current)
{
  g_autofree char *word = inn_state_text_get_row (state, INN_MACHINE_ORDINARY, 0, 0);

  if (current == NULL)
    return g_steal_pointer (&word);

  /* Translators: a state, and the snapshot that the present derives from */
  return g_strdup_printf (_ ("%s · changed since “%s”"), word, current);
}

char *
inn_snapshot_text_get_taken (guint64 pause_us)
{
  g_autofree char *pause = NULL;

  if (pause_us == 0)
    return g_strdup (_ ("Snapshot taken."));

  pause = inn_format_duration (pause_us);
  return g_strdup_printf (_ ("Snapshot taken. The guest paused for %s."), pause);
}

char *
inn_snapshot_text_get_cloned (const char *name, guint64 pause_us)
{
  g_autofree char *pause = NULL;

  if (pause_us == 0)
    return g_strdup_printf (_ ("“%s” runs."), name);

  pause = inn_format_duration (pause_us);
  return g_strdup_printf (_ ("“%s” runs. The guest paused for %s."), name, pause);
}

char *
inn_snapshot_text_get_activity (InnSnapshotOperation operation, const char *name)
{
  switch (operation)
    {
    case INN_SNAPSHOT_TAKE:
      return g_strdup (_ ("Taking a snapshot…"));
    case INN_SNAPSHOT_RESTORE:
      return g_strdup_printf (_ ("Restoring “%s”…"), name);
    case INN_SNAPSHOT_DELETE:
      return g_strdup_printf (_ ("Deleting “%s”…"), name);
    case INN_SNAPSHOT_CHANGE:
    default:
      g_return_val_if_reached (NULL);
    }
}

char *
inn_snapshot_text_get_trouble (InnSnapshotOperation operation, const char *name)
{
  switch (operation)
    {
    case INN_SNAPSHOT_TAKE:
      return g_strdup (_ ("No Snapshot Was Taken"));
    case INN_SNAPSHOT_RESTORE:
      return g_strdup_printf (_ ("“%s” Was Not Restored"), name);
    case INN_SNAPSHOT_DELETE:
      return g_strdup_printf (_ ("“%s” Was Not Deleted"), name);
    case INN_SNAPSHOT_CHANGE:
      return g_strdup_printf (_ ("“%s” Was Not Changed"), name);
    default:
      g_return_val_if_reached (NULL);
    }
}

const char *
inn_snapshot_text_get_clone_kind (InnCloneKind kind)
{
  switch (kind)
    {
    case INN_CLONE_LIVE:
      return C_ ("clone", "Live");
    case INN_CLONE_LINKED:
      return C_ ("clone", "Linked");
    case INN_CLONE_FULL:
      return C_ ("clone", "Full copy");
    default:
      g_return_val_if_reached ("");
    }
}

const char *
inn_snapshot_text_get_clone_description (InnCloneKind kind, InnSnapshot *snapshot, gboolean saved)
{
  const gboolean goes_on = snapshot != NULL && inn_snapshot_get_facts (snapshot)->running;

  switch (kind)
    {
    case INN_CLONE_LIVE:
      return snapshot != NULL ? _ ("A running twin from that moment, memory included.")
                              : _ ("A running twin from this moment, memory included.");
    case INN_CLONE_LINKED:
      if (goes_on)
        return _ ("Goes on from that moment and shares the disk as it was.");
      if (snapshot == NULL && saved)
        return _ ("Goes on where it was saved and shares the disk as it is now.");
      return snapshot != NULL ? _ ("Starts switched off and shares the disk as it was.")
                              : _ ("Starts switched off and shares the disk as it is now.");
    case INN_CLONE_FULL:
      if (snapshot == NULL && saved)
        return _ ("Goes on where it was saved on a disk of its own.");
      return goes_on ? _ ("Goes on from that moment on a disk of its own.")
                     : _ ("Starts switched off on a disk of its own.");
    default:
      g_return_val_if_reached ("");
    }
}

const char *
inn_snapshot_text_get_clone_time (InnCloneKind kind)
{
  return kind == INN_CLONE_FULL ? C_ ("clone", "ready when copied") : C_ ("clone", "ready at once");
}

static gboolean
is_taken (const char *name, const char *const *taken)
{
  return taken != NULL && g_strv_contains (taken, name);
}

/* The length of @name without a number in brackets. */
static gsize
get_stem_length (const char *name)
{
  const gsize length = strlen (name);
  gsize digits = 0;

  if (length == 0 || name[length - 1] != ')')
    return length;
  while (digits + 1 < length && g_ascii_isdigit (name[length - 2 - digits]))
    digits++;
  if (digits == 0 || length < digits + 3 || strncmp (name + length - digits - 3, " (", 2) != 0)
    return length;
  return length - digits - 3;
}

char *
inn_snapshot_text_suggest_name (const char *name, const char *const *taken)
{
  g_autofree char *stem = g_strndup (name, get_stem_length (name));

  for (guint number = 2;; number++)
    {
      g_autofree char *candidate = g_strdup_printf ("%s (%u)", stem, number);

      if (!is_taken (candidate, taken))
        return g_steal_pointer (&candidate);
    }
}

char *
inn_snapshot_text_get_clone_progress (double fraction, double seconds)
{
  g_autofree char *percent = inn_format_percent (fraction);
  double left;
  int minutes;

  if (fraction < LEAST_FRACTION || seconds < LEAST_SECONDS)
    return g_steal_pointer (&percent);

  left = seconds / fraction * (1 - fraction);
  if (left < 50)
    /* Translators: a percentage, and what is left of it */
    return g_strdup_printf (_ ("%s · less than a minute left"), percent);

  minutes = (int)MIN (ceil (left / 60), 99999);
  return g_strdup_printf (ngettext ("%s · about %d minute left", "%s · about %d minutes left",
                                    (gulong)minutes),
                          percent, minutes);
}
