/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The common time axis of a page of graphs.
 */
#include "config.h"

#include "ui/graph-time.h"

#define NO_CURSOR (-1)

struct _InnGraphTime
{
  GObject parent_instance;

  gint64 range_us;
  gint64 end_us;
  gint64 cursor_before_us; /* how long before the end; NO_CURSOR */
  gboolean frozen;
};

G_DEFINE_FINAL_TYPE (InnGraphTime, inn_graph_time, G_TYPE_OBJECT)

enum
{
  CHANGED,
  RANGE_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
inn_graph_time_class_init (InnGraphTimeClass *klass)
{
  signals[CHANGED] = g_signal_new ("changed", INN_TYPE_GRAPH_TIME, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
  signals[RANGE_CHANGED] = g_signal_new ("range-changed", INN_TYPE_GRAPH_TIME, G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
inn_graph_time_init (InnGraphTime *self)
{
  self->end_us = g_get_monotonic_time ();
  self->cursor_before_us = NO_CURSOR;
}

static void
emit_changed (InnGraphTime *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

InnGraphTime *
inn_graph_time_new (gint64 range_us)
{
  InnGraphTime *self = g_object_new (INN_TYPE_GRAPH_TIME, NULL);

  self->range_us = range_us;
  return self;
}

void
inn_graph_time_set_range (InnGraphTime *self, gint64 range_us)
{
  g_return_if_fail (INN_IS_GRAPH_TIME (self));
  g_return_if_fail (range_us > 0);

  self->range_us = range_us;
  self->cursor_before_us = NO_CURSOR;
  g_signal_emit (self, signals[RANGE_CHANGED], 0);
  emit_changed (self);
}

gint64
inn_graph_time_get_range (InnGraphTime *self)
{
  g_return_val_if_fail (INN_IS_GRAPH_TIME (self), 1);

  return self->range_us;
}

void
inn_graph_time_set_frozen (InnGraphTime *self, gboolean frozen)
{
  g_return_if_fail (INN_IS_GRAPH_TIME (self));

  inn_graph_time_advance (self);
  self->frozen = frozen;
  inn_graph_time_advance (self);
}

gboolean
inn_graph_time_get_frozen (InnGraphTime *self)
{
  g_return_val_if_fail (INN_IS_GRAPH_TIME (self), FALSE);

  return self->frozen;
}

void
inn_graph_time_advance (InnGraphTime *self)
{
  g_return_if_fail (INN_IS_GRAPH_TIME (self));

  if (self->frozen)
    return;

  self->end_us = g_get_monotonic_time ();
  emit_changed (self);
}

gint64
inn_graph_time_get_end (InnGraphTime *self)
{
  g_return_val_if_fail (INN_IS_GRAPH_TIME (self), 0);

  return self->end_us;
}

void
inn_graph_time_set_cursor (InnGraphTime *self, gint64 time_us)
{
  g_return_if_fail (INN_IS_GRAPH_TIME (self));

  self->cursor_before_us = CLAMP (self->end_us - time_us, 0, self->range_us);
  emit_changed (self);
}

void
inn_graph_time_clear_cursor (InnGraphTime *self)
{
  g_return_if_fail (INN_IS_GRAPH_TIME (self));

  if (self->cursor_before_us == NO_CURSOR)
    return;

  self->cursor_before_us = NO_CURSOR;
  emit_changed (self);
}

gboolean
inn_graph_time_has_cursor (InnGraphTime *self)
{
  g_return_val_if_fail (INN_IS_GRAPH_TIME (self), FALSE);

  return self->cursor_before_us != NO_CURSOR;
}

gint64
inn_graph_time_get_cursor (InnGraphTime *self)
{
  g_return_val_if_fail (INN_IS_GRAPH_TIME (self), 0);

  return self->cursor_before_us == NO_CURSOR ? self->end_us : self->end_us - self->cursor_before_us;
}

gint64
inn_graph_time_get_cursor_real_time (InnGraphTime *self)
{
  g_return_val_if_fail (INN_IS_GRAPH_TIME (self), 0);

  return g_get_real_time () - (g_get_monotonic_time () - inn_graph_time_get_cursor (self));
}
