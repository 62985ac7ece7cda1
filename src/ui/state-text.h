/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words, badge and style of a machine's state, and the words of operations. Pure.
 */
#pragma once

#include <glib.h>

#include "model/machine-state.h"

G_BEGIN_DECLS

/* For a row: "Running", "Off · 3 days ago". @changed_us, @now_us: real times; 0: unknown. Transfer
 * full. */
char *inn_state_text_get_row (InnMachineState state,
                              InnMachineKind kind,
                              gint64 changed_us,
                              gint64 now_us);
/* Under the name in the header: "Running in emulation · up 2 min". Transfer full. */
char *inn_state_text_get_subtitle (InnMachineState state,
                                   InnMachineKind kind,
                                   gboolean emulated,
                                   gint64 changed_us,
                                   gint64 now_us);
/* For a screen reader: "Debian 13, running, processor 34 %". @cpu: 0..1 or NAN. Transfer full. */
char *inn_state_text_get_accessible (const char *name,
                                     InnMachineState state,
                                     InnMachineKind kind,
                                     double cpu);
/* "error", "warning" or NULL. */
const char *inn_state_text_get_style (InnMachineState state);
/* The icon on the thumbnail, or NULL. */
const char *inn_state_text_get_badge (InnMachineState state);
/* Whether what the screen shows is now, so that it is shown in colour. */
gboolean inn_state_text_is_live (InnMachineState state);

/* The verb: "Start", "Force Off". */
const char *inn_state_text_get_verb (InnOperation operation);
/* What did not happen, as the heading of a message: "“%s” did not start". Transfer full. */
char *inn_state_text_get_trouble (InnOperation operation, const char *name);

G_END_DECLS
