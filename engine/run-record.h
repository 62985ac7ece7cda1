/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnRunRecord: what is known about a machine's last run, kept as "last-run" in its folder so that
 * every process tells the same story. Whoever starts the machine writes its start; whoever sees
 * the end writes that. The VMM leaves its last status beside it ("end-status"), so that an end that
 * nobody saw is known too. What the machine was started with ("started.xml") is kept as well: its
 * definition may be changed while it runs.
 */
#pragma once

#include <glib.h>

#include "protocol/statistics-protocol.h"

G_BEGIN_DECLS

#define INN_RUN_RECORD_DEFINITION_NAME "started.xml"

typedef enum
{
  INN_RUN_NOT_ENDED,
  INN_RUN_POWER_OFF,  /* the guest did it */
  INN_RUN_FORCED_OFF, /* somebody here did it */
  INN_RUN_RESET,
  INN_RUN_PANIC,
  INN_RUN_CRASH,
  INN_RUN_HOST_ERROR,
  INN_RUN_KILLED,      /* the VMM went without a word */
  INN_RUN_NOT_STARTED, /* the VMM refused; the text says why */
} InnRunEnd;

typedef struct
{
  gint64 started; /* g_get_real_time(); 0: never. Also names the run. */
  gint64 ended;
  InnRunEnd end;
  gboolean disposable; /* what the guest wrote is gone with the run */
  char *text;          /* a sentence for a person, or NULL */
} InnRunRecord;

/* What is in @folder; all zero when there is nothing usable. */
void inn_run_record_load (InnRunRecord *self, const char *folder);
void inn_run_record_clear (InnRunRecord *self);
/* A new, empty file for the last status of the VMM that is about to start; a descriptor or -1. */
int inn_run_record_open_end (const char *folder, GError **error);

/* Atomic and durable, as the next two. */
gboolean inn_run_record_save_definition (const char *folder, const char *xml, GError **error);
/* NULL when there is none. */
char *inn_run_record_load_definition (const char *folder);
gboolean
inn_run_record_save_start (const char *folder, gint64 started, gboolean disposable, GError **error);
/* Notes the end of the run that began at @started, unless it has one or another run began since. */
gboolean inn_run_record_save_end (const char *folder,
                                  gint64 started,
                                  InnRunEnd end,
                                  const char *text,
                                  GError **error);

/* How a run ended by the last statistics read from it. */
InnRunEnd inn_run_end_from_status (const struct statistics_status *status);
/* Whether the machine is off and nobody asked for it. */
gboolean inn_run_end_is_crash (InnRunEnd end);
/* A word for scripts. */
const char *inn_run_end_to_word (InnRunEnd end);
/* What a VMM says of itself, for a person; NULL when it says nothing. It knows no languages: its
 * whole sentences are translated here, details it has put into them are not. */
char *inn_run_describe_status (const struct statistics_status *status);
/* The sentence for a person about a machine that is off; NULL when there is nothing to say. */
char *inn_run_record_describe (const InnRunRecord *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (InnRunRecord, inn_run_record_clear)

G_END_DECLS
