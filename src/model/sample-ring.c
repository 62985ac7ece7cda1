/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One ring a level, which grows by doubling up to the capacity. */
#include "model/sample-ring.h"

#include <math.h>

#define INITIAL_ALLOCATION 64

typedef struct
{
  InnSample *samples;
  guint allocated;
  guint start; /* 0 until the capacity is reached */
  guint length;
} Level;

struct _InnSampleRing
{
  guint capacity;                       /* of each level */
  guint length;                         /* of all levels */
  Level levels[INN_SAMPLE_RING_LEVELS]; /* the newest samples first */
};

InnSampleRing *
inn_sample_ring_new (guint capacity)
{
  InnSampleRing *self;

  g_return_val_if_fail (capacity > 1 && capacity <= G_MAXINT / 2 / INN_SAMPLE_RING_LEVELS, NULL);

  self = g_new0 (InnSampleRing, 1);
  self->capacity = capacity;
  return self;
}

void
inn_sample_ring_free (InnSampleRing *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < INN_SAMPLE_RING_LEVELS; i++)
    g_free (self->levels[i].samples);
  g_free (self);
}

static InnSample *
slot (const Level *level, guint index)
{
  return &level->samples[(level->start + index) % level->allocated];
}

static void
forget_oldest (Level *level, guint n)
{
  level->start = (level->start + n) % level->allocated;
  level->length -= n;
}

/* The two oldest of a level as one sample, or the oldest alone: a gap stays one between what was
 * known. Returns how many it stands for. */
static guint
merge_oldest (const Level *level, InnSample *ret_merged)
{
  const InnSample *a = slot (level, 0), *b = slot (level, 1);
  const double weight_a = inn_sample_get_weight (a), weight_b = inn_sample_get_weight (b);

  *ret_merged = *a;
  if (isnan (a->value) && isnan (b->value))
    return 2;
  if (isnan (a->value) || isnan (b->value))
    return 1;

  ret_merged->time_us = b->time_us;
  ret_merged->value = (a->value * weight_a + b->value * weight_b) / (weight_a + weight_b);
  ret_merged->least = MIN (a->least, b->least);
  ret_merged->greatest = MAX (a->greatest, b->greatest);
  return 2;
}

static void
grow (Level *level, guint capacity)
{
  level->allocated = MIN (MAX (level->allocated * 2, INITIAL_ALLOCATION), capacity);
  level->samples = g_renew (InnSample, level->samples, level->allocated);
}

/* Appends to one level; what it has no room for goes on to the next. */
static void
append (InnSampleRing *self, guint number, const InnSample *sample)
{
  Level *level = &self->levels[number];

  if (level->length == self->capacity)
    {
      InnSample merged;
      const guint n = merge_oldest (level, &merged);

      forget_oldest (level, n);
      self->length -= n;
      if (number + 1 < INN_SAMPLE_RING_LEVELS)
        append (self, number + 1, &merged);
    }
  else if (level->length == level->allocated)
    grow (level, self->capacity);

  *slot (level, level->length) = *sample;
  level->length++;
  self->length++;
}

void
inn_sample_ring_push (InnSampleRing *self, gint64 time_us, double value)
{
  InnSample sample = { time_us, time_us, value, value, value };

  g_return_if_fail (self != NULL);

  if (self->length > 0)
    sample.since_us = inn_sample_ring_get (self, self->length - 1).time_us;
  if (sample.since_us <= time_us)
    append (self, 0, &sample);
}

guint
inn_sample_ring_get_length (const InnSampleRing *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->length;
}

InnSample
inn_sample_ring_get (const InnSampleRing *self, guint index)
{
  const InnSample none = { 0 };
  guint number = INN_SAMPLE_RING_LEVELS - 1;

  g_return_val_if_fail (self != NULL && index < self->length, none);

  while (index >= self->levels[number].length)
    index -= self->levels[number--].length;
  return *slot (&self->levels[number], index);
}

guint
inn_sample_ring_find (const InnSampleRing *self, gint64 time_us)
{
  guint low = 0, high;

  g_return_val_if_fail (self != NULL, 0);

  high = self->length;
  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (inn_sample_ring_get (self, middle).time_us < time_us)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}
