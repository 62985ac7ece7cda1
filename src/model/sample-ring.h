/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSampleRing: a bounded series of samples, newest last, that is coarser the older it is. Pure.
 *
 * The newest samples are kept as they came. What is older is merged two by two, what is older still
 * by fours, and so on over several levels, each as long as the first; only the last level forgets.
 * A merged sample still says what those it is made of said: their mean over time and extremes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _InnSampleRing InnSampleRing;

typedef struct
{
  gint64 time_us;  /* monotonic */
  gint64 since_us; /* what it stands for begins here, the time of the sample before */
  double value;    /* NAN: a gap */
  double least, greatest;
} InnSample;

/* What a sample counts for in a mean over time; never nothing. */
static inline double
inn_sample_get_weight (const InnSample *sample)
{
  return (double)MAX (sample->time_us - sample->since_us, 1);
}

#define INN_SAMPLE_RING_LEVELS 8

/* Keeps almost all of the last @capacity samples as they came, and of steady ones the time of some
 * 2^INN_SAMPLE_RING_LEVELS times as many. */
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
