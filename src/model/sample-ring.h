/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSampleRing: a bounded series of (time, value), newest last. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _InnSampleRing InnSampleRing;

typedef struct
{
  gint64 time_us; /* monotonic */
  double value;   /* NAN: a gap */
} InnSample;

/* Keeps at least the last @capacity samples. */
InnSampleRing *inn_sample_ring_new (guint capacity);
void inn_sample_ring_free (InnSampleRing *self);
/* Times must not go back; one that does is dropped. */
void inn_sample_ring_push (InnSampleRing *self, gint64 time_us, double value);
guint inn_sample_ring_get_length (const InnSampleRing *self);
/* @index: 0 is the oldest. */
InnSample inn_sample_ring_get (const InnSampleRing *self, guint index);
/* Index of the first sample at or after @time_us; the length when there is none. */
guint inn_sample_ring_find (const InnSampleRing *self, gint64 time_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnSampleRing, inn_sample_ring_free)

G_END_DECLS
