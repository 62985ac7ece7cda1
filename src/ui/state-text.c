/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words of states and operations.
 */
#include "config.h"

#include "ui/state-text.h"

#include <glib/gi18n.h>
#include <math.h>

#include "model/format.h"

static const char *
get_state (InnMachineState state)
{
  switch (state)
    {
    case INN_MACHINE_OFF:
      return _ ("Off");
    case INN_MACHINE_STARTING:
      return _ ("Starting…");
    case INN_MACHINE_RUNNING:
      return _ ("Running");
    case INN_MACHINE_PAUSED:
      return _ ("Paused");
    case INN_MACHINE_NO_SPACE:
      return _ ("No space left");
    case INN_MACHINE_SHUTTING_DOWN:
      return _ ("Shutting down…");
    case INN_MACHINE_CRASHED:
      return _ ("Crashed");
    case INN_MACHINE_SAVED:
      return _ ("Saved");
    default:
      g_return_val_if_reached ("");
    }
}

/* That a run is disposable is said while it is an ordinary one otherwise; a banner always says it.
 */
static const char *
get_state_of_kind (InnMachineState state, InnMachineKind kind)
{
  if (kind == INN_MACHINE_TEMPLATE)
    return _ ("Template");
  if (kind == INN_MACHINE_DISPOSABLE && state == INN_MACHINE_RUNNING)
    return _ ("Running disposably");

  return get_state (state);
}

char *
inn_state_text_get_row (InnMachineState state,
                        InnMachineKind kind,
                        gint64 changed_us,
                        gint64 now_us)
{
  g_autofree char *age = NULL;

  if ((state != INN_MACHINE_OFF && state != INN_MACHINE_SAVED) || kind == INN_MACHINE_TEMPLATE
      || changed_us == 0)
    return g_strdup (get_state_of_kind (state, kind));

  age = inn_format_age (changed_us, now_us);
  if (state == INN_MACHINE_SAVED)
    /* Translators: a machine and when its memory was stored: "Saved yesterday", "Saved 14:02" */
    return g_strdup_printf (_ ("Saved %s"), age);
  return g_strdup_printf ("%s · %s", get_state (state), age);
}

/* What follows the state in the header; NULL for nothing. */
static char *
get_since (InnMachineState state, gint64 changed_us, gint64 now_us)
{
  if (state == INN_MACHINE_NO_SPACE)
    return g_strdup (_ ("no space left"));
  if (changed_us == 0)
    return NULL;
  if (state == INN_MACHINE_RUNNING)
    return inn_format_uptime ((now_us - changed_us) / G_USEC_PER_SEC);
  if (!inn_machine_state_is_active (state))
    return inn_format_age (changed_us, now_us);

  return NULL;
}

char *
inn_state_text_get_subtitle (InnMachineState state,
                             InnMachineKind kind,
                             gboolean emulated,
                             gint64 changed_us,
                             gint64 now_us)
{
  g_autofree char *since
      = kind != INN_MACHINE_TEMPLATE ? get_since (state, changed_us, now_us) : NULL;
  const char *word = get_state_of_kind (state, kind);

  if (state == INN_MACHINE_NO_SPACE)
    word = get_state (INN_MACHINE_PAUSED);
  else if (state == INN_MACHINE_RUNNING && emulated && kind == INN_MACHINE_ORDINARY)
    word = _ ("Running in emulation");

  return since != NULL ? g_strdup_printf ("%s · %s", word, since) : g_strdup (word);
}

static const char *
get_spoken_state (InnMachineState state, InnMachineKind kind)
{
  if (kind == INN_MACHINE_TEMPLATE)
    return C_ ("spoken", "template");
  if (kind == INN_MACHINE_DISPOSABLE && state == INN_MACHINE_RUNNING)
    return C_ ("spoken", "running disposably");

  switch (state)
    {
    case INN_MACHINE_OFF:
      return C_ ("spoken", "off");
    case INN_MACHINE_STARTING:
      return C_ ("spoken", "starting");
    case INN_MACHINE_RUNNING:
      return C_ ("spoken", "running");
    case INN_MACHINE_PAUSED:
      return C_ ("spoken", "paused");
    case INN_MACHINE_NO_SPACE:
      return C_ ("spoken", "paused, no space left");
    case INN_MACHINE_SHUTTING_DOWN:
      return C_ ("spoken", "shutting down");
    case INN_MACHINE_CRASHED:
      return C_ ("spoken", "crashed");
    case INN_MACHINE_SAVED:
      return C_ ("spoken", "saved");
    default:
      g_return_val_if_reached ("");
    }
}

char *
inn_state_text_get_accessible (const char *name,
                               InnMachineState state,
                               InnMachineKind kind,
                               double cpu)
{
  g_autofree char *percent = NULL;

  if (state != INN_MACHINE_RUNNING || isnan (cpu))
    /* Translators: a machine's name and its state, spoken */
    return g_strdup_printf (_ ("%s, %s"), name, get_spoken_state (state, kind));

  percent = inn_format_percent (cpu);
  /* Translators: a machine's name, its state and a percentage, spoken */
  return g_strdup_printf (_ ("%s, %s, processor %s"), name, get_spoken_state (state, kind),
                          percent);
}

const char *
inn_state_text_get_style (InnMachineState state)
{
  if (state == INN_MACHINE_CRASHED)
    return "error";

  return state == INN_MACHINE_NO_SPACE ? "warning" : NULL;
}

const char *
inn_state_text_get_badge (InnMachineState state)
{
  if (state == INN_MACHINE_PAUSED || state == INN_MACHINE_NO_SPACE)
    return "media-playback-pause-symbolic";

  return state == INN_MACHINE_CRASHED ? "dialog-warning-symbolic" : NULL;
}

gboolean
inn_state_text_is_live (InnMachineState state)
{
  return state == INN_MACHINE_RUNNING || state == INN_MACHINE_SHUTTING_DOWN;
}

const char *
inn_state_text_get_verb (InnOperation operation)
{
  switch (operation)
    {
    case INN_OPERATION_START:
      return _ ("Start");
    case INN_OPERATION_SHUT_DOWN:
      return _ ("Shut Down");
    case INN_OPERATION_POWER_OFF:
      return _ ("Force Off");
    case INN_OPERATION_RESET:
      return _ ("Force Reset");
    case INN_OPERATION_PAUSE:
      return _ ("Pause");
    case INN_OPERATION_RESUME:
      return _ ("Resume");
    case INN_OPERATION_DELETE:
      return _ ("Delete");
    case INN_OPERATION_SAVE:
      return _ ("Save");
    case INN_OPERATION_DISCARD_SAVED:
      return _ ("Discard Saved State");
    case INN_OPERATION_START_DISPOSABLE:
      return _ ("Start Without Keeping Changes");
    case INN_OPERATION_MAKE_TEMPLATE:
      return _ ("Turn into Template");
    case INN_OPERATION_MAKE_MACHINE:
      return _ ("Turn Back into Machine");
    default:
      g_return_val_if_reached ("");
    }
}

/* Whole sentences, one for each operation, since languages inflect them differently. */
char *
inn_state_text_get_trouble (InnOperation operation, const char *name)
{
  switch (operation)
    {
    case INN_OPERATION_START:
    case INN_OPERATION_START_DISPOSABLE:
      return g_strdup_printf (_ ("“%s” Did Not Start"), name);
    case INN_OPERATION_SHUT_DOWN:
      return g_strdup_printf (_ ("“%s” Was Not Asked to Shut Down"), name);
    case INN_OPERATION_POWER_OFF:
      return g_strdup_printf (_ ("“%s” Is Still On"), name);
    case INN_OPERATION_RESET:
      return g_strdup_printf (_ ("“%s” Was Not Reset"), name);
    case INN_OPERATION_PAUSE:
      return g_strdup_printf (_ ("“%s” Is Not Paused"), name);
    case INN_OPERATION_RESUME:
      return g_strdup_printf (_ ("“%s” Did Not Resume"), name);
    case INN_OPERATION_DELETE:
      return g_strdup_printf (_ ("“%s” Was Not Deleted"), name);
    case INN_OPERATION_SAVE:
      return g_strdup_printf (_ ("“%s” Was Not Saved"), name);
    case INN_OPERATION_DISCARD_SAVED:
      return g_strdup_printf (_ ("“%s” Is Still Saved"), name);
    case INN_OPERATION_MAKE_TEMPLATE:
      return g_strdup_printf (_ ("“%s” Is Not a Template"), name);
    case INN_OPERATION_MAKE_MACHINE:
      return g_strdup_printf (_ ("“%s” Is Still a Template"), name);
    default:
      g_return_val_if_reached (NULL);
    }
}
