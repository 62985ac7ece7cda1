/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnGraphTime: the span of time that the graphs of one page show together, and the crosshair that
 * runs through all of them. Emits "changed" when the graphs have to be drawn anew, and before that
 * "range-changed" when they show another span.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define INN_TYPE_GRAPH_TIME (inn_graph_time_get_type ())
G_DECLARE_FINAL_TYPE (InnGraphTime, inn_graph_time, INN, GRAPH_TIME, GObject)

InnGraphTime *inn_graph_time_new (gint64 range_us);

void inn_graph_time_set_range (InnGraphTime *self, gint64 range_us);
gint64 inn_graph_time_get_range (InnGraphTime *self);

/* Frozen, the end stays where it is. */
void inn_graph_time_set_frozen (InnGraphTime *self, gboolean frozen);
gboolean inn_graph_time_get_frozen (InnGraphTime *self);

/* Moves the end to now, unless frozen. All graphs see the same end until the next call. */
void inn_graph_time_advance (InnGraphTime *self);
/* Monotonic time of the right edge. */
gint64 inn_graph_time_get_end (InnGraphTime *self);

/* Puts the crosshair at a time, kept inside the span; it then stays at that place of the graph. */
void inn_graph_time_set_cursor (InnGraphTime *self, gint64 time_us);
void inn_graph_time_clear_cursor (InnGraphTime *self);
gboolean inn_graph_time_has_cursor (InnGraphTime *self);
/* The crosshair's time, or the end where there is none. */
gint64 inn_graph_time_get_cursor (InnGraphTime *self);
/* The same on the wall clock, for people. */
gint64 inn_graph_time_get_cursor_real_time (InnGraphTime *self);

G_END_DECLS
