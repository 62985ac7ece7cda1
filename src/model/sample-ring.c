/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ring that grows by doubling up to its capacity, then forgets the oldest sample. */
#include "model/sample-ring.h"

#define INITIAL_ALLOCATION 64

struct _InnSampleRing
{
  InnSample *samples;
  guint capacity;
  guint allocated;
  guint start; /* 0 until the capacity is reached */
  guint length;
};

InnSampleRing *
inn_sample_ring_new (guint capacity)
{
  InnSampleRing *self;

  g_return_val_if_fail (capacity > 0 && capacity <= G_MAXINT / 2, NULL);

  self = g_new0 (InnSampleRing, 1);
  self->capacity = capacity;
  self->allocated = MIN (capacity, INITIAL_ALLOCATION);
  self->samples = g_new (InnSample, self->allocated);
  return self;
}

void
inn_sample_ring_free (InnSampleRing *self)
{
  if (self == NULL)
    return;
  g_free (self->samples);
  g_free (self);
}

static InnSample *
slot (const InnSampleRing *self, guint index)
{
  return &self->samples[(self->start + index) % self->allocated];
}

static void
make_room (InnSampleRing *self)
{
  if (self->length < self->allocated)
    return;

  if (self->allocated < self->capacity)
    {
      self->allocated = MIN (self->allocated * 2, self->capacity);
      self->samples = g_renew (InnSample, self->samples, self->allocated);
      return;
    }
  self->start = (self->start + 1) % self->allocated;
  self->length--;
}

void
inn_sample_ring_push (InnSampleRing *self, gint64 time_us, double value)
{
  g_return_if_fail (self != NULL);

  if (self->length > 0 && time_us < slot (self, self->length - 1)->time_us)
    return;

  make_room (self);
  *slot (self, self->length) = (InnSample){ .time_us = time_us, .value = value };
  self->length++;
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

  g_return_val_if_fail (self != NULL && index < self->length, none);

  return *slot (self, index);
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

      if (slot (self, middle)->time_us < time_us)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}
