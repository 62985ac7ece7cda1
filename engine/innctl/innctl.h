/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the verbs of innctl share: options, the machine they are about, waiting, errors.
 */
#pragma once

#include <gio/gio.h>

#include "engine.h"

G_BEGIN_DECLS

typedef enum
{
  INNCTL_DONE = 0,
  INNCTL_FAILED = 1, /* one sentence was printed */
  INNCTL_USAGE = 2,
} InnctlStatus;

/* One run of the program. */
typedef struct
{
  char *control_path; /* --control */
  gboolean json;
  InnEngine *engine; /* NULL until innctl_open_engine() */
} Innctl;

/* What a verb works on: a machine by name, or the VMM behind --control. One of both is NULL. */
typedef struct
{
  InnGuest *guest;
  InnControlChannel *channel;
} InnctlTarget;

typedef struct
{
  const char *name;
  const char *arguments; /* for the usage line, without options */
  const char *summary;
  const char *details; /* more for its --help, or NULL */
  int min_arguments, max_arguments;
  gboolean takes_control;      /* works with --control, then without its first argument */
  const GOptionEntry *options; /* or NULL */
  InnctlStatus (*run) (Innctl *self, char **arguments);
} InnctlVerb;

extern const InnctlVerb innctl_console_verb, innctl_create_verb, innctl_define_verb,
    innctl_delete_verb, innctl_dumpxml_verb, innctl_host_verb, innctl_list_verb, innctl_pause_verb,
    innctl_poweroff_verb, innctl_reset_verb, innctl_resume_verb, innctl_shutdown_verb,
    innctl_start_verb, innctl_stats_verb;

/* Prints the sentence; returns INNCTL_FAILED. */
InnctlStatus innctl_fail (const GError *error);
InnctlStatus innctl_fail_with (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* For asynchronous calls: pass innctl_take_result and the address of a NULL result, then await. */
void innctl_take_result (GObject *source, GAsyncResult *result, gpointer user_data);
void innctl_await (GAsyncResult **result);

/* Lets things happen until @condition (@data) holds, at most so long; whether it does. NULL: never.
 */
gboolean innctl_wait (guint milliseconds, gboolean (*condition) (gpointer data), gpointer data);

/* Opens the engine and waits until the state of every machine is known. */
InnctlStatus innctl_open_engine (Innctl *self);
/* The machine of that name or UUID, borrowed; NULL: a sentence was printed. */
InnGuest *innctl_find_guest (Innctl *self, const char *name);

/* Finds the machine that arguments[0] names, or connects to --control. */
InnctlStatus innctl_target_init (InnctlTarget *target, Innctl *self, char **arguments);
void innctl_target_clear (InnctlTarget *target);
/* For people: the machine's name or the socket's path. */
const char *innctl_target_get_name (const InnctlTarget *target, const Innctl *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (InnctlTarget, innctl_target_clear)

G_END_DECLS
