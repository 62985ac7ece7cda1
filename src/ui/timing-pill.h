/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnTimingPill: when a change has its effect, in a word. Part of the description of the row it is
 * in, which is why it has no words of its own for a screen reader.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/setting.h"

G_BEGIN_DECLS

#define INN_TYPE_TIMING_PILL (inn_timing_pill_get_type ())
G_DECLARE_FINAL_TYPE (InnTimingPill, inn_timing_pill, INN, TIMING_PILL, GtkBox)

GtkWidget *inn_timing_pill_new (void);

/* NEVER: it is not shown. */
void inn_timing_pill_set_timing (InnTimingPill *self, InnTiming timing);
/* Only the icon. */
void inn_timing_pill_set_narrow (InnTimingPill *self, gboolean narrow);

G_END_DECLS
